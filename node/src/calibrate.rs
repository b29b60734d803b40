//! `janction prover calibrate`: from an hour's cost and this machine's speed to what a job must pay.

use std::path::PathBuf;

use clap::Args;
use janction_prover_bench::circuits::{Name, samples};
use janction_prover_bench::measurement::TOTAL;
use janction_prover_bench::plan::Event;
use janction_prover_bench::{Phase, Plan};
use serde_json::json;

use crate::config::Config;
use crate::failure::Outcome;
use crate::job::proving::{LOG2_ROWS, ProvingTime};
use crate::job::terms::PolicyChoice;
use crate::output::{Output, columns};
use crate::program::load;
use crate::progress::Progress;

/// Warm proofs that the speed is the median of.
const ROUNDS: usize = 2;

/// What is priced.
#[derive(Debug, Args)]
pub struct Options {
    /// What an hour of this machine costs, in any currency
    #[arg(long, value_name = "X", value_parser = cost)]
    cost_per_hour: f64,
    /// The job binary that is priced [default: a network of 64, 32 and 10 columns]
    #[arg(long, value_name = "PROGRAM")]
    program: Option<PathBuf>,
    /// Rows of the job's input
    #[arg(long, value_name = "N", default_value_t = 360, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// How much is audited.
    #[command(flatten)]
    policy: PolicyChoice,
}

fn cost(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(cost) if cost.is_finite() && cost >= 0.0 => Ok(cost),
        _ => Err("a number that is not negative is needed".to_owned()),
    }
}

/// Measures this machine and prices a job.
///
/// # Errors
/// A job binary that cannot be read or audited; an engine that does not run.
pub fn calibrate(config: &Config, output: Output, options: &Options) -> Outcome {
    let program = match &options.program {
        Some(path) => load::program(path)?,
        None => samples::network(),
    };
    let policy = options.policy.policy;
    let bar = Progress::spinner(output, "making the audit key");
    let audit = load::audit(config, &program, policy)?;
    let plan = Plan {
        circuits: vec![Name::Synthetic(LOG2_ROWS)],
        rounds: ROUNDS,
        seconds: None,
        stock: None,
        gpus: config.prover.gpus.clone(),
    };
    let measurements = janction_prover_bench::plan::run_engine(&plan, &mut |event| match event {
        Event::Building(_) => bar.say("building a circuit".to_owned()),
        Event::Proving { round, of, .. } => bar.say(format!("proof {} of {of}", round + 1)),
        Event::Skipped { .. } => {}
    })?;
    drop(bar);
    // The CPU comes first; the last backend is the one that proves: a GPU where there is one.
    let mut totals = measurements.iter().filter(|m| m.phase == Phase::Warm && m.stage == TOTAL);
    let Some(cpu) = totals.next() else {
        unreachable!("a plan of one circuit and two rounds has a warm total")
    };
    let warm = totals.next_back().unwrap_or(cpu);
    let time = ProvingTime::measured(warm.seconds, cpu.seconds);
    let job = time.of_job(&audit, policy, options.rows);
    let price = |seconds: f64| seconds / 3600.0 * options.cost_per_hour;
    let value = json!({
        "device": warm.device,
        "threads": warm.threads,
        "proof": { "log2_rows": LOG2_ROWS, "seconds": warm.seconds, "price": price(warm.seconds) },
        "job": {
            "program": program.digest().to_string(),
            "policy": policy.to_string(),
            "rows": options.rows,
            "pieces": audit.pieces.count(policy, options.rows),
            "seconds": job,
            "price": price(job),
        },
        "range": { "seconds": time.end, "price": price(time.end) },
        "cost_per_hour": options.cost_per_hour,
    });
    output.print(&value, |_| {
        let line = |seconds: f64| format!("{seconds:.1} s, {:.6}", price(seconds));
        let name = program.name();
        columns(&[
            ("device", format!("{}, {} threads", warm.device, warm.threads)),
            ("a proof of 2^14 rows", line(warm.seconds)),
            ("the job's proofs", line(job)),
            ("", format!("{name}, {} rows, policy {policy}", options.rows)),
            ("a range's end", line(time.end)),
            (
                "",
                "root, last layer and wrap, however many jobs share them; in proportion, not measured"
                    .to_owned(),
            ),
            ("an hour", options.cost_per_hour.to_string()),
        ])
    });
    Ok(())
}

/// For the help of `prover`.
pub const EXAMPLES: &str = "Examples:
  janction prover calibrate --cost-per-hour 2.49
  janction prover calibrate --cost-per-hour 2.49 --program mlp.janction --policy rows:176 --rows 360 --json

Prices are in the currency of --cost-per-hour. Nothing is sent.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_numbers() {
        assert_eq!(cost("2.5"), Ok(2.5));
        for wrong in ["", "x", "-1", "NaN", "inf"] {
            assert!(cost(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_follow_the_measured_proof() {
        let two = ProvingTime::TWO_CORES;
        let half = ProvingTime::measured(two.chunk / 2.0, two.chunk);
        assert!((half.node - two.node / 2.0).abs() < 1e-9, "the prover's");
        assert!((half.end - two.end).abs() < 1e-9, "the CPU's");
    }
}
