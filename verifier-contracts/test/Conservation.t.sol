// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

/// @dev Drives a rollup at random and keeps its own books. Every batch is one of a market: a Submit, a Settle that pays a
/// job's escrow out inside the ledger, and a Withdraw. Only the last of them may ever move money on L1.
contract Actor is Deployed {
    /// @dev Events of a batch.
    uint32 private constant SUBMIT = 0;
    uint32 private constant SETTLE = 1;
    uint32 private constant WITHDRAW = 2;

    uint256 public deposited;
    uint256 public claimed;
    uint256 public funded;
    uint256 public rewarded;
    uint256 public promised; // by committed withdrawals
    uint256 public stolen; // moves that had to fail and did not
    BatchInfo[] private _batches;
    bytes[3][] private _events;

    constructor() {
        super.setUp();
        _batches.push(_genesis());
        _events.push();
    }

    /// @dev Not a move.
    function setUp() public override {}

    function depositSome(uint64 units) external {
        units = 1 + units % 1e12;
        _deposit(units);
        deposited += units;
    }

    function fund(uint64 amount) external {
        rollup.fundRewards(amount % 1e12);
        funded += amount % 1e12;
    }

    function commit(uint64 units, uint24 job, uint32 root) external {
        if (deposited == promised) return;
        units = uint64(1 + units % (deposited - promised));
        bytes[3] memory events =
            [_submit(job, bytes32(uint256(root))), _settle(job, _output(job)), _withdraw(units, ALICE)];
        bytes memory l2 = abi.encodePacked(_transfer(), events[0], events[1], events[2]);
        uint32[] memory o = new uint32[](3);
        (o[0], o[1], o[2]) = (2, 5, 7);
        vm.warp(block.timestamp + 12);
        vm.roll(block.number + 1);
        vm.prevrandao(keccak256(abi.encode(block.number)));
        BatchInfo memory parent = _batches[_batches.length - 1];
        Counts memory c = _counts(parent, 7, 3);
        bytes memory tail = _tail(parent);
        _commit(parent, c, l2, o);
        bytes32 eventsRoot = _node(_node(_leaf(0, events[0]), _leaf(1, events[1])), _leaf(2, events[2]));
        BatchInfo memory info = _record(parent, c.time, abi.encodePacked(_header(c), l2, tail), eventsRoot);
        vm.assertEq(rollup.batchHash(info.number), keccak256(abi.encode(info)));
        _batches.push(info);
        _events.push(events);
        promised += units;
    }

    /// @dev Records the beacon of a batch's Submit, unless it has one.
    function beacon(uint256 n) external {
        n = 1 + n % _batches.length;
        if (n == _batches.length) return;
        (uint24 job, bytes32 root) = _submitted(_events[n][SUBMIT]);
        uint256 target = rollup.beaconBlock(job, root);
        if (block.number <= target) vm.roll(target + 1);
        bytes memory header = _l1Header(target, keccak256(abi.encode(target, "mix")));
        vm.setBlockhash(target, keccak256(header));
        uint64 before = rollup.beaconsQueued();
        try rollup.recordBeacon(job, root, header) {
            vm.assertEq(rollup.beaconsQueued(), before + 1);
        } catch {
            vm.assertEq(rollup.beaconsQueued(), before);
        }
    }

    function revertLast() external {
        uint256 n = _batches.length - 1;
        if (n <= rollup.provenBatch()) return;
        vm.prank(OPERATOR);
        rollup.revertBatches(_batches[n - 1]);
        promised -= _units(_events[n][WITHDRAW]);
        _batches.pop();
        _events.pop();
    }

    /// @dev Proves the next batches, up to three at once.
    function prove(uint256 n) external {
        uint256 first = rollup.provenBatch() + 1;
        if (first >= _batches.length) return;
        n = 1 + n % 3;
        if (first + n > _batches.length) n = _batches.length - first;
        BatchInfo[] memory range = new BatchInfo[](n);
        for (uint256 i = 0; i < n; i++) {
            range[i] = _batches[first + i];
        }
        uint256 before = rollup.rewardPool();
        double.accept(abi.encodePacked(_instances(range, rollup.stateRoot(), NEW_ROOT, PAYEE), PROOF));
        rollup.proveBatches(range, LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        rewarded += before - rollup.rewardPool();
    }

    function claim(uint256 n) external {
        uint256 proven = rollup.provenBatch();
        if (proven == 0) return;
        n = 1 + n % proven;
        if (rollup.isClaimed(uint64(n), WITHDRAW)) return;
        rollup.claim(_batches[n], WITHDRAW, _events[n][WITHDRAW], _path(n, WITHDRAW));
        claimed += _units(_events[n][WITHDRAW]);
    }

    function publish(uint256 n) external {
        uint256 proven = rollup.provenBatch();
        if (proven == 0) return;
        n = 1 + n % proven;
        rollup.publishOutput(_batches[n], SETTLE, _events[n][SETTLE], _path(n, SETTLE));
        (uint24 job,) = _submitted(_events[n][SETTLE]);
        vm.assertEq(rollup.outputRoot(job), _output(job));
    }

    /// @dev Tries to be paid for what is no withdrawal, not proven, or paid already.
    function steal(uint256 n, uint32 index) external {
        n = 1 + n % _batches.length;
        if (n == _batches.length) return;
        index %= 3;
        bool due = index == WITHDRAW && n <= rollup.provenBatch() && !rollup.isClaimed(uint64(n), index);
        if (due) return;
        try rollup.claim(_batches[n], index, _events[n][index], _path(n, index)) {
            stolen++;
        } catch {}
    }

    function books()
        external
        view
        returns (uint256 balance, uint256 escrowed, uint256 pool, uint256 paid, uint256 rewards)
    {
        return (
            token.balanceOf(address(rollup)),
            rollup.escrowed(),
            rollup.rewardPool(),
            token.balanceOf(ALICE),
            token.balanceOf(PAYEE)
        );
    }

    /// @dev A job has one output.
    function _output(uint24 job) private pure returns (bytes32) {
        return bytes32(uint256(job) + 1);
    }

    function _path(uint256 n, uint32 index) private view returns (bytes32[] memory path) {
        bytes32[3] memory leaves = [_leaf(0, _events[n][0]), _leaf(1, _events[n][1]), _leaf(2, _events[n][2])];
        if (index == 2) {
            path = new bytes32[](1);
            path[0] = _node(leaves[0], leaves[1]);
        } else {
            path = new bytes32[](2);
            (path[0], path[1]) = (leaves[1 - index], leaves[2]);
        }
    }

    function _submitted(bytes memory submit) private pure returns (uint24 job, bytes32 root) {
        assembly ("memory-safe") {
            job := and(shr(64, mload(add(submit, 0x20))), 0xffffff)
            // Its roots are below 2^32: the last half, limb 4 of the second block.
            root := and(shr(200, mload(add(submit, 116))), 0xffffffff)
        }
    }

    function _units(bytes memory withdraw) private pure returns (uint256) {
        uint256 a;
        assembly ("memory-safe") {
            a := mload(add(withdraw, 0x20))
        }
        return uint256(uint32(a >> 144)) << 32 | uint32(a >> 88);
    }
}

/// @dev Escrow = liabilities, after every call.
contract ConservationTest {
    Actor private _actor;

    function setUp() public {
        _actor = new Actor();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_everyUnitIsAccountedFor() public view {
        (uint256 balance, uint256 escrowed, uint256 pool, uint256 paid, uint256 rewards) = _actor.books();
        vm.assertEq(escrowed, _actor.deposited() - _actor.claimed());
        vm.assertEq(pool, _actor.funded() - _actor.rewarded());
        vm.assertEq(balance, escrowed * 1e9 + pool);
        vm.assertEq(paid, _actor.claimed() * 1e9);
        vm.assertEq(rewards, _actor.rewarded());
        vm.assertEq(_actor.stolen(), 0);
    }
}
