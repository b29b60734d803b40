//! The sequencer: takes transactions, makes batches of them, and brings these to L1.
//!
//! - [`service`]: [`Sequencer::start`] and its configuration;
//! - [`api`]: the gRPC interface; [`refusal`]: why it says no; [`gate`]: the check of audit proofs;
//! - [`blobs`]: what jobs read and write;
//! - [`mempool`]: order and limits of what waits; [`batcher`]: the engine that admits, seals and takes back;
//! - [`l1`]: reading L1 and posting to it;
//! - [`store`]: the database; [`shared`]: what the tasks share.

pub mod api;
pub mod batcher;
pub mod blobs;
pub mod clock;
pub mod failpoint;
pub mod gate;
pub mod l1;
pub mod mempool;
pub mod refusal;
pub mod service;
pub mod shared;
pub mod store;

pub use service::{Config, Error, Handle, Sequencer};
