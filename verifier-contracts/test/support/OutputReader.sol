// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IJobOutputs} from "../../src/IJobOutputs.sol";

/// @title A contract that uses what a job has computed
/// @notice The smallest of its kind: it was told which job to wait for, and takes the output root over once it is there.
/// Whoever deploys it has checked the job's PostJob, its audit key included: see `IJobOutputs`. The tests and the
/// demonstration deploy it.
contract OutputReader {
    /// @notice The rollup.
    IJobOutputs public immutable rollup;
    /// @notice The job it waits for.
    uint24 public immutable job;
    /// @notice Output root of that job, once taken; zero before.
    bytes32 public taken;

    event OutputTaken(uint24 indexed job, bytes32 outputRoot);

    /// @dev The job has not settled in a proven batch, or nobody has published its output.
    error NotPublished(uint24 job);

    constructor(IJobOutputs rollup_, uint24 job_) {
        rollup = rollup_;
        job = job_;
    }

    /// @notice Reads the output root from the rollup and keeps it.
    function take() external returns (bytes32 root) {
        root = rollup.outputRoot(job);
        if (root == 0) revert NotPublished(job);
        taken = root;
        emit OutputTaken(job, root);
    }
}
