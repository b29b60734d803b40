//! Why the store did not do it.

use std::io;

use super::{BlobId, Link};

/// Why a blob or link could not be read or written. Nothing that was stored before is lost.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such blob.
    #[error("blob {id} is not in the store: fetch it from whoever published it")]
    NotFound {
        /// Its name.
        id: BlobId,
    },
    /// The bytes are not those of the name.
    #[error("blob {id} is damaged in the store (its bytes hash to {got}): delete it and fetch it again")]
    Corrupt {
        /// Its name.
        id: BlobId,
        /// What is there.
        got: BlobId,
    },
    /// More bytes than the caller takes.
    #[error("blob {id} has {size} bytes, more than the {limit} that are accepted here")]
    TooLarge {
        /// Its name.
        id: BlobId,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A link leads elsewhere already.
    #[error("{link} leads to blob {is} already; links do not change")]
    Linked {
        /// The link.
        link: Link,
        /// Where it leads.
        is: BlobId,
    },
    /// A link's content is no blob name.
    #[error("{link} is damaged in the store: delete it and link again")]
    CorruptLink {
        /// The link.
        link: Link,
    },
    /// No space left.
    #[error("the blob store is full: free space or move it (nothing was stored, nothing was lost)")]
    Full(#[source] object_store::Error),
    /// The folder cannot be opened.
    #[error("the folder {path} cannot hold the blob store: create it and make it writable ({source})")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Anything else from the backend.
    #[error("the blob store's backend failed: {0}")]
    Backend(#[source] object_store::Error),
}

impl BlobError {
    /// A stable code for programs and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "blob-not-found",
            Self::Corrupt { .. } => "blob-corrupt",
            Self::TooLarge { .. } => "blob-too-large",
            Self::Linked { .. } => "blob-linked",
            Self::CorruptLink { .. } => "blob-link-corrupt",
            Self::Full(_) => "blob-store-full",
            Self::Folder { .. } => "blob-folder",
            Self::Backend(_) => "blob-backend",
        }
    }

    /// Sorts a backend's error: a full disk is told apart, wherever in the chain of causes it stands.
    pub(crate) fn backend(error: object_store::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(current) = cause {
            let kind = current.downcast_ref::<io::Error>().map(io::Error::kind);
            let full =
                [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
            if kind.is_some_and(|kind| full.contains(&kind)) {
                return Self::Full(error);
            }
            cause = current.source();
        }
        Self::Backend(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: Box::new(io::Error::from(kind)) }
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        assert_eq!(BlobError::backend(generic(io::ErrorKind::StorageFull)).code(), "blob-store-full");
        assert_eq!(BlobError::backend(generic(io::ErrorKind::QuotaExceeded)).code(), "blob-store-full");
        assert_eq!(BlobError::backend(generic(io::ErrorKind::FileTooLarge)).code(), "blob-store-full");
        assert_eq!(BlobError::backend(generic(io::ErrorKind::TimedOut)).code(), "blob-backend");
    }
}
