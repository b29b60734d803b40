//! The jobs: audit keys recomputed from job binaries, and what settled jobs delivered.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use janction_aggregate::NodeShape;
use janction_audit::AuditCircuits;
use janction_blobs::{BlobStore, Class, Link};
use janction_program::{Program, Tensor, container, npy};
use janction_protocol::Digest;
use janction_protocol::ledger::Ledger;
use janction_protocol::state::{Index, Job, JobStatus};
use janction_trace::Policy;

use super::error::AuditFailure;
use super::report::Report;

/// The largest blob that is read: 1 GiB.
const LIMIT: u64 = 1 << 30;

/// The jobs of a ledger.
pub enum Jobs {
    /// So many, without their blobs.
    Unseen(usize),
    /// Compared with their blobs.
    Seen(Found),
}

/// What was found of the jobs.
#[derive(Default)]
pub struct Found {
    keys: usize,
    foreign: Vec<String>,
    programs: BTreeSet<String>,
    outputs: usize,
    wrong_outputs: Vec<String>,
    missing: Vec<String>,
}

/// Compares every job of the ledger with the blobs in `folder`: seconds a program. None without jobs.
///
/// # Errors
/// The folder cannot be read. Blobs that are missing or wrong are findings.
pub async fn find(ledger: &Ledger, folder: Option<&Path>) -> Result<Option<Jobs>, AuditFailure> {
    let jobs: Vec<(Index, Job)> =
        ledger.jobs().filter(|(_, job)| job.status != JobStatus::Empty).map(|(i, job)| (i, *job)).collect();
    let Some(folder) = folder.filter(|_| !jobs.is_empty()) else {
        return Ok((!jobs.is_empty()).then_some(Jobs::Unseen(jobs.len())));
    };
    let blobs = Blobs { store: BlobStore::local(folder)? };
    Ok(Some(Jobs::Seen(blobs.jobs(&jobs).await?)))
}

/// Reports what was found; without a folder of blobs, what that leaves unchecked.
pub fn check(report: &mut Report, jobs: Option<Jobs>) {
    let found = match jobs {
        None => return,
        Some(Jobs::Unseen(jobs)) => {
            report
                .unchecked("audit keys", format!("of {jobs} jobs: their binaries are needed (--blobs DIR)"));
            return;
        }
        Some(Jobs::Seen(found)) => found,
    };
    report.right(
        "audit keys",
        format!(
            "{} jobs have the key that their binary gives ({} binaries)",
            found.keys,
            found.programs.len()
        ),
    );
    if !found.foreign.is_empty() {
        report.unchecked("foreign audit keys", found.foreign.join("; "));
    }
    report.equal(
        "outputs",
        found.wrong_outputs.is_empty(),
        format!("{} settled outputs are what the reference computes from the input", found.outputs),
        found.wrong_outputs.join("; "),
    );
    if !found.missing.is_empty() {
        report.unchecked("blobs", format!("missing: {}", found.missing.join(", ")));
    }
}

struct Blobs {
    store: BlobStore,
}

impl Blobs {
    async fn read(&self, class: Class, digest: Digest) -> Result<Option<Vec<u8>>, AuditFailure> {
        match self.store.resolve(Link::new(class, digest.to_bytes())).await? {
            Some(id) => Ok(Some(self.store.get(id, LIMIT).await?)),
            None => Ok(None),
        }
    }

    async fn jobs(&self, jobs: &[(Index, Job)]) -> Result<Found, AuditFailure> {
        let mut found = Found::default();
        let mut keys: HashMap<(Digest, u32), Result<Digest, String>> = HashMap::new();
        for (index, job) in jobs {
            let Some(bytes) = self.read(Class::Program, job.program).await? else {
                found.missing.push(format!("the program of job {index}"));
                continue;
            };
            let program = match container::decode(&bytes) {
                Ok(program) if program.digest() == job.program => Arc::new(program),
                _ => {
                    found.missing.push(format!("the program of job {index} (its blob is another)"));
                    continue;
                }
            };
            found.programs.insert(job.program.to_string());
            let key = match keys.get(&(job.program, job.policy)) {
                Some(key) => key.clone(),
                None => {
                    let key = audit_key(Arc::clone(&program), job.policy).await?;
                    keys.insert((job.program, job.policy), key.clone());
                    key
                }
            };
            let key_is_right = key.as_ref() == Ok(&job.audit_key);
            match key {
                Ok(key) if key == job.audit_key => found.keys += 1,
                // Anyone may post such a job with his own money: no fault of the rollup's. What it settles means nothing.
                Ok(key) => {
                    found.foreign.push(format!("job {index} names {}, its binary gives {key}", job.audit_key))
                }
                Err(reason) => found.foreign.push(format!("job {index}: {reason}")),
            }
            if key_is_right && job.status == JobStatus::Settled {
                self.output(&mut found, *index, job, &program).await?;
            }
        }
        Ok(found)
    }

    /// Runs the reference on the input and compares the output's root with the settled one.
    async fn output(
        &self,
        found: &mut Found,
        index: Index,
        job: &Job,
        program: &Arc<Program>,
    ) -> Result<(), AuditFailure> {
        let Some(bytes) = self.read(Class::Input, job.input_root).await? else {
            found.missing.push(format!("the input of job {index}"));
            return Ok(());
        };
        let (program, job) = (Arc::clone(program), *job);
        let root = blocking(move || output_root(&program, &job, &bytes)).await?;
        match root {
            Ok(root) if root == job.output_root => found.outputs += 1,
            Ok(root) => found.wrong_outputs.push(format!(
                "job {index} settled with the output {}, the reference gives {root}",
                job.output_root
            )),
            Err(reason) => found.wrong_outputs.push(format!("job {index}: {reason}")),
        }
        Ok(())
    }
}

/// The audit key that a binary gives.
async fn audit_key(program: Arc<Program>, policy: u32) -> Result<Result<Digest, String>, AuditFailure> {
    blocking(move || {
        let policy = Policy::from_code(policy).map_err(|e| e.to_string())?;
        let shape = NodeShape::find().map_err(|e| e.to_string())?;
        let circuits = AuditCircuits::build(&shape, Program::clone(&program), policy);
        Ok(circuits.map_err(|e| e.to_string())?.audit_key_digest())
    })
    .await
}

fn output_root(program: &Program, job: &Job, input: &[u8]) -> Result<Digest, String> {
    let input = npy::decode(input).map_err(|e| e.to_string())?;
    let root = |tensor: Tensor| program.root_of(&tensor).map_err(|e| e.to_string());
    if root(input.clone())? != job.input_root || input.rows() != job.input_rows as usize {
        return Err("the blob is not the input".into());
    }
    let results = janction_program::reference::run(program, &input).map_err(|e| e.to_string())?;
    let trace = janction_trace::Trace::commit(program, input, results).map_err(|e| e.to_string())?;
    Ok(trace.output_root())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AuditFailure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| AuditFailure::Panicked { reason: e.to_string() })
}
