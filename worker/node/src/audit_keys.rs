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
use janction_audit::{AuditCircuits, AuditError, AuditFacts, PieceFacts};
use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::Policy;
use serde::{Deserialize, Serialize};

use crate::record::{make_folder, write_file};

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
        let folder = folder.join(executable_id());
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

    /// Key and size of the audit of `program` under `policy`: seconds to a minute the first time.
    ///
    /// # Errors
    /// [`AuditError`] when the program cannot be audited.
    pub fn facts(&self, program: &Program, policy: Policy) -> Result<AuditFacts, AuditError> {
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
        let facts = circuits.facts();
        let seconds = start.elapsed().as_secs_f64();
        metrics::histogram!("janction_worker_audit_key_seconds").record(seconds);
        tracing::info!(program = %name.0, %policy, key = %facts.key, seconds, "audit key recompiled");
        self.remember(name, facts.clone());
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
            return Some(facts.clone());
        }
        // A file that is missing or damaged is made again.
        let bytes = fs::read(self.path(name)?).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let facts = kept.intact(name)?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, facts.clone());
        Some(facts)
    }

    fn remember(&self, name: (Digest, u32), facts: AuditFacts) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, facts.clone());
        let Some(path) = self.path(name) else { return };
        let bytes = serde_json::to_vec(&Kept::new(name, facts)).unwrap_or_default();
        if let Err(error) = write_file(&path, &bytes) {
            tracing::warn!(path = %path.display(), %error, "the audit key is not kept; it will be made again");
        }
    }

    fn path(&self, (program, policy): (Digest, u32)) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{program}-{policy}.json")))
    }
}

/// A kept key. A wrong one would make a developer post a job that nobody can settle, and a unit decline every good one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    facts: AuditFacts,
    /// BLAKE3 of program, policy and facts.
    checksum: String,
}

impl Kept {
    fn new(name: (Digest, u32), facts: AuditFacts) -> Self {
        let checksum = checksum(name, &facts);
        Self { facts, checksum }
    }

    fn intact(self, name: (Digest, u32)) -> Option<AuditFacts> {
        (self.checksum == checksum(name, &self.facts)).then_some(self.facts)
    }
}

fn checksum((program, policy): (Digest, u32), facts: &AuditFacts) -> String {
    let AuditFacts { key, pieces } = facts;
    let PieceFacts { piece_sizes, fold_pieces, piece_bits, operations } = pieces;
    let text = format!("{program} {policy} {key} {piece_sizes:?} {fold_pieces} {piece_bits} {operations}");
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What this executable is, 32 hexadecimal digits: a key that another build made may be another key.
#[must_use]
pub fn executable_id() -> String {
    let hash = || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs::File::open(std::env::current_exe()?)?)?;
        Ok::<_, std::io::Error>(hasher.finalize())
    };
    // An executable that cannot be read shares its keys with nobody.
    hash().map_or_else(|_| format!("process-{}", std::process::id()), |hash| hash.to_hex()[..32].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_key_that_was_changed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = || AuditKeys::on_disk(folder.path().to_owned()).unwrap();
        let name = (janction_program::test_utils::random_program(1).digest(), 1);
        let pieces = PieceFacts { piece_sizes: vec![8, 4], fold_pieces: 3, piece_bits: 12, operations: 2 };
        let facts = AuditFacts { key: Digest::ZERO, pieces };
        keys().remember(name, facts.clone());
        assert_eq!(keys().lookup(name), Some(facts));
        assert_eq!(keys().lookup((Digest::ZERO, 1)), None);
        let path = keys().path(name).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        for (place, digit) in good.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            let mut changed = good.clone();
            changed.replace_range(place..=place, if digit == '1' { "2" } else { "1" });
            fs::write(&path, changed).unwrap();
            assert_eq!(keys().lookup(name), None, "{place}");
        }
        // Nor does the file of one program pass for another's.
        fs::write(keys().path((Digest::ZERO, 1)).unwrap(), good).unwrap();
        assert_eq!(keys().lookup((Digest::ZERO, 1)), None);
    }
}
