// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BatchInfo} from "../src/BatchInfo.sol";
import {Escrow} from "../src/Escrow.sol";
import {L1Queue} from "../src/L1Queue.sol";
import {Rollup} from "../src/Rollup.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

/// @dev Keeps a hundredth of every transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1e27);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0), value / 100);
    }
}

/// @dev Answers transfers with false and moves nothing.
contract LyingToken is ERC20("Lie", "LIE") {
    constructor() {
        _mint(msg.sender, 1e27);
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Calls back into the rollup while it moves, and refuses one receiver.
contract HostileToken is ERC20("Hostile", "HOST") {
    address public target;
    bytes public attack;
    bool public reentered;
    bytes public answer;
    address public refused;

    constructor() {
        _mint(msg.sender, 1e27);
    }

    function arm(address target_, bytes calldata attack_) external {
        (target, attack) = (target_, attack_);
    }

    function refuse(address receiver) external {
        refused = receiver;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(to != refused || to == address(0), "refused");
        super._update(from, to, value);
        if (target != address(0)) (reentered, answer) = target.call(attack);
    }
}

contract EscrowTest is Deployed {
    bytes32[] private _none;

    function test_refusesAmounts() public {
        uint256[4] memory wrong = [0, uint256(1), 1e9 + 1, uint256(1 << 62) * 1e9];
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(Escrow.InvalidAmount.selector, wrong[i]));
            rollup.deposit(_key(), 0, wrong[i]);
        }
    }

    function test_refusesMoreThanTheLedgerCanHold() public {
        _deposit(1e18);
        vm.assertEq(rollup.escrowed(), 1e18);
        vm.expectRevert(abi.encodeWithSelector(Escrow.EscrowFull.selector, 1e18, uint256(1 << 62) - 1e18));
        rollup.deposit(_key(), 0, (uint256(1 << 62) - 1e18) * 1e9);
    }

    function test_refusesKeysThatAreNone() public {
        vm.expectPartialRevert(L1Queue.InvalidKey.selector);
        rollup.deposit([uint64(1), 0, 0, 0, 0], 0, 1e9);
        vm.assertEq(rollup.l1Queued(), 0);
        vm.assertEq(token.balanceOf(address(rollup)), 0);
    }

    /// @dev The ledger has room for an account for every deposit that is accepted: 2^23 - 2 of them, and no more.
    function test_theQueueEndsBeforeTheLedgerIsFull() public {
        uint256 limit = rollup.MAX_OPERATIONS();
        _setQueued(uint64(limit - 1));
        _deposit(1);
        vm.assertEq(rollup.l1Queued(), limit);
        vm.expectRevert(L1Queue.QueueFull.selector);
        _deposit(1);
    }

    /// @dev Slot 1 holds `escrowed`, `l1Queued` and `beaconsQueued`, 8 bytes each from the low end.
    function _setQueued(uint64 queued) private {
        bytes32 slot = bytes32(uint256(1));
        uint256 others = uint256(vm.load(address(rollup), slot)) & ~(uint256(type(uint64).max) << 64);
        vm.store(address(rollup), slot, bytes32(others | uint256(queued) << 64));
        vm.assertEq(rollup.l1Queued(), queued);
    }

    function testFuzz_queueHash(uint24 hint, uint32 units) public {
        uint256 n = uint256(units) + 1;
        rollup.deposit(_key(), hint, n * 1e9);
        vm.assertEq(
            rollup.l1QueueHash(),
            keccak256(
                abi.encodePacked(
                    bytes32(0), uint64(4), bytes32(0), hint, uint64(n), uint40(block.timestamp), uint64(0)
                )
            )
        );
    }

    function test_refusesATokenThatTakesAFee() public {
        _deploy(new FeeToken());
        vm.expectRevert(abi.encodeWithSelector(Escrow.TokenMovedWrongAmount.selector, 100e9, 99e9));
        _deposit(100);
        vm.expectPartialRevert(Escrow.TokenMovedWrongAmount.selector);
        rollup.fundRewards(1000);
    }

    function test_refusesATokenThatLies() public {
        _deploy(new LyingToken());
        vm.expectRevert();
        _deposit(100);
        vm.assertEq(rollup.escrowed(), 0);
    }

    function test_noWayBackIn() public {
        HostileToken hostile = new HostileToken();
        _deploy(hostile);
        _deposit(100);
        bytes memory withdraw = _withdraw(5, ALICE);
        BatchInfo memory info = _commitWithdraw(_genesis(), withdraw);
        _prove(info);
        bytes memory claim = abi.encodeCall(Rollup.claim, (info, 0, withdraw, _none));
        BatchInfo memory second = _commitWithdraw(info, withdraw);
        bytes memory prove =
            abi.encodeCall(Rollup.proveBatches, (_one(second), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF));
        bytes[3] memory attacks = [
            claim, abi.encodeCall(L1Queue.deposit, (_key(), 0, 1e9)), abi.encodeCall(Escrow.fundRewards, (1))
        ];
        for (uint256 i = 1; i < 3; i++) {
            hostile.arm(address(rollup), attacks[i]);
            _deposit(1);
            _reentryFailed(hostile);
        }
        hostile.arm(address(rollup), claim);
        rollup.claim(info, 0, withdraw, _none);
        _reentryFailed(hostile);
        vm.assertEq(hostile.balanceOf(ALICE), 5e9);
        // From the reward of a proof, into the next proof; and from a deposit, into a proof.
        hostile.arm(address(0), "");
        _reward();
        hostile.arm(address(rollup), prove);
        _prove(second);
        _reentryFailed(hostile);
        vm.assertEq(hostile.balanceOf(PAYEE), REWARD);
        _deposit(1);
        _reentryFailed(hostile);
    }

    function _reentryFailed(HostileToken hostile) private view {
        vm.assertFalse(hostile.reentered());
        vm.assertEq(
            bytes32(hostile.answer()), bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    function test_aReceiverThatCannotBePaidBlocksNobody() public {
        HostileToken hostile = new HostileToken();
        _deploy(hostile);
        hostile.refuse(ALICE);
        _deposit(100);
        bytes memory first = _withdraw(5, ALICE);
        bytes memory second = _withdraw(6, PAYEE);
        BatchInfo memory one = _commitWithdraw(_genesis(), first);
        BatchInfo memory two = _commitWithdraw(one, second);
        _prove(one);
        _prove(two);
        vm.expectRevert();
        rollup.claim(one, 0, first, _none);
        rollup.claim(two, 0, second, _none);
        vm.assertEq(hostile.balanceOf(PAYEE), 6e9);
        // It can still be paid once the receiver can be.
        hostile.refuse(address(0));
        rollup.claim(one, 0, first, _none);
        vm.assertEq(hostile.balanceOf(ALICE), 5e9);
    }
}
