// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

/// @dev Drives a rollup at random: every move is one that succeeds, and keeps its own books.
contract Actor is Deployed {
    uint256 public deposited;
    uint256 public claimed;
    uint256 public funded;
    uint256 public rewarded;
    uint256 public promised; // by committed withdrawals
    BatchInfo[] private _batches;
    bytes[] private _withdrawals;
    bytes32[] private _none;

    constructor() {
        super.setUp();
        _batches.push(_genesis());
        _withdrawals.push("");
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

    function commit(uint64 units) external {
        if (deposited == promised) return;
        units = uint64(1 + units % (deposited - promised));
        bytes memory withdraw = _withdraw(units, ALICE);
        vm.warp(block.timestamp + 12);
        _batches.push(_commitWithdraw(_batches[_batches.length - 1], withdraw));
        _withdrawals.push(withdraw);
        promised += units;
    }

    function revertLast() external {
        uint256 n = _batches.length - 1;
        if (n <= rollup.provenBatch()) return;
        vm.prank(OPERATOR);
        rollup.revertBatches(_batches[n - 1]);
        promised -= _units(_withdrawals[n]);
        _batches.pop();
        _withdrawals.pop();
    }

    function prove() external {
        uint256 n = rollup.provenBatch() + 1;
        if (n >= _batches.length) return;
        uint256 before = rollup.rewardPool();
        _prove(_batches[n]);
        rewarded += before - rollup.rewardPool();
    }

    function claim(uint256 n) external {
        uint256 proven = rollup.provenBatch();
        if (proven == 0) return;
        n = 1 + n % proven;
        if (rollup.isClaimed(uint64(n), 0)) return;
        rollup.claim(_batches[n], 0, _withdrawals[n], _none);
        claimed += _units(_withdrawals[n]);
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
    }
}
