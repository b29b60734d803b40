// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GeneratedVerifier} from "./GeneratedVerifier.sol";
import {Goldilocks} from "./lib/Goldilocks.sol";
import {Rows} from "./lib/Rows.sol";

/// @title Verifies that an output is a program's
/// @notice One generated verifier serves all programs; what makes this contract one program's are the digests that it pins.
/// `janction program export-verifier` writes a contract with them, and whoever deploys it makes them anew from the job binary
/// (docs/program-proofs.md). It keeps nothing and trusts nobody: call it from a contract that acts on the output.
contract ProgramVerifier is GeneratedVerifier {
    /// @notice What makes a verifier one program's.
    struct Program {
        /// Digest of the program.
        bytes32 digest;
        /// Digest of the key that its audits are verified with. It follows from program and policy.
        bytes32 auditKey;
        /// What must have been checked: 0 is everything, s are s drawn rows of every operation.
        uint256 policy;
        /// Depth of the trees over rows.
        uint256 depth;
        /// Cells of a row of the input, and their type: 1 for int8, 2 for uint8.
        uint256 inputColumns;
        uint256 inputType;
        /// The same of the output.
        uint256 outputColumns;
        uint256 outputType;
        /// Hash of the generated verifier's code; zero where whoever deploys vouches for it.
        bytes32 verifierCode;
    }

    /// @notice Number of public inputs, each an element of Goldilocks.
    uint256 public constant INSTANCES = 18;

    /// @notice Digest of the program.
    bytes32 public immutable program;
    /// @notice Digest of the key that the program's audits are verified with.
    bytes32 public immutable auditKey;
    /// @notice What must have been checked: 0 is everything, s are s drawn rows of every operation.
    uint256 public immutable policy;
    /// @notice Depth of the trees over rows: there are at most 2^depth rows.
    uint256 public immutable depth;
    /// @notice Cells of a row of the input.
    uint256 public immutable inputColumns;
    /// @notice Type of the input's cells: 1 for int8, 2 for uint8.
    uint256 public immutable inputType;
    /// @notice Cells of a row of the output.
    uint256 public immutable outputColumns;
    /// @notice Type of the output's cells.
    uint256 public immutable outputType;

    /// @dev A digest has an element that is not below the order of Goldilocks.
    error NonCanonicalDigest(bytes32 digest);
    /// @dev There are 1 to 2^depth rows.
    error WrongRowCount(uint256 rows, uint256 depth);
    /// @dev Input and output have different numbers of rows.
    error RowsDiffer(uint256 inputRows, uint256 outputRows);
    /// @dev At deployment: another contract stands where the generated verifier should.
    error OtherVerifier(address verifier, bytes32 expected, bytes32 actual);
    /// @dev At deployment: no such policy, depth or type.
    error InvalidProgram();

    constructor(
        address verifier_,
        uint256 proofLength_,
        bytes32 srsHash_,
        bool developmentSrs_,
        Program memory pinned
    ) GeneratedVerifier(verifier_, proofLength_, srsHash_, developmentSrs_) {
        if (pinned.verifierCode != 0 && verifier_.codehash != pinned.verifierCode) {
            revert OtherVerifier(verifier_, pinned.verifierCode, verifier_.codehash);
        }
        _checkDigest(pinned.digest);
        _checkDigest(pinned.auditKey);
        bool known = pinned.policy < 1 << 24 && pinned.depth <= 24 && _isType(pinned.inputType)
            && _isType(pinned.outputType) && pinned.inputColumns > 0 && pinned.outputColumns > 0;
        if (!known) revert InvalidProgram();
        program = pinned.digest;
        auditKey = pinned.auditKey;
        policy = pinned.policy;
        depth = pinned.depth;
        inputColumns = pinned.inputColumns;
        inputType = pinned.inputType;
        outputColumns = pinned.outputColumns;
        outputType = pinned.outputType;
    }

    /// @notice Whether `proof` proves that the program makes the tensor under `outputRoot` of the one under `inputRoot`.
    /// @dev Reverts, with a typed error, on anything but a well-formed question. Roots are four elements of 8 bytes,
    /// big-endian. *`rows` must come from where `inputRoot` comes from*, never from whoever brings the proof: a proof of fewer
    /// rows than lie under the roots says nothing of the others. `false` is no evidence of anything: whoever calls with too
    /// little gas gets it, too.
    function verify(uint256 rows, bytes32 inputRoot, bytes32 outputRoot, bytes calldata proof)
        public
        view
        returns (bool)
    {
        _checkVerifier(proof.length);
        if (rows == 0 || rows > 2 ** depth) revert WrongRowCount(rows, depth);
        _checkDigest(inputRoot);
        _checkDigest(outputRoot);
        return _ask(
            abi.encodePacked(
                _instances(auditKey),
                _instances(program),
                _instances(inputRoot),
                _instances(outputRoot),
                rows,
                policy,
                proof
            )
        );
    }

    /// @notice The same for cells, row after row, a byte each (int8 in two's complement).
    /// @dev About 80,000 gas for every 56 cells of a row, and for every node of the trees over rows. Nothing is left to trust
    /// but what is pinned.
    function verifyCells(bytes calldata input, bytes calldata output, bytes calldata proof)
        external
        view
        returns (bool)
    {
        uint256 rows = input.length / inputColumns;
        if (rows != output.length / outputColumns) revert RowsDiffer(rows, output.length / outputColumns);
        return verify(rows, inputRootOf(input), outputRootOf(output), proof);
    }

    /// @notice Root over the rows of an input.
    function inputRootOf(bytes calldata cells) public view returns (bytes32) {
        return Rows.root(cells, inputColumns, inputType, depth);
    }

    /// @notice Root over the rows of an output.
    function outputRootOf(bytes calldata cells) public view returns (bytes32) {
        return Rows.root(cells, outputColumns, outputType, depth);
    }

    function _checkDigest(bytes32 digest) private pure {
        if (!Goldilocks.isCanonical(digest)) revert NonCanonicalDigest(digest);
    }

    function _isType(uint256 dtype) private pure returns (bool) {
        return dtype == 1 || dtype == 2;
    }

    /// @dev The elements of a digest, a word each.
    function _instances(bytes32 digest) private pure returns (uint256[4] memory words) {
        for (uint256 i = 0; i < 4; i++) {
            words[i] = Goldilocks.element(digest, i);
        }
    }
}
