//! The baseline as a process.

use std::path::Path;

use janction_prover_bench::circuits::{Name, Subject};
use janction_prover_bench::measurement::TOTAL;
use janction_prover_bench::stock::Stock;
use janction_prover_bench::{BenchError, Phase, Plan};

const PROGRAM: &str = env!("CARGO_BIN_EXE_janction-stock");

#[test]
fn stock_proves_apart() {
    let mut stock = Stock::new(Some(Path::new(PROGRAM))).expect("starts");
    let subject = Subject::build(Name::Synthetic(9)).expect("small");
    let early = stock.prove(&subject).expect_err("nothing is built there");
    assert!(early.to_string().contains("nothing is built"), "{early}");
    stock.build(Name::Synthetic(9)).expect("builds");
    let proven = stock.prove(&subject).expect("proves");
    assert!(proven.seconds > proven.witness_seconds);
    assert!(matches!(stock.build(Name::Synthetic(2)), Err(BenchError::Stock { .. })));
}

#[test]
fn a_plan_takes_its_baseline_from_there() {
    let plan = Plan {
        circuits: vec![Name::Synthetic(9)],
        rounds: 1,
        seconds: None,
        stock: Some(PROGRAM.into()),
        gpus: Vec::new(),
    };
    let measurements = janction_prover_bench::run(&plan, &mut |_| {}).expect("measured");
    let stock = measurements.iter().find(|m| m.backend == "stock" && m.phase == Phase::Warm).expect("stock");
    assert_eq!((stock.stage.as_str(), stock.rounds), (TOTAL, 1));
    assert!(stock.device.ends_with(janction_prover_bench::stock::SIMD), "{}", stock.device);
}

/// The house's circuits build, and their recorded inputs are those of a proof.
#[test]
fn the_circuits_of_the_house_are_measured() {
    let circuits = Name::HOUSE.to_vec();
    let plan = Plan { circuits, rounds: 1, seconds: None, stock: None, gpus: Vec::new() };
    let measurements = janction_prover_bench::plan::run_engine(&plan, &mut |_| {}).expect("measured");
    for name in Name::HOUSE {
        let warm = |m: &&janction_prover_bench::Measurement| {
            m.circuit == name.kind() && m.backend == "cpu" && m.phase == Phase::Warm && m.stage == TOTAL
        };
        assert_eq!(measurements.iter().filter(warm).count(), 1, "{name}");
    }
}
