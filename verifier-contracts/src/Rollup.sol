// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {BatchInfo} from "./BatchInfo.sol";
import {Escrow} from "./Escrow.sol";
import {IJobOutputs} from "./IJobOutputs.sol";
import {Beacons} from "./Beacons.sol";
import {L1Queue} from "./L1Queue.sol";
import {VerifierWrapper} from "./VerifierWrapper.sol";
import {BatchStream} from "./lib/BatchStream.sol";
import {EventTree} from "./lib/EventTree.sol";
import {Fingerprint} from "./lib/Fingerprint.sol";
import {Goldilocks} from "./lib/Goldilocks.sol";

/// @title The rollup on L1
/// @notice Batches are committed as bytes, proven in ranges, and only what is proven is paid. docs/protocol.md is the
/// statement that a proof makes; docs/l1.md describes this contract.
contract Rollup is Beacons, IJobOutputs {
    using BitMaps for BitMaps.BitMap;
    using Goldilocks for bytes32;

    /// @notice A batch that takes this many entries of a queue and stops in the middle of it may be of any age.
    uint256 public constant FULL_TAIL = 64;

    /// @notice Who commits and reverts batches. Proving and claiming are open to anyone.
    address public immutable operator;
    /// @notice The proof system's door.
    VerifierWrapper public immutable verifier;
    /// @notice How old, in seconds, a batch's time may be when its bytes are committed for the first time.
    uint256 public immutable maxBatchAge;

    /// @notice Ledger root after the last proven batch: four elements of 8 bytes.
    bytes32 public stateRoot;
    /// @notice Number of the last proven batch.
    uint64 public provenBatch;
    /// @notice Number of the last committed batch.
    uint64 public committedBatch;
    /// @notice Hash of each batch's `BatchInfo`, genesis at 0.
    mapping(uint256 number => bytes32) public batchHash;
    /// @notice L1 block of the first commit of a stream (by its keccak256); reverts leave it.
    mapping(bytes32 streamHash => uint64) public firstCommitBlock;
    /// @inheritdoc IJobOutputs
    mapping(uint256 job => bytes32) public override outputRoot;
    mapping(uint256 number => BitMaps.BitMap) private _claimed;

    /// @notice A batch was committed; the transaction's calldata holds its bytes.
    event BatchCommitted(uint64 indexed number, BatchInfo info);
    /// @notice The batches above `last` were removed.
    event BatchesReverted(uint64 indexed last, uint64 committed);
    /// @notice The batches `first` to `last` are proven.
    event BatchesProven(
        uint64 indexed first,
        uint64 indexed last,
        address indexed payee,
        bytes32 oldRoot,
        bytes32 newRoot,
        uint256 reward
    );
    /// @notice A withdrawal was paid.
    event Claimed(uint64 indexed number, uint32 indexed index, address indexed to, uint256 units);

    error NotOperator(address sender);
    /// @dev The four elements of this word are not all below the order of Goldilocks.
    error NonCanonicalWord(bytes32 word);
    error WrongBatchNumber(uint256 expected, uint256 actual);
    error BatchTimeDecreases(uint256 previous, uint256 time);
    error BatchTimeInFuture(uint256 now_, uint256 time);
    error BatchTooOld(uint256 oldest, uint256 time);
    /// @dev The batch consumes from elsewhere than where the last one ended, or more than there is.
    error WrongL1Range(uint256 first, uint256 count);
    error WrongBeaconRange(uint256 first, uint256 count);
    /// @dev A batch must consume every entry of both queues that was made before the batch's time.
    error LeftBehind(uint256 madeAt, uint256 time);
    /// @dev The operations that would be appended are not those the committer built its batch from.
    error WrongL1QueueHash(bytes32 expected, bytes32 actual);
    error WrongBeaconQueueHash(bytes32 expected, bytes32 actual);
    /// @dev This is not the record of batch `number` as it stands committed.
    error UnknownBatch(uint64 number);
    error NothingToRevert(uint64 number);
    /// @dev Batches up to `proven` stay.
    error AlreadyProven(uint64 number, uint64 proven);
    error NotProven(uint64 number, uint64 proven);
    error EmptyRange();
    error InvalidPayee();
    error InvalidProof();
    /// @dev No event of the batch has this index and these bytes.
    error UnknownEvent(uint64 number, uint32 index);
    error NotAWithdraw(uint64 number, uint32 index);
    error NotASettle(uint64 number, uint32 index);
    error AlreadyClaimed(uint64 number, uint32 index);

    /// @param token_ JCT
    /// @param verifier_ wrapper of the generated verifier
    /// @param operator_ who commits
    /// @param genesisRoot ledger root of the empty ledger of this deployment (chain id and this contract's address are
    /// inside)
    /// @param maxBatchAge_ seconds
    /// @param proverReward_ wei per proven batch
    /// @param beaconDelay_ L1 blocks from a Submit's first commit to its beacon
    constructor(
        IERC20 token_,
        VerifierWrapper verifier_,
        address operator_,
        bytes32 genesisRoot,
        uint256 maxBatchAge_,
        uint256 proverReward_,
        uint256 beaconDelay_
    ) Escrow(token_, proverReward_) Beacons(beaconDelay_) {
        if (!genesisRoot.isCanonical()) revert NonCanonicalWord(genesisRoot);
        operator = operator_;
        verifier = verifier_;
        maxBatchAge = maxBatchAge_;
        stateRoot = genesisRoot;
        BatchInfo memory genesis;
        batchHash[0] = _hash(genesis);
        emit BatchCommitted(0, genesis);
    }

    /// @notice Commits the next batch.
    /// @param parent record of the batch before it
    /// @param committed header block and L2 transactions; the contract appends the tail from its queues
    /// @param digest D of the whole stream
    /// @param eventOffsets block offsets of the Withdraw, Submit and Settle transactions, increasing
    /// @param expectedL1QueueHash rolling hash of the L1 queue at the end of the batch's range
    /// @param expectedBeaconQueueHash rolling hash of the beacon records at the end of the batch's range
    function commitBatch(
        BatchInfo calldata parent,
        bytes calldata committed,
        bytes32 digest,
        uint32[] calldata eventOffsets,
        bytes32 expectedL1QueueHash,
        bytes32 expectedBeaconQueueHash
    ) external {
        _onlyOperator();
        if (!digest.isCanonical()) revert NonCanonicalWord(digest);
        if (parent.number != committedBatch) revert WrongBatchNumber(committedBatch, parent.number);
        _requireCommitted(parent);

        BatchStream.Header memory h = BatchStream.parse(committed);
        BatchInfo memory info;
        info.number = parent.number + 1;
        if (h.number != info.number) revert WrongBatchNumber(info.number, h.number);
        if (h.time < parent.time) revert BatchTimeDecreases(parent.time, h.time);
        if (h.time > block.timestamp) revert BatchTimeInFuture(block.timestamp, h.time);
        info.time = uint64(h.time);

        bytes memory stream = BatchStream.begin(committed, h);
        bool exempt = _appendTail(info, parent, h, stream, committed.length);
        if (info.l1QueueHash != expectedL1QueueHash) {
            revert WrongL1QueueHash(expectedL1QueueHash, info.l1QueueHash);
        }
        if (info.beaconQueueHash != expectedBeaconQueueHash) {
            revert WrongBeaconQueueHash(expectedBeaconQueueHash, info.beaconQueueHash);
        }

        info.streamHash = keccak256(stream);
        _noteFirstCommit(info.streamHash, h.time, exempt);
        info.digest = digest;
        info.evaluation = _evaluate(stream, digest, info.streamHash);
        info.eventsRoot = BatchStream.eventsRoot(stream, h, eventOffsets);
        _noteSubmits(stream, eventOffsets);

        committedBatch = info.number;
        batchHash[info.number] = _hash(info);
        emit BatchCommitted(info.number, info);
    }

    /// @notice Removes the batches after `last`, none of which may be proven; the L1 cursors go back with them.
    function revertBatches(BatchInfo calldata last) external {
        _onlyOperator();
        uint64 committed = committedBatch;
        if (last.number < provenBatch) revert AlreadyProven(last.number + 1, provenBatch);
        if (last.number >= committed) revert NothingToRevert(last.number);
        _requireCommitted(last);
        for (uint256 n = uint256(last.number) + 1; n <= committed; n++) {
            delete batchHash[n];
        }
        committedBatch = last.number;
        emit BatchesReverted(last.number, committed);
    }

    /// @notice Proves a range of batches, from the first one that is not proven, and pays the prover.
    /// @param range records of the batches, in order
    /// @param listDigest D*: digest of the list of (D, r, f) of the range
    /// @param newRoot ledger root after the range
    /// @param payee who is paid; the proof names it
    /// @param proof of the 23 public inputs
    function proveBatches(
        BatchInfo[] calldata range,
        bytes32 listDigest,
        bytes32 newRoot,
        address payee,
        bytes calldata proof
    ) external nonReentrant {
        if (range.length == 0) revert EmptyRange();
        if (payee == address(0)) revert InvalidPayee();
        bytes32 oldRoot = stateRoot;
        uint64 first = provenBatch + 1;
        uint64 last = provenBatch + uint64(range.length);
        if (!verifier.verify(_instances(range, oldRoot, newRoot, listDigest, payee), proof)) {
            revert InvalidProof();
        }
        stateRoot = newRoot;
        provenBatch = last;
        uint256 reward = _reward(payee, range.length);
        emit BatchesProven(first, last, payee, oldRoot, newRoot, reward);
    }

    /// @notice Pays a withdrawal of a proven batch to the address that it names. Anyone may call.
    /// @param info record of the batch
    /// @param index of the event in the batch
    /// @param eventBlocks the event's bytes
    /// @param path of the event in the batch's tree of events
    function claim(BatchInfo calldata info, uint32 index, bytes calldata eventBlocks, bytes32[] calldata path)
        external
        nonReentrant
    {
        _requireProvenEvent(info, index, eventBlocks, path);
        (bool ok, uint256 units, address to) = BatchStream.parseWithdraw(eventBlocks);
        if (!ok) revert NotAWithdraw(info.number, index);
        if (_claimed[info.number].get(index)) revert AlreadyClaimed(info.number, index);
        _claimed[info.number].set(index);
        emit Claimed(info.number, index, to, units);
        _release(to, units);
    }

    /// @notice Makes the output root of a job that settled in a proven batch readable as `outputRoot(job)`. Anyone may
    /// call.
    function publishOutput(
        BatchInfo calldata info,
        uint32 index,
        bytes calldata eventBlocks,
        bytes32[] calldata path
    ) external {
        _requireProvenEvent(info, index, eventBlocks, path);
        (bool ok, uint24 job, bytes32 root) = BatchStream.parseSettle(eventBlocks);
        if (!ok) revert NotASettle(info.number, index);
        outputRoot[job] = root;
        emit OutputPublished(job, root);
    }

    /// @notice Whether event `index` of batch `number` has been paid.
    function isClaimed(uint64 number, uint32 index) external view returns (bool) {
        return _claimed[number].get(index);
    }

    /// @notice The deployment's four elements: chain id, and this address in limbs of 6, 7 and 7 bytes.
    function deployment() public view returns (uint256[4] memory) {
        (uint256 a, uint256 b, uint256 c) = Goldilocks.addressLimbs(address(this));
        return [block.chainid, a, b, c];
    }

    /// @dev The public inputs of the proof, in the order of docs/protocol.md, section 6.
    function _instances(
        BatchInfo[] calldata range,
        bytes32 oldRoot,
        bytes32 newRoot,
        bytes32 listDigest,
        address payee
    ) private view returns (uint256[23] memory x) {
        bytes32[] memory list = new bytes32[](2 * range.length);
        for (uint256 i = 0; i < range.length; i++) {
            if (range[i].number != provenBatch + 1 + i) {
                revert WrongBatchNumber(provenBatch + 1 + i, range[i].number);
            }
            _requireCommitted(range[i]);
            list[2 * i] = range[i].digest;
            list[2 * i + 1] = range[i].evaluation;
        }
        for (uint256 i = 0; i < 4; i++) {
            x[i] = oldRoot.element(i);
            x[4 + i] = newRoot.element(i);
            x[8 + i] = listDigest.element(i);
        }
        bytes32 point = keccak256(abi.encodePacked(list));
        point = keccak256(abi.encodePacked("janction/r*/1", listDigest, point, block.chainid, address(this)));
        (x[12], x[13]) = point.pointFromHash();
        (x[14], x[15]) = Fingerprint.ofWords(list, x[12], x[13]);
        (x[16], x[17], x[18]) = Goldilocks.addressLimbs(payee);
        uint256[4] memory d = deployment();
        (x[19], x[20], x[21], x[22]) = (d[0], d[1], d[2], d[3]);
    }

    /// @dev r from the digest and the bytes, and f(r): four elements of 8 bytes.
    function _evaluate(bytes memory stream, bytes32 digest, bytes32 streamHash)
        private
        view
        returns (bytes32)
    {
        bytes32 seed = keccak256(
            abi.encodePacked("janction/r/1", digest, streamHash, block.chainid, address(this))
        );
        (uint256 r0, uint256 r1) = seed.pointFromHash();
        (uint256 f0, uint256 f1) = Fingerprint.ofStream(stream, r0, r1);
        return bytes32(r0 << 192 | r1 << 128 | f0 << 64 | f1);
    }

    /// @dev Completes the stream from the queues and notes where they then stand.
    /// @return exempt whether the batch may be of any age. One transaction can only take so many entries, so whoever
    /// works off a backlog older than `maxBatchAge` must be allowed batches of the backlog's age; otherwise a flood of
    /// deposits while nobody commits would stop the rollup for ever. Such a batch takes a full tail, and its time is
    /// the latest that it can have: that of the first entry that it leaves.
    function _appendTail(
        BatchInfo memory info,
        BatchInfo calldata parent,
        BatchStream.Header memory h,
        bytes memory stream,
        uint256 offset
    ) private view returns (bool exempt) {
        uint256 l1End = h.firstL1 + h.l1Count;
        if (h.firstL1 != parent.l1End || l1End > l1Queued) revert WrongL1Range(h.firstL1, h.l1Count);
        uint256 beaconEnd = h.firstBeacon + h.beaconCount;
        if (h.firstBeacon != parent.beaconEnd || beaconEnd > beaconsQueued) {
            revert WrongBeaconRange(h.firstBeacon, h.beaconCount);
        }
        uint256 oldestLeft = Math.min(_operationTime(l1End), _recordTime(beaconEnd));
        if (oldestLeft < h.time) revert LeftBehind(oldestLeft, h.time);
        exempt = oldestLeft == h.time && (h.l1Count >= FULL_TAIL || h.beaconCount >= FULL_TAIL);
        info.l1End = uint64(l1End);
        info.beaconEnd = uint64(beaconEnd);
        info.l1QueueHash = _appendDeposits(stream, offset, h.firstL1, h.l1Count, parent.l1QueueHash);
        offset += 2 * BatchStream.BLOCK * h.l1Count;
        info.beaconQueueHash =
            _appendBeacons(stream, offset, h.firstBeacon, h.beaconCount, parent.beaconQueueHash);
    }

    /// @dev Notes the block of a stream's first commit. Bytes that were committed before keep their time: a revert must
    /// not push a Settle past its deadline. New bytes need a recent one, unless they are exempt.
    function _noteFirstCommit(bytes32 streamHash, uint256 time, bool exempt) private {
        if (firstCommitBlock[streamHash] != 0) return;
        if (!exempt && time + maxBatchAge < block.timestamp) {
            revert BatchTooOld(block.timestamp - maxBatchAge, time);
        }
        firstCommitBlock[streamHash] = uint64(block.number);
    }

    /// @dev Notes the block of each Submit's first commit; its beacon is counted from there.
    function _noteSubmits(bytes memory stream, uint32[] calldata eventOffsets) private {
        for (uint256 i = 0; i < eventOffsets.length; i++) {
            if (BatchStream.tag(stream, eventOffsets[i]) != BatchStream.TAG_SUBMIT) continue;
            (uint24 job, bytes32 traceRoot) = BatchStream.submitAt(stream, eventOffsets[i]);
            _seeSubmit(job, traceRoot);
        }
    }

    /// @dev The event stands in a proven batch.
    function _requireProvenEvent(
        BatchInfo calldata info,
        uint32 index,
        bytes calldata eventBlocks,
        bytes32[] calldata path
    ) private view {
        if (info.number > provenBatch) revert NotProven(info.number, provenBatch);
        _requireCommitted(info);
        if (!EventTree.contains(info.eventsRoot, index, eventBlocks, path)) {
            revert UnknownEvent(info.number, index);
        }
    }

    function _requireCommitted(BatchInfo calldata info) private view {
        if (_hash(info) != batchHash[info.number]) revert UnknownBatch(info.number);
    }

    function _onlyOperator() private view {
        if (msg.sender != operator) revert NotOperator(msg.sender);
    }

    function _hash(BatchInfo memory info) private pure returns (bytes32) {
        return keccak256(abi.encode(info));
    }
}
