//! Public data: a batch's bytes, its digest and its fingerprint.

use anyhow::Context;
use criterion::{BenchmarkId, Throughput};
use janction_protocol::binding::{fingerprint, stream_digest};
use janction_protocol::stream::{BLOCK_BYTES, Block, decode, encode};
use janction_prover_bench::circuits::samples;

use crate::bench::Bench;

/// Transfers in the batch.
const SIZES: [u32; 3] = [10, 100, 1000];

/// Runs the group.
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants(&["stream"]) {
        return Ok(());
    }
    let deployment = samples::deployment()?;
    let mut group = bench.group("stream");
    for count in SIZES {
        let closed = samples::batch(&mut samples::crowd(count)?, &samples::signed_transfers(count)?)?;
        let bytes = closed.stream();
        let batch = decode(&bytes)?;
        let (chunks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        rest.is_empty().then_some(()).context("a stream is whole blocks")?;
        let blocks: Vec<Block> = chunks.iter().map(Block::from_bytes).collect();
        let r = closed.challenge(&deployment);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::new("encode", count), |b| b.iter(|| encode(&batch)));
        group.bench_function(BenchmarkId::new("decode", count), |b| b.iter(|| decode(&bytes)));
        group.bench_function(BenchmarkId::new("digest", count), |b| b.iter(|| stream_digest(&blocks)));
        group.bench_function(BenchmarkId::new("challenge", count), |b| {
            b.iter(|| closed.challenge(&deployment))
        });
        group.bench_function(BenchmarkId::new("fingerprint", count), |b| b.iter(|| fingerprint(&blocks, r)));
    }
    group.finish();
    Ok(())
}
