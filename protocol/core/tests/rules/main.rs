//! The ledger's rules: one file per kind, and what holds for all of them.

mod batches;
mod harness;

mod deposit;
mod transfer;
mod withdraw;
