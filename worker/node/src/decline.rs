//! Why a unit does not bid on a job.

use janction_protocol::{Amount, Digest};
use thiserror::Error;

/// A reason not to bid. [`Decline::code`] is stable; `docs/worker.md` has the table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Decline {
    /// Too little time until the bids end.
    #[error("{left} s are left of the bid window, the policy wants {least}")]
    BidWindow {
        /// Seconds left.
        left: u64,
        /// By the policy.
        least: u64,
    },
    /// The reveal window is too short: missing it costs the bond.
    #[error("the reveal window has {length} s, the policy wants {least}")]
    RevealWindow {
        /// Its length.
        length: u64,
        /// By the policy.
        least: u64,
    },
    /// Too little time to run the job.
    #[error("there are {length} s to run the job and submit, the policy wants {least}")]
    SubmitWindow {
        /// Its length.
        length: u64,
        /// By the policy.
        least: u64,
    },
    /// Too little time to prove the audit.
    #[error("the proving window has {length} s, the policy wants {least}")]
    ProvingWindow {
        /// Its length.
        length: u64,
        /// By the policy.
        least: u64,
    },
    /// No sequencer takes the step that would free the stake.
    #[error("the step that ends the job pays {fee} JCT, at least {least} JCT are wanted")]
    JobFee {
        /// The job's.
        fee: Amount,
        /// By the policy and the sequencer.
        least: Amount,
    },
    /// More at risk than the operator accepts.
    #[error("a bid locks {stake} JCT, the policy risks at most {most} JCT")]
    Risk {
        /// The job's stake.
        stake: Amount,
        /// By the policy.
        most: Amount,
    },
    /// Less staked than the bid locks.
    #[error("a bid locks {needed} JCT, the unit has staked {has} JCT: stake more to bid on such jobs")]
    Stake {
        /// The job's stake.
        needed: Amount,
        /// The unit's.
        has: Amount,
    },
    /// The unit cannot pay its own transactions.
    #[error("the unit has {has} JCT at hand, bid, reveal and submit cost {needed} JCT: send it some")]
    Balance {
        /// The fees of all three.
        needed: Amount,
        /// What it has.
        has: Amount,
    },
    /// The job wants another machine, place or history.
    #[error("the job wants {what} {needs}, the unit has {has}")]
    Ineligible {
        /// Which requirement.
        what: &'static str,
        /// The job's.
        needs: u64,
        /// The unit's.
        has: u64,
    },
    /// The process holds as many jobs as it may.
    #[error("this worker holds {held} jobs already, as many as it may")]
    Busy {
        /// Jobs held.
        held: usize,
    },
    /// Another unit of this process bids on it.
    #[error("unit {unit} of this worker bids on it")]
    Taken {
        /// Which.
        unit: u32,
    },
    /// A blob is not in the store (yet).
    #[error("{0}")]
    Unavailable(String),
    /// A blob is larger than the policy accepts.
    #[error("{0}")]
    TooLarge(String),
    /// The program is not the one that the job names, or none.
    #[error("the program cannot be used: {0}")]
    Program(String),
    /// The input is not the one that the job names, or does not fit the program.
    #[error("the input cannot be used: {0}")]
    Input(String),
    /// The policy's number is none.
    #[error("the job's policy {0} does not exist")]
    Policy(u32),
    /// More work than the policy accepts.
    #[error("the job takes {got} multiply-adds, the policy accepts {most}")]
    Work {
        /// Of the job.
        got: u64,
        /// By the policy.
        most: u64,
    },
    /// More GPU memory than the unit may take.
    #[error(
        "the job takes at least {needed} bytes of GPU memory, the unit may take {given}: raise vram_mib if the GPU has more"
    )]
    Vram {
        /// Bytes that the program takes on the job's rows.
        needed: u64,
        /// Bytes of the unit's share.
        given: u64,
    },
    /// The program has no audit, so nobody would ever be paid.
    #[error("the program cannot be audited: {0}")]
    Unauditable(String),
    /// The job demands proofs under another key than the program's: nobody would ever be paid.
    #[error("the audit key of this program and policy is {recompiled}, the job demands {demanded}")]
    AuditKey {
        /// As recompiled here.
        recompiled: Digest,
        /// As the job says.
        demanded: Digest,
    },
    /// The job pays less than it costs.
    #[error("the job costs {price} JCT by the policy, its budget is {budget} JCT")]
    Price {
        /// By the policy.
        price: Amount,
        /// The job's.
        budget: Amount,
    },
}

impl Decline {
    /// A stable code for programs, logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BidWindow { .. } => "bid-window",
            Self::RevealWindow { .. } => "reveal-window",
            Self::SubmitWindow { .. } => "submit-window",
            Self::ProvingWindow { .. } => "proving-window",
            Self::JobFee { .. } => "job-fee",
            Self::Risk { .. } => "risk",
            Self::Stake { .. } => "stake",
            Self::Balance { .. } => "balance",
            Self::Ineligible { .. } => "ineligible",
            Self::Busy { .. } => "busy",
            Self::Taken { .. } => "taken",
            Self::Unavailable(_) => "unavailable",
            Self::TooLarge(_) => "too-large",
            Self::Program(_) => "program",
            Self::Input(_) => "input",
            Self::Policy(_) => "policy",
            Self::Work { .. } => "work",
            Self::Vram { .. } => "vram",
            Self::Unauditable(_) => "unauditable",
            Self::AuditKey { .. } => "audit-key",
            Self::Price { .. } => "price",
        }
    }

    /// Whether the same job may be worth a bid later.
    #[must_use]
    pub const fn may_change(&self) -> bool {
        matches!(
            self,
            Self::Stake { .. }
                | Self::Balance { .. }
                | Self::Busy { .. }
                | Self::Taken { .. }
                | Self::Unavailable(_)
        )
    }
}

#[cfg(test)]
mod tests {
    /// The words that a function of a source maps to.
    fn words<'a>(source: &'a str, function: &str) -> Vec<&'a str> {
        let (_, rest) = source.split_once(&format!("fn {function}")).unwrap();
        let (body, _) = rest.split_once("\n    }\n").unwrap();
        body.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    }

    #[test]
    fn the_page_lists_every_code() {
        let page = include_str!("../../../docs/worker.md");
        let (declines, errors) =
            (words(include_str!("decline.rs"), "code"), words(include_str!("error.rs"), "code"));
        assert!(declines.len() >= 20 && errors.len() >= 18);
        for word in declines {
            assert!(page.contains(&format!("`{word}`")), "docs/worker.md lacks {word}");
        }
        let passing = [
            "io",
            "executor",
            "audit",
            "transaction",
            "content",
            "random",
            "panicked",
            "killed",
            "falsify-row",
        ];
        for word in errors {
            let passes = passing.iter().any(|passing| word == format!("worker.{passing}"));
            assert!(passes || page.contains(&format!("`{word}`")), "docs/worker.md lacks {word}");
        }
    }
}
