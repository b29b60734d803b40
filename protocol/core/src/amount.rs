//! Amounts of JCT: integers in 10^-9 JCT, below 2^62.

use core::fmt;
use core::str::FromStr;

use plonky2::field::types::Field;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::F;

/// An amount in 10^-9 JCT ("units"), below 2^62, so that the sum of two never wraps a u64 nor the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// A number or text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not below 2^62.
    #[error("{0} units of 10^-9 JCT are too many: an amount is below 2^62 (about 4.6 billion JCT)")]
    TooLarge(u128),
    /// Not a decimal number with at most nine decimals.
    #[error("'{0}' is no amount: write JCT as a decimal number with at most nine decimals, for example 12.5")]
    Text(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Units in one JCT.
    pub const ONE_JCT: u64 = 1_000_000_000;
    /// The first integer that is too large: 2^62.
    pub const LIMIT: u64 = 1 << 62;

    /// From units.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] from 2^62 on.
    pub const fn new(units: u64) -> Result<Self, AmountError> {
        if units < Self::LIMIT { Ok(Self(units)) } else { Err(AmountError::TooLarge(units as u128)) }
    }

    /// In units.
    pub const fn units(self) -> u64 {
        self.0
    }

    /// As a field element.
    pub fn element(self) -> F {
        F::from_canonical_u64(self.0)
    }

    /// The sum, if it is an amount.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0).ok()
    }

    /// The difference, if it is not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::ONE_JCT, self.0 % Self::ONE_JCT);
        let text = if rest == 0 {
            whole.to_string()
        } else {
            format!("{whole}.{}", format!("{rest:09}").trim_end_matches('0'))
        };
        f.pad(&text)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads JCT with at most nine decimals: `3`, `0.25`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AmountError::Text(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 9 || whole.len() > 20 {
            return Err(wrong());
        }
        let whole: u128 = whole.parse().map_err(|_| wrong())?;
        let rest: u128 = format!("{decimals:0<9}").parse().map_err(|_| wrong())?;
        let units = whole * u128::from(Self::ONE_JCT) + rest;
        u64::try_from(units).ok().and_then(|u| Self::new(u).ok()).ok_or(AmountError::TooLarge(units))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_enforced() {
        assert!(Amount::new(Amount::LIMIT).is_err());
        let most = Amount::new(Amount::LIMIT - 1).unwrap();
        assert_eq!(most.checked_add(Amount::new(1).unwrap()), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::new(1).unwrap()), None);
    }

    #[test]
    fn text_round_trips() {
        for (text, units) in [("0", 0), ("12.5", 12_500_000_000), ("0.000000001", 1), ("3.10", 3_100_000_000)]
        {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(amount.units(), units);
            assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }
        assert_eq!(Amount::new(12_500_000_000).unwrap().to_string(), "12.5");
    }

    #[test]
    fn wrong_text_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e9", "1.0000000001", "99999999999999999999999999"] {
            assert!(matches!(text.parse::<Amount>(), Err(AmountError::Text(_))), "{text}");
        }
        assert!(matches!("99999999999999999999".parse::<Amount>(), Err(AmountError::TooLarge(_))));
    }
}
