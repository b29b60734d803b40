//! Range checks of any width, with the odd bits gathered.
//!
//! A [`janction_gadgets::uint::byte_split::ByteSplitGate`] operation gives the bytes of one value. A width that is no
//! multiple of 8 needs one more byte checked (the top one, shifted up); [`Ranges`] collects these and every other check
//! of at most 8 bits, seven to an operation.

use janction_gadgets::{Builder, F, uint};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

/// Widest check.
pub(crate) const MAX_BITS: u32 = 62;

/// Bytes that one operation checks besides its sum.
const POOL: usize = 7;

/// Collects range checks. [`Ranges::finish`] must be called, or the last collected ones are not made.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Ranges {
    pool: Vec<Target>,
}

impl Ranges {
    /// Enforces `x < 2^bits`. Above 8 bits a third of a row; 7 operations and an extra third for every seven odd widths
    /// or widths of at most 8.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_BITS`].
    pub fn check(&mut self, builder: &mut Builder, x: Target, bits: u32) {
        assert!(bits <= MAX_BITS, "a range check of {bits} bits");
        if bits == 0 {
            builder.assert_zero(x);
        } else if bits <= 8 {
            self.byte(builder, x);
            self.top(builder, x, bits);
        } else {
            let bytes = uint::bytes(builder, x);
            let whole = bits.div_ceil(8) as usize;
            for &byte in &bytes[whole..] {
                builder.assert_zero(byte);
            }
            // The gate itself keeps the last byte below 2^6.
            if bits != MAX_BITS {
                self.top(builder, bytes[whole - 1], bits - 8 * (whole as u32 - 1));
            }
        }
    }

    /// Enforces `byte < 2^bits` for a byte: shifted up by 8 - bits it is still a byte, and nothing wraps.
    fn top(&mut self, builder: &mut Builder, byte: Target, bits: u32) {
        if bits < 8 {
            let zero = builder.zero();
            let one = builder.one();
            let shifted = builder.arithmetic(F::from_canonical_u64(1 << (8 - bits)), F::ONE, byte, one, zero);
            self.byte(builder, shifted);
        }
    }

    /// Enforces `x < 256`.
    pub fn byte(&mut self, builder: &mut Builder, x: Target) {
        self.pool.push(x);
        if self.pool.len() == POOL {
            self.flush(builder);
        }
    }

    /// Makes the checks that are still collected.
    pub fn finish(mut self, builder: &mut Builder) {
        self.flush(builder);
    }

    fn flush(&mut self, builder: &mut Builder) {
        let Some((&last, rest)) = self.pool.split_last() else { return };
        let one = builder.one();
        let radix = F::from_canonical_u64(256);
        let sum = rest.iter().rev().fold(last, |sum, &x| builder.arithmetic(radix, F::ONE, sum, one, x));
        // The gate's bytes are bytes whatever they sum up to; each is connected to the value that it stands for.
        let bytes = uint::bytes(builder, sum);
        for (&x, byte) in self.pool.iter().zip(bytes) {
            builder.connect(x, byte);
        }
        self.pool.clear();
    }
}

#[cfg(test)]
mod tests {
    use janction_aggregate::config::circuit_config;
    use janction_gadgets::C;
    use janction_gadgets::test_utils::{check, generate};
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};

    use super::*;

    #[test]
    fn every_width_is_exact() {
        let widths: Vec<u32> = (0..=MAX_BITS).collect();
        let mut builder = Builder::new(circuit_config());
        let targets = builder.add_virtual_targets(widths.len());
        let mut ranges = Ranges::default();
        for (&x, &bits) in targets.iter().zip(&widths) {
            ranges.check(&mut builder, x, bits);
        }
        ranges.finish(&mut builder);
        let circuit = builder.build::<C>();
        let satisfied = |values: &[F]| {
            let mut inputs = PartialWitness::new();
            inputs.set_target_arr(&targets, values).unwrap();
            generate(&circuit, inputs, &[]).and_then(|witness| check(&circuit, &witness)).is_ok()
        };
        let largest: Vec<F> = widths.iter().map(|&bits| F::from_canonical_u64((1 << bits) - 1)).collect();
        assert!(satisfied(&largest));
        assert!(satisfied(&vec![F::ZERO; widths.len()]));
        for i in 0..widths.len() {
            for wrong in [largest[i] + F::ONE, F::NEG_ONE, -F::from_canonical_u64(256)] {
                let mut values = largest.clone();
                values[i] = wrong;
                assert!(!satisfied(&values), "{} bits: {wrong}", widths[i]);
            }
        }
    }
}
