//! What can be wrong with an order or an output, with codes and remedies.

use std::borrow::Cow;

use janction_program::npy::NpyError;
use janction_protocol::state::Index;
use janction_protocol::{Amount, Digest};
use thiserror::Error;

use crate::failure::{Advice, Exit};

/// Why a job was not posted, or its output not accepted.
#[derive(Debug, Error)]
pub enum JobProblem {
    /// The stake is below what the ledger demands.
    #[error("a stake of {stake} JCT is below budget and job fee, {least} JCT")]
    StakeTooLow {
        /// As ordered.
        stake: Amount,
        /// The least.
        least: Amount,
    },
    /// A sum that is no amount.
    #[error("budget, fees and stake are too large")]
    TooLarge,
    /// No budget.
    #[error("the budget is 0")]
    NoBudget,
    /// The wallet holds too little.
    #[error("account {account} can spend {available} JCT; budget and fees are {needed} JCT")]
    TooPoor {
        /// The wallet.
        account: Index,
        /// What it can spend.
        available: Amount,
        /// What it would have to.
        needed: Amount,
    },
    /// The sequencer has included the job and does not show it.
    #[error("the job is in batch {batch}, but the sequencer does not list it")]
    NotListed {
        /// The batch.
        batch: u64,
    },
    /// There is no output, or not yet.
    #[error("job {index} has no output: it is {phase}")]
    NoOutput {
        /// The job.
        index: Index,
        /// Where it stands.
        phase: &'static str,
    },
    /// The store's blob is no tensor.
    #[error("what the store has as the output of job {index} is no tensor")]
    OutputUnreadable {
        /// The job.
        index: Index,
        /// Why.
        source: NpyError,
    },
    /// The store's blob is another tensor.
    #[error(
        "what the store has as the output of job {index} is not the tensor with root {root} and {rows} rows"
    )]
    OutputDiffers {
        /// The job.
        index: Index,
        /// As on the ledger.
        root: Digest,
        /// As on the ledger.
        rows: u32,
    },
}

impl Advice for JobProblem {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            Self::StakeTooLow { .. } => "job.stake_too_low",
            Self::TooLarge => "job.too_large",
            Self::NoBudget => "job.no_budget",
            Self::TooPoor { .. } => "job.too_poor",
            Self::NotListed { .. } => "job.not_listed",
            Self::NoOutput { .. } => "job.no_output",
            Self::OutputUnreadable { .. } | Self::OutputDiffers { .. } => "job.wrong_output",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            Self::StakeTooLow { .. } => "leave --stake out, or make it larger",
            Self::TooLarge => "choose smaller amounts",
            Self::NoBudget => "`janction job estimate` says what such jobs cost",
            Self::TooPoor { .. } => {
                "deposit more with `janction account deposit`, or choose a smaller --budget"
            }
            Self::NotListed { .. } => "look at `janction job list`; do not post again before you have",
            Self::NoOutput { .. } => "`janction job status` says what it waits for",
            Self::OutputUnreadable { .. } | Self::OutputDiffers { .. } => {
                "nothing was written; ask the sequencer's operator for the blob, or another sequencer"
            }
        };
        remedy.into()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::StakeTooLow { .. } | Self::TooLarge | Self::NoBudget => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
