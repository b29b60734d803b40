//! The ledger's rules: one file per kind, and what holds for all of them.

mod batches;
mod harness;
mod market;

mod deposit;
mod every_kind;
mod expire;
mod forfeit;
mod interleavings;
mod post_job;
mod record_beacon;
mod register;
mod reveal_bid;
mod seal_bid;
mod settle;
mod stake;
mod submit;
mod transfer;
mod unstake;
mod withdraw;
