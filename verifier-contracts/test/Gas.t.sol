// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BatchInfo} from "../src/BatchInfo.sol";
import {Deployed} from "./support/Deployed.sol";
import {vm} from "./support/Vm.sol";

/// @dev Execution gas of the calls that users pay for; `proveBatches` without the pairing of a real proof.
contract GasTest is Deployed {
    function test_calls() public {
        _reward();
        _deposit(10);
        _deposit(10);
        vm.snapshotGasLastCall("calls", "deposit");
        bytes memory withdraw = _withdraw(5, ALICE);
        BatchInfo memory info = _commitWithdraw(_genesis(), withdraw);
        Counts memory c = _counts(info, 1000, 1);
        bytes memory l2 = withdraw;
        bytes memory rest = new bytes(999 * 56);
        bytes memory committed = abi.encodePacked(_header(c), l2, rest);
        bytes32 l1 = rollup.l1QueueHash();
        uint32[] memory offsets = _offsets(1);
        vm.prank(OPERATOR);
        rollup.commitBatch(info, committed, DIGEST, offsets, l1, 0);
        vm.snapshotGasLastCall("calls", "commitBatch, 56056 bytes");
        bytes32[] memory none;
        _prove(info);
        vm.snapshotGasLastCall("calls", "proveBatches, one batch, no pairing");
        rollup.claim(info, 0, withdraw, none);
        vm.snapshotGasLastCall("calls", "claim");
    }
}
