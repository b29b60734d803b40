//! The circuits of the house with their proving keys, cached on disk.
//!
//! Keys depend on the source alone (and, for the wrap, on the SRS): everybody builds the same, and a cached key of another
//! build is told by its digest and made anew.

use std::path::Path;

use janction_ledger::keys::CIRCUITS;
use janction_ledger::{LedgerError, LedgerProver};
use janction_wrap::prover::WRAP_K;
use janction_wrap::{EvmProof, Srs, SrsOrigin, WrapProver};

use janction_aggregate::config::Proof;

use crate::cache::Cache;
use crate::config::SrsSource;
use crate::error::ProverError;
use crate::progress::{Meter, Progress, Stage};

/// The verifier contract and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierContract {
    /// Source of the contract `Halo2Verifier`.
    pub solidity: String,
    /// Bytes of a proof.
    pub proof_length: usize,
    /// Hash of the reference string.
    pub srs_hash: [u8; 32],
    /// Whether the reference string was made locally, so that anyone can forge proofs.
    pub development_srs: bool,
}

/// Everything that a range's proof needs.
#[derive(Debug)]
pub struct Keys {
    /// Chunks, their tree and the root.
    pub ledger: LedgerProver,
    /// The last layers and the halo2 proof.
    pub wrap: WrapProver,
}

impl Keys {
    /// Loads the keys from `folder`, or builds and stores them: minutes the first time, seconds afterwards.
    ///
    /// # Errors
    /// [`ProverError::Wrap`] and [`ProverError::Srs`] when the SRS cannot be had, [`ProverError::Cache`] on a full disk.
    pub fn load_or_build(
        folder: &Path,
        chain_id: u64,
        srs: &SrsSource,
        progress: &dyn Progress,
    ) -> Result<Self, ProverError> {
        let mut meter = Meter::start(progress, Stage::Keys, 3);
        let cache = Cache::open(folder)?;
        let ledger = match ledger_from(&cache) {
            Ok(ledger) => ledger,
            Err(reason) => {
                tracing::info!(%reason, folder = %folder.display(), "building the ledger's keys");
                let ledger = LedgerProver::build()?;
                for circuit in CIRCUITS {
                    cache.write(&file(circuit), &ledger.key(circuit)?)?;
                }
                ledger
            }
        };
        meter.advance();
        let srs = match srs {
            SrsSource::Development => Srs::insecure_development(WRAP_K, chain_id, folder)?,
            SrsSource::Ceremony { file, blake3 } => Srs::ceremony(file, pin(blake3)?, WRAP_K, folder)?,
        };
        meter.advance();
        let root = ledger.root.data();
        let wrap = WrapProver::load_or_build(&root.common, &root.verifier_only, srs, folder)?;
        meter.advance();
        Ok(Self { ledger, wrap })
    }

    /// What a deployment needs: the generated verifier and what the wrapper contract pins.
    ///
    /// # Errors
    /// [`ProverError::WrapKey`] when the key is of a kind that the auditor's verifier does not know.
    pub fn contract(&self) -> Result<VerifierContract, ProverError> {
        let srs = self.wrap.verifier().srs();
        Ok(VerifierContract {
            solidity: self.wrap.solidity(),
            proof_length: self.wrap.verifier().audit_key()?.proof_length(),
            srs_hash: srs.digest(),
            development_srs: srs.origin() == SrsOrigin::InsecureDevelopment,
        })
    }

    /// The last layers and the wrap of a root proof.
    ///
    /// # Errors
    /// [`ProverError::Wrap`]; [`ProverError::Cancelled`] between the two.
    pub(crate) fn wrap(
        &self,
        root: &Proof,
        cancelled: &dyn Fn() -> bool,
        progress: &dyn Progress,
    ) -> Result<EvmProof, ProverError> {
        let check = || if cancelled() { Err(ProverError::Cancelled) } else { Ok(()) };
        check()?;
        let mut meter = Meter::start(progress, Stage::LastLayer, 1);
        let last = self.wrap.layers().prove(root)?;
        meter.advance();
        check()?;
        let mut meter = Meter::start(progress, Stage::Wrap, 1);
        let proof = self.wrap.wrap(&last)?;
        meter.advance();
        Ok(proof)
    }
}

fn ledger_from(cache: &Cache) -> Result<LedgerProver, ProverError> {
    LedgerProver::from_keys(|circuit| {
        cache
            .read(&file(circuit))?
            .ok_or(ProverError::Ledger(LedgerError::KeyBytes { circuit, action: "found" }))
    })
}

fn file(circuit: &str) -> String {
    format!("ledger-{circuit}.key")
}

fn pin(blake3: &str) -> Result<[u8; 32], ProverError> {
    blake3::Hash::from_hex(blake3)
        .map(|hash| *hash.as_bytes())
        .map_err(|_| ProverError::SrsPin { got: blake3.to_owned() })
}
