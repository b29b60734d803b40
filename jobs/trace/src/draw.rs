//! From the beacon to the audited rows.
//!
//! Draw d of operation k (its place among the committed tensors) of a job with n rows:
//!
//! ```text
//! h     = H(BEACON, beacon[4] ++ [k, floor(d / 4)])[d mod 4]      one permutation for four draws
//! index = floor(h * n / 2^64)                                     h as an integer below p
//! ```
//!
//! Draws are with replacement and independent of each other. An index has probability 1/n up to 2^-32: with h
//! uniform below p = 2^64 - 2^32 + 1, all indices but the last are hit by floor or ceil of 2^64/n values of h, the
//! last one by up to 2^32 fewer. So a set of rows of fraction f is hit by a draw with probability at least
//! f - 2^-31.
//!
//! In a circuit: split h into halves h1 * 2^32 + h0 (canonical: h1 = 2^32 - 1 implies h0 = 0), then
//! `h0 * n = a1 * 2^32 + a0` and `h1 * n + a1 = index * 2^32 + b0` with a0, b0 below 2^32 and a1, index below
//! 2^24. No product reaches 2^57, nothing wraps, and index < n follows without a comparison.

use janction_protocol::{
    Digest, F,
    hash::{hash, tag},
};
use plonky2::field::types::{Field, PrimeField64};

/// Draws that one permutation gives.
pub const DRAWS_PER_HASH: usize = 4;

/// An audit may check more draws of each operation than its policy has, up to the end of its last piece: fewer than this.
pub const MAX_SURPLUS: usize = 256;

/// The hash that gives the draws `4 * block .. 4 * block + 4` of operation `operation`.
#[must_use]
pub fn draw_block(beacon: [F; 4], operation: usize, block: usize) -> Digest {
    let mut data = beacon.to_vec();
    data.push(F::from_canonical_u64(operation as u64));
    data.push(F::from_canonical_u64(block as u64));
    hash(tag::BEACON, &data)
}

/// The index below `rows` that the field element `h` draws.
#[must_use]
pub fn index(h: F, rows: usize) -> usize {
    // Below rows, since h < 2^64.
    ((u128::from(h.to_canonical_u64()) * rows as u128) >> 64) as usize
}

/// The `count` rows of operation `operation` that `beacon` draws in a job of `rows` rows, in order of the draws;
/// a row can occur more than once.
///
/// # Panics
/// When `rows` is zero: a job has at least one row.
#[must_use]
pub fn draw_rows(beacon: [F; 4], operation: usize, rows: usize, count: usize) -> Vec<usize> {
    assert!(rows > 0, "a job has at least one row");
    let blocks = count.div_ceil(DRAWS_PER_HASH);
    let elements = (0..blocks).flat_map(|block| draw_block(beacon, operation, block).0);
    elements.take(count).map(|h| index(h, rows)).collect()
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field64;

    use super::*;

    fn beacon(seed: u64) -> [F; 4] {
        [1, 2, 3, seed].map(F::from_canonical_u64)
    }

    #[test]
    fn the_circuits_steps_give_the_index() {
        let p = F::ORDER;
        for h in [0, 1, 0xffff_ffff, 1 << 32, 0x1234_5678_9abc_def0, p - 2, p - 1] {
            for n in [1u64, 2, 3, 360, 4096, (1 << 24) - 1, 1 << 24] {
                let (h1, h0) = (h >> 32, h & 0xffff_ffff);
                let a1 = (h0 * n) >> 32;
                let got = (h1 * n + a1) >> 32;
                assert_eq!(got as usize, index(F::from_canonical_u64(h), n as usize), "{h} {n}");
                assert!(got < n && a1 < 1 << 24);
            }
        }
    }

    #[test]
    fn draws_depend_on_everything_and_extend() {
        let rows = draw_rows(beacon(4), 0, 1000, 10);
        assert_eq!(rows[..7], draw_rows(beacon(4), 0, 1000, 7)[..]);
        assert_ne!(rows, draw_rows(beacon(5), 0, 1000, 10));
        assert_ne!(rows, draw_rows(beacon(4), 1, 1000, 10));
        assert_eq!(draw_rows(beacon(4), 0, 1, 5), [0; 5]);
        assert!(draw_rows(beacon(4), 0, 1000, 0).is_empty());
    }

    /// Golden: which rows are audited is consensus.
    #[test]
    fn golden() {
        assert_eq!(draw_rows(beacon(4), 2, 360, 9), GOLDEN);
    }

    const GOLDEN: [usize; 9] = [69, 148, 136, 322, 180, 62, 58, 295, 354];

    #[test]
    fn draws_are_spread() {
        let mut hits = [0u32; 8];
        for row in draw_rows(beacon(7), 0, 8, 8000) {
            hits[row] += 1;
        }
        // Five standard deviations (29.6) around 1000.
        assert!(hits.iter().all(|&h| (852..=1148).contains(&h)), "{hits:?}");
    }
}
