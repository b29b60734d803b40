// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GeneratedVerifier} from "../src/GeneratedVerifier.sol";
import {BatchInfo} from "../src/BatchInfo.sol";
import {JCT} from "../src/JCT.sol";
import {Rollup} from "../src/Rollup.sol";
import {VerifierWrapper} from "../src/VerifierWrapper.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

/// @dev The generated verifier of the production keys and a real proof (`generated/`, made by `make contracts PROOF=1`):
/// two deposits, a batch that takes them in, a batch with a transfer and a withdrawal, one proof of both.
contract RealProofTest is Deployed {
    uint256 private constant BN254_R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    /// @dev Its first contract is the rollup that the proof is for.
    address private constant DEPLOYER = address(0xd0e5);
    uint256 private constant CODE_LIMIT = 24_576;
    /// @dev The promise for a whole verification: what a transaction costs besides is counted in `_transaction`.
    uint256 private constant GAS_LIMIT = 380_000;

    string private _text;
    address private _verifier;
    uint256[23] private _x;
    bytes private _proof;
    BatchInfo[] private _range;
    bytes private _withdrawal;

    function setUp() public override {
        _text = vm.readFile("generated/proof.json");
        _proof = vm.parseJsonBytes(_text, ".proof");
        uint256[] memory x = vm.parseJsonUintArray(_text, ".publicInputs");
        for (uint256 i = 0; i < 23; i++) {
            _x[i] = x[i];
        }
        vm.chainId(vm.parseJsonUint(_text, ".chainId"));
        vm.warp(vm.parseJsonUint(_text, ".start"));

        string memory artifact = vm.readFile("generated/Halo2Verifier.json");
        vm.assertEq(vm.parseJsonBytes32(artifact, ".keyDigest"), vm.parseJsonBytes32(_text, ".keyDigest"));
        _verifier = _create(vm.parseJsonBytes(artifact, ".bytecode"));
        vm.assertEq(_verifier.codehash, vm.parseJsonBytes32(artifact, ".codeHash"));
        wrapper = new VerifierWrapper(
            _verifier,
            vm.parseJsonUint(artifact, ".proofLength"),
            vm.parseJsonBytes32(artifact, ".srsHash"),
            vm.parseJsonBool(artifact, ".developmentSrs")
        );
        vm.assertEq(wrapper.srsHash(), wrapper.DEVELOPMENT_SRS());
        token = new JCT(address(this));
        rollup = _rollup(DEPLOYER);
        vm.assertEq(address(rollup), vm.parseJsonAddress(_text, ".rollup"));
        _commitBatches();
    }

    function _create(bytes memory code) private returns (address created) {
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
    }

    function _rollup(address deployer) private returns (Rollup) {
        bytes32 root = vm.parseJsonBytes32(_text, ".genesisRoot");
        vm.prank(deployer);
        return new Rollup(token, wrapper, OPERATOR, root, AGE, REWARD, DELAY);
    }

    /// @dev Makes the deposits and commits the batches of the fixture to `rollup`.
    function _commitBatches() private {
        token.approve(address(rollup), type(uint256).max);
        uint256 start = vm.parseJsonUint(_text, ".start");
        for (uint256 i = 0; i < 2; i++) {
            string memory path = i == 0 ? ".deposits[0]" : ".deposits[1]";
            uint256[] memory w = vm.parseJsonUintArray(_text, string.concat(path, ".key"));
            uint64[5] memory key = [uint64(w[0]), uint64(w[1]), uint64(w[2]), uint64(w[3]), uint64(w[4])];
            uint256 hint = vm.parseJsonUint(_text, string.concat(path, ".hint"));
            rollup.deposit(key, uint24(hint), vm.parseJsonUint(_text, string.concat(path, ".units")) * 1e9);
        }
        delete _range;
        BatchInfo memory parent = _genesis();
        for (uint256 i = 0; i < 2; i++) {
            vm.warp(start + 12 * (i + 1));
            parent = _commitOne(parent, i == 0 ? ".batches[0]" : ".batches[1]");
            _range.push(parent);
        }
    }

    /// @dev Commits a batch and returns its record, which is rebuilt from the specification and compared.
    function _commitOne(BatchInfo memory parent, string memory path) private returns (BatchInfo memory info) {
        bytes memory committed = vm.parseJsonBytes(_text, string.concat(path, ".committed"));
        bytes32 digest = vm.parseJsonBytes32(_text, string.concat(path, ".digest"));
        uint256[] memory offsets = vm.parseJsonUintArray(_text, string.concat(path, ".eventOffsets"));
        uint32[] memory o = new uint32[](offsets.length);
        for (uint256 i = 0; i < offsets.length; i++) {
            o[i] = uint32(offsets[i]);
        }
        bytes32 l1 = rollup.l1QueueHash();
        vm.prank(OPERATOR);
        rollup.commitBatch(parent, committed, digest, o, l1, 0);

        bytes memory stream = abi.encodePacked(committed, _tail(parent));
        bytes32 eventsRoot;
        if (o.length == 1) {
            _withdrawal = _slice(committed, 56 * offsets[0]);
            eventsRoot = _leaf(0, _withdrawal);
        }
        info = _record(parent, uint64(block.timestamp), stream, digest, eventsRoot);
        vm.assertEq(rollup.batchHash(info.number), keccak256(abi.encode(info)));
    }

    function _slice(bytes memory from, uint256 start) private pure returns (bytes memory block_) {
        block_ = new bytes(56);
        for (uint256 i = 0; i < 56; i++) {
            block_[i] = from[start + i];
        }
    }

    function _payee() private view returns (address) {
        return vm.parseJsonAddress(_text, ".payee");
    }

    function _proveAll(address payee) private {
        bytes32 listDigest = vm.parseJsonBytes32(_text, ".listDigest");
        bytes32 newRoot = vm.parseJsonBytes32(_text, ".newRoot");
        rollup.proveBatches(_range, listDigest, newRoot, payee, _proof);
    }

    /// @dev With a limit, since a point off the curve makes the precompile take all the gas that it is given.
    function _refuse(bytes memory proof) private view {
        vm.assertFalse(wrapper.verify{gas: 1_000_000}(_x, proof));
    }

    // ---- The way to the payout --------------------------------------------------------------------------

    function test_aRealProofReleasesTheMoney() public {
        rollup.fundRewards(10 * REWARD);
        _proveAll(_payee());
        vm.snapshotGasLastCall("calls", "proveBatches, two batches, real proof");
        vm.assertEq(rollup.stateRoot(), vm.parseJsonBytes32(_text, ".newRoot"));
        vm.assertEq(rollup.provenBatch(), 2);
        vm.assertEq(token.balanceOf(_payee()), 2 * REWARD);
        bytes32[] memory none;
        rollup.claim(_range[1], 0, _withdrawal, none);
        address receiver = vm.parseJsonAddress(_text, ".receiver");
        vm.assertEq(token.balanceOf(receiver), vm.parseJsonUint(_text, ".withdrawal") * 1e9);
    }

    function test_itsGasAndCodeStayBelowThePromise() public {
        vm.assertLe(_verifier.code.length, CODE_LIMIT);
        bytes memory question = abi.encodePacked(_x, _proof);
        (bool ok,) = _verifier.staticcall(question);
        vm.assertTrue(ok);
        uint256 execution = vm.snapshotGasLastCall("calls", "generated verifier, execution");
        uint256 whole = execution + _transaction(question);
        vm.snapshotValue("calls", "generated verifier, transaction", whole);
        vm.assertLe(whole, GAS_LIMIT);
    }

    /// @dev Intrinsic gas of a transaction with this calldata.
    function _transaction(bytes memory data) private pure returns (uint256 gas_) {
        gas_ = 21_000;
        for (uint256 i = 0; i < data.length; i++) {
            gas_ += data[i] == 0 ? 4 : 16;
        }
    }

    // ---- Everything else is refused ---------------------------------------------------------------------

    /// @dev Every word of the proof, a bit in its first and in its last byte: points, evaluations, opening.
    function test_refusesFlippedBitsAllOverTheProof() public view {
        bytes memory proof = _proof;
        vm.assertTrue(wrapper.verify(_x, proof));
        for (uint256 word = 0; word < proof.length / 32; word++) {
            uint256[2] memory positions = [32 * word, 32 * word + 31];
            for (uint256 k = 0; k < 2; k++) {
                uint256 i = positions[k];
                bytes1 saved = proof[i];
                proof[i] = saved ^ bytes1(uint8(1 << (word % 8)));
                _refuse(proof);
                proof[i] = saved;
            }
        }
    }

    function testFuzz_refusesAnyFlippedBit(uint256 bit) public view {
        bytes memory proof = _proof;
        bit %= 8 * proof.length;
        proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        _refuse(proof);
    }

    function test_refusesEveryOtherPublicInput() public view {
        for (uint256 i = 0; i < 23; i++) {
            uint256[23] memory x = _x;
            x[i] = x[i] == 0 ? 1 : x[i] - 1;
            vm.assertFalse(wrapper.verify(x, _proof));
        }
    }

    /// @dev What makes the wrapper necessary: the generated verifier accepts the first of these.
    function test_refusesInstancesThatAreNotCanonical() public {
        for (uint256 i = 0; i < 23; i++) {
            uint256[23] memory x = _x;
            x[i] += BN254_R;
            (bool ok,) = _verifier.staticcall(abi.encodePacked(x, _proof));
            vm.assertTrue(ok);
            vm.expectRevert(abi.encodeWithSelector(VerifierWrapper.NonCanonicalInstance.selector, i, x[i]));
            wrapper.verify(x, _proof);
            // The same element of Goldilocks, not below its order.
            x[i] = _x[i] + P;
            vm.expectRevert(abi.encodeWithSelector(VerifierWrapper.NonCanonicalInstance.selector, i, x[i]));
            wrapper.verify(x, _proof);
        }
    }

    /// @dev The generated verifier accepts bytes after the proof, too.
    function test_refusesOtherLengths() public {
        bytes[3] memory proofs =
            [bytes.concat(_proof, hex"00"), bytes.concat(_proof, bytes32(0)), new bytes(_proof.length - 1)];
        (bool ok,) = _verifier.staticcall(abi.encodePacked(_x, proofs[0]));
        vm.assertTrue(ok);
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    GeneratedVerifier.WrongProofLength.selector, _proof.length, proofs[i].length
                )
            );
            wrapper.verify(_x, proofs[i]);
        }
    }

    function test_refusesAVerifierWithoutCode() public {
        vm.etch(_verifier, "");
        vm.expectPartialRevert(GeneratedVerifier.VerifierCodeChanged.selector);
        this.proveAll(_payee());
    }

    /// @dev For `expectRevert`: a call of its own.
    function proveAll(address payee) external {
        _proveAll(payee);
    }

    function test_refusesReplay() public {
        _proveAll(_payee());
        vm.expectPartialRevert(Rollup.WrongBatchNumber.selector);
        this.proveAll(_payee());
    }

    function test_refusesAnotherPayee() public {
        vm.expectRevert(Rollup.InvalidProof.selector);
        this.proveAll(ALICE);
    }

    function test_refusesAnotherRoot() public {
        bytes32 listDigest = vm.parseJsonBytes32(_text, ".listDigest");
        address payee = _payee();
        vm.expectRevert(Rollup.InvalidProof.selector);
        rollup.proveBatches(_range, listDigest, NEW_ROOT, payee, _proof);
        vm.expectRevert(Rollup.InvalidProof.selector);
        rollup.proveBatches(_range, NEW_ROOT, NEW_ROOT, payee, _proof);
    }

    /// @dev Batches that are proven together cannot be proven apart with the same proof.
    function test_refusesAPartOfTheRange() public {
        _range.pop();
        vm.expectRevert(Rollup.InvalidProof.selector);
        this.proveAll(_payee());
    }

    /// @dev The same deposits and bytes on another chain: r is another, and so is the deployment.
    function test_refusesAnotherChain() public {
        vm.chainId(31_338);
        vm.expectRevert(Rollup.InvalidProof.selector);
        this.proveAll(_payee());
    }

    /// @dev The same deposits and bytes at another address.
    function test_refusesAnotherAddress() public {
        vm.warp(vm.parseJsonUint(_text, ".start"));
        rollup = _rollup(ALICE);
        _commitBatches();
        vm.expectRevert(Rollup.InvalidProof.selector);
        this.proveAll(_payee());
    }

    /// @dev Other bytes, committed with the digest that the proof knows: the fingerprint tells them apart.
    function test_refusesOtherBytesUnderTheSameDigest() public {
        vm.prank(OPERATOR);
        rollup.revertBatches(_range[0]);
        bytes memory committed = vm.parseJsonBytes(_text, ".batches[1].committed");
        // The last byte of the address in the withdrawal, the second and last transaction.
        committed[56 * 2 + 41] ^= 0x01;
        bytes32 l1 = rollup.l1QueueHash();
        bytes32 digest = vm.parseJsonBytes32(_text, ".batches[1].digest");
        uint32[] memory o = new uint32[](1);
        o[0] = 2;
        vm.prank(OPERATOR);
        rollup.commitBatch(_range[0], committed, digest, o, l1, 0);
        bytes memory forged = _slice(committed, 56 * 2);
        _range[1] = _record(_range[0], uint64(block.timestamp), committed, digest, _leaf(0, forged));
        vm.assertEq(rollup.batchHash(2), keccak256(abi.encode(_range[1])));
        vm.expectRevert(Rollup.InvalidProof.selector);
        this.proveAll(_payee());
    }
}
