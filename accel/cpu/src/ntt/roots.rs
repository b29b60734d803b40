//! Tables of roots of unity in bit-reversed order.

use std::sync::OnceLock;

use plonky2::field::types::{Field, PrimeField64};

use super::reverse_bits;
use crate::F;

/// The table for transforms over up to 2^(`log2` + 1) points: entry i is w^(reverse(i)), w of order
/// 2^(`log2` + 1), i < 2^`log2`. Entries are below p.
///
/// The first half of every table is the table below it, so one table serves all smaller transforms. Kept for the
/// life of the process: at most 8 bytes per two points of the largest transform, and as much again for smaller
/// ones.
pub(super) fn roots(log2: usize) -> &'static [F] {
    static TABLES: [OnceLock<Box<[F]>>; 32] = [const { OnceLock::new() }; 32];
    TABLES[log2].get_or_init(|| {
        let root = F::primitive_root_of_unity(log2 + 1);
        let mut table = vec![F::ONE; 1 << log2].into_boxed_slice();
        let mut power = F::ONE;
        for i in 0..1 << log2 {
            table[reverse_bits(i, log2)] = F(power.to_canonical_u64());
            power *= root;
        }
        table
    })
}
