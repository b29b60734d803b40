//! The keys: the circuits of this source, built anew, give the verifier that is deployed.

use alloy::primitives::B256;
use janction_bindings::{L1, Parameters};
use janction_prover::progress::Silent;
use janction_prover::{Keys, ProverError, VerifierContract, build_verifier};
use janction_wrap::{AuditKey, WrapVerifier};
use tokio::task::JoinHandle;

use super::error::AuditFailure;
use super::report::Report;
use crate::config::Config;
use crate::failure::Outcome;

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

/// Starts to build the ledger's, the recursion's and the wrap's keys, on threads of their own.
///
/// # Errors
/// The prover's configuration is wrong.
pub fn build(config: &Config, source: KeySource) -> Outcome<Building> {
    if source == KeySource::None {
        return Ok(Building(None));
    }
    let own = config.prover()?;
    let (folder, chain_id, srs) = (own.keys, own.chain_id, own.srs);
    Ok(Building(Some(tokio::task::spawn_blocking(move || {
        let of = |verifier: &WrapVerifier| {
            Ok::<_, ProverError>(Built {
                audit_key: verifier.audit_key()?,
                contract: VerifierContract::of(verifier)?,
            })
        };
        match source {
            KeySource::Rebuild => of(&build_verifier(&folder, chain_id, &srs)?),
            _ => of(Keys::load_or_build(&folder, chain_id, &srs, &Silent)?.wrap.verifier()),
        }
    }))))
}

/// Keys that are being built.
pub struct Building(Option<JoinHandle<Result<Built, ProverError>>>);

impl Building {
    /// Waits for them; none where none are wanted.
    ///
    /// # Errors
    /// No reference string, or another version's circuits.
    pub async fn ready(self) -> Outcome<Option<Built>> {
        let Some(building) = self.0 else { return Ok(None) };
        let built = building.await.map_err(|e| AuditFailure::Panicked { reason: e.to_string() })?;
        Ok(Some(built?))
    }
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
