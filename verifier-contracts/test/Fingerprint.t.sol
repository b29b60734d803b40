// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fingerprint} from "../src/lib/Fingerprint.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract FingerprintTest is Deployed {
    function setUp() public override {}

    function testFuzz_streamAgreesWithHorner(bytes memory data, uint64 r0, uint64 r1) public pure {
        bytes memory stream = new bytes(data.length / 56 * 56);
        for (uint256 i = 0; i < stream.length; i++) {
            stream[i] = data[i];
        }
        _compare(stream, r0 % P, r1 % P);
    }

    function test_streamAtTheBounds() public pure {
        bytes memory stream = new bytes(56 * 70);
        _compare(stream, P - 1, P - 1);
        for (uint256 i = 0; i < stream.length; i++) {
            stream[i] = 0xff;
        }
        _compare(stream, P - 1, P - 1);
        _compare(stream, 0, P - 1);
        _compare(stream, 0, 0);
        _compare(new bytes(0), 1, 2);
    }

    function testFuzz_wordsAgreeWithHorner(bytes32[] memory words, uint64 r0, uint64 r1) public pure {
        uint256[] memory elements = new uint256[](4 * words.length);
        for (uint256 i = 0; i < elements.length; i++) {
            elements[i] = uint64(uint256(words[i / 4]) >> (192 - 64 * (i % 4))) % P;
        }
        (uint256 f0, uint256 f1) = Fingerprint.ofWords(words, r0 % P, r1 % P);
        (uint256 e0, uint256 e1) = _horner(elements, r0 % P, r1 % P);
        vm.assertEq(f0, e0);
        vm.assertEq(f1, e1);
    }

    /// @dev The promise: at most 18 gas a byte.
    function test_gasOfAByte() public {
        bytes memory stream = new bytes(56 * 1000);
        uint256 before = gasleft();
        Fingerprint.ofStream(stream, P - 5, P - 7);
        uint256 used = before - gasleft();
        vm.snapshotValue("fingerprint", "gas for 56000 bytes", used);
        vm.assertLe(used, 12 * stream.length);
        stream = new bytes(56 * 4);
        before = gasleft();
        Fingerprint.ofStream(stream, P - 5, P - 7);
        vm.assertLe(before - gasleft(), 18 * stream.length);
    }

    function _compare(bytes memory stream, uint256 r0, uint256 r1) private pure {
        (uint256 f0, uint256 f1) = Fingerprint.ofStream(stream, r0, r1);
        (uint256 e0, uint256 e1) = _horner(_limbs(stream), r0, r1);
        vm.assertEq(f0, e0);
        vm.assertEq(f1, e1);
    }
}
