//! From accumulator to cell: the exact requantisation with its clamp, for one output column.
//!
//! With M = multiplier, s = shift, Y the output cell, and integers sigma in {-1, 0, 1}, e >= 0, 0 <= rem < 2^s:
//!
//! ```text
//! acc M + 2^(s-1) + 2^62 = (q + 2^(62-s)) 2^s + rem             q + output_zero = Y + sigma e
//! sigma = 1 implies Y = high      sigma = -1 implies Y = low      low <= Y <= high
//! ```
//!
//! The first line says q = floor((acc M + 2^(s-1)) / 2^s); the rest that Y is q + output_zero, clamped: above `high` only
//! sigma = 1 fits, below `low` only sigma = -1, between them e = 0. (The 2^62 stands on both sides and cancels in the
//! equation over the field; it serves to show that both sides are integers in a range shorter than p.)
//!
//! *Why the equation holds over the integers.* Left minus right is a multiple of p. With |acc| <= bound, e < 2^E and
//! |Y - output_zero| <= 511 its absolute value is at most bound M + 2^(s-1) + (2^E + 512) 2^s. Where that is below p
//! (whenever s <= 50), done. Otherwise q + 2^(62-s) is checked to lie in 0..2^(64-s), so that the right side of the
//! first line is in 0..2^64 while the left one is in 2^32..p, and left + p would be above 2^64.
//!
//! *Whole bytes.* A range check of whole bytes is the cheapest. So E is rounded up to a multiple of 8, and M and 2^s are
//! both multiplied by 2^d, which changes neither q nor the rounding, so that s + d is one, wherever the bound above then
//! still is below p.

use janction_gadgets::{Builder, F};
use janction_program::{DType, Requantise};
use plonky2::field::types::{Field, Field64};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::range::{MAX_BITS, Ranges};

/// What an operation does to all its accumulators once they are scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rescale {
    /// Zero point of the output.
    pub output_zero: i32,
    /// Ends of the clamp.
    pub clamp: (i32, i32),
    /// Type of the output.
    pub output: DType,
}

impl Rescale {
    /// Smallest value of the type minus zero point: what is to be subtracted from a quotient to get a cell as a byte.
    pub fn offset(&self) -> i64 {
        i64::from(self.output.min()) - i64::from(self.output_zero)
    }

    /// The clamp's ends as distances from the smallest value of the type.
    pub fn ends(&self) -> [u64; 2] {
        let smallest = self.output.min();
        // A valid clamp lies in the type.
        [self.clamp.0, self.clamp.1].map(|end| end.abs_diff(smallest).into())
    }

    /// Whether the clamp's ends lie inside the type's.
    pub fn narrow(&self) -> (bool, bool) {
        (self.clamp.0 > self.output.min(), self.clamp.1 < self.output.max())
    }

    /// Most by which an accumulator of at most `bound` in absolute value can lie outside the clamp, once scaled.
    pub fn excess(&self, Requantise { multiplier, shift, .. }: Requantise, bound: i64) -> u64 {
        // With bound M < 2^62 and a rounding term of at most 2^61 nothing overflows.
        let product = bound * i64::from(multiplier);
        let round = 1i64 << (shift - 1);
        let zero = i64::from(self.output_zero);
        let lowest = ((round - product) >> shift) + zero;
        let highest = ((round + product) >> shift) + zero;
        (highest - i64::from(self.clamp.1)).max(i64::from(self.clamp.0) - lowest).max(0).unsigned_abs()
    }
}

/// What the requantisation of one column depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequantisePlan {
    rescale: Rescale,
    /// Multiplier and shift, both scaled by 2^d. The multiplier may have more than 32 bits.
    multiplier: i64,
    shift: u32,
    /// E: bits of e.
    excess_bits: u32,
    /// Whether q needs a range check of its own.
    wide: bool,
}

/// The witness of one requantisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequantiseTargets {
    pub sigma: Target,
    pub excess: Target,
    pub remainder: Target,
}

/// An integer as a field element.
pub(crate) fn element(value: i128) -> F {
    // Below p after the reduction.
    F::from_canonical_u64(value.rem_euclid(i128::from(F::ORDER)) as u64)
}

impl RequantisePlan {
    /// The plan for accumulators of at most `bound` in absolute value.
    pub fn new(rescale: &Rescale, requantise: Requantise, bound: i64) -> Self {
        let (multiplier, shift) = (i64::from(requantise.multiplier), u32::from(requantise.shift));
        let bits = i64::BITS - rescale.excess(requantise, bound).leading_zeros();
        let product = bound * multiplier;
        let round = 1i64 << (shift - 1);
        // The sides of the equation differ by at most this, with e of `excess_bits` bits and everything times 2^d.
        let fits = |excess_bits: u32, d: u32| {
            let reach = i128::from(product) + i128::from(round) + (((1i128 << excess_bits) + 512) << shift);
            excess_bits <= MAX_BITS && shift + d <= MAX_BITS && reach < i128::from(F::ORDER) >> d
        };
        let (whole, d) = (bits.next_multiple_of(8), shift.next_multiple_of(8) - shift);
        let options = [(whole, d), (whole, 0), (bits, 0)];
        let narrow = options.into_iter().find(|&(bits, d)| fits(bits, d));
        let (excess_bits, d) = narrow.unwrap_or((bits, 0));
        Self {
            rescale: *rescale,
            multiplier: multiplier << d,
            shift: shift + d,
            excess_bits,
            wide: narrow.is_none(),
        }
    }

    /// Enforces that `cell` (a byte) is the requantised accumulator `biased - half`.
    ///
    /// The caller must ensure that the accumulator is within the plan's bound.
    pub fn build(
        &self,
        builder: &mut Builder,
        ranges: &mut Ranges,
        biased: Target,
        half: i64,
        cell: Target,
    ) -> RequantiseTargets {
        let [sigma, excess, remainder] = builder.add_virtual_target_arr();
        let shift = self.shift;
        let power = F::from_canonical_u64(1 << shift);
        let multiplier = F::from_canonical_u64(self.multiplier as u64);
        let one = builder.one();

        // u M + K = (sigma e + cell) 2^s + rem, where cell = Y - smallest and K holds all that is constant.
        let offset = i128::from(self.rescale.offset());
        let constant =
            (1i128 << (shift - 1)) - i128::from(half) * i128::from(self.multiplier) - (offset << shift);
        let constant = builder.constant(element(constant));
        let left = builder.arithmetic(multiplier, F::ONE, biased, one, constant);
        let unclamped = builder.mul_add(sigma, excess, cell);
        let right = builder.arithmetic(power, F::ONE, unclamped, one, remainder);
        builder.connect(left, right);
        ranges.check(builder, remainder, shift);
        ranges.check(builder, excess, self.excess_bits);
        if self.wide {
            let quotient = builder.add_const(unclamped, element(offset + (1i128 << (62 - shift))));
            ranges.check(builder, quotient, 64 - shift);
        }
        self.build_clamp(builder, ranges, sigma, cell);
        RequantiseTargets { sigma, excess, remainder }
    }

    /// sigma in {-1, 0, 1}; sigma = 1 implies cell = high, sigma = -1 implies cell = low; low <= cell <= high.
    fn build_clamp(&self, builder: &mut Builder, ranges: &mut Ranges, sigma: Target, cell: Target) {
        let square = builder.mul(sigma, sigma);
        let cube = builder.mul(square, sigma);
        builder.connect(cube, sigma);
        // sigma^2 (2 cell - low - high) = sigma (high - low)
        let [low, high] = self.rescale.ends();
        let (zero, one) = (builder.zero(), builder.one());
        let sum = F::from_canonical_u64(low + high);
        let left = builder.arithmetic(F::TWO, -sum, square, cell, square);
        let right = builder.arithmetic(F::from_canonical_u64(high - low), F::ONE, sigma, one, zero);
        builder.connect(left, right);
        // The cell is a byte already, so only a bound that is narrower than the type needs a check.
        let (narrow_low, narrow_high) = self.rescale.narrow();
        if narrow_low {
            let above = builder.add_const(cell, -F::from_canonical_u64(low));
            ranges.byte(builder, above);
        }
        if narrow_high {
            let high = builder.constant(F::from_canonical_u64(high));
            let below = builder.sub(high, cell);
            ranges.byte(builder, below);
        }
    }

    /// q + output_zero, before the clamp, and rem.
    fn divide(&self, acc: i64) -> (i64, i64) {
        let sum = i128::from(acc) * i128::from(self.multiplier) + (1i128 << (self.shift - 1));
        // Of 64 bits: see `fits`.
        (
            (sum >> self.shift) as i64 + i64::from(self.rescale.output_zero),
            (sum & ((1i128 << self.shift) - 1)) as i64,
        )
    }

    /// Sets the witness for accumulator `acc` and output cell `cell`.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        targets: &RequantiseTargets,
        acc: i64,
        cell: i32,
    ) -> anyhow::Result<()> {
        let (unclamped, remainder) = self.divide(acc);
        let excess = unclamped - i64::from(cell);
        inputs.set_target(targets.sigma, element(excess.signum().into()))?;
        inputs.set_target(targets.excess, element(excess.abs().into()))?;
        inputs.set_target(targets.remainder, element(remainder.into()))
    }
}

#[cfg(test)]
impl RequantisePlan {
    /// Multiplier and shift as they stand in the circuit.
    pub fn scaled(&self) -> (i128, u32) {
        (self.multiplier.into(), self.shift)
    }

    /// Whether the range checks let these pass, natively.
    pub fn in_range(&self, quotient: i128, excess: i128, remainder: i128) -> bool {
        let below = |x: i128, bits: u32| (0..1 << bits).contains(&x);
        let wide = !self.wide || below(quotient + (1 << (62 - self.shift)), 64 - self.shift);
        wide && below(excess, self.excess_bits) && below(remainder, self.shift)
    }
}
