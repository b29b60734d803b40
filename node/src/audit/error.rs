//! Why an audit could not go on.

use std::borrow::Cow;
use std::path::PathBuf;

use janction_blobs::BlobError;
use thiserror::Error;

use crate::failure::Advice;

/// Why an audit could not go on. What it finds wrong is in its report instead.
#[derive(Debug, Error)]
pub enum AuditFailure {
    /// The folder of blobs is not there.
    #[error("{} is no folder of blobs", folder.display())]
    NoBlobs {
        /// Which.
        folder: PathBuf,
    },
    /// A blob cannot be read.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// A task of the auditor panicked.
    #[error("the auditor stopped: {reason}")]
    Panicked {
        /// The panic's words.
        reason: String,
    },
}

impl Advice for AuditFailure {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            AuditFailure::NoBlobs { .. } => "audit.no_blobs",
            AuditFailure::Blobs(_) => "audit.blobs",
            AuditFailure::Panicked { .. } => "audit.stopped",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        let remedy = match self {
            AuditFailure::NoBlobs { .. } => {
                "name the folder that holds `blobs` and `links`, for example a sequencer's data_dir/blobs"
            }
            AuditFailure::Blobs(_) => "get the blobs again from their source",
            AuditFailure::Panicked { .. } => "report this with the log",
        };
        remedy.into()
    }
}
