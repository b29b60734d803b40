//! From the beacon to a row's number, in the circuit: what `janction_trace::draw` defines.

use janction_gadgets::{Builder, F, sponge, uint};
use janction_protocol::hash::tag;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::range::Ranges;

/// The hash that gives four draws: block `block` of operation `operation`. One row.
pub(crate) fn block(
    builder: &mut Builder,
    beacon: &[Target; 4],
    operation: usize,
    block: Target,
) -> HashOutTarget {
    let mut data = beacon.to_vec();
    data.push(builder.constant(F::from_canonical_usize(operation)));
    data.push(block);
    sponge::hash(builder, tag::BEACON, &data)
}

/// One drawn row.
#[derive(Clone, Debug)]
pub(crate) struct DrawTargets {
    carry: Target,
    /// Bits of the row's number, least significant first.
    pub bits: Vec<BoolTarget>,
    #[cfg(test)]
    halves: uint::Halves,
}

impl DrawTargets {
    /// The row that the element `h` draws out of `rows`, as `depth` bits. About two rows.
    ///
    /// *Enforced*: `sum bits_i 2^i = floor(h rows / 2^64)` with h canonical. *The caller must ensure*: `rows` is below
    /// 2^24, and the bits are used in a Merkle path, which checks that they are bits.
    pub fn new(builder: &mut Builder, ranges: &mut Ranges, h: Target, rows: Target, depth: usize) -> Self {
        let halves = uint::halves(builder, h);
        let carry = builder.add_virtual_target();
        let bits: Vec<BoolTarget> =
            (0..depth).map(|_| BoolTarget::new_unsafe(builder.add_virtual_target())).collect();
        let (zero, one) = (builder.zero(), builder.one());
        let index =
            bits.iter().rev().fold(zero, |sum, bit| builder.arithmetic(F::TWO, F::ONE, sum, one, bit.target));
        let word = F::from_canonical_u64(1 << 32);
        // lo rows = carry 2^32 + a0, all below 2^56.
        let product = builder.mul(halves.lo, rows);
        let low = builder.arithmetic(-word, F::ONE, carry, one, product);
        ranges.check(builder, low, 32);
        ranges.check(builder, carry, 24);
        // hi rows + carry = index 2^32 + b0, all below 2^57.
        let product = builder.mul_add(halves.hi, rows, carry);
        let rest = builder.arithmetic(-word, F::ONE, index, one, product);
        ranges.check(builder, rest, 32);
        Self {
            carry,
            bits,
            #[cfg(test)]
            halves,
        }
    }

    /// Sets the draw that `h` makes out of `rows`.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, h: F, rows: u32) -> anyhow::Result<()> {
        let low = h.to_canonical_u64() & u64::from(u32::MAX);
        inputs.set_target(self.carry, F::from_canonical_u64((low * u64::from(rows)) >> 32))?;
        let index = janction_trace::draw::index(h, rows as usize);
        for (i, bit) in self.bits.iter().enumerate() {
            inputs.set_bool_target(*bit, index >> i & 1 == 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use janction_aggregate::config::{Circuit, circuit_config};
    use janction_gadgets::C;
    use janction_gadgets::test_utils::{assert_rejected, check, generate};
    use plonky2::field::types::Field64;

    use super::*;

    const DEPTH: usize = 10;

    /// A draw with its inputs h and rows.
    fn circuit() -> (Circuit, [Target; 2], DrawTargets) {
        let mut builder = Builder::new(circuit_config());
        let inputs: [Target; 2] = builder.add_virtual_target_arr();
        let mut ranges = Ranges::default();
        let draw = DrawTargets::new(&mut builder, &mut ranges, inputs[0], inputs[1], DEPTH);
        for bit in &draw.bits {
            builder.assert_bool(*bit);
        }
        ranges.finish(&mut builder);
        (builder.build::<C>(), inputs, draw)
    }

    #[test]
    fn no_other_row_than_the_drawn_one() {
        let (circuit, [h, rows], draw) = circuit();
        let p = F::ORDER;
        for value in [0, 1, 0xffff_ffff, 1 << 32, 0x1234_5678_9abc_def0, p - (1 << 32), p - 1] {
            for n in [1u32, 2, 360, 1000, 1 << DEPTH] {
                let h_value = F::from_canonical_u64(value);
                let mut inputs = PartialWitness::new();
                inputs.set_target(h, h_value).unwrap();
                inputs.set_target(rows, F::from_canonical_u32(n)).unwrap();
                draw.assign(&mut inputs, h_value, n).unwrap();
                let witness = generate(&circuit, inputs.clone(), &[]).unwrap();
                check(&circuit, &witness).unwrap();
                // Another row, with the right carry and with the next ones.
                let index = janction_trace::draw::index(h_value, n as usize);
                for i in 0..DEPTH {
                    let flipped = F::from_bool(index >> i & 1 == 0);
                    assert_rejected(&circuit, inputs.clone(), &[(draw.bits[i].target, flipped)]);
                }
                let carry = inputs.target_values[&draw.carry];
                assert_rejected(&circuit, inputs.clone(), &[(draw.carry, carry + F::ONE)]);
                assert_rejected(&circuit, inputs, &[(draw.carry, carry - F::ONE)]);
            }
        }
    }
    /// An element h below 2^32 - 1 is also h + p, which draws the last rows instead of row 0. Everything else of that lie
    /// holds: carry, row and remainders are those of h + p.
    #[test]
    fn no_other_form_of_the_drawn_element() {
        let (circuit, [h, rows], draw) = circuit();
        let outcome = |word: u64, n: u32| {
            let mut inputs = PartialWitness::new();
            inputs.set_target(h, F::from_noncanonical_u64(word)).unwrap();
            inputs.set_target(rows, F::from_canonical_u32(n)).unwrap();
            let (hi, lo, n) = (word >> 32, word & u64::from(u32::MAX), u64::from(n));
            let carry = (lo * n) >> 32;
            let index = (hi * n + carry) >> 32;
            let values = [(draw.halves.hi, hi), (draw.halves.lo, lo), (draw.carry, carry)];
            let bits = draw.bits.iter().enumerate().map(|(i, bit)| (bit.target, index >> i & 1));
            let forced: Vec<_> =
                values.into_iter().chain(bits).map(|(t, x)| (t, F::from_canonical_u64(x))).collect();
            generate(&circuit, inputs, &forced).and_then(|witness| check(&circuit, &witness))
        };
        let p = F::ORDER;
        for n in [2, 360, 1000, 1 << DEPTH] {
            for word in [0, 5, p - 1] {
                outcome(word, n).unwrap();
            }
            for word in [p, p + 5, u64::MAX] {
                assert!(outcome(word, n).is_err(), "{word:#x} of {n} rows");
            }
        }
    }
}
