// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Beacons} from "../src/Beacons.sol";
import {Rollup} from "../src/Rollup.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract BeaconsTest is Deployed {
    bytes32 private constant TRACE =
        bytes32(uint256(0xfffffffe) << 224 | uint256(7) << 192 | uint256(8) << 64 | 9);
    bytes32 private constant MIX = keccak256("mix");
    uint256 private _target;

    function setUp() public override {
        super.setUp();
        vm.prevrandao(keccak256("the commit's own mix"));
        Counts memory c = _counts(_genesis(), 3, 1);
        _commit(_genesis(), c, _submit(0x123456, TRACE), _offsets(1));
        _target = block.number + DELAY;
        vm.assertEq(rollup.beaconBlock(0x123456, TRACE), _target);
    }

    function _mine(bytes32 mix) private returns (bytes memory header) {
        return _mineBeacon(_target, mix);
    }

    function _refuse(uint24 job, bytes32 trace, bytes memory header, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        rollup.recordBeacon(job, trace, header);
    }

    function test_recordsOnceAndEntersTheNextBatch() public {
        bytes memory header = _mine(MIX);
        rollup.recordBeacon(0x123456, TRACE, header);
        Beacons.BeaconRecord memory r = rollup.beaconRecord(0);
        bytes28 beacon = bytes28(
            keccak256(abi.encodePacked("janction/beacon/1", block.chainid, uint24(0x123456), TRACE, MIX))
        );
        vm.assertEq(bytes32(r.beacon), bytes32(beacon));
        vm.assertEq(
            rollup.beaconQueueHash(),
            keccak256(abi.encodePacked(bytes32(0), beacon, uint24(0x123456), TRACE, uint64(block.timestamp)))
        );
        _refuse(0x123456, TRACE, header, Beacons.BeaconAlreadyRecorded.selector);

        // Reverts of the batch leave the record and the block.
        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        vm.assertEq(rollup.beaconBlock(0x123456, TRACE), _target);
        Counts memory c = _counts(_genesis(), 0, 0);
        _commit(_genesis(), c, "", _offsets(0));
        BatchInfo memory info =
            _record(_genesis(), c.time, abi.encodePacked(_header(c), _tail(_genesis())), 0);
        vm.assertEq(rollup.batchHash(1), keccak256(abi.encode(info)));
    }

    function test_aBatchConsumesOlderRecords() public {
        rollup.recordBeacon(0x123456, TRACE, _mine(MIX));
        vm.warp(block.timestamp + 1);
        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        Counts memory c = _counts(_genesis(), 0, 0);
        c.beaconCount = 0;
        bytes memory committed = _header(c);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.LeftBehind.selector);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(0), 0, 0);
    }

    function test_refusesOthers() public {
        _refuse(0x123456, TRACE, "", Beacons.BeaconNotYet.selector);
        bytes memory header = _mine(MIX);
        _refuse(0x123457, TRACE, header, Beacons.UnknownSubmit.selector);
        _refuse(0x123456, DIGEST, header, Beacons.UnknownSubmit.selector);
        _refuse(0x123456, TRACE, _l1Header(_target, keccak256("chosen")), Beacons.WrongHeader.selector);
        vm.roll(_target + 9000);
        _refuse(0x123456, TRACE, header, Beacons.BeaconTooOld.selector);
    }

    /// @dev From 257 blocks back on, the hash comes from the history contract of EIP-2935.
    function test_reachesBackThroughTheHistoryContract() public {
        bytes memory header = _mine(MIX);
        vm.roll(_target + 8191);
        _refuse(0x123456, TRACE, header, Beacons.BeaconTooOld.selector); // no such contract here
        // PUSH0 SLOAD PUSH0 MSTORE PUSH1 32 PUSH0 RETURN: answers with its first slot.
        address history = 0x0000F90827F1C53a10cb7A02335B175320002935;
        vm.etch(history, hex"5f545f5260205ff3");
        vm.store(history, 0, keccak256("of another block"));
        _refuse(0x123456, TRACE, header, Beacons.WrongHeader.selector);
        vm.store(history, 0, keccak256(header));
        rollup.recordBeacon(0x123456, TRACE, header);
        vm.assertEq(rollup.beaconsQueued(), 1);
    }

    /// @dev Its record could never be consumed, and so nothing after it.
    function test_refusesATraceRootThatIsNoDigest() public {
        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        for (uint256 i = 0; i < 4; i++) {
            bytes32 trace = TRACE | bytes32(uint256(0xffffffff00000001) << (64 * i));
            bytes memory committed =
                abi.encodePacked(_header(_counts(_genesis(), 3, 1)), _submit(0x123456, trace));
            vm.prank(OPERATOR);
            vm.expectPartialRevert(Beacons.NonCanonicalTraceRoot.selector);
            rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), 0, 0);
        }
    }

    function test_refusesConstantRandomness() public {
        _refuse(
            0x123456, TRACE, _mine(keccak256("the commit's own mix")), Beacons.ConstantRandomness.selector
        );
    }

    function test_theDelayIsLongOnRealChains() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(Beacons.BeaconDelayTooShort.selector, 127));
        new Rollup(token, wrapper, OPERATOR, GENESIS, AGE, REWARD, 127);
        vm.assertEq(new Rollup(token, wrapper, OPERATOR, GENESIS, AGE, REWARD, 128).beaconDelay(), 128);
    }
}
