//! `janction bench` and `janction prover calibrate`.

mod support;

use support::Machine;

#[test]
fn the_cost_of_verifiability_is_measured() {
    let machine = Machine::new();
    let plot = machine.home().join("ratio.svg");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/mlp_64_32_10.onnx");
    let arguments = ["--json", "bench", "worker", "--sizes", "64,128", "--rounds", "1", "--rows", "100"];
    let more = ["--models", model, "--plot", plot.to_str().expect("UTF-8")];
    let measured = machine.run(&[&arguments[..], &more].concat()).json();
    let measurements = measured["measurements"].as_array().expect("a list");
    assert_eq!(measurements.len(), 6, "three models by two schemes");
    for m in measurements {
        for key in ["model", "device", "scheme", "plain_s", "verifiable_s", "ratio"] {
            assert!(!m[key].is_null(), "{key}: {m}");
        }
        assert!(m["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0));
    }
    assert!(std::fs::read_to_string(plot).expect("drawn").contains("scheme 2"));
    machine.run(&["--json", "bench", "worker", "--models", "/nowhere.onnx"]).must_fail(1, "file.absent");
}

#[test]
fn the_engine_is_measured_beside_stock() {
    let machine = Machine::new();
    let plot = machine.home().join("rows.svg");
    let arguments =
        ["bench", "prover", "--circuits", "synthetic-9,synthetic-10", "--rounds", "1", "--json", "--plot"];
    let arguments: Vec<&str> = arguments.into_iter().chain([plot.to_str().expect("UTF-8")]).collect();
    let measured = machine.run(&arguments).json();
    let measurements = measured["measurements"].as_array().expect("a list");
    for backend in ["stock", "cpu"] {
        let total = measurements
            .iter()
            .find(|m| m["backend"] == backend && m["stage"] == "total" && m["phase"] == "warm")
            .expect("a total");
        for key in ["circuit", "log2_rows", "device", "seconds", "stock_seconds", "speedup", "peak_bytes"] {
            assert!(!total[key].is_null(), "{backend}: {key}");
        }
    }
    assert!(std::fs::read_to_string(plot).expect("drawn").starts_with("<svg"));

    let text = machine.run(&["bench", "prover", "--circuits", "synthetic-8", "--rounds", "1"]);
    let printed = text.text();
    assert!(printed.contains("speedup") && printed.contains("stock: "), "{printed}");
    machine.run(&["--json", "bench", "prover", "--circuits", "synthetic-3"]).must_fail(2, "bench.size");
    let absent = ["--json", "bench", "prover", "--circuits", "synthetic-9", "--stock", "/nowhere/stock"];
    machine.run(&absent).must_fail(1, "bench.stock");
    assert_eq!(machine.run(&["bench", "prover", "--circuits", "leaf"]).status(), 2);
}

#[test]
fn an_hours_cost_becomes_a_price() {
    let machine = Machine::new();
    let priced = machine.run(&["--json", "prover", "calibrate", "--cost-per-hour", "3.6"]).json();
    for part in ["proof", "job", "range"] {
        let (seconds, price) = (&priced[part]["seconds"], &priced[part]["price"]);
        let (seconds, price) = (seconds.as_f64().expect("seconds"), price.as_f64().expect("a price"));
        assert!(seconds > 0.0 && (price - seconds / 1000.0).abs() < 1e-9, "{part}: {seconds} s, {price}");
    }
    assert_eq!((&priced["job"]["rows"], &priced["job"]["policy"]), (&360.into(), &"full".into()));
    assert_eq!(machine.run(&["prover", "calibrate", "--cost-per-hour", "-1"]).status(), 2);
    assert_eq!(machine.run(&["prover", "calibrate"]).status(), 2);
}
