//! How long a tape is, and what its keys depend on.

use std::collections::BTreeSet;

use halo2_proofs::halo2curves::ff::PrimeField;

use super::hash::HashConfig;
use super::tape::{Column, Location, Tape};

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

    /// BLAKE3 hash of all that keys depend on: lengths, gates, steps of range checks, copies and constants, but no value.
    pub fn layout_digest(&self) -> [u8; 32] {
        fn location(hasher: &mut blake3::Hasher, at: Location) {
            let column = match at.column {
                Column::Flex => 0,
                Column::Range => 1,
                Column::Hash => 2,
            };
            hasher.update(&[column]).update(&at.row.to_le_bytes());
        }
        let lengths = [
            self.num_instances,
            self.flex.len(),
            self.range.len(),
            self.permutations.len(),
            self.flex_gates.len(),
            self.range_steps.len(),
            self.copies.len(),
            self.constants.len(),
        ];
        let mut hasher = blake3::Hasher::new();
        for length in lengths {
            hasher.update(&(length as u64).to_le_bytes());
        }
        for row in self.flex_gates.iter().chain(&self.range_steps) {
            hasher.update(&row.to_le_bytes());
        }
        for &(left, right) in &self.copies {
            location(&mut hasher, left);
            location(&mut hasher, right);
        }
        for (at, value) in &self.constants {
            location(&mut hasher, *at);
            hasher.update(value.to_repr().as_ref());
        }
        *hasher.finalize().as_bytes()
    }
}
