//! Plonky2's Poseidon permutation of width 12 over Goldilocks, and the hashes made of it.
//!
//! Where speed counts, many permutations go side by side, one per lane; nothing is ever gained inside one.

mod constants;
mod hash;
mod mds;
mod permutation;

pub use constants::{Constants, constants};
pub(crate) use hash::{hash_leaves, hash_nodes, hash_rows};
pub use permutation::{linear_layer, permute_lanes, sbox};

use crate::F;
use crate::backend::{Backend, Kernel};
use crate::lanes::{Lanes, Scalar};

/// Elements in a state.
pub const WIDTH: usize = 12;
/// Elements that a sponge takes in per permutation.
pub const RATE: usize = 8;

/// One permutation. For many, [`permute_all`].
pub fn permute(state: [F; WIDTH]) -> [F; WIDTH] {
    let mut lanes = state.map(|x| Scalar(x.0));
    permute_lanes(&mut lanes);
    lanes.map(|x| F(x.canonical().0))
}

/// Permutes every state, many side by side, on this thread.
pub fn permute_all(backend: Backend, states: &mut [[F; WIDTH]]) {
    backend.run(PermuteAll { states });
}

struct PermuteAll<'a> {
    states: &'a mut [[F; WIDTH]],
}

impl Kernel for PermuteAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for group in self.states.chunks_mut(L::WIDTH) {
            let mut lanes = [L::splat(0); WIDTH];
            for (k, vector) in lanes.iter_mut().enumerate() {
                *vector = L::from_fn(|i| group.get(i).map_or(0, |state| state[k].0));
            }
            permute_lanes(&mut lanes);
            for (k, vector) in lanes.iter().enumerate() {
                let elements = vector.canonical().to_array();
                for (state, element) in group.iter_mut().zip(elements) {
                    state[k] = F(element);
                }
            }
        }
    }
}
