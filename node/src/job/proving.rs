//! How long the proofs of a job take.

use janction_audit::{AuditFacts, PieceFacts};
use janction_trace::Policy;

/// Rows, as a power of two, of the proof that times are given for.
pub const LOG2_ROWS: usize = 14;
/// Children of a node of the tree.
const ARITY: usize = 3;

/// What the parts of a job's proof take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProvingTime {
    /// A circuit of 2^[`LOG2_ROWS`] rows.
    pub chunk: f64,
    /// A node of a tree.
    pub node: f64,
    /// What every range takes at its end, however many jobs are in it: root, last layer and wrap.
    pub end: f64,
}

impl ProvingTime {
    /// On two cores, from docs/benchmarks.md.
    pub const TWO_CORES: Self = Self { chunk: 1.08, node: 1.06, end: 0.99 + 2.88 + 28.6 };

    /// On a machine that makes a proof of 2^[`LOG2_ROWS`] rows in `chunk` seconds, and on its CPU in `cpu` seconds: everything
    /// else in proportion. A range's end, mostly the wrap, is the CPU's wherever the rest is proven.
    pub fn measured(chunk: f64, cpu: f64) -> Self {
        let [node, end] = [(Self::TWO_CORES.node, chunk), (Self::TWO_CORES.end, cpu)]
            .map(|(two_cores, seconds)| two_cores * seconds / Self::TWO_CORES.chunk);
        Self { chunk, node, end }
    }

    /// The proofs of a job alone: its pieces, the tree over them and the wrapper, which has the size of a node.
    pub fn of_job(&self, audit: &AuditFacts, policy: Policy, rows: u32) -> f64 {
        let mut nodes = 0;
        let mut level = audit.pieces.count(policy, rows);
        while level > 1 || nodes == 0 {
            level = level.div_ceil(ARITY);
            nodes += level;
        }
        self.of_pieces(&audit.pieces, policy, rows) + (nodes + 1) as f64 * self.node
    }

    /// The pieces alone, as a program proof has them.
    pub fn of_pieces(&self, pieces: &PieceFacts, policy: Policy, rows: u32) -> f64 {
        let piece = self.chunk * 2f64.powi(pieces.piece_bits as i32 - LOG2_ROWS as i32);
        pieces.count(policy, rows) as f64 * piece
    }
}
