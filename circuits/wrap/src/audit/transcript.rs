//! The Keccak transcript of the EVM verifier, and conversions from halo2's points.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use halo2_proofs::halo2curves::bn256 as halo2;
use halo2_proofs::halo2curves::ff::PrimeField as _;
use sha3::{Digest, Keccak256};

use super::AuditError;

/// Reads messages and hashes them.
pub struct Transcript<'a> {
    rest: &'a [u8],
    buffer: Vec<u8>,
}

impl<'a> Transcript<'a> {
    /// Starts with an empty state.
    pub fn new(proof: &'a [u8]) -> Self {
        Self { rest: proof, buffer: Vec::new() }
    }

    /// Whether all bytes have been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Hashes a field element that is not part of the proof.
    pub fn absorb<T: PrimeField>(&mut self, element: &T) {
        self.buffer.extend(element.into_bigint().to_bytes_be());
    }

    /// Keccak of all since the last challenge, which is the state; a 1 is appended where nothing came since.
    pub fn challenge(&mut self) -> Fr {
        if self.buffer.len() == 32 {
            self.buffer.push(1);
        }
        self.buffer = Keccak256::digest(&self.buffer).to_vec();
        Fr::from_be_bytes_mod_order(&self.buffer)
    }

    fn word(&mut self) -> Result<&'a [u8], AuditError> {
        let (bytes, rest) = self.rest.split_at_checked(32).ok_or(AuditError::Malformed("too short"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn coordinate(&mut self) -> Result<Fq, AuditError> {
        let bytes = self.word()?;
        let element = Fq::from_be_bytes_mod_order(bytes);
        if element.into_bigint().to_bytes_be() != bytes {
            return Err(AuditError::Malformed("a coordinate is not canonical"));
        }
        self.buffer.extend(bytes);
        Ok(element)
    }

    /// Reads scalars as the contract does: modulo r, and the reduced form is hashed. A proof whose scalars somebody
    /// raised by r settles on L1 and says the same, so the auditor must not call it false.
    pub fn scalars(&mut self, count: usize) -> Result<Vec<Fr>, AuditError> {
        (0..count)
            .map(|_| {
                let scalar = Fr::from_be_bytes_mod_order(self.word()?);
                self.absorb(&scalar);
                Ok(scalar)
            })
            .collect()
    }

    /// Reads a point; the identity has no encoding.
    pub fn point(&mut self) -> Result<G1Affine, AuditError> {
        let (x, y) = (self.coordinate()?, self.coordinate()?);
        let point = G1Affine::new_unchecked(x, y);
        // arkworks takes (0, 0) for the identity and hence for a point of the curve; the contract does not. G1 of BN254
        // has cofactor one.
        let valid = point.is_on_curve() && !point.is_zero();
        valid.then_some(point).ok_or(AuditError::Malformed("a point is not on the curve, or at infinity"))
    }

    /// Reads points.
    pub fn points(&mut self, count: usize) -> Result<Vec<G1Affine>, AuditError> {
        (0..count).map(|_| self.point()).collect()
    }
}

fn base(element: &halo2::Fq) -> Fq {
    Fq::from_le_bytes_mod_order(element.to_repr().as_ref())
}

/// A scalar.
pub fn fr_from_halo2(element: &halo2::Fr) -> Fr {
    Fr::from_le_bytes_mod_order(element.to_repr().as_ref())
}

/// A point of G1, if it is on the curve.
pub fn g1_from_halo2(point: &halo2::G1Affine) -> Option<G1Affine> {
    let converted = G1Affine::new_unchecked(base(&point.x), base(&point.y));
    converted.is_on_curve().then_some(converted)
}

/// A point of G2, if it is in the group.
pub fn g2_from_halo2(point: &halo2::G2Affine) -> Option<G2Affine> {
    let element = |e: &halo2::Fq2| Fq2::new(base(&e.c0), base(&e.c1));
    let converted = G2Affine::new_unchecked(element(&point.x), element(&point.y));
    (converted.is_on_curve() && converted.is_in_correct_subgroup_assuming_on_curve()).then_some(converted)
}
