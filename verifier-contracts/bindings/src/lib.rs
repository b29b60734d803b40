//! Rust bindings of the contracts: the one crate that speaks to L1.
//!
//! - [`L1`] is the typed client: [`client`] reads, [`sender`] writes, one step at a time.
//! - [`history`] tells what happened: batches, proofs, rewards, settled jobs.
//! - [`code`] compares deployed code with this source.
//! - [`queue`] follows the rolling hashes that a commit must name.
//! - [`event_tree`] makes the paths that claims need.
//! - [`abi`] holds what `sol!` makes of the checked-in artifacts (`npm run artifacts` extracts them from forge's output).

pub mod abi;
pub mod client;
pub mod code;
pub mod error;
pub mod event_tree;
pub mod history;
pub mod queue;
pub mod sender;

pub use abi::BatchInfo;
pub use client::{L1, L1Block, Located, Parameters, State};
pub use error::L1Error;
pub use history::{CommittedBatch, ProvenRange, Reward, SettledJob};
pub use sender::{Call, Fees, Receipt, SignedCall};
