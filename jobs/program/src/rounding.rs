//! Division by a power of two, rounded to the nearest integer; and which way goes what lies exactly between two.

/// Bit of a shift's byte that says that halves go to a quotient of the parity that [`ODD`] says.
const TO_PARITY: u8 = 1 << 7;
/// Bit of a shift's byte: to the odd one.
const ODD: u8 = 1 << 6;

/// Where a quotient goes that lies at a half.
///
/// Halves up is the cheapest in an audit. ONNX rounds to even; but onnxruntime's `QLinearAdd` and `QLinearAveragePool` add
/// the output's zero point before they round, so that halves go to the even *cell*: with an odd zero point to the odd quotient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rounding {
    /// Towards plus infinity.
    #[default]
    HalfUp,
    /// To the even quotient.
    HalfEven,
    /// To the odd quotient.
    HalfOdd,
}

impl Rounding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HalfUp, Self::HalfEven, Self::HalfOdd];

    /// The rounding that takes halves to the even one of `quotient + zero`.
    #[must_use]
    pub const fn half_even_with(zero: i32) -> Self {
        if zero % 2 == 0 { Self::HalfEven } else { Self::HalfOdd }
    }

    /// Parity of the quotient that halves go to: 0 or 1; `None` when they go up.
    #[must_use]
    pub const fn parity(self) -> Option<u8> {
        match self {
            Self::HalfUp => None,
            Self::HalfEven => Some(0),
            Self::HalfOdd => Some(1),
        }
    }

    /// `value / 2^shift` as the nearest integer. With |value| < 2^62 and a shift of 1 to 62 nothing overflows.
    #[must_use]
    pub const fn divide(self, value: i64, shift: u8) -> i64 {
        let sum = value + (1i64 << (shift - 1));
        let up = sum >> shift;
        match self.parity() {
            Some(parity) if sum & ((1i64 << shift) - 1) == 0 && up & 1 != parity as i64 => up - 1,
            _ => up,
        }
    }

    /// A shift of at most 63 and this in one byte, as job binaries and kernels have it: the shift in the lower six bits; bit 7
    /// when halves go to a quotient of one parity, and then bit 6 when to the odd one.
    #[must_use]
    pub const fn code(self, shift: u8) -> u8 {
        match self.parity() {
            None => shift,
            Some(0) => shift | TO_PARITY,
            Some(_) => shift | TO_PARITY | ODD,
        }
    }

    /// The shift and rounding in a byte. A byte of bit 6 without bit 7 is no code; its shift is above 63, which no program has.
    pub(crate) const fn from_code(code: u8) -> (u8, Self) {
        match (code & TO_PARITY != 0, code & ODD != 0) {
            (false, _) => (code, Self::HalfUp),
            (true, false) => (code & !TO_PARITY, Self::HalfEven),
            (true, true) => (code & !(TO_PARITY | ODD), Self::HalfOdd),
        }
    }

    /// The word for it in the text form; none for halves up.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::HalfUp => None,
            Self::HalfEven => Some("even"),
            Self::HalfOdd => Some("odd"),
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
        let distance = |q: i128| (value - q * unit).abs();
        let prefers = |q: i128| match rounding {
            Rounding::HalfUp => q != floor,
            Rounding::HalfEven => q % 2 == 0,
            Rounding::HalfOdd => q % 2 != 0,
        };
        match distance(floor).cmp(&distance(floor + 1)) {
            std::cmp::Ordering::Less => floor,
            std::cmp::Ordering::Greater => floor + 1,
            std::cmp::Ordering::Equal => [floor, floor + 1].into_iter().find(|&q| prefers(q)).unwrap(),
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
            for value in values.chain([-most, most]).map(|value| value.clamp(-most, most)) {
                for rounding in Rounding::ALL {
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
            for shift in 1..=62 {
                let code = rounding.code(shift);
                assert!(seen.insert(code));
                assert_eq!(Rounding::from_code(code), (shift, rounding));
            }
        }
        // What is no code has a shift that no program has.
        for code in (0..=u8::MAX).filter(|code| !seen.contains(code)) {
            let (shift, _) = Rounding::from_code(code);
            assert!(shift == 0 || shift > crate::limits::MAX_SHIFT, "{code}");
        }
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
