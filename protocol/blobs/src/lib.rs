//! Content-addressed blob store: job binaries, inputs, outputs and openings.
//!
//! A *blob* is named by the BLAKE3 hash of its bytes, and reading one checks it. A *link* leads from a name of the
//! protocol (a program digest, an input or output root) to a blob. The store cannot check a link, since the
//! protocol's digests are computed from the decoded content; whoever links must have, and whoever follows a link to
//! foreign content must check it again.
//!
//! Behind it stands `object_store`: a local folder ([`BlobStore::local`]), or any other backend of that crate
//! ([`BlobStore::over`]). Writes are atomic: a reader never sees half a blob, and a killed writer leaves none.

mod error;
mod id;
mod link;
mod store;

pub use error::BlobError;
pub use id::{BlobId, ParseBlobIdError};
pub use link::{Class, Link, ParseLinkError};
pub use store::{BlobStore, Contents};
