//! From the root to what L1 verifies. One run each: these are the slowest stages.

use std::path::Path;

use janction_aggregate::config::Proof;
use janction_prover::progress::Stage;
use janction_prover::{EngineKind, Engines, Keys};

use crate::bench::Bench;

/// Runs the group.
pub fn run(bench: &mut Bench, keys: &Keys, root: &Proof) -> anyhow::Result<()> {
    let engines = Engines::new(EngineKind::Cpu, &[], Path::new("kernels"))?;
    let last = bench.timed(Stage::LastLayer.name(), "shrink and last layer", (1, ""), 1, || {
        Ok(keys.wrap.layers().prove(&engines, root)?)
    })?;
    if !bench.wants(&[Stage::Wrap.name()]) {
        return Ok(());
    }
    let proof = bench.timed(Stage::Wrap.name(), "halo2", (1, ""), 1, || Ok(keys.wrap.wrap(&last)?))?;
    bench.count("bytes of the proof on L1", proof.proof.len());
    let mut group = bench.group("verify");
    group.bench_function("wrap, natively", |b| b.iter(|| keys.wrap.verify(&proof)));
    group.finish();
    Ok(())
}
