//! What a policy is worth, in numbers.

use janction_program::commitment::Scheme;
use janction_prover::soundness::WHOLE;
use janction_trace::Policy;
use janction_trace::soundness::{DEFAULT_BEACONS, detection_probability, soundness_bits};
use serde_json::{Value, json};

use crate::program::worth::SKETCH_BITS;

/// Fractions of false rows that are spoken of.
const FRACTIONS: [f64; 3] = [0.1, 0.01, 0.001];

/// As JSON: for each fraction of false rows in an operation, bits and detection probability.
pub fn describe(policy: Policy, scheme: Scheme) -> Value {
    let system = json!({
        "conjectured": WHOLE.conjectured,
        "johnson": WHOLE.johnson,
        "unique_decoding": WHOLE.unique_decoding,
    });
    let fractions: Vec<Value> = match policy {
        Policy::Full => Vec::new(),
        Policy::Rows(draws) => FRACTIONS
            .iter()
            .map(|&f| {
                json!({
                    "false_rows": f,
                    "detection": detection_probability(f, draws, DEFAULT_BEACONS),
                    "bits": soundness_bits(f, draws, DEFAULT_BEACONS),
                })
            })
            .collect(),
    };
    json!({
        "policy": policy.to_string(),
        "every_row": policy == Policy::Full,
        "proof_system_bits": system,
        "sampling": fractions,
        "sketch_bits": (scheme != Scheme::Rows).then_some(SKETCH_BITS),
        "beacons_granted": if policy == Policy::Full { 0.0 } else { DEFAULT_BEACONS },
    })
}

/// In words, one line for each fraction.
pub fn lines(policy: Policy, scheme: Scheme) -> Vec<(&'static str, String)> {
    let mut lines = of_policy(policy);
    if scheme != Scheme::Rows {
        let text =
            format!("commitments are sketches: {SKETCH_BITS} bits estimated (Ring-SIS, docs/security.md)");
        lines.push(("", text));
    }
    lines
}

fn of_policy(policy: Policy) -> Vec<(&'static str, String)> {
    match policy {
        Policy::Full => vec![(
            "soundness",
            format!(
                "every row is proven: {} bits proven, {} conjectured (docs/security.md)",
                WHOLE.johnson, WHOLE.conjectured
            ),
        )],
        Policy::Rows(draws) => {
            let mut lines: Vec<_> = FRACTIONS
                .iter()
                .map(|&f| {
                    let found = detection_probability(f, draws, DEFAULT_BEACONS);
                    let bits = soundness_bits(f, draws, DEFAULT_BEACONS);
                    let text = format!(
                        "{} % of an operation's rows false: found with probability {found:.6} ({bits:.1} bits)",
                        f * 100.0
                    );
                    ("soundness", text)
                })
                .collect();
            lines.push((
                "",
                "a single false row among many is nearly always missed; `full` finds it".to_owned(),
            ));
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_is_said_in_numbers_and_full_needs_none() {
        let rows = describe(Policy::Rows(176), Scheme::Rows);
        let ten = &rows["sampling"][0];
        assert_eq!(ten["false_rows"], 0.1);
        assert!(ten["detection"].as_f64().is_some_and(|p| (0.99..1.0).contains(&p)), "{ten}");
        assert_eq!(rows["sampling"][2]["detection"], 0.0);
        let sketches = Scheme::Sketch { block_bits: 3 };
        assert_eq!(lines(Policy::Rows(176), Scheme::Rows).len(), 4);
        assert!(lines(Policy::Full, sketches)[1].1.contains("131 bits"));
        assert_eq!(describe(Policy::Full, sketches)["sketch_bits"], 131);
        assert_eq!(rows["sketch_bits"], Value::Null);
        let full = describe(Policy::Full, Scheme::Rows);
        assert_eq!((&full["every_row"], &full["sampling"]), (&true.into(), &json!([])));
    }
}
