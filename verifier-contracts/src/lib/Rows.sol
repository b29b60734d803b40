// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "./Poseidon.sol";

/// @title Roots over the rows of a tensor of 8-bit cells (docs/jobs.md, section 2)
/// @notice For contracts that hold cells and not only roots. A row of n cells takes a permutation for every 56 cells, a tree
/// one for each of its nodes above a row.
library Rows {
    /// @dev "JROW" and "JNODERW".
    uint256 private constant ROW = 0x4a524f57;
    uint256 private constant NODE_ROW = 0x4a4e4f44455257;
    uint256 private constant CELLS_PER_ELEMENT = 7;
    uint256 private constant RATE = 8;
    /// @dev Code of the type int8; uint8 is 2.
    uint256 private constant I8 = 1;

    /// @dev The cells are no rows of `columns` cells, none at all, or more rows than a tree of this depth has.
    error NotRows(uint256 cells, uint256 columns, uint256 depth);

    /// @notice Root over the rows of a tensor.
    /// @param cells all cells, row after row, a byte each; int8 in two's complement
    /// @param columns cells of a row
    /// @param dtype 1 for int8, 2 for uint8
    /// @param depth depth of the tree
    function root(bytes calldata cells, uint256 columns, uint256 dtype, uint256 depth)
        internal
        pure
        returns (bytes32)
    {
        uint256 rows = columns == 0 ? 0 : cells.length / columns;
        if (rows == 0 || cells.length != rows * columns || rows > 2 ** depth) {
            revert NotRows(cells.length, columns, depth);
        }
        bytes32[] memory level = new bytes32[](rows);
        for (uint256 i = 0; i < rows; i++) {
            level[i] = digest(cells[i * columns:(i + 1) * columns], dtype);
        }
        // A node without rows below it, of the level at hand.
        bytes32 empty = 0;
        for (uint256 height = 0; height < depth; height++) {
            uint256 parents = (rows + 1) / 2;
            for (uint256 i = 0; i < parents; i++) {
                bytes32 right = 2 * i + 1 < rows ? level[2 * i + 1] : empty;
                level[i] = Poseidon.node(NODE_ROW, level[2 * i], right);
            }
            rows = parents;
            if (height + 1 < depth) empty = Poseidon.node(NODE_ROW, empty, empty);
        }
        return level[0];
    }

    /// @notice H(ROW, [cells * 256 + type] ++ cells as distances from the smallest value, seven to an element).
    function digest(bytes calldata row, uint256 dtype) internal pure returns (bytes32) {
        uint256 elements = 1 + (row.length + CELLS_PER_ELEMENT - 1) / CELLS_PER_ELEMENT;
        uint256[4] memory state = Poseidon.start(ROW, elements);
        uint256[8] memory block_;
        for (uint256 first = 0; first < elements; first += RATE) {
            for (uint256 i = 0; i < RATE; i++) {
                block_[i] = _element(row, dtype, first + i);
            }
            Poseidon.absorb(state, block_);
        }
        return Poseidon.digest(state);
    }

    /// @dev Element `index` of a row's hash; zero behind the last one.
    function _element(bytes calldata row, uint256 dtype, uint256 index)
        private
        pure
        returns (uint256 packed)
    {
        if (index == 0) return (row.length << 8) | dtype;
        uint256 from = (index - 1) * CELLS_PER_ELEMENT;
        if (from >= row.length) return 0;
        assembly ("memory-safe") {
            packed := shr(200, calldataload(add(row.offset, from)))
        }
        if (dtype == I8) packed ^= 0x80808080808080;
        uint256 there = row.length - from;
        if (there < CELLS_PER_ELEMENT) {
            // The last element is filled up with zeros.
            uint256 missing = 8 * (CELLS_PER_ELEMENT - there);
            packed = packed >> missing << missing;
        }
    }
}
