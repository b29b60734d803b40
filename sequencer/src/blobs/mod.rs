//! The blob store as a service: what comes in is authorised by the ledger, checked against its name, and counted.
//!
//! - [`upload`]: how content comes in; [`content`]: whether it is what its name says;
//! - [`openings`]: the same for what an audit opens.

pub mod content;
pub mod openings;
pub mod upload;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use janction_blobs::{BlobId, BlobStore, Class, Link};
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Job};
use janction_protocol::{Deployment, Digest};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::refusal::Refusal;

/// Limits of the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobConfig {
    /// The largest job binary, bytes.
    pub max_program_bytes: u64,
    /// The largest input or output, bytes.
    pub max_tensor_bytes: u64,
    /// The largest openings, bytes: under `full` they are the whole trace.
    pub max_openings_bytes: u64,
    /// All blobs together, bytes.
    pub max_total_bytes: u64,
    /// Uploads in work at once; more are refused with the code `busy`.
    pub max_uploads: usize,
    /// Downloads in work at once; likewise.
    pub max_downloads: usize,
    /// Uploads whose content is checked at once. A check holds the content in memory, a few times over.
    pub max_checks: usize,
    /// The longest pause in an upload or download, milliseconds.
    pub idle_ms: u64,
    /// The longest that an upload may take, milliseconds.
    pub timeout_ms: u64,
}

impl Default for BlobConfig {
    fn default() -> Self {
        Self {
            max_program_bytes: 256 << 20,
            max_tensor_bytes: 256 << 20,
            max_openings_bytes: 512 << 20,
            max_total_bytes: 64 << 30,
            max_uploads: 16,
            max_downloads: 64,
            max_checks: 2,
            idle_ms: 15_000,
            timeout_ms: 600_000,
        }
    }
}

impl BlobConfig {
    /// The largest content of a class, bytes.
    pub fn limit(&self, class: Class) -> u64 {
        match class {
            Class::Program => self.max_program_bytes,
            Class::Input | Class::Output => self.max_tensor_bytes,
            Class::Openings => self.max_openings_bytes,
        }
    }
}

/// What is in the store, as far as it can be told without asking it.
#[derive(Debug, Default)]
struct Known {
    bytes: u64,
    links: HashSet<Link>,
}

/// The service.
pub struct Blobs {
    store: BlobStore,
    config: BlobConfig,
    /// Where uploads wait until they have been checked; files there have no name and vanish with the process.
    incoming: PathBuf,
    known: Mutex<Known>,
    uploads: Semaphore,
    downloads: Arc<Semaphore>,
    checks: Semaphore,
}

impl Blobs {
    /// The service over a store, which is looked through once.
    ///
    /// # Errors
    /// [`Refusal::BlobStore`] when the store or the folder `incoming` cannot be used.
    pub async fn open(store: BlobStore, config: BlobConfig, incoming: PathBuf) -> Result<Self, Refusal> {
        std::fs::create_dir_all(&incoming)
            .map_err(|e| Refusal::BlobStore(format!("cannot create {}: {e}", incoming.display())))?;
        let contents = store.contents().await?;
        let known = Known { bytes: contents.bytes, links: contents.links.into_iter().collect() };
        metrics::gauge!("sequencer_blob_bytes").set(known.bytes as f64);
        Ok(Self {
            store,
            incoming,
            known: Mutex::new(known),
            uploads: Semaphore::new(config.max_uploads),
            downloads: Arc::new(Semaphore::new(config.max_downloads)),
            checks: Semaphore::new(config.max_checks.max(1)),
            config,
        })
    }

    /// The store.
    pub fn store(&self) -> &BlobStore {
        &self.store
    }

    /// The limits.
    pub fn config(&self) -> &BlobConfig {
        &self.config
    }

    /// Whoever downloads holds one of these.
    pub(crate) fn downloads(&self) -> Arc<Semaphore> {
        self.downloads.clone()
    }

    /// Whether content with this name came in, as far as memory knows.
    pub fn has(&self, class: Class, digest: Digest) -> bool {
        self.with_known(|known| known.links.contains(&Link::new(class, digest.to_bytes())))
    }

    /// Whether all that proving a claim takes came in.
    pub fn has_audit(&self, claim: &Claim) -> bool {
        self.has(Class::Program, claim.program)
            && self.has(Class::Input, claim.input_root)
            && self.has(Class::Openings, claim.digest())
    }

    /// Which of a job's blobs came in.
    pub fn of_job(&self, deployment: Deployment, index: Index, job: &Job) -> Vec<Link> {
        let mut names = vec![(Class::Program, job.program), (Class::Input, job.input_root)];
        // Zero before the Submit, which brings both.
        if job.trace_root != Digest::default() {
            names.push((Class::Output, job.output_root));
            names.push((Class::Openings, Claim::of(deployment, index, job).digest()));
        }
        let links = names.into_iter().map(|(class, digest)| Link::new(class, digest.to_bytes()));
        self.with_known(|known| links.filter(|link| known.links.contains(link)).collect())
    }

    /// The blob behind a name and its size, as the store says.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::BlobStore`].
    pub async fn find(&self, name: Link) -> Result<(BlobId, u64), Refusal> {
        let missing = || Refusal::NotFound { what: "blob", name: name.to_string() };
        let id = self.store.resolve(name).await?.ok_or_else(missing)?;
        let size = self.store.size(id).await?.ok_or_else(missing)?;
        Ok((id, size))
    }

    fn with_known<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
