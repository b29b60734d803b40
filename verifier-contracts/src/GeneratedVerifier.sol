// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The door before a generated halo2 verifier
/// @notice The generated contract reads raw calldata, `instances ++ proof`, and returns nothing; it accepts an instance
/// plus the order of BN254's scalar field, bytes after the proof, and, called where no code is, anything. Lengths and code are
/// checked here; the contracts that inherit check that each instance is below the order of Goldilocks.
abstract contract GeneratedVerifier {
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

    /// @dev Reverts unless the verifier's code is that of the deployment and a proof of this length can be one.
    function _checkVerifier(uint256 length) internal view {
        if (verifier.codehash != verifierCodeHash) {
            revert VerifierCodeChanged(verifier, verifierCodeHash, verifier.codehash);
        }
        if (length != proofLength) revert WrongProofLength(proofLength, length);
    }

    /// @dev Asks the generated verifier: `question` is the instances, a word each and below the order, then the proof.
    function _ask(bytes memory question) internal view returns (bool success) {
        (success,) = verifier.staticcall(question);
    }
}
