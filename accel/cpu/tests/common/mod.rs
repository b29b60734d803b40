//! What the tests share: elements that include the awkward ones.
#![allow(dead_code)]

use janction_accel_cpu::{Columns, F};
use proptest::prelude::*;

/// p = 2^64 - 2^32 + 1.
pub const P: u64 = 0xffff_ffff_0000_0001;

/// Values at which carries, borrows and reductions change their minds. Those from p on are not canonical.
pub const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    1 << 63,
    P - (1 << 32),
    P - 2,
    P - 1,
    P,
    P + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// Any `u64`, the awkward ones often.
pub fn word() -> impl Strategy<Value = u64> {
    prop_oneof![2 => any::<u64>(), 1 => prop::sample::select(EDGES.to_vec())]
}

/// A stream of elements from a seed: mostly random, every eighth an awkward one.
pub struct Words(pub u64);

impl Words {
    /// The next word (splitmix64).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if z.is_multiple_of(8) { EDGES[(z >> 8) as usize % EDGES.len()] } else { z }
    }

    /// A matrix of them.
    pub fn columns(&mut self, rows: usize, columns: usize) -> Columns {
        let columns: Vec<Vec<F>> =
            (0..columns).map(|_| (0..rows).map(|_| F(self.next())).collect()).collect();
        Columns::from_columns(&columns).expect("columns of one length")
    }
}
