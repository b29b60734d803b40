//! Structured reference strings for KZG over BN254.
//!
//! Two origins, and no way to mistake one for the other:
//! * *insecure development*: the secret is a public constant. Anyone can forge proofs for it, so it is refused for
//!   any chain but a local one.
//! * *ceremony*: a powers-of-tau file in the snarkjs format, pinned by the hash of the file and checked by pairings.

mod development;
mod ptau;

use std::fs;
use std::path::{Path, PathBuf};

use halo2_proofs::SerdeFormat;
use halo2_proofs::halo2curves::bn256::{Bn256, G1Affine, G2Affine};
use halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::poly::kzg::commitment::ParamsKZG;

/// The only chain id a development string may be used for.
pub const DEVELOPMENT_CHAIN_ID: u64 = 31337;

/// Why a reference string is not available.
#[derive(Debug, thiserror::Error)]
pub enum SrsError {
    /// A development string was asked for on a real chain.
    #[error(
        "chain {chain_id} needs a ceremony: the development SRS is forgeable by anyone and only for chain \
         {DEVELOPMENT_CHAIN_ID}; pass a powers-of-tau file"
    )]
    InsecureChain {
        /// The chain.
        chain_id: u64,
    },
    /// The file is not the pinned one.
    #[error("{path} has the BLAKE3 hash {got}, not the pinned {expected}: download it again")]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// Pinned hash.
        expected: String,
        /// Hash of the file.
        got: String,
    },
    /// The file is damaged or of another kind.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is too short for the circuit.
    #[error("the ceremony file supports 2^{got} powers, the circuit needs 2^{needed}: use a larger one")]
    TooSmall {
        /// Power in the file.
        got: u32,
        /// Power needed.
        needed: u32,
    },
    /// The powers are not powers of one secret.
    #[error("the powers of tau fail the pairing check: the file is not the result of a ceremony")]
    Inconsistent,
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl SrsError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Where a string comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrsOrigin {
    /// A public secret: for local development only.
    InsecureDevelopment,
    /// A powers-of-tau ceremony.
    Ceremony,
}

/// A reference string of 2^k powers.
#[derive(Clone, Debug)]
pub struct Srs {
    params: ParamsKZG<Bn256>,
    origin: SrsOrigin,
    digest: [u8; 32],
}

/// First bytes of a cached string.
const CACHE_MAGIC: &[u8; 8] = b"JSRSv001";

impl Srs {
    /// A string whose secret is public, cached in `dir` as `INSECURE-development-{k}.srs`.
    ///
    /// # Errors
    /// [`SrsError::InsecureChain`] for any chain id but [`DEVELOPMENT_CHAIN_ID`]; [`SrsError::Malformed`] for a damaged
    /// cache file; [`SrsError::Io`].
    pub fn insecure_development(k: u32, chain_id: u64, dir: &Path) -> Result<Self, SrsError> {
        if chain_id != DEVELOPMENT_CHAIN_ID {
            return Err(SrsError::InsecureChain { chain_id });
        }
        let path = dir.join(format!("INSECURE-development-{k}.srs"));
        if path.exists() {
            return Self::read_cache(&path, k, SrsOrigin::InsecureDevelopment);
        }
        let srs = Self::from_points(k, development::points(k), SrsOrigin::InsecureDevelopment);
        srs.write_cache(&path)?;
        Ok(srs)
    }

    /// The first 2^k powers of a ceremony in the snarkjs `.ptau` format; cached in `dir` by hash once checked.
    ///
    /// * `pin`: BLAKE3 hash of the whole file
    ///
    /// # Errors
    /// All but [`SrsError::InsecureChain`].
    pub fn ceremony(path: &Path, pin: [u8; 32], k: u32, dir: &Path) -> Result<Self, SrsError> {
        // The whole pin: a cached string is not checked against the file again.
        let cache = dir.join(format!("ceremony-{}-{k}.srs", hex(&pin)));
        if cache.exists() {
            return Self::read_cache(&cache, k, SrsOrigin::Ceremony);
        }
        let bytes = fs::read(path).map_err(SrsError::io(path))?;
        let got = *blake3::hash(&bytes).as_bytes();
        if got != pin {
            return Err(SrsError::HashMismatch {
                path: path.to_owned(),
                expected: hex(&pin),
                got: hex(&got),
            });
        }
        let srs = Self::from_points(k, ptau::points(path, &bytes, k)?, SrsOrigin::Ceremony);
        srs.write_cache(&cache)?;
        Ok(srs)
    }

    fn from_points(k: u32, points: Points, origin: SrsOrigin) -> Self {
        let mut bytes = k.to_le_bytes().to_vec();
        for point in points.g.iter().chain(&points.g_lagrange) {
            bytes.extend(point.to_raw_bytes());
        }
        bytes.extend(points.g2.to_raw_bytes());
        bytes.extend(points.s_g2.to_raw_bytes());
        let params = ParamsKZG::read_custom(&mut bytes.as_slice(), SerdeFormat::RawBytesUnchecked)
            .expect("the buffer was laid out for this call");
        Self { params, origin, digest: *blake3::hash(&bytes).as_bytes() }
    }

    fn write_cache(&self, path: &Path) -> Result<(), SrsError> {
        let mut body = Vec::new();
        self.params.write_custom(&mut body, SerdeFormat::RawBytesUnchecked).map_err(SrsError::io(path))?;
        let mut file = CACHE_MAGIC.to_vec();
        file.extend(blake3::hash(&body).as_bytes());
        file.extend(body);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(SrsError::io(dir))?;
        }
        // A reader never sees half a file.
        let partial = path.with_extension(format!("partial-{}", std::process::id()));
        fs::write(&partial, file).and_then(|()| fs::rename(&partial, path)).map_err(|source| {
            // What is left of the attempt only takes space, which may be what is missing.
            let _ = fs::remove_file(&partial);
            SrsError::io(path)(source)
        })
    }

    fn read_cache(path: &Path, k: u32, origin: SrsOrigin) -> Result<Self, SrsError> {
        let malformed = |reason: &str| SrsError::Malformed {
            path: path.to_owned(),
            reason: format!("{reason}; delete it"),
        };
        let bytes = fs::read(path).map_err(SrsError::io(path))?;
        let body =
            bytes.strip_prefix(CACHE_MAGIC).ok_or_else(|| malformed("not a cached SRS of this version"))?;
        let (checksum, body) =
            body.split_at_checked(32).ok_or_else(|| malformed("shorter than its checksum"))?;
        let digest = *blake3::hash(body).as_bytes();
        if checksum != digest || !body.starts_with(&k.to_le_bytes()) {
            return Err(malformed("its checksum does not match its content"));
        }
        let params = ParamsKZG::read_custom(&mut &body[..], SerdeFormat::RawBytesUnchecked)
            .map_err(SrsError::io(path))?;
        Ok(Self { params, origin, digest })
    }

    /// Where the string comes from.
    pub fn origin(&self) -> SrsOrigin {
        self.origin
    }

    /// Base-two logarithm of the number of powers.
    pub fn k(&self) -> u32 {
        self.params.k()
    }

    /// BLAKE3 hash of all points.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// halo2's form.
    pub fn params(&self) -> &ParamsKZG<Bn256> {
        &self.params
    }
}

/// Points of a string: powers, the same in the Lagrange basis, and the two in G2.
struct Points {
    g: Vec<G1Affine>,
    g_lagrange: Vec<G1Affine>,
    g2: G2Affine,
    s_g2: G2Affine,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_strings_are_for_the_local_chain() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for chain_id in [1, 10, 11_155_111] {
            let error = Srs::insecure_development(4, chain_id, dir.path()).expect_err("a real chain");
            assert!(matches!(error, SrsError::InsecureChain { .. }), "{error}");
        }
        let made = Srs::insecure_development(4, DEVELOPMENT_CHAIN_ID, dir.path()).expect("generated");
        let read = Srs::insecure_development(4, DEVELOPMENT_CHAIN_ID, dir.path()).expect("cached");
        assert_eq!(made.digest(), read.digest());
        assert_eq!(read.origin(), SrsOrigin::InsecureDevelopment);
        ptau::check_powers(&development::points(4).g, read.params().g2(), read.params().s_g2())
            .expect("powers of one secret");
    }

    #[test]
    fn a_damaged_cache_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Srs::insecure_development(3, DEVELOPMENT_CHAIN_ID, dir.path()).expect("generated");
        let path = dir.path().join("INSECURE-development-3.srs");
        let mut bytes = fs::read(&path).expect("written");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&path, bytes).expect("writable");
        let error = Srs::insecure_development(3, DEVELOPMENT_CHAIN_ID, dir.path()).expect_err("damaged");
        assert!(matches!(error, SrsError::Malformed { .. }), "{error}");
    }

    #[test]
    fn lagrange_points_agree_with_the_powers() {
        use halo2_proofs::arithmetic::g_to_lagrange;
        let points = development::points(3);
        let powers = points.g.iter().map(|&point| point.into()).collect();
        assert_eq!(g_to_lagrange::<G1Affine>(powers, 3), points.g_lagrange);
    }
}
