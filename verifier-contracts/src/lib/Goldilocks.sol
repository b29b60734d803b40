// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The field F = GF(2^64 - 2^32 + 1) and how its elements are packed into words
/// @dev A packed word holds four elements of 8 bytes, big-endian, the first one in the most significant bytes:
/// `abi.encodePacked(a, b, c, d)` of four `uint64`.
library Goldilocks {
    /// @dev Order of the field.
    uint256 internal constant P = 0xffffffff00000001;

    /// @notice Element `i` (0 to 3) of a packed word.
    function element(bytes32 packed, uint256 i) internal pure returns (uint256) {
        return (uint256(packed) >> (192 - 64 * i)) & type(uint64).max;
    }

    /// @notice Whether all four elements of a packed word are below the order.
    function isCanonical(bytes32 packed) internal pure returns (bool) {
        return
            element(packed, 0) < P && element(packed, 1) < P && element(packed, 2) < P
                && element(packed, 3) < P;
    }

    /// @notice The limbs of 6, 7 and 7 bytes in which the ledger holds an L1 address.
    function addressLimbs(address account) internal pure returns (uint256, uint256, uint256) {
        uint256 a = uint160(account);
        return (a >> 112, (a >> 56) & type(uint56).max, a & type(uint56).max);
    }

    /// @notice Two elements from the first 16 bytes of a hash, each reduced: a point of the quadratic extension.
    /// @return x0 first coordinate
    /// @return x1 second coordinate
    function pointFromHash(bytes32 hash) internal pure returns (uint256 x0, uint256 x1) {
        x0 = element(hash, 0) % P;
        x1 = element(hash, 1) % P;
    }
}
