//! What the sequencer reports: live jobs, for all units of a process; and which unit is after which.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use janction_protocol::state::{Index, JobStatus};
use tokio::sync::watch;

use crate::Decline;
use crate::client::{Client, JobView};

/// Waits after an error; doubled up to the second while errors follow each other.
pub(crate) const RETRY_MIN: Duration = Duration::from_millis(200);
/// See [`RETRY_MIN`].
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(20);

/// Posted jobs by index, as last reported.
pub(crate) type Board = BTreeMap<Index, JobView>;

/// Keeps a board up to date, for ever.
pub(crate) async fn follow(mut client: Client, board: watch::Sender<Board>) {
    let mut wait = RETRY_MIN;
    loop {
        let error = match client.watch_jobs().await {
            Ok(mut jobs) => loop {
                match jobs.next().await {
                    Ok(Some(view)) => {
                        wait = RETRY_MIN;
                        board.send_modify(|board| note(board, view));
                    }
                    Ok(None) => break "the stream ended".to_owned(),
                    Err(error) => break error.to_string(),
                }
            },
            Err(error) => error.to_string(),
        };
        tracing::debug!(error, retry_in = ?wait, "jobs are not reported");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

/// Only posted jobs can be bid on; every change wakes the units all the same.
fn note(board: &mut Board, view: JobView) {
    if view.job.status == JobStatus::Posted {
        board.insert(view.index, view);
    } else {
        board.remove(&view.index);
    }
}

/// Which unit of this process is after which job: two of one operator in one auction would only lower its price.
#[derive(Debug)]
pub(crate) struct Claims {
    most: usize,
    /// Unit to job.
    held: Mutex<HashMap<Index, Index>>,
}

impl Claims {
    pub fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// Claims a job for a unit.
    pub fn claim(&self, unit: Index, job: Index) -> Result<(), Decline> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((&unit, _)) = held.iter().find(|&(&other, &its)| its == job && other != unit) {
            return Err(Decline::Taken { unit });
        }
        if held.len() >= self.most && !held.contains_key(&unit) {
            return Err(Decline::Busy { held: held.len() });
        }
        held.insert(unit, job);
        Ok(())
    }

    /// Notes a job that the unit holds already, whatever the limit.
    pub fn note(&self, unit: Index, job: Index) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, job);
    }

    /// Gives up whatever the unit has claimed.
    pub fn release(&self, unit: Index) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_claimed_once_and_no_more_than_the_limit() {
        let claims = Claims::new(1);
        assert_eq!(claims.claim(1, 10), Ok(()));
        assert_eq!(claims.claim(1, 10), Ok(()));
        assert_eq!(claims.claim(2, 10), Err(Decline::Taken { unit: 1 }));
        assert_eq!(claims.claim(2, 11), Err(Decline::Busy { held: 1 }));
        claims.release(1);
        assert_eq!(claims.claim(2, 11), Ok(()));
        claims.note(1, 10);
        assert_eq!(claims.claim(3, 12), Err(Decline::Busy { held: 2 }));
    }
}
