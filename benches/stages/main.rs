//! What each stage costs, natively and to prove: `cargo bench -p janction-benches -- [FILTER]`.
//!
//! A stage is called as in `docs/prover.md` and in the demonstration's report. What takes less than a second is measured by
//! criterion; a proof is timed a few times ([`Bench::timed`]). `docs/benchmarks.md` lists the stages and the settings.
//!
//! - [`transition`], [`stream`], [`trees`], [`signature`]: the ledger natively;
//! - [`execution`]: programs and their commitments;
//! - [`audit`], [`ledger`], [`range`]: proofs, from openings and steps to what L1 verifies.

mod audit;
mod bench;
mod digits;
mod execution;
mod ledger;
mod market;
mod proofs;
mod range;
mod signature;
mod stream;
mod table;
mod transition;
mod trees;

use bench::Bench;

fn main() -> anyhow::Result<()> {
    let mut bench = Bench::from_args()?;
    transition::run(&mut bench)?;
    stream::run(&mut bench)?;
    trees::run(&mut bench)?;
    signature::run(&mut bench)?;
    execution::run(&mut bench)?;
    ledger::counts(&mut bench);
    proofs::run(&mut bench)?;
    bench.finish()
}
