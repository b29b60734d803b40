// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EcGFp5} from "../src/lib/EcGFp5.sol";
import {Goldilocks} from "../src/lib/Goldilocks.sol";
import {vm} from "./support/Vm.sol";

/// @dev That exactly the keys that the ledger decodes are admitted is tested against the Rust implementation, in
/// bindings/tests. Here: the field arithmetic under it.
contract EcGFp5Test {
    uint256 private constant P = Goldilocks.P;

    function testFuzz_normIsMultiplicativeAndInTheBaseField(uint64[5] memory x, uint64[5] memory y)
        public
        pure
    {
        uint256[5] memory a = _reduce(x);
        uint256[5] memory b = _reduce(y);
        vm.assertEq(EcGFp5.norm(EcGFp5.mul(a, b)), mulmod(EcGFp5.norm(a), EcGFp5.norm(b), P));
        // The norm is x * x^p * ... * x^(p^4), and that product has no other coefficient.
        uint256[5] memory c = a;
        uint256[5] memory product = a;
        for (uint256 i = 0; i < 4; i++) {
            c = EcGFp5.conjugate(c);
            product = EcGFp5.mul(product, c);
        }
        vm.assertEq(product[0], EcGFp5.norm(a));
        vm.assertEq(product[1] | product[2] | product[3] | product[4], 0);
    }

    function testFuzz_squaresAreSquares(uint64 x) public view {
        uint256 a = x % P;
        vm.assertTrue(a == 0 || EcGFp5.isSquare(mulmod(a, a, P)));
        // 7 generates the multiplicative group.
        vm.assertFalse(EcGFp5.isSquare(mulmod(7, mulmod(a, a, P), P)));
    }

    function testFuzz_keyOrItsNegative(uint64[5] memory w) public view {
        uint64[5] memory minus;
        for (uint256 i = 0; i < 5; i++) {
            w[i] = uint64(w[i] % P);
            minus[i] = uint64((P - w[i]) % P);
        }
        vm.assertTrue(EcGFp5.isKey(w) == EcGFp5.isKey(minus));
    }

    function test_rejectsNeutralAndNonCanonical() public view {
        uint64[5] memory w;
        vm.assertFalse(EcGFp5.isKey(w));
        w[0] = 4;
        vm.assertTrue(EcGFp5.isKey(w));
        w[0] += uint64(P);
        vm.assertFalse(EcGFp5.isKey(w));
        w[0] = 1;
        vm.assertFalse(EcGFp5.isKey(w));
        for (uint256 i = 0; i < 5; i++) {
            uint64[5] memory v;
            v[i] = uint64(P);
            vm.assertFalse(EcGFp5.isKey(v));
        }
    }

    function _reduce(uint64[5] memory x) private pure returns (uint256[5] memory a) {
        for (uint256 i = 0; i < 5; i++) {
            a[i] = x[i] % P;
        }
    }
}
