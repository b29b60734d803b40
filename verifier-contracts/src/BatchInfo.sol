// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice All that the contract knows of a committed batch. Storage holds only keccak256(abi.encode(info)); callers
/// bring the record itself, which `BatchCommitted` has logged.
/// @param number of the batch; genesis is 0
/// @param time of the batch's header, unix seconds
/// @param l1End L1 operations consumed up to and with this batch
/// @param beaconEnd beacon records consumed up to and with this batch
/// @param l1QueueHash rolling hash of the L1 operations before `l1End`
/// @param beaconQueueHash rolling hash of the beacon records before `beaconEnd`
/// @param streamHash keccak256 of the whole stream
/// @param digest D: lanes 0..4 of the stream's Poseidon sponge, four elements of 8 bytes
/// @param evaluation r (two elements), then f(r) (two elements)
/// @param eventsRoot root of the tree of the batch's events, zero when there are none
struct BatchInfo {
    uint64 number;
    uint64 time;
    uint64 l1End;
    uint64 beaconEnd;
    bytes32 l1QueueHash;
    bytes32 beaconQueueHash;
    bytes32 streamHash;
    bytes32 digest;
    bytes32 evaluation;
    bytes32 eventsRoot;
}
