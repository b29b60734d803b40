//! The permutation, on as many states as go side by side, and the account of its residues' bounds.

use super::residues::{Job, Residues};
use super::{Element, WIDTH};

/// Partial rounds between two settlements of the elements that pass no S-box.
const LAZY: usize = 2;

/// Round constants in the form of one implementation.
#[derive(Clone, Debug)]
pub(super) struct Rounds<C> {
    full: Vec<[C; WIDTH]>,
    partial: Vec<C>,
}

impl<C: Copy> Rounds<C> {
    pub(super) fn new<R: Residues<Constant = C>>(full: &[[Element; WIDTH]], partial: &[Element]) -> Self {
        let full = full.iter().map(|round| std::array::from_fn(|i| R::constant(&round[i])));
        Self { full: full.collect(), partial: partial.iter().map(R::constant).collect() }
    }
}

/// Permutes every state.
///
/// Takes bounds of 2, 2 and 8 (what a sponge has written, and what it has kept) and makes bounds of 8.
#[inline(always)]
pub(super) fn permute<R: Residues>(state: &mut [R; WIDTH], rounds: &Rounds<R::Constant>) {
    let (first, second) = rounds.full.split_at(rounds.full.len() / 2);
    // At most 2 · 8 + 2 + 2 = 20.
    external_layer(state);
    for round in first {
        full_round(state, round);
    }
    partial_rounds(state, &rounds.partial);
    for round in second {
        full_round(state, round);
    }
}

/// Takes bounds of 27 and makes bounds of 4 · 2 = 8.
#[inline(always)]
fn full_round<R: Residues>(state: &mut [R; WIDTH], round: &[R::Constant; WIDTH]) {
    for (element, constant) in state.iter_mut().zip(round) {
        *element = element.add_constant(constant).fifth_power();
    }
    external_layer(state);
}

/// Takes bounds of 8 and makes bounds of 22, 2 and 2.
#[inline(always)]
fn partial_rounds<R: Residues>(state: &mut [R; WIDTH], constants: &[R::Constant]) {
    for constants in constants.chunks(LAZY) {
        settle(state);
        // Bounds after the first round of a chunk: 8, 8, 10; after the second: 22, 28, 40.
        for constant in constants {
            state[0] = state[0].add_constant(constant).fifth_power();
            internal_layer(state);
        }
    }
    settle(state);
}

#[inline(always)]
fn settle<R: Residues>(state: &mut [R; WIDTH]) {
    state[1] = state[1].settle();
    state[2] = state[2].settle();
}

/// Multiplies by circ(2, 1, 1).
#[inline(always)]
fn external_layer<R: Residues>(state: &mut [R; WIDTH]) {
    let sum = state[0].add(state[1]).add(state[2]);
    for element in state {
        *element = element.add(sum);
    }
}

/// Multiplies by the all-ones matrix plus diag(1, 1, 2).
#[inline(always)]
fn internal_layer<R: Residues>(state: &mut [R; WIDTH]) {
    let sum = state[0].add(state[1]).add(state[2]);
    state[0] = state[0].add(sum);
    state[1] = state[1].add(sum);
    state[2] = state[2].add(state[2]).add(sum);
}

/// Permutes states that lie one after the other.
pub(super) struct PermuteAll<'a> {
    pub(super) states: &'a mut [[Element; WIDTH]],
}

impl Job for PermuteAll<'_> {
    #[inline(always)]
    fn run<R: Residues>(self, rounds: &Rounds<R::Constant>) {
        for states in self.states.chunks_mut(R::STATES) {
            let states = states.as_flattened_mut();
            let mut state =
                [R::load(states, WIDTH), R::load(&states[1..], WIDTH), R::load(&states[2..], WIDTH)];
            permute(&mut state, rounds);
            for (i, element) in state.iter().enumerate() {
                element.store(&mut states[i..], WIDTH);
            }
        }
    }
}
