//! Work done ahead: files and audit keys of posted jobs, while the process's units are busy with others.
//!
//! An audit key takes seconds, and a unit that starts on it only when it is free again would miss short auctions.

use std::collections::HashSet;
use std::sync::Arc;

use janction_trace::Policy;
use tokio::sync::watch;

use crate::board::Board;
use crate::client::{Client, JobView};
use crate::decide::{self, Moment};
use crate::unit::{Posting, Shared, posting};

/// Prepares each posted job once, those whose bids end first before the others, for as long as the board is kept.
///
/// Whatever fails is left to the unit that comes to bid on the job: it tries again and says why.
pub(crate) async fn prepare(mut client: Client, mut board: watch::Receiver<Board>, shared: Arc<Shared>) {
    let mut seen: HashSet<Posting> = HashSet::new();
    loop {
        let jobs: Vec<JobView> = board.borrow_and_update().values().cloned().collect();
        seen.retain(|posted| jobs.iter().any(|view| posting(&view.job) == *posted));
        let new = jobs.into_iter().filter(|view| !seen.contains(&posting(&view.job)));
        let Some(next) = new.min_by_key(|view| (view.job.bid_end, view.index)) else {
            if board.changed().await.is_err() {
                return;
            }
            continue;
        };
        seen.insert(posting(&next.job));
        match prepare_one(&mut client, &shared, &next).await {
            Ok(()) => tracing::debug!(job = next.index, "prepared"),
            Err(reason) => tracing::debug!(job = next.index, reason, "not prepared"),
        }
    }
}

async fn prepare_one(client: &mut Client, shared: &Shared, view: &JobView) -> Result<(), String> {
    let (bids, job) = (&shared.config.policy, &view.job);
    let info = client.info().await.map_err(|e| e.to_string())?;
    let moment = Moment {
        time: info.time,
        least_fee_per_block: info.fee_per_block,
        fee_per_block: info.fee_per_block,
        available: 0,
    };
    decide::offer(bids, &moment, job).map_err(|e| e.to_string())?;
    let policy = Policy::from_code(job.policy).map_err(|e| e.to_string())?;
    let files = shared.files.of(client, bids, job).await.map_err(|e| e.of_job(view.index).to_string())?;
    decide::price(bids, job, &files.program).map_err(|e| e.to_string())?;
    let keys = Arc::clone(&shared.audit_keys);
    let built = tokio::task::spawn_blocking(move || keys.digest(&files.program, policy));
    built.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    Ok(())
}
