// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {L1Queue} from "./L1Queue.sol";
import {BatchStream} from "./lib/BatchStream.sol";
import {Goldilocks} from "./lib/Goldilocks.sol";

/// @title Randomness that decides what is audited
/// @notice The beacon of a Submit is keccak256("janction/beacon/1" ++ uint256 chain id ++ uint24 job ++ trace root ++
/// RANDAO mix of L1 block N + k), N the block in which this trace root was first committed for this job. Nobody knew the
/// mix when the trace was fixed; nothing that whoever commits or records can choose enters it. Records form a queue like
/// the L1 operations': b_0 = 0, b_{i+1} = keccak256(b_i ++ bytes28 beacon ++ uint24 job ++ trace root ++ uint64 time).
abstract contract Beacons is L1Queue {
    using Goldilocks for bytes32;

    /// @dev Four epochs: no proposer of block N has a say in the mix of N + k.
    uint256 private constant MIN_DELAY = 128;
    uint256 private constant DEVELOPMENT_CHAIN = 31_337;

    /// @param beacon first 28 bytes of the hash
    /// @param job index of the job
    /// @param time L1 time of the record, unix seconds
    /// @param traceRoot four elements of 8 bytes
    struct BeaconRecord {
        bytes28 beacon;
        uint24 job;
        uint64 time;
        bytes32 traceRoot;
    }

    /// @param firstBlock L1 block of the first commit, 0 for none
    /// @param mix low 24 bytes of that block's RANDAO mix: a chain that repeats it gives no randomness
    struct SeenSubmit {
        uint64 firstBlock;
        uint192 mix;
    }

    /// @notice L1 blocks from a Submit's first commit to the block whose mix is used.
    uint256 public immutable beaconDelay;

    /// @notice Rolling hash of all beacon records.
    bytes32 public beaconQueueHash;
    mapping(uint256 index => BeaconRecord) private _records;
    mapping(bytes32 submitKey => SeenSubmit) private _seen;
    mapping(bytes32 submitKey => bool) private _recorded;

    /// @notice A Submit was committed for the first time.
    event SubmitSeen(uint24 indexed job, bytes32 traceRoot);
    /// @param index of the record in the queue
    /// @param queueHash rolling hash with this record
    event BeaconRecorded(
        uint64 indexed index,
        uint24 indexed job,
        bytes32 traceRoot,
        bytes28 beacon,
        uint64 time,
        bytes32 queueHash
    );

    /// @dev On a real chain the delay is at least 128 blocks.
    error BeaconDelayTooShort(uint256 delay);
    /// @dev No batch that was ever committed holds this Submit.
    error UnknownSubmit(uint24 job, bytes32 traceRoot);
    error BeaconAlreadyRecorded(uint24 job, bytes32 traceRoot);
    /// @dev The header is available after this block.
    error BeaconNotYet(uint256 blockNumber);
    /// @dev The block is more than 8,191 blocks back.
    error BeaconTooOld(uint256 blockNumber);
    /// @dev This is not the header of block `blockNumber`.
    error WrongHeader(uint256 blockNumber, bytes32 expected, bytes32 actual);
    /// @dev An element of the trace root is not below the order of Goldilocks. No batch with this Submit can be proven, and
    /// a record of it would stand in the queue before all later ones: no batch could be proven any more.
    error NonCanonicalTraceRoot(uint24 job, bytes32 traceRoot);
    /// @dev The chain's prevrandao is the same as at the Submit's commit: it gives no randomness.
    error ConstantRandomness();

    constructor(uint256 beaconDelay_) {
        if (beaconDelay_ == 0 || (beaconDelay_ < MIN_DELAY && block.chainid != DEVELOPMENT_CHAIN)) {
            revert BeaconDelayTooShort(beaconDelay_);
        }
        beaconDelay = beaconDelay_;
    }

    /// @notice Records the beacon of a committed Submit, once. Anyone may call.
    /// @param job index of the job
    /// @param traceRoot of the Submit
    /// @param header RLP of the L1 block header that `beaconBlock` names
    function recordBeacon(uint24 job, bytes32 traceRoot, bytes calldata header) external {
        bytes32 key = _submitKey(job, traceRoot);
        if (_recorded[key]) revert BeaconAlreadyRecorded(job, traceRoot);
        uint256 target = beaconBlock(job, traceRoot);
        if (target == 0) revert UnknownSubmit(job, traceRoot);
        if (block.number <= target) revert BeaconNotYet(target);
        bytes32 expected = Blockhash.blockHash(target);
        if (expected == 0) revert BeaconTooOld(target);
        if (keccak256(header) != expected) revert WrongHeader(target, expected, keccak256(header));
        bytes32 mix = BlockHeader.getPrevRandao(header);
        if (uint192(uint256(mix)) == _seen[key].mix) revert ConstantRandomness();

        _recorded[key] = true;
        bytes28 beacon =
            bytes28(keccak256(abi.encodePacked("janction/beacon/1", block.chainid, job, traceRoot, mix)));
        uint64 time = uint64(block.timestamp);
        uint64 index = beaconsQueued;
        _records[index] = BeaconRecord({beacon: beacon, job: job, time: time, traceRoot: traceRoot});
        beaconsQueued = index + 1;
        bytes32 queueHash = keccak256(abi.encodePacked(beaconQueueHash, beacon, job, traceRoot, time));
        beaconQueueHash = queueHash;
        emit BeaconRecorded(index, job, traceRoot, beacon, time, queueHash);
    }

    /// @notice L1 block whose RANDAO mix makes the beacon of this Submit; 0 while it has not been committed.
    function beaconBlock(uint24 job, bytes32 traceRoot) public view returns (uint256) {
        uint256 first = _seen[_submitKey(job, traceRoot)].firstBlock;
        return first == 0 ? 0 : first + beaconDelay;
    }

    /// @notice A record of the queue.
    function beaconRecord(uint256 index) external view returns (BeaconRecord memory) {
        return _records[index];
    }

    /// @dev Notes the block of a Submit's first commit; reverts leave it.
    function _seeSubmit(uint24 job, bytes32 traceRoot) internal {
        if (!traceRoot.isCanonical()) revert NonCanonicalTraceRoot(job, traceRoot);
        bytes32 key = _submitKey(job, traceRoot);
        if (_seen[key].firstBlock == 0) {
            _seen[key] = SeenSubmit({firstBlock: uint64(block.number), mix: uint192(block.prevrandao)});
            emit SubmitSeen(job, traceRoot);
        }
    }

    /// @dev L1 time of a record; later than any time while there is no such record.
    function _recordTime(uint256 index) internal view returns (uint256) {
        return index < beaconsQueued ? _records[index].time : type(uint256).max;
    }

    /// @dev Writes the records [first, first + count) as RecordBeacon blocks at byte offset `offset` of a batch stream
    /// and returns the rolling hash after them.
    function _appendBeacons(
        bytes memory stream,
        uint256 offset,
        uint256 first,
        uint256 count,
        bytes32 queueHash
    ) internal view returns (bytes32) {
        uint256 end = first + count;
        uint256[8] memory limbs;
        for (uint256 i = first; i < end; i++) {
            BeaconRecord memory r = _records[i];
            queueHash = keccak256(abi.encodePacked(queueHash, r.beacon, r.job, r.traceRoot, r.time));
            uint256 beacon = uint256(bytes32(r.beacon));
            uint256 root = uint256(r.traceRoot);
            limbs[0] = BatchStream.TAG_RECORD_BEACON << 48;
            limbs[1] = r.time >> 32;
            limbs[2] = r.time & type(uint32).max;
            limbs[3] = uint256(r.job) << 32 | root >> 224;
            for (uint256 k = 0; k < 4; k++) {
                limbs[4 + k] = (beacon >> (200 - 56 * k)) & type(uint56).max;
            }
            BatchStream.writeBlock(stream, offset, limbs);
            limbs[0] = BatchStream.TAG_CONTINUES << 48;
            for (uint256 k = 1; k < 8; k++) {
                limbs[k] = (root >> (224 - 32 * k)) & type(uint32).max;
            }
            BatchStream.writeBlock(stream, offset + BatchStream.BLOCK, limbs);
            offset += 2 * BatchStream.BLOCK;
        }
        return queueHash;
    }

    function _submitKey(uint24 job, bytes32 traceRoot) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(job, traceRoot));
    }
}
