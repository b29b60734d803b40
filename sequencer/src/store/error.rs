//! What can go wrong with the database.

use std::path::{Path, PathBuf};

use janction_protocol::Deployment;
use janction_rpc::encoding::{DecodeError, EncodeError};

/// An error of the store. After [`StoreError::DiskFull`] or [`StoreError::Engine`] from a write, the store takes no more
/// writes: restart once the cause is gone. Nothing that was acknowledged is lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Written by a later version.
    #[error(
        "the database {path} has schema {found}, this version knows up to {supported}: run the version that wrote it, \
         or restore a backup made with this one"
    )]
    Newer {
        /// Where it is.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The latest schema that this version knows.
        supported: u32,
    },
    /// It belongs to another rollup.
    #[error(
        "the database {path} belongs to rollup {found} on chain {found_chain}, the configuration names {wanted} on \
         chain {wanted_chain}: use another data_dir for each deployment",
        found = found.rollup(), found_chain = found.chain_id(), wanted = wanted.rollup(),
        wanted_chain = wanted.chain_id()
    )]
    OtherDeployment {
        /// Where it is.
        path: PathBuf,
        /// Whose it is.
        found: Deployment,
        /// Whose it should be.
        wanted: Deployment,
    },
    /// Another process has it open.
    #[error("the database {path} is in use by another process: stop that one first")]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// No space, or over a quota or file-size limit.
    #[error(
        "no space left for the database: {why}. Nothing that was acknowledged is lost: free space and start again"
    )]
    DiskFull {
        /// The engine's words.
        why: String,
    },
    /// What is stored contradicts itself or its checksums.
    #[error("the database is damaged: {what}. Restore the last backup")]
    Corrupt {
        /// What is wrong.
        what: String,
    },
    /// A value cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Anything else that the engine says.
    #[error("the database engine: {0}")]
    Engine(String),
}

impl StoreError {
    /// The folder of the database cannot be made.
    pub(super) fn folder(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let why = format!("cannot create {}: {error}", path.display());
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::DiskFull { why },
            _ => Self::Engine(why),
        }
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::Corrupt { what: error.to_string() }
    }
}

impl From<rocksdb::Error> for StoreError {
    fn from(error: rocksdb::Error) -> Self {
        let why = error.to_string();
        let full = ["No space left", "File too large", "Disk quota exceeded", "Space limit reached"];
        if full.iter().any(|words| why.contains(words)) {
            Self::DiskFull { why }
        } else if error.kind() == rocksdb::ErrorKind::Corruption {
            Self::Corrupt { what: why }
        } else {
            Self::Engine(why)
        }
    }
}
