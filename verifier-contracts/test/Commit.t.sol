// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Rollup} from "../src/Rollup.sol";
import {BatchStream} from "../src/lib/BatchStream.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

contract CommitTest is Deployed {
    bytes private _l2 = _withdraw(5, ALICE);

    /// @dev Commits a batch of one withdrawal with a header changed by the test, and expects an error.
    function _refuse(Counts memory c, bytes4 selector) private {
        _refuse(abi.encodePacked(_header(c), _l2), DIGEST, _offsets(1), selector);
    }

    function _refuse(bytes memory committed, bytes32 digest, uint32[] memory offsets, bytes4 selector)
        private
    {
        bytes32 l1 = rollup.l1QueueHash();
        vm.prank(OPERATOR);
        vm.expectPartialRevert(selector);
        rollup.commitBatch(_genesis(), committed, digest, offsets, l1, 0);
    }

    function _fresh() private view returns (Counts memory) {
        return _counts(_genesis(), 1, 1);
    }

    function test_recordsWhatTheProtocolSays() public {
        _deposit(7);
        vm.warp(block.timestamp + 1);
        _deposit(uint256(type(uint32).max) + 9);
        // The record is rebuilt from the specification and compared inside.
        BatchInfo memory info = _commitWithdraw(_genesis(), _l2);
        _commitWithdraw(info, _withdraw(6, ALICE));
        vm.assertEq(rollup.committedBatch(), 2);
    }

    function test_onlyTheOperator() public {
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotOperator.selector, address(this)));
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotOperator.selector, address(this)));
        rollup.revertBatches(_genesis());
    }

    function test_refusesWrongParent() public {
        BatchInfo memory parent;
        parent.time = 1;
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(Rollup.UnknownBatch.selector, 0));
        rollup.commitBatch(parent, committed, DIGEST, _offsets(1), 0, 0);
        parent.number = 1;
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.WrongBatchNumber.selector);
        rollup.commitBatch(parent, committed, DIGEST, _offsets(1), 0, 0);
    }

    function test_refusesWrongNumber() public {
        Counts memory c = _fresh();
        c.number = 2;
        _refuse(c, Rollup.WrongBatchNumber.selector);
    }

    function test_refusesUnknownVersionAndTag() public {
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        committed[1] = 0x02;
        _refuse(committed, DIGEST, _offsets(1), BatchStream.UnknownFormat.selector);
        committed[1] = 0x01;
        committed[0] = 0x20;
        _refuse(committed, DIGEST, _offsets(1), BatchStream.UnknownFormat.selector);
    }

    function test_refusesWrongLengths() public {
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        _refuse(abi.encodePacked(committed, uint8(0)), DIGEST, _offsets(1), BatchStream.WrongLength.selector);
        _refuse(abi.encodePacked(committed, _l2), DIGEST, _offsets(1), BatchStream.WrongLength.selector);
        _refuse(_header(_fresh()), DIGEST, _offsets(1), BatchStream.WrongLength.selector);
        _refuse("", DIGEST, _offsets(1), BatchStream.WrongLength.selector);
        committed[6] = bytes1(uint8(committed[6]) + 1);
        _refuse(committed, DIGEST, _offsets(1), BatchStream.WrongLength.selector);
    }

    function test_refusesEveryPaddingByte() public {
        uint8[13] memory padding = [27, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55];
        for (uint256 i = 0; i < padding.length; i++) {
            bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
            committed[padding[i]] = 0x01;
            _refuse(committed, DIGEST, _offsets(1), BatchStream.HeaderPadding.selector);
        }
    }

    function test_refusesNonCanonicalDigest() public {
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        for (uint256 i = 0; i < 4; i++) {
            _refuse(committed, bytes32(P << (64 * i)), _offsets(1), Rollup.NonCanonicalWord.selector);
        }
    }

    function test_refusesWrongTimes() public {
        Counts memory c = _fresh();
        c.time = uint64(block.timestamp + 1);
        _refuse(c, Rollup.BatchTimeInFuture.selector);
        c.time = uint64(block.timestamp - AGE - 1);
        _refuse(c, Rollup.BatchTooOld.selector);
        BatchInfo memory info = _commitWithdraw(_genesis(), _l2);
        c = _counts(info, 1, 1);
        c.time = info.time - 1;
        bytes memory committed = abi.encodePacked(_header(c), _l2);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.BatchTimeDecreases.selector);
        rollup.commitBatch(info, committed, DIGEST, _offsets(1), 0, 0);
    }

    function test_refusesWrongRanges() public {
        _deposit(1);
        Counts memory c = _fresh();
        c.firstL1 = 1;
        c.l1Count = 0;
        _refuse(c, Rollup.WrongL1Range.selector);
        c.firstL1 = 0;
        c.l1Count = 2;
        _refuse(c, Rollup.WrongL1Range.selector);
        c = _fresh();
        c.beaconCount = 1;
        _refuse(c, Rollup.WrongBeaconRange.selector);
        c.beaconCount = 0;
        c.firstBeacon = 1;
        _refuse(c, Rollup.WrongBeaconRange.selector);
    }

    function test_consumesWhatIsOlderThanTheBatch() public {
        _deposit(1);
        vm.warp(block.timestamp + 10);
        Counts memory c = _fresh();
        c.l1Count = 0;
        _refuse(c, Rollup.LeftBehind.selector);
        // A deposit in the second of the batch's time may be left to the next batch.
        c.time -= 10;
        bytes memory committed = abi.encodePacked(_header(c), _l2);
        vm.prank(OPERATOR);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), 0, 0);
    }

    /// @dev Commits a batch of this time over the first `count` deposits, whose rolling hash is `queueHash`; expects an
    /// error unless `selector` is zero.
    function _take(uint256 count, uint256 time, bytes32 queueHash, bytes4 selector) private {
        Counts memory c = _fresh();
        c.l1Count = count;
        c.time = uint64(time);
        bytes memory committed = abi.encodePacked(_header(c), _l2);
        vm.prank(OPERATOR);
        if (selector != 0) vm.expectPartialRevert(selector);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), queueHash, 0);
    }

    /// @dev Nobody commits for long while deposits come in: the queue must not jam, and no batch may be older than that
    /// makes it.
    function test_aBacklogOfAnyAgeCanBeWorkedOff() public {
        uint256 full = rollup.FULL_TAIL();
        uint256 time = block.timestamp;
        bytes32[] memory hashes = new bytes32[](full + 3);
        for (uint256 i = 1; i < hashes.length; i++) {
            _deposit(i);
            hashes[i] = rollup.l1QueueHash();
            // The last deposit of a full tail comes a second after those before it, and so on.
            if (i >= full - 1) vm.warp(block.timestamp + 1);
        }
        vm.warp(time + 10 * AGE);
        _take(full - 1, time + 1, hashes[full - 1], Rollup.BatchTooOld.selector); // not a full tail
        _take(full, time + 1, hashes[full], Rollup.BatchTooOld.selector); // older than it must be
        _take(full, time + 3, hashes[full], Rollup.LeftBehind.selector);
        _take(full + 2, time + 3, hashes[full + 2], Rollup.BatchTooOld.selector); // leaves nothing: it can be of now
        _take(full, time + 2, hashes[full], 0);
        vm.assertEq(rollup.committedBatch(), 1);
    }

    function test_refusesAnotherQueue() public {
        _deposit(1);
        bytes memory committed = abi.encodePacked(_header(_fresh()), _l2);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.WrongL1QueueHash.selector);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), bytes32(uint256(1)), 0);
        bytes32 l1 = rollup.l1QueueHash();
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.WrongBeaconQueueHash.selector);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), l1, bytes32(uint256(1)));
    }

    function test_aDepositThatLandsFirstDoesNoHarm() public {
        _deposit(1);
        Counts memory c = _fresh();
        bytes32 l1 = rollup.l1QueueHash();
        _deposit(2);
        bytes memory committed = abi.encodePacked(_header(c), _l2);
        vm.prank(OPERATOR);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), l1, 0);
    }

    function test_refusesWrongEventLists() public {
        bytes memory l2 = abi.encodePacked(_withdraw(1, ALICE), _transfer(), _settle(1, DIGEST));
        Counts memory c = _counts(_genesis(), 4, 2);
        bytes memory committed = abi.encodePacked(_header(c), l2);
        uint32[] memory o = new uint32[](2);
        (o[0], o[1]) = (1, 2);
        _refuse(committed, DIGEST, o, BatchStream.NotAnEvent.selector);
        (o[0], o[1]) = (1, 4);
        _refuse(committed, DIGEST, o, BatchStream.NotAnEvent.selector);
        (o[0], o[1]) = (3, 1);
        _refuse(committed, DIGEST, o, BatchStream.EventOutOfOrder.selector);
        (o[0], o[1]) = (1, 1);
        _refuse(committed, DIGEST, o, BatchStream.EventOutOfOrder.selector);
        (o[0], o[1]) = (0, 1);
        _refuse(committed, DIGEST, o, BatchStream.EventOutOfOrder.selector);
        (o[0], o[1]) = (1, 5);
        _refuse(committed, DIGEST, o, BatchStream.EventOutOfOrder.selector);
        _refuse(committed, DIGEST, _offsets(1), BatchStream.WrongEventCount.selector);
        _refuse(committed, DIGEST, _offsets(3), BatchStream.WrongEventCount.selector);
        // A Settle that reaches out of the L2 part.
        c = _counts(_genesis(), 1, 1);
        bytes memory cut = new bytes(56);
        cut[0] = 0x35;
        _refuse(abi.encodePacked(_header(c), cut), DIGEST, _offsets(1), BatchStream.EventOutOfOrder.selector);
        (o[0], o[1]) = (1, 3);
        _commit(_genesis(), _counts(_genesis(), 4, 2), l2, o);
    }

    function test_revertRestoresTheCursorsAndKeepsTheTime() public {
        _deposit(3);
        uint64 time = uint64(block.timestamp);
        Counts memory c = _fresh();
        bytes memory committed = abi.encodePacked(_header(c), _l2);
        BatchInfo memory info = _commitWithdraw(_genesis(), _l2);
        bytes32 l1 = rollup.l1QueueHash();
        uint64 firstBlock = rollup.firstCommitBlock(info.streamHash);
        vm.assertEq(firstBlock, block.number);

        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        vm.assertEq(rollup.batchHash(1), bytes32(0));
        vm.assertEq(rollup.committedBatch(), 0);

        // The same bytes much later: accepted, with their first block. Other bytes of that time: too old.
        vm.warp(time + 10 * AGE);
        vm.roll(block.number + 100);
        vm.prank(OPERATOR);
        rollup.commitBatch(_genesis(), committed, DIGEST, _offsets(1), l1, 0);
        vm.assertEq(rollup.batchHash(1), keccak256(abi.encode(info)));
        vm.assertEq(rollup.firstCommitBlock(info.streamHash), firstBlock);
        vm.prank(OPERATOR);
        rollup.revertBatches(_genesis());
        _l2 = _withdraw(6, ALICE);
        c.time = time;
        _refuse(c, Rollup.BatchTooOld.selector);
    }

    function test_revertLeavesProvenBatches() public {
        BatchInfo memory first = _commitWithdraw(_genesis(), _l2);
        _prove(first);
        _commitWithdraw(first, _l2);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.AlreadyProven.selector);
        rollup.revertBatches(_genesis());
        vm.prank(OPERATOR);
        rollup.revertBatches(first);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(Rollup.NothingToRevert.selector);
        rollup.revertBatches(first);
    }

    function test_refusesNonCanonicalGenesis() public {
        vm.expectPartialRevert(Rollup.NonCanonicalWord.selector);
        new Rollup(token, wrapper, OPERATOR, bytes32(type(uint256).max), AGE, REWARD, DELAY);
    }
}
