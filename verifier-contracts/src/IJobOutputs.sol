// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What other contracts may read of the rollup
/// @notice An output root stands for a proven computation: it is zero until the job's Settle is in a proven batch and
/// someone has called `publishOutput`, and never changes afterwards. *Which* computation is in the job's PostJob, which this
/// contract does not keep. Who relies on a job checks its PostJob once, off chain, in a proven batch (before that the
/// index may still go to another job), and then pins the job's index, which is never used again:
/// - program digest, input root, input rows and policy are the expected ones; and
/// - the *audit key digest* is the one that this program and policy give (`janction program inspect --policy` recomputes
///   it). The ledger cannot tell: a developer may post a key of their own making beside the digest of your program, pay
///   for the job themselves, and settle whatever that key accepts.
interface IJobOutputs {
    /// @notice The output of a settled job can be read by contracts.
    event OutputPublished(uint24 indexed job, bytes32 outputRoot);

    /// @notice Root over the rows of a job's output tensor: four elements of 8 bytes, big-endian; zero while unknown. Of the
    /// program that the job names only if its audit key is that program's: see above.
    function outputRoot(uint256 job) external view returns (bytes32);
}
