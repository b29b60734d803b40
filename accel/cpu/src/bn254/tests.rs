//! The arithmetic against arkworks', at the bounds that it is used with.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};

use super::limbs::{BITS, LIMBS, Limbs, MASK, Word, exact};
use super::narrow::{Narrow, OnLanes};
use super::permutation::{Rounds, permute};
use super::residues::{Job, Residues};
use super::words::Words;
use super::{Element, PACKED, WIDTH};
use crate::F;
use crate::backend::Backend;
use crate::lanes::Scalar;

/// One word that is a signed integer, with every overflow an error: the arithmetic of vectors where there are none, and
/// the proof that no limb outgrows its word.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Model(i64);

impl Model {
    fn low(self) -> u128 {
        u128::from(self.0 as u64 & MASK)
    }

    fn plus(self, other: u128) -> Self {
        Self(self.0.checked_add(i64::try_from(other).expect("52 bits")).expect("a limb fits its word"))
    }
}

impl Word for Model {
    const LANES: usize = 1;

    fn splat(x: u64) -> Self {
        Self(x as i64)
    }
    fn load(elements: &[Element], _: usize, j: usize) -> Self {
        Self(elements.first().map_or(0, |element| element.0[j]) as i64)
    }
    fn load_canonical(elements: &[F]) -> Self {
        Self(elements.first().map_or(0, |&x| crate::field::canonical(x).0) as i64)
    }
    fn store(self, out: &mut [Element], _: usize, j: usize) {
        if let Some(element) = out.first_mut() {
            element.0[j] = self.0 as u64;
        }
    }
    fn add_low_product(self, x: Self, y: Self) -> Self {
        self.plus((x.low() * y.low()) & u128::from(MASK))
    }
    fn add_high_product(self, x: Self, y: Self) -> Self {
        self.plus((x.low() * y.low()) >> BITS)
    }
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("a limb fits its word"))
    }
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("a limb fits its word"))
    }
    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    fn masked(self) -> Self {
        Self(self.0 & MASK as i64)
    }
    fn shl<const N: u32>(self) -> Self {
        Self(self.0 << N)
    }
    fn shr<const N: u32>(self) -> Self {
        Self((self.0 as u64 >> N) as i64)
    }
    fn carry(self) -> Self {
        Self(self.0 >> BITS)
    }
    fn unless_negative(self, sign: Self, other: Self) -> Self {
        if sign.0 < 0 { other } else { self }
    }
}

type One = Limbs<Model, 1>;

fn element(x: Fr) -> Element {
    Element(x.0.0)
}

fn fr(element: Element) -> Fr {
    Fr::new_unchecked(BigInt(element.0))
}

/// Limbs as an element: their value, not what it stands for.
fn value(limbs: [Model; LIMBS]) -> Fr {
    let base = Fr::from(1u64 << BITS);
    limbs.iter().rev().fold(Fr::ZERO, |sum, limb| sum * base + Fr::from(limb.0))
}

/// Least `c` for which the value is surely below `c`·r: from the highest limb, which for r itself is 2^52 / 84.64.
fn bound(limbs: [Model; LIMBS]) -> f64 {
    let highest = exact(limbs)[LIMBS - 1].0;
    assert!(highest >= 0, "a residue is not negative");
    (highest + 1) as f64 / 0x3064_4e72_e131_u64 as f64
}

/// Where carries and reductions change their minds, and some of no account.
fn elements() -> Vec<Fr> {
    let mut elements: Vec<Fr> = [0u64, 1, 2, 3, MASK, MASK + 1, u64::MAX].map(Fr::from).to_vec();
    elements.extend([BITS, 64, 104, 128, 156, 192, 208, 253].map(|n| Fr::from(2u64).pow([u64::from(n)])));
    // What is just below r, half of it, or all ones in the form that is multiplied.
    elements
        .extend([Fr::new_unchecked(BigInt([0, 0, 0, 1 << 60])), Fr::from(2u64).inverse().expect("not zero")]);
    elements.push(Fr::new_unchecked(BigInt([u64::MAX, u64::MAX, u64::MAX, 0x3064_4e72_e131_a028])));
    elements.push(Fr::new_unchecked(BigInt((-Fr::from(1u64)).into_bigint().0)));
    let mut x = Fr::from(0x1234_5678_9abcu64);
    for _ in 0..10 {
        x = x.square() + Fr::from(7u64);
        elements.push(x);
    }
    let negatives: Vec<Fr> = elements.iter().map(|x| -*x).collect();
    elements.extend(negatives);
    elements
}

/// Any limbs whose value is below 2^260: products are right, and as small as is promised.
#[test]
fn products_of_limbs() {
    let ones = [MASK; LIMBS];
    let sparse = |j| std::array::from_fn(|i| if i == j { MASK } else { 0 });
    let mut limbs: Vec<[u64; LIMBS]> = vec![[0; LIMBS], [1, 0, 0, 0, 0], ones, [0, 0, 0, 0, 1 << 51]];
    limbs.extend((0..LIMBS).map(sparse));
    limbs.extend((0..LIMBS).map(|j| std::array::from_fn(|i| if i == j { 0 } else { MASK })));
    // Bits above the 52nd are not read.
    limbs.push([u64::MAX >> 1, 1 << 60 | 5, MASK, 1 << 52, 3]);
    let radix = Fr::from(2u64).pow([260]);
    for x in &limbs {
        for y in &limbs {
            let [a, b] = [x, y].map(|limbs| Limbs([limbs.map(|limb| Model(limb as i64))]));
            let [clean_a, clean_b] = [x, y].map(|limbs| limbs.map(|limb| Model((limb & MASK) as i64)));
            let product = a.multiply(&b).0[0];
            assert_eq!(value(product) * radix, value(clean_a) * value(clean_b), "{x:?} {y:?}");
            assert!(bound(product) < bound(clean_a) * bound(clean_b) / 84.6 + 1.13, "{x:?} {y:?}");
            assert!(product.iter().all(|limb| limb.0 < 1 << 57), "{product:?}");
        }
        let x = Limbs([x.map(|limb| Model(limb as i64))]);
        assert_eq!(x.square().0[0].map(|x| x.0).len(), LIMBS);
        assert_eq!(value(x.square().0[0]), value(x.multiply(&x).0[0]));
    }
}

/// Every number of r up to 48, and a little more or less.
#[test]
fn settling() {
    let modulus: [Model; LIMBS] = std::array::from_fn(|j| {
        let BigInt(words) = Fr::MODULUS;
        let bit = BITS as usize * j;
        let wide = u128::from(words[bit / 64]) | words.get(bit / 64 + 1).map_or(0, |w| u128::from(*w) << 64);
        Model((wide >> (bit % 64)) as i64 & MASK as i64)
    });
    assert_eq!(value(modulus), Fr::ZERO);
    for times in 0..=47 {
        for shift in [0, 1, -1, MASK as i64, -(MASK as i64), 1 << 60, -(1 << 60)] {
            let mut limbs = modulus.map(|limb| Model(limb.0 * times));
            limbs[0].0 = limbs[0].0.saturating_add(shift);
            // The same value with a lower limb that is negative, or larger than 52 bits.
            for borrow in [0, 1, -1, 1 << 8] {
                let mut limbs = limbs;
                limbs[2].0 -= borrow << BITS;
                limbs[3].0 += borrow;
                if exact(limbs)[LIMBS - 1].0 < 0 {
                    continue;
                }
                let settled = Limbs([limbs]).settle().0[0];
                assert_eq!(value(settled), value(limbs), "{times} {shift} {borrow}");
                assert!(bound(settled) < 1.4, "{times} {shift} {borrow}");
                assert!(settled.iter().all(|limb| limb.0.abs() < 1 << 54), "{settled:?}");
            }
        }
    }
}

/// Every operation at the largest bound that it takes, from elements in and to elements out.
struct Operations;

impl Job for Operations {
    #[inline(always)]
    fn run<R: Residues>(self, _: &Rounds<R::Constant>) {
        let all = elements();
        for first in 0..all.len() {
            let side: Vec<Fr> = (0..R::STATES).map(|i| all[(first + i * 5) % all.len()]).collect();
            let inputs: Vec<Element> = side.iter().map(|x| element(*x)).collect();
            let check = |residues: R, expected: &dyn Fn(Fr) -> Fr| {
                let mut out = vec![Element::default(); R::STATES];
                residues.store(&mut out, 1);
                for (got, x) in out.into_iter().zip(&side) {
                    // Equality of words: the result is canonical.
                    assert_eq!(got, element(expected(*x)), "of {x}");
                }
            };
            let x = R::load(&inputs, 1);
            check(x, &|x| x);
            check(R::splat(&inputs[0]), &|_| side[0]);
            let times = |n: usize| (1..n).fold(x, |sum, _| sum.add(x));
            check(times(4), &|x| x * Fr::from(4u64));
            // Loaded residues have a bound of 2: 13 of them and the constant, 27.
            let constant = all[(first + 3) % all.len()];
            let raised = times(13).add_constant(&R::constant(&element(constant))).fifth_power();
            check(raised, &|x| (x * Fr::from(13u64) + constant).pow([5]));
            check(times(24).settle(), &|x| x * Fr::from(24u64));
            let again = times(24).settle().add(x).settle();
            check(again.add(again).fifth_power(), &|x| (x * Fr::from(50u64)).pow([5]));
        }
        steps::<R>();
        packs::<R>();
    }
}

/// Loading and storing with steps, and with fewer than all states.
#[inline(always)]
fn steps<R: Residues>() {
    let all: Vec<Element> = elements().into_iter().map(element).collect();
    for step in 1..=3 {
        for count in 0..=R::STATES * step {
            let residues = R::load(&all[..count.min(all.len())], step);
            let mut out = vec![Element([9; 4]); count.min(all.len())];
            residues.store(&mut out, step);
            for (i, out) in out.into_iter().enumerate() {
                let expected = if i % step == 0 { all[i] } else { Element([9; 4]) };
                assert_eq!(out, expected, "{i} of {count}, step {step}");
            }
        }
    }
}

#[inline(always)]
fn packs<R: Residues>() {
    const P: u64 = crate::lanes::P;
    let words = [0, 1, P - 1, P, P + 1, u64::MAX, 1 << 52, MASK, 1 << 63, 0x0123_4567_89ab_cdef];
    for first in 0..words.len() {
        for count in 0..=R::STATES {
            let part = |j: usize, count: usize| -> Vec<F> {
                (0..count).map(|i| F(words[(first + 3 * j + i) % words.len()])).collect()
            };
            // The last part is shorter still, as where a row ends.
            let parts = [part(0, count), part(1, count), part(2, count / 2)];
            let mut out = vec![Element::default(); R::STATES];
            R::pack([&parts[0], &parts[1], &parts[2]]).store(&mut out, 1);
            for (i, out) in out.into_iter().enumerate() {
                let word = |j: usize| parts[j].get(i).map_or(0, |x| x.0 % P);
                let integer: [u64; PACKED] = std::array::from_fn(word);
                let expected = Fr::from(BigInt([integer[0], integer[1], integer[2], 0]));
                assert_eq!(fr(out), expected);
            }
        }
    }
}

/// The operations in every form that this processor can run; `Model` stands in for vectors where it cannot.
#[test]
fn operations() {
    Operations.run::<Words<1>>(&Rounds::new::<Words<1>>(&[], &[]));
    Operations.run::<Words<3>>(&Rounds::new::<Words<3>>(&[], &[]));
    Operations.run::<One>(&Rounds::new::<One>(&[], &[]));
    Operations.run::<Limbs<Model, 3>>(&Rounds::new::<Limbs<Model, 3>>(&[], &[]));
    Operations.run::<Narrow<Scalar, 1>>(&Rounds::new::<Narrow<Scalar, 1>>(&[], &[]));
    let nothing = super::Poseidon2::new(&[], &[]);
    for backend in Backend::available() {
        nothing.run(backend, Operations);
        // Narrow limbs on vectors, even where there are better ones.
        backend.run(OnLanes::<_, 2> { job: Operations, rounds: &nothing.narrow });
    }
}

/// A residue of which only the bound is known. Fails where an operation gets more than it takes.
#[derive(Clone, Copy, Debug)]
struct Bound(u32);

impl Residues for Bound {
    const STATES: usize = 1;
    type Constant = ();

    fn constant(_: &Element) {}
    fn splat(_: &Element) -> Self {
        Self(2)
    }
    fn load(_: &[Element], _: usize) -> Self {
        Self(2)
    }
    fn pack(_: [&[F]; PACKED]) -> Self {
        Self(2)
    }
    fn store(self, _: &mut [Element], _: usize) {
        assert!(self.0 <= 8, "{self:?} is stored");
    }
    fn add(self, other: Self) -> Self {
        let sum = Self(self.0 + other.0);
        assert!(sum.0 <= 48, "{sum:?} is a sum");
        sum
    }
    fn add_constant(self, _: &()) -> Self {
        self.add(Self(1))
    }
    fn fifth_power(self) -> Self {
        assert!(self.0 <= 28, "{self:?} is raised");
        Self(2)
    }
    fn settle(self) -> Self {
        assert!(self.0 <= 48, "{self:?} is settled");
        Self(2)
    }
}

#[test]
fn no_bound_is_exceeded() {
    for (full, partial) in [(8, 56), (8, 57), (2, 1), (0, 5), (4, 0)] {
        let zero = Element::default();
        let rounds = Rounds::new::<Bound>(&vec![[zero; WIDTH]; full], &vec![zero; partial]);
        let mut state = [Bound(2), Bound(2), Bound(8)];
        permute(&mut state, &rounds);
        if full > 0 {
            assert!(state.iter().all(|x| x.0 <= 8), "{full} and {partial} rounds: {state:?}");
        }
    }
}
