// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GeneratedVerifier} from "../src/GeneratedVerifier.sol";
import {VerifierWrapper} from "../src/VerifierWrapper.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract VerifierWrapperTest is Deployed {
    uint256 private constant BN254_R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    function _good() private returns (uint256[23] memory x) {
        for (uint256 i = 0; i < 23; i++) {
            x[i] = i + 1;
        }
        double.accept(abi.encodePacked(x, PROOF));
    }

    function test_passesInstancesThenProofAndNothingElse() public {
        uint256[23] memory x = _good();
        vm.assertTrue(wrapper.verify(x, PROOF));
        x[22]++;
        vm.assertFalse(wrapper.verify(x, PROOF));
        x[22]--;
        vm.assertFalse(wrapper.verify(x, hex"0102030405060709"));
    }

    function testFuzz_rejectsInstancesAboveTheOrder(uint256 index, uint256 multiple) public {
        uint256[23] memory x = _good();
        index %= 23;
        uint256[3] memory added = [P, BN254_R, type(uint256).max - 40];
        x[index] += added[multiple % 3];
        vm.expectRevert(
            abi.encodeWithSelector(VerifierWrapper.NonCanonicalInstance.selector, index, x[index])
        );
        wrapper.verify(x, PROOF);
    }

    function testFuzz_rejectsOtherLengths(bytes memory proof) public {
        uint256[23] memory x = _good();
        vm.assume(proof.length != PROOF.length);
        vm.expectRevert(
            abi.encodeWithSelector(GeneratedVerifier.WrongProofLength.selector, PROOF.length, proof.length)
        );
        wrapper.verify(x, proof);
    }

    function test_rejectsATrailingByte() public {
        uint256[23] memory x = _good();
        vm.expectRevert(
            abi.encodeWithSelector(
                GeneratedVerifier.WrongProofLength.selector, PROOF.length, PROOF.length + 1
            )
        );
        wrapper.verify(x, bytes.concat(PROOF, hex"00"));
    }

    function test_rejectsAVerifierWithoutCodeOrWithOtherCode() public {
        uint256[23] memory x = _good();
        vm.etch(address(double), "");
        vm.expectPartialRevert(GeneratedVerifier.VerifierCodeChanged.selector);
        wrapper.verify(x, PROOF);
        vm.etch(address(double), hex"00");
        vm.expectPartialRevert(GeneratedVerifier.VerifierCodeChanged.selector);
        wrapper.verify(x, PROOF);
        vm.expectRevert(
            abi.encodeWithSelector(GeneratedVerifier.VerifierWithoutCode.selector, address(0xdead))
        );
        new VerifierWrapper(address(0xdead), 8, 0, true);
    }

    function test_aDevelopmentSrsStaysOnTheDevelopmentChain() public {
        vm.chainId(1);
        vm.expectRevert(
            abi.encodeWithSelector(GeneratedVerifier.DevelopmentSrsOutsideDevelopmentChain.selector, 1)
        );
        new VerifierWrapper(address(double), 8, 0, true);
        // Nor does it slip through unnamed.
        bytes32 known = wrapper.DEVELOPMENT_SRS();
        vm.expectRevert(
            abi.encodeWithSelector(GeneratedVerifier.DevelopmentSrsOutsideDevelopmentChain.selector, 1)
        );
        new VerifierWrapper(address(double), 8, known, false);
        VerifierWrapper real = new VerifierWrapper(address(double), 8, bytes32(uint256(9)), false);
        vm.assertEq(real.srsHash(), bytes32(uint256(9)));
        vm.assertFalse(real.developmentSrs());
        vm.expectRevert(GeneratedVerifier.ZeroProofLength.selector);
        new VerifierWrapper(address(double), 0, 0, false);
    }
}
