//! SIGKILL at the worst moments: each role loses everything that was not on disk, starts again, and the job goes on.

use janction_protocol::state::JobStatus;

use super::market::AUDIT_PROVER;
use super::progress;
use super::report::Report;
use super::scene::Scene;
use crate::client::JobView;
use crate::failure::Outcome;

/// When to kill which process: once each, at the first job that gets there.
#[derive(Clone, Debug, Default)]
pub struct Kills {
    left: Vec<(Moment, String)>,
}

/// A moment in the life of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// A bid is sealed, nothing is revealed.
    Sealed,
    /// There is a winner; it has not submitted.
    Won,
    /// Submitted; its openings may or may not have been handed in.
    Submitted,
    /// The audit prover has finished a first part.
    Auditing,
}

impl Kills {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// The sequencer and every one of `workers` at each moment, and the audit prover in the middle of its work.
    pub fn all(workers: &[String]) -> Self {
        let mut left = Vec::new();
        for moment in [Moment::Sealed, Moment::Won, Moment::Submitted] {
            left.push((moment, "sequencer".to_owned()));
            left.extend(workers.iter().map(|worker| (moment, worker.clone())));
        }
        left.push((Moment::Auditing, AUDIT_PROVER.to_owned()));
        Kills { left }
    }

    /// Kills what is due.
    ///
    /// # Errors
    /// A process does not come up again.
    pub async fn look(&mut self, scene: &mut Scene, jobs: &[JobView], report: &mut Report) -> Outcome {
        if self.left.is_empty() {
            return Ok(());
        }
        let proven = progress::finished(&scene.folders.logs.join(format!("{AUDIT_PROVER}.log")), "pieces");
        let reached = |moment| match moment {
            Moment::Sealed => jobs.iter().any(|view| view.events.len() > 1),
            Moment::Won => jobs.iter().any(|view| view.job.winner != 0),
            Moment::Submitted => jobs.iter().any(|view| view.job.status >= JobStatus::Submitted),
            Moment::Auditing => proven > 0,
        };
        let (due, left) =
            std::mem::take(&mut self.left).into_iter().partition(|(moment, _)| reached(*moment));
        self.left = left;
        let due: Vec<(Moment, String)> = due;
        for (_, name) in due {
            scene.kill(&name).await?;
            report.killed.push(name);
        }
        Ok(())
    }
}
