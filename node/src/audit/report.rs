//! What an audit found.

use janction_bindings::State;
use janction_protocol::Address;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Exit;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Checked, and right.
    Right,
    /// Checked, and wrong.
    Wrong,
    /// Not checked.
    Unchecked,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, or why it was not checked.
    pub found: String,
}

/// The findings, in the order of the checks.
#[derive(Clone, Debug)]
pub struct Report {
    rollup: Address,
    chain_id: u64,
    head: u64,
    committed: u64,
    proven: u64,
    findings: Vec<Finding>,
}

impl Report {
    /// An empty report on the rollup as it is at L1 block `head`.
    pub fn new(rollup: Address, chain_id: u64, head: u64, state: &State) -> Self {
        Report {
            rollup,
            chain_id,
            head,
            committed: state.committed,
            proven: state.proven,
            findings: Vec::new(),
        }
    }

    /// Something is right.
    pub fn right(&mut self, what: &'static str, found: impl Into<String>) {
        self.findings.push(Finding { what, verdict: Verdict::Right, found: found.into() });
    }

    /// Something is wrong.
    pub fn wrong(&mut self, what: &'static str, found: impl Into<String>) {
        self.findings.push(Finding { what, verdict: Verdict::Wrong, found: found.into() });
    }

    /// Something was not checked.
    pub fn unchecked(&mut self, what: &'static str, why: impl Into<String>) {
        self.findings.push(Finding { what, verdict: Verdict::Unchecked, found: why.into() });
    }

    /// Right when `equal`, else wrong.
    pub fn equal(
        &mut self,
        what: &'static str,
        equal: bool,
        right: impl Into<String>,
        wrong: impl Into<String>,
    ) -> bool {
        if equal {
            self.right(what, right)
        } else {
            self.wrong(what, wrong)
        }
        equal
    }

    fn any(&self, verdict: Verdict) -> bool {
        self.findings.iter().any(|f| f.verdict == verdict)
    }

    /// The exit status that it leads to.
    pub fn exit(&self) -> Exit {
        if self.any(Verdict::Wrong) {
            Exit::Mismatch
        } else if self.any(Verdict::Unchecked) {
            Exit::Unchecked
        } else {
            Exit::Success
        }
    }

    fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Mismatch => "mismatch",
            Exit::Unchecked => "incomplete",
            _ => "complete",
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "rollup": self.rollup.to_string(),
            "chain_id": self.chain_id,
            "l1_block": self.head,
            "committed_batches": self.committed,
            "proven_batches": self.proven,
            "verdict": self.verdict(),
            "findings": self.findings,
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "rollup {} on chain {}, L1 block {}: {} batches, {} of them proven\n\n",
            self.rollup, self.chain_id, self.head, self.committed, self.proven
        );
        let width = self.findings.iter().map(|f| f.what.len()).max().unwrap_or(0);
        for Finding { what, verdict, found } in &self.findings {
            let mark = match verdict {
                Verdict::Right => "right      ",
                Verdict::Wrong => "WRONG      ",
                Verdict::Unchecked => "not checked",
            };
            text += &format!("{mark}  {what:<width$}  {found}\n");
        }
        text += match self.exit() {
            Exit::Mismatch => "\nSomething is WRONG: see the lines above.",
            Exit::Unchecked => {
                "\nEverything that was checked is right; the lines above say what was not checked."
            }
            _ => "\nEverything was checked and is right.",
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let state = State {
            state_root: Default::default(),
            proven: 0,
            committed: 0,
            l1_queued: 0,
            l1_queue_hash: Default::default(),
            beacons_queued: 0,
            beacon_queue_hash: Default::default(),
            escrowed: 0,
            reward_pool: Default::default(),
        };
        let mut report = Report::new(Address::ZERO, 1, 0, &state);
        assert_eq!(report.exit(), Exit::Success);
        report.right("a", "");
        assert_eq!(report.exit(), Exit::Success);
        report.unchecked("b", "");
        assert_eq!(report.exit(), Exit::Unchecked);
        report.wrong("c", "");
        report.unchecked("d", "");
        assert_eq!(report.exit(), Exit::Mismatch);
    }
}
