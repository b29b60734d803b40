//! Inner products over the ring R = Z_q\[X\] / (X^512 + 1), q = 64513, of fixed elements with bytes: what commitment scheme 2
//! sketches tensors with.
//!
//! q - 1 = 63 · 2^10, so X^512 + 1 splits into linear factors and a product in R is 512 products of residues between a forward
//! and an inverse negacyclic transform. Residues are 16 bits wide and lie side by side, one polynomial a lane, so that no step
//! of a transform has to move anything between lanes.

mod lanes;
mod transform;

use std::fmt;

use crate::backend::Backend;
use lanes::{Lanes16, Portable};
pub use transform::{FORWARD_ROOTS, INVERSE_ROOTS, ROOT};
use transform::{Matrix, Vector, forward, inverse, montgomery};

/// Coefficients of a ring element.
pub const DEGREE: usize = 512;
/// q.
pub const MODULUS: u16 = 64513;
/// Polynomials that are transformed together.
pub const SIDE_BY_SIDE: usize = 32;

/// A ring element: 512 coefficients below [`MODULUS`], the constant one first.
pub type Element = [u16; DEGREE];

/// A cell that counts as its distance from the smallest value of its type.
pub trait Cell: Copy {
    /// The distance.
    fn distance(self) -> u8;
}

impl Cell for u8 {
    #[inline(always)]
    fn distance(self) -> u8 {
        self
    }
}

impl Cell for i8 {
    #[inline(always)]
    fn distance(self) -> u8 {
        self as u8 ^ 0x80
    }
}

/// The fixed elements of an inner product, transformed once.
pub struct Multipliers {
    /// [`SIDE_BY_SIDE`] elements each, the last one filled up with zeros.
    groups: Vec<Box<Matrix>>,
    count: usize,
}

/// The values of at most [`SIDE_BY_SIDE`] elements, one a lane.
fn group(backend: Backend, elements: &[Element]) -> Box<Matrix> {
    let mut matrix = transform::zeros();
    for (lane, element) in elements.iter().enumerate() {
        for (vector, &coefficient) in matrix.iter_mut().zip(element) {
            vector.0[lane] = coefficient;
        }
    }
    dispatch(backend, Evaluate(&mut matrix));
    matrix
}

/// The elements' values at the odd powers of [`ROOT`], for whoever multiplies elsewhere: value k of each belongs to the power of
/// 2 reverse(k) + 1, with the nine bits of k reversed. All are below [`MODULUS`].
#[must_use]
pub fn values(backend: Backend, elements: &[Element]) -> Vec<Element> {
    let of = |elements: &[Element]| {
        let matrix = group(backend, elements);
        (0..elements.len()).map(|lane| std::array::from_fn(|k| matrix[k].0[lane])).collect::<Vec<Element>>()
    };
    elements.chunks(SIDE_BY_SIDE).flat_map(of).collect()
}

impl Multipliers {
    /// Prepares `elements`, in order.
    #[must_use]
    pub fn new(backend: Backend, elements: &[Element]) -> Self {
        let group = |elements: &[Element]| {
            let mut matrix = group(backend, elements);
            for vector in &mut *matrix {
                vector.0 = vector.0.map(montgomery);
            }
            matrix
        };
        Self { groups: elements.chunks(SIDE_BY_SIDE).map(group).collect(), count: elements.len() }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Multipliers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Multipliers({})", self.count)
    }
}

/// For each of at most [`SIDE_BY_SIDE`] blocks, `sum_i a_i x_i` with a_i the i-th multiplier and x_i the block's i-th
/// polynomial: at most 512 cells, each a coefficient, zeros behind them.
///
/// On this thread.
///
/// # Panics
/// When there are more blocks, a block has more polynomials than there are multipliers, or a polynomial more cells.
#[must_use]
pub fn inner_products<T: Cell>(
    backend: Backend,
    multipliers: &Multipliers,
    blocks: &[Vec<&[T]>],
) -> Vec<Element> {
    assert!(blocks.len() <= SIDE_BY_SIDE, "more blocks than can lie side by side");
    dispatch(backend, InnerProducts { multipliers, blocks })
}

/// A loop over vectors of residues, compiled for each width.
trait Kernel16 {
    type Output;
    /// # Safety
    /// The processor must have the instructions of `L`.
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes16>(self) -> Self::Output;
}

/// Runs `kernel` with the widest lanes of `backend`.
#[allow(unsafe_code)]
fn dispatch<K: Kernel16>(backend: Backend, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if backend.has_avx512() && std::arch::is_x86_feature_detected!("avx512bw") {
            // SAFETY: the backend's features and this one are what the function needs.
            return unsafe { lanes::avx512::run(kernel) };
        }
        if backend != Backend::PORTABLE {
            // SAFETY: every backend but the portable one has AVX2.
            return unsafe { lanes::avx2::run(kernel) };
        }
    }
    let _ = backend;
    // SAFETY: portable lanes need no instructions.
    unsafe { kernel.run::<Portable>() }
}

/// Coefficients to values.
struct Evaluate<'a>(&'a mut Matrix);

impl Kernel16 for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes16>(self) {
        // SAFETY: the caller's.
        unsafe { forward::<L>(self.0) };
    }
}

struct InnerProducts<'a, T> {
    multipliers: &'a Multipliers,
    blocks: &'a [Vec<&'a [T]>],
}

impl<T: Cell> Kernel16 for InnerProducts<'_, T> {
    type Output = Vec<Element>;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes16>(self) -> Vec<Element> {
        let mut bytes = vec![0u8; SIDE_BY_SIDE * DEGREE];
        let (mut values, mut sums, mut results) =
            (transform::zeros(), transform::zeros(), transform::zeros());
        for (lane, block) in self.blocks.iter().enumerate() {
            assert!(block.len() <= self.multipliers.len(), "more polynomials than multipliers");
            *sums = [Vector::ZERO; DEGREE];
            for (polynomials, group) in block.chunks(SIDE_BY_SIDE).zip(&self.multipliers.groups) {
                fill(&mut bytes, polynomials);
                transform::load(&mut values, &bytes);
                // SAFETY: the caller's.
                unsafe {
                    forward::<L>(&mut values);
                    transform::multiply_add::<L>(&mut sums, &values, group);
                }
            }
            for (result, sum) in results.iter_mut().zip(&*sums) {
                let mut total = 0u32;
                for &residue in &sum.0 {
                    total += u32::from(residue);
                }
                result.0[lane] = (total % u32::from(MODULUS)) as u16;
            }
        }
        // SAFETY: the caller's.
        unsafe { inverse::<L>(&mut results) };
        (0..self.blocks.len()).map(|lane| std::array::from_fn(|j| results[j].0[lane])).collect()
    }
}

/// The polynomials' bytes, one after another, with zeros behind those that are shorter.
#[inline(always)]
fn fill<T: Cell>(bytes: &mut [u8], polynomials: &[&[T]]) {
    for (i, target) in bytes.chunks_exact_mut(DEGREE).enumerate() {
        let cells = polynomials.get(i).copied().unwrap_or(&[]);
        let (used, rest) = target.split_at_mut(cells.len());
        for (byte, cell) in used.iter_mut().zip(cells) {
            *byte = cell.distance();
        }
        rest.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cheap generator of numbers.
    fn numbers(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state >> 33
        }
    }

    /// The definition.
    fn schoolbook(multipliers: &[Element], block: &[&[u8]]) -> Element {
        let q = i64::from(MODULUS);
        let mut sums = [0i64; DEGREE];
        for (a, x) in multipliers.iter().zip(block) {
            for (j, &byte) in x.iter().enumerate() {
                for (k, &coefficient) in a.iter().enumerate() {
                    let product = i64::from(byte) * i64::from(coefficient);
                    let sign = if j + k < DEGREE { 1 } else { -1 };
                    sums[(j + k) % DEGREE] += sign * product;
                }
            }
        }
        sums.map(|sum| sum.rem_euclid(q) as u16)
    }

    #[test]
    fn equals_the_definition_on_every_backend() {
        let mut next = numbers(7);
        let elements: Vec<Element> =
            (0..35).map(|_| std::array::from_fn(|_| (next() % u64::from(MODULUS)) as u16)).collect();
        let cells: Vec<u8> = (0..35 * DEGREE).map(|_| next() as u8).collect();
        let whole: Vec<&[u8]> = cells.chunks(DEGREE).collect();
        let extreme = [0xffu8; DEGREE];
        let blocks: Vec<Vec<&[u8]>> = vec![
            whole.clone(),
            whole.iter().map(|x| &x[..300]).collect(),
            vec![&cells[..1]],
            vec![&extreme; 35],
            vec![&[]],
        ];
        let expected: Vec<Element> = blocks.iter().map(|b| schoolbook(&elements, b)).collect();
        for backend in Backend::available() {
            let multipliers = Multipliers::new(backend, &elements);
            assert_eq!(multipliers.len(), elements.len());
            assert!(inner_products(backend, &multipliers, &blocks) == expected, "{backend}");
            // Every number of blocks, so every lane of the inverse transform.
            let signed: Vec<i8> = cells.iter().map(|&cell| (cell ^ 0x80) as i8).collect();
            let signed = [signed.chunks(DEGREE).collect()];
            assert!(inner_products(backend, &multipliers, &signed) == expected[..1], "{backend}");
            let many = vec![blocks[0].clone(); SIDE_BY_SIDE];
            let got = inner_products(backend, &multipliers, &many);
            assert!(got.iter().all(|element| *element == expected[0]), "{backend}");
        }
    }

    /// By Horner's rule, so that whoever multiplies elsewhere has the order that is documented.
    #[test]
    fn values_are_those_at_the_odd_powers() {
        let q = u64::from(MODULUS);
        let power = |mut exponent: u64| {
            let mut result = 1;
            while exponent > 0 {
                result = result * u64::from(ROOT) % q;
                exponent -= 1;
            }
            result
        };
        assert_eq!((power(512), power(1024)), (q - 1, 1), "a primitive root of order 1024");
        let mut next = numbers(11);
        let elements: Vec<Element> =
            (0..SIDE_BY_SIDE + 1).map(|_| std::array::from_fn(|_| (next() % q) as u16)).collect();
        for backend in Backend::available() {
            for (element, values) in elements.iter().zip(values(backend, &elements)) {
                for (k, &value) in values.iter().enumerate() {
                    let point = power(2 * (k.reverse_bits() >> (usize::BITS - 9)) as u64 + 1);
                    let expected = element.iter().rev().fold(0, |sum, &c| (sum * point + u64::from(c)) % q);
                    assert_eq!(u64::from(value), expected, "{backend}, {k}");
                }
            }
        }
        for (k, (&w, &inverse)) in FORWARD_ROOTS.iter().zip(&INVERSE_ROOTS).enumerate() {
            assert_eq!(u64::from(w), power((k.reverse_bits() >> (usize::BITS - 9)) as u64));
            assert_eq!(u64::from(w) * u64::from(inverse) % q, 1);
        }
    }

    #[test]
    fn extreme_elements_do_not_overflow() {
        let elements = vec![[MODULUS - 1; DEGREE]; SIDE_BY_SIDE + 1];
        let block: Vec<&[u8]> = vec![&[0xff; DEGREE]; SIDE_BY_SIDE + 1];
        let expected = schoolbook(&elements, &block);
        for backend in Backend::available() {
            let multipliers = Multipliers::new(backend, &elements);
            assert!(
                inner_products(backend, &multipliers, std::slice::from_ref(&block)) == [expected],
                "{backend}"
            );
        }
    }
}
