//! Measures the proving engines beside stock Plonky2, in the same run and in turns.
//!
//! ```text
//! Plan ─> for each circuit: build ─> rounds of (stock, engine, engine, ...) ─> Measurements ─> table, JSON, plot
//! ```
//!
//! Every proof counts from the inputs: witness generation is part of it on both sides. The first round of a circuit is its
//! *cold* one and is kept apart; ratios are of medians of the others. Stock is Plonky2's own prover. Its SIMD is chosen when
//! it is compiled, so that a fair comparison wants it compiled for the machine it runs on: that is [`stock`]'s second
//! process, the program `janction-stock`.
//!
//! - [`circuits`]: what is proven;
//! - [`plan`]: what is measured, and when it stops;
//! - [`stock`]: the baseline;
//! - [`measurement`]: what comes out; [`plot`] draws it.

pub mod circuits;
mod clock;
mod error;
pub mod measurement;
pub mod plan;
pub mod plot;
pub mod stock;

pub use error::BenchError;
pub use janction_engine::Stage;
pub use measurement::{Measurement, Phase};
pub use plan::{Plan, run};
