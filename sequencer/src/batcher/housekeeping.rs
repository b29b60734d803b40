//! Steps that nobody signs and that are due: overdue jobs are ended (`Expire`), seals that were not revealed are
//! forfeited (`Forfeit`).
//!
//! Both rules go by the time of the batch *before*, so that everything which L1 knew by then has been consumed. When
//! nothing else happens on the ledger, an empty batch is sealed to move that clock.

use janction_protocol::state::Index;
use janction_protocol::transaction::{Expire, Forfeit, SignedTransaction};

use super::Engine;
use super::admit::Submission;
use crate::refusal::Refusal;

/// Most steps that are made at once; the rest follows after the next batch.
const AT_ONCE: usize = 64;

impl Engine {
    /// Whether something is overdue by L1's clock, but not by the ledger's yet: then a batch is due, even an empty one.
    pub fn clock_is_due(&self) -> bool {
        let (ledger, l1) = (self.ledger.state().time, self.cursor.block.time);
        self.config.batch.housekeeping
            && ledger < l1
            && self.due_times().any(|(_, due)| (ledger..l1).contains(&due))
    }

    /// Admits every `Expire` and `Forfeit` that is due by the ledger's clock and does not wait already. What a rule refuses
    /// is logged, once. Returns how many were admitted.
    ///
    /// # Errors
    /// The database.
    pub fn keep_house(&mut self) -> Result<usize, Refusal> {
        if !self.config.batch.housekeeping || self.tidied == Some(self.heads.sealed) {
            return Ok(0);
        }
        let time = self.ledger.state().time;
        let due: Vec<Due> = self.due_times().filter(|(_, due)| time > *due).map(|(what, _)| what).collect();
        let mut admitted = 0;
        for what in due {
            if admitted == AT_ONCE {
                return Ok(admitted);
            }
            let Some(signed) = self.due_step(what) else { continue };
            let bytes = signed.encode().map_err(janction_protocol::ledger::Refusal::from);
            let submission = bytes.map_err(Refusal::from).and_then(|bytes| Submission::new(bytes, vec![]));
            match submission.and_then(|submission| self.admit(submission)) {
                Ok(_) => {
                    tracing::info!(?what, "overdue: ended by the sequencer");
                    metrics::counter!("sequencer_housekeeping_total", "kind" => what.name()).increment(1);
                    admitted += 1;
                }
                Err(error @ (Refusal::Store(_) | Refusal::Spoiled)) => return Err(error),
                Err(refusal) => {
                    tracing::warn!(?what, code = refusal.code(), %refusal, "overdue, but refused")
                }
            }
        }
        // Only a batch moves the clock: until then there is nothing new.
        self.tidied = Some(self.heads.sealed);
        Ok(admitted)
    }

    /// What will be due, and after which time.
    fn due_times(&self) -> impl Iterator<Item = (Due, u64)> + '_ {
        let jobs = self.live.iter().map(|&job| (Due::Expire { job }, self.ledger.job(job).deadline));
        let bonds = self.bonds.iter().map(|&unit| {
            let account = self.ledger.account(unit);
            (Due::Forfeit { unit, job: account.lock_job }, account.lock_expiry)
        });
        jobs.chain(bonds)
    }

    /// The step, unless one that waits has made it needless.
    fn due_step(&self, what: Due) -> Option<SignedTransaction> {
        match what {
            Due::Expire { job: index } => {
                let job = self.preview.job(&self.ledger, index);
                let expire = Expire { fee: job.fee, job: index };
                job.status.is_live().then(|| SignedTransaction::unsigned(expire))
            }
            Due::Forfeit { unit, job } => {
                let sealed = self.preview.account(&self.ledger, unit).lock_expiry != 0;
                let fee = self.preview.job(&self.ledger, job).fee;
                sealed.then(|| SignedTransaction::unsigned(Forfeit { fee, unit, job }))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Expire { job: Index },
    Forfeit { unit: Index, job: Index },
}

impl Due {
    fn name(self) -> &'static str {
        match self {
            Self::Expire { .. } => "expire",
            Self::Forfeit { .. } => "forfeit",
        }
    }
}
