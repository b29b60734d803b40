//! The worker: bids for jobs, runs them, opens what is audited.
//!
//! [`run`] is the process of one or more worker *units* that share a machine. A unit is an account of the ledger with a
//! stake; it holds at most one job at a time. `docs/worker.md` is for operators.
//!
//! - `decide`: which jobs are worth a bid, and at what price ([`BidPolicy`], [`Decline`]).
//! - `record`: what survives a crash.
//! - `unit`: what is next, by the ledger and the record.

mod audit_keys;
mod board;
mod client;
pub mod config;
mod decide;
mod decline;
mod error;
mod execute;
mod failpoint;
mod falsify;
mod files;
pub mod hardware;
mod openings;
mod prepare;
mod record;
mod run;
mod unit;

#[cfg(test)]
mod tests;

pub use audit_keys::{AuditKeys, executable_id};
pub use client::ClientError;
pub use config::{BidPolicy, DeviceChoice, Falsify, WorkerConfig};
pub use decide::multiply_adds;
pub use decline::Decline;
pub use error::WorkerError;
pub use run::{Machine, WARNING, run, run_on};
