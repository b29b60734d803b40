//! Round constants, taken from Plonky2 and rearranged.
//!
//! In the 22 partial rounds only element 0 passes the S-box. What a round adds to the others can be added after
//! the S-box as well, goes through the linear layer, and is then part of the next round's constants. Pushed on
//! like this round by round, one constant per partial round is left, and the first full round after them takes
//! the rest. (The matrix stays as it is, with small entries: sparse matrices with full-size entries, which the
//! scalar form prefers, cost more when the small ones are shifts and additions.)

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, Poseidon};

use super::WIDTH;
use crate::F;
use std::sync::OnceLock;

/// Full rounds before and after the partial ones.
pub const HALF_FULL: usize = HALF_N_FULL_ROUNDS;
/// Partial rounds.
pub const PARTIAL: usize = N_PARTIAL_ROUNDS;

/// What is added to the state before each S-box layer.
pub struct Constants {
    /// The full rounds, first half then second half.
    pub full: [[u64; WIDTH]; 2 * HALF_FULL],
    /// Element 0 in the partial rounds.
    pub partial: [u64; PARTIAL],
}

/// The constants, derived once per process.
#[inline]
pub fn constants() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(derive)
}

fn derive() -> Constants {
    let round = |r: usize| -> [F; WIDTH] {
        std::array::from_fn(|i| F::from_canonical_u64(ALL_ROUND_CONSTANTS[r * WIDTH + i]))
    };
    let words = |row: [F; WIDTH]| row.map(|x| x.0);
    let mut full = [[0; WIDTH]; 2 * HALF_FULL];
    for r in 0..HALF_FULL {
        full[r] = words(round(r));
        full[HALF_FULL + r] = words(round(HALF_FULL + PARTIAL + r));
    }
    let mut partial = [0; PARTIAL];
    let mut carried = [F::ZERO; WIDTH];
    for (r, constant) in partial.iter_mut().enumerate() {
        let mut row = round(HALF_FULL + r);
        row.iter_mut().zip(carried).for_each(|(x, c)| *x += c);
        *constant = canonical(row[0]);
        row[0] = F::ZERO;
        carried = <F as Poseidon>::mds_layer(&row);
    }
    for (word, carry) in full[HALF_FULL].iter_mut().zip(carried) {
        *word = canonical(F(*word) + carry);
    }
    Constants { full, partial }
}

fn canonical(x: F) -> u64 {
    use plonky2::field::types::PrimeField64;
    x.to_canonical_u64()
}
