//! State: the trees in memory, and the leaves in RocksDB from which a sequencer rebuilds them when it starts.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Throughput};
use janction_protocol::Amount;
use janction_protocol::state::{Account, Index, Leaf};
use janction_protocol::tree::Tree;
use janction_prover_bench::circuits::samples;
use janction_sequencer::store::Store;
use janction_sequencer::store::column::Accounts;

use crate::bench::Bench;

/// Accounts in the tree.
const SIZES: [u32; 3] = [100, 1000, 10_000];

/// Runs the group.
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["trees"]) {
        memory(bench)?;
    }
    if bench.wants(&["store"]) {
        disk(bench)?;
    }
    Ok(())
}

fn memory(bench: &mut Bench) -> anyhow::Result<()> {
    let mut group = bench.group("trees");
    for count in SIZES {
        let leaves = samples::crowd(count)?.snapshot().accounts;
        let mut tree = Tree::from_leaves(leaves.clone())?;
        let changed = Account { balance: Amount::ZERO, ..leaves[1] };
        let opening = tree.open(1)?;
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("set", count), |b| {
            let mut index: Index = 0;
            b.iter(|| {
                index = index % count + 1;
                tree.set(index, changed)
            });
        });
        group.bench_function(BenchmarkId::new("open", count), |b| b.iter(|| tree.open(black_box(count / 2))));
        group.bench_function(BenchmarkId::new("verify", count), |b| {
            b.iter(|| opening.root::<Account>(black_box(&leaves[1]).hash()));
        });
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::new("rebuild", count), |b| {
            b.iter_batched(|| leaves.clone(), Tree::from_leaves, BatchSize::LargeInput);
        });
    }
    group.finish();
    Ok(())
}

/// One synced write of so many leaves; reading all of them back.
fn disk(bench: &mut Bench) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let store = Store::open(folder.path(), samples::deployment()?)?;
    let mut group = bench.group("store");
    for count in SIZES {
        let leaves = samples::crowd(count)?.snapshot().accounts;
        let write = || {
            let mut progress = store.begin();
            (0..).zip(&leaves).try_for_each(|(index, leaf)| progress.put::<Accounts>(&index, leaf))?;
            progress.commit()
        };
        write()?;
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::new("write", count), |b| b.iter(write));
        group.bench_function(BenchmarkId::new("read", count), |b| {
            b.iter(|| store.all::<Accounts>().map(|entries| entries.filter(Result::is_ok).count()));
        });
    }
    group.finish();
    Ok(())
}
