//! Signatures: Schnorr over ecGFp5.
//!
//! ecGFp5 (T. Pornin, eprint 2022/274) is a curve over GF(p^5), p the order of the Goldilocks field, with a prime-order
//! group and complete addition formulas; a circuit over Goldilocks computes on it without foreign-field arithmetic.
//!
//! - [`gfp5`]: squares and roots in GF(p^5), canonical encodings.
//! - [`curve`]: the group.
//! - [`scalar`]: integers modulo its order.
//! - [`schnorr`]: keys and signatures.

pub mod curve;
pub mod gfp5;
pub mod scalar;
pub mod schnorr;

pub use curve::Point;
pub use gfp5::GFp5;
pub use scalar::Scalar;
pub use schnorr::{PublicKey, SecretKey, Signature, SignatureError};
