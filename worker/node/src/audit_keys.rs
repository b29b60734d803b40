//! Audit keys, recompiled from job binaries.
//!
//! A unit bids only when the job's audit key is the one that follows from program and policy: a job under any other key can
//! never be settled, and its winner would be slashed.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use janction_aggregate::NodeShape;
use janction_audit::{AuditCircuits, AuditError};
use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::Policy;
use serde::{Deserialize, Serialize};

use crate::record::{make_folder, write_file};

/// What is asked for again and again about an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditFacts {
    /// Digest of the audit key.
    pub key: Digest,
    /// What a piece covers: rows under `full`, draws of each operation under `rows`.
    pub piece_size: u32,
}

/// Recompiled audit keys, in memory and on disk. Shared by all units of a process.
#[derive(Debug, Default)]
pub struct AuditKeys {
    folder: Option<PathBuf>,
    shape: OnceLock<NodeShape>,
    known: Mutex<HashMap<(Digest, u32), AuditFacts>>,
    /// Held while a key is built: one at a time is enough for the machine.
    building: Mutex<()>,
}

impl AuditKeys {
    /// Keys that are kept on disk, too. They count only for the very build of the software that made them.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn on_disk(folder: PathBuf) -> Result<Self, crate::WorkerError> {
        let folder = folder.join(build());
        make_folder(&folder)?;
        Ok(Self { folder: Some(folder), ..Self::default() })
    }

    /// The audit key digest of `program` under `policy`: seconds to a minute the first time.
    ///
    /// # Errors
    /// [`AuditError`] when the program cannot be audited.
    pub fn digest(&self, program: &Program, policy: Policy) -> Result<Digest, AuditError> {
        self.facts(program, policy).map(|facts| facts.key)
    }

    pub(crate) fn facts(&self, program: &Program, policy: Policy) -> Result<AuditFacts, AuditError> {
        let name = (program.digest(), policy.code());
        if let Some(facts) = self.lookup(name) {
            return Ok(facts);
        }
        let _one_at_a_time = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = self.lookup(name) {
            return Ok(facts);
        }
        let start = Instant::now();
        let circuits = self.circuits(program, policy)?;
        let facts = AuditFacts { key: circuits.audit_key_digest(), piece_size: circuits.piece_size() };
        let seconds = start.elapsed().as_secs_f64();
        metrics::histogram!("janction_worker_audit_key_seconds").record(seconds);
        tracing::info!(program = %name.0, %policy, key = %facts.key, seconds, "audit key recompiled");
        self.remember(name, facts);
        Ok(facts)
    }

    fn circuits(&self, program: &Program, policy: Policy) -> Result<AuditCircuits, AuditError> {
        let shape = match self.shape.get() {
            Some(shape) => shape,
            None => {
                let shape = NodeShape::find()?;
                self.shape.get_or_init(|| shape)
            }
        };
        AuditCircuits::build(shape, program.clone(), policy)
    }

    fn lookup(&self, name: (Digest, u32)) -> Option<AuditFacts> {
        if let Some(facts) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Some(*facts);
        }
        // A file that is missing or damaged is made again.
        let bytes = fs::read(self.path(name)?).ok()?;
        let facts = serde_json::from_slice(&bytes).ok()?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, facts);
        Some(facts)
    }

    fn remember(&self, name: (Digest, u32), facts: AuditFacts) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, facts);
        let Some(path) = self.path(name) else { return };
        let bytes = serde_json::to_vec(&facts).unwrap_or_default();
        if let Err(error) = write_file(&path, &bytes) {
            tracing::warn!(path = %path.display(), %error, "the audit key is not kept; it will be made again");
        }
    }

    fn path(&self, (program, policy): (Digest, u32)) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{program}-{policy}.json")))
    }
}

/// What this executable is: a key that another build made may be another key.
fn build() -> String {
    let hash = || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs::File::open(std::env::current_exe()?)?)?;
        Ok::<_, std::io::Error>(hasher.finalize())
    };
    // An executable that cannot be read shares its keys with nobody.
    hash().map_or_else(|_| format!("process-{}", std::process::id()), |hash| hash.to_hex()[..32].to_string())
}
