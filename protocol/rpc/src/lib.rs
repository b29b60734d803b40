//! Protobuf messages and gRPC stubs of the house.
//!
//! - [`v1`]: the package `janction.v1`: services `Ledger` (users), `Blobs` (what jobs
//!   read and write) and `Proving` (provers), clients and servers.
//! - [`FILE_DESCRIPTOR_SET`]: for the reflection service.
//! - [`encoding`]: how values of `janction-protocol` are written in `bytes` fields.
//! - [`status`]: how a refusal travels: a gRPC status with a stable code word.

pub mod encoding;
pub mod status;

/// The package `janction.v1`; its documentation stands in the `.proto` files.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    tonic::include_proto!("janction.v1");
}

/// The encoded `FileDescriptorSet` of [`v1`].
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janction.v1.bin"));

/// Largest message of a server or client, in bytes: far above a witness part, below what would hurt.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;
