//! How much of a job is audited.

use std::{fmt, str::FromStr};

use janction_protocol::F;
use thiserror::Error;

use crate::draw::draw_rows;

/// Which rows of each operation are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Every row. As sound as the proof system; needs no beacon.
    Full,
    /// This many rows of each operation, drawn by the beacon with replacement. Finds what [`crate::soundness`] says.
    Rows(u32),
}

/// A policy that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Not a policy's name.
    #[error("{0:?} is not a policy: use \"full\", or \"rows:S\" with S from 1 to {max}", max = Policy::MAX_ROWS)]
    Text(String),
    /// A number beyond the limit.
    #[error("{0} is not the number of a policy: 0 is full, 1 to {max} are drawn rows", max = Policy::MAX_ROWS)]
    Code(u32),
    /// A job without rows.
    #[error("a job has at least one row, this one has none")]
    NoRows,
    /// Rows cannot be drawn before there is a beacon.
    #[error("the policy rows:{0} draws its rows from the job's beacon, which is not recorded yet")]
    NoBeacon(u32),
}

impl Policy {
    /// Most drawn rows of an operation: 2^24 - 1.
    pub const MAX_ROWS: u32 = (1 << 24) - 1;

    /// The policy's number in a job leaf: 0 is `full`, s > 0 is `rows(s)`.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Full => 0,
            Self::Rows(s) => s,
        }
    }

    /// The policy of a number.
    ///
    /// # Errors
    /// When it is above [`Policy::MAX_ROWS`].
    pub const fn from_code(code: u32) -> Result<Self, PolicyError> {
        match code {
            0 => Ok(Self::Full),
            s if s <= Self::MAX_ROWS => Ok(Self::Rows(s)),
            _ => Err(PolicyError::Code(code)),
        }
    }
}

impl Policy {
    /// The audited rows of operation `operation` of a job of `rows` rows: all of them in order, or the drawn ones in
    /// order of the draws.
    ///
    /// # Errors
    /// [`PolicyError::NoBeacon`] when rows are to be drawn without a beacon.
    ///
    /// # Panics
    /// When `rows` is zero.
    pub fn audited_rows(
        self,
        beacon: Option<[F; 4]>,
        operation: usize,
        rows: usize,
    ) -> Result<Vec<usize>, PolicyError> {
        match self {
            Self::Full => Ok((0..rows).collect()),
            Self::Rows(s) => {
                let beacon = beacon.ok_or(PolicyError::NoBeacon(s))?;
                Ok(draw_rows(beacon, operation, rows, s as usize))
            }
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Rows(s) => write!(f, "rows:{s}"),
        }
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text == "full" {
            return Ok(Self::Full);
        }
        let rows = text.strip_prefix("rows:").and_then(|s| s.parse().ok());
        match rows.map(Self::from_code) {
            Some(Ok(Self::Rows(s))) => Ok(Self::Rows(s)),
            _ => Err(PolicyError::Text(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for policy in [Policy::Full, Policy::Rows(1), Policy::Rows(44), Policy::Rows(Policy::MAX_ROWS)] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert_eq!(Policy::from_code(policy.code()), Ok(policy));
        }
        for text in ["", "FULL", "rows", "rows:", "rows:0", "rows:-1", "rows:16777216", "rows:1 "] {
            assert_eq!(text.parse::<Policy>(), Err(PolicyError::Text(text.into())));
        }
        assert_eq!(Policy::from_code(1 << 24), Err(PolicyError::Code(1 << 24)));
    }

    #[test]
    fn audited_rows() {
        use plonky2::field::types::Field;

        assert_eq!(Policy::Full.audited_rows(None, 0, 3), Ok(vec![0, 1, 2]));
        assert_eq!(Policy::Rows(2).audited_rows(None, 0, 3), Err(PolicyError::NoBeacon(2)));
        let beacon = [F::ONE; 4];
        assert_eq!(Policy::Rows(7).audited_rows(Some(beacon), 1, 3), Ok(draw_rows(beacon, 1, 3, 7)));
    }
}
