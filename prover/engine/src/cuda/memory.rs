//! How much memory a proof takes, and whose turn it is.

use std::sync::{Condvar, Mutex, PoisonError};

use plonky2::plonk::circuit_data::CommonCircuitData;

use crate::plonk::quotient_bits;
use crate::{D, F};

/// Bytes for what does not grow with the circuit: powers, challenges, positions.
const SMALL: u64 = 1 << 20;

/// What a proof takes on the card at most, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// For the proof.
    pub(super) proof: u64,
    /// For the circuit, once for all its proofs.
    pub(super) circuit: u64,
}

impl Demand {
    pub(super) fn total(self) -> u64 {
        self.proof + self.circuit
    }

    pub(super) fn of(common: &CommonCircuitData<F, D>) -> Self {
        let config = &common.config;
        let rows = common.degree() as u64;
        let extended = rows << config.fri_config.rate_bits;
        let challenges = config.num_challenges as u64;
        let wires = config.num_wires as u64;
        let constants = (common.num_constants + config.num_routed_wires) as u64;
        let products = challenges * (1 + common.num_partial_products + common.num_lookup_polys) as u64;
        let quotient = challenges * common.quotient_degree_factor as u64;
        // Two digests of four words for each leaf.
        let tree = extended * 2 * 4;
        // Wires: values and coefficients, and one coset of the extension.
        let first = rows * 3 * wires + tree;
        // Products: the same, with the wires' values until they are made, and their denominators meanwhile.
        let chunks = 1 + common.num_partial_products as u64;
        let second = rows * (2 * wires + (3 * products).max(products + chunks + 2)) + 2 * tree;
        // Quotient: one coset of everything that it reads, its values, and its coefficients.
        let coset = rows * (wires + constants + products + 1);
        let values = challenges * (rows << quotient_bits(common));
        let third = rows * (wires + products) + values + coset.max(rows * quotient) + 2 * tree;
        let fourth = rows * (wires + products + 2 * quotient) + 3 * tree;
        // FRI: values as pairs and their trees, each layer at most half of the one before; the rows that queries touch.
        let folds = 2 * (extended * 2 + tree / 2) + rows * 2 * D as u64;
        let fifth = rows * (wires + products + quotient) + 3 * tree + folds + rows * wires;
        let proof = [first, second, third, fourth, fifth].into_iter().max().unwrap_or_default();
        // Coefficients of constants and σ, the values of σ (in two orders while they are made), roots of unity.
        let circuit = rows * (constants + 2 * config.num_routed_wires as u64) + extended;
        Self { proof: 8 * proof + SMALL, circuit: 8 * circuit }
    }
}

/// Lets proofs onto the cards while their demands fit the memory, in the order in which they come.
#[derive(Debug)]
pub(super) struct Turns {
    /// Bytes of each card.
    capacities: Vec<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Bytes that are taken of each card.
    used: Vec<u64>,
    /// The number of the next who comes, and of the next whose turn it is: nobody is overtaken, or small proofs would keep
    /// a large one waiting for ever.
    comes: u64,
    turn: u64,
}

/// A share of a card's memory; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    /// Which card.
    pub(super) card: usize,
    bytes: u64,
}

impl Turns {
    pub(super) fn new(capacities: Vec<u64>) -> Self {
        let state = State { used: vec![0; capacities.len()], comes: 0, turn: 0 };
        Self { capacities, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits until a card has so many bytes free and takes them: of the one that has most. `None` where no card ever has.
    pub(super) fn take(&self, bytes: u64) -> Option<Turn<'_>> {
        if self.capacities.iter().all(|capacity| bytes > *capacity) {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.comes;
        state.comes += 1;
        let card = loop {
            if let (true, Some(card)) = (state.turn == own, self.roomiest(&state, bytes)) {
                break card;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.used[card] += bytes;
        state.turn += 1;
        // The next one's turn.
        self.changed.notify_all();
        Some(Turn { turns: self, card, bytes })
    }

    /// The card that has most free, if that is enough.
    fn roomiest(&self, state: &State, bytes: u64) -> Option<usize> {
        let free = |card: &usize| self.capacities[*card] - state.used[*card];
        (0..self.capacities.len()).max_by_key(free).filter(|card| free(card) >= bytes)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state.lock().unwrap_or_else(PoisonError::into_inner).used[self.card] -= self.bytes;
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use plonky2::hash::poseidon::PoseidonHash;
    use plonky2::plonk::circuit_builder::CircuitBuilder;
    use plonky2::plonk::circuit_data::CircuitConfig;
    use plonky2::plonk::config::PoseidonGoldilocksConfig;

    use super::*;

    /// What this engine is for: 2^20 rows on a card of 12 GB, a tenth of which is left to others.
    #[test]
    fn a_million_rows_fit_a_card_of_twelve_gigabytes() {
        let config = CircuitConfig::standard_recursion_config();
        for challenges in [2, 3] {
            let mut builder =
                CircuitBuilder::<F, D>::new(CircuitConfig { num_challenges: challenges, ..config.clone() });
            let input = builder.add_virtual_public_input();
            let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(vec![input]);
            builder.register_public_inputs(&hash.elements);
            let mut common = builder.build::<PoseidonGoldilocksConfig>().common;
            common.fri_params.degree_bits = 20;
            assert!(Demand::of(&common).total() < 12_000_000_000 / 10 * 9);
        }
    }

    #[test]
    fn never_more_than_the_capacity() {
        let turns = Turns::new(vec![10, 7]);
        let (now, most) = ([const { AtomicU64::new(0) }; 2], [const { AtomicU64::new(0) }; 2]);
        std::thread::scope(|scope| {
            for i in 0..16 {
                let (turns, now, most) = (&turns, &now, &most);
                scope.spawn(move || {
                    let bytes = 1 + i % 6;
                    let turn = turns.take(bytes).expect("it fits");
                    let taken = now[turn.card].fetch_add(bytes, Ordering::SeqCst) + bytes;
                    most[turn.card].fetch_max(taken, Ordering::SeqCst);
                    std::thread::yield_now();
                    now[turn.card].fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        let [first, second] = most.map(AtomicU64::into_inner);
        assert!(first <= 10 && second <= 7);
        assert_eq!(turns.state.lock().expect("no panic").used, [0, 0]);
        assert!(turns.take(11).is_none(), "it would wait for ever");
    }

    #[test]
    fn proofs_spread_over_the_cards_and_wait_for_one_that_is_large_enough() {
        let turns = Turns::new(vec![10, 20]);
        let large = turns.take(15).expect("it fits the second");
        let small = turns.take(5).expect("it fits");
        assert_eq!((large.card, small.card), (1, 0), "the second has as much left, or less");
        // Card 0 is free, and will never do.
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let turns = &turns;
            scope.spawn(move || sender.send(turns.take(12).expect("it fits the second").card));
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err(), "it waits");
            drop(small);
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err(), "it still waits");
            drop(large);
            assert_eq!(receiver.recv().expect("its turn"), 1);
        });
    }

    #[test]
    fn nobody_is_overtaken() {
        let turns = Turns::new(vec![10]);
        let first = turns.take(6).expect("it fits");
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for (i, bytes) in [(0, 10), (1, 1)] {
                let (turns, sender) = (&turns, sender.clone());
                scope.spawn(move || {
                    let turn = turns.take(bytes).expect("it fits");
                    sender.send(i).expect("listened to");
                    drop(turn);
                });
                // Until it waits.
                while turns.state.lock().expect("no panic").comes < i + 2 {
                    std::thread::yield_now();
                }
            }
            assert!(
                receiver.recv_timeout(Duration::from_millis(50)).is_err(),
                "the small one waits for the large one"
            );
            drop(first);
            assert_eq!([receiver.recv(), receiver.recv()], [Ok(0), Ok(1)]);
        });
    }
}
