// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GeneratedVerifier} from "./GeneratedVerifier.sol";
import {Goldilocks} from "./lib/Goldilocks.sol";

/// @title The verifier of ranges of batches
contract VerifierWrapper is GeneratedVerifier {
    /// @notice Number of public inputs (docs/protocol.md, section 6), each an element of Goldilocks.
    uint256 public constant INSTANCES = 23;

    /// @dev Instance `index` is not below the order of Goldilocks.
    error NonCanonicalInstance(uint256 index, uint256 value);

    constructor(address verifier_, uint256 proofLength_, bytes32 srsHash_, bool developmentSrs_)
        GeneratedVerifier(verifier_, proofLength_, srsHash_, developmentSrs_)
    {}

    /// @notice Whether `proof` proves the statement with these public inputs.
    /// @dev Reverts, with a typed error, on anything but a well-formed question.
    function verify(uint256[23] calldata instances, bytes calldata proof) external view returns (bool) {
        _checkVerifier(proof.length);
        for (uint256 i = 0; i < INSTANCES; i++) {
            if (instances[i] >= Goldilocks.P) revert NonCanonicalInstance(i, instances[i]);
        }
        return _ask(abi.encodePacked(instances, proof));
    }
}
