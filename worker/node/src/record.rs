//! What a unit must not forget: one small file for each job it has bid on.
//!
//! A record is written, synced and renamed before anything that it describes is sent. So after a crash at any point the
//! unit knows its price and salt, and sends the very bytes again that it may have sent before.
//!
//! ```text
//! units/<unit>/jobs/<job>.json    the job in hand (at most one)
//! units/<unit>/ended/<job>.json   jobs that ended, with what they ended in
//! units/<unit>/traces/<job>       the trace of the job in hand
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use janction_protocol::state::Index;
use janction_protocol::transaction::{SealBid, SignedTransaction, Transaction, seal};
use janction_protocol::{Amount, Deployment, Digest};
use serde::{Deserialize, Serialize};

use crate::WorkerError;
use crate::failpoint::Failpoint;

/// Version of the records' form.
const VERSION: u32 = 1;

/// A job that this unit has bid on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRecord {
    version: u32,
    /// Which ledger.
    pub deployment: Deployment,
    /// The unit.
    pub unit: Index,
    /// The job.
    pub job: Index,
    /// What was bid; none when the record was lost and the bid had been revealed already.
    pub bid: Option<Bid>,
    /// The signed transactions, as they were or will be sent.
    pub seal: Option<Signed>,
    /// See [`Self::seal`].
    pub reveal: Option<Signed>,
    /// See [`Self::seal`].
    pub submit: Option<Signed>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// A price and the salt that hides it: 28 random bytes as 7-byte limbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bid {
    pub price: Amount,
    pub salt: [u64; 4],
}

/// A signed transaction's bytes, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Signed {
    bytes: Vec<u8>,
    transaction: SignedTransaction,
}

/// How a job ended for this unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Outcome {
    /// The seal never was in a batch; nothing is lost.
    NotBid { code: String, reason: String },
    /// Another unit won; the stake is free.
    Lost { winner: Index },
    /// The reveal missed its window: the bond is burned.
    Forfeited { bond: Amount },
    /// Proven and paid.
    Settled { price: Amount },
    /// The stake is slashed.
    Slashed { code: String, reason: String, stake: Amount },
    /// Expired without anyone's fault: the stake is free.
    Released { reason: String },
}

impl JobRecord {
    pub fn new(deployment: Deployment, unit: Index, job: Index, bid: Option<Bid>) -> Self {
        let (seal, reveal, submit, outcome) = (None, None, None, None);
        Self { version: VERSION, deployment, unit, job, bid, seal, reveal, submit, outcome }
    }

    /// The commitment to the bid.
    pub fn sealed(&self) -> Option<Digest> {
        self.bid.map(|bid| seal(self.unit, self.job, bid.price, bid.salt))
    }

    /// What is wrong with it, if anything: damage that JSON does not show.
    fn fault(&self, unit: Index, deployment: &Deployment) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("it has version {}, this worker reads version {VERSION}", self.version));
        }
        if self.unit != unit {
            return Some(format!("it is of unit {}", self.unit));
        }
        if self.deployment != *deployment {
            let (chain, rollup) = (self.deployment.chain_id(), self.deployment.rollup());
            return Some(format!("it is of the ledger {rollup} on chain {chain}"));
        }
        let sealed = self.seal.as_ref().map(|signed| &signed.transaction().transaction);
        match (sealed, self.sealed()) {
            (None, _) => None,
            (Some(Transaction::SealBid(SealBid { unit, job, seal, .. })), Some(expected))
                if (*unit, *job, *seal) == (self.unit, self.job, expected) =>
            {
                None
            }
            _ => Some("its price and salt do not open its seal".into()),
        }
    }
}

impl Signed {
    pub fn new(transaction: SignedTransaction) -> Result<Self, WorkerError> {
        Ok(Self { bytes: transaction.encode()?, transaction })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn transaction(&self) -> &SignedTransaction {
        &self.transaction
    }
}

impl TryFrom<String> for Signed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = hex::decode(text).map_err(|e| e.to_string())?;
        let transaction = SignedTransaction::decode(&bytes).map_err(|e| e.to_string())?;
        Ok(Self { bytes, transaction })
    }
}

impl From<Signed> for String {
    fn from(signed: Signed) -> Self {
        hex::encode(signed.bytes)
    }
}

/// A unit's folder.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    unit: Index,
    failpoint: Failpoint,
}

impl Records {
    pub fn open(data: &Path, unit: Index, failpoint: Failpoint) -> Result<Self, WorkerError> {
        let folder = data.join("units").join(unit.to_string());
        for part in ["jobs", "ended", "traces"] {
            make_folder(&folder.join(part))?;
        }
        Ok(Self { folder, unit, failpoint })
    }

    fn open_path(&self, job: Index) -> PathBuf {
        self.folder.join("jobs").join(format!("{job}.json"))
    }

    fn ended_path(&self, job: Index) -> PathBuf {
        self.folder.join("ended").join(format!("{job}.json"))
    }

    /// Where the trace of a job is kept.
    pub fn trace_path(&self, job: Index) -> PathBuf {
        self.folder.join("traces").join(job.to_string())
    }

    /// The job in hand.
    pub fn current(&self, deployment: &Deployment) -> Result<Option<JobRecord>, WorkerError> {
        let folder = self.folder.join("jobs");
        let entries = fs::read_dir(&folder).map_err(WorkerError::io("read", &folder))?;
        let mut found = None;
        for entry in entries {
            let path = entry.map_err(WorkerError::io("read", &folder))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let record = self.read(&path, deployment)?;
            if self.ended_path(record.job).exists() {
                // It ended; only the removal was cut off.
                self.remove(&path)?;
            } else if let Some(JobRecord { job, .. }) = found.replace(record) {
                let reason = format!("there is one of job {job} too, and a unit holds one job at a time");
                return Err(WorkerError::Record { path, reason });
            }
        }
        Ok(found)
    }

    /// The record of a job that ended.
    pub fn ended(&self, job: Index, deployment: &Deployment) -> Result<Option<JobRecord>, WorkerError> {
        let path = self.ended_path(job);
        if path.exists() { self.read(&path, deployment).map(Some) } else { Ok(None) }
    }

    fn read(&self, path: &Path, deployment: &Deployment) -> Result<JobRecord, WorkerError> {
        let bytes = fs::read(path).map_err(WorkerError::io("read", path))?;
        let wrong = |reason: String| WorkerError::Record { path: path.to_owned(), reason };
        let record: JobRecord = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        record.fault(self.unit, deployment).map_or(Ok(record), |reason| Err(wrong(reason)))
    }

    /// Keeps a record: afterwards it is on disk, whatever happens.
    pub fn keep(&self, record: &JobRecord) -> Result<(), WorkerError> {
        self.write(&self.open_path(record.job), &json(record))
    }

    /// Keeps a job's trace.
    pub fn keep_trace(&self, job: Index, bytes: &[u8]) -> Result<(), WorkerError> {
        self.write(&self.trace_path(job), bytes)
    }

    /// Files a record that has its outcome.
    pub fn end(&self, record: &JobRecord) -> Result<(), WorkerError> {
        self.write(&self.ended_path(record.job), &json(record))?;
        self.remove(&self.open_path(record.job))?;
        self.remove(&self.trace_path(record.job))
    }

    /// Takes a job that ended in hand again: the ledger went back to before its end.
    pub fn reopen(&self, record: &JobRecord) -> Result<(), WorkerError> {
        self.keep(record)?;
        self.remove(&self.ended_path(record.job))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), WorkerError> {
        self.failpoint.hit()?;
        write_file(path, bytes).map_err(WorkerError::io("write", path))?;
        self.failpoint.hit()
    }

    fn remove(&self, path: &Path) -> Result<(), WorkerError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(WorkerError::io("remove", path)(error))
            }
            _ => self.failpoint.hit(),
        }
    }
}

fn json(record: &JobRecord) -> Vec<u8> {
    serde_json::to_vec_pretty(record).expect("numbers and texts are JSON")
}

/// Makes a folder that only its owner may look into.
pub(crate) fn make_folder(path: &Path) -> Result<(), WorkerError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(WorkerError::io("create", path))
}

/// Writes a file of which a reader sees all or nothing, and which survives a power cut.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let partial = path.with_extension("part");
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        // What is left of the attempt only takes space; the error that matters is the first.
        let _ = fs::remove_file(&partial);
    })
}
