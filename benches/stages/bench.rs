//! Criterion, and beside it plain timing for what is too slow for ten samples.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::table;

/// Runs of a proof that is timed plainly, unless its stage says fewer; `BENCH_RUNS` overrides both.
pub const RUNS: usize = 3;

/// The median of a few runs.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The stage.
    pub stage: String,
    /// What of.
    pub what: String,
    /// Into how many units it divides, and what these are.
    pub units: (u64, &'static str),
    /// Seconds.
    pub seconds: f64,
    /// How often it was run.
    pub runs: usize,
}

/// A count: rows of circuit, bytes.
#[derive(Clone, Debug)]
pub struct Count {
    /// What is counted.
    pub what: String,
    /// How many.
    pub value: String,
}

/// All measurements of a run.
pub struct Bench {
    criterion: Criterion,
    /// The positional argument, of which criterion allows one and takes it as a pattern.
    filter: Option<String>,
    /// Everything once and nothing measured: `--test`, or `cargo test --benches`.
    smoke: bool,
    list: bool,
    runs: Option<usize>,
    start: SystemTime,
    timed: Vec<Timed>,
    counts: Vec<Count>,
}

impl Bench {
    /// Reads criterion's arguments. Flags with a value want the form `--flag=value`.
    pub fn from_args() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let runs = std::env::var("BENCH_RUNS").ok();
        let runs = runs.map(|n| n.parse().context("BENCH_RUNS is no number of runs")).transpose()?;
        let criterion = Criterion::default()
            .without_plots()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1))
            .configure_from_args();
        Ok(Self {
            criterion,
            filter: arguments.iter().find(|a| !a.starts_with('-')).cloned(),
            smoke: has("--test") || !has("--bench"),
            list: has("--list"),
            runs,
            start: SystemTime::now(),
            timed: Vec::new(),
            counts: Vec::new(),
        })
    }

    /// Whether everything is only to be run once, on small things.
    pub fn is_smoke(&self) -> bool {
        self.smoke
    }

    /// Whether one of these stages is asked for.
    pub fn wants(&self, stages: &[&str]) -> bool {
        let asked = |stage: &&str| self.filter.as_ref().is_none_or(|filter| stage.contains(filter.as_str()));
        stages.iter().any(asked)
    }

    /// A stage that criterion measures.
    pub fn group(&mut self, stage: &str) -> BenchmarkGroup<'_, WallTime> {
        self.criterion.benchmark_group(stage)
    }

    /// Runs `make` and returns what it makes; if the stage is asked for, a few times, and notes the median.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn timed<T>(
        &mut self,
        stage: &str,
        what: &str,
        units: (u64, &'static str),
        runs: usize,
        mut make: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if !self.wants(&[stage]) {
            return make();
        }
        let runs = if self.smoke { 1 } else { self.runs.unwrap_or(runs).max(1) };
        let mut seconds = Vec::with_capacity(runs);
        let made = loop {
            let start = Instant::now();
            let made = make()?;
            seconds.push(start.elapsed().as_secs_f64());
            if seconds.len() == runs {
                break made;
            }
        };
        seconds.sort_by(f64::total_cmp);
        let timed = Timed { stage: stage.into(), what: what.into(), units, seconds: seconds[runs / 2], runs };
        println!("{stage}/{what}  time: {} (median of {runs})", table::time(timed.seconds));
        self.timed.push(timed);
        Ok(made)
    }

    /// Notes a count.
    pub fn count(&mut self, what: impl Into<String>, value: impl ToString) {
        let count = Count { what: what.into(), value: value.to_string() };
        println!("{}: {}", count.what, count.value);
        self.counts.push(count);
    }

    /// Whether proofs are to be made: not when benches are only listed.
    pub fn proves(&self) -> bool {
        !self.list
    }

    /// Prints the table of everything that was measured, and puts it into the file that `BENCH_DOC` names.
    pub fn finish(self) -> anyhow::Result<()> {
        self.criterion.final_summary();
        if self.smoke || self.list {
            return Ok(());
        }
        let measured = table::measured(&criterion_folder(), self.start)?;
        let text = table::render(&measured, &self.timed, &self.counts);
        println!("\n{text}");
        if let Some(file) = std::env::var_os("BENCH_DOC") {
            anyhow::ensure!(self.filter.is_none(), "BENCH_DOC wants all stages: leave out the filter");
            table::write(&PathBuf::from(file), &text)?;
        }
        Ok(())
    }
}

/// Where criterion keeps its estimates.
fn criterion_folder() -> PathBuf {
    let home = std::env::var_os("CRITERION_HOME").map(PathBuf::from);
    let target = || std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let built = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("..");
    home.unwrap_or_else(|| target().unwrap_or_else(built).join("criterion"))
}
