// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks} from "./Goldilocks.sol";

/// @title Which encodings are keys of the ledger
/// @notice ECgFp5 (Pornin, eprint 2022/274): y^2 = x(x^2 + ax + b) over GF(p)[z]/(z^5 - 3), a = 2, b = 263z. A point is
/// encoded as w = y/x; w decodes iff (w^2 - a)^2 - 4b is a square, and w = 0 is the neutral element.
library EcGFp5 {
    uint256 private constant P = Goldilocks.P;
    /// @dev 4b = FOUR_B * z.
    uint256 private constant FOUR_B = 1052;

    // Frobenius: (z^i)^p = z^i * ZETA_i with ZETA_1 = 3^((p-1)/5), a fifth root of unity, and ZETA_i = ZETA_1^i.
    uint256 private constant ZETA_1 = 1_041_288_259_238_279_555;
    uint256 private constant ZETA_2 = 15_820_824_984_080_659_046;
    uint256 private constant ZETA_3 = 211_587_555_138_949_697;
    uint256 private constant ZETA_4 = 1_373_043_270_956_696_022;

    /// @notice Whether `w` is the canonical encoding of a point other than the neutral one.
    /// @param w five elements, coefficients of 1, z, z^2, z^3, z^4
    function isKey(uint64[5] memory w) internal view returns (bool) {
        uint256 any;
        uint256[5] memory e;
        for (uint256 i = 0; i < 5; i++) {
            if (w[i] >= P) return false;
            any |= w[i];
            e[i] = w[i];
        }
        if (any == 0) return false;
        e = mul(e, e);
        e[0] = addmod(e[0], P - 2, P);
        e = mul(e, e);
        e[1] = addmod(e[1], P - FOUR_B, P);
        // e = 0 cannot occur: 4b would be a square, and b is not one.
        return isSquare(norm(e));
    }

    /// @notice Product in GF(p^5); inputs and output are reduced.
    function mul(uint256[5] memory x, uint256[5] memory y) internal pure returns (uint256[5] memory z) {
        (uint256 a0, uint256 a1, uint256 a2, uint256 a3, uint256 a4) = (x[0], x[1], x[2], x[3], x[4]);
        (uint256 b0, uint256 b1, uint256 b2, uint256 b3, uint256 b4) = (y[0], y[1], y[2], y[3], y[4]);
        unchecked {
            // Five products of 128 bits, four of them tripled: below 2^132.
            z[0] = (a0 * b0 + 3 * (a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1)) % P;
            z[1] = (a0 * b1 + a1 * b0 + 3 * (a2 * b4 + a3 * b3 + a4 * b2)) % P;
            z[2] = (a0 * b2 + a1 * b1 + a2 * b0 + 3 * (a3 * b4 + a4 * b3)) % P;
            z[3] = (a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + 3 * a4 * b4) % P;
            z[4] = (a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0) % P;
        }
    }

    /// @notice Norm to GF(p): the product of the five conjugates.
    function norm(uint256[5] memory x) internal pure returns (uint256) {
        // x^(p + p^2), then x^(p + p^2 + p^3 + p^4).
        uint256[5] memory c = mul(conjugate(x), conjugateTwice(x));
        c = mul(c, conjugateTwice(c));
        unchecked {
            // The product lies in GF(p): only its first coefficient is computed.
            return (x[0] * c[0] + 3 * (x[1] * c[4] + x[2] * c[3] + x[3] * c[2] + x[4] * c[1])) % P;
        }
    }

    /// @notice x^p.
    function conjugate(uint256[5] memory x) internal pure returns (uint256[5] memory) {
        return [
            x[0],
            mulmod(x[1], ZETA_1, P),
            mulmod(x[2], ZETA_2, P),
            mulmod(x[3], ZETA_3, P),
            mulmod(x[4], ZETA_4, P)
        ];
    }

    /// @notice x^(p^2).
    function conjugateTwice(uint256[5] memory x) internal pure returns (uint256[5] memory) {
        return [
            x[0],
            mulmod(x[1], ZETA_2, P),
            mulmod(x[2], ZETA_4, P),
            mulmod(x[3], ZETA_1, P),
            mulmod(x[4], ZETA_3, P)
        ];
    }

    /// @notice Euler's criterion in GF(p), by the modular exponentiation precompile. Zero is no square here.
    function isSquare(uint256 x) internal view returns (bool result) {
        assembly ("memory-safe") {
            let m := mload(0x40)
            // Lengths of base, exponent and modulus: 8 bytes each, then the three packed big-endian.
            mstore(m, 8)
            mstore(add(m, 0x20), 8)
            mstore(add(m, 0x40), 8)
            mstore(
                add(m, 0x60),
                or(or(shl(192, x), shl(128, 0x7fffffff80000000)), shl(64, 0xffffffff00000001))
            )
            if iszero(staticcall(gas(), 0x05, m, 0x78, 0x00, 0x08)) { revert(0, 0) }
            result := eq(shr(192, mload(0x00)), 1)
        }
    }
}
