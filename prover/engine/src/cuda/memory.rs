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

/// Lets proofs onto a card while their demands fit its memory.
#[derive(Debug)]
pub(super) struct Turns {
    capacity: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// A share of a card's memory; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    bytes: u64,
}

impl Turns {
    pub(super) fn new(capacity: u64) -> Self {
        Self { capacity, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Bytes that nobody has taken.
    pub(super) fn free(&self) -> u64 {
        self.capacity - *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many bytes are free and takes them; `None` where they can never be.
    pub(super) fn take(&self, bytes: u64) -> Option<Turn<'_>> {
        if bytes > self.capacity {
            return None;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used + bytes > self.capacity {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Some(Turn { turns: self, bytes })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.turns.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.turns.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn never_more_than_the_capacity() {
        let turns = Turns::new(10);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for i in 0..16 {
                let (turns, now, most) = (&turns, &now, &most);
                scope.spawn(move || {
                    let bytes = 1 + i % 6;
                    let _turn = turns.take(bytes).expect("it fits");
                    most.fetch_max(now.fetch_add(bytes, Ordering::SeqCst) + bytes, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(turns.free(), 10);
        assert!(turns.take(11).is_none(), "it would wait for ever");
    }
}
