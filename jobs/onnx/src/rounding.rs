//! Where halves go when results become cells.
//!
//! `QuantizeLinear` divides, rounds to even and adds the zero point, and so do the quantised operators; but onnxruntime's
//! `QLinearAdd` and `QLinearAveragePool` (unless its window is the whole plane) add the zero point first. Halves up costs less to
//! audit, so that is what operations get whose results never lie at a half: nearly all whose scales come from data.
//!
//! Scales are float32 numbers, so a factor is a fraction, and where that is no multiplier over a power of two (an average of six
//! cells) its halves are not those of the multiplier. [`Rounding::near`] finds them where multiplier and accumulators are small
//! enough for that.

use janction_program::{DType, Requantise, Rounding};

use crate::{error::OnnxError, flow::Quantisation, node::Node};

/// Largest denominator of a factor whose halves are looked for: with a larger one they are rarer than one in 2^16 accumulators.
const MAX_DENOMINATOR: u128 = 1 << 16;

/// Where `node` takes halves when it makes cells of `output`.
pub fn of(node: &Node, output: Quantisation) -> Rounding {
    match node.operator.as_str() {
        "QLinearAdd" | "QLinearAveragePool" => Rounding::half_even_with(output.zero),
        _ => Rounding::HalfEven,
    }
}

/// The scale of accumulators over that of the output.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Scale of the accumulators, a product of float32 numbers: exact for two of them; where a third one rounds it, the fraction has a
    /// large denominator, and no halves are looked for.
    pub accumulators: f64,
    /// Scale of the output times what is divided by, likewise.
    pub output: f64,
}

impl Factor {
    /// The requantisation of accumulators of at most `bound` in absolute value: with `rounding` if one of them can lie at a half.
    pub fn requantise(self, node: &Node, rounding: Rounding, bound: i64) -> Result<Requantise, OnnxError> {
        let factor = self.accumulators / self.output;
        let requantise = Requantise::from_factor(factor).ok_or_else(|| {
            node.unsupported(format!("the factor {factor:e} between scales is outside 2^-62..2^30"))
        })?;
        if requantise.meets_halves(bound) {
            return Ok(requantise.rounded(rounding));
        }
        Ok(self.near_halves(requantise, rounding, bound).unwrap_or(requantise))
    }

    /// The requantisation that takes for halves what is one exactly, and nothing else, if `nearest` meets none but the factor does.
    fn near_halves(self, nearest: Requantise, rounding: Rounding, bound: i64) -> Option<Requantise> {
        let (numerator, denominator) = self.fraction()?;
        // acc n / d lies at a half where acc is an odd multiple of d / 2.
        if denominator % 2 != 0 || denominator / 2 > bound.unsigned_abs().into() {
            return None;
        }
        let shift = nearest.shift & !1;
        // The factor is below 2^31 / 2^shift, and the denominator at most 2^16.
        let scaled = numerator << shift;
        let multiplier = (scaled + denominator / 2) / denominator;
        let near = Requantise { multiplier: multiplier.try_into().ok()?, shift, rounding: rounding.near() };
        // In units of 2^-shift / d: the most by which acc M / 2^shift is beside acc n / d; 2^23; and how far from halves the latter
        // are which do not lie at one, multiples of 1 / d all of them.
        let error = (multiplier * denominator).abs_diff(scaled) * u128::from(bound.unsigned_abs());
        let width = denominator << (near.rounding.near_bits() - 1);
        let others = 1 << shift;
        (near.is_valid() && error < width && width + error < others).then_some(near)
    }

    /// The factor as a fraction in lowest terms, unless its denominator is too large.
    fn fraction(self) -> Option<(u128, u128)> {
        let [(above, up), (below, down)] = [odd_part(self.accumulators)?, odd_part(self.output)?];
        let common = gcd(above, below);
        let (above, below) = (u128::from(above / common), u128::from(below / common));
        match up - down {
            twos @ 0..16 => Some((above << twos, below)),
            twos @ -16..0 => Some((above, below << -twos)),
            _ => None,
        }
        .filter(|&(_, denominator)| denominator <= MAX_DENOMINATOR)
    }
}

/// A positive number as an odd one times a power of two; nothing for those near zero that f64 has fewer bits for, which only long
/// chains of tiny factors come to.
fn odd_part(x: f64) -> Option<(u64, i32)> {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    if !x.is_normal() {
        return None;
    }
    let (bits, exponent) = (x.to_bits() & ((1 << FRACTION) - 1), (x.to_bits() >> FRACTION) as i32);
    let whole = bits | 1 << FRACTION;
    let twos = whole.trailing_zeros();
    Some((whole >> twos, exponent - 1023 - (FRACTION - twos) as i32))
}

/// Greatest common divisor of numbers above 0.
const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The rounding of sums of one of `left` and one of `right`, each times its multiplier, over 2^shift.
pub fn of_sums(node: &Node, output: Quantisation, terms: [&[i64]; 2], shift: u8) -> Rounding {
    let half = 1i64 << (shift - 1);
    // Terms are below 2^40, so that sums of them and half of 2^62 do not overflow.
    let is_half = |(left, right): (i64, i64)| (left + right + half) & (2 * half - 1) == 0;
    let mut sums = terms[0].iter().flat_map(|&left| terms[1].iter().map(move |&right| (left, right)));
    if sums.any(is_half) { of(node, output) } else { Rounding::HalfUp }
}

/// What cells of type `dtype` count for: all of them, minus the zero point, times a multiplier.
pub fn terms(dtype: DType, zero: i32, multiplier: i32) -> Vec<i64> {
    (dtype.min()..=dtype.max()).map(|cell| i64::from(cell - zero) * i64::from(multiplier)).collect()
}

impl Quantisation {
    /// Largest distance of a cell from the zero point.
    pub(crate) fn reach(&self) -> i64 {
        i64::from((self.dtype.max() - self.zero).max(self.zero - self.dtype.min()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_odd_parts() {
        for (x, parts) in
            [(1.0, (1, 0)), (0.75, (3, -2)), (40.0, (5, 3)), (f64::from(0.1f32), (13_421_773, -27))]
        {
            assert_eq!(odd_part(x), Some(parts));
        }
        for x in [0.0, f64::MIN_POSITIVE / 2.0, f64::INFINITY, f64::NAN] {
            assert_eq!(odd_part(x), None);
        }
    }

    #[test]
    fn factors_are_fractions() {
        let fraction = |accumulators, output| Factor { accumulators, output }.fraction();
        assert_eq!(fraction(0.5, 0.5 * 6.0), Some((1, 6)));
        assert_eq!(fraction(0.75, 0.5 * 6.0), Some((1, 4)));
        assert_eq!(fraction(3.0, 0.125), Some((24, 1)));
        // What a scale is does not matter as long as it is kept.
        assert_eq!(fraction(f64::from(0.1f32), f64::from(0.1f32) * 196.0), Some((1, 196)));
        assert_eq!(fraction(f64::from(0.1f32), f64::from(0.3f32)), None);
        assert_eq!(fraction(1.0, 131_072.0), None);
    }

    /// The quotient of `acc n / d` by the definition.
    fn exact(acc: i64, (n, d): (i64, i64), parity: i64) -> i64 {
        let (floor, rest) = ((acc * n).div_euclid(d), (acc * n).rem_euclid(d));
        floor + i64::from(2 * rest > d || (2 * rest == d && (floor & 1) != parity))
    }

    proptest! {
        /// Wherever halves are looked for, the results are those of the fraction, for all accumulators.
        #[test]
        fn near_halves_are_exact(
            n in 1i64..40, d in 1i64..700, bound in prop_oneof![1i64..1000, 1i64..1 << 18, 1i64..1 << 24], acc: i64
        ) {
            let factor = Factor { accumulators: n as f64, output: d as f64 };
            for rounding in [Rounding::HalfEven, Rounding::HalfOdd] {
                let nearest = Requantise::from_factor(n as f64 / d as f64).unwrap();
                let Some(near) = factor.near_halves(nearest, rounding, bound) else { continue };
                prop_assert!(near.is_valid());
                let parity = rounding.parity().unwrap().into();
                let common = gcd(n as u64, d as u64) as i64;
                let half = d / common / 2;
                // Halves, what is beside them, the ends, and any.
                let turns = (bound / half - 1).max(0);
                let last = half * (turns - turns % 2 + 1);
                for acc in [half, last, bound, acc % (bound + 1)].into_iter().flat_map(|a| [a - 1, a, a + 1]) {
                    for acc in [acc, -acc].into_iter().filter(|acc| acc.abs() <= bound) {
                        prop_assert_eq!(near.apply(acc as i32), exact(acc, (n, d), parity), "{} {:?}", acc, near);
                    }
                }
            }
        }
    }

    #[test]
    fn averages_find_their_halves() {
        for (cells, bound) in [(6i64, 6 * 255), (36, 36 * 255), (196, 196 * 255), (12, 12 * 255)] {
            let factor = Factor { accumulators: f64::from(0.1f32), output: f64::from(0.1f32) * cells as f64 };
            let nearest = Requantise::from_factor(1.0 / cells as f64).unwrap();
            let near = factor.near_halves(nearest, Rounding::HalfEven, bound).unwrap();
            for acc in -bound..=bound {
                assert_eq!(near.apply(acc as i32), exact(acc, (1, cells), 0), "{acc} / {cells}");
            }
        }
        // A power of two has halves of its own, an odd number none.
        for cells in [4.0, 9.0] {
            let factor = Factor { accumulators: 0.5, output: 0.5 * cells };
            let nearest = Requantise::from_factor(1.0 / cells).unwrap();
            let near = factor.near_halves(nearest, Rounding::HalfEven, 2000);
            assert_eq!(near.is_some(), cells == 4.0);
        }
    }
}
