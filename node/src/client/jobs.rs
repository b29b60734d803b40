//! Jobs as the sequencer shows them.

use janction_protocol::Digest;
use janction_protocol::state::{Index, Job};
use janction_rpc::{encoding, v1};
use tonic::Code;

use super::{Class, Client, ClientError};

/// A job, what has happened to it, and which of its blobs are in the store.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Its index.
    pub index: Index,
    /// Its leaf after the last sealed batch.
    pub job: Job,
    /// The steps that touched it, oldest first.
    pub events: Vec<v1::JobEvent>,
    /// Names of the blobs that are in the store.
    pub blobs: Vec<v1::BlobName>,
    /// Why provers could not prove its audit, newest last.
    pub faults: Vec<v1::AuditFault>,
}

impl JobView {
    /// Whether a blob of this job is in the store.
    pub fn has(&self, class: Class, digest: Digest) -> bool {
        self.blobs.contains(&class.name_of(digest))
    }
}

impl Client {
    /// A job by its index.
    ///
    /// # Errors
    /// [`ClientError::NoJob`] and others.
    pub async fn job(&mut self, index: Index) -> Result<JobView, ClientError> {
        match self.ledger.get_job(v1::GetJobRequest { index }).await {
            Ok(answer) => view(answer.into_inner()),
            Err(status) if status.code() == Code::NotFound => Err(ClientError::NoJob(index)),
            Err(status) => Err(self.failed(status)),
        }
    }

    /// All jobs from the index `from` on, lowest first; with `live` only those that have not ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn jobs(&mut self, from: Index, live: bool) -> Result<Vec<JobView>, ClientError> {
        let mut jobs = Vec::new();
        let mut from = from;
        loop {
            let request = v1::ListJobsRequest { from, limit: 0, live };
            let page = self.ledger.list_jobs(request).await.map_err(|e| self.failed(e))?.into_inner();
            for job in page.jobs {
                jobs.push(view(job)?);
            }
            match page.next {
                0 => return Ok(jobs),
                next if next > from => from = next,
                next => {
                    return Err(ClientError::Malformed(format!("job {next} follows job {from} in its list")));
                }
            }
        }
    }

    /// The job that the developer `owner` posted with nonce `nonce`, if it has index `from` or a higher one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn posted_job(
        &mut self,
        owner: Index,
        nonce: u32,
        from: Index,
    ) -> Result<Option<JobView>, ClientError> {
        let jobs = self.jobs(from, false).await?;
        Ok(jobs.into_iter().find(|view| (view.job.owner, view.job.nonce) == (owner, nonce)))
    }
}

fn view(answer: v1::GetJobResponse) -> Result<JobView, ClientError> {
    Ok(JobView {
        index: answer.index,
        job: encoding::decode(&answer.job)?,
        events: answer.events,
        blobs: answer.blobs,
        faults: answer.faults,
    })
}
