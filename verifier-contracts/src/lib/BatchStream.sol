// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EventTree} from "./EventTree.sol";

/// @title The batch stream: blocks of 56 bytes, 8 limbs of 7 bytes each
/// @notice docs/protocol.md, section 3, is the format's description.
library BatchStream {
    uint256 internal constant BLOCK = 56;
    uint256 internal constant VERSION = 1;

    uint256 internal constant TAG_OPEN = 0x01;
    uint256 internal constant TAG_DEPOSIT = 0x10;
    uint256 internal constant TAG_RECORD_BEACON = 0x11;
    uint256 internal constant TAG_WITHDRAW = 0x21;
    uint256 internal constant TAG_SUBMIT = 0x34;
    uint256 internal constant TAG_SETTLE = 0x35;
    uint256 internal constant TAG_CONTINUES = 0xff;

    uint256 private constant LIMB = type(uint56).max;

    /// @dev What the header block says; ranges are half-open, [first, first + count).
    struct Header {
        uint256 length; // bytes of the whole stream, tail included
        uint256 number;
        uint256 time;
        uint256 l2Blocks;
        uint256 firstL1;
        uint256 l1Count;
        uint256 firstBeacon;
        uint256 beaconCount;
        uint256 events;
    }

    /// @dev The stream does not start with a header block of this version.
    error UnknownFormat(uint256 tag, uint256 version);
    /// @dev A byte that the format leaves unused in the header is not zero.
    error HeaderPadding();
    /// @dev A length in bytes is not what the header's counts give.
    error WrongLength(uint256 expected, uint256 actual);
    /// @dev The number of event offsets is not the header's.
    error WrongEventCount(uint256 expected, uint256 actual);
    /// @dev An event begins inside the one before it, or reaches out of the L2 part.
    error EventOutOfOrder(uint256 index);
    /// @dev The block at an event offset does not begin a Withdraw, Submit or Settle.
    error NotAnEvent(uint256 index, uint256 tag);

    /// @notice Reads the header block and checks both lengths against its counts.
    /// @param committed header block and L2 transactions, as sent by the committer
    function parse(bytes calldata committed) internal pure returns (Header memory h) {
        if (committed.length < BLOCK) revert WrongLength(BLOCK, committed.length);
        uint256 a;
        uint256 b;
        assembly ("memory-safe") {
            a := calldataload(committed.offset)
            b := calldataload(add(committed.offset, 28))
        }
        if (a >> 248 != TAG_OPEN || (a >> 240) & 0xff != VERSION) {
            revert UnknownFormat(a >> 248, (a >> 240) & 0xff);
        }
        h.length = (a >> 200) & type(uint40).max;
        h.number = (a >> 144) & LIMB;
        h.time = (a >> 88) & LIMB;
        h.l2Blocks = (a >> 64) & type(uint24).max;
        h.firstL1 = b >> 216;
        h.l1Count = (b >> 200) & type(uint16).max;
        h.firstBeacon = (b >> 160) & type(uint40).max;
        h.beaconCount = (b >> 144) & type(uint16).max;
        h.events = (b >> 128) & type(uint16).max;
        // The last byte of limb 3, the last five of limb 6, and limb 7.
        if ((a >> 32) & 0xff != 0 || (b >> 32) & type(uint96).max != 0) revert HeaderPadding();

        uint256 sent = BLOCK * (1 + h.l2Blocks);
        if (committed.length != sent) revert WrongLength(sent, committed.length);
        uint256 whole = sent + BLOCK * (2 * h.l1Count + 2 * h.beaconCount);
        if (h.length != whole) revert WrongLength(whole, h.length);
    }

    /// @notice A stream of the header's length that begins with the committed bytes; its tail is still to be written.
    function begin(bytes calldata committed, Header memory h) internal pure returns (bytes memory stream) {
        // Blocks are written as two words that overlap: four bytes past the end are touched.
        stream = new bytes(h.length + 32);
        assembly ("memory-safe") {
            mstore(stream, mload(h))
            calldatacopy(add(stream, 0x20), committed.offset, committed.length)
        }
    }

    /// @notice Writes one block at byte offset `offset`.
    /// @dev Overwrites four bytes after the block: write blocks in order. Limbs must be below 2^56.
    function writeBlock(bytes memory stream, uint256 offset, uint256[8] memory limbs) internal pure {
        assembly ("memory-safe") {
            function half(limb) -> word {
                word := or(
                    or(shl(200, mload(limb)), shl(144, mload(add(limb, 0x20)))),
                    or(shl(88, mload(add(limb, 0x40))), shl(32, mload(add(limb, 0x60))))
                )
            }
            let to := add(add(stream, 0x20), offset)
            mstore(to, half(limbs))
            mstore(add(to, 28), half(add(limbs, 0x80)))
        }
    }

    /// @notice Tag byte of a block.
    function tag(bytes memory stream, uint256 blockIndex) internal pure returns (uint256) {
        return uint8(stream[BLOCK * blockIndex]);
    }

    /// @notice Number of blocks of an event, 0 when this kind is none.
    function eventSize(uint256 kind) internal pure returns (uint256) {
        if (kind == TAG_WITHDRAW) return 1;
        if (kind == TAG_SUBMIT) return 3;
        if (kind == TAG_SETTLE) return 2;
        return 0;
    }

    /// @notice Root of the events to which the committer points.
    /// @dev The circuit proves the header's count. Offsets that increase, point at tags of events and are as many as
    /// that are therefore all the events of the batch.
    /// @param offsets block offsets of the events' first blocks; the header is block 0
    function eventsRoot(bytes memory stream, Header memory h, uint32[] calldata offsets)
        internal
        pure
        returns (bytes32)
    {
        if (offsets.length != h.events) revert WrongEventCount(h.events, offsets.length);
        bytes32[] memory leaves = new bytes32[](offsets.length);
        uint256 free = 1; // the first block at which the next event may begin
        for (uint256 i = 0; i < offsets.length; i++) {
            uint256 first = offsets[i];
            if (first < free || first > h.l2Blocks) revert EventOutOfOrder(i);
            uint256 kind = tag(stream, first);
            uint256 blocks = eventSize(kind);
            if (blocks == 0) revert NotAnEvent(i, kind);
            free = first + blocks;
            if (free > h.l2Blocks + 1) revert EventOutOfOrder(i);
            leaves[i] = EventTree.leaf(uint32(i), stream, BLOCK * first, BLOCK * (free - first));
        }
        return EventTree.root(leaves);
    }

    /// @notice Reads a Withdraw's block.
    /// @return ok whether it is one: right length and tag
    /// @return units the amount, in units of 10^-9 JCT
    /// @return to the receiver on L1
    function parseWithdraw(bytes calldata eventBlock)
        internal
        pure
        returns (bool ok, uint256 units, address to)
    {
        uint256 a;
        uint256 b;
        assembly ("memory-safe") {
            a := calldataload(eventBlock.offset)
            b := calldataload(add(eventBlock.offset, 28))
        }
        ok = eventBlock.length == BLOCK && a >> 248 == TAG_WITHDRAW;
        units = (((a >> 144) & type(uint32).max) << 32) | ((a >> 88) & type(uint32).max);
        // Limbs 3, 4, 5: 6, 7 and 7 bytes of the address.
        uint256 high = (a >> 32) & type(uint48).max;
        to = address(uint160((high << 112) | (b >> 200 << 56) | ((b >> 144) & LIMB)));
    }

    /// @notice Reads job and trace root of a Submit, whose first block is `blockIndex`.
    function submitAt(bytes memory stream, uint256 blockIndex)
        internal
        pure
        returns (uint24 job, bytes32 traceRoot)
    {
        uint256 a;
        uint256 b;
        uint256 c;
        assembly ("memory-safe") {
            let first := add(add(stream, 0x20), mul(blockIndex, 56))
            job := and(shr(64, mload(first)), 0xffffff)
            a := mload(add(first, 28))
            b := mload(add(first, 56))
            c := mload(add(first, 84))
        }
        traceRoot = _digest(a, b << 56, c);
    }

    /// @notice Reads a Settle's blocks.
    /// @return ok whether it is one: right length and tag
    /// @return job index of the job
    /// @return outputRoot four elements of 8 bytes
    function parseSettle(bytes calldata eventBlocks)
        internal
        pure
        returns (bool ok, uint24 job, bytes32 outputRoot)
    {
        uint256 first;
        uint256 a;
        uint256 b;
        uint256 c;
        assembly ("memory-safe") {
            first := calldataload(eventBlocks.offset)
            a := calldataload(add(eventBlocks.offset, 28))
            b := calldataload(add(eventBlocks.offset, 56))
            c := calldataload(add(eventBlocks.offset, 84))
        }
        ok = eventBlocks.length == 2 * BLOCK && first >> 248 == TAG_SETTLE;
        job = uint24(first >> 64);
        outputRoot = _digest(a, b << 56, c);
    }

    /// @dev Four elements from eight halves, each in the low four bytes of its limb: `a` holds the first four, `b`
    /// three more, `c` the last one.
    function _digest(uint256 a, uint256 b, uint256 c) private pure returns (bytes32) {
        return bytes32(
            (_halves(a) << 128) | (_halves(b) & ~uint256(type(uint32).max)) | ((c >> 200) & type(uint32).max)
        );
    }

    /// @dev The low halves of the four limbs of a word, 16 bytes.
    function _halves(uint256 w) private pure returns (uint256) {
        return (((w >> 200) & type(uint32).max) << 96) | (((w >> 144) & type(uint32).max) << 64)
            | (((w >> 88) & type(uint32).max) << 32) | ((w >> 32) & type(uint32).max);
    }
}
