//! Merkle paths over [`Bn254Poseidon2`](crate::config::Bn254Poseidon2), to a root (cap height 0).

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::challenger::{capacity, pack};
use super::goldilocks::Gl;
use super::tape::{Cell, Input, Tape};
use crate::config::{Domain, ELEMENTS_PER_FR, RATE, RATE_FR};

/// Digest of a leaf of reduced elements.
pub fn hash_leaf(tape: &mut Tape, leaf: &[Gl]) -> Cell {
    let zero = Input::Constant(Fr::ZERO);
    let mut state = [zero, zero, Input::Constant(capacity(Domain::Leaf(leaf.len() as u64)))];
    let mut digest = None;
    for block in leaf.chunks(RATE) {
        let mut lanes = block.chunks(ELEMENTS_PER_FR);
        for element in &mut state[..RATE_FR] {
            *element = pack(tape, lanes.next().unwrap_or(&[]));
        }
        let output = tape.permute(state);
        digest = Some(output[0]);
        state = output.map(Input::Cell);
    }
    digest.expect("no leaf is empty")
}

/// Digest of two nodes.
pub fn two_to_one(tape: &mut Tape, left: Cell, right: Cell) -> Cell {
    let domain = Input::Constant(capacity(Domain::Node));
    tape.permute([left.into(), right.into(), domain])[0]
}

/// Root of the path from `leaf` along `siblings`, lowest first; `index_bits` are constrained bits, least first.
pub fn root(tape: &mut Tape, leaf: &[Gl], index_bits: &[Cell], siblings: &[Cell]) -> Cell {
    assert_eq!(index_bits.len(), siblings.len(), "one bit of the index for each level");
    let mut node = hash_leaf(tape, leaf);
    for (&bit, &sibling) in index_bits.iter().zip(siblings) {
        // bit = 0: (node, sibling); bit = 1: (sibling, node).
        let difference = tape.dot(sibling, [(node, Input::Constant(-Fr::ONE))]);
        let left = tape.dot(node, [(bit, difference)]);
        let right = tape.minuend(sibling, bit, difference);
        node = two_to_one(tape, left, right);
    }
    node
}
