//! The ledger's proofs: chunks, leaves, joins, the root.

use janction_aggregate::config::{Builder, Proof, circuit_config};
use janction_aggregate::run::RunTargets;
use janction_gadgets::schnorr::verify_signature;
use janction_ledger::step::StepTargets;
use janction_ledger::{ChunkCircuit, STEPS_PER_CHUNK};
use janction_protocol::Address;
use janction_protocol::state::RunState;
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::Stage;
use janction_prover_bench::circuits::samples;

use crate::bench::{Bench, RUNS};
use crate::proofs::prover;

/// Steps of the chunks that are not the house's: they fill 2^12 and 2^13 rows.
const STEPS: [usize; 2] = [11, 24];
/// Chunks under one leaf.
const CHUNKS: usize = 3;

/// The stages of this file that need keys.
pub fn stages() -> [&'static str; 4] {
    [Stage::Chunks, Stage::Leaves, Stage::Joins, Stage::Root].map(Stage::name)
}

/// Rows of circuit, by counting.
pub fn counts(bench: &mut Bench) {
    if !bench.wants(&["rows"]) {
        return;
    }
    let steps = |count: usize| {
        let mut builder = Builder::new(circuit_config());
        let mut run = RunTargets::new(&mut builder);
        for _ in 0..count {
            run = StepTargets::build(&mut builder, &run).1;
        }
        builder.num_gates()
    };
    let signatures = |count: usize| {
        let mut builder = Builder::new(circuit_config());
        for _ in 0..count {
            let (key, message) = (builder.add_virtual_target_arr(), builder.add_virtual_target_arr());
            let enabled = builder.add_virtual_bool_target_safe();
            verify_signature(&mut builder, &key, &message, enabled);
        }
        builder.num_gates()
    };
    bench.count("rows of a ledger step, signature included", (steps(5) - steps(1)) / 4);
    // Operations of several signatures share rows.
    let rows = (signatures(20) - signatures(10)) as f64 / 10.0;
    bench.count("rows of a signature", format!("{rows:.1}"));
    bench.count("steps of a chunk", STEPS_PER_CHUNK);
}

/// Chunks of fewer steps than the house's, which need no keys: how a chunk's proof scales. Four steps under `--test`.
pub fn small_chunks(bench: &mut Bench) -> anyhow::Result<()> {
    let stage = Stage::Chunks.name();
    if !bench.wants(&[stage]) || !bench.proves() {
        return Ok(());
    }
    let sizes = if bench.is_smoke() { vec![4] } else { STEPS.to_vec() };
    for steps in sizes {
        let chunk = ChunkCircuit::build(steps);
        prove_chunks(bench, &chunk, 1)?;
    }
    Ok(())
}

/// Proves `count` chunks that follow upon each other; they are all of one circuit, and the first is measured. Returns the run
/// states at the ends.
fn prove_chunks(
    bench: &mut Bench,
    chunk: &ChunkCircuit,
    count: usize,
) -> anyhow::Result<([RunState; 2], Vec<Proof>)> {
    let capacity = chunk.capacity();
    // `Open` and `Close` are steps, too.
    let (first, steps) = samples::transfers((capacity * count - 2) as u32)?;
    let what = format!("{capacity} steps, 2^{} rows", chunk.data().common.degree_bits());
    let mut run = first;
    let mut proofs = Vec::new();
    for steps in steps.chunks(capacity) {
        let prove = || Ok(chunk.prove(&prover, &run, steps)?);
        let (proof, after) = if proofs.is_empty() {
            bench.timed(Stage::Chunks.name(), &what, (capacity as u64, "step"), RUNS, prove)?
        } else {
            prove()?
        };
        proofs.push(proof);
        run = after;
    }
    Ok(([first, run], proofs))
}

/// A leaf over three chunks, a join over it, the root; returns its proof.
pub fn run(bench: &mut Bench, circuits: &RangeCircuits) -> anyhow::Result<Proof> {
    let (ledger, root) = (&circuits.ledger, &circuits.root.root);
    let ([first, last], chunks) = prove_chunks(bench, &ledger.chunk, CHUNKS)?;
    let leaf = bench.timed(Stage::Leaves.name(), "up to 3 chunks", (3, "chunk"), RUNS, || {
        Ok(ledger.leaf.prove(&prover, &chunks)?)
    })?;
    let join = bench.timed(Stage::Joins.name(), "up to 3 nodes", (3, "node"), RUNS, || {
        Ok(ledger.join.prove(&prover, std::slice::from_ref(&leaf))?)
    })?;
    bench.timed(Stage::Root.name(), "both trees", (1, ""), RUNS, || {
        Ok(root.prove(&prover, &join, None, &first, &last, Address([0x77; 20]))?)
    })
}
