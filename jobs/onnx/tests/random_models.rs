//! Random models of every kind (`tests/fixtures/random_models.py`) against onnxruntime: no cell more than one unit apart, and
//! at least 99.9 % of each kind's equal (but see [`least`]); of the checked-in models all cells.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use janction_program::OperationKind;
use support::{Case, cases, differences, run};

/// The kind in a case's name, which is KIND.SEED.
fn kind(case: &Case) -> &str {
    case.name.split('.').next().unwrap_or_default()
}

/// Least share of a kind's cells that are equal, in percent, in models that were not chosen.
fn least(kind: &str) -> f64 {
    match kind {
        // onnxruntime multiplies by the float32 next to 1 / cells, which pushes some halves over: 99.91 % of 23,813 cells.
        "qlinear_globalaveragepool_parts" => 99.0,
        _ => 99.9,
    }
}

/// Compares all cases, of which `least` percent of a kind's cells must be equal, and prints a line for each kind. Gives the number of
/// kinds.
fn check(cases: &[Case], least: fn(&str) -> f64) -> usize {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in cases {
        let output = run(&case.import(), &case.input);
        let (differing, distance) = differences(&output, &case.output);
        assert!(distance <= 1, "{}: {distance} units apart", case.name);
        let (cells, all) = kinds.entry(kind(case)).or_default();
        *cells += output.cells().len();
        *all += differing;
    }
    let mut failed = Vec::new();
    for (kind, (cells, differing)) in &kinds {
        let equal = 100.0 - 100.0 * *differing as f64 / *cells as f64;
        println!("{kind:28} {cells:7} cells, {equal:.3} % equal");
        if equal < least(kind) {
            failed.push(format!("{kind} ({equal:.3} %)"));
        }
    }
    assert!(failed.is_empty(), "too few equal: {}", failed.join(", "));
    kinds.len()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[test]
fn checked_in_models() {
    let cases = cases(&folder().join("random.cases"));
    assert!(check(&cases, |_| 100.0) >= 72, "every kind is there");
    let made: Vec<_> = cases.iter().map(|case| (kind(case), case.import().program)).collect();
    for operation in OperationKind::ALL {
        let of = made.iter().filter(|(_, p)| p.steps().iter().any(|s| s.operation.kind() == operation));
        let kinds: BTreeSet<&str> = of.map(|(kind, _)| *kind).collect();
        println!("{:12} comes of {kinds:?}", operation.name());
        assert!(!kinds.is_empty(), "{} is in none of the models", operation.name());
    }
}

/// Makes new models: see section 5 of docs/jobs.md.
#[test]
#[ignore = "needs a Python with onnxruntime"]
fn fresh_models() {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.into());
    let python = setting("JANCTION_PYTHON", "python3");
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let seed = setting("JANCTION_SEED", &(seconds % 1_000_000_000).to_string());
    let each = setting("JANCTION_EACH", "20");
    println!("JANCTION_SEED={seed} JANCTION_EACH={each}");
    let file = std::env::temp_dir().join(format!("janction-random-{}.cases", std::process::id()));
    let status = Command::new(python)
        .arg(folder().join("random_models.py"))
        .arg(&file)
        .args(["--seed", &seed, "--each", &each])
        .status()
        .expect("JANCTION_PYTHON is a Python with onnxruntime");
    assert!(status.success(), "random_models.py failed for seed {seed}");
    let cases = cases(&file);
    std::fs::remove_file(&file).unwrap();
    check(&cases, least);
}
