// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    DigitsVerifier,
    GeneratedVerifier,
    Poseidon,
    ProgramVerifier,
    Rows
} from "../generated/program/DigitsVerifier.sol";
import {vm} from "./support/Vm.sol";

/// @dev The contract that `janction program export-verifier` writes for the digits' network, the generated verifier of the
/// production keys, and a real proof of two images (`generated/program`, made by `make contracts PROOF=1`).
contract ProgramVerifierTest {
    uint256 private constant BN254_R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant P = 0xffffffff00000001;

    DigitsVerifier private _digits;
    address private _halo2;
    bytes private _proof;
    bytes private _input;
    bytes private _output;
    bytes32 private _inputRoot;
    bytes32 private _outputRoot;
    uint256[] private _x;

    function setUp() public {
        string memory text = vm.readFile("generated/program/proof.json");
        string memory artifact = vm.readFile("generated/program/Halo2Verifier.json");
        vm.assertEq(vm.parseJsonBytes32(artifact, ".keyDigest"), vm.parseJsonBytes32(text, ".keyDigest"));
        vm.chainId(vm.parseJsonUint(text, ".chainId"));
        bytes memory code = vm.parseJsonBytes(artifact, ".bytecode");
        address created;
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        _halo2 = created;
        vm.assertEq(_halo2.codehash, vm.parseJsonBytes32(artifact, ".codeHash"));
        _digits = new DigitsVerifier(_halo2);
        vm.assertEq(_digits.proofLength(), vm.parseJsonUint(artifact, ".proofLength"));
        vm.assertEq(_digits.srsHash(), vm.parseJsonBytes32(artifact, ".srsHash"));
        _proof = vm.parseJsonBytes(text, ".proof");
        _input = vm.parseJsonBytes(text, ".input");
        _output = vm.parseJsonBytes(text, ".output");
        _inputRoot = vm.parseJsonBytes32(text, ".inputRoot");
        _outputRoot = vm.parseJsonBytes32(text, ".outputRoot");
        _x = vm.parseJsonUintArray(text, ".publicInputs");
    }

    function _refusesRoots(uint256 rows, bytes32 inputRoot, bytes32 outputRoot) private view {
        vm.assertFalse(_digits.verify{gas: 1_500_000}(rows, inputRoot, outputRoot, _proof));
    }

    // ---- What is proven -------------------------------------------------------------------------------

    function test_aRealProofOfRoots() public {
        vm.assertTrue(_digits.verify(2, _inputRoot, _outputRoot, _proof));
        vm.snapshotGasLastCall("calls", "program proof, by roots");
    }

    function test_aRealProofOfCells() public {
        vm.assertTrue(_digits.verifyCells(_input, _output, _proof));
        vm.snapshotGasLastCall("calls", "program proof, by cells, two images of 64 cells");
    }

    /// @dev Roots as Rust makes them: of rows with several permutations, and of trees with empty leaves.
    function test_rootsAreTheProtocols() public {
        vm.assertEq(_digits.inputRootOf(_input), _inputRoot);
        vm.assertEq(_digits.outputRootOf(_output), _outputRoot);
        bytes memory row = new bytes(10);
        for (uint256 i = 0; i < 10; i++) {
            row[i] = _output[i];
        }
        _digits.outputRootOf(row);
        vm.snapshotGasLastCall("calls", "root of a row of 10 cells, depth 2");
    }

    /// @dev Of other types, widths, row counts and depths, as Rust makes them.
    function test_rootsOfAnyForm() public view {
        string memory text = vm.readFile("generated/program/proof.json");
        uint256 count = vm.parseJsonUint(text, ".tensorCount");
        vm.assertTrue(count >= 10);
        for (uint256 i = 0; i < count; i++) {
            string memory place = string.concat(".tensors[", _decimal(i), "]");
            bytes32 root = this.rootOf(
                vm.parseJsonBytes(text, string.concat(place, ".cells")),
                vm.parseJsonUint(text, string.concat(place, ".columns")),
                vm.parseJsonUint(text, string.concat(place, ".dtype")),
                vm.parseJsonUint(text, string.concat(place, ".depth"))
            );
            vm.assertEq(root, vm.parseJsonBytes32(text, string.concat(place, ".root")));
        }
    }

    function rootOf(bytes calldata cells, uint256 columns, uint256 dtype, uint256 depth)
        external
        pure
        returns (bytes32)
    {
        return Rows.root(cells, columns, dtype, depth);
    }

    function _decimal(uint256 i) private pure returns (string memory) {
        bytes memory digits = i < 10 ? new bytes(1) : new bytes(2);
        digits[digits.length - 1] = bytes1(uint8(48 + (i % 10)));
        if (i >= 10) digits[0] = bytes1(uint8(48 + (i / 10)));
        return string(digits);
    }

    /// @dev Plonky2's own test vectors.
    function test_poseidon() public pure {
        uint256[4] memory state;
        Poseidon.permute(state);
        vm.assertEq(
            Poseidon.digest(state), hex"3c18a9786cb0b359c4055e3364a246c37953db0ab48808f4c71603f33a1144ca"
        );
        // 0, 1, ..., 11.
        for (uint256 j = 0; j < 4; j++) {
            state[j] = j | ((j + 4) << 80) | ((j + 8) << 160);
        }
        Poseidon.permute(state);
        vm.assertEq(
            Poseidon.digest(state), hex"d64e1e3efc5b8e9e53666633020aaa47d40285597c6a8825613a4f81e81231d2"
        );
    }

    // ---- Everything else is refused -------------------------------------------------------------------

    function test_refusesOtherRootsAndRows() public view {
        _refusesRoots(1, _inputRoot, _outputRoot);
        _refusesRoots(3, _inputRoot, _outputRoot);
        _refusesRoots(2, _outputRoot, _inputRoot);
        for (uint256 i = 0; i < 4; i++) {
            bytes32 one = bytes32(uint256(1) << (64 * i));
            _refusesRoots(2, _inputRoot ^ one, _outputRoot);
            _refusesRoots(2, _inputRoot, _outputRoot ^ one);
        }
    }

    function testFuzz_refusesAnyOtherCell(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        bytes memory input = _input;
        bytes memory output = _output;
        place %= input.length + output.length;
        if (place < input.length) {
            input[place] ^= bytes1(change);
        } else {
            output[place - input.length] ^= bytes1(change);
        }
        vm.assertFalse(_digits.verifyCells{gas: 5_000_000}(input, output, _proof));
    }

    function testFuzz_refusesAnyFlippedBit(uint256 bit) public view {
        bytes memory proof = _proof;
        bit %= 8 * proof.length;
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.assertFalse(_digits.verify{gas: 1_500_000}(2, _inputRoot, _outputRoot, proof));
    }

    /// @dev Another program, key or policy behind the same generated verifier.
    function test_refusesWhatIsPinnedOtherwise() public {
        ProgramVerifier.Program memory pinned = _pinned();
        vm.assertTrue(_verifierOf(pinned).verify(2, _inputRoot, _outputRoot, _proof));
        pinned.digest ^= bytes32(uint256(1));
        vm.assertFalse(_verifierOf(pinned).verify(2, _inputRoot, _outputRoot, _proof));
        pinned = _pinned();
        pinned.auditKey ^= bytes32(uint256(1));
        vm.assertFalse(_verifierOf(pinned).verify(2, _inputRoot, _outputRoot, _proof));
        pinned = _pinned();
        pinned.policy = 2;
        vm.assertFalse(_verifierOf(pinned).verify(2, _inputRoot, _outputRoot, _proof));
    }

    function test_refusesCellsThatAreNoRows() public {
        bytes[4] memory inputs =
            [bytes(""), new bytes(63), bytes.concat(_input, hex"00"), bytes.concat(_input, _input, _input)];
        for (uint256 i = 0; i < 4; i++) {
            vm.expectRevert(abi.encodeWithSelector(Rows.NotRows.selector, inputs[i].length, 64, 2));
            _digits.inputRootOf(inputs[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(ProgramVerifier.RowsDiffer.selector, 2, 1));
        _digits.verifyCells(_input, new bytes(19), _proof);
        vm.expectRevert(abi.encodeWithSelector(Rows.NotRows.selector, 129, 64, 2));
        _digits.verifyCells(bytes.concat(_input, hex"00"), _output, _proof);
    }

    function test_refusesRowsAndDigestsThatCannotBe() public {
        for (uint256 i = 0; i < 3; i++) {
            uint256 rows = [uint256(0), 5, type(uint256).max][i];
            vm.expectRevert(abi.encodeWithSelector(ProgramVerifier.WrongRowCount.selector, rows, 2));
            _digits.verify(rows, _inputRoot, _outputRoot, _proof);
        }
        for (uint256 i = 0; i < 4; i++) {
            // An element that is p, or more.
            uint256 shift = 64 * i;
            bytes32 strange =
                bytes32((uint256(_inputRoot) & ~(uint256(type(uint64).max) << shift)) | (P << shift));
            vm.expectRevert(abi.encodeWithSelector(ProgramVerifier.NonCanonicalDigest.selector, strange));
            _digits.verify(2, strange, _outputRoot, _proof);
            vm.expectRevert(abi.encodeWithSelector(ProgramVerifier.NonCanonicalDigest.selector, strange));
            _digits.verify(2, _inputRoot, strange, _proof);
        }
    }

    function test_refusesOtherLengthsAndCode() public {
        bytes[3] memory proofs =
            [bytes.concat(_proof, hex"00"), bytes.concat(_proof, bytes32(0)), new bytes(_proof.length - 1)];
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    GeneratedVerifier.WrongProofLength.selector, _proof.length, proofs[i].length
                )
            );
            _digits.verify(2, _inputRoot, _outputRoot, proofs[i]);
        }
        vm.etch(_halo2, "");
        vm.expectPartialRevert(GeneratedVerifier.VerifierCodeChanged.selector);
        _digits.verify(2, _inputRoot, _outputRoot, _proof);
    }

    /// @dev What makes the door necessary: the generated verifier takes other forms of an instance.
    function test_theGeneratedVerifierAloneIsMalleable() public view {
        uint256[] memory x = _x;
        vm.assertEq(x.length, 18);
        (bool ok,) = _halo2.staticcall(abi.encodePacked(x, _proof));
        vm.assertTrue(ok);
        x[16] += BN254_R;
        (ok,) = _halo2.staticcall(abi.encodePacked(x, _proof));
        vm.assertTrue(ok);
    }

    function test_refusesToBeDeployedForNoProgram() public {
        for (uint256 i = 0; i < 8; i++) {
            ProgramVerifier.Program memory pinned = _pinned();
            if (i == 0) pinned.policy = 1 << 24;
            if (i == 1) pinned.depth = 25;
            if (i == 2) pinned.inputType = 0;
            if (i == 3) pinned.inputType = 3;
            if (i == 4) pinned.outputType = 3;
            if (i == 5) pinned.inputColumns = 0;
            if (i == 6) pinned.outputColumns = 0;
            if (i == 7) pinned.auditKey = bytes32(P);
            vm.expectPartialRevert(
                i == 7 ? ProgramVerifier.NonCanonicalDigest.selector : ProgramVerifier.InvalidProgram.selector
            );
            this.verifierOf(pinned);
        }
        // Another contract in the generated verifier's place, whatever it answers.
        vm.expectPartialRevert(ProgramVerifier.OtherVerifier.selector);
        new DigitsVerifier(address(this));
        vm.chainId(1);
        vm.expectPartialRevert(GeneratedVerifier.DevelopmentSrsOutsideDevelopmentChain.selector);
        new DigitsVerifier(_halo2);
    }

    function _pinned() private view returns (ProgramVerifier.Program memory) {
        return ProgramVerifier.Program({
            digest: _digits.program(),
            auditKey: _digits.auditKey(),
            policy: _digits.policy(),
            depth: _digits.depth(),
            inputColumns: _digits.inputColumns(),
            inputType: _digits.inputType(),
            outputColumns: _digits.outputColumns(),
            outputType: _digits.outputType(),
            verifierCode: 0
        });
    }

    function _verifierOf(ProgramVerifier.Program memory pinned) private returns (ProgramVerifier) {
        return new ProgramVerifier(_halo2, _digits.proofLength(), _digits.srsHash(), true, pinned);
    }

    /// @dev For `expectRevert`: a call of its own.
    function verifierOf(ProgramVerifier.Program memory pinned) external returns (ProgramVerifier) {
        return _verifierOf(pinned);
    }
}
