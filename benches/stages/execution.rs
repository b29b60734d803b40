//! Running a program on the CPU, and committing to what it computed.

use criterion::{BatchSize, BenchmarkId, Throughput};
use janction_executor::Executor;
use janction_executor::cpu::Cpu;
use janction_program::reference;
use janction_trace::Trace;

use crate::bench::Bench;
use crate::digits::{self, MODELS};

/// Images.
const SIZES: [usize; 4] = [1, 36, 360, 1437];

/// Runs the group: `execute` is what a worker does (all cores, commitments included), `reference` the definition (one core,
/// without commitments), `commit` the commitments alone (one core).
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.wants(&["execute", "reference", "commit"]) {
        return Ok(());
    }
    let cpu = Cpu::new();
    for model in MODELS {
        let program = digits::program(model)?;
        for count in SIZES {
            let input = digits::images(count)?;
            let tensors = reference::run(&program, &input)?;
            let mut one = |stage: &str, f: &mut dyn FnMut(&mut criterion::Bencher)| {
                let mut group = bench.group(stage);
                group.throughput(Throughput::Elements(count as u64));
                group.bench_function(BenchmarkId::new(model, count), f);
                group.finish();
            };
            one("execute", &mut |b| {
                b.iter_batched(|| input.clone(), |input| cpu.run(&program, input), BatchSize::LargeInput);
            });
            one("reference", &mut |b| b.iter(|| reference::run(&program, &input)));
            one("commit", &mut |b| {
                let setup = || (input.clone(), tensors.clone());
                b.iter_batched(setup, |(i, t)| Trace::commit(&program, i, t), BatchSize::LargeInput);
            });
        }
    }
    Ok(())
}
