//! What tests force upon a row of [`RequantiseGate`].

use janction_gadgets::F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::Target;

use super::{Halves, Part, RequantiseGate};
use crate::requantise::element;

impl RequantiseGate {
    /// Wires and values with which a prover claims sigma, excess and remainder (in its two parts: the lowest `near` digits and the
    /// others) for a cell's column, digits as they come: the last ones of each hold whatever is left, so that the sums are right if
    /// the field allows it.
    pub fn claim(
        self,
        row: usize,
        [form, column]: [usize; 2],
        sigma: F,
        excess: i128,
        [bottom, top]: [i128; 2],
    ) -> Vec<(Target, F)> {
        let wire = |column| Target::wire(row, column);
        let mut all = vec![(wire(self.sigma(form, column)), sigma)];
        let parts = [
            (Part::Exc, 0..self.exc_digits, excess),
            (Part::Rem, 0..self.near, bottom),
            (Part::Rem, self.near..self.rem_digits, top),
        ];
        for (part, digits, value) in parts {
            for (k, i) in digits.clone().enumerate() {
                let digit = if i + 1 == digits.end { value >> (2 * k) } else { (value >> (2 * k)) & 3 };
                all.push((wire(self.digit(form, column, part, i)), element(digit)));
            }
        }
        all
    }

    /// Wires and values with which a prover claims t, p, h and inv. What h is more than its digits can be is in the first one.
    pub fn claim_halves(
        self,
        row: usize,
        [form, column]: [usize; 2],
        [down, parity, half, inverse]: [F; 4],
    ) -> Vec<(Target, F)> {
        let whole = half.to_canonical_u64();
        let digit = |i: usize| match whole {
            0..256 => F::from_canonical_u64((whole >> (2 * i)) & 3),
            _ if i == 0 => half,
            _ => F::ZERO,
        };
        let digits =
            (0..self.digits(Part::Half)).map(|i| (self.digit(form, column, Part::Half, i), digit(i)));
        let wires = [(Halves::Down, down), (Halves::Parity, parity), (Halves::Inverse, inverse)];
        let wires = wires.into_iter().map(|(kind, value)| (self.halves(form, column, kind), value));
        digits.chain(wires).map(|(column, value)| (Target::wire(row, column), value)).collect()
    }

    /// The digits of a column's accumulator.
    pub fn accumulator(self, row: usize, [form, column]: [usize; 2]) -> Vec<Target> {
        (0..self.acc_digits).map(|i| Target::wire(row, self.digit(form, column, Part::Acc, i))).collect()
    }

    /// The digits of a cell's distances from the clamp's ends.
    pub fn distances(self, row: usize, [form, column]: [usize; 2]) -> Vec<Target> {
        let parts = [Part::Low, Part::High].into_iter();
        parts
            .flat_map(|part| (0..self.digits(part)).map(move |i| self.digit(form, column, part, i)))
            .map(|column| Target::wire(row, column))
            .collect()
    }
}
