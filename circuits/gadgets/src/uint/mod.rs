//! Integers in the field: range checks, amounts below 2^62, comparison, canonical halves of an element, and parsing
//! limbs into fields.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

pub mod byte_split;

use byte_split::{BYTES, ByteSplitGate};

use crate::{Builder, D, F};

/// Bits of an amount, and the widest range check.
pub const AMOUNT_BITS: usize = 62;

/// Bytes of `x`, least significant first, the last one below 2^6. A third of a row.
///
/// Enforces: `x < 2^62`, `x = sum bytes_j 256^j`, each byte in range.
pub fn bytes(builder: &mut Builder, x: Target) -> [Target; BYTES] {
    let (row, op) = builder.find_slot(ByteSplitGate, &[], &[]);
    builder.connect(x, Target::wire(row, ByteSplitGate::value(op)));
    std::array::from_fn(|j| Target::wire(row, ByteSplitGate::byte(op, j)))
}

/// Enforces `x < 2^bits`. A third of a row when `bits` is 62 or a multiple of 8, two thirds otherwise.
///
/// # Panics
/// Unless `bits` is at most 56 or 62.
pub fn range_check(builder: &mut Builder, x: Target, bits: usize) {
    assert!(bits <= 56 || bits == AMOUNT_BITS, "range_check: {bits} bits (at most 56, or 62)");
    if bits == AMOUNT_BITS {
        bytes(builder, x);
        return;
    }
    let whole = bits.div_ceil(8);
    whole_bytes(builder, x, whole);
    if !bits.is_multiple_of(8) {
        // x < 2^(8 whole) holds, so x * 2^shift < 2^63 does not wrap, and its bound gives x < 2^bits.
        let shift = 8 * whole - bits;
        let shifted = builder.mul_const(F::from_canonical_u64(1 << shift), x);
        whole_bytes(builder, shifted, whole);
    }
}

/// The `n` low bytes of `x`; enforces `x < 256^n`.
fn whole_bytes(builder: &mut Builder, x: Target, n: usize) -> [Target; BYTES] {
    let all = bytes(builder, x);
    for &byte in &all[n..] {
        builder.assert_zero(byte);
    }
    all
}

/// `a + b`, for amounts. Enforces that the sum is below 2^62.
///
/// The caller must ensure that both are below 2^62 (so that the sum does not wrap).
pub fn add_amounts(builder: &mut Builder, a: Target, b: Target) -> Target {
    let sum = builder.add(a, b);
    range_check(builder, sum, AMOUNT_BITS);
    sum
}

/// `a - b`, for amounts. Enforces `b <= a`.
///
/// The caller must ensure that both are below 2^62 (so that a negative difference is p - d > 2^62).
pub fn sub_amounts(builder: &mut Builder, a: Target, b: Target) -> Target {
    let difference = builder.sub(a, b);
    range_check(builder, difference, AMOUNT_BITS);
    difference
}

/// Whether `a < b`, as integers. A third of a row and three additions.
///
/// Enforces: the result is that bit. The caller must ensure that both are below 2^62.
pub fn less_than(builder: &mut Builder, a: Target, b: Target) -> BoolTarget {
    let less = builder.add_virtual_bool_target_safe();
    builder.add_simple_generator(LessThanGenerator { a, b, less: less.target });
    // a - b + less * 2^62 in [0, 2^62): with less = 0 that says a >= b, with less = 1 a < b.
    let difference = builder.sub(a, b);
    let shift = F::from_canonical_u64(1 << AMOUNT_BITS);
    let shifted = builder.mul_const_add(shift, less.target, difference);
    range_check(builder, shifted, AMOUNT_BITS);
    less
}

/// Enforces `a <= b`. The caller must ensure that both are below 2^62.
pub fn assert_le(builder: &mut Builder, a: Target, b: Target) {
    sub_amounts(builder, b, a);
}

/// Enforces `a < b`. The caller must ensure that both are below 2^62.
pub fn assert_lt(builder: &mut Builder, a: Target, b: Target) {
    let next = builder.add_const(a, F::ONE);
    sub_amounts(builder, b, next);
}

/// Whether `x` is zero. Two multiplications.
pub fn is_zero(builder: &mut Builder, x: Target) -> BoolTarget {
    let zero = builder.zero();
    builder.is_equal(x, zero)
}

/// `condition ? x : y`, element by element. The caller must ensure that `condition` is 0 or 1.
pub fn select<const N: usize>(
    builder: &mut Builder,
    condition: BoolTarget,
    x: &[Target; N],
    y: &[Target; N],
) -> [Target; N] {
    std::array::from_fn(|i| builder.select(condition, x[i], y[i]))
}

/// Enforces `x = y` when `condition` is 1. Two operations. The caller must ensure that `condition` is 0 or 1.
pub fn assert_equal_if(builder: &mut Builder, condition: BoolTarget, x: Target, y: Target) {
    let difference = builder.sub(x, y);
    let product = builder.mul(condition.target, difference);
    builder.assert_zero(product);
}

/// The canonical halves of a field element.
#[derive(Clone, Copy, Debug)]
pub struct Halves {
    /// Bits 32..64 of the canonical representative.
    pub hi: Target,
    /// Bits 0..32.
    pub lo: Target,
}

/// `x = hi 2^32 + lo` with `hi, lo < 2^32` and the integer below p. Two thirds of a row and five operations.
///
/// Enforces: the decomposition is the canonical one. (An `x` below 2^32 - 1 also equals p + x, whose halves are
/// hi = 2^32 - 1, lo = x + 1: so hi = 2^32 - 1 must imply lo = 0.)
pub fn halves(builder: &mut Builder, x: Target) -> Halves {
    let [hi, lo] = builder.add_virtual_target_arr();
    builder.add_simple_generator(HalvesGenerator { x, hi, lo });
    range_check(builder, hi, 32);
    range_check(builder, lo, 32);
    let joined = join_canonical_halves(builder, hi, lo);
    builder.connect(joined, x);
    Halves { hi, lo }
}

/// `hi 2^32 + lo`; enforces that hi = 2^32 - 1 implies lo = 0, so that the pair is the canonical one of its value.
///
/// The caller must ensure that both are below 2^32.
pub fn join_canonical_halves(builder: &mut Builder, hi: Target, lo: Target) -> Target {
    let top = builder.add_const(hi, -F::from_canonical_u64(u32::MAX as u64));
    let is_top = is_zero(builder, top);
    let product = builder.mul(is_top.target, lo);
    builder.assert_zero(product);
    builder.mul_const_add(F::from_canonical_u64(1 << 32), hi, lo)
}

/// Cuts a limb into fields of `widths` bytes, most significant first, as the public-data format lays them out.
/// A third of a row and at most six operations.
///
/// Enforces: `limb < 256^(sum of widths)`, and the fields are its digits (unique, because the whole is below 2^56).
///
/// # Panics
/// When the widths add up to more than seven bytes.
pub fn split_fields<const N: usize>(builder: &mut Builder, limb: Target, widths: [usize; N]) -> [Target; N] {
    let total: usize = widths.iter().sum();
    assert!(total < BYTES, "a limb has seven bytes, the fields {total}");
    let all = whole_bytes(builder, limb, total);
    let mut end = total;
    widths.map(|width| {
        let field = &all[end - width..end];
        end -= width;
        let zero = builder.zero();
        field
            .iter()
            .rev()
            .copied()
            .reduce(|acc, byte| builder.mul_const_add(F::from_canonical_u16(256), acc, byte))
            .unwrap_or(zero)
    })
}

/// Computes the bit of [`less_than`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LessThanGenerator {
    a: Target,
    b: Target,
    less: Target,
}

impl SimpleGenerator<F, D> for LessThanGenerator {
    fn id(&self) -> String {
        "LessThanGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.a, self.b]
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let [a, b] = [self.a, self.b].map(|t| witness.get_target(t).to_canonical_u64());
        out_buffer.set_target(self.less, F::from_bool(a < b))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        [self.a, self.b, self.less].into_iter().try_for_each(|t| dst.write_target(t))
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { a: src.read_target()?, b: src.read_target()?, less: src.read_target()? })
    }
}

/// Computes the halves of [`halves`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HalvesGenerator {
    x: Target,
    hi: Target,
    lo: Target,
}

impl SimpleGenerator<F, D> for HalvesGenerator {
    fn id(&self) -> String {
        "HalvesGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.x]
    }

    fn run_once(
        &self,
        witness: &PartitionWitness<F>,
        out_buffer: &mut GeneratedValues<F>,
    ) -> anyhow::Result<()> {
        let x = witness.get_target(self.x).to_canonical_u64();
        out_buffer.set_target(self.hi, F::from_canonical_u64(x >> 32))?;
        out_buffer.set_target(self.lo, F::from_canonical_u64(x & u64::from(u32::MAX)))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        [self.x, self.hi, self.lo].into_iter().try_for_each(|t| dst.write_target(t))
    }

    fn deserialize(src: &mut Buffer, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { x: src.read_target()?, hi: src.read_target()?, lo: src.read_target()? })
    }
}

#[cfg(test)]
mod tests;
