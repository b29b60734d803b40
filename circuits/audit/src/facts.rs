//! What is asked for again and again about a program's audit, without its circuits.

use janction_protocol::Digest;
use janction_trace::Policy;
use serde::{Deserialize, Serialize};

/// Key and size of a program's audit under one policy: they follow from program and policy alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFacts {
    /// Digest of the audit key: what a job leaf holds and a claim names.
    pub key: Digest,
    /// What a piece covers: rows of the job under `full`, draws of each operation under `rows`.
    pub piece_size: u32,
    /// log2 of the rows of circuit of a piece.
    pub piece_bits: u32,
    /// Operations whose rows are checked.
    pub operations: u32,
}

impl AuditFacts {
    /// Pieces that the audit of a job of `rows` rows takes.
    #[must_use]
    pub fn pieces(&self, policy: Policy, rows: u32) -> usize {
        let positions = match policy {
            Policy::Full => rows,
            Policy::Rows(s) => s,
        };
        positions.div_ceil(self.piece_size.max(1)) as usize
    }

    /// Position where the audit of a job of `rows` rows ends: the rows under `full`, at least s under `rows(s)`.
    #[must_use]
    pub fn end(&self, policy: Policy, rows: u32) -> u32 {
        match policy {
            Policy::Full => rows,
            Policy::Rows(_) => self.pieces(policy, rows) as u32 * self.piece_size,
        }
    }

    /// Row checks (one row of one operation) that the audit of a job of `rows` rows makes.
    #[must_use]
    pub fn row_checks(&self, policy: Policy, rows: u32) -> u64 {
        u64::from(self.end(policy, rows)) * u64::from(self.operations)
    }
}
