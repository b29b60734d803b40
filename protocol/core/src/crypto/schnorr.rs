//! Schnorr signatures over ecGFp5 with a 128-bit challenge.
//!
//! Key: Q = d G, d in [1, n). For a message of four field elements (the digest of the whole transaction with deployment
//! and nonce):
//!
//! - challenge: h = H(SCHNORR, w(R) ++ w(Q) ++ m); with the canonical integers of its first two elements,
//!   e = h_0 + 2^64 h_1 - C, C = 0x5555...55 (128 bits). (The offset lets the circuit read e in the digits -1, 0, 1, 2.)
//! - signature: (R, s) with R = k G, s = k - e d mod n.
//! - verification: R = s G + e Q, with Q and R canonical and not neutral, and s below [`S_BOUND`].
//!
//! `S_BOUND` is n cut to its 31 highest bits, so that "s is canonical" is a bound on 32 bits; a signer whose s falls
//! between the two (once in 2^30 signatures) takes its next nonce.
//!
//! The nonce k is deterministic: H(NONCE, d ++ w(Q) ++ m ++ attempt) in 512 bits modulo n. Two messages never share
//! one, and no source of randomness can fail.

use plonky2::field::types::{Field, PrimeField64};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::curve::Point;
use super::gfp5::{self, GFp5};
use super::scalar::{LIMBS, Scalar};
use crate::F;
use crate::hash::{Digest, hash, tag};
use crate::state::Key;

/// Signatures have s < S_BOUND 2^288 <= n.
pub const S_BOUND: u64 = 0x7fff_fffd;

/// C: what is subtracted from the 128 challenge bits.
pub const CHALLENGE_OFFSET: u128 = 0x5555_5555_5555_5555_5555_5555_5555_5555;

/// Bytes of an encoded public key or secret key.
pub const KEY_BYTES: usize = gfp5::BYTES;

/// Bytes of an encoded signature: w(R), then s.
pub const SIGNATURE_BYTES: usize = 2 * gfp5::BYTES;

/// Why a key or a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A coefficient of an encoded point is not below p.
    #[error("an encoded point has a coefficient that is not below the field's order; encode it again")]
    NonCanonicalPoint,
    /// No point of the group has this encoding.
    #[error("the 40 bytes encode no point of the group; check that the key was copied completely")]
    NotAPoint,
    /// The neutral element is neither a key nor a commitment.
    #[error("the neutral element is not a valid key or signature part")]
    Neutral,
    /// A secret key is not in [1, n).
    #[error("a secret key must be between 1 and the group's order; it is damaged")]
    SecretKey,
    /// s is not in its range.
    #[error("the signature's s is not in its canonical range; it was malleated or is damaged")]
    NonCanonicalScalar,
    /// R is not s G + e Q.
    #[error("the signature does not belong to this key and message")]
    Mismatch,
}

fn decode_point(w: [F; 5]) -> Result<Point, SignatureError> {
    let point = Point::decode(GFp5 { 0: w }).ok_or(SignatureError::NotAPoint)?;
    if point.is_neutral() { Err(SignatureError::Neutral) } else { Ok(point) }
}

/// A point that may sign: decoded, of the group, not neutral.
#[derive(Clone, Copy, Debug)]
pub struct PublicKey {
    w: [F; 5],
    point: Point,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.w == other.w
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// From the encoding w, five elements.
    ///
    /// # Errors
    /// [`SignatureError::NotAPoint`], [`SignatureError::Neutral`].
    pub fn from_elements(w: [F; 5]) -> Result<Self, SignatureError> {
        Ok(Self { w, point: decode_point(w)? })
    }

    /// The encoding w, five elements.
    pub const fn to_elements(&self) -> [F; 5] {
        self.w
    }

    /// From five big-endian u64.
    ///
    /// # Errors
    /// [`SignatureError::NonCanonicalPoint`], [`SignatureError::NotAPoint`], [`SignatureError::Neutral`].
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, SignatureError> {
        Self::from_elements(gfp5::from_bytes(bytes).ok_or(SignatureError::NonCanonicalPoint)?)
    }

    /// Five big-endian u64.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        gfp5::to_bytes(&self.w)
    }

    /// The point Q.
    pub const fn point(&self) -> Point {
        self.point
    }

    /// Checks a signature of `message`.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] and what [`Signature::from_bytes`] returns.
    pub fn verify(&self, message: &Digest, signature: &Signature) -> Result<(), SignatureError> {
        signature.check_range()?;
        let r = decode_point(signature.r)?;
        let e = challenge(&signature.r, &self.w, message);
        if Point::mul_add_vartime(&signature.s, &e, &self.point) == r {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

impl TryFrom<Key> for PublicKey {
    type Error = SignatureError;

    fn try_from(key: Key) -> Result<Self, SignatureError> {
        Self::from_elements(key.0)
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self(key.w)
    }
}

/// A secret key d in [1, n). Wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey {
    d: Scalar,
    #[zeroize(skip)]
    public: PublicKey,
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SecretKey({:?})", self.public.w)
    }
}

impl SecretKey {
    fn new(d: Scalar) -> Result<Self, SignatureError> {
        if d.is_zero() {
            return Err(SignatureError::SecretKey);
        }
        let point = Point::GENERATOR.mul(&d);
        Ok(Self { d, public: PublicKey { w: point.encode().0, point } })
    }

    /// From 64 bytes of entropy (a generator's output, or a hash of a wallet's signature), reduced without bias.
    ///
    /// # Errors
    /// [`SignatureError::SecretKey`] when they reduce to zero, which does not happen by chance.
    pub fn from_entropy(entropy: &[u8; 64]) -> Result<Self, SignatureError> {
        Self::new(Scalar::from_wide_bytes(entropy))
    }

    /// From its encoding, 40 big-endian bytes.
    ///
    /// # Errors
    /// [`SignatureError::SecretKey`] unless it is in [1, n).
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, SignatureError> {
        Self::new(Scalar::from_bytes(bytes).ok_or(SignatureError::SecretKey)?)
    }

    /// 40 big-endian bytes. The caller must wipe them.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        self.d.to_bytes()
    }

    /// The key Q = d G.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`, always with the same result.
    pub fn sign(&self, message: &Digest) -> Signature {
        let mut attempt = 0;
        loop {
            let mut k = self.nonce(message, attempt);
            let r = Point::GENERATOR.mul(&k).encode().0;
            let e = challenge(&r, &self.public.w, message);
            let signature = Signature { r, s: k - e * self.d };
            let neutral = k.is_zero();
            k.zeroize();
            if !neutral && signature.check_range().is_ok() {
                return signature;
            }
            attempt += 1;
        }
    }

    /// 512 bits of H(NONCE, d ++ w(Q) ++ m ++ [attempt, half]) modulo n.
    fn nonce(&self, message: &Digest, attempt: u64) -> Scalar {
        // d in ten 32-bit words.
        let mut input = [F::ZERO; 2 * LIMBS + 5 + 4 + 2];
        for (i, limb) in self.d.to_limbs().into_iter().enumerate() {
            input[2 * i] = F::from_canonical_u64(limb & u64::from(u32::MAX));
            input[2 * i + 1] = F::from_canonical_u64(limb >> 32);
        }
        input[10..15].copy_from_slice(&self.public.w);
        input[15..19].copy_from_slice(&message.0);
        input[19] = F::from_canonical_u64(attempt);
        let mut elements = [F::ZERO; 8];
        elements[..4].copy_from_slice(&hash(tag::NONCE, &input).0);
        input[20] = F::ONE;
        elements[4..].copy_from_slice(&hash(tag::NONCE, &input).0);
        for x in &mut input {
            x.0.zeroize();
        }
        let k = Scalar::from_elements(&elements);
        for x in &mut elements {
            x.0.zeroize();
        }
        k
    }
}

/// The 128 challenge bits h_0 + 2^64 h_1, before the offset.
pub fn challenge_bits(r: &[F; 5], key: &[F; 5], message: &Digest) -> u128 {
    let mut input = [F::ZERO; 14];
    input[..5].copy_from_slice(r);
    input[5..10].copy_from_slice(key);
    input[10..].copy_from_slice(&message.0);
    let h = hash(tag::SCHNORR, &input).0;
    u128::from(h[0].to_canonical_u64()) | (u128::from(h[1].to_canonical_u64()) << 64)
}

/// The challenge e, modulo n.
fn challenge(r: &[F; 5], key: &[F; 5], message: &Digest) -> Scalar {
    Scalar::from_u128(challenge_bits(r, key, message)) - Scalar::from_u128(CHALLENGE_OFFSET)
}

/// A signature (w(R), s). A value of this type has canonical coefficients and s < n; [`PublicKey::verify`] checks the
/// rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    r: [F; 5],
    s: Scalar,
}

impl Signature {
    /// From its parts.
    ///
    /// # Errors
    /// [`SignatureError::NonCanonicalScalar`] when s is out of range.
    pub fn new(r: [F; 5], s: Scalar) -> Result<Self, SignatureError> {
        let signature = Self { r, s };
        signature.check_range().map(|()| signature)
    }

    /// w(R), five elements.
    pub const fn r(&self) -> [F; 5] {
        self.r
    }

    /// s.
    pub const fn s(&self) -> Scalar {
        self.s
    }

    /// From 80 bytes: w(R) as five big-endian u64, then s as a big-endian integer.
    ///
    /// # Errors
    /// [`SignatureError::NonCanonicalPoint`], [`SignatureError::NotAPoint`], [`SignatureError::Neutral`],
    /// [`SignatureError::NonCanonicalScalar`].
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, SignatureError> {
        let (mut r, mut s) = ([0; gfp5::BYTES], [0; gfp5::BYTES]);
        r.copy_from_slice(&bytes[..gfp5::BYTES]);
        s.copy_from_slice(&bytes[gfp5::BYTES..]);
        let r = gfp5::from_bytes(&r).ok_or(SignatureError::NonCanonicalPoint)?;
        decode_point(r)?;
        Self::new(r, Scalar::from_bytes(&s).ok_or(SignatureError::NonCanonicalScalar)?)
    }

    /// 80 bytes, the inverse of [`Signature::from_bytes`].
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..gfp5::BYTES].copy_from_slice(&gfp5::to_bytes(&self.r));
        bytes[gfp5::BYTES..].copy_from_slice(&self.s.to_bytes());
        bytes
    }

    fn check_range(&self) -> Result<(), SignatureError> {
        if self.s.to_limbs()[LIMBS - 1] >> 32 < S_BOUND {
            Ok(())
        } else {
            Err(SignatureError::NonCanonicalScalar)
        }
    }
}

#[cfg(test)]
mod tests;
