// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GeneratedVerifier} from "../src/GeneratedVerifier.sol";
import {BatchInfo} from "../src/BatchInfo.sol";
import {Rollup} from "../src/Rollup.sol";
import {VerifierWrapper} from "../src/VerifierWrapper.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract ProveTest is Deployed {
    BatchInfo private _info;

    function setUp() public override {
        super.setUp();
        _deposit(100);
        _reward();
        _info = _commitWithdraw(_genesis(), _withdraw(5, ALICE));
        _accept(rollup.stateRoot());
    }

    function _accept(bytes32 oldRoot) private {
        double.accept(abi.encodePacked(_instances(_one(_info), oldRoot, NEW_ROOT, PAYEE), PROOF));
    }

    function _refuse(bytes32 listDigest, bytes32 newRoot, address payee, bytes memory proof, bytes4 selector)
        private
    {
        vm.expectPartialRevert(selector);
        rollup.proveBatches(_one(_info), listDigest, newRoot, payee, proof);
    }

    function test_theTwentyThreeInputsPayThePayee() public {
        rollup.proveBatches(_one(_info), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        vm.assertEq(rollup.stateRoot(), NEW_ROOT);
        vm.assertEq(rollup.provenBatch(), 1);
        vm.assertEq(token.balanceOf(PAYEE), REWARD);
        vm.assertEq(rollup.rewardPool(), 99 * REWARD);
    }

    function test_aRangeOfTwo() public {
        BatchInfo[] memory range = new BatchInfo[](2);
        range[0] = _info;
        range[1] = _commitWithdraw(_info, _withdraw(6, ALICE));
        double.accept(abi.encodePacked(_instances(range, GENESIS, NEW_ROOT, PAYEE), PROOF));
        rollup.proveBatches(range, LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        vm.assertEq(rollup.provenBatch(), 2);
        vm.assertEq(token.balanceOf(PAYEE), 2 * REWARD);
    }

    function test_anEmptyPoolStopsNothing() public {
        _deploy(token);
        _info = _commitWithdraw(_genesis(), _withdraw(5, ALICE));
        _accept(GENESIS);
        rollup.proveBatches(_one(_info), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        vm.assertEq(token.balanceOf(PAYEE), 0);
    }

    function test_refusesAnyOtherStatement() public {
        bytes4 no = Rollup.InvalidProof.selector;
        _refuse(bytes32(uint256(LIST_DIGEST) ^ 1), NEW_ROOT, PAYEE, PROOF, no);
        _refuse(LIST_DIGEST, bytes32(uint256(NEW_ROOT) ^ 1), PAYEE, PROOF, no);
        _refuse(LIST_DIGEST, NEW_ROOT, ALICE, PROOF, no); // a copied proof pays nobody else
        _refuse(LIST_DIGEST, NEW_ROOT, PAYEE, hex"0102030405060709", no);
        _refuse(
            LIST_DIGEST, NEW_ROOT, PAYEE, hex"01020304050607", GeneratedVerifier.WrongProofLength.selector
        );
        _refuse(LIST_DIGEST, NEW_ROOT, address(0), PROOF, Rollup.InvalidPayee.selector);
        bytes32 plusP = bytes32(uint256(NEW_ROOT) + P);
        _refuse(LIST_DIGEST, plusP, PAYEE, PROOF, VerifierWrapper.NonCanonicalInstance.selector);
        _refuse(
            bytes32(uint256(LIST_DIGEST) + P),
            NEW_ROOT,
            PAYEE,
            PROOF,
            VerifierWrapper.NonCanonicalInstance.selector
        );
    }

    function test_refusesReplay() public {
        BatchInfo[] memory range = _one(_info);
        rollup.proveBatches(range, LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        vm.expectPartialRevert(Rollup.WrongBatchNumber.selector);
        rollup.proveBatches(range, LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        // The same proof for the next batch.
        range = _one(_commitWithdraw(_info, _withdraw(5, ALICE)));
        vm.expectPartialRevert(Rollup.InvalidProof.selector);
        rollup.proveBatches(range, LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
    }

    function test_refusesAnotherChain() public {
        vm.chainId(5);
        _refuse(LIST_DIGEST, NEW_ROOT, PAYEE, PROOF, Rollup.InvalidProof.selector);
    }

    function test_refusesAnotherAddress() public {
        Rollup twin = new Rollup(token, wrapper, OPERATOR, GENESIS, AGE, REWARD, DELAY);
        rollup = twin;
        token.approve(address(twin), type(uint256).max);
        _deposit(100);
        BatchInfo memory info = _commitWithdraw(_genesis(), _withdraw(5, ALICE));
        vm.expectPartialRevert(Rollup.InvalidProof.selector);
        twin.proveBatches(_one(info), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
    }

    function test_refusesRecordsThatAreNotStored() public {
        vm.expectPartialRevert(Rollup.EmptyRange.selector);
        rollup.proveBatches(new BatchInfo[](0), LIST_DIGEST, NEW_ROOT, PAYEE, PROOF);
        _info.evaluation = bytes32(uint256(_info.evaluation) ^ 1);
        _refuse(LIST_DIGEST, NEW_ROOT, PAYEE, PROOF, Rollup.UnknownBatch.selector);
        _info.evaluation = bytes32(uint256(_info.evaluation) ^ 1);
        _info.number = 2;
        _refuse(LIST_DIGEST, NEW_ROOT, PAYEE, PROOF, Rollup.WrongBatchNumber.selector);
    }

    function test_refusesARevertedBatch() public {
        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        _refuse(LIST_DIGEST, NEW_ROOT, PAYEE, PROOF, Rollup.UnknownBatch.selector);
    }
}
