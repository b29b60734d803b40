//! Poseidon2 of width 3 over the scalar field of BN254, many permutations side by side.
//!
//! A permutation is a chain of some two hundred multiplications, each of which waits for the one before it. So
//! states go side by side: in vectors of limbs of 52 bits where the processor multiplies such integers (AVX-512 IFMA),
//! in vectors of limbs of 29 bits where it has other vectors, a few interleaved where it has none. What is hashed, with
//! which round constants and in which domain is the caller's affair: it hands in the constants once
//! ([`Poseidon2::new`]) and the state that a sponge starts from.

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(any(target_arch = "x86_64", test))]
mod limbs;
mod narrow;
mod permutation;
mod residues;
mod sponge;
#[cfg(test)]
mod tests;
mod words;

use self::narrow::{Narrow, OnLanes};
use self::permutation::{PermuteAll, Rounds};
use self::residues::{Job, Residues};
use self::sponge::{HashPairs, HashRows};
use self::words::Words;
use crate::backend::Backend;
use crate::columns::Columns;
use crate::lanes::Scalar;

/// Elements of the scalar field in a state.
pub const WIDTH: usize = 3;
/// Elements of the scalar field that a sponge overwrites before each permutation.
pub const RATE: usize = 2;
/// Goldilocks elements that are packed into one element of the scalar field: a + b·2^64 + c·2^128.
pub const PACKED: usize = 3;

/// States that go side by side without vectors: enough that one's multiplications fill the other's waits.
const INTERLEAVED: usize = 2;
/// Vectors of states with narrow limbs that go side by side.
const NARROW: usize = 1;

/// An element x of the scalar field, as x·2^256 mod r in little-endian words: below r, and as arkworks keeps its `Fr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Element(pub [u64; 4]);

/// The permutation with its round constants: full rounds with the matrix circ(2, 1, 1), partial rounds with the
/// all-ones matrix plus diag(1, 1, 2), S-box x^5, the matrix of the full rounds before the first round (eprint
/// 2023/323). Half of the full rounds come first.
#[derive(Clone, Debug)]
pub struct Poseidon2 {
    words: Rounds<<Words<INTERLEAVED> as Residues>::Constant>,
    narrow: Rounds<<Narrow<Scalar, NARROW> as Residues>::Constant>,
    #[cfg(target_arch = "x86_64")]
    ifma: Rounds<<ifma::Vectors as Residues>::Constant>,
}

impl Poseidon2 {
    /// `full`: three constants for each full round, first half then second half; `partial`: one for each partial
    /// round, added to the first element.
    pub fn new(full: &[[Element; WIDTH]], partial: &[Element]) -> Self {
        Self {
            words: Rounds::new::<Words<INTERLEAVED>>(full, partial),
            narrow: Rounds::new::<Narrow<Scalar, NARROW>>(full, partial),
            #[cfg(target_arch = "x86_64")]
            ifma: Rounds::new::<ifma::Vectors>(full, partial),
        }
    }

    /// Permutes every state on this thread.
    pub fn permute_all(&self, backend: Backend, states: &mut [[Element; WIDTH]]) {
        self.run(backend, PermuteAll { states });
    }

    /// Hashes the rows `first..first + out.len()` of `matrix` on this thread.
    ///
    /// Each row is a message. A sponge that starts from `initial` overwrites its first two elements with the next six
    /// elements of the row, three packed into one and zeros after the last, and permutes; a row without elements still
    /// takes one permutation. The digest is the state's first element.
    ///
    /// # Panics
    /// When the matrix has fewer rows.
    pub fn hash_rows(
        &self,
        backend: Backend,
        matrix: &Columns,
        first: usize,
        initial: &[Element; WIDTH],
        out: &mut [Element],
    ) {
        assert!(
            first.checked_add(out.len()).is_some_and(|end| end <= matrix.rows()),
            "{} rows from row {first} of {}",
            out.len(),
            matrix.rows()
        );
        self.run(backend, HashRows { matrix, first, initial, out });
    }

    /// Hashes pairs on this thread: the first element of the permutation of (left, right, `capacity`).
    ///
    /// # Panics
    /// When `children` is not twice as long as `out`.
    pub fn hash_pairs(
        &self,
        backend: Backend,
        children: &[Element],
        capacity: &Element,
        out: &mut [Element],
    ) {
        assert_eq!(children.len(), 2 * out.len(), "children of {} nodes", out.len());
        self.run(backend, HashPairs { children, capacity, out });
    }

    /// States that `backend` permutes side by side: what a batch should be a multiple of.
    pub fn side_by_side(backend: Backend) -> usize {
        #[cfg(target_arch = "x86_64")]
        if ifma::serves(backend) {
            return ifma::Vectors::STATES;
        }
        if backend == Backend::PORTABLE { INTERLEAVED } else { NARROW * backend.width() }
    }

    fn run<J: Job>(&self, backend: Backend, job: J) {
        #[cfg(target_arch = "x86_64")]
        if ifma::serves(backend) {
            // SAFETY: just asked for.
            #[allow(unsafe_code)]
            return unsafe { ifma::run(job, &self.ifma) };
        }
        if backend == Backend::PORTABLE {
            job.run::<Words<INTERLEAVED>>(&self.words);
        } else {
            backend.run(OnLanes::<J, NARROW> { job, rounds: &self.narrow });
        }
    }
}
