//! What can go wrong when a chunk is proven.

use janction_aggregate::AggregateError;
use janction_protocol::transition::ReplayError;
use thiserror::Error;

/// An error of the ledger's circuits.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// More steps than the circuit has.
    #[error("a chunk has {limit} steps, got {got}: cut the steps into chunks")]
    TooManySteps {
        /// What the circuit has.
        limit: usize,
        /// What was given.
        got: usize,
    },
    /// A chunk that is not full does not end where `Noop`s can follow.
    #[error(
        "a chunk that is not full must end with a Close: pass whole batches, or exactly as many steps as fit"
    )]
    Padding,
    /// A step does not hold, so there is nothing to prove.
    #[error("step {index} of the chunk does not hold: {source}")]
    Replay {
        /// Which step of the chunk.
        index: usize,
        /// Why not.
        source: ReplayError,
    },
    /// A witness does not have the shape of a step.
    #[error("step {index} of the chunk cannot be assigned: {reason}")]
    Assign {
        /// Which step of the chunk.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The prover or the aggregation.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// A key's digest is not this build's.
    #[error(
        "the {circuit} key has digest {got}, this build's is {expected}: delete the cached key and it will be made again"
    )]
    Key {
        /// Which circuit.
        circuit: &'static str,
        /// This build's.
        expected: String,
        /// The key's.
        got: String,
    },
    /// A key cannot be written or read.
    #[error("the {circuit} key cannot be {action}: delete the cached key and it will be made again")]
    KeyBytes {
        /// Which circuit.
        circuit: &'static str,
        /// Written or read.
        action: &'static str,
    },
}
