//! What a demonstration reports.

use std::collections::BTreeMap;
use std::path::Path;

use janction_protocol::Amount;
use serde_json::{Value, json};

use super::check::Checks;
use super::stage::Stages;
use crate::output::columns;

/// The figures, read back from the chain or measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The equalities.
    pub checks: Checks,
    /// How much the receiver's balance on L1 grew, in units.
    pub l1_payout: u64,
    /// Gas of each commit.
    pub commit_gas: Vec<u64>,
    /// Gas of the transaction that proved the range with the withdrawal.
    pub verify_gas: u64,
    /// Bytes of that proof.
    pub proof_bytes: usize,
    /// Batches that it proves.
    pub proven_batches: u64,
    /// Bytes of the batches' streams.
    pub stream_bytes: usize,
    /// Largest resident set of each process, in bytes.
    pub peaks: BTreeMap<String, u64>,
    /// What the auditor said.
    pub audit: Value,
    /// Seconds of each stage of the last proof, as the prover logged them.
    pub proving: Vec<(String, f64)>,
}

/// A report with its times.
#[derive(Clone, Debug)]
pub struct Finished {
    report: Report,
    stages: BTreeMap<String, f64>,
    order: Vec<String>,
    total: f64,
}

impl Report {
    /// Adds the times.
    pub fn finish(self, stages: Stages) -> Finished {
        let (stages, order, total) = stages.finish();
        Finished { report: self, stages, order, total }
    }
}

impl Finished {
    /// Whether every equality held.
    pub fn holds(&self) -> bool {
        self.report.checks.all_hold()
    }

    /// For programs; amounts in units of 10^-9 JCT.
    pub fn to_json(&self) -> Value {
        let report = &self.report;
        let proving: BTreeMap<_, _> = report.proving.iter().cloned().collect();
        json!({
            "milestone": "ledger to L1",
            "holds": self.holds(),
            "checks": report.checks,
            "commit_gas": report.commit_gas,
            "stream_bytes": report.stream_bytes,
            "stages": self.stages,
            "proving": proving,
            "total_seconds": self.total,
            "peak_bytes": report.peaks.values().max(),
            "peaks": report.peaks,
            "audit": report.audit,
            "l1_payout": report.l1_payout,
            "verify_gas": report.verify_gas,
            "proof_bytes": report.proof_bytes,
            "proven_batches": report.proven_batches,
        })
    }

    /// For people.
    pub fn to_text(&self, file: &Path) -> String {
        let report = &self.report;
        let line = "─".repeat(72);
        let mut text =
            format!("{line}\n  Janction: from a deposit on L1 to a payout on L1, by proof alone\n{line}\n\n");
        for check in report.checks.iter() {
            if check.holds {
                text += &format!("  ✓ {:<48} {}\n", check.what, check.found);
            } else {
                text += &format!("  ✗ {:<48} {} instead of {}\n", check.what, check.found, check.expected);
            }
        }
        let gas: Vec<String> = report.commit_gas.iter().map(u64::to_string).collect();
        let payout =
            Amount::new(report.l1_payout).map_or_else(|_| report.l1_payout.to_string(), |a| a.to_string());
        let peaks = report.peaks.iter().map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20));
        let mut rows = vec![
            ("gas of commits", gas.join(", ")),
            ("paid out on L1", format!("{payout} JCT")),
            ("gas of verification", report.verify_gas.to_string()),
            ("proof", format!("{} bytes for {} batches", report.proof_bytes, report.proven_batches)),
        ];
        rows.push(("peak memory", peaks.collect::<Vec<_>>().join(", ")));
        if let Some(verdict) = report.audit["verdict"].as_str() {
            rows.push(("audit", format!("{verdict}; {}", self.not_checked())));
        }
        text += "\n";
        text += &indent(&columns(&rows));
        text += "\n";
        let seconds =
            |name: &String| format!("{name} {:.1} s", self.stages.get(name).copied().unwrap_or_default());
        let stages: Vec<String> = self.order.iter().map(seconds).collect();
        text += &indent(&columns(&[("stages", stages.join(" · "))]));
        if !report.proving.is_empty() {
            let parts: Vec<String> =
                report.proving.iter().map(|(name, s)| format!("{name} {s:.1} s")).collect();
            text += &indent(&columns(&[("proving", parts.join(" · "))]));
        }
        text += &indent(&columns(&[("total", format!("{:.1} s", self.total))]));
        let verdict = if self.holds() { "Every equality held." } else { "Something did NOT hold." };
        text += &format!("\n  {verdict}  {}\n{line}", file.display());
        text
    }

    fn not_checked(&self) -> String {
        let findings = self.report.audit["findings"].as_array();
        let names: Vec<&str> = findings
            .into_iter()
            .flatten()
            .filter(|f| f["verdict"] == "unchecked")
            .filter_map(|f| f["what"].as_str())
            .collect();
        if names.is_empty() {
            "nothing left unchecked".into()
        } else {
            format!("not checked: {}", names.join(", "))
        }
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
