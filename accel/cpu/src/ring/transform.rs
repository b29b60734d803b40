//! The negacyclic transform of length 512 modulo q, of 32 polynomials side by side.
//!
//! Forward: from coefficients to the values at the 512 odd powers of a primitive 1024th root of unity, in bit-reversed order
//! (Cooley and Tukey's butterflies); inverse: back (Gentleman and Sande's). Three levels at a time stay in registers.

use super::lanes::Lanes16;
use super::{DEGREE, MODULUS, SIDE_BY_SIDE};

/// One residue of each of the polynomials.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Vector(pub [u16; SIDE_BY_SIDE]);

impl Vector {
    pub const ZERO: Self = Self([0; SIDE_BY_SIDE]);
}

/// 32 polynomials: `matrix[j].0[lane]` is coefficient or value j of polynomial `lane`.
pub(super) type Matrix = [Vector; DEGREE];

pub(super) fn zeros() -> Box<Matrix> {
    // A matrix has 32 KiB, which the conversion keeps off the stack.
    let vectors = vec![Vector::ZERO; DEGREE].into_boxed_slice();
    vectors.try_into().unwrap_or_else(|_| unreachable!("the slice has as many vectors"))
}

/// 1 / q modulo 2^16.
pub(super) const MODULUS_INVERSE: u16 = {
    let mut inverse: u16 = 1;
    let mut i = 0;
    while i < 4 {
        // Newton: twice as many bits are right each time.
        inverse = inverse.wrapping_mul(2u16.wrapping_sub(MODULUS.wrapping_mul(inverse)));
        i += 1;
    }
    inverse
};

/// x · 2^16: what a product with x · 2^16, divided by 2^16, is a product with x by.
pub(super) const fn montgomery(x: u16) -> u16 {
    (((x as u64) << 16) % MODULUS as u64) as u16
}

const fn power(base: u64, mut exponent: u64) -> u64 {
    let (mut result, mut square) = (1, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * square % MODULUS as u64;
        }
        square = square * square % MODULUS as u64;
        exponent >>= 1;
    }
    result
}

/// A primitive 1024th root of unity: 5 generates the multiplicative group.
pub const ROOT: u16 = power(5, (MODULUS as u64 - 1) / 1024) as u16;

/// A constant that residues are multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Twiddle {
    /// Its Montgomery form, twice: an instruction that spreads 32 bits is cheaper than one that spreads 16.
    pub pair: i32,
    /// The same times 1 / q modulo 2^16, twice.
    pub reducing_pair: i32,
}

impl Twiddle {
    const fn new(x: u64) -> Self {
        let w = montgomery(x as u16);
        let wq = w.wrapping_mul(MODULUS_INVERSE);
        Self { pair: (w as u32 * 0x1_0001) as i32, reducing_pair: (wq as u32 * 0x1_0001) as i32 }
    }

    /// Both, once.
    pub const fn residues(self) -> [u16; 2] {
        [self.pair as u16, self.reducing_pair as u16]
    }
}

/// At k: `root` to the power of k with its nine bits reversed.
const fn powers(root: u64) -> [u16; DEGREE] {
    let mut all = [1; DEGREE];
    let mut k = 0;
    while k < DEGREE {
        let reversed = k.reverse_bits() >> (usize::BITS - DEGREE.ilog2());
        all[k] = power(root, reversed as u64) as u16;
        k += 1;
    }
    all
}

/// What the way to the values multiplies with: group g of the level with 2^l groups takes entry 2^l + g. Entry k is [`ROOT`] to
/// the power of k with its nine bits reversed.
pub static FORWARD_ROOTS: [u16; DEGREE] = powers(ROOT as u64);
/// Their inverses, for the way back.
pub static INVERSE_ROOTS: [u16; DEGREE] = powers(power(ROOT as u64, 1023));

type Twiddles = [Twiddle; DEGREE];

const fn twiddles(powers: &[u16; DEGREE]) -> Twiddles {
    let mut all = [Twiddle::new(1); DEGREE];
    let mut k = 0;
    while k < DEGREE {
        all[k] = Twiddle::new(powers[k] as u64);
        k += 1;
    }
    all
}

static FORWARD: Twiddles = twiddles(&FORWARD_ROOTS);
static INVERSE: Twiddles = twiddles(&INVERSE_ROOTS);
/// 1 / 512.
const SCALE: Twiddle = Twiddle::new(power(DEGREE as u64, MODULUS as u64 - 2));

/// Sets the polynomials to those of 512 bytes each that lie one after another.
#[inline(always)]
pub(super) fn load(matrix: &mut Matrix, bytes: &[u8]) {
    let bytes = &bytes[..SIDE_BY_SIDE * DEGREE];
    for j in (0..DEGREE).step_by(8) {
        for lane in (0..SIDE_BY_SIDE).step_by(8) {
            // Loops, and no closures: those may be compiled without the caller's instructions, and called one by one.
            let mut rows = [0; 8];
            for (i, row) in rows.iter_mut().enumerate() {
                let start = (lane + i) * DEGREE + j;
                let mut word = [0; 8];
                word.copy_from_slice(&bytes[start..start + 8]);
                *row = u64::from_le_bytes(word);
            }
            transpose(&mut rows);
            for (i, row) in rows.into_iter().enumerate() {
                let target = &mut matrix[j + i].0[lane..lane + 8];
                for (residue, byte) in target.iter_mut().zip(row.to_le_bytes()) {
                    *residue = byte as u16;
                }
            }
        }
    }
}

/// Transposes 8 x 8 bytes: swaps of 4 x 4, 2 x 2 and single ones.
#[inline(always)]
fn transpose(rows: &mut [u64; 8]) {
    swap::<4>(rows, 0xffff_ffff);
    swap::<2>(rows, 0x0000_ffff_0000_ffff);
    swap::<1>(rows, 0x00ff_00ff_00ff_00ff);
}

/// Swaps the upper `DISTANCE` bytes of each `2 * DISTANCE` with the lower ones of the row that is `DISTANCE` below.
#[inline(always)]
fn swap<const DISTANCE: usize>(rows: &mut [u64; 8], mask: u64) {
    let shift = 8 * DISTANCE;
    for i in 0..8 {
        if i & DISTANCE == 0 {
            let (a, b) = (rows[i], rows[i + DISTANCE]);
            rows[i] = (a & mask) | (b & mask) << shift;
            rows[i + DISTANCE] = (a >> shift & mask) | (b & !mask);
        }
    }
}

/// `sums` + `values` · `multipliers`, the multipliers in Montgomery form.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn multiply_add<L: Lanes16>(sums: &mut Matrix, values: &Matrix, multipliers: &Matrix) {
    for ((sum, value), multiplier) in sums.iter_mut().zip(values).zip(multipliers) {
        for part in (0..SIDE_BY_SIDE).step_by(L::WIDTH) {
            // SAFETY: `part` and the width's lanes behind it lie in the vectors.
            unsafe {
                let product =
                    L::load(value.0.as_ptr().add(part)).multiply(L::load(multiplier.0.as_ptr().add(part)));
                L::load(sum.0.as_ptr().add(part)).add(product).store(sum.0.as_mut_ptr().add(part));
            }
        }
    }
}

/// Coefficients to values.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn forward<L: Lanes16>(matrix: &mut Matrix) {
    for stride in [64, 8, 1] {
        // SAFETY: the caller's.
        unsafe { pass::<L, true>(matrix, stride) };
    }
}

/// Values to coefficients.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn inverse<L: Lanes16>(matrix: &mut Matrix) {
    for stride in [1, 8, 64] {
        // SAFETY: the caller's.
        unsafe { pass::<L, false>(matrix, stride) };
    }
    for vector in matrix {
        for part in (0..SIDE_BY_SIDE).step_by(L::WIDTH) {
            // SAFETY: `part` and the width's lanes behind it lie in the vector.
            unsafe {
                let at = vector.0.as_mut_ptr().add(part);
                L::load(at).twist(SCALE).store(at);
            }
        }
    }
}

/// The constants of three levels for the group of `8 * stride` residues that is number `group`.
#[inline(always)]
fn groups(all: &Twiddles, stride: usize, group: usize) -> [&[Twiddle]; 3] {
    let first = DEGREE / (8 * stride) + group;
    [&all[first..first + 1], &all[2 * first..2 * first + 2], &all[4 * first..4 * first + 4]]
}

/// (a, b) to (a + w b, a - w b).
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn split<L: Lanes16>(v: &mut [L; 8], a: usize, b: usize, w: Twiddle) {
    // SAFETY: the caller's.
    unsafe {
        let product = v[b].twist(w);
        (v[a], v[b]) = (v[a].add(product), v[a].subtract(product));
    }
}

/// (a, b) to (a + b, (a - b) w).
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn join<L: Lanes16>(v: &mut [L; 8], a: usize, b: usize, w: Twiddle) {
    // SAFETY: the caller's.
    unsafe { (v[a], v[b]) = (v[a].add(v[b]), v[a].subtract(v[b]).twist(w)) }
}

/// Three levels, forward or inverse, of residues that lie `stride`, 2 `stride` and 4 `stride` apart.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn pass<L: Lanes16, const IS_FORWARD: bool>(matrix: &mut Matrix, stride: usize) {
    for group in 0..DEGREE / (8 * stride) {
        let [one, two, four] = groups(if IS_FORWARD { &FORWARD } else { &INVERSE }, stride, group);
        for j in 0..stride {
            let first = group * 8 * stride + j;
            for part in (0..SIDE_BY_SIDE).step_by(L::WIDTH) {
                // SAFETY: first + 7 stride is below the degree, and `part` with the width's lanes behind it lies in a vector.
                unsafe {
                    let mut v = [L::load(matrix[first].0.as_ptr().add(part)); 8];
                    for (i, x) in v.iter_mut().enumerate().skip(1) {
                        *x = L::load(matrix[first + i * stride].0.as_ptr().add(part));
                    }
                    if IS_FORWARD {
                        for i in 0..4 {
                            split(&mut v, i, i + 4, one[0]);
                        }
                        for i in [0, 1, 4, 5] {
                            split(&mut v, i, i + 2, two[i / 4]);
                        }
                        for i in [0, 2, 4, 6] {
                            split(&mut v, i, i + 1, four[i / 2]);
                        }
                    } else {
                        for i in [0, 2, 4, 6] {
                            join(&mut v, i, i + 1, four[i / 2]);
                        }
                        for i in [0, 1, 4, 5] {
                            join(&mut v, i, i + 2, two[i / 4]);
                        }
                        for i in 0..4 {
                            join(&mut v, i, i + 4, one[0]);
                        }
                    }
                    for (i, x) in v.into_iter().enumerate() {
                        x.store(matrix[first + i * stride].0.as_mut_ptr().add(part));
                    }
                }
            }
        }
    }
}
