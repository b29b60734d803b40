//! From accumulator to cell: the exact requantisation with its clamp, for one output column.
//!
//! With M = multiplier, s = shift, B = 2^(s-1) (where what is near a half counts as one, 2^23 more: [`Rounding::bias`]), Y the
//! output cell, and integers sigma in {-1, 0, 1}, e >= 0, 0 <= rem < 2^s:
//!
//! ```text
//! acc M + B + 2^62 = (q + 2^(62-s)) 2^s + rem             q + output_zero = Y + sigma e
//! sigma = 1 implies Y = high      sigma = -1 implies Y = low      low <= Y <= high
//! ```
//!
//! The first line says q = floor((acc M + B) / 2^s); the rest that Y is q + output_zero, clamped: above `high` only
//! sigma = 1 fits, below `low` only sigma = -1, between them e = 0. (The 2^62 stands on both sides and cancels in the
//! equation over the field; it serves to show that both sides are integers in a range shorter than p.)
//!
//! *Halves that do not go up.* Halves are where rem = 0, or, where what is near a half counts as one, where rem < 2^24; and there the
//! quotient is q or q - 1, whichever has the parity that the rounding asks for. With bits t and p, an integer h, an element inv, and
//! top = floor(rem / 2^24) or top = rem:
//!
//! ```text
//! q + output_zero = Y + sigma (e + 1) + t          t top = 0
//! Y - output_zero + parity = 2 h' + p              p (1 - sigma^2)(1 - top inv) = 0
//! ```
//!
//! where the second line stands as `cell + turn = 2 h + p`, with the cell as a byte and turn in {0, 1} of the same parity as
//! what it takes the place of (parity + smallest - output_zero), so that 0 <= h < 256 and nothing wraps; and top comes of
//! rem = bottom + 2^24 top, where range checks of both parts, which also are rem's, make them unique.
//!
//! - sigma = 0, top != 0: t = 0, Y = q + output_zero. An inverse of top makes the last equation true whatever p is.
//! - sigma = 0, top = 0: Y is q or q - 1 (plus output_zero), and p = 0 says that it is the one of the right parity.
//! - sigma = 1: q + output_zero >= high + 1, so that q and q - 1 are both clamped to `high`. That is why e + 1 stands for e:
//!   with sigma = 1 and e = 0 at Y = high, a half that belongs to high - 1 could claim `high`.
//! - sigma = -1: q + output_zero <= low - 1 + t. It is below `low`; or t = 1, a half, and q = low: q and q - 1 are both clamped
//!   to `low`.
//!
//! So no other Y is left, and for the right one there always is a witness ([`Distance::of`]): t = 1 where the half goes down to
//! a Y inside the clamp, or from q = low to below it.
//!
//! *Why the equation holds over the integers.* Left minus right is a multiple of p. With |acc| <= bound, e < 2^E and
//! |Y - output_zero| <= 511 its absolute value is at most bound M + B + (2^E + 512) 2^s; e + 1 and t add no more than two
//! to the 512. Where that is below p
//! (whenever s <= 50), done. Otherwise q + 2^(62-s) is checked to lie in 0..2^(64-s), so that the right side of the
//! first line is in 0..2^64 while the left one is in 2^32..p, and left + p would be above 2^64.
//!
//! *Whole bytes.* A range check of whole bytes is the cheapest. So E is rounded up to a multiple of 8, and M and 2^s are
//! both multiplied by 2^d, and so B, which changes neither q nor which accumulators lie at a half, so that s + d is one (not where
//! what is near a half counts as one: a remainder of two parts gains nothing by it), wherever the bound above then
//! still is below p.

use janction_gadgets::{Builder, F};
use janction_program::{DType, Requantise, Rounding};
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

    /// Unless halves go up: 0 or 1, such that a cell (as a byte) plus it is even if the quotient is one that halves go to.
    pub fn turn(&self, rounding: Rounding) -> Option<u8> {
        // quotient = cell + offset
        rounding.parity().map(|parity| (i64::from(parity) + self.offset()).rem_euclid(2) as u8)
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
    pub fn excess(&self, Requantise { multiplier, shift, rounding }: Requantise, bound: i64) -> u64 {
        // With bound M < 2^62 and a bias of at most 2^61 + 2^23 nothing overflows.
        let product = bound * i64::from(multiplier);
        let bias = rounding.bias(shift);
        let zero = i64::from(self.output_zero);
        let lowest = ((bias - product) >> shift) + zero;
        let highest = ((bias + product) >> shift) + zero;
        (highest - i64::from(self.clamp.1)).max(i64::from(self.clamp.0) - lowest).max(0).unsigned_abs()
    }
}

/// How a cell lies to the quotient that it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Distance {
    /// 1 where the quotient lies above the clamp, -1 below, else 0.
    pub sigma: i64,
    /// e.
    pub excess: u64,
    /// t: whether a half went down.
    pub down: bool,
}

impl Distance {
    /// Of `cell` to the quotient with halves up, `up`, where the part of the remainder that counts is `top`. For a false cell some
    /// numbers that do not fit.
    pub fn of(turn: Option<u8>, up: i64, top: i64, cell: i64) -> Self {
        let distance = up.wrapping_sub(cell);
        let Some(turn) = turn else {
            return Self { sigma: distance.signum(), excess: distance.unsigned_abs(), down: false };
        };
        let down = top == 0 && (up ^ i64::from(turn)) & 1 == 1;
        let sigma = distance.wrapping_sub(down.into()).signum();
        // sigma (e + 1) + t = distance, and t = 0 wherever that leaves an e.
        let down = down && (sigma == 0 || distance == 0);
        let excess = sigma.wrapping_mul(distance.wrapping_sub(down.into())).wrapping_sub(1);
        Self { sigma, excess: if sigma == 0 { 0 } else { excess as u64 }, down }
    }
}

/// What the requantisation of one column depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequantisePlan {
    rescale: Rescale,
    /// Multiplier and shift, both scaled by 2^d, and B. The multiplier may have more than 32 bits.
    multiplier: i64,
    shift: u32,
    bias: i64,
    /// Lower bits of a remainder that do not count when it is asked for a half.
    near_bits: u32,
    /// E: bits of e.
    excess_bits: u32,
    /// Where halves go: [`Rescale::turn`].
    turn: Option<u8>,
    /// Whether q needs a range check of its own.
    wide: bool,
}

/// The witness of one requantisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequantiseTargets {
    pub sigma: Target,
    pub excess: Target,
    pub remainder: Target,
    /// Unless halves go up.
    pub halves: Option<HalvesTargets>,
}

/// The witness of where a half goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalvesTargets {
    /// t
    pub down: Target,
    /// p
    pub parity: Target,
    /// h
    pub half: Target,
    /// inv
    pub inverse: Target,
    /// bottom and top, where what is near a half counts as one.
    pub parts: Option<[Target; 2]>,
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
        let bias = requantise.rounding.bias(requantise.shift);
        let near_bits = u32::from(requantise.rounding.near_bits());
        // The sides of the equation differ by at most this, with e of `excess_bits` bits and everything times 2^d.
        let turn = rescale.turn(requantise.rounding);
        let margin = Self::margin(turn);
        let fits = |excess_bits: u32, d: u32| {
            let reach = i128::from(product) + i128::from(bias) + (((1i128 << excess_bits) + margin) << shift);
            excess_bits <= MAX_BITS && shift + d <= MAX_BITS && reach < i128::from(F::ORDER) >> d
        };
        // With a remainder in two parts, of which one has 24 bits, more bits are no gain.
        let d = if near_bits == 0 { shift.next_multiple_of(8) - shift } else { 0 };
        let whole = bits.next_multiple_of(8);
        let options = [(whole, d), (whole, 0), (bits, 0)];
        let narrow = options.into_iter().find(|&(bits, d)| fits(bits, d));
        let (excess_bits, d) = narrow.unwrap_or((bits, 0));
        Self {
            rescale: *rescale,
            multiplier: multiplier << d,
            shift: shift + d,
            bias: bias << d,
            near_bits,
            excess_bits,
            turn,
            wide: narrow.is_none(),
        }
    }

    /// More than what sigma e (or sigma (e + 1) + t) + Y - output_zero is beyond e, with the remainder.
    pub const fn margin(turn: Option<u8>) -> i128 {
        if turn.is_some() { 514 } else { 512 }
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
            i128::from(self.bias) - i128::from(half) * i128::from(self.multiplier) - (offset << shift);
        let constant = builder.constant(element(constant));
        let left = builder.arithmetic(multiplier, F::ONE, biased, one, constant);
        let mut unclamped = builder.mul_add(sigma, excess, cell);
        let halves = self.turn.map(|turn| {
            let parts = (self.near_bits > 0).then(|| builder.add_virtual_target_arr::<2>());
            let top = parts.map_or(remainder, |[_, top]| top);
            let halves = HalvesTargets { parts, ..build_halves(builder, ranges, turn, sigma, top, cell) };
            let more = builder.add(sigma, halves.down);
            unclamped = builder.add(unclamped, more);
            halves
        });
        let right = builder.arithmetic(power, F::ONE, unclamped, one, remainder);
        builder.connect(left, right);
        match halves.and_then(|halves| halves.parts) {
            None => ranges.check(builder, remainder, shift),
            Some([bottom, top]) => {
                let power = F::from_canonical_u64(1 << self.near_bits);
                let sum = builder.arithmetic(power, F::ONE, top, one, bottom);
                builder.connect(sum, remainder);
                ranges.check(builder, bottom, self.near_bits);
                ranges.check(builder, top, shift - self.near_bits);
            }
        }
        ranges.check(builder, excess, self.excess_bits);
        if self.wide {
            let quotient = builder.add_const(unclamped, element(offset + (1i128 << (62 - shift))));
            ranges.check(builder, quotient, 64 - shift);
        }
        self.build_clamp(builder, ranges, sigma, cell);
        RequantiseTargets { sigma, excess, remainder, halves }
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
        let sum = i128::from(acc) * i128::from(self.multiplier) + i128::from(self.bias);
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
        // As distances from the smallest value of the type, as the circuit has them.
        let smallest = i64::from(self.rescale.output.min());
        let cell = i64::from(cell) - smallest;
        let top = remainder >> self.near_bits;
        let distance = Distance::of(self.turn, unclamped - smallest, top, cell);
        inputs.set_target(targets.sigma, element(distance.sigma.into()))?;
        inputs.set_target(targets.excess, element(distance.excess.into()))?;
        inputs.set_target(targets.remainder, element(remainder.into()))?;
        if let (Some(halves), Some(turn)) = (targets.halves, self.turn) {
            let turned = cell + i64::from(turn);
            inputs.set_target(halves.down, F::from_bool(distance.down))?;
            inputs.set_target(halves.parity, element(turned.rem_euclid(2).into()))?;
            inputs.set_target(halves.half, element(turned.div_euclid(2).into()))?;
            inputs.set_target(halves.inverse, element(top.into()).try_inverse().unwrap_or(F::ZERO))?;
            if let Some(parts) = halves.parts {
                let bottom = remainder - (top << self.near_bits);
                inputs.set_target_arr(&parts, &[bottom, top].map(|part| element(part.into())))?;
            }
        }
        Ok(())
    }
}

/// Enforces that t is 0, or 1 at a half, and that the cell's quotient is one that halves go to wherever there is a half and
/// sigma = 0. `cell` must be a byte, `top` (the part of the remainder that is 0 at a half) in its range, and sigma one of -1, 0, 1.
fn build_halves(
    builder: &mut Builder,
    ranges: &mut Ranges,
    turn: u8,
    sigma: Target,
    top: Target,
    cell: Target,
) -> HalvesTargets {
    let [down, parity, half, inverse] = builder.add_virtual_target_arr();
    let (zero, one) = (builder.zero(), builder.one());
    for bit in [down, parity] {
        let square = builder.mul(bit, bit);
        builder.connect(square, bit);
    }
    let product = builder.mul(down, top);
    builder.connect(product, zero);
    // cell + turn = 2 h + p
    let turned = builder.add_const(cell, F::from_canonical_u8(turn));
    let whole = builder.arithmetic(F::TWO, F::ONE, half, one, parity);
    builder.connect(turned, whole);
    ranges.byte(builder, half);
    // p (1 - sigma^2) (1 - top inv) = 0
    let square = builder.mul(sigma, sigma);
    let is_inside = builder.sub(one, square);
    let is_half = builder.arithmetic(F::NEG_ONE, F::ONE, top, inverse, one);
    let is_wrong = builder.mul(parity, is_inside);
    let wrong = builder.mul(is_wrong, is_half);
    builder.connect(wrong, zero);
    HalvesTargets { down, parity, half, inverse, parts: None }
}

/// A requantisation as it stands in a circuit.
#[cfg(test)]
pub(crate) struct Scaled {
    pub multiplier: i128,
    pub shift: u32,
    pub bias: i128,
    pub near_bits: u32,
}

#[cfg(test)]
impl RequantisePlan {
    /// Multiplier, shift, bias and near bits as they stand in the circuit.
    pub fn scaled(&self) -> Scaled {
        let Self { multiplier, shift, bias, near_bits, .. } = *self;
        Scaled { multiplier: multiplier.into(), shift, bias: bias.into(), near_bits }
    }

    /// Whether the range checks let these pass, natively.
    pub fn in_range(&self, quotient: i128, excess: i128, remainder: i128) -> bool {
        let below = |x: i128, bits: u32| (0..1 << bits).contains(&x);
        let wide = !self.wide || below(quotient + (1 << (62 - self.shift)), 64 - self.shift);
        wide && below(excess, self.excess_bits) && below(remainder, self.shift)
    }
}
