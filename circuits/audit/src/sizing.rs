//! How large the pieces of an audit are.

use janction_program::Program;
use janction_trace::Policy;

/// What pieces are made for. It decides, with program and policy, how large they are and which operations get Freivalds' check;
/// so it is part of what their keys follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sizing {
    /// For audits of jobs of any number of rows, whose pieces are joined: few and large ones.
    Audit,
    /// For proofs of at most 2^`row_bits` rows that are checked piece by piece: small ones.
    Proof {
        /// log2 of the rows, rounded up.
        row_bits: u8,
    },
}

impl Sizing {
    /// For a proof of `rows` rows of a program.
    #[must_use]
    pub fn of_proof(program: &Program, policy: Policy, rows: usize) -> Self {
        let row_bits = match policy {
            Policy::Full => rows.clamp(1, program.max_rows()).next_power_of_two().ilog2() as u8,
            // Draws are as many whatever the rows.
            Policy::Rows(_) => program.depth(),
        };
        Self::Proof { row_bits: row_bits.min(program.depth()) }
    }

    /// Most rows that such pieces are made for.
    pub(crate) fn rows(self, program: &Program) -> usize {
        match self {
            Self::Audit => program.max_rows(),
            Self::Proof { row_bits } => program.max_rows().min(1 << row_bits.min(24)),
        }
    }

    /// As a number, for caches: 0, or one more than the bits.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Audit => 0,
            Self::Proof { row_bits } => 1 + row_bits as u32,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Audit),
            1..=25 => Some(Self::Proof { row_bits: (code - 1) as u8 }),
            _ => None,
        }
    }
}

impl core::fmt::Display for Sizing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Audit => f.write_str("audit"),
            Self::Proof { row_bits } => write!(f, "rows-2-{row_bits}"),
        }
    }
}
