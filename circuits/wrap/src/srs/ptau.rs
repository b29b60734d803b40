//! Powers of tau in the snarkjs binary format: sections of (type: u32, size: u64, body), little-endian; section 1
//! is the header, section 2 the powers in G1, section 3 those in G2. Coordinates are in Montgomery form.

use std::path::Path;

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInt, PrimeField};
use halo2_proofs::arithmetic::g_to_lagrange;
use halo2_proofs::halo2curves::bn256 as halo2;
use halo2_proofs::halo2curves::serde::SerdeObject;
use rayon::prelude::*;

use super::{Points, SrsError};

const HEADER: u32 = 1;
const TAU_G1: u32 = 2;
const TAU_G2: u32 = 3;
const G1_BYTES: usize = 64;
const G2_BYTES: usize = 128;

/// Reads, validates and converts the first 2^k powers.
pub fn points(path: &Path, bytes: &[u8], k: u32) -> Result<Points, SrsError> {
    let malformed = |reason: &str| SrsError::Malformed { path: path.to_owned(), reason: reason.to_owned() };
    let sections = sections(bytes).ok_or_else(|| malformed("not a .ptau file of version 1"))?;
    let section = |kind: u32, name: &str| {
        sections.iter().find(|(k, _)| *k == kind).map(|(_, body)| *body).ok_or_else(|| malformed(name))
    };
    let power = header_power(section(HEADER, "no header section")?)
        .ok_or_else(|| malformed("its header is not for BN254"))?;
    if power < k {
        return Err(SrsError::TooSmall { got: power, needed: k });
    }
    let n = 1usize << k;
    let g1 = section(TAU_G1, "no section of powers in G1")?;
    let g2 = section(TAU_G2, "no section of powers in G2")?;
    let g1 = g1.get(..n * G1_BYTES).ok_or_else(|| malformed("fewer powers in G1 than its header says"))?;
    let g2 = g2.get(..2 * G2_BYTES).ok_or_else(|| malformed("fewer than two powers in G2"))?;
    let powers: Vec<G1Affine> = g1
        .par_chunks_exact(G1_BYTES)
        .map(g1_point)
        .collect::<Option<_>>()
        .ok_or_else(|| malformed("a point of G1 is not on the curve"))?;
    let point = |bytes| g2_point(bytes).ok_or_else(|| malformed("a point of G2 is not in the group"));
    let (one, tau) = (point(&g2[..G2_BYTES])?, point(&g2[G2_BYTES..])?);
    if powers[0] != G1Affine::generator() || one != G2Affine::generator() {
        return Err(malformed("its first powers are not the generators"));
    }
    // The coefficients are fixed by the file, hence by its pin.
    check_tau(&powers, one, tau, blake3::hash(bytes).as_bytes())?;
    Ok(convert(k, &powers, one, tau))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn sections(bytes: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    if bytes.get(..4)? != b"ptau" || u32_at(bytes, 4)? != 1 {
        return None;
    }
    let mut rest = bytes.get(12..)?;
    (0..u32_at(bytes, 8)?)
        .map(|_| {
            let kind = u32_at(rest, 0)?;
            let size = u64::from_le_bytes(rest.get(4..12)?.try_into().ok()?);
            let (body, after) = rest.get(12..)?.split_at_checked(usize::try_from(size).ok()?)?;
            rest = after;
            Some((kind, body))
        })
        .collect()
}

/// Base-two logarithm of the powers in G2, if the field is BN254's.
fn header_power(header: &[u8]) -> Option<u32> {
    let modulus: Vec<u8> = Fq::MODULUS.0.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    if u32_at(header, 0)? != 32 || header.get(4..36)? != modulus {
        return None;
    }
    u32_at(header, 36)
}

/// A coordinate in Montgomery form; `None` when it is not below the modulus.
fn coordinate(bytes: &[u8]) -> Option<Fq> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    let integer = BigInt::new(limbs);
    (integer < Fq::MODULUS).then(|| Fq::new_unchecked(integer))
}

fn g1_point(bytes: &[u8]) -> Option<G1Affine> {
    let point = G1Affine::new_unchecked(coordinate(&bytes[..32])?, coordinate(&bytes[32..])?);
    point.is_on_curve().then_some(point)
}

fn g2_point(bytes: &[u8]) -> Option<G2Affine> {
    let element = |bytes: &[u8]| Some(Fq2::new(coordinate(&bytes[..32])?, coordinate(&bytes[32..])?));
    let point = G2Affine::new_unchecked(element(&bytes[..64])?, element(&bytes[64..])?);
    (point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
}

/// e(Σ ρ_i·g_i, τ·H) = e(Σ ρ_i·g_(i+1), H) with 128-bit coefficients derived from `seed`: if the points are not
/// consecutive powers, this fails but for about 2^-128.
fn check_tau(powers: &[G1Affine], one: G2Affine, tau: G2Affine, seed: &[u8; 32]) -> Result<(), SrsError> {
    let mut reader = blake3::Hasher::new_keyed(seed).finalize_xof();
    let coefficients: Vec<Fr> = (1..powers.len())
        .map(|_| {
            let mut bytes = [0; 16];
            reader.fill(&mut bytes);
            Fr::from(u128::from_le_bytes(bytes))
        })
        .collect();
    let combine = |points: &[G1Affine]| {
        G1Projective::msm(points, &coefficients).expect("as many points as coefficients").into_affine()
    };
    let low = combine(&powers[..powers.len() - 1]);
    let high = combine(&powers[1..]);
    if tau.is_zero() || Bn254::pairing(low, tau) != Bn254::pairing(high, one) {
        return Err(SrsError::Inconsistent);
    }
    Ok(())
}

fn halo2_g1(point: &G1Affine) -> halo2::G1Affine {
    let mut bytes = Vec::with_capacity(G1_BYTES);
    for coordinate in [point.x, point.y] {
        bytes.extend(coordinate.0.0.iter().flat_map(|limb| limb.to_le_bytes()));
    }
    // Both libraries keep coordinates in Montgomery form with the same radix.
    halo2::G1Affine::from_raw_bytes(&bytes).expect("checked to be on the curve")
}

fn halo2_g2(point: &G2Affine) -> halo2::G2Affine {
    let mut bytes = Vec::with_capacity(G2_BYTES);
    for coordinate in [point.x.c0, point.x.c1, point.y.c0, point.y.c1] {
        bytes.extend(coordinate.0.0.iter().flat_map(|limb| limb.to_le_bytes()));
    }
    halo2::G2Affine::from_raw_bytes(&bytes).expect("checked to be on the curve")
}

fn convert(k: u32, powers: &[G1Affine], one: G2Affine, tau: G2Affine) -> Points {
    let g: Vec<halo2::G1Affine> = powers.par_iter().map(halo2_g1).collect();
    let g_lagrange = g_to_lagrange(g.iter().map(|&point| point.into()).collect(), k);
    Points { g, g_lagrange, g2: halo2_g2(&one), s_g2: halo2_g2(&tau) }
}

/// The pairing check on points in halo2's form.
#[cfg(test)]
pub fn check_powers(
    g: &[halo2::G1Affine],
    one: halo2::G2Affine,
    tau: halo2::G2Affine,
) -> Result<(), SrsError> {
    let powers: Vec<G1Affine> =
        g.iter().map(|point| g1_point(&point.to_raw_bytes()).expect("on the curve")).collect();
    let g2 = |point: halo2::G2Affine| g2_point(&point.to_raw_bytes()).expect("in the group");
    check_tau(&powers, g2(one), g2(tau), &[7; 32])
}

#[cfg(test)]
mod tests {
    use super::super::{Srs, SrsOrigin, development};
    use super::*;

    const K: u32 = 3;

    /// A file with the public secret of the development string; `change` may damage the sections.
    fn file(change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>, &mut Vec<u8>)) -> Vec<u8> {
        let points = development::points(K);
        let mut header = 32u32.to_le_bytes().to_vec();
        header.extend(Fq::MODULUS.0.iter().flat_map(|limb| limb.to_le_bytes()));
        header.extend(K.to_le_bytes());
        header.extend(K.to_le_bytes());
        let mut g1: Vec<u8> = points.g.iter().flat_map(|point| point.to_raw_bytes()).collect();
        let mut g2 = [points.g2.to_raw_bytes(), points.s_g2.to_raw_bytes()].concat();
        change(&mut header, &mut g1, &mut g2);
        let mut bytes = b"ptau".to_vec();
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(3u32.to_le_bytes());
        for (kind, body) in [(HEADER, header), (TAU_G1, g1), (TAU_G2, g2)] {
            bytes.extend(kind.to_le_bytes());
            bytes.extend((body.len() as u64).to_le_bytes());
            bytes.extend(body);
        }
        bytes
    }

    fn load(bytes: &[u8], pin: [u8; 32], k: u32) -> Result<Srs, SrsError> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("test.ptau");
        std::fs::write(&path, bytes).expect("writable");
        Srs::ceremony(&path, pin, k, dir.path())
    }

    fn pinned(bytes: &[u8]) -> Result<Srs, SrsError> {
        load(bytes, *blake3::hash(bytes).as_bytes(), K)
    }

    #[test]
    fn a_good_file_is_accepted() {
        let srs = pinned(&file(|_, _, _| {})).expect("a good file");
        assert_eq!(srs.origin(), SrsOrigin::Ceremony);
        assert_eq!(srs.params().s_g2(), development::points(K).s_g2);
    }

    #[test]
    fn the_pin_and_the_size_are_checked() {
        let bytes = file(|_, _, _| {});
        assert!(matches!(load(&bytes, [0; 32], K), Err(SrsError::HashMismatch { .. })));
        let pin = *blake3::hash(&bytes).as_bytes();
        assert!(matches!(load(&bytes, pin, K + 1), Err(SrsError::TooSmall { .. })));
    }

    /// A cached string counts for its own pin only, be the pins ever so alike.
    #[test]
    fn the_cache_keeps_pins_apart() {
        let bytes = file(|_, _, _| {});
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("test.ptau");
        std::fs::write(&path, &bytes).expect("writable");
        let pin = *blake3::hash(&bytes).as_bytes();
        Srs::ceremony(&path, pin, K, dir.path()).expect("a good file");
        for at in [0, 8, 31] {
            let mut other = pin;
            other[at] ^= 1;
            let error = Srs::ceremony(&path, other, K, dir.path()).expect_err("another pin");
            assert!(matches!(error, SrsError::HashMismatch { .. }), "{error}");
        }
    }

    #[test]
    fn swapped_powers_fail_the_pairing_check() {
        let bytes = file(|_, g1, _| {
            let (left, right) = g1.split_at_mut(3 * G1_BYTES);
            left[2 * G1_BYTES..].swap_with_slice(&mut right[..G1_BYTES]);
        });
        assert!(matches!(pinned(&bytes), Err(SrsError::Inconsistent)));
    }

    #[test]
    fn damaged_files_are_refused() {
        for bytes in [
            b"zkey".to_vec(),
            file(|header, _, _| header[4] ^= 1),
            file(|_, g1, _| g1[70] ^= 1),
            file(|_, g1, _| g1.truncate(5 * G1_BYTES)),
            file(|_, _, g2| g2[130] ^= 1),
            file(|_, g1, _| g1.copy_within(G1_BYTES..2 * G1_BYTES, 0)),
        ] {
            let error = pinned(&bytes).expect_err("damaged");
            assert!(matches!(error, SrsError::Malformed { .. }), "{error}");
        }
    }
}
