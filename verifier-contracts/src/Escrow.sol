// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title The money of the rollup on L1
/// @notice The contract's balance is at least `escrowed` units plus `rewardPool` wei, always: what the ledger owes, and
/// what waits for provers. Nothing moves between the two.
abstract contract Escrow is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Wei in a unit of the ledger (10^-9 JCT).
    uint256 public constant UNIT = 1e9;
    /// @notice Every sum of the ledger stays below this many units.
    uint256 public constant UNITS_LIMIT = 1 << 62;

    /// @notice JCT.
    IERC20 public immutable token;
    /// @notice Wei paid for each proven batch, while the pool lasts.
    uint256 public immutable proverReward;

    /// @notice Wei that wait to be paid to provers.
    uint256 public rewardPool;
    /// @notice Units deposited and not yet paid out.
    uint64 public escrowed;

    event RewardsFunded(address indexed from, uint256 amount);

    /// @dev Not positive, not a multiple of 10^9 wei, or 2^62 units and more.
    error InvalidAmount(uint256 amount);
    /// @dev The ledger would hold 2^62 units or more.
    error EscrowFull(uint256 escrowed, uint256 units);
    /// @dev The ledger owes more than was deposited: a proof of something false.
    error EscrowTooSmall(uint256 escrowed, uint256 units);
    /// @dev The token moved another amount than it was asked to.
    error TokenMovedWrongAmount(uint256 expected, uint256 received);

    constructor(IERC20 token_, uint256 proverReward_) {
        token = token_;
        proverReward = proverReward_;
    }

    /// @notice Adds to what provers are paid from. There is no way back.
    /// @param amount wei
    function fundRewards(uint256 amount) external nonReentrant {
        rewardPool += amount;
        emit RewardsFunded(msg.sender, amount);
        _pull(amount);
    }

    /// @dev Takes wei of a deposit into escrow and returns the units.
    function _escrow(uint256 amount) internal returns (uint256 units) {
        units = amount / UNIT;
        if (amount == 0 || amount % UNIT != 0 || units >= UNITS_LIMIT) revert InvalidAmount(amount);
        if (escrowed + units >= UNITS_LIMIT) revert EscrowFull(escrowed, units);
        escrowed += uint64(units);
        _pull(amount);
    }

    /// @dev Pays units out of escrow.
    function _release(address to, uint256 units) internal {
        // Cannot be more than the escrow holds: that is what proofs prove. Checked all the same.
        if (units > escrowed) revert EscrowTooSmall(escrowed, units);
        escrowed -= uint64(units);
        token.safeTransfer(to, units * UNIT);
    }

    /// @dev Pays a prover for `batches` batches what the pool still has for it.
    function _reward(address payee, uint256 batches) internal returns (uint256 amount) {
        amount = proverReward * batches;
        if (amount > rewardPool) amount = rewardPool;
        if (amount == 0) return 0;
        rewardPool -= amount;
        token.safeTransfer(payee, amount);
    }

    function _pull(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TokenMovedWrongAmount(amount, received);
    }
}
