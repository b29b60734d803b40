// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Escrow} from "../src/Escrow.sol";
import {Rollup} from "../src/Rollup.sol";
import {OutputReader} from "./support/OutputReader.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract ClaimTest is Deployed {
    BatchInfo private _info;
    bytes32[] private _leaves;
    bytes[3] private _events;
    bytes32[] private _none;
    bytes32 private constant OUTPUT =
        bytes32(uint256(0xffffffff) << 224 | uint256(41) << 128 | uint256(42) << 64 | 43);

    /// @dev Three events (a Withdraw, a Settle, a Withdraw) behind a transfer.
    function setUp() public override {
        super.setUp();
        _deposit(100);
        _events = [_withdraw(5, ALICE), _settle(77, OUTPUT), _withdraw(6, PAYEE)];
        bytes memory l2 = abi.encodePacked(_transfer(), _events[0], _events[1], _events[2]);
        uint32[] memory o = new uint32[](3);
        (o[0], o[1], o[2]) = (2, 3, 5);
        Counts memory c = _counts(_genesis(), 5, 3);
        _commit(_genesis(), c, l2, o);
        for (uint32 i = 0; i < 3; i++) {
            _leaves.push(_leaf(i, _events[i]));
        }
        bytes memory stream = abi.encodePacked(_header(c), l2, _depositBlocks(0));
        _info = _record(_genesis(), c.time, stream, _node(_node(_leaves[0], _leaves[1]), _leaves[2]));
        vm.assertEq(rollup.batchHash(1), keccak256(abi.encode(_info)));
    }

    function _path(uint256 index) private view returns (bytes32[] memory path) {
        if (index == 2) {
            path = new bytes32[](1);
            path[0] = _node(_leaves[0], _leaves[1]);
        } else {
            path = new bytes32[](2);
            path[0] = _leaves[1 - index];
            path[1] = _leaves[2];
        }
    }

    function _claim(uint32 i) private {
        rollup.claim(_info, i, _events[i], _path(i));
    }

    function test_paysEachOnceAfterTheProof() public {
        vm.expectPartialRevert(Rollup.NotProven.selector);
        _claim(0);
        _prove(_info);
        _claim(2);
        vm.assertEq(token.balanceOf(PAYEE), 6e9);
        _claim(0);
        vm.assertEq(token.balanceOf(ALICE), 5e9);
        vm.assertEq(rollup.escrowed(), 89);
        vm.assertTrue(rollup.isClaimed(1, 0) && rollup.isClaimed(1, 2) && !rollup.isClaimed(1, 1));
        vm.expectRevert(abi.encodeWithSelector(Rollup.AlreadyClaimed.selector, 1, 0));
        _claim(0);
    }

    function test_refusesWhatIsNotThere() public {
        _prove(_info);
        vm.expectPartialRevert(Rollup.NotAWithdraw.selector);
        _claim(1);
        vm.expectPartialRevert(Rollup.UnknownEvent.selector);
        rollup.claim(_info, 1, _events[0], _path(0));
        vm.expectPartialRevert(Rollup.UnknownEvent.selector);
        rollup.claim(_info, 0, _withdraw(99, ALICE), _path(0));
        vm.expectPartialRevert(Rollup.UnknownEvent.selector);
        rollup.claim(_info, 0, _events[0], _none);
        _info.eventsRoot = _leaf(0, _withdraw(99, ALICE));
        vm.expectPartialRevert(Rollup.UnknownBatch.selector);
        rollup.claim(_info, 0, _withdraw(99, ALICE), _none);
    }

    function test_publishesOutputs() public {
        vm.expectPartialRevert(Rollup.NotProven.selector);
        rollup.publishOutput(_info, 1, _events[1], _path(1));
        _prove(_info);
        vm.assertEq(rollup.outputRoot(77), bytes32(0));
        OutputReader reader = new OutputReader(rollup, 77);
        vm.expectRevert(abi.encodeWithSelector(OutputReader.NotPublished.selector, 77));
        reader.take();
        rollup.publishOutput(_info, 1, _events[1], _path(1));
        vm.assertEq(rollup.outputRoot(77), OUTPUT);
        vm.assertEq(reader.take(), OUTPUT);
        vm.assertEq(reader.taken(), OUTPUT);
        vm.assertEq(rollup.outputRoot(78), bytes32(0));
        vm.expectPartialRevert(Rollup.NotASettle.selector);
        rollup.publishOutput(_info, 0, _events[0], _path(0));
    }

    /// @dev Were a proof ever false, it could still not pay out more than there is.
    function test_neverPaysMoreThanTheEscrow() public {
        bytes memory tooMuch = _withdraw(101, ALICE);
        BatchInfo memory second = _commitWithdraw(_info, tooMuch);
        _prove(_info);
        _prove(second);
        vm.expectRevert(abi.encodeWithSelector(Escrow.EscrowTooSmall.selector, 100, 101));
        rollup.claim(second, 0, tooMuch, _none);
    }

    function testFuzz_parsesEveryAmountAndAddress(uint64 units, address to) public {
        vm.assume(to != address(0) && to != address(rollup));
        units = 1 + units % 0.8e18; // the supply is 10^18 units
        _deposit(units);
        uint256 before = token.balanceOf(to);
        bytes memory withdraw = _withdraw(units, to);
        BatchInfo memory second = _commitWithdraw(_info, withdraw);
        _prove(_info);
        _prove(second);
        rollup.claim(second, 0, withdraw, _none);
        vm.assertEq(token.balanceOf(to) - before, uint256(units) * 1e9);
    }
}
