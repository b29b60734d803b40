//! From a 32-bit accumulator back to 8 bits, with integers only.

use crate::limits::MULTIPLIER_END;
use crate::rounding::Rounding;

/// Multiplication by `multiplier / 2^shift`, rounded to the nearest integer. With halves up that is
///
/// `q = floor((acc * multiplier + 2^(shift-1)) / 2^shift)`
///
/// and with another [`Rounding`] one less where the division leaves nothing (or next to nothing) and q has the other parity.
///
/// With 0 < multiplier < 2^31, 1 <= shift <= 62 and |acc| < 2^31 the sum `acc * multiplier + bias + 2^62`, bias being 2^(shift-1) or
/// 2^23 more ([`Rounding::bias`]), lies in 2^32..2^63 + 2^62, so as a field element it is that integer: the audit writes it as
/// `(q + 2^(62-shift)) * 2^shift + rem` with `0 <= rem < 2^shift`, and range checks make the parts unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Requantise {
    /// 1 to 2^31 - 1.
    pub multiplier: u32,
    /// 1 to 62.
    pub shift: u8,
    /// Where halves go.
    pub rounding: Rounding,
}

impl Requantise {
    /// This multiplier and shift, halves up.
    #[must_use]
    pub const fn new(multiplier: u32, shift: u8) -> Self {
        Self { multiplier, shift, rounding: Rounding::HalfUp }
    }

    /// With another rounding.
    #[must_use]
    pub const fn rounded(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// Whether the quotient of some accumulator of at most `bound` in absolute value lies at a half.
    ///
    /// With multiplier = odd * 2^t that is so where acc is an odd multiple of 2^(shift-1-t).
    #[must_use]
    pub const fn meets_halves(self, bound: i64) -> bool {
        let twos = self.multiplier.trailing_zeros();
        let shift = self.shift as u32;
        // At most 2^61.
        twos < shift && 1i64 << (shift - 1 - twos) <= bound
    }

    /// The multiplier and shift nearest to the real factor `factor`, with as many significant bits as fit; halves up.
    ///
    /// Returns `None` when the factor is not a positive number in 2^-62..2^30.
    #[must_use]
    pub fn from_factor(factor: f64) -> Option<Self> {
        if !factor.is_finite() || factor <= 0.0 {
            return None;
        }
        let mut shift = 62;
        let mut scaled = factor * 2f64.powi(62);
        // Powers of two scale exactly; only the final rounding loses bits.
        while scaled.round() >= f64::from(MULTIPLIER_END) {
            if shift == 1 {
                return None;
            }
            shift -= 1;
            scaled /= 2.0;
        }
        let multiplier = scaled.round();
        (multiplier >= 1.0).then_some(Self::new(multiplier as u32, shift))
    }

    /// Whether multiplier and shift are in their ranges.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.multiplier >= 1 && self.multiplier < MULTIPLIER_END && self.rounding.takes(self.shift)
    }

    /// `acc * multiplier / 2^shift`, rounded. `acc` may be any `i32`; the parameters must be valid.
    #[must_use]
    pub const fn apply(self, acc: i32) -> i64 {
        // |acc * multiplier| <= 2^31 * (2^31 - 1) and the bias is below 2^62: no overflow.
        self.rounding.divide(acc as i64 * self.multiplier as i64, self.shift)
    }
}

/// The output cell for a scaled accumulator: moved by the output's zero point, then clamped.
pub(crate) fn settle(scaled: i64, output_zero: i32, clamp: (i32, i32)) -> i32 {
    // The clamp bounds are i32, so the result is.
    (scaled + i64::from(output_zero)).clamp(i64::from(clamp.0), i64::from(clamp.1)) as i32
}

/// The multipliers and the common shift of [`crate::Add`] that are nearest to two real factors, with as many significant
/// bits as fit.
///
/// Returns `None` when a factor is not finite, when the larger one in absolute value is not below 2^30, or when one is so
/// small beside the other (or beside 2^-62) that it would vanish.
#[must_use]
pub fn common_shift(factors: [f64; 2]) -> Option<([i32; 2], u8)> {
    let largest = factors[0].abs().max(factors[1].abs());
    if !factors.iter().all(|f| f.is_finite()) || largest == 0.0 {
        return None;
    }
    let shift = Requantise::from_factor(largest)?.shift;
    // Powers of two scale exactly; only the rounding loses bits.
    let multipliers = factors.map(|f| (f * 2f64.powi(shift.into())).round() as i32);
    (!multipliers.contains(&0)).then_some((multipliers, shift))
}

/// A parameter that is one for all output columns ("per tensor") or one for each ("per channel").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerColumn<T> {
    /// The same for all columns.
    All(T),
    /// One for each column, in order.
    Each(Vec<T>),
}

impl<T: Copy> PerColumn<T> {
    /// The parameter of column `column`.
    ///
    /// # Panics
    /// When there is one for each column but none for this one.
    #[must_use]
    pub fn get(&self, column: usize) -> T {
        match self {
            Self::All(value) => *value,
            Self::Each(values) => values[column],
        }
    }

    /// Number of columns that this fixes; `None` when it fits any number.
    #[must_use]
    pub const fn columns(&self) -> Option<usize> {
        match self {
            Self::All(_) => None,
            Self::Each(values) => Some(values.len()),
        }
    }

    /// The distinct entries: one, or one for each column.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        match self {
            Self::All(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition with unbounded integers.
    fn exact(acc: i32, r: Requantise) -> i128 {
        let numerator = i128::from(acc) * i128::from(r.multiplier) + (1i128 << (r.shift - 1));
        numerator.div_euclid(1i128 << r.shift)
    }

    #[test]
    fn rounds_as_it_says() {
        let of =
            |rounding| [-3, -2, -1, 0, 1, 2, 3].map(|a| Requantise::new(1, 1).rounded(rounding).apply(a));
        assert_eq!(of(Rounding::HalfUp), [-1, -1, 0, 0, 1, 1, 2]);
        assert_eq!(of(Rounding::HalfEven), [-2, -1, 0, 0, 0, 1, 2]);
        assert_eq!(of(Rounding::HalfOdd), [-1, -1, -1, 0, 1, 1, 1]);
    }

    /// By trying all accumulators.
    #[test]
    fn halves_are_met_where_it_says() {
        for multiplier in [1, 2, 3, 4, 6, 7, 8, 12, 16, 24, 64, 65, 96] {
            for shift in 1..=9 {
                let r = Requantise::new(multiplier, shift);
                let is_half =
                    |acc: i64| (acc * i64::from(multiplier)).rem_euclid(1 << shift) == 1 << (shift - 1);
                for bound in [0, 1, 2, 3, 4, 7, 8, 15, 16, 100] {
                    assert_eq!(r.meets_halves(bound), (-bound..=bound).any(is_half), "{r:?} to {bound}");
                }
            }
        }
        assert!(!Requantise::new(1, 62).meets_halves((1 << 31) - 1));
        assert!(!Requantise::new(1 << 30, 30).meets_halves((1 << 31) - 1));
        assert!(Requantise::new(1 << 30, 61).meets_halves(1 << 30));
    }

    #[test]
    fn extremes_do_not_overflow() {
        for acc in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX] {
            for multiplier in [1, 2, (1 << 30) + 1, (1 << 31) - 1] {
                for shift in 1..=62 {
                    let r = Requantise::new(multiplier, shift);
                    assert_eq!(i128::from(r.apply(acc)), exact(acc, r), "{acc} {r:?}");
                }
            }
        }
    }

    #[test]
    fn two_factors_share_a_shift() {
        assert_eq!(common_shift([0.5, -0.25]), Some(([1 << 30, -(1 << 29)], 31)));
        assert_eq!(common_shift([1.0, 1.0]), Some(([1 << 30, 1 << 30], 30)));
        assert_eq!(common_shift([2f64.powi(-62), 1.5 * 2f64.powi(-61)]), Some(([1, 3], 62)));
        for (a, b) in [(0.0, 1.0), (1.0, 2f64.powi(-40)), (f64::NAN, 1.0), (2f64.powi(31), 1.0), (0.0, 0.0)] {
            assert_eq!(common_shift([a, b]), None, "{a} {b}");
            assert_eq!(common_shift([b, a]), None, "{b} {a}");
        }
        for factor in [0.1, 0.7, 3.9, 1e-9, 1e8] {
            let ([a, b], shift) = common_shift([factor, -factor / 3.0]).unwrap();
            assert!((1 << 30..=i32::MAX).contains(&a), "{a}");
            let real = |m: i32| f64::from(m) / 2f64.powi(shift.into());
            assert!((real(a) / factor - 1.0).abs() < 1e-9 && (real(b) * -3.0 / factor - 1.0).abs() < 1e-8);
        }
    }

    #[test]
    fn sum_of_the_audit_identity_is_canonical() {
        // The bounds stated on the type, at their extremes.
        for rounding in Rounding::ALL {
            let (least, most, _) = rounding.shifts();
            let extreme = |acc: i128, shift: u8| {
                acc * ((1 << 31) - 1) + i128::from(rounding.bias(shift)) + (1i128 << 62)
            };
            assert!(extreme(-((1 << 31) - 1), least) >= 1 << 32);
            assert!(extreme((1 << 31) - 1, most) < (1 << 63) + (1 << 62));
        }
    }

    #[test]
    fn factors_become_normalised_multipliers() {
        assert_eq!(Requantise::from_factor(0.5), Some(Requantise::new(1 << 30, 31)));
        assert_eq!(Requantise::from_factor(1.0), Some(Requantise::new(1 << 30, 30)));
        assert_eq!(Requantise::from_factor(2f64.powi(-62)), Some(Requantise::new(1, 62)));
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 2f64.powi(31), 2f64.powi(-64)] {
            assert_eq!(Requantise::from_factor(factor), None, "{factor}");
        }
        // Rounding up to 2^31 must carry into the shift.
        let nearly_one = Requantise::from_factor(1.0 - 2f64.powi(-40)).unwrap();
        assert!(nearly_one.is_valid());
        assert_eq!(nearly_one, Requantise::new(1 << 30, 30));
    }
}
