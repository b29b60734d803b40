//! `PostJob`: wallet A locks budget and job fee in job J at the next free index.

use super::context::{pay, require_kind};
use super::{Context, Effects, Leaves, Rule, RuleError};
use crate::state::{AccountKind, Index, Job, JobStatus, TREE_DEPTH};
use crate::transaction::PostJob;

impl PostJob {
    fn check(&self) -> Result<(), RuleError> {
        let positive = [
            ("bid window", self.bid_window),
            ("reveal window", self.reveal_window),
            ("submit window", self.submit_window),
            ("proving window", self.proving_window),
            ("beacon window", self.beacon_window),
            ("number of input rows", self.input_rows),
        ];
        for (what, value) in positive {
            if value == 0 {
                return Err(RuleError::Zero { what });
            }
        }
        // A seal that is not revealed must cost at least what revealing selectively could gain.
        let least = self.budget.checked_add(self.job_fee).ok_or(RuleError::Overflow)?;
        if self.stake < least {
            return Err(RuleError::StakeBelowBudget { stake: self.stake, least });
        }
        Ok(())
    }
}

impl Rule for PostJob {
    fn job(&self, context: &Context) -> Index {
        context.next_job
    }

    fn account_a(&self, _: &Job) -> Index {
        self.developer
    }

    fn apply(&self, context: &Context, leaves: &mut Leaves) -> Result<Effects, RuleError> {
        require_kind(&leaves.a, self.developer, AccountKind::Wallet)?;
        self.check()?;
        if context.next_job >> TREE_DEPTH != 0 {
            return Err(RuleError::JobsFull);
        }
        let nonce = leaves.a.nonce;
        let locked = self.budget.checked_add(self.job_fee).ok_or(RuleError::Overflow)?;
        pay(&mut leaves.a, locked, self.fee)?;
        let bid_end = context.time + u64::from(self.bid_window);
        let reveal_end = bid_end + u64::from(self.reveal_window);
        leaves.j = Job {
            status: JobStatus::Posted,
            owner: self.developer,
            nonce,
            program: self.program,
            audit_key: self.audit_key,
            input_root: self.input_root,
            input_rows: self.input_rows,
            gpu_class: self.gpu_class,
            vram: self.vram,
            region: self.region,
            reputation: self.reputation,
            stake: self.stake,
            policy: self.policy,
            budget: self.budget,
            fee: self.job_fee,
            bid_end,
            reveal_end,
            submit_end: reveal_end + u64::from(self.submit_window),
            proving_window: self.proving_window,
            beacon_window: self.beacon_window,
            best_price: self.budget,
            second_price: self.budget,
            deadline: reveal_end,
            ..Job::default()
        };
        Ok(Effects { fee: self.fee, job_created: true, ..Effects::default() })
    }
}
