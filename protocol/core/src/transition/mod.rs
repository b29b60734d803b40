//! THE state transition function, as steps.
//!
//! A step opens account slot A, then account slot B against the root that A left, then job slot J. One file per rule,
//! same names and same order as in the circuits. A rule is a pure function of the step's context and its three leaves;
//! [`replay`] checks a [`StepWitness`] against a run state exactly as the circuit does.

mod context;
mod error;
mod frame;
mod replay;
mod signature;
mod witness;

mod close;
mod deposit;
mod expire;
mod forfeit;
mod open;
mod post_job;
mod record_beacon;
mod register;
mod reveal_bid;
mod seal_bid;
mod settle;
mod stake;
mod submit;
mod transfer;
mod unstake;
mod withdraw;

pub use context::{Context, Effects, Leaves, OPERATOR_FEE_MAX, REGISTER_LIMIT};
pub use error::{FrameError, ReplayError, RuleError};
pub use replay::replay;
pub use signature::{Authorization, Role, check, message};
pub use witness::{Slot, StepWitness};

use crate::state::{Account, Index, Job};
use crate::transaction::Transaction;

/// One kind's rule: which leaves it opens, and what becomes of them. Index 0 stands for a slot that is not used.
pub(crate) trait Rule {
    /// The job slot's index.
    fn job(&self, _: &Context) -> Index {
        0
    }

    /// Account slot A's index, which may depend on the job.
    fn account_a(&self, _: &Job) -> Index {
        0
    }

    /// Account slot B's index, which may depend on A and the job.
    fn account_b(&self, _: &Context, _a: &Account, _: &Job) -> Index {
        0
    }

    /// Changes the leaves. Where A and B are one account, `leaves.b` is the leaf that A's write left, so a rule must
    /// not let A's new leaf depend on B's.
    ///
    /// # Errors
    /// [`RuleError`] when the transaction may not happen; the leaves are then of no use.
    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError>;
}

impl Transaction {
    pub(crate) fn rule(&self) -> &dyn Rule {
        match self {
            Self::Deposit(t) => t,
            Self::RecordBeacon(t) => t,
            Self::Transfer(t) => t,
            Self::Withdraw(t) => t,
            Self::Register(t) => t,
            Self::Stake(t) => t,
            Self::Unstake(t) => t,
            Self::PostJob(t) => t,
            Self::SealBid(t) => t,
            Self::RevealBid(t) => t,
            Self::Forfeit(t) => t,
            Self::Submit(t) => t,
            Self::Settle(t) => t,
            Self::Expire(t) => t,
        }
    }
}
