//! Five limbs of 52 bits for every residue, for processors that multiply 52-bit integers.
//!
//! A limb lies in a word of 64 bits as a signed integer, and may be as large as the word lets it: additions carry
//! nothing. Multiplications read the lowest 52 bits of a word, so before one the carries are passed on
//! ([`carried`]); what then stands above the 52 bits is not read and needs no mask.
//!
//! A residue stands for an element times 2^260, and 2^260 is more than 84 r, which is why bounds may grow as they do.

use super::residues::Residues;
use super::{Element, PACKED};
use crate::F;

/// Limbs of a residue.
pub(super) const LIMBS: usize = 5;
/// Bits of a limb.
pub(super) const BITS: u32 = 52;
/// The lowest 52 bits.
pub(super) const MASK: u64 = (1 << BITS) - 1;

/// r.
const MODULUS: [u64; LIMBS] =
    [0x1_f593_f000_0001, 0x4_879b_9709_143e, 0x1_8158_5d28_33e8, 0xa_029b_8504_5b68, 0x0_3064_4e72_e131];
/// -1/r modulo 2^52.
const NEGATIVE_INVERSE: u64 = 0x1_f593_efff_ffff;
/// 2^-52 mod r, less than r/8.
const SHIFT: [u64; LIMBS] =
    [0x8_2e64_4ee4_c3d2, 0xf_9389_3c98_b1de, 0xd_46fe_04d0_a4c7, 0x8_f0aa_d55e_2a1f, 0x0_05ed_0447_de83];
/// 2^520 mod r: takes an integer x to x·2^260.
const FROM_INTEGER: [u64; LIMBS] =
    [0x0_b852_d16d_a6f5, 0xc_6216_20cd_dce3, 0xa_f1b9_5343_ffb6, 0xc_3c15_e103_e7c2, 0x0_0281_528f_a122];
/// 2^264 mod r: takes x·2^256 to x·2^260.
const FROM_ELEMENT: [u64; LIMBS] =
    [0x3_1f8c_9fff_fab6, 0xa_c313_29fa_ef6e, 0x9_e2a3_495d_7570, 0xe_3572_76f4_8b70, 0x0_0d79_1464_ef86];
/// 2^256 mod r: takes x·2^260 to x·2^256.
const INTO_ELEMENT: [u64; LIMBS] =
    [0x6_341c_4fff_fffb, 0x9_59f6_0cd2_9ac9, 0x8_7946_2e36_fc76, 0xd_f2f6_66ea_36f7, 0x0_0e0a_77c1_9a07];
/// 2^260 / r, rounded down: a residue's highest limb times this, over 2^52, is about how many times it holds r.
const QUOTIENT: u64 = 84;

/// Words side by side, one for each state.
pub(super) trait Word: Copy {
    /// States side by side.
    const LANES: usize;

    /// `x` in every lane.
    fn splat(x: u64) -> Self;
    /// In lane i word `j` of `elements[i * step]`, zero where there is none.
    fn load(elements: &[Element], step: usize, j: usize) -> Self;
    /// In lane i the i-th element, canonical; zero where there is none.
    fn load_canonical(elements: &[F]) -> Self;
    /// Writes lane i to word `j` of `out[i * step]`, where there is one.
    fn store(self, out: &mut [Element], step: usize, j: usize);
    /// `self` + the lowest 52 bits of x·y, where x and y are the lowest 52 bits of `x` and `y`.
    fn add_low_product(self, x: Self, y: Self) -> Self;
    /// `self` + the 52 bits above those.
    fn add_high_product(self, x: Self, y: Self) -> Self;
    /// The sum.
    fn add(self, other: Self) -> Self;
    /// The difference.
    fn sub(self, other: Self) -> Self;
    /// Bits that one of the two has.
    fn or(self, other: Self) -> Self;
    /// The lowest 52 bits.
    fn masked(self) -> Self;
    /// Shifted up by `N` bits, what goes beyond the word lost.
    fn shl<const N: u32>(self) -> Self;
    /// Shifted down by `N` bits, zeros coming in.
    fn shr<const N: u32>(self) -> Self;
    /// Divided by 2^52 and rounded down, as a signed integer.
    fn carry(self) -> Self;
    /// `self` in lanes where `sign` is not negative as a signed integer, `other` where it is.
    fn unless_negative(self, sign: Self, other: Self) -> Self;
}

/// `K` words of states side by side for each limb: operations on one fill the waits of another.
#[derive(Clone, Copy)]
pub(super) struct Limbs<W, const K: usize>(pub(super) [[W; LIMBS]; K]);

impl<W: Word, const K: usize> Residues for Limbs<W, K> {
    const STATES: usize = K * W::LANES;
    type Constant = [u64; LIMBS];

    /// 2^4 x, by doubling: 2^256 becomes 2^260.
    fn constant(element: &Element) -> [u64; LIMBS] {
        cut(super::words::times_power_of_two(element.0, 4))
    }

    #[inline(always)]
    fn splat(element: &Element) -> Self {
        Self([splat(&cut(element.0)); K]).multiply(&Self([splat(&FROM_ELEMENT); K]))
    }

    #[inline(always)]
    fn load(elements: &[Element], step: usize) -> Self {
        let mut limbs = [[W::splat(0); LIMBS]; K];
        for (k, limbs) in limbs.iter_mut().enumerate() {
            let begin = (k * W::LANES * step).min(elements.len());
            let mut words = [W::splat(0); 4];
            for (j, word) in words.iter_mut().enumerate() {
                *word = W::load(&elements[begin..], step, j);
            }
            *limbs = cut_words(words);
        }
        Self(limbs).multiply(&Self([splat(&FROM_ELEMENT); K]))
    }

    #[inline(always)]
    fn pack(parts: [&[F]; PACKED]) -> Self {
        let mut limbs = [[W::splat(0); LIMBS]; K];
        for (k, limbs) in limbs.iter_mut().enumerate() {
            let mut words = [W::splat(0); 4];
            for (word, part) in words.iter_mut().zip(parts) {
                *word = W::load_canonical(&part[(k * W::LANES).min(part.len())..]);
            }
            *limbs = cut_words(words);
        }
        Self(limbs).multiply(&Self([splat(&FROM_INTEGER); K]))
    }

    #[inline(always)]
    fn store(self, out: &mut [Element], step: usize) {
        // Bounds: 8 · 1 / 84 + 1.13, less than 2.
        let product = self.carried().multiply(&Self([splat(&INTO_ELEMENT); K]));
        for (k, limbs) in product.0.into_iter().enumerate() {
            let words = join(least(limbs));
            let begin = (k * W::LANES * step).min(out.len());
            for (j, word) in words.into_iter().enumerate() {
                word.store(&mut out[begin..], step, j);
            }
        }
    }

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(&other.0) {
            for (x, y) in x.iter_mut().zip(y) {
                *x = x.add(*y);
            }
        }
        self
    }

    #[inline(always)]
    fn add_constant(mut self, constant: &[u64; LIMBS]) -> Self {
        for x in &mut self.0 {
            for (x, y) in x.iter_mut().zip(constant) {
                *x = x.add(W::splat(*y));
            }
        }
        self
    }

    /// Bounds: 28^2 / 84 + 1.13 < 10.5, 10.5^2 / 84 + 1.13 < 2.5, 2.5 · 28 / 84 + 1.13 < 2.
    #[inline(always)]
    fn fifth_power(self) -> Self {
        let x = self.carried();
        let square = x.square().carried();
        square.square().carried().multiply(&x)
    }

    /// Subtracts r as often as the highest limb h says, q = floor(84 h / 2^52) times. In multiples of r the residue
    /// is v = 84.64 h / 2^52 up to the limbs below: so q never exceeds v, and v - q < 1 + v/130 < 2.
    #[inline(always)]
    fn settle(mut self) -> Self {
        for x in &mut self.0 {
            // One step of every carry. The highest limb is then right up to 1, which is to q as 1 to 2^45; with
            // 1 added it is never negative.
            let mut limbs = *x;
            for j in 0..LIMBS - 1 {
                limbs[j] = x[j].masked();
            }
            for j in 1..LIMBS {
                limbs[j] = limbs[j].add(x[j - 1].carry());
            }
            let highest = limbs[LIMBS - 1].add(W::splat(1));
            let zero = W::splat(0);
            let q = zero.add_high_product(highest, W::splat(QUOTIENT));
            let mut multiple = [zero; LIMBS];
            for j in 0..LIMBS {
                multiple[j] = multiple[j].add_low_product(q, W::splat(MODULUS[j]));
                // The highest limb of r is so short that its product has nothing above 52 bits.
                if j + 1 < LIMBS {
                    multiple[j + 1] = multiple[j + 1].add_high_product(q, W::splat(MODULUS[j]));
                }
            }
            for j in 0..LIMBS {
                x[j] = limbs[j].sub(multiple[j]);
            }
        }
        self
    }
}

impl<W: Word, const K: usize> Limbs<W, K> {
    /// Passes the carries on; bits 52 and up of the lower limbs stay, and are not meant to be read.
    #[inline(always)]
    pub(super) fn carried(mut self) -> Self {
        for j in 1..LIMBS {
            for x in &mut self.0 {
                x[j] = x[j].add(x[j - 1].carry());
            }
        }
        self
    }

    /// The product over 2^260. Both sides are carried and below 2^260; [`reduce`] says how large the product is.
    #[inline(always)]
    pub(super) fn multiply(&self, other: &Self) -> Self {
        let mut columns = [[W::splat(0); 2 * LIMBS]; K];
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                for ((x, y), t) in self.0.iter().zip(&other.0).zip(&mut columns) {
                    t[i + j] = t[i + j].add_low_product(x[i], y[j]);
                    t[i + j + 1] = t[i + j + 1].add_high_product(x[i], y[j]);
                }
            }
        }
        reduce(columns)
    }

    /// [`Self::multiply`] with itself.
    #[inline(always)]
    pub(super) fn square(&self) -> Self {
        let mut columns = [[W::splat(0); 2 * LIMBS]; K];
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                for (x, t) in self.0.iter().zip(&mut columns) {
                    t[i + j] = t[i + j].add_low_product(x[i], x[j]);
                    t[i + j + 1] = t[i + j + 1].add_high_product(x[i], x[j]);
                }
            }
        }
        for t in &mut columns {
            for t in &mut t[1..2 * LIMBS - 1] {
                *t = t.add(*t);
            }
        }
        for i in 0..LIMBS {
            for (x, t) in self.0.iter().zip(&mut columns) {
                t[2 * i] = t[2 * i].add_low_product(x[i], x[i]);
                t[2 * i + 1] = t[2 * i + 1].add_high_product(x[i], x[i]);
            }
        }
        reduce(columns)
    }
}

/// `columns` over 2^260: each column counts 2^52 times the one before it.
///
/// Four times the lowest limb q goes away as q·2^-52 mod r, which needs no multiplication to find a quotient; what
/// is left is below T/2^208 + 2^52·r/8 for the value T of the columns. The last limb goes away by adding the multiple
/// of r that makes it zero. The result is below T/2^260 + r/8 + r: its bound is that of the factors, multiplied, over 84, plus
/// 1.13.
///
/// Columns: of a product at most ten halves of 52 bits, from here ten more and a carry, less than 2^57.
#[inline(always)]
fn reduce<W: Word, const K: usize>(mut columns: [[W; 2 * LIMBS]; K]) -> Limbs<W, K> {
    for i in 0..LIMBS - 1 {
        for t in &mut columns {
            t[i + 1] = t[i + 1].add(t[i].carry());
        }
        for j in 0..LIMBS {
            for t in &mut columns {
                t[i + 1 + j] = t[i + 1 + j].add_low_product(t[i], W::splat(SHIFT[j]));
                t[i + 2 + j] = t[i + 2 + j].add_high_product(t[i], W::splat(SHIFT[j]));
            }
        }
    }
    let mut result = [[W::splat(0); LIMBS]; K];
    for (t, result) in columns.iter_mut().zip(&mut result) {
        let q = W::splat(0).add_low_product(t[LIMBS - 1], W::splat(NEGATIVE_INVERSE));
        for (i, limb) in (LIMBS - 1..).zip(MODULUS) {
            t[i] = t[i].add_low_product(q, W::splat(limb));
            t[i + 1] = t[i + 1].add_high_product(q, W::splat(limb));
        }
        t[LIMBS] = t[LIMBS].add(t[LIMBS - 1].carry());
        result.copy_from_slice(&t[LIMBS..]);
    }
    Limbs(result)
}

/// The least residue, with limbs of 52 bits, for a bound of 2.
#[inline(always)]
fn least<W: Word>(limbs: [W; LIMBS]) -> [W; LIMBS] {
    let exact = exact(limbs);
    let mut difference = exact;
    for j in 0..LIMBS {
        difference[j] = difference[j].sub(W::splat(MODULUS[j]));
    }
    let difference = self::exact(difference);
    let sign = difference[LIMBS - 1];
    let mut least = difference;
    for j in 0..LIMBS {
        least[j] = difference[j].unless_negative(sign, exact[j]);
    }
    least
}

/// The same value with lower limbs of 52 bits.
#[inline(always)]
pub(super) fn exact<W: Word>(mut limbs: [W; LIMBS]) -> [W; LIMBS] {
    for j in 1..LIMBS {
        limbs[j] = limbs[j].add(limbs[j - 1].carry());
        limbs[j - 1] = limbs[j - 1].masked();
    }
    limbs
}

#[inline(always)]
fn splat<W: Word>(limbs: &[u64; LIMBS]) -> [W; LIMBS] {
    let mut result = [W::splat(0); LIMBS];
    for (to, from) in result.iter_mut().zip(limbs) {
        *to = W::splat(*from);
    }
    result
}

/// Four words of 64 bits cut into limbs. Bits above the 52nd are not cleared: multiplications do not read them.
#[inline(always)]
fn cut_words<W: Word>(words: [W; 4]) -> [W; LIMBS] {
    let [a, b, c, d] = words;
    [
        a,
        a.shr::<52>().or(b.shl::<12>()),
        b.shr::<40>().or(c.shl::<24>()),
        c.shr::<28>().or(d.shl::<36>()),
        d.shr::<16>(),
    ]
}

/// Limbs of 52 bits as four words of 64 bits.
#[inline(always)]
fn join<W: Word>(limbs: [W; LIMBS]) -> [W; 4] {
    let [a, b, c, d, e] = limbs;
    [
        a.or(b.shl::<52>()),
        b.shr::<12>().or(c.shl::<40>()),
        c.shr::<24>().or(d.shl::<28>()),
        d.shr::<36>().or(e.shl::<16>()),
    ]
}

/// [`cut_words`] of integers, with limbs of 52 bits.
#[inline(always)]
fn cut([a, b, c, d]: [u64; 4]) -> [u64; LIMBS] {
    let limbs = [a, a >> 52 | b << 12, b >> 40 | c << 24, c >> 28 | d << 36, d >> 16];
    limbs.map(|limb| limb & MASK)
}
