// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks} from "./lib/Goldilocks.sol";

/// @title The door before the generated halo2 verifier
/// @notice The generated contract reads raw calldata, `instances ++ proof`, and returns nothing; it accepts an instance
/// plus the order of BN254's scalar field, bytes after the proof, and, called where no code is, anything. All of that
/// is closed here.
contract VerifierWrapper {
    /// @notice Number of public inputs (docs/protocol.md, section 6), each an element of Goldilocks.
    uint256 public constant INSTANCES = 23;

    /// @notice Hash of the string that everybody can make, with a public secret: known here, so that it is refused
    /// outside the development chain even where nobody says what it is.
    bytes32 public constant DEVELOPMENT_SRS =
        0xdffdc98afb7653a37e0a0b4cea789eaa86043a3f6d89159eb924bb7dff93b1c6;

    uint256 private constant DEVELOPMENT_CHAIN = 31_337;

    /// @notice The generated verifier.
    address public immutable verifier;
    /// @notice Hash of the verifier's code at deployment; checked at every call.
    bytes32 public immutable verifierCodeHash;
    /// @notice Length of a proof, in bytes.
    uint256 public immutable proofLength;
    /// @notice Hash of the structured reference string under which the verifying key was made.
    bytes32 public immutable srsHash;
    /// @notice Whether that string was made locally, so that whoever made it can forge proofs.
    bool public immutable developmentSrs;

    /// @dev No code at the verifier's address, or other code than at deployment.
    error VerifierCodeChanged(address verifier, bytes32 expected, bytes32 actual);
    /// @dev At deployment: the address has no code.
    error VerifierWithoutCode(address verifier);
    /// @dev A development SRS is for chain 31337 only: load a ceremony's file.
    error DevelopmentSrsOutsideDevelopmentChain(uint256 chainId);
    error ZeroProofLength();
    error WrongProofLength(uint256 expected, uint256 actual);
    /// @dev Instance `index` is not below the order of Goldilocks.
    error NonCanonicalInstance(uint256 index, uint256 value);

    constructor(address verifier_, uint256 proofLength_, bytes32 srsHash_, bool developmentSrs_) {
        if (verifier_.code.length == 0) revert VerifierWithoutCode(verifier_);
        developmentSrs = developmentSrs_ || srsHash_ == DEVELOPMENT_SRS;
        if (developmentSrs && block.chainid != DEVELOPMENT_CHAIN) {
            revert DevelopmentSrsOutsideDevelopmentChain(block.chainid);
        }
        if (proofLength_ == 0) revert ZeroProofLength();
        verifier = verifier_;
        verifierCodeHash = verifier_.codehash;
        proofLength = proofLength_;
        srsHash = srsHash_;
    }

    /// @notice Whether `proof` proves the statement with these public inputs.
    /// @dev Reverts, with a typed error, on anything but a well-formed question.
    function verify(uint256[23] calldata instances, bytes calldata proof) external view returns (bool) {
        if (verifier.codehash != verifierCodeHash) {
            revert VerifierCodeChanged(verifier, verifierCodeHash, verifier.codehash);
        }
        if (proof.length != proofLength) revert WrongProofLength(proofLength, proof.length);
        for (uint256 i = 0; i < INSTANCES; i++) {
            if (instances[i] >= Goldilocks.P) revert NonCanonicalInstance(i, instances[i]);
        }
        (bool success,) = verifier.staticcall(abi.encodePacked(instances, proof));
        return success;
    }
}
