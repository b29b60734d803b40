//! `janction bench detection`.

use clap::Args;
use janction_trace::Policy;
use janction_trace::simulation::Simulation;
use janction_trace::soundness::{DEFAULT_BEACONS, Stakes, detection_probability, miss_probability};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::output::{Output, table};
use crate::progress::Progress;

/// Fractions of false rows that are tried.
const FRACTIONS: [f64; 6] = [0.5, 0.2, 0.1, 0.05, 0.01, 0.001];
/// Where the trials' numbers come from.
const SEED: u64 = 0x6a61_6e63_7469_6f6e;
/// Trials between two steps of the progress bar.
const AT_ONCE: u64 = 1000;

/// What is tried.
#[derive(Debug, Args)]
pub struct Options {
    /// Rows of the job
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    rows: u32,
    /// Draws of each operation: S of rows:S
    #[arg(long, value_name = "S", default_value_t = 44, value_parser = clap::value_parser!(u32).range(1..=i64::from(Policy::MAX_ROWS)))]
    draws: u32,
    /// Beacons that the cheat may choose from
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    beacons: u32,
    /// Times that each fraction is tried
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    trials: u64,
    /// R: what the job pays
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = amount)]
    price: f64,
    /// C: what it costs to run honestly
    #[arg(long, value_name = "C", default_value_t = 1.0, value_parser = amount)]
    cost: f64,
    /// G: what a false result is worth besides, if it is not found
    #[arg(long, value_name = "G", default_value_t = 10.0, value_parser = amount)]
    gain: f64,
}

fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(amount),
        _ => Err("a number that is not negative is needed".to_owned()),
    }
}

/// One fraction.
struct Tried {
    false_rows: u32,
    fraction: f64,
    slipped: u64,
    /// By the bound, with the beacons that were tried.
    bound: f64,
    /// With those that soundness grants.
    detection: f64,
    /// `None` where no stake helps.
    stake: Option<f64>,
}

/// Tries and prints.
///
/// # Errors
/// None.
pub fn run(options: &Options, output: Output) -> Outcome {
    let stakes = Stakes { price: options.price, cost: options.cost, gain: options.gain };
    // Fractions of too few rows come to the same number of them.
    let mut counts: Vec<u32> =
        FRACTIONS.iter().map(|f| ((f * f64::from(options.rows)).round() as u32).max(1)).collect();
    counts.dedup();
    let steps = counts.len() as u64 * options.trials.div_ceil(AT_ONCE);
    let bar = Progress::steps(output, "cheating", steps);
    let tried: Vec<Tried> = counts.into_iter().map(|count| one(options, &stakes, count, &bar)).collect();
    drop(bar);
    output.print(&describe(options, &tried), |_| in_words(options, &tried));
    Ok(())
}

fn one(options: &Options, stakes: &Stakes, false_rows: u32, bar: &Progress) -> Tried {
    let &Options { rows, draws, beacons, trials, .. } = options;
    let simulation = Simulation {
        rows: rows as usize,
        false_rows: false_rows as usize,
        draws: draws as usize,
        beacons: beacons as usize,
    };
    let fraction = simulation.fraction();
    let slipped = (0..trials.div_ceil(AT_ONCE))
        .map(|group| {
            let group = group * AT_ONCE..trials.min((group + 1) * AT_ONCE);
            let slipped =
                group.into_par_iter().filter(|&trial| simulation.slips_through(SEED, trial)).count();
            bar.advance(1);
            slipped as u64
        })
        .sum();
    let detection = detection_probability(fraction, draws, DEFAULT_BEACONS);
    Tried {
        false_rows,
        fraction,
        slipped,
        bound: miss_probability(fraction, draws, f64::from(beacons)),
        detection,
        stake: stakes.honest_stake(fraction, detection),
    }
}

fn describe(options: &Options, tried: &[Tried]) -> Value {
    let measurements: Vec<Value> = tried
        .iter()
        .map(|t| {
            json!({
                "false_rows": t.false_rows,
                "fraction": t.fraction,
                "missed": t.slipped as f64 / options.trials as f64,
                "bound": t.bound,
                "detection": t.detection,
                "honest_stake": t.stake,
            })
        })
        .collect();
    json!({
        "rows": options.rows,
        "draws": options.draws,
        "beacons": options.beacons,
        "trials": options.trials,
        "price": options.price,
        "cost": options.cost,
        "gain": options.gain,
        "beacons_granted": DEFAULT_BEACONS,
        "measurements": measurements,
    })
}

fn in_words(options: &Options, tried: &[Tried]) -> String {
    let rows = tried.iter().map(|t| {
        vec![
            format!("{} of {} ({:.2} %)", t.false_rows, options.rows, 100.0 * t.fraction),
            format!("{:.5}", t.slipped as f64 / options.trials as f64),
            format!("{:.5}", t.bound),
            format!("{:.6}", t.detection),
            t.stake.map_or("none helps".to_owned(), |stake| format!("{stake:.2}")),
        ]
    });
    let headings = ["false rows", "missed", "at most", "D, 2^20 beacons", "honest stake"];
    let table = table(&headings, rows);
    format!(
        "{table}\n{} draws of {} rows, {} beacons, {} trials each; price {}, cost {}, gain {}\n",
        options.draws,
        options.rows,
        options.beacons,
        options.trials,
        options.price,
        options.cost,
        options.gain
    )
}
