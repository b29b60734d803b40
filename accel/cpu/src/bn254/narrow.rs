//! Nine limbs of 29 bits for every residue, for vectors whose multiplications take 32 bits.
//!
//! A limb lies in a word of 64 bits. Additions carry nothing; before a multiplication carries are passed on, and
//! then every limb is below 2^29 ([`carry`]). The highest limb alone may be below zero for a while: it passes
//! nothing on, so that wrapping around does no harm.
//!
//! A residue stands for an element times 2^261, and 2^261 is more than 169 r, which is why bounds may grow as they do.

use super::permutation::Rounds;
use super::residues::{Job, Residues};
use super::words::{least, times_power_of_two};
use super::{Element, PACKED};
use crate::F;
use crate::backend::Kernel;
use crate::lanes::{Lanes, MAX_WIDTH, Scalar};

/// Limbs of a residue.
const LIMBS: usize = 9;
/// Bits of a limb.
const BITS: u32 = 29;
/// The lowest 29 bits.
const MASK: u64 = (1 << BITS) - 1;

/// r.
const MODULUS: [u64; LIMBS] = [
    0x1000_0001,
    0x1f0f_ac9f,
    0x0e5c_2450,
    0x07d0_90f3,
    0x1585_d283,
    0x02db_40c0,
    0x00a6_e141,
    0x0e5c_2634,
    0x0030_644e,
];
/// -1/r modulo 2^29.
const NEGATIVE_INVERSE: u64 = 0x0fff_ffff;
/// 2^-29 mod r, less than r/2.
const SHIFT: [u64; LIMBS] = [
    0x18f0_5361,
    0x012b_b1fe,
    0x0f5d_8135,
    0x1e62_75f6,
    0x07e7_a880,
    0x10c6_bf1f,
    0x11f7_4a6c,
    0x06fd_aecb,
    0x0018_3227,
];
/// 2^522 mod r: takes an integer x to x·2^261.
const FROM_INTEGER: [u64; LIMBS] = [
    0x05b6_9bd4,
    0x0617_0a5a,
    0x020c_ddce,
    0x1db6_310b,
    0x0e54_d0ff,
    0x1cf8_55e3,
    0x1c15_e103,
    0x07d0_9161,
    0x000a_054a,
];
/// 2^266 mod r: takes x·2^256 to x·2^261.
const FROM_ELEMENT: [u64; LIMBS] = [
    0x0fff_ead7,
    0x1d54_44f4,
    0x0443_8aa5,
    0x03b4_d096,
    0x134c_84da,
    0x0e92_d304,
    0x14cb_95b3,
    0x041b_9d3d,
    0x0005_8003,
];
/// 2^256 mod r: takes x·2^261 to x·2^256.
const INTO_ELEMENT: [u64; LIMBS] = [
    0x0fff_fffb,
    0x04b1_a0e2,
    0x1833_4a6b,
    0x18ed_2b3e,
    0x1462_e36f,
    0x11b7_bc3c,
    0x1cbd_99ba,
    0x1833_40fb,
    0x000e_0a77,
];
/// 2^36 over the highest limb of r, rounded down: a residue's highest limb times this, over 2^36, is how many times it
/// holds r, or one less.
const QUOTIENT: u64 = 21_668;
/// The exponent of that power.
const QUOTIENT_BITS: u32 = 36;
/// Zero, with lower limbs so large that 48 r can be subtracted limb by limb.
const ZERO: [u64; LIMBS] = {
    const LARGE: u64 = 1 << 36;
    let mut limbs = [LARGE - (LARGE >> BITS); LIMBS];
    limbs[0] = LARGE;
    limbs[LIMBS - 1] = 0u64.wrapping_sub(LARGE >> BITS);
    limbs
};

/// `K` vectors of states for each limb: operations on one fill the waits of another.
#[derive(Clone, Copy)]
pub(super) struct Narrow<L, const K: usize>([[L; LIMBS]; K]);

/// A job on a backend's lanes.
pub(super) struct OnLanes<'a, J, const K: usize> {
    pub(super) job: J,
    pub(super) rounds: &'a Rounds<[u64; LIMBS]>,
}

impl<J: Job, const K: usize> Kernel for OnLanes<'_, J, K> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        self.job.run::<Narrow<L, K>>(self.rounds);
    }
}

impl<L: Lanes, const K: usize> Residues for Narrow<L, K> {
    const STATES: usize = K * L::WIDTH;
    type Constant = [u64; LIMBS];

    /// 2^5 x: 2^256 becomes 2^261.
    fn constant(element: &Element) -> [u64; LIMBS] {
        cut(times_power_of_two(element.0, 5).map(Scalar)).map(|limb| limb.0)
    }

    #[inline(always)]
    fn splat(element: &Element) -> Self {
        let limbs = cut(element.0.map(Scalar)).map(|limb| limb.0);
        Self([splat(&limbs); K]).multiply(&Self([splat(&FROM_ELEMENT); K]))
    }

    #[inline(always)]
    fn load(elements: &[Element], step: usize) -> Self {
        let mut limbs = [[L::splat(0); LIMBS]; K];
        for (k, limbs) in limbs.iter_mut().enumerate() {
            let mut words = [L::splat(0); 4];
            for (j, word) in words.iter_mut().enumerate() {
                *word = L::from_fn(|i| elements.get((k * L::WIDTH + i) * step).map_or(0, |x| x.0[j]));
            }
            *limbs = cut(words);
        }
        Self(limbs).multiply(&Self([splat(&FROM_ELEMENT); K]))
    }

    #[inline(always)]
    fn pack(parts: [&[F]; PACKED]) -> Self {
        let mut limbs = [[L::splat(0); LIMBS]; K];
        for (k, limbs) in limbs.iter_mut().enumerate() {
            let mut words = [L::splat(0); 4];
            for (word, part) in words.iter_mut().zip(parts) {
                *word = L::from_fn(|i| part.get(k * L::WIDTH + i).map_or(0, |x| x.0)).canonical();
            }
            *limbs = cut(words);
        }
        Self(limbs).multiply(&Self([splat(&FROM_INTEGER); K]))
    }

    #[inline(always)]
    fn store(self, out: &mut [Element], step: usize) {
        // Bounds: 8 · 1 / 169 + 1.5, less than 2.
        let product = self.carried().multiply(&Self([splat(&INTO_ELEMENT); K]));
        for (k, limbs) in product.0.iter().enumerate() {
            let mut words = [[0; MAX_WIDTH]; 4];
            for (to, word) in words.iter_mut().zip(join(limbs)) {
                *to = word.to_array();
            }
            let [a, b, c, d] = words;
            let begin = (k * L::WIDTH * step).min(out.len());
            for (i, element) in out[begin..].iter_mut().step_by(step).take(L::WIDTH).enumerate() {
                *element = Element(least([a[i], b[i], c[i], d[i]]));
            }
        }
    }

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(&other.0) {
            for (x, y) in x.iter_mut().zip(y) {
                *x = x.raw_add(*y);
            }
        }
        self
    }

    #[inline(always)]
    fn add_constant(mut self, constant: &[u64; LIMBS]) -> Self {
        for x in &mut self.0 {
            for (x, y) in x.iter_mut().zip(constant) {
                *x = x.raw_add(L::splat(*y));
            }
        }
        self
    }

    /// Bounds: 28^2 / 169 + 1.5 < 6.2, 6.2^2 / 169 + 1.5 < 1.8, 1.8 · 28 / 169 + 1.5 < 2.
    #[inline(always)]
    fn fifth_power(self) -> Self {
        let x = self.carried();
        x.square().square().multiply(&x)
    }

    /// Subtracts r as often as the highest limb says, q times. That limb is right, or 1 too low, which is to q as 1 to
    /// 2^21; with 1 added it is never negative. The inverse is rounded down by more than that, so q is never too
    /// large, and at most 1 too small.
    #[inline(always)]
    fn settle(mut self) -> Self {
        for x in &mut self.0 {
            let mut limbs = *x;
            for limb in &mut limbs[..LIMBS - 1] {
                *limb = limb.raw_and(L::splat(MASK));
            }
            for j in 1..LIMBS {
                limbs[j] = limbs[j].raw_add(x[j - 1].raw_shr::<BITS>());
            }
            let highest = limbs[LIMBS - 1].raw_add(L::splat(1));
            let q = highest.raw_mul(L::splat(QUOTIENT)).raw_shr::<QUOTIENT_BITS>();
            for j in 0..LIMBS {
                let limb = limbs[j].raw_add(L::splat(ZERO[j]));
                x[j] = limb.raw_sub(q.raw_mul(L::splat(MODULUS[j])));
            }
        }
        self
    }
}

impl<L: Lanes, const K: usize> Narrow<L, K> {
    #[inline(always)]
    fn carried(mut self) -> Self {
        for x in &mut self.0 {
            carry(x);
        }
        self
    }

    /// The product over 2^261, carried, of carried sides below 2^261. [`fold`] says how large it is.
    #[inline(always)]
    fn multiply(mut self, other: &Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(&other.0) {
            *x = multiply(x, y);
        }
        self
    }

    /// [`Self::multiply`] with itself.
    #[inline(always)]
    fn square(mut self) -> Self {
        for x in &mut self.0 {
            *x = square(x);
        }
        self
    }
}

/// Passes the carries on.
#[inline(always)]
fn carry<L: Lanes>(limbs: &mut [L; LIMBS]) {
    for j in 1..LIMBS {
        limbs[j] = limbs[j].raw_add(limbs[j - 1].raw_shr::<BITS>());
        limbs[j - 1] = limbs[j - 1].raw_and(L::splat(MASK));
    }
}

/// Row by row: the lowest column that is left takes nothing more from the rows that follow, and folds at once. Nine
/// columns at a time are all there is, and they fit into registers.
///
/// (The rows are written out because the compiler does not unroll so much.)
#[inline(always)]
fn multiply<L: Lanes>(x: &[L; LIMBS], y: &[L; LIMBS]) -> [L; LIMBS] {
    let mut columns = [L::splat(0); LIMBS];
    row::<L, 0>(&mut columns, x[0], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[1], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[2], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[3], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[4], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[5], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[6], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[7], y);
    fold(&mut columns);
    row::<L, 0>(&mut columns, x[8], y);
    finish(columns)
}

/// [`multiply`] of x and x: in row i the products of limb i with itself and, twice, with those after it.
#[inline(always)]
fn square<L: Lanes>(x: &[L; LIMBS]) -> [L; LIMBS] {
    let mut twice = *x;
    for limb in &mut twice {
        *limb = limb.raw_add(*limb);
    }
    let mut columns = [L::splat(0); LIMBS];
    square_row::<L, 0, 1>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 1, 2>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 2, 3>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 3, 4>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 4, 5>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 5, 6>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 6, 7>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 7, 8>(&mut columns, x, &twice);
    fold(&mut columns);
    square_row::<L, 8, 9>(&mut columns, x, &twice);
    finish(columns)
}

/// Adds `x` times the limbs of `y` from `FROM` on.
#[inline(always)]
fn row<L: Lanes, const FROM: usize>(columns: &mut [L; LIMBS], x: L, y: &[L; LIMBS]) {
    for j in FROM..LIMBS {
        columns[j] = columns[j].raw_add(x.raw_mul(y[j]));
    }
}

#[inline(always)]
fn square_row<L: Lanes, const I: usize, const NEXT: usize>(
    columns: &mut [L; LIMBS],
    x: &[L; LIMBS],
    twice: &[L; LIMBS],
) {
    columns[I] = columns[I].raw_add(x[I].raw_mul(x[I]));
    row::<L, NEXT>(columns, x[I], twice);
}

/// Makes the lowest limb q of the columns go away as q·2^-29 mod r, and moves on by a column.
///
/// Each column counts 2^29 times the one before it. Eight such steps leave less than T/2^232 + 2^29·r/2 of a product
/// T, and after the last, which adds a multiple of r, less than T/2^261 + r/2 + r: a product's bound is that of the
/// factors, multiplied, over 169, plus 1.5.
///
/// A column takes in at most nine products below 2^58 from the rows, nine from here, and a carry: less than 2^63.
#[inline(always)]
fn fold<L: Lanes>(columns: &mut [L; LIMBS]) {
    let q = columns[0].raw_and(L::splat(MASK));
    columns[1] = columns[1].raw_add(columns[0].raw_shr::<BITS>());
    for j in 1..LIMBS {
        columns[j - 1] = columns[j].raw_add(q.raw_mul(L::splat(SHIFT[j - 1])));
    }
    columns[LIMBS - 1] = q.raw_mul(L::splat(SHIFT[LIMBS - 1]));
}

/// Adds the multiple of r that makes the lowest column zero, moves on and passes the carries on.
#[inline(always)]
fn finish<L: Lanes>(mut columns: [L; LIMBS]) -> [L; LIMBS] {
    let q = columns[0].raw_mul(L::splat(NEGATIVE_INVERSE)).raw_and(L::splat(MASK));
    for (column, limb) in columns.iter_mut().zip(MODULUS) {
        *column = column.raw_add(q.raw_mul(L::splat(limb)));
    }
    columns[1] = columns[1].raw_add(columns[0].raw_shr::<BITS>());
    let mut limbs = [L::splat(0); LIMBS];
    limbs[..LIMBS - 1].copy_from_slice(&columns[1..]);
    carry(&mut limbs);
    limbs
}

#[inline(always)]
fn splat<L: Lanes>(limbs: &[u64; LIMBS]) -> [L; LIMBS] {
    let mut result = [L::splat(0); LIMBS];
    for (to, from) in result.iter_mut().zip(limbs) {
        *to = L::splat(*from);
    }
    result
}

/// Four words of 64 bits cut into limbs.
#[inline(always)]
fn cut<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; LIMBS] {
    let mut limbs = [
        a,
        a.raw_shr::<29>(),
        a.raw_shr::<58>().raw_add(b.raw_shl::<6>()),
        b.raw_shr::<23>(),
        b.raw_shr::<52>().raw_add(c.raw_shl::<12>()),
        c.raw_shr::<17>(),
        c.raw_shr::<46>().raw_add(d.raw_shl::<18>()),
        d.raw_shr::<11>(),
        d.raw_shr::<40>(),
    ];
    for limb in &mut limbs {
        *limb = limb.raw_and(L::splat(MASK));
    }
    limbs
}

/// Limbs of 29 bits as four words of 64 bits.
#[inline(always)]
fn join<L: Lanes>(limbs: &[L; LIMBS]) -> [L; 4] {
    let [a, b, c, d, e, f, g, h, i] = *limbs;
    [
        a.raw_add(b.raw_shl::<29>()).raw_add(c.raw_shl::<58>()),
        c.raw_shr::<6>().raw_add(d.raw_shl::<23>()).raw_add(e.raw_shl::<52>()),
        e.raw_shr::<12>().raw_add(f.raw_shl::<17>()).raw_add(g.raw_shl::<46>()),
        g.raw_shr::<18>().raw_add(h.raw_shl::<11>()).raw_add(i.raw_shl::<40>()),
    ]
}
