//! Running a job: the executor, the test instrument, and the trace on disk.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use janction_executor::{Device, Executor};
use janction_protocol::Digest;
use janction_protocol::state::Index;
use janction_trace::Trace;

use crate::falsify::falsify;
use crate::files::JobFiles;
use crate::record::Records;
use crate::{Falsify, WorkerConfig, WorkerError};

/// Runs jobs and keeps their traces.
#[derive(Clone)]
pub(crate) struct Runner {
    pub executor: Arc<dyn Executor>,
    pub falsify: Option<Falsify>,
}

/// Most bytes of a GPU that are left to the driver: the context, kernels, and what cuBLASLt loads take some hundred MiB, which no
/// budget counts.
const MOST_RESERVE: u64 = 1 << 30;
/// The part of a smaller GPU's memory that is left instead.
const RESERVE_SHARE: u64 = 10;

/// Bytes of a GPU of `memory` bytes that units may take together.
pub(crate) fn usable(memory: u64) -> u64 {
    memory - (memory / RESERVE_SHARE).min(MOST_RESERVE)
}

/// For each unit the executor on its share of the device's memory; none on a CPU, where it needs no share.
///
/// # Errors
/// [`WorkerError::Vram`] when the shares are more than there is, or what the device says.
pub(crate) fn shares(
    executor: &dyn Executor,
    config: &WorkerConfig,
) -> Result<HashMap<Index, Arc<dyn Executor>>, WorkerError> {
    let (Device::Cuda { memory, .. }, count) = (executor.device(), config.units.len()) else {
        return Ok(HashMap::new());
    };
    let usable = usable(memory);
    let bytes = match config.vram_mib {
        None => usable / count.max(1) as u64,
        Some(mib) => mib.saturating_mul(1 << 20),
    };
    if bytes.saturating_mul(count as u64) > usable {
        return Err(WorkerError::Vram { units: count, vram_mib: bytes >> 20, memory_mib: usable >> 20 });
    }
    let share = |&index: &Index| Ok(executor.share(bytes)?.map(|share| (index, share)));
    config.units.iter().filter_map(|index| share(index).transpose()).collect()
}

impl Runner {
    /// The trace of a job that has the submitted root `root`, or, where nothing is submitted yet, any root: the one that
    /// was kept, or else a new one. Programs give the same bits on every device and at every time, so a trace that was
    /// lost is made again.
    ///
    /// Blocks for as long as the job takes.
    pub fn trace(
        &self,
        records: &Records,
        job: Index,
        files: &JobFiles,
        root: Option<Digest>,
    ) -> Result<Trace, WorkerError> {
        let wanted = |trace: &Trace| root.is_none_or(|root| trace.trace_root() == root);
        if let Ok(bytes) = fs::read(records.trace_path(job)) {
            match Trace::from_bytes(&files.program, files.input.clone(), &bytes) {
                Ok(trace) if wanted(&trace) => return Ok(trace),
                Ok(_) => tracing::warn!(job, "the kept trace is another one: running the job again"),
                Err(error) => tracing::warn!(job, %error, "the kept trace is damaged: running the job again"),
            }
        }
        let trace = self.run(job, files)?;
        if !wanted(&trace) {
            let reason = "running it again gives another trace than was submitted".into();
            return Err(WorkerError::Content { job, what: "trace", reason });
        }
        records.keep_trace(job, &trace.to_bytes())?;
        Ok(trace)
    }

    fn run(&self, job: Index, files: &JobFiles) -> Result<Trace, WorkerError> {
        let JobFiles { program, input } = files;
        let start = Instant::now();
        let (rows, device) = (input.rows(), self.executor.device());
        tracing::info!(job, rows, %device, program = program.name(), "running");
        let trace = self.executor.run(program, input.clone())?;
        let seconds = start.elapsed().as_secs_f64();
        metrics::histogram!("janction_worker_run_seconds").record(seconds);
        tracing::info!(job, rows, seconds, output = %trace.output_root(), "run and committed to");
        match &self.falsify {
            Some(what) => falsify(program, trace, what),
            None => Ok(trace),
        }
    }
}

#[cfg(test)]
mod tests {
    use janction_executor::ExecutorError;
    use janction_executor::cpu::Cpu;
    use janction_program::{Program, Tensor};

    use super::*;

    /// A GPU of so many bytes.
    struct Gpu(u64);

    impl Executor for Gpu {
        fn device(&self) -> Device {
            Device::Cuda { ordinal: 0, name: "GPU".into(), memory: self.0, capability: (9, 0) }
        }

        fn execute(&self, _: &Program, _: &Tensor) -> Result<Vec<Tensor>, ExecutorError> {
            unreachable!("nothing is run")
        }

        fn commit(&self, _: &Program, _: Tensor, _: Vec<Tensor>) -> Result<Trace, ExecutorError> {
            unreachable!("nothing is run")
        }

        fn share(&self, bytes: u64) -> Result<Option<Arc<dyn Executor>>, ExecutorError> {
            Ok(Some(Arc::new(Self(bytes))))
        }
    }

    #[test]
    fn units_of_a_gpu_have_shares_of_its_memory() {
        let config = |units: &[Index], vram_mib| WorkerConfig {
            units: units.to_vec(),
            vram_mib,
            ..WorkerConfig::default()
        };
        let of = |executor: &dyn Executor, units: &[Index], vram_mib| {
            let shares = shares(executor, &config(units, vram_mib)).unwrap();
            let mut all: Vec<(Index, u64)> = shares
                .into_iter()
                .map(|(unit, share)| match share.device() {
                    Device::Cuda { memory, .. } => (unit, memory >> 20),
                    Device::Cpu { .. } => (unit, 0),
                })
                .collect();
            all.sort_unstable();
            all
        };
        let gpu = Gpu(100 << 20);
        assert_eq!(of(&gpu, &[4], None), [(4, 90)], "a tenth is left to the driver");
        assert_eq!(of(&Gpu(80 << 30), &[4, 5], None), [(4, 79 << 9), (5, 79 << 9)], "or 1 GiB");
        assert_eq!(of(&gpu, &[4], Some(20)), [(4, 20)]);
        assert_eq!(of(&gpu, &[4, 5, 7], None), [(4, 30), (5, 30), (7, 30)]);
        assert_eq!(of(&gpu, &[4, 5], Some(45)), [(4, 45), (5, 45)]);
        assert_eq!(of(&Cpu::new(), &[4, 5], Some(45)), []);
        match shares(&gpu, &config(&[4, 5], Some(46))).err() {
            Some(WorkerError::Vram { units: 2, vram_mib: 46, memory_mib: 90 }) => {}
            other => panic!("{other:?}"),
        }
    }
}
