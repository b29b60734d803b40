// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "./Escrow.sol";
import {BatchStream} from "./lib/BatchStream.sol";
import {EcGFp5} from "./lib/EcGFp5.sol";

/// @title Operations that enter the ledger from L1, in order
/// @notice The queue's rolling hash is q_0 = 0, q_{i+1} = keccak256(q_i ++ key ++ rest), where (key, rest) are the two
/// words of operation i. A committer names the hash up to which its batch consumes, so that a deposit that lands before
/// the commit, or a reorganisation, can never change what the batch's digest was computed from.
abstract contract L1Queue is Escrow {
    /// @dev A deposit creates at most one account, and the ledger creates units only below account 2^23 (of 2^24), so
    /// the tree always has room for what stands in the queue.
    uint256 public constant MAX_OPERATIONS = (1 << 23) - 2;

    /// @param key w[0..4), 8 bytes each
    /// @param rest w[4] (8 bytes), account hint (3), units (8), L1 time (5), zero (8)
    struct Operation {
        bytes32 key;
        bytes32 rest;
    }

    /// @notice Operations enqueued so far.
    uint64 public l1Queued;
    /// @notice Beacon records enqueued so far.
    uint64 public beaconsQueued;
    /// @notice Rolling hash of all operations.
    bytes32 public l1QueueHash;
    mapping(uint256 index => Operation) private _operations;

    /// @param index of the operation in the queue
    /// @param sender who paid
    /// @param key of the owner that is credited, an ECgFp5 encoding
    /// @param hintAccount account that the depositor believes to have this key, 0 for none
    /// @param units of 10^-9 JCT
    /// @param time of the L1 block, unix seconds
    /// @param queueHash rolling hash with this operation
    event Deposited(
        uint64 indexed index,
        address indexed sender,
        uint64[5] key,
        uint24 hintAccount,
        uint64 units,
        uint64 time,
        bytes32 queueHash
    );

    /// @dev Not the canonical encoding of a point other than the neutral one.
    error InvalidKey(uint64[5] key);
    /// @dev The ledger cannot be sure to have room for another account.
    error QueueFull();

    /// @notice Moves `amount` wei of JCT into the ledger.
    /// @param key the owner key to credit: five elements of Goldilocks, an ECgFp5 encoding
    /// @param hintAccount an account with this owner key, which is then credited; otherwise (0 for none) a wallet is made
    /// @param amount wei, a multiple of 10^9
    function deposit(uint64[5] calldata key, uint24 hintAccount, uint256 amount) external nonReentrant {
        if (!EcGFp5.isKey(key)) revert InvalidKey(key);
        uint64 index = l1Queued;
        if (index >= MAX_OPERATIONS) revert QueueFull();
        uint64 units = uint64(_escrow(amount));
        Operation memory op = Operation({
            key: bytes32(abi.encodePacked(key[0], key[1], key[2], key[3])),
            rest: bytes32(abi.encodePacked(key[4], hintAccount, units, uint40(block.timestamp)))
        });
        _operations[index] = op;
        l1Queued = index + 1;
        bytes32 queueHash = keccak256(abi.encodePacked(l1QueueHash, op.key, op.rest));
        l1QueueHash = queueHash;
        emit Deposited(index, msg.sender, key, hintAccount, units, uint64(block.timestamp), queueHash);
    }

    /// @notice An operation of the queue.
    function l1Operation(uint256 index) external view returns (Operation memory) {
        return _operations[index];
    }

    /// @dev L1 time of an operation; later than any time while there is no such operation.
    function _operationTime(uint256 index) internal view returns (uint256) {
        if (index >= l1Queued) return type(uint256).max;
        return (uint256(_operations[index].rest) >> 64) & type(uint40).max;
    }

    /// @dev Writes the operations [first, first + count) as Deposit blocks at byte offset `offset` of a batch stream and
    /// returns the rolling hash after them.
    function _appendDeposits(
        bytes memory stream,
        uint256 offset,
        uint256 first,
        uint256 count,
        bytes32 queueHash
    ) internal view returns (bytes32) {
        uint256 end = first + count;
        uint256[8] memory limbs;
        for (uint256 i = first; i < end; i++) {
            (bytes32 key, bytes32 rest) = (_operations[i].key, _operations[i].rest);
            queueHash = keccak256(abi.encodePacked(queueHash, key, rest));
            uint256 units = (uint256(rest) >> 104) & type(uint64).max;
            limbs[0] = BatchStream.TAG_DEPOSIT << 48;
            limbs[1] = ((uint256(rest) >> 168) & type(uint24).max) << 32 | units >> 32;
            limbs[2] = units & type(uint32).max;
            for (uint256 k = 0; k < 5; k++) {
                limbs[3 + k] = (uint256(key) >> (224 - 32 * k)) & type(uint32).max;
            }
            BatchStream.writeBlock(stream, offset, limbs);
            limbs[0] = BatchStream.TAG_CONTINUES << 48;
            for (uint256 k = 0; k < 3; k++) {
                limbs[1 + k] = (uint256(key) >> (64 - 32 * k)) & type(uint32).max;
            }
            limbs[4] = uint256(rest) >> 224;
            limbs[5] = (uint256(rest) >> 192) & type(uint32).max;
            limbs[6] = 0;
            limbs[7] = 0;
            BatchStream.writeBlock(stream, offset + BatchStream.BLOCK, limbs);
            offset += 2 * BatchStream.BLOCK;
        }
        return queueHash;
    }
}
