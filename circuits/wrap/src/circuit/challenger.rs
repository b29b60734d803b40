//! The Fiat-Shamir transcript: Plonky2's `Challenger` over [`Bn254Poseidon2`](crate::config::Bn254Poseidon2).
//!
//! Observed elements are range-checked to 64 bits but need not be canonical: the transcript then binds one of two
//! forms of an element, and with it the element. That a prover may choose between them is like one more bit of
//! grinding on those few values below 2^32, which it has anyway through the values themselves.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::bound::U256;
use super::extension::Ext;
use super::goldilocks::Gl;
use super::tape::{Cell, Input, Tape};
use crate::config::{CHALLENGE_BITS, DIGEST_CUTS, Domain, ELEMENTS_PER_FR, RATE, RATE_FR};

/// Packs up to three reduced elements as a + b·2^64 + c·2^128.
pub fn pack(tape: &mut Tape, elements: &[Gl]) -> Input {
    assert!(
        elements.len() <= ELEMENTS_PER_FR && elements.iter().all(Gl::is_reduced),
        "would not be injective"
    );
    let Some((first, rest)) = elements.split_first() else { return Input::Constant(Fr::ZERO) };
    let constants = elements.iter().all(|element| matches!(element.input(), Input::Constant(_)));
    let shifted = rest.iter().enumerate().map(|(i, element)| {
        let shift = U256::power_of_two(64 * (i + 1)).to_fr();
        (element.input(), Input::Constant(shift))
    });
    if constants {
        Input::Constant(shifted.fold(first.input().value(), |acc, (a, b)| acc + a.value() * b.value()))
    } else {
        tape.dot(first.input(), shifted.collect::<Vec<_>>()).into()
    }
}

/// Capacity element that a use of the permutation starts with.
pub fn capacity(domain: Domain) -> Fr {
    let capacity = domain.capacity();
    U256([capacity as u64, (capacity >> 64) as u64, 0, 0]).to_fr()
}

/// The duplex in cells.
#[derive(Debug)]
pub struct Challenger {
    state: [Input; 3],
    input: Vec<Gl>,
    /// Challenges not yet handed out, last first.
    output: Vec<Gl>,
    /// The state has been permuted and its challenges neither drawn nor invalidated.
    undrawn: bool,
}

impl Default for Challenger {
    fn default() -> Self {
        let zero = Input::Constant(Fr::ZERO);
        let state = [zero, zero, Input::Constant(capacity(Domain::Transcript))];
        Self { state, input: Vec::new(), output: Vec::new(), undrawn: false }
    }
}

impl Challenger {
    /// Observes a reduced element.
    pub fn observe(&mut self, tape: &mut Tape, element: Gl) {
        self.output.clear();
        self.undrawn = false;
        self.input.push(element);
        if self.input.len() == RATE {
            self.absorb(tape);
        }
    }

    /// Observes both parts of extension elements.
    pub fn observe_extensions(&mut self, tape: &mut Tape, elements: &[Ext]) {
        for element in elements {
            for part in element.0 {
                self.observe(tape, part);
            }
        }
    }

    /// Observes a digest as five elements; see [`crate::config`].
    pub fn observe_digest(&mut self, tape: &mut Tape, digest: Cell) {
        let sums = tape.decompose_canonical(digest);
        for cut in DIGEST_CUTS.windows(2) {
            let slice = tape.slice(&sums, cut[0], cut[1]);
            let max = U256::power_of_two(cut[1] - cut[0]);
            self.observe(tape, Gl::assume_bounded(slice, max));
        }
    }

    fn absorb(&mut self, tape: &mut Tape) {
        for (element, chunk) in self.state.iter_mut().zip(self.input.chunks(ELEMENTS_PER_FR)) {
            *element = pack(tape, chunk);
        }
        if !self.input.is_empty() {
            let count = Fr::from(self.input.len() as u64);
            self.state[RATE_FR] = match self.state[RATE_FR] {
                Input::Constant(capacity) => Input::Constant(capacity + count),
                capacity => tape.add(capacity, Input::Constant(count)).into(),
            };
        }
        self.input.clear();
        self.state = tape.permute(self.state).map(Input::Cell);
        self.undrawn = true;
    }

    /// The next challenge, of 80 bits and not reduced.
    fn squeeze(&mut self, tape: &mut Tape) -> Gl {
        if !self.input.is_empty() || self.output.is_empty() && !self.undrawn {
            self.absorb(tape);
        }
        // Decomposed only when asked for: most blocks are absorbed without a challenge after them.
        if std::mem::take(&mut self.undrawn) {
            for element in &self.state[..RATE_FR] {
                let Input::Cell(cell) = element else { unreachable!("the permutation made cells") };
                let sums = tape.decompose_canonical(*cell);
                for i in 0..ELEMENTS_PER_FR {
                    let slice = tape.slice(&sums, i * CHALLENGE_BITS, (i + 1) * CHALLENGE_BITS);
                    self.output.push(Gl::assume_bounded(slice, U256::power_of_two(CHALLENGE_BITS)));
                }
            }
        }
        self.output.pop().expect("just filled")
    }

    /// The next challenge, reduced.
    pub fn challenge(&mut self, tape: &mut Tape) -> Gl {
        let challenge = self.squeeze(tape);
        tape.gl_reduce(challenge)
    }

    /// The next challenges, reduced.
    pub fn challenges(&mut self, tape: &mut Tape, count: usize) -> Vec<Gl> {
        (0..count).map(|_| self.challenge(tape)).collect()
    }

    /// The next challenge of the extension, reduced.
    pub fn extension_challenge(&mut self, tape: &mut Tape) -> Ext {
        Ext([self.challenge(tape), self.challenge(tape)])
    }

    /// The next challenge as its canonical integer.
    pub fn canonical_challenge(&mut self, tape: &mut Tape) -> Cell {
        let challenge = self.squeeze(tape);
        tape.gl_canonical(challenge)
    }
}
