//! How long a tape is.

use std::collections::BTreeSet;

use super::hash::HashConfig;
use super::tape::Tape;

/// Rows that a tape takes for each kind of cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeSize {
    /// Arithmetic.
    pub flex: usize,
    /// Range checks.
    pub range: usize,
    /// Poseidon2.
    pub hash: usize,
    /// Distinct constants.
    pub constants: usize,
    /// Poseidon2 permutations.
    pub permutations: usize,
}

impl TapeSize {
    /// Rows of the longer column: flex and range cells, or permutations with the constants below them.
    pub fn rows(&self) -> usize {
        (self.flex + self.range).max(self.hash + self.constants)
    }
}

impl Tape {
    /// Rows taken so far.
    pub fn size(&self) -> TapeSize {
        TapeSize {
            flex: self.flex.len(),
            range: self.range.len(),
            hash: HashConfig::rows(self.permutations.len()),
            constants: self.constants.iter().map(|(_, value)| value).collect::<BTreeSet<_>>().len(),
            permutations: self.permutations.len(),
        }
    }
}
