//! What a rule sees and what it leaves behind, with the checks that rules share.

use super::RuleError;
use crate::claim::Claim;
use crate::state::{Account, AccountKind, Index, Job, JobStatus, LedgerState};
use crate::{Amount, Deployment};

/// `SealBid`, `RevealBid` and `Submit` may pay at most this fee (2^30 - 1, about 1.07 JCT): the key on the rig may sign
/// them, and it must not be able to give the unit's balance away as a fee.
pub const OPERATOR_FEE_MAX: u64 = (1 << 30) - 1;

/// `Register` creates units only below this index, so that the other half of the tree is left to deposits, which must
/// never find it full.
pub const REGISTER_LIMIT: Index = 1 << 23;

/// What a rule may know besides its leaves.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The open batch's time.
    pub time: u64,
    /// Every L1 operation and beacon record made before this time has been consumed.
    pub l1_time: u64,
    /// The open batch's number.
    pub batch: u64,
    /// The next free account index.
    pub next_account: Index,
    /// The next free job index.
    pub next_job: Index,
    /// Chain and rollup.
    pub deployment: Deployment,
}

impl Context {
    /// Of a batch that is open on this ledger state (whose clock `Open` has set).
    pub fn new(ledger: &LedgerState, l1_time: u64) -> Self {
        Self {
            time: ledger.time,
            l1_time,
            batch: ledger.batch,
            next_account: ledger.next_account,
            next_job: ledger.next_job,
            deployment: ledger.deployment,
        }
    }
}

/// The leaves in a step's three slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Leaves {
    /// Account slot A.
    pub a: Account,
    /// Account slot B.
    pub b: Account,
    /// Job slot J.
    pub j: Job,
}

/// What a step does besides changing its leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Effects {
    /// Added to the batch's fees.
    pub fee: Amount,
    /// Destroyed.
    pub burned: Amount,
    /// Whether slot B took the next free account index.
    pub account_created: bool,
    /// Whether slot J took the next free job index.
    pub job_created: bool,
    /// What `Settle` demands of the audits.
    pub claim: Option<Claim>,
}

impl Effects {
    /// Only a fee.
    pub(super) fn fee(fee: Amount) -> Self {
        Self { fee, ..Self::default() }
    }
}

/// `account` pays `amount` and `fee` from its balance and uses up its nonce.
pub(super) fn pay(account: &mut Account, amount: Amount, fee: Amount) -> Result<(), RuleError> {
    let needed = amount.checked_add(fee).ok_or(RuleError::Overflow)?;
    let has = account.balance;
    account.balance = has.checked_sub(needed).ok_or(RuleError::InsufficientBalance { needed, has })?;
    account.nonce = account.nonce.checked_add(1).ok_or(RuleError::NonceExhausted)?;
    Ok(())
}

/// `account` gets `amount`.
pub(super) fn credit(account: &mut Account, amount: Amount) -> Result<(), RuleError> {
    account.balance = account.balance.checked_add(amount).ok_or(RuleError::Overflow)?;
    Ok(())
}

/// The account is of this kind.
pub(super) fn require_kind(account: &Account, index: Index, kind: AccountKind) -> Result<(), RuleError> {
    if account.kind == kind {
        return Ok(());
    }
    Err(match kind {
        AccountKind::Wallet => RuleError::NotAWallet { index },
        _ => RuleError::NotAUnit { index },
    })
}

/// The fee is one that an operator may pay.
pub(super) fn require_operator_fee(fee: Amount) -> Result<(), RuleError> {
    if fee.units() <= OPERATOR_FEE_MAX { Ok(()) } else { Err(RuleError::OperatorFee { fee }) }
}

/// The job stands at `status`.
pub(super) fn require_status(job: &Job, index: Index, status: JobStatus) -> Result<(), RuleError> {
    if job.status == status {
        Ok(())
    } else {
        Err(RuleError::WrongStatus { job: index, expected: status, is: job.status })
    }
}

/// An unsigned step pays exactly the job's fee.
pub(super) fn require_job_fee(job: &Job, fee: Amount) -> Result<(), RuleError> {
    if fee == job.fee { Ok(()) } else { Err(RuleError::JobFee { expected: job.fee, got: fee }) }
}

/// `time > after`.
pub(super) fn require_after(time: u64, after: u64) -> Result<(), RuleError> {
    if time > after { Ok(()) } else { Err(RuleError::TooEarly { after, time }) }
}

/// `time <= until`.
pub(super) fn require_until(time: u64, until: u64) -> Result<(), RuleError> {
    if time <= until { Ok(()) } else { Err(RuleError::TooLate { until, time }) }
}

/// The unit meets the job's requirements (its stake is checked where it is locked).
pub(super) fn require_eligible(unit: &Account, job: &Job) -> Result<(), RuleError> {
    let short = |what, needs: u64, has: u64| Err(RuleError::Ineligible { what, needs, has });
    if unit.gpu_class < job.gpu_class {
        return short("GPU class", job.gpu_class.into(), unit.gpu_class.into());
    }
    if unit.vram < job.vram {
        return short("MiB of VRAM", job.vram.into(), unit.vram.into());
    }
    if unit.reputation < job.reputation {
        return short("reputation", job.reputation.into(), unit.reputation.into());
    }
    if job.region != 0 && unit.region != job.region {
        return short("region", job.region.into(), unit.region.into());
    }
    Ok(())
}

/// The unit's lock is this job's.
pub(super) fn require_lock(unit: &Account, job: Index) -> Result<(), RuleError> {
    if unit.lock_job == job { Ok(()) } else { Err(RuleError::Lock { job, held_by: unit.lock_job }) }
}
