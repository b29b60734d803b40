// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title The events of a batch as a Merkle tree
/// @notice Leaf i is keccak256(uint32 i ++ blocks of the event), 4 + 56k bytes; a node is keccak256 of its children,
/// the smaller one first, 64 bytes. The lengths differ, so no leaf can pose as a node. A last node without a sibling
/// moves up unchanged. No events: the root is zero.
library EventTree {
    /// @notice Root over `leaves`, which are overwritten.
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 n = leaves.length;
        if (n == 0) return 0;
        while (n > 1) {
            uint256 half = n / 2;
            for (uint256 i = 0; i < half; i++) {
                leaves[i] = Hashes.commutativeKeccak256(leaves[2 * i], leaves[2 * i + 1]);
            }
            if (n % 2 == 1) leaves[half] = leaves[n - 1];
            n = half + n % 2;
        }
        return leaves[0];
    }

    /// @notice Hash of an event in memory, `length` bytes at offset `start` of `stream`.
    function leaf(uint32 index, bytes memory stream, uint256 start, uint256 length)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            // The four bytes before the event hold other data of the stream: put the index there, hash, put back.
            let at := add(add(stream, 0x20), start)
            let before := sub(at, 0x20)
            let saved := mload(before)
            mstore(before, or(shl(32, shr(32, saved)), index))
            hash := keccak256(sub(at, 4), add(length, 4))
            mstore(before, saved)
        }
    }

    /// @notice Whether `eventBlocks` is event `index` of the batch with this root.
    function contains(bytes32 root_, uint32 index, bytes calldata eventBlocks, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        return MerkleProof.verifyCalldata(path, root_, keccak256(abi.encodePacked(index, eventBlocks)));
    }
}
