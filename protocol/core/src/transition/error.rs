//! Why a transaction may not happen, and why a batch or a witness is invalid.

use crate::Amount;
use crate::state::{Index, JobStatus};
use crate::stream::{Kind, StreamError};

/// Why a rule refuses a transaction: the reason and what to do. [`RuleError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The balance is too small.
    #[error("the balance is {has} JCT, amount and fee need {needed} JCT: deposit or lower the amount")]
    InsufficientBalance {
        /// Amount and fee.
        needed: Amount,
        /// The balance.
        has: Amount,
    },
    /// The unlocked stake is too small.
    #[error(
        "the unlocked stake is {has} JCT, {needed} JCT are needed: stake more or wait for the lock to end"
    )]
    InsufficientStake {
        /// What is needed.
        needed: Amount,
        /// What no job holds.
        has: Amount,
    },
    /// A sum would reach 2^62.
    #[error("a sum would reach 2^62 units: use smaller amounts")]
    Overflow,
    /// 2^32 transactions were signed.
    #[error("the account has used all its nonces: move the money to a new account")]
    NonceExhausted,
    /// No account has this index.
    #[error("account {index} does not exist: check the index")]
    NoAccount {
        /// The index.
        index: Index,
    },
    /// A wallet is needed.
    #[error("account {index} is not a wallet: sign with a wallet's key")]
    NotAWallet {
        /// The index.
        index: Index,
    },
    /// A unit is needed.
    #[error("account {index} is not a worker unit: register one first")]
    NotAUnit {
        /// The index.
        index: Index,
    },
    /// The signature is not by a key that may sign this.
    #[error(
        "the signature does not hold for this transaction, nonce and deployment: sign it again with the right key"
    )]
    Signature,
    /// A signature is missing.
    #[error("{kind:?} must be signed")]
    Unsigned {
        /// The kind.
        kind: Kind,
    },
    /// A signature on a kind that has none.
    #[error("{kind:?} is not signed: send it without signature")]
    NeedlesslySigned {
        /// The kind.
        kind: Kind,
    },
    /// An operator may not sign this kind.
    #[error("{kind:?} moves money: sign it with the owner key, not with the operator key")]
    OperatorMayNot {
        /// The kind.
        kind: Kind,
    },
    /// The nonce is not the account's next one.
    #[error("the nonce is {got}, the account's next one is {expected}: sign again with {expected}")]
    Nonce {
        /// The account's.
        expected: u32,
        /// The transaction's.
        got: u32,
    },
    /// More than an operator-signed kind may pay.
    #[error("a fee of {fee} JCT is more than bids and submits may pay (2^30 - 1 units): lower it")]
    OperatorFee {
        /// The fee.
        fee: Amount,
    },
    /// Unsigned steps pay the job's fee.
    #[error("the fee is {got} JCT, this job's steps pay exactly {expected} JCT")]
    JobFee {
        /// The job's.
        expected: Amount,
        /// The transaction's.
        got: Amount,
    },
    /// Nobody could claim it.
    #[error("the L1 address is zero: give the address that shall be paid")]
    AddressZero,
    /// No index is left for units.
    #[error("the ledger holds as many accounts as units may be added to: use an existing unit")]
    AccountsFull,
    /// No index is left for jobs.
    #[error("the ledger holds 2^24 jobs and can take no more")]
    JobsFull,
    /// A window of the job is zero.
    #[error("the {what} is zero: give it at least 1")]
    Zero {
        /// Which field.
        what: &'static str,
    },
    /// The bond would not cover the budget.
    #[error(
        "the job's stake of {stake} JCT is below budget + job fee ({least} JCT): an unrevealed bid must cost that much"
    )]
    StakeBelowBudget {
        /// The job's.
        stake: Amount,
        /// Budget + job fee.
        least: Amount,
    },
    /// The job is not where the transaction needs it.
    #[error("job {job} is {is:?}, this needs it {expected:?}")]
    WrongStatus {
        /// The job.
        job: Index,
        /// What is needed.
        expected: JobStatus,
        /// What it is.
        is: JobStatus,
    },
    /// The window has not begun.
    #[error("the batch's time is {time}, the window begins after {after}: try again then")]
    TooEarly {
        /// The window begins after it.
        after: u64,
        /// The time.
        time: u64,
    },
    /// The window is over.
    #[error("the batch's time is {time}, the window ended at {until}")]
    TooLate {
        /// The window's last second.
        until: u64,
        /// The time.
        time: u64,
    },
    /// The unit does not meet a requirement.
    #[error("the job needs {what} {needs}, the unit has {has}: bid with another unit")]
    Ineligible {
        /// Which requirement.
        what: &'static str,
        /// The job's.
        needs: u64,
        /// The unit's.
        has: u64,
    },
    /// The unit is taken.
    #[error(
        "the unit's stake is locked by job {job}: wait until that job lets go of it, or bid with another unit"
    )]
    Locked {
        /// By which job.
        job: Index,
    },
    /// The lock is another job's.
    #[error("the unit's lock is held by job {held_by}, not by job {job}")]
    Lock {
        /// The transaction's.
        job: Index,
        /// The unit's.
        held_by: Index,
    },
    /// Price and salt do not open the seal.
    #[error("unit, job, price and salt do not open the seal: reveal the very values that were sealed")]
    WrongSeal,
    /// The price is too high.
    #[error("the price of {price} JCT is above the budget of {budget} JCT")]
    AboveBudget {
        /// The bid.
        price: Amount,
        /// The job's.
        budget: Amount,
    },
    /// There is no seal to forfeit.
    #[error("the unit has no unrevealed seal: nothing is forfeit")]
    NoSeal,
    /// Another unit won.
    #[error("unit {unit} did not win the job; unit {winner} did")]
    NotTheWinner {
        /// Who submits.
        unit: Index,
        /// Who may.
        winner: Index,
    },
    /// The settled price is the second price.
    #[error("the price is {got} JCT, the job's second price is {expected} JCT")]
    WrongPrice {
        /// The job's.
        expected: Amount,
        /// The transaction's.
        got: Amount,
    },
    /// The settled output is the submitted one.
    #[error("the output root is not the one that the winner submitted")]
    WrongOutput,
}

impl RuleError {
    /// A stable code for programs and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InsufficientBalance { .. } => "insufficient-balance",
            Self::InsufficientStake { .. } => "insufficient-stake",
            Self::Overflow => "overflow",
            Self::NonceExhausted => "nonce-exhausted",
            Self::NoAccount { .. } => "no-account",
            Self::NotAWallet { .. } => "not-a-wallet",
            Self::NotAUnit { .. } => "not-a-unit",
            Self::Signature => "signature",
            Self::Unsigned { .. } => "unsigned",
            Self::NeedlesslySigned { .. } => "needlessly-signed",
            Self::OperatorMayNot { .. } => "operator-may-not",
            Self::Nonce { .. } => "nonce",
            Self::OperatorFee { .. } => "operator-fee",
            Self::JobFee { .. } => "job-fee",
            Self::AddressZero => "address-zero",
            Self::AccountsFull => "accounts-full",
            Self::JobsFull => "jobs-full",
            Self::Zero { .. } => "zero",
            Self::StakeBelowBudget { .. } => "stake-below-budget",
            Self::WrongStatus { .. } => "wrong-status",
            Self::TooEarly { .. } => "too-early",
            Self::TooLate { .. } => "too-late",
            Self::Ineligible { .. } => "ineligible",
            Self::Locked { .. } => "locked",
            Self::Lock { .. } => "lock",
            Self::WrongSeal => "wrong-seal",
            Self::AboveBudget { .. } => "above-budget",
            Self::NoSeal => "no-seal",
            Self::NotTheWinner { .. } => "not-the-winner",
            Self::WrongPrice { .. } => "wrong-price",
            Self::WrongOutput => "wrong-output",
        }
    }
}

/// Why a step cannot stand where it stands in its batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A run state that no batch leads to.
    #[error("the run state is out of bounds: it was not made by this protocol; fetch the task again")]
    Bounds,
    /// `Open` while a batch is open.
    #[error("a batch is already open")]
    Open,
    /// Anything but `Open` and `Noop` while none is.
    #[error("no batch is open")]
    NotOpen,
    /// The header does not continue the ledger.
    #[error("the header's {field} is {got}, the ledger asks for {expected}")]
    Header {
        /// Which field.
        field: &'static str,
        /// What the ledger asks for (the least time).
        expected: u64,
        /// What the header says.
        got: u64,
    },
    /// A transaction outside its section.
    #[error("{kind:?} at block {position} stands outside its section")]
    Section {
        /// The kind.
        kind: Kind,
        /// Its first block.
        position: u64,
    },
    /// More events than the header counts.
    #[error("more events than the header counts")]
    Events,
    /// `Close` before the header's counts are used up.
    #[error("the batch cannot close: {field} is {got}, the header says {expected}")]
    Unfinished {
        /// Which count.
        field: &'static str,
        /// The header's.
        expected: u64,
        /// What was reached.
        got: u64,
    },
    /// The fees have no taker.
    #[error("fee account {index} does not exist when the batch closes")]
    FeeAccount {
        /// The index.
        index: Index,
    },
}

/// Why a step's witness does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The step stands in the wrong place.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The rule refuses it.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The blocks are no transaction.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The blocks are not those of the step's kind.
    #[error("the blocks are not those of a {kind:?}")]
    Blocks {
        /// The step's kind.
        kind: Kind,
    },
    /// A slot opens another leaf than the rule asks for.
    #[error("slot {slot} opens index {got}, the rule asks for {expected}")]
    Index {
        /// A, B or J.
        slot: char,
        /// The rule's.
        expected: Index,
        /// The witness's.
        got: Index,
    },
    /// The old leaf does not stand under the root.
    #[error("slot {slot}: the old leaf and its siblings do not lead to the root")]
    Opening {
        /// A, B or J.
        slot: char,
    },
    /// The new leaf is not what the rule makes of the old one.
    #[error("slot {slot}: the new leaf is not what the rule makes of the old one")]
    Leaf {
        /// A, B or J.
        slot: char,
    },
}
