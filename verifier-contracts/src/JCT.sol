// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The token of the marketplace
/// @notice Fixed supply, minted once. 18 decimals on L1; the ledger counts in units of 10^-9 JCT.
contract JCT is ERC20, ERC20Permit {
    /// @dev One thousand million JCT: 10^18 ledger units, below the ledger's bound of 2^62 on every sum.
    uint256 public constant SUPPLY = 1_000_000_000 ether;

    constructor(address holder) ERC20("Janction Compute Token", "JCT") ERC20Permit("Janction Compute Token") {
        _mint(holder, SUPPLY);
    }
}
