//! How values of `janction-protocol` are written where a message or a database says `encoded`: as postcard writes
//! their serde form. The form of a type is fixed within a version of the package (`janction.v1`).

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are no value of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not written by [`encode`], or by another version.
    #[error("the bytes are no {wanted}: {why}; both sides must run the same version")]
    Malformed {
        /// The type's name.
        wanted: &'static str,
        /// postcard's reason.
        why: String,
    },
    /// The value ends before the bytes do.
    #[error("{rest} bytes follow the {wanted}; both sides must run the same version")]
    Trailing {
        /// The type's name.
        wanted: &'static str,
        /// How many bytes are left.
        rest: usize,
    },
}

/// A value that cannot be written: its `Serialize` refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot write a {wanted}: {why}")]
pub struct EncodeError {
    wanted: &'static str,
    why: String,
}

/// The bytes of `value`.
///
/// # Errors
/// [`EncodeError`] when `value` refuses to be serialised; values of `janction-protocol` never do.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    postcard::to_stdvec(value)
        .map_err(|e| EncodeError { wanted: core::any::type_name::<T>(), why: e.to_string() })
}

/// The value that these bytes write, to their last byte.
///
/// # Errors
/// [`DecodeError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let wanted = core::any::type_name::<T>();
    let (value, rest) = postcard::take_from_bytes(bytes)
        .map_err(|e| DecodeError::Malformed { wanted, why: e.to_string() })?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing { wanted, rest: rest.len() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_nothing_else_is_accepted() {
        let value = (7u64, "seven".to_owned());
        let bytes = encode(&value).unwrap();
        assert_eq!(decode::<(u64, String)>(&bytes).unwrap(), value);
        let long = [&bytes[..], &[0]].concat();
        assert!(matches!(decode::<(u64, String)>(&long), Err(DecodeError::Trailing { rest: 1, .. })));
        let short = &bytes[..bytes.len() - 1];
        assert!(matches!(decode::<(u64, String)>(short), Err(DecodeError::Malformed { .. })));
    }
}
