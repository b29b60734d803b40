//! The keys: the circuits of this source, built anew, give the verifier that is deployed.

use std::fs;
use std::io;
use std::path::Path;

use alloy::primitives::B256;
use janction_bindings::{L1, Parameters};
use janction_prover::progress::Silent;
use janction_prover::{Keys, ProverError, VerifierContract};
use janction_wrap::AuditKey;
use tempfile::TempDir;

use super::error::AuditFailure;
use super::report::Report;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::Output;
use crate::progress::Progress;

/// The generated verifier that is checked in, and the hash of the code that it compiles to; `make contracts` makes both.
const VERIFIER_SOURCE: &str = include_str!("../../../verifier-contracts/generated/Halo2Verifier.sol");
const VERIFIER: &str = include_str!("../../../verifier-contracts/generated/Halo2Verifier.json");

/// Where the keys come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum KeySource {
    /// Built from source, about half a minute on two cores; nothing but the reference string is read from disk.
    #[default]
    Rebuild,
    /// Read from `keys_dir`, where this machine keeps what it built before.
    Cached,
    /// None: neither the deployed verifier nor any proof is checked natively.
    None,
}

/// What the keys of this source say.
pub struct Built {
    /// Verifies proofs with arkworks alone.
    pub audit_key: AuditKey,
    contract: VerifierContract,
}

/// Builds the ledger's, the recursion's and the wrap's keys.
///
/// # Errors
/// No reference string, or no space.
pub async fn build(config: &Config, output: Output, source: KeySource) -> Outcome<Option<Built>> {
    if source == KeySource::None {
        return Ok(None);
    }
    let own = config.prover()?;
    let (folder, chain_id, srs) = (own.keys, own.chain_id, own.srs);
    let what = match source {
        KeySource::Rebuild => "building the circuits from source",
        _ => "reading keys",
    };
    let _shown = Progress::spinner(output, what);
    let fresh = match source {
        KeySource::Cached | KeySource::None => None,
        KeySource::Rebuild => Some(empty_folder(&folder).map_err(|source| {
            let folder = folder.clone();
            AuditFailure::Folder { folder, source }
        })?),
    };
    let built = tokio::task::spawn_blocking(move || {
        let folder = fresh.as_ref().map_or(folder.as_path(), TempDir::path);
        let keys = Keys::load_or_build(folder, chain_id, &srs, &Silent)?;
        Ok::<_, ProverError>(Built {
            audit_key: keys.wrap.verifier().audit_key()?,
            contract: keys.contract()?,
        })
    })
    .await
    .map_err(|e| AuditFailure::Panicked { reason: e.to_string() })??;
    Ok(Some(built))
}

/// A folder beside the keys that holds no key.
fn empty_folder(keys: &Path) -> io::Result<TempDir> {
    fs::create_dir_all(keys)?;
    let fresh = tempfile::Builder::new().prefix("audit-").tempdir_in(keys)?;
    borrow_srs(keys, fresh.path())?;
    Ok(fresh)
}

/// Lets the reference string be found in `to`: it is no key, and its hash is compared with the one on L1.
fn borrow_srs(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let file = entry?.path();
        let name = file.file_name().filter(|_| file.extension().is_some_and(|e| e == "srs"));
        if let Some(name) = name {
            fs::hard_link(&file, to.join(name)).or_else(|_| fs::copy(&file, to.join(name)).map(|_| ()))?;
        }
    }
    Ok(())
}

/// Compares what is deployed with what these keys give.
///
/// # Errors
/// L1 does not answer.
pub async fn check(
    report: &mut Report,
    l1: &L1,
    parameters: &Parameters,
    built: Option<&Built>,
    source: KeySource,
) -> Outcome {
    contracts(report, l1, parameters).await?;
    let Some(Built { contract, .. }) = built else {
        report.unchecked("keys", "neither built nor read (--keys none)");
        return Ok(());
    };
    let srs = B256::from(contract.srs_hash);
    report.equal(
        "SRS hash",
        srs == parameters.srs_hash && contract.development_srs == parameters.development_srs,
        format!("{srs} on L1 and here"),
        format!("{srs} here, {} on L1: is prover.srs_file that of the deployment?", parameters.srs_hash),
    );
    report.equal(
        "proof length",
        contract.proof_length as u64 == parameters.proof_length,
        format!("{} bytes on L1 and here", contract.proof_length),
        format!("{} bytes here, {} on L1", contract.proof_length, parameters.proof_length),
    );
    if contract.solidity != VERIFIER_SOURCE {
        report.unchecked(
            "keys",
            "this reference string gives another verifier than the checked-in one: compile the one that \
             `janction prover --verifier FILE` writes with solc 0.8.37 without optimiser, and compare its code with L1's",
        );
    } else {
        let deployed = l1.code_hash(parameters.verifier).await?;
        let how = match source {
            KeySource::Rebuild => "ledger, recursion and wrap keys built from source",
            _ => "ledger, recursion and wrap keys that this machine built before",
        };
        report.equal(
            "keys",
            Some(deployed) == compiled(),
            format!("{how} give the deployed verifier, byte for byte (code hash {deployed})"),
            format!("{how} do not give the verifier at {}", parameters.verifier),
        );
    }
    Ok(())
}

/// Hash of the code of the checked-in verifier.
fn compiled() -> Option<B256> {
    let artifact: serde_json::Value = serde_json::from_str(VERIFIER).ok()?;
    artifact["codeHash"].as_str()?.parse().ok()
}

/// The other contracts: each must have the code that its constructor leaves, run with the parameters that L1 tells.
async fn contracts(report: &mut Report, l1: &L1, parameters: &Parameters) -> Outcome {
    let mut wrong = Vec::new();
    for (name, address, code) in [
        ("wrapper", parameters.wrapper, l1.expected_wrapper(parameters).await?),
        ("rollup", l1.rollup(), l1.expected_rollup(parameters).await?),
    ] {
        if l1.code(address).await? != code {
            wrong.push(format!("the {name} at {address} has other code"));
        }
    }
    report.equal(
        "contracts",
        wrong.is_empty(),
        "verifier wrapper and rollup have the code of this source",
        wrong.join("; "),
    );
    Ok(())
}
