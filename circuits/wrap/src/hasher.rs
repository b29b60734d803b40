//! [`Bn254Poseidon2`] on many inputs at once: what makes the last layer's prover fast.

use janction_accel_cpu::bn254::Element;
use janction_accel_cpu::{AccelError, Backend, Columns, TreeHasher};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use rayon::prelude::*;

use crate::config::{Bn254Digest, Bn254Poseidon2, Domain, Poseidon2Permutation, RATE_FR, challenges};
use crate::poseidon2::{self, element, fr, many};

/// Hashes that one task makes: enough to forget the cost of a task, few enough to spread over many cores.
const HASHES_PER_TASK: usize = 128;

/// Leaves, nodes and proofs of work of trees over BN254, many side by side.
#[derive(Clone, Copy, Debug)]
pub struct Bn254Hasher {
    backend: Backend,
}

impl Bn254Hasher {
    /// With the fastest instructions that this processor has, or those that `JANCTION_SIMD` names.
    ///
    /// # Errors
    /// [`AccelError`] when the variable names what this processor cannot run.
    pub fn new() -> Result<Self, AccelError> {
        Ok(Self::with_backend(Backend::current()?))
    }

    /// With these instructions.
    #[must_use]
    pub fn with_backend(backend: Backend) -> Self {
        Self { backend }
    }

    /// Digests that `hash(first, digests)` makes, task by task.
    fn spread(count: usize, hash: impl Fn(usize, &mut [Element]) + Sync) -> Vec<Bn254Digest> {
        let mut digests = vec![Element::default(); count];
        digests
            .par_chunks_mut(HASHES_PER_TASK)
            .enumerate()
            .for_each(|(task, digests)| hash(task * HASHES_PER_TASK, digests));
        digests.into_iter().map(|digest| Bn254Digest(fr(digest))).collect()
    }
}

impl TreeHasher<Bn254Poseidon2> for Bn254Hasher {
    fn rows(&self, rows: &Columns) -> Vec<Bn254Digest> {
        let length = rows.columns() as u64;
        let initial = Domain::Leaf(length).initial_state().map(element);
        Self::spread(rows.rows(), |first, digests| {
            many().hash_rows(self.backend, rows, first, &initial, digests);
        })
    }

    fn pairs(&self, children: &[Bn254Digest]) -> Vec<Bn254Digest> {
        let [.., capacity] = Domain::Node.initial_state().map(element);
        Self::spread(children.len() / 2, |first, digests| {
            let children = &children[2 * first..2 * (first + digests.len())];
            let children: Vec<Element> = children.iter().map(|digest| element(digest.0)).collect();
            many().hash_pairs(self.backend, &children, &capacity, digests);
        })
    }

    fn responses(
        &self,
        sponge: &Poseidon2Permutation,
        position: usize,
        first: u64,
        count: usize,
    ) -> Vec<GoldilocksField> {
        let nonces = first..first + count as u64;
        let mut states: Vec<[Element; poseidon2::WIDTH]> = nonces
            .map(|nonce| {
                let mut sponge = *sponge;
                sponge.set_elt(GoldilocksField::from_canonical_u64(nonce), position);
                sponge.before_permutation().map(element)
            })
            .collect();
        states.par_chunks_mut(HASHES_PER_TASK).for_each(|states| many().permute_all(self.backend, states));
        let last = |state: [Element; poseidon2::WIDTH]| challenges(fr(state[RATE_FR - 1]))[2];
        states.into_iter().map(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use plonky2::iop::challenger::Challenger;
    use plonky2::plonk::config::Hasher;

    use super::*;

    type F = GoldilocksField;

    fn hashers() -> impl Iterator<Item = Bn254Hasher> {
        Backend::available().into_iter().map(Bn254Hasher::with_backend)
    }

    /// More rows than a task has, and not a multiple of anything.
    #[test]
    fn rows_are_hashed_one_by_one() {
        let rows = 2 * HASHES_PER_TASK + 3;
        for columns in (0..=20).chain([135]) {
            let rows = if columns == 135 { 9 } else { rows };
            let mut matrix = Columns::zeros(rows, columns);
            for j in 0..columns {
                matrix.column_mut(j).copy_from_slice(&F::rand_vec(rows));
            }
            let expected: Vec<Bn254Digest> =
                (0..rows).map(|i| Bn254Poseidon2::hash_or_noop(&matrix.row(i))).collect();
            for hasher in hashers() {
                assert_eq!(hasher.rows(&matrix), expected, "{hasher:?}, {columns} columns");
            }
        }
    }

    #[test]
    fn pairs_are_hashed_one_by_one() {
        let mut children: Vec<Bn254Digest> = (0..2 * HASHES_PER_TASK + 7)
            .map(|i| Bn254Poseidon2::hash_no_pad(&[F::from_canonical_usize(i)]))
            .collect();
        children.extend([Bn254Digest::default(), Bn254Digest(-ark_bn254::Fr::from(1u64))]);
        for count in [children.len(), 0, 1, 2, 3, 31, 2 * HASHES_PER_TASK] {
            let children = &children[children.len() - count..];
            let expected: Vec<Bn254Digest> =
                children.chunks_exact(2).map(|pair| Bn254Poseidon2::two_to_one(pair[0], pair[1])).collect();
            for hasher in hashers() {
                assert_eq!(hasher.pairs(children), expected, "{hasher:?}, {count} children");
            }
        }
    }

    /// What the challenger draws after a nonce, with any number of elements waiting before it.
    #[test]
    fn responses_are_those_of_the_challenger() {
        for waiting in 0..6 {
            let mut challenger = Challenger::<F, Bn254Poseidon2>::new();
            challenger.observe_elements(&F::rand_vec(12));
            let observed = F::rand_vec(waiting);
            let mut sponge = challenger.clone().compact();
            for (i, element) in observed.iter().enumerate() {
                sponge.set_elt(*element, i);
            }
            challenger.observe_elements(&observed);
            for hasher in hashers() {
                let responses = hasher.responses(&sponge, waiting, 1000, HASHES_PER_TASK + 5);
                assert_eq!(responses.len(), HASHES_PER_TASK + 5);
                for (nonce, response) in (1000..).zip(responses) {
                    let mut challenger = challenger.clone();
                    challenger.observe_element(F::from_canonical_u64(nonce));
                    assert_eq!(
                        response,
                        challenger.get_challenge(),
                        "{hasher:?}, {waiting} waiting, nonce {nonce}"
                    );
                }
            }
        }
    }
}
