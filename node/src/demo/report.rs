//! What a demonstration reports.

use std::collections::BTreeMap;
use std::path::Path;

use janction_ledger::STEPS_PER_CHUNK;
use janction_protocol::state::Index;
use serde::Serialize;
use serde_json::{Value, json};

use super::check::Checks;
use super::people::jct;
use super::stage::Stages;
use crate::output::columns;

/// Rows of circuit that a ledger transaction takes: those of a chunk, 2^14 (its key is pinned), over its steps.
const LEDGER_ROWS_PER_TX: usize = (1 << 14) / STEPS_PER_CHUNK;

/// How a job went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JobReport {
    /// Index on the ledger.
    pub job: Index,
    /// Name of its program.
    pub program: String,
    /// How the tensors of its trace are committed to: `rows`, or `sketch:N` of blocks of N rows.
    pub scheme: String,
    /// `full` or `rows:S`.
    pub policy: String,
    /// Rows of the input.
    pub rows: u32,
    /// `settled` or `expired`.
    pub outcome: String,
    /// Who won, by name.
    pub winner: String,
    /// The winner's unit.
    pub unit: Index,
    /// What it runs on, as it says itself.
    pub hardware: String,
    /// Units that sealed a bid.
    pub bids: usize,
    /// The highest price that the developer allowed, in units.
    pub budget: u64,
    /// What the winner was paid, in units; 0 for an expired job.
    pub price: u64,
    /// How much the winner's owner gained on L1, in units.
    pub l1_payout: u64,
    /// Share of the images that were read rightly.
    pub accuracy: Option<f64>,
    /// Row checks that the audit made.
    pub audited_rows: u64,
    /// Bits of soundness; under `rows` against a tenth of the rows of an operation being false.
    pub soundness_bits: f64,
    /// The same for people.
    pub soundness: String,
    /// Why the audit could not be proven, as the prover said.
    pub fault: Option<String>,
    /// What the unit lost, in units.
    pub slashed: u64,
}

/// The figures, read back from the chain or measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The equalities.
    pub checks: Checks,
    /// The jobs.
    pub jobs: Vec<JobReport>,
    /// Gas of each commit.
    pub commit_gas: Vec<u64>,
    /// Gas of the transaction that proved the range.
    pub verify_gas: u64,
    /// Bytes of that proof.
    pub proof_bytes: usize,
    /// Batches that it proves.
    pub proven_batches: u64,
    /// Bytes of the batches' streams.
    pub stream_bytes: usize,
    /// Largest resident set of each process, in bytes.
    pub peaks: BTreeMap<String, u64>,
    /// Processes that were killed and started again, in order.
    pub killed: Vec<String>,
    /// What the auditor said.
    pub audit: Value,
    /// Seconds of each stage of the provers, as they logged them.
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

    /// For programs; amounts in units of 10^-9 JCT. The keys of a job stand at the top for the first one.
    pub fn to_json(&self) -> Value {
        let report = &self.report;
        let proving: BTreeMap<_, _> = report.proving.iter().cloned().collect();
        let first = report.jobs.first().cloned().unwrap_or_default();
        json!({
            "holds": self.holds(),
            "checks": report.checks,
            "price": first.price,
            "l1_payout": first.l1_payout,
            "accuracy": first.accuracy,
            "audited_rows": first.audited_rows,
            "soundness_bits": first.soundness_bits,
            "jobs": report.jobs,
            "commit_gas": report.commit_gas.iter().sum::<u64>(),
            "commits": report.commit_gas,
            "verify_gas": report.verify_gas,
            "proof_bytes": report.proof_bytes,
            "proven_batches": report.proven_batches,
            "stream_bytes": report.stream_bytes,
            "ledger_rows_per_tx": LEDGER_ROWS_PER_TX,
            "stages": self.stages,
            "proving": proving,
            "total_seconds": self.total,
            "peak_bytes": report.peaks.values().max(),
            "peaks": report.peaks,
            "killed": report.killed,
            "audit": report.audit,
        })
    }

    /// For people.
    pub fn to_text(&self, file: &Path) -> String {
        let report = &self.report;
        let line = "─".repeat(78);
        let mut text =
            format!("{line}\n  Janction: from a model to a payout on L1, by proof alone\n{line}\n\n");
        for job in &report.jobs {
            text += &format!("{}\n", job.to_text());
        }
        for check in report.checks.iter() {
            if check.holds {
                text += &format!("  ✓ {:<58} {}\n", check.what, check.found);
            } else {
                text += &format!("  ✗ {:<58} {} instead of {}\n", check.what, check.found, check.expected);
            }
        }
        text += "\n";
        text += &indent(&columns(&self.figures()));
        let verdict = if self.holds() { "Every equality held." } else { "Something did NOT hold." };
        text += &format!("\n  {verdict}  {}\n{line}", file.display());
        text
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        let report = &self.report;
        let gas: u64 = report.commit_gas.iter().sum();
        let mut rows = vec![
            (
                "commits",
                format!("{gas} gas for {} batches, {} bytes", report.commit_gas.len(), report.stream_bytes),
            ),
            ("verification", format!("{} gas for {} batches", report.verify_gas, report.proven_batches)),
            ("proof", format!("{} bytes", report.proof_bytes)),
            ("ledger", format!("{} rows of circuit a transaction", LEDGER_ROWS_PER_TX)),
        ];
        let peaks = report.peaks.iter().map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20));
        rows.push(("peak memory", peaks.collect::<Vec<_>>().join(", ")));
        if !report.killed.is_empty() {
            rows.push(("killed", format!("{} (SIGKILL, started again)", report.killed.join(", "))));
        }
        if let Some(verdict) = report.audit["verdict"].as_str() {
            rows.push(("audit", format!("{verdict}; {}", self.not_checked())));
        }
        let seconds =
            |name: &String| format!("{name} {:.1} s", self.stages.get(name).copied().unwrap_or_default());
        rows.push(("stages", self.order.iter().map(seconds).collect::<Vec<_>>().join(" · ")));
        if !report.proving.is_empty() {
            let parts: Vec<String> =
                report.proving.iter().map(|(name, s)| format!("{name} {s:.1} s")).collect();
            rows.push(("proving", parts.join(" · ")));
        }
        rows.push(("total", format!("{:.1} s", self.total)));
        rows
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

impl JobReport {
    fn to_text(&self) -> String {
        let mut rows = vec![(
            "auction",
            format!(
                "{} sealed bids; {} (unit {}, {}) won, budget {} JCT",
                self.bids,
                self.winner,
                self.unit,
                self.hardware,
                jct(self.budget)
            ),
        )];
        if self.outcome == "settled" {
            rows.push((
                "paid",
                format!("{} JCT, of which {} JCT arrived on L1", jct(self.price), jct(self.l1_payout)),
            ));
        } else {
            rows.push(("paid", format!("nothing; {} JCT of stake slashed", jct(self.slashed))));
        }
        if let Some(accuracy) = self.accuracy {
            rows.push(("accuracy", format!("{:.2} % of {} images", 100.0 * accuracy, self.rows)));
        }
        match &self.fault {
            Some(fault) => rows.push(("audit", format!("no proof exists: {fault}"))),
            None => rows.push(("audit", format!("{} row checks, {}", self.audited_rows, self.soundness))),
        }
        let Self { job, program, scheme, policy, outcome, .. } = self;
        let title = format!("  job {job}: {program} by {scheme} under {policy}, {outcome}\n");
        title + &indent(&indent(&columns(&rows)))
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
