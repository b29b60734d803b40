// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {BatchInfo} from "../../src/BatchInfo.sol";
import {Beacons} from "../../src/Beacons.sol";
import {JCT} from "../../src/JCT.sol";
import {Rollup} from "../../src/Rollup.sol";
import {VerifierWrapper} from "../../src/VerifierWrapper.sol";
import {VerifierDouble} from "./VerifierDouble.sol";
import {vm} from "./Vm.sol";

/// @dev A deployment, and batches for it.
abstract contract Deployed {
    uint256 internal constant P = 0xffffffff00000001;
    address internal constant OPERATOR = address(0xc0);
    address internal constant ALICE = address(0xa11ce);
    address internal constant PAYEE = address(0x1234567890AbcdEF1234567890aBcdef12345678);
    uint256 internal constant AGE = 1 hours;
    uint256 internal constant REWARD = 3e9;
    uint256 internal constant DELAY = 3;
    bytes internal constant PROOF = hex"0102030405060708";
    bytes32 internal constant GENESIS = bytes32(uint256(1) << 192 | 2 << 128 | 3 << 64 | 4);
    bytes32 internal constant DIGEST = bytes32(uint256(11) << 192 | 12 << 128 | 13 << 64 | 14);
    bytes32 internal constant LIST_DIGEST = bytes32(uint256(21) << 192 | 22 << 128 | 23 << 64 | 24);
    bytes32 internal constant NEW_ROOT = bytes32(uint256(31) << 192 | 32 << 128 | 33 << 64 | 34);

    IERC20 internal token;
    VerifierDouble internal double;
    VerifierWrapper internal wrapper;
    Rollup internal rollup;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        vm.chainId(31_337);
        _deploy(IERC20(new JCT(address(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        double = new VerifierDouble();
        wrapper = new VerifierWrapper(address(double), PROOF.length, bytes32(uint256(5)), true);
        rollup = new Rollup(token, wrapper, OPERATOR, GENESIS, AGE, REWARD, DELAY);
        token.approve(address(rollup), type(uint256).max);
    }

    function _key() internal pure returns (uint64[5] memory) {
        return [uint64(KEY_0), 0, 0, 0, 0];
    }

    uint64 internal constant KEY_0 = 4;

    function _deposit(uint256 units) internal {
        rollup.deposit(_key(), 0, units * 1e9);
    }

    struct Counts {
        uint64 number;
        uint64 time;
        uint256 l2Blocks;
        uint256 firstL1;
        uint256 l1Count;
        uint256 firstBeacon;
        uint256 beaconCount;
        uint256 events;
    }

    /// @dev The header of the batch after `parent`, over these L2 blocks, consuming all that is queued.
    function _counts(BatchInfo memory parent, uint256 l2Blocks, uint256 events)
        internal
        view
        returns (Counts memory c)
    {
        c.number = parent.number + 1;
        c.time = uint64(block.timestamp);
        c.l2Blocks = l2Blocks;
        c.firstL1 = parent.l1End;
        c.l1Count = rollup.l1Queued() - parent.l1End;
        c.firstBeacon = parent.beaconEnd;
        c.beaconCount = rollup.beaconsQueued() - parent.beaconEnd;
        c.events = events;
    }

    function _header(Counts memory c) internal pure returns (bytes memory) {
        uint256 length = 56 * (1 + c.l2Blocks + 2 * c.l1Count + 2 * c.beaconCount);
        return abi.encodePacked(
            abi.encodePacked(uint8(1), uint8(1), uint40(length), uint56(c.number), uint56(c.time)),
            abi.encodePacked(uint24(c.l2Blocks), uint24(0x42), uint8(0)),
            abi.encodePacked(
                uint40(c.firstL1), uint16(c.l1Count), uint40(c.firstBeacon), uint16(c.beaconCount)
            ),
            abi.encodePacked(uint16(c.events), uint40(0), uint56(0))
        );
    }

    function _withdraw(uint64 units, address to) internal pure returns (bytes memory) {
        uint160 a = uint160(to);
        return abi.encodePacked(
            abi.encodePacked(
                uint8(0x21), uint48(9), uint24(1), uint32(units >> 32), uint24(0), uint32(units)
            ),
            abi.encodePacked(uint8(0), uint48(a >> 112), uint56(a >> 56), uint56(a), uint56(0), uint56(0))
        );
    }

    function _transfer() internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x20), uint48(9), bytes32(uint256(7)), bytes17(0));
    }

    function _halves(uint256 x, uint256 first, uint256 n) internal pure returns (bytes memory out) {
        for (uint256 k = first; k < first + n; k++) {
            out = abi.encodePacked(out, uint24(0), uint32(x >> (224 - 32 * k)));
        }
    }

    function _submit(uint24 job, bytes32 traceRoot) internal pure returns (bytes memory) {
        return abi.encodePacked(
            abi.encodePacked(
                uint8(0x34),
                uint48(9),
                uint56(0),
                uint56(0),
                job,
                uint32(0),
                _halves(uint256(traceRoot), 0, 4)
            ),
            abi.encodePacked(uint8(0xff), uint48(0), _halves(uint256(traceRoot), 4, 4), bytes21(0)),
            abi.encodePacked(uint8(0xff), uint48(0), bytes32(0), bytes17(0))
        );
    }

    function _settle(uint24 job, bytes32 outputRoot) internal pure returns (bytes memory) {
        return abi.encodePacked(
            abi.encodePacked(
                uint8(0x35),
                uint48(9),
                uint56(0),
                uint56(0),
                job,
                uint32(0),
                _halves(uint256(outputRoot), 0, 4)
            ),
            abi.encodePacked(uint8(0xff), uint48(0), _halves(uint256(outputRoot), 4, 4), bytes21(0))
        );
    }

    function _genesis() internal pure returns (BatchInfo memory g) {}

    function _offsets(uint256 n) internal pure returns (uint32[] memory o) {
        o = new uint32[](n);
        for (uint256 i = 0; i < n; i++) {
            o[i] = uint32(1 + i);
        }
    }

    /// @dev Commits one block for each event; what the contract must have recorded is rebuilt here by itself.
    function _commit(BatchInfo memory parent, bytes memory l2, uint32[] memory offsets) internal {
        Counts memory c = _counts(parent, l2.length / 56, offsets.length);
        _commit(parent, c, l2, offsets);
    }

    function _commit(BatchInfo memory parent, Counts memory c, bytes memory l2, uint32[] memory offsets)
        internal
    {
        bytes memory committed = abi.encodePacked(_header(c), l2);
        bytes32 l1 = rollup.l1QueueHash();
        bytes32 beacons = rollup.beaconQueueHash();
        vm.prank(OPERATOR);
        rollup.commitBatch(parent, committed, DIGEST, offsets, l1, beacons);
    }

    function _reward() internal {
        rollup.fundRewards(100 * REWARD);
    }

    /// @dev Slow and simple: element by element, every step reduced.
    function _horner(uint256[] memory elements, uint256 r0, uint256 r1)
        internal
        pure
        returns (uint256 f0, uint256 f1)
    {
        for (uint256 i = 0; i < elements.length; i++) {
            uint256 g0 = addmod(mulmod(f0, r0, P), mulmod(7, mulmod(f1, r1, P), P), P);
            f1 = addmod(mulmod(f0, r1, P), mulmod(f1, r0, P), P);
            f0 = addmod(g0, elements[i], P);
        }
    }

    function _limbs(bytes memory stream) internal pure returns (uint256[] memory limbs) {
        limbs = new uint256[](stream.length / 7);
        for (uint256 i = 0; i < stream.length; i++) {
            limbs[i / 7] = limbs[i / 7] << 8 | uint8(stream[i]);
        }
    }

    /// @dev The public inputs for this range, computed from docs/protocol.md and not with the contract's libraries.
    function _instances(BatchInfo[] memory range, bytes32 oldRoot, bytes32 newRoot, address payee)
        internal
        view
        returns (uint256[23] memory x)
    {
        uint256[] memory list = new uint256[](8 * range.length);
        bytes memory packed;
        for (uint256 i = 0; i < range.length; i++) {
            for (uint256 k = 0; k < 4; k++) {
                list[8 * i + k] = uint64(uint256(range[i].digest) >> (192 - 64 * k));
                list[8 * i + 4 + k] = uint64(uint256(range[i].evaluation) >> (192 - 64 * k));
            }
            packed = abi.encodePacked(packed, range[i].digest, range[i].evaluation);
        }
        bytes32 h = keccak256(
            abi.encodePacked("janction/r*/1", LIST_DIGEST, keccak256(packed), block.chainid, address(rollup))
        );
        for (uint256 k = 0; k < 4; k++) {
            x[k] = uint64(uint256(oldRoot) >> (192 - 64 * k));
            x[4 + k] = uint64(uint256(newRoot) >> (192 - 64 * k));
            x[8 + k] = uint64(uint256(LIST_DIGEST) >> (192 - 64 * k));
        }
        x[12] = uint64(uint256(h) >> 192) % P;
        x[13] = uint64(uint256(h) >> 128) % P;
        (x[14], x[15]) = _horner(list, x[12], x[13]);
        x[16] = uint160(payee) >> 112;
        x[17] = uint56(uint160(payee) >> 56);
        x[18] = uint56(uint160(payee));
        x[19] = block.chainid;
        x[20] = uint160(address(rollup)) >> 112;
        x[21] = uint56(uint160(address(rollup)) >> 56);
        x[22] = uint56(uint160(address(rollup)));
    }

    function _record(BatchInfo memory parent, uint64 time, bytes memory stream, bytes32 eventsRoot)
        internal
        view
        returns (BatchInfo memory)
    {
        return _record(parent, time, stream, DIGEST, eventsRoot);
    }

    /// @dev The record that the contract must make of a batch with this stream that has consumed all that is queued.
    function _record(
        BatchInfo memory parent,
        uint64 time,
        bytes memory stream,
        bytes32 digest,
        bytes32 eventsRoot
    ) internal view returns (BatchInfo memory info) {
        info.number = parent.number + 1;
        info.time = time;
        info.l1End = rollup.l1Queued();
        info.beaconEnd = rollup.beaconsQueued();
        info.l1QueueHash = rollup.l1QueueHash();
        info.beaconQueueHash = rollup.beaconQueueHash();
        info.streamHash = keccak256(stream);
        info.digest = digest;
        bytes32 h = keccak256(
            abi.encodePacked("janction/r/1", digest, info.streamHash, block.chainid, address(rollup))
        );
        uint256 r0 = uint64(uint256(h) >> 192) % P;
        uint256 r1 = uint64(uint256(h) >> 128) % P;
        (uint256 f0, uint256 f1) = _horner(_limbs(stream), r0, r1);
        info.evaluation = bytes32(r0 << 192 | r1 << 128 | f0 << 64 | f1);
        info.eventsRoot = eventsRoot;
    }

    function _one(BatchInfo memory info) internal pure returns (BatchInfo[] memory range) {
        range = new BatchInfo[](1);
        range[0] = info;
    }

    function _leaf(uint32 i, bytes memory eventBlocks) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(i, eventBlocks));
    }

    function _node(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(abi.encodePacked(a, b)) : keccak256(abi.encodePacked(b, a));
    }

    /// @dev Commits a batch that only withdraws, and returns its record.
    function _commitWithdraw(BatchInfo memory parent, bytes memory withdraw)
        internal
        returns (BatchInfo memory info)
    {
        Counts memory c = _counts(parent, 1, 1);
        _commit(parent, c, withdraw, _offsets(1));
        bytes memory stream = abi.encodePacked(_header(c), withdraw);
        info = _record(parent, c.time, abi.encodePacked(stream, _tail(parent)), _leaf(0, withdraw));
        vm.assertEq(rollup.batchHash(info.number), keccak256(abi.encode(info)));
    }

    /// @dev Everything that is queued behind `parent`, as the contract appends it.
    function _tail(BatchInfo memory parent) internal view returns (bytes memory blocks) {
        for (uint256 i = parent.l1End; i < rollup.l1Queued(); i++) {
            blocks = abi.encodePacked(blocks, _depositBlocks(i));
        }
        for (uint256 i = parent.beaconEnd; i < rollup.beaconsQueued(); i++) {
            blocks = abi.encodePacked(blocks, _beaconBlocks(i));
        }
    }

    function _beaconBlocks(uint256 i) internal view returns (bytes memory) {
        Beacons.BeaconRecord memory r = rollup.beaconRecord(i);
        return abi.encodePacked(
            abi.encodePacked(uint8(0x11), uint48(0), uint56(r.time >> 32), uint56(uint32(r.time)), r.job),
            abi.encodePacked(uint32(uint256(r.traceRoot) >> 224), r.beacon, uint8(0xff), uint48(0)),
            _halves(uint256(r.traceRoot), 1, 7)
        );
    }

    /// @dev Mines on to the block behind `target`, whose RANDAO mix is `mix`; returns that block's header.
    function _mineBeacon(uint256 target, bytes32 mix) internal returns (bytes memory header) {
        header = _l1Header(target, mix);
        vm.roll(target + 1);
        vm.warp(block.timestamp + 48);
        vm.setBlockhash(target, keccak256(header));
    }

    function _l1Header(uint256 number, bytes32 mix) internal pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](16);
        for (uint256 i = 0; i < 16; i++) {
            fields[i] = i == 13 ? RLP.encode(mix) : RLP.encode(i == 8 ? number : 1000 + i);
        }
        return RLP.encode(fields);
    }

    function _depositBlocks(uint256 i) internal view returns (bytes memory) {
        uint256 key = uint256(rollup.l1Operation(i).key);
        uint256 rest = uint256(rollup.l1Operation(i).rest);
        return abi.encodePacked(
            abi.encodePacked(
                uint8(0x10),
                uint48(0),
                uint24(rest >> 168),
                uint32(rest >> 136),
                uint24(0),
                uint32(rest >> 104)
            ),
            _halves(key, 0, 5),
            abi.encodePacked(uint8(0xff), uint48(0), _halves(key, 5, 3), _halves(rest, 0, 2), bytes14(0))
        );
    }

    function _prove(BatchInfo memory info) internal {
        bytes32 oldRoot = rollup.stateRoot();
        double.accept(abi.encodePacked(_instances(_one(info), oldRoot, NEW_ROOT, PAYEE), PROOF));
        rollup.proveBatches(_one(info), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
    }
}
