// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What other contracts may read of the rollup
/// @notice An output root stands for a proven computation: it is zero until the job's Settle is in a proven batch and
/// someone has called `publishOutput`, and never changes afterwards. What the job computes (program, input, policy) is
/// in its PostJob, which this contract does not keep: who relies on a job checks that once, off chain, and then pins the
/// job's index, which is never used again.
interface IJobOutputs {
    /// @notice The output of a settled job can be read by contracts.
    event OutputPublished(uint24 indexed job, bytes32 outputRoot);

    /// @notice Root over the rows of a job's output tensor: four elements of 8 bytes, big-endian; zero while unknown.
    function outputRoot(uint256 job) external view returns (bytes32);
}
