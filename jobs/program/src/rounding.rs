//! Division by a power of two, rounded to the nearest integer; and which way goes what lies exactly between two.

use crate::limits::MAX_SHIFT;

/// Bit of a shift's byte that says that halves go to a quotient of the parity that [`ODD`] says.
const TO_PARITY: u8 = 1 << 7;
/// Bit of a shift's byte: to the odd one; without [`TO_PARITY`] that what is near a half counts as one.
const ODD: u8 = 1 << 6;
/// Bits of a division's remainder that do not count where what is near a half counts as one.
const NEAR_BITS: u8 = 24;
/// Least shift where what is near a half counts as one: a quarter of all remainders do at most.
const NEAR_MIN_SHIFT: u8 = NEAR_BITS + 2;

/// Where a quotient goes that lies at a half.
///
/// Halves up is the cheapest in an audit. ONNX rounds to even; but onnxruntime's `QLinearAdd` and `QLinearAveragePool` add
/// the output's zero point before they round, so that halves go to the even *cell*: with an odd zero point to the odd quotient.
///
/// A factor such as 1/6 is no `multiplier / 2^shift`, and its halves are only *nearly* halves. With the two last roundings
/// `value / 2^shift` counts as a half where it is one give or take 2^23 / 2^shift: it lies in -2^23 / 2^shift..2^23 / 2^shift
/// about it. The shift must be even, which lets an audit tell it by the base-4 digits of the remainder, and 26 at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rounding {
    /// Towards plus infinity.
    #[default]
    HalfUp,
    /// To the even quotient.
    HalfEven,
    /// To the odd quotient.
    HalfOdd,
    /// To the even quotient, and so with what is near a half.
    NearHalfEven,
    /// To the odd quotient, and so with what is near a half.
    NearHalfOdd,
}

impl Rounding {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::HalfUp, Self::HalfEven, Self::HalfOdd, Self::NearHalfEven, Self::NearHalfOdd];

    /// The rounding that takes halves to the even one of `quotient + zero`.
    #[must_use]
    pub const fn half_even_with(zero: i32) -> Self {
        if zero % 2 == 0 { Self::HalfEven } else { Self::HalfOdd }
    }

    /// The rounding by which what is near a half goes where halves go; halves up stays what it is.
    #[must_use]
    pub const fn near(self) -> Self {
        match self.parity() {
            None => Self::HalfUp,
            Some(0) => Self::NearHalfEven,
            Some(_) => Self::NearHalfOdd,
        }
    }

    /// Parity of the quotient that halves go to: 0 or 1; `None` when they go up.
    #[must_use]
    pub const fn parity(self) -> Option<u8> {
        match self {
            Self::HalfUp => None,
            Self::HalfEven | Self::NearHalfEven => Some(0),
            Self::HalfOdd | Self::NearHalfOdd => Some(1),
        }
    }

    /// The lower bits of a remainder, which do not count: a quotient lies at a half if all others are zero. 0 where halves are
    /// halves exactly.
    #[must_use]
    pub const fn near_bits(self) -> u8 {
        match self {
            Self::HalfUp | Self::HalfEven | Self::HalfOdd => 0,
            Self::NearHalfEven | Self::NearHalfOdd => NEAR_BITS,
        }
    }

    /// The shifts that go with this: the least, the largest, and whether odd ones do.
    #[must_use]
    pub const fn shifts(self) -> (u8, u8, bool) {
        let is_near = self.near_bits() > 0;
        (if is_near { NEAR_MIN_SHIFT } else { 1 }, MAX_SHIFT, !is_near)
    }

    /// Whether a shift goes with this.
    #[must_use]
    pub const fn takes(self, shift: u8) -> bool {
        let (min, max, with_odd) = self.shifts();
        min <= shift && shift <= max && (with_odd || shift.is_multiple_of(2))
    }

    /// What is added to a value before it is divided by 2^shift: a half, and half the width of what counts as one. Below 2^62.
    #[must_use]
    pub const fn bias(self, shift: u8) -> i64 {
        // 2^bits / 2 in integers: nothing where only zero counts.
        (1 << (shift - 1)) + (1 << self.near_bits()) / 2
    }

    /// `value / 2^shift` as the nearest integer. With |value| < 2^62 and a shift that goes with this nothing overflows.
    ///
    /// With `up` the quotient of value + bias, halves are where the remainder is zero, or where all but its lower
    /// [`Self::near_bits`] bits are: there it is `up` or `up - 1`, by their parity.
    #[must_use]
    pub const fn divide(self, value: i64, shift: u8) -> i64 {
        let sum = value + self.bias(shift);
        let up = sum >> shift;
        let remainder = sum & ((1i64 << shift) - 1);
        match self.parity() {
            Some(parity) if remainder >> self.near_bits() == 0 && up & 1 != parity as i64 => up - 1,
            _ => up,
        }
    }

    /// A shift that goes with this, and this, in one byte, as job binaries and kernels have it: in the lower six bits the shift.
    /// Halves go to a quotient of one parity with bit 7, and then to the odd one with bit 6. What is near a half counts as one with
    /// bit 6 but not bit 7; the shift is even then, and its bit 0 is the parity instead.
    #[must_use]
    pub const fn code(self, shift: u8) -> u8 {
        match self {
            Self::HalfUp => shift,
            Self::HalfEven => shift | TO_PARITY,
            Self::HalfOdd => shift | TO_PARITY | ODD,
            Self::NearHalfEven => shift | ODD,
            Self::NearHalfOdd => shift | ODD | 1,
        }
    }

    /// The shift and rounding in a byte; not all of them go together.
    pub(crate) const fn from_code(code: u8) -> (u8, Self) {
        let shift = code & !(TO_PARITY | ODD);
        match (code & TO_PARITY != 0, code & ODD != 0) {
            (false, false) => (shift, Self::HalfUp),
            (true, false) => (shift, Self::HalfEven),
            (true, true) => (shift, Self::HalfOdd),
            (false, true) if shift.is_multiple_of(2) => (shift, Self::NearHalfEven),
            (false, true) => (shift - 1, Self::NearHalfOdd),
        }
    }

    /// The word for it in the text form; none for halves up.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::HalfUp => None,
            Self::HalfEven => Some("even"),
            Self::HalfOdd => Some("odd"),
            Self::NearHalfEven => Some("near_even"),
            Self::NearHalfOdd => Some("near_odd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition with unbounded integers: of the nearest integers the one that the rounding prefers.
    fn exact(rounding: Rounding, value: i64, shift: u8) -> i128 {
        let (value, unit) = (i128::from(value), 1i128 << shift);
        let floor = value.div_euclid(unit);
        let prefers = |q: i128| match rounding {
            Rounding::HalfUp => q != floor,
            Rounding::HalfEven | Rounding::NearHalfEven => q % 2 == 0,
            Rounding::HalfOdd | Rounding::NearHalfOdd => q % 2 != 0,
        };
        // Twice the distance from the half between the two; what is near it is in -2^24..2^24.
        let side = 2 * (value - floor * unit) - unit;
        let near = if rounding.near_bits() == 0 { 0..1 } else { -(1 << 24)..1 << 24 };
        match () {
            () if near.contains(&side) => [floor, floor + 1].into_iter().find(|&q| prefers(q)).unwrap(),
            () if side < 0 => floor,
            () => floor + 1,
        }
    }

    #[test]
    fn halves_go_where_the_rounding_says() {
        let of = |rounding: Rounding| [-5, -3, -2, -1, 0, 1, 2, 3, 5].map(|value| rounding.divide(value, 1));
        assert_eq!(of(Rounding::HalfUp), [-2, -1, -1, 0, 0, 1, 1, 2, 3]);
        assert_eq!(of(Rounding::HalfEven), [-2, -2, -1, 0, 0, 0, 1, 2, 2]);
        assert_eq!(of(Rounding::HalfOdd), [-3, -1, -1, -1, 0, 1, 1, 1, 3]);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let most = (1i64 << 62) - 1;
        for shift in 1..=62u8 {
            let half = 1i64 << (shift - 1);
            let near = [-3i64, -2, -1, 0, 1, 2, 3].map(|q| q.saturating_mul(2 * half));
            let values =
                near.into_iter().flat_map(|v| [-half - 1, -half, -half + 1, 0].map(|d| v.saturating_add(d)));
            let window = [-(1i64 << 23) - 1, -(1 << 23), (1 << 23) - 1, 1 << 23];
            let ends = near.into_iter().flat_map(|v| window.map(|d| v.saturating_add(d - half)));
            for value in values.chain(ends).chain([-most, most]).map(|value| value.clamp(-most, most)) {
                for rounding in Rounding::ALL.into_iter().filter(|rounding| rounding.takes(shift)) {
                    let got = i128::from(rounding.divide(value, shift));
                    assert_eq!(got, exact(rounding, value, shift), "{value} >> {shift} {rounding:?}");
                }
            }
        }
    }

    #[test]
    fn codes_are_bytes_of_their_own() {
        let mut seen = std::collections::HashSet::new();
        for rounding in Rounding::ALL {
            for shift in (1..=62).filter(|&shift| rounding.takes(shift)) {
                let code = rounding.code(shift);
                assert!(seen.insert(code));
                assert_eq!(Rounding::from_code(code), (shift, rounding));
            }
        }
        // What is no code is of a shift that does not go with the rounding.
        for code in (0..=u8::MAX).filter(|code| !seen.contains(code)) {
            let (shift, rounding) = Rounding::from_code(code);
            assert!(!rounding.takes(shift), "{code}");
        }
    }

    /// Sixths, whose halves are near ones: as exact as fractions.
    #[test]
    fn what_is_near_a_half_counts_as_one() {
        let sixth = (1i64 << 34) / 6 + 1;
        for acc in -100_000..=100_000i64 {
            let (floor, rest) = (acc.div_euclid(6), acc.rem_euclid(6));
            let even = floor + i64::from(rest > 3 || (rest == 3 && floor % 2 != 0));
            let odd = floor + i64::from(rest > 3 || (rest == 3 && floor % 2 == 0));
            assert_eq!(Rounding::NearHalfEven.divide(acc * sixth, 34), even, "{acc}");
            assert_eq!(Rounding::NearHalfOdd.divide(acc * sixth, 34), odd, "{acc}");
        }
        // Without, they all go one way.
        assert_eq!([3, 9].map(|acc| Rounding::HalfEven.divide(acc * sixth, 34)), [1, 2]);
    }

    #[test]
    fn an_odd_zero_point_turns_the_parity() {
        for zero in [-128, -7, 0, 3, 255] {
            let rounding = Rounding::half_even_with(zero);
            for value in [-7, -5, -3, -1, 1, 3, 5, 7] {
                assert_eq!((rounding.divide(value, 1) + i64::from(zero)) % 2, 0);
            }
        }
    }
}
