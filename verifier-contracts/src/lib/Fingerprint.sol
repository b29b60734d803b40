// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Polynomial fingerprints in the quadratic extension F[X]/(X^2 - 7) of Goldilocks
/// @notice Horner's rule f := f * r + d over the elements d of a batch stream or of a list of batches, from f = 0.
library Fingerprint {
    /// @notice Fingerprint of a batch stream: its elements are its limbs of 7 bytes, big-endian.
    /// @dev A block of 8 limbs is one step f := f * r^8 + (d_0 r^7 + ... + d_7). A power of r is held as one word, its
    /// coordinates 128 bits apart, so that one multiplication by a limb of 56 bits serves both: products stay below
    /// 2^120, the sum of eight below 2^123, and nothing is reduced within a block.
    /// @param stream length a multiple of 56 bytes
    /// @param r0 first coordinate of r, reduced
    /// @param r1 second coordinate of r, reduced
    function ofStream(bytes memory stream, uint256 r0, uint256 r1)
        internal
        pure
        returns (uint256 f0, uint256 f1)
    {
        assembly ("memory-safe") {
            let p := 0xffffffff00000001
            // t[k] = r^(7-k), k = 0 to 6, packed; then (c, d) = r^8.
            let t := mload(0x40)
            let c := r0
            let d := r1
            for { let k := add(t, 0xc0) } 1 { k := sub(k, 0x20) } {
                mstore(k, or(c, shl(128, d)))
                let e := mod(add(mul(c, r0), mul(7, mulmod(d, r1, p))), p)
                d := mod(add(mul(c, r1), mul(d, r0)), p)
                c := e
                if eq(k, t) { break }
            }
            let d7 := mulmod(d, 7, p)
            let mask := 0xffffffffffffff
            let at := add(stream, 0x20)
            for { let end := add(at, mload(stream)) } lt(at, end) { at := add(at, 56) } {
                let w := mload(at)
                let s := mul(shr(200, w), mload(t))
                s := add(s, mul(and(shr(144, w), mask), mload(add(t, 0x20))))
                s := add(s, mul(and(shr(88, w), mask), mload(add(t, 0x40))))
                s := add(s, mul(and(shr(32, w), mask), mload(add(t, 0x60))))
                w := mload(add(at, 28))
                s := add(s, mul(shr(200, w), mload(add(t, 0x80))))
                s := add(s, mul(and(shr(144, w), mask), mload(add(t, 0xa0))))
                s := add(s, mul(and(shr(88, w), mask), mload(add(t, 0xc0))))
                s := add(s, and(shr(32, w), mask))
                w := add(add(mul(f0, c), mul(f1, d7)), and(s, 0xffffffffffffffffffffffffffffffff))
                f1 := mod(add(add(mul(f0, d), mul(f1, c)), shr(128, s)), p)
                f0 := mod(w, p)
            }
        }
    }

    /// @notice Fingerprint of a list of words: its elements are their four parts of 8 bytes, big-endian.
    /// @param words every part below the order of the field
    /// @param r0 first coordinate of r, reduced
    /// @param r1 second coordinate of r, reduced
    function ofWords(bytes32[] memory words, uint256 r0, uint256 r1)
        internal
        pure
        returns (uint256 f0, uint256 f1)
    {
        assembly ("memory-safe") {
            let p := 0xffffffff00000001
            let s7 := mulmod(r1, 7, p)
            let at := add(words, 0x20)
            for { let end := add(at, shl(5, mload(words))) } lt(at, end) { at := add(at, 0x20) } {
                let w := mload(at)
                for { let shift := 256 } shift {} {
                    shift := sub(shift, 64)
                    let e := and(shr(shift, w), 0xffffffffffffffff)
                    e := mod(add(add(mul(f0, r0), mul(f1, s7)), e), p)
                    f1 := mod(add(mul(f0, r1), mul(f1, r0)), p)
                    f0 := e
                }
            }
        }
    }
}
