//! The permutation against Plonky2's, on every backend of this processor.

mod common;

use common::{EDGES, Words, word};
use janction_accel_cpu::{Backend, F, poseidon};
use plonky2::hash::poseidon::Poseidon;
use proptest::prelude::*;

fn check(states: &[[u64; 12]]) {
    let states: Vec<[F; 12]> = states.iter().map(|s| s.map(F)).collect();
    let expected: Vec<[F; 12]> = states.iter().map(|s| F::poseidon(*s)).collect();
    for backend in Backend::available() {
        let mut got = states.clone();
        poseidon::permute_all(backend, &mut got);
        assert_eq!(got, expected, "{backend}");
        assert!(got.iter().flatten().all(|x| x.0 < common::P), "{backend} returns canonical elements");
    }
    for (state, expected) in states.iter().zip(expected) {
        assert_eq!(poseidon::permute(*state), expected);
    }
}

#[test]
fn edges() {
    let constant: Vec<[u64; 12]> = EDGES.iter().map(|&x| [x; 12]).collect();
    check(&constant);
    let rotated: Vec<[u64; 12]> = (0..16).map(|r| std::array::from_fn(|i| EDGES[(r + i) % 16])).collect();
    check(&rotated);
}

#[test]
fn every_number_of_states() {
    let mut words = Words(1);
    for count in 0..40 {
        let states: Vec<[u64; 12]> = (0..count).map(|_| std::array::from_fn(|_| words.next())).collect();
        check(&states);
    }
}

proptest! {
    #[test]
    fn random(states in prop::collection::vec(prop::array::uniform12(word()), 1..40)) {
        check(&states);
    }
}
