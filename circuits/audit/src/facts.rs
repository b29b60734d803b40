//! What is asked for again and again about a program's audit, without its circuits.

use janction_protocol::Digest;
use janction_trace::Policy;
use serde::{Deserialize, Serialize};

/// Key and size of a program's audit under one policy: they follow from program and policy alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFacts {
    /// Digest of the audit key: what a job leaf holds and a claim names.
    pub key: Digest,
    /// How the audit is cut.
    pub pieces: PieceFacts,
}

/// How a program's audit under one policy is cut into pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PieceFacts {
    /// What a piece covers, for each stage of rows: rows of the job under `full`, draws of each operation under `rows`
    /// (then all stages take the same number).
    pub piece_sizes: Vec<u32>,
    /// Pieces that fold weights, whatever the number of rows.
    pub fold_pieces: u32,
    /// log2 of the rows of circuit of a piece.
    pub piece_bits: u32,
    /// Operations whose rows are checked.
    pub operations: u32,
}

impl PieceFacts {
    /// What a piece of the first stage covers.
    #[must_use]
    pub fn piece_size(&self) -> u32 {
        self.piece_sizes.first().copied().unwrap_or(1).max(1)
    }

    /// Pieces that the audit of a job of `rows` rows takes.
    #[must_use]
    pub fn count(&self, policy: Policy, rows: u32) -> usize {
        let end = self.end(policy, rows);
        let of_stage = |size: &u32| end.div_ceil((*size).max(1)) as usize;
        self.piece_sizes.iter().map(of_stage).sum::<usize>() + self.fold_pieces as usize
    }

    /// Position where every stage of the audit of a job of `rows` rows ends: the rows under `full`, at least s under `rows(s)`.
    #[must_use]
    pub fn end(&self, policy: Policy, rows: u32) -> u32 {
        match policy {
            Policy::Full => rows,
            Policy::Rows(s) => s.div_ceil(self.piece_size()) * self.piece_size(),
        }
    }

    /// Row checks (one row of one operation) that the audit of a job of `rows` rows makes.
    #[must_use]
    pub fn row_checks(&self, policy: Policy, rows: u32) -> u64 {
        u64::from(self.end(policy, rows)) * u64::from(self.operations)
    }
}
