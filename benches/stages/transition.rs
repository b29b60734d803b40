//! The ledger natively: a step of each kind as a prover replays it, and transactions as a sequencer takes them.

use criterion::{BatchSize, BenchmarkId, Throughput};
use janction_protocol::ledger::Preview;
use janction_protocol::transition::replay;
use janction_prover_bench::circuits::samples;

use crate::bench::Bench;
use crate::market;

/// Transactions of a batch.
const SIZES: [u32; 4] = [1, 10, 100, 1000];
/// Wallets on the ledger.
const WALLETS: u32 = 1000;

/// Runs the group.
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["transition"]) {
        kinds(bench)?;
    }
    if bench.wants(&["admission", "batch"]) {
        batches(bench)?;
    }
    Ok(())
}

/// `replay` of one step: openings of three slots, signature, rule, run state.
fn kinds(bench: &mut Bench) -> anyhow::Result<()> {
    let scenes = market::scenes()?;
    let mut group = bench.group("transition");
    for (kind, scene) in &scenes {
        group.bench_function(format!("{kind:?}"), |b| b.iter(|| replay(&scene.before, &scene.step)));
    }
    group.finish();
    Ok(())
}

/// Signed transfers into a mempool's look ahead, and into a batch that is closed.
fn batches(bench: &mut Bench) -> anyhow::Result<()> {
    let ledger = samples::crowd(WALLETS)?;
    let transfers = samples::signed_transfers(WALLETS)?;
    let mut group = bench.group("admission");
    for count in SIZES {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_with_input(BenchmarkId::new("Transfer", count), &count, |b, &count| {
            b.iter(|| {
                let mut preview = Preview::new(&ledger, 0);
                transfers[..count as usize].iter().try_for_each(|t| preview.push(&ledger, t).map(drop))
            });
        });
    }
    group.finish();
    let mut group = bench.group("batch");
    for count in SIZES {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_with_input(BenchmarkId::new("Transfer", count), &count, |b, &count| {
            let transfers = &transfers[..count as usize];
            b.iter_batched_ref(
                || ledger.clone(),
                |ledger| samples::batch(ledger, transfers),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    Ok(())
}
