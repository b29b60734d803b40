// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev Stands for the generated verifier where the logic around it is tested: accepts exactly one calldata, which the
/// test computes by itself. Real proofs are tested with the real verifier.
contract VerifierDouble {
    bytes32 private _accepted;

    function accept(bytes calldata instancesAndProof) external {
        _accepted = keccak256(instancesAndProof);
    }

    fallback() external {
        require(keccak256(msg.data) == _accepted, "rejected");
    }
}
