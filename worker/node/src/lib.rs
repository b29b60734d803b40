//! The worker: bids for jobs, runs them, opens what is audited.
//!
//! One process serves one or more worker *units* that share a machine. A unit is an account of the ledger with a
//! stake; it holds at most one job at a time.

pub mod config;

pub use config::{BidPolicy, DeviceChoice, Falsify, WorkerConfig};
