//! The permutation over BN254 and its hashes against arkworks, on every backend of this processor.

mod common;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use common::Words;
use janction_accel_cpu::bn254::{Element, Poseidon2, WIDTH};
use janction_accel_cpu::{Backend, Columns};

/// An instance and its constants.
struct Instance {
    full: Vec<[Fr; WIDTH]>,
    partial: Vec<Fr>,
    fast: Poseidon2,
}

impl Instance {
    fn new(full: usize, partial: usize, mut constant: impl FnMut() -> Fr) -> Self {
        let full: Vec<[Fr; WIDTH]> = (0..full).map(|_| std::array::from_fn(|_| constant())).collect();
        let partial: Vec<Fr> = (0..partial).map(|_| constant()).collect();
        let rows: Vec<_> = full.iter().map(|round| round.map(element)).collect();
        let fast = Poseidon2::new(&rows, &partial.iter().copied().map(element).collect::<Vec<_>>());
        Self { full, partial, fast }
    }

    /// By the definition, with matrices written out.
    fn permute(&self, mut state: [Fr; WIDTH]) -> [Fr; WIDTH] {
        let multiply = |state: [Fr; WIDTH], matrix: [[u64; WIDTH]; WIDTH]| {
            matrix.map(|row| row.iter().zip(state).map(|(m, x)| Fr::from(*m) * x).sum::<Fr>())
        };
        let external = [[2, 1, 1], [1, 2, 1], [1, 1, 2]];
        let internal = [[2, 1, 1], [1, 2, 1], [1, 1, 3]];
        let (first, second) = self.full.split_at(self.full.len() / 2);
        state = multiply(state, external);
        let full_round = |state: [Fr; WIDTH], round: &[Fr; WIDTH]| {
            multiply(std::array::from_fn(|i| (state[i] + round[i]).pow([5])), external)
        };
        state = first.iter().fold(state, full_round);
        for constant in &self.partial {
            state[0] = (state[0] + constant).pow([5]);
            state = multiply(state, internal);
        }
        second.iter().fold(state, full_round)
    }

    fn hash_row(&self, row: &[u64], initial: [Fr; WIDTH]) -> Fr {
        let mut state = initial;
        for block in 0..row.len().div_ceil(6).max(1) {
            for (i, element) in state.iter_mut().enumerate().take(2) {
                let word = |j| row.get(6 * block + 3 * i + j).map_or(0, |x| x % common::P);
                *element = Fr::from(BigInt([word(0), word(1), word(2), 0]));
            }
            state = self.permute(state);
        }
        state[0]
    }
}

fn element(x: Fr) -> Element {
    Element(x.0.0)
}

fn fr(element: Element) -> Fr {
    Fr::new_unchecked(BigInt(element.0))
}

/// Mostly random elements, some at the ends of the field.
fn elements(seed: u64) -> impl FnMut() -> Fr {
    let mut words = Words(seed);
    move || match words.next() % 8 {
        0 => Fr::from(words.next() % 3),
        1 => -Fr::from(1 + words.next() % 3),
        // Small, and close below r, in the form that is multiplied.
        2 => Fr::new_unchecked(BigInt([words.next() % 3, 0, 0, 0])),
        3 => Fr::new_unchecked(BigInt([
            words.next() % 0x4000_0000_0000_0000,
            u64::MAX,
            u64::MAX,
            0x3064_4e72_e131_a028,
        ])),
        _ => Fr::from_be_bytes_mod_order(&[(); 4].map(|()| words.next().to_be_bytes()).concat()),
    }
}

fn instances() -> Vec<Instance> {
    let minus_one = -Fr::from(1u64);
    vec![
        Instance::new(8, 56, elements(1)),
        Instance::new(8, 56, || minus_one),
        Instance::new(8, 56, || Fr::ZERO),
        Instance::new(2, 5, elements(2)),
    ]
}

#[test]
fn permutations() {
    for instance in instances() {
        let mut next = elements(3);
        let mut states: Vec<[Fr; WIDTH]> = (0..43).map(|_| std::array::from_fn(|_| next())).collect();
        states.extend([[Fr::ZERO; WIDTH], [Fr::from(1u64); WIDTH], [-Fr::from(1u64); WIDTH]]);
        let expected: Vec<_> = states.iter().map(|state| instance.permute(*state)).collect();
        for backend in Backend::available() {
            for count in (0..20).chain([states.len()]) {
                let mut got: Vec<_> = states[..count].iter().map(|state| state.map(element)).collect();
                instance.fast.permute_all(backend, &mut got);
                let got: Vec<_> = got.into_iter().map(|state| state.map(fr)).collect();
                assert_eq!(got, expected[..count], "{backend}, {count} states");
            }
        }
    }
}

#[test]
fn rows_of_every_width() {
    let instance = Instance::new(8, 56, elements(4));
    let mut next = elements(5);
    for columns in (0..=20).chain([135]) {
        let initial: [Fr; WIDTH] = std::array::from_fn(|_| next());
        let rows = 37;
        let matrix =
            if columns == 0 { Columns::zeros(rows, 0) } else { Words(columns as u64).columns(rows, columns) };
        let expected: Vec<Fr> = (0..rows)
            .map(|i| instance.hash_row(&matrix.row(i).iter().map(|x| x.0).collect::<Vec<_>>(), initial))
            .collect();
        for backend in Backend::available() {
            for (first, count) in [(0, rows), (0, 0), (1, 16), (8, 24), (36, 1), (37, 0), (5, 30)] {
                let mut out = vec![Element::default(); count];
                instance.fast.hash_rows(backend, &matrix, first, &initial.map(element), &mut out);
                let out: Vec<Fr> = out.into_iter().map(fr).collect();
                assert_eq!(
                    out,
                    expected[first..first + count],
                    "{backend}, {columns} columns, {count} rows from {first}"
                );
            }
        }
    }
}

#[test]
fn pairs() {
    let instance = Instance::new(8, 56, elements(6));
    let mut next = elements(7);
    let capacity = next();
    let children: Vec<Fr> = (0..2 * 41).map(|_| next()).collect();
    let expected: Vec<Fr> =
        children.chunks(2).map(|pair| instance.permute([pair[0], pair[1], capacity])[0]).collect();
    let children: Vec<Element> = children.into_iter().map(element).collect();
    for backend in Backend::available() {
        for count in 0..=41 {
            let mut out = vec![Element::default(); count];
            instance.fast.hash_pairs(backend, &children[..2 * count], &element(capacity), &mut out);
            assert_eq!(
                out.into_iter().map(fr).collect::<Vec<_>>(),
                expected[..count],
                "{backend}, {count} pairs"
            );
        }
    }
}

#[test]
#[should_panic(expected = "2 rows from row 7 of 8")]
fn rows_that_are_not_there() {
    let instance = Instance::new(2, 1, elements(8));
    let out = &mut [Element::default(); 2];
    instance.fast.hash_rows(Backend::PORTABLE, &Columns::zeros(8, 1), 7, &[Element::default(); WIDTH], out);
}

#[test]
#[should_panic(expected = "children of 2 nodes")]
fn a_child_too_many() {
    let instance = Instance::new(2, 1, elements(9));
    let children = [Element::default(); 5];
    instance.fast.hash_pairs(Backend::PORTABLE, &children, &Element::default(), &mut [Element::default(); 2]);
}
