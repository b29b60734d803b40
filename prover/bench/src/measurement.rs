//! What was measured.

use serde::{Deserialize, Serialize};

/// One stage of one circuit on one backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The circuit's kind, such as `synthetic` or `ledger`.
    pub circuit: String,
    /// log2 of its rows.
    pub log2_rows: usize,
    /// Who proved: `stock`, `cpu`.
    pub backend: String,
    /// On what: processor and instructions.
    pub device: String,
    /// `witness`, `lde`, `merkle`, `products`, `quotient`, `openings`, `fri`, or `total` for the whole proof.
    pub stage: String,
    /// Whether it was the circuit's first proof.
    pub phase: Phase,
    /// Threads of the prover.
    pub threads: usize,
    /// Proofs that the median is of.
    pub rounds: usize,
    /// Median by the clock.
    pub seconds: f64,
    /// Median by the processors, of whole proofs.
    pub cpu_seconds: Option<f64>,
    /// Stock's median for the same stage in the same run, where stock tells it.
    pub stock_seconds: Option<f64>,
    /// Stock's time over this one.
    pub speedup: Option<f64>,
    /// Most memory of the process, of whole proofs.
    pub peak_bytes: Option<u64>,
}

/// The stage that is the whole proof.
pub const TOTAL: &str = "total";
/// The stage that stock tells, too.
pub const WITNESS: &str = "witness";

/// Cold and warm proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The first proof of a circuit in its process: tables are made, memory is touched for the first time.
    Cold,
    /// Later ones.
    Warm,
}

/// The middle of the values; the mean of both middles when they are even in number. `None` of none.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    /// The names are promised to scripts.
    #[test]
    fn json_has_the_promised_names() {
        let measurement = Measurement {
            circuit: "synthetic".into(),
            log2_rows: 14,
            backend: "cpu".into(),
            device: "x".into(),
            stage: TOTAL.into(),
            phase: Phase::Warm,
            threads: 2,
            rounds: 3,
            seconds: 1.5,
            cpu_seconds: None,
            stock_seconds: Some(3.0),
            speedup: Some(2.0),
            peak_bytes: Some(7),
        };
        let json = serde_json::to_value(&measurement).expect("JSON");
        for (key, value) in [
            ("circuit", serde_json::json!("synthetic")),
            ("log2_rows", 14.into()),
            ("backend", "cpu".into()),
            ("device", "x".into()),
            ("stage", "total".into()),
            ("phase", "warm".into()),
            ("seconds", 1.5.into()),
            ("stock_seconds", 3.0.into()),
            ("speedup", 2.0.into()),
            ("peak_bytes", 7.into()),
        ] {
            assert_eq!(json[key], value, "{key}");
        }
    }
}
