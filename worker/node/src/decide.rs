//! Which jobs are worth a bid, and at what price. Pure: what is read from the ledger and the job's files comes in,
//! a price or a reason goes out.

use janction_program::{Operation, Program, Step, Tensor, Window};
use janction_protocol::Amount;
use janction_protocol::state::{Account, Job};
use janction_protocol::stream::Kind;

use crate::{BidPolicy, Decline};

/// What a unit sends in the life of a job.
const SENT: [Kind; 3] = [Kind::SealBid, Kind::RevealBid, Kind::Submit];
/// The largest step that the job's fee must pay.
const ENDS: Kind = Kind::Settle;
/// Fees of these kinds are below it, by the ledger's rules.
const FEE_LIMIT: u64 = 1 << 30;

/// An amount from a sum that may be too large.
fn capped(units: u64) -> Amount {
    Amount::new(units.min(Amount::LIMIT - 1)).unwrap_or_default()
}

/// The fee of a transaction of `kind`, within what the ledger allows an operator.
pub(crate) fn fee(kind: Kind, per_block: u64) -> Amount {
    capped(per_block.saturating_mul(kind.blocks() as u64).min(FEE_LIMIT - 1))
}

/// What is known about the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Ledger time.
    pub time: u64,
    /// The sequencer's least fee for a block.
    pub least_fee_per_block: u64,
    /// What this worker pays for a block.
    pub fee_per_block: u64,
    /// What the unit can spend.
    pub available: u64,
}

/// Whether the job's terms are acceptable, whoever bids.
pub(crate) fn offer(policy: &BidPolicy, moment: &Moment, job: &Job) -> Result<(), Decline> {
    let left = job.bid_end.saturating_sub(moment.time);
    if left < policy.min_bid_seconds.max(1) {
        return Err(Decline::BidWindow { left, least: policy.min_bid_seconds.max(1) });
    }
    let length = job.reveal_end.saturating_sub(job.bid_end);
    if length < policy.min_reveal_seconds {
        return Err(Decline::RevealWindow { length, least: policy.min_reveal_seconds });
    }
    let length = job.submit_end.saturating_sub(job.reveal_end);
    if length < policy.min_submit_seconds {
        return Err(Decline::SubmitWindow { length, least: policy.min_submit_seconds });
    }
    let length = job.proving_window.into();
    if length < policy.min_proving_seconds {
        return Err(Decline::ProvingWindow { length, least: policy.min_proving_seconds });
    }
    let least = moment.least_fee_per_block.saturating_mul(ENDS.blocks() as u64).max(policy.min_job_fee);
    if job.fee.units() < least {
        return Err(Decline::JobFee { fee: job.fee, least: capped(least) });
    }
    if job.stake.units() > policy.max_stake {
        return Err(Decline::Risk { stake: job.stake, most: capped(policy.max_stake) });
    }
    Ok(())
}

/// Whether the job's terms are acceptable and the unit meets its requirements, as far as the leaf tells.
pub(crate) fn terms(policy: &BidPolicy, moment: &Moment, unit: &Account, job: &Job) -> Result<(), Decline> {
    offer(policy, moment, job)?;
    eligible(unit, job)?;
    if unit.stake < job.stake {
        return Err(Decline::Stake { needed: job.stake, has: unit.stake });
    }
    let needed: u64 = SENT.iter().map(|&kind| fee(kind, moment.fee_per_block).units()).sum();
    if moment.available < needed {
        return Err(Decline::Balance { needed: capped(needed), has: capped(moment.available) });
    }
    Ok(())
}

/// The ledger's own rule of who may bid.
fn eligible(unit: &Account, job: &Job) -> Result<(), Decline> {
    let requirements = [
        ("GPU class", u64::from(job.gpu_class), u64::from(unit.gpu_class)),
        ("VRAM in MiB", job.vram.into(), unit.vram.into()),
        ("reputation", job.reputation.into(), unit.reputation.into()),
    ];
    for (what, needs, has) in requirements {
        if has < needs {
            return Err(Decline::Ineligible { what, needs, has });
        }
    }
    if job.region != 0 && job.region != unit.region {
        let (needs, has) = (job.region.into(), unit.region.into());
        return Err(Decline::Ineligible { what: "region", needs, has });
    }
    Ok(())
}

/// Whether the program is the one that the job names and runs on the job's rows.
pub(crate) fn program(policy: &BidPolicy, job: &Job, program: &Program) -> Result<(), Decline> {
    if program.digest() != job.program {
        let reason = format!("its digest is {}, the job names {}", program.digest(), job.program);
        return Err(Decline::Program(reason));
    }
    if job.input_rows as usize > program.max_rows() {
        let reason = format!("it takes {} rows, the job has {}", program.max_rows(), job.input_rows);
        return Err(Decline::Program(reason));
    }
    let got = multiply_adds(program, job.input_rows);
    if got > policy.max_multiply_adds {
        return Err(Decline::Work { got, most: policy.max_multiply_adds });
    }
    Ok(())
}

/// Whether the input is the one that the job names and fits the program.
pub(crate) fn input(job: &Job, program: &Program, input: &Tensor) -> Result<(), Decline> {
    let wrong = |reason: String| Err(Decline::Input(reason));
    if let Err(error) = program.check_input(input) {
        return wrong(error.to_string());
    }
    if input.rows() != job.input_rows as usize {
        return wrong(format!("it has {} rows, the job has {}", input.rows(), job.input_rows));
    }
    match program.root_of(input) {
        Ok(root) if root == job.input_root => Ok(()),
        Ok(root) => wrong(format!("its root is {root}, the job names {}", job.input_root)),
        Err(error) => wrong(error.to_string()),
    }
}

/// Cells that the windows of a pool look at, in all planes.
fn window_cells(window: &Window) -> u64 {
    (window.total_cells() as u64).saturating_mul(window.channels as u64)
}

/// Multiply-adds of `program` on `rows` rows. Looking at a cell, or moving it, counts as one.
#[must_use]
pub fn multiply_adds(program: &Program, rows: u32) -> u64 {
    let of_step = |step: &Step| {
        let cells = step.output.columns() as u64;
        match &step.operation {
            // Each output cell is a sum over the inner index.
            Operation::MatMul(op) => cells.saturating_mul(program.constant(op.weights).rows() as u64),
            Operation::Conv(op) => cells.saturating_mul(program.constant(op.product.weights).rows() as u64),
            Operation::Add(_) => 2 * cells,
            Operation::Lookup(_) => cells,
            Operation::MaxPool(op) => window_cells(&op.window(program)),
            Operation::AveragePool(op) => window_cells(&op.window(program)),
            Operation::Reshape(_) => 0,
            // Moving a cell costs something, too.
            Operation::Transpose(_) | Operation::Concat(_) => cells,
        }
    };
    program.steps().iter().map(of_step).fold(0, u64::saturating_add).saturating_mul(rows.into())
}

impl BidPolicy {
    /// What a job of so many multiply-adds costs by this policy: the price that is bid.
    #[must_use]
    pub fn price(&self, multiply_adds: u64) -> Amount {
        let work = u128::from(multiply_adds) * u128::from(self.price_per_million);
        let units = u128::from(self.price_per_job) + work.div_ceil(1_000_000);
        capped(u64::try_from(units).unwrap_or(u64::MAX))
    }
}

/// The price of a job by the policy, if the budget pays it.
pub(crate) fn price(policy: &BidPolicy, job: &Job, program: &Program) -> Result<Amount, Decline> {
    let price = policy.price(multiply_adds(program, job.input_rows));
    if price > job.budget { Err(Decline::Price { price, budget: job.budget }) } else { Ok(price) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn moment() -> Moment {
        Moment { time: 1_000, least_fee_per_block: 1_000, fee_per_block: 1_500, available: 9_000 }
    }

    fn unit() -> Account {
        Account {
            stake: amount(500),
            gpu_class: 80,
            vram: 1_024,
            region: 3,
            reputation: 7,
            ..Default::default()
        }
    }

    fn policy() -> BidPolicy {
        BidPolicy { max_stake: 500, ..BidPolicy::default() }
    }

    fn job() -> Job {
        Job {
            bid_end: 1_005,
            reveal_end: 1_015,
            submit_end: 1_045,
            proving_window: 120,
            fee: amount(2_000),
            stake: amount(500),
            gpu_class: 80,
            vram: 1_024,
            region: 3,
            reputation: 7,
            ..Default::default()
        }
    }

    #[test]
    fn every_term_counts_to_the_last_unit() {
        assert_eq!(terms(&policy(), &moment(), &unit(), &job()), Ok(()));
        type Change = fn(&mut BidPolicy, &mut Moment, &mut Account, &mut Job);
        let cases: [(&str, Change); 14] = [
            ("bid-window", |_, m, _, _| m.time += 1),
            ("reveal-window", |_, _, _, j| j.reveal_end -= 1),
            ("submit-window", |_, _, _, j| j.submit_end -= 1),
            ("proving-window", |_, _, _, j| j.proving_window -= 1),
            ("job-fee", |_, _, _, j| j.fee = amount(1_999)),
            ("job-fee", |p, _, _, _| p.min_job_fee = 2_001),
            ("job-fee", |_, m, _, _| m.least_fee_per_block = 1_001),
            ("risk", |p, _, _, _| p.max_stake = 499),
            ("stake", |_, _, u, _| u.stake = amount(499)),
            ("balance", |_, m, _, _| m.available = 8_999),
            ("ineligible", |_, _, u, _| u.gpu_class = 75),
            ("ineligible", |_, _, u, _| u.vram = 1_023),
            ("ineligible", |_, _, u, _| u.region = 4),
            ("ineligible", |_, _, u, _| u.reputation = 6),
        ];
        for (code, change) in cases {
            let (mut policy, mut moment, mut unit, mut job) = (policy(), moment(), unit(), job());
            change(&mut policy, &mut moment, &mut unit, &mut job);
            let result = terms(&policy, &moment, &unit, &job);
            assert_eq!(result.map_err(|decline| decline.code()), Err(code));
        }
        let anywhere = Job { region: 0, ..job() };
        assert_eq!(terms(&policy(), &moment(), &unit(), &anywhere), Ok(()));
    }

    #[test]
    fn prices_are_rounded_up_and_kept_within_the_budget() {
        let program = janction_program::test_utils::random_program(1);
        let work = multiply_adds(&program, 3);
        assert!(work > 0 && work.is_multiple_of(3));
        let policy = BidPolicy { price_per_job: 10, price_per_million: 1, ..BidPolicy::default() };
        let expected = 10 + work.div_ceil(1_000_000);
        let job = Job { input_rows: 3, budget: amount(expected), ..Default::default() };
        assert_eq!(price(&policy, &job, &program), Ok(amount(expected)));
        let poor = Job { budget: amount(expected - 1), ..job };
        assert_eq!(price(&policy, &poor, &program).map_err(|d| d.code()), Err("price"));
        let dear = BidPolicy { price_per_million: u64::MAX, ..policy };
        assert_eq!(price(&dear, &job, &program).map_err(|d| d.code()), Err("price"));
    }

    #[test]
    fn fees_stay_below_what_the_ledger_allows() {
        assert_eq!(fee(Kind::Submit, 1_000), amount(3_000));
        assert_eq!(fee(Kind::Submit, u64::MAX), amount((1 << 30) - 1));
    }
}
