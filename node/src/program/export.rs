//! `program export-verifier`.

use std::path::{Path, PathBuf};

use janction_audit::Sizing;
use janction_program_prover::{VerifierPins, contract_name, is_contract_name, solidity};
use janction_prover::VerifierContract;
use janction_trace::Policy;
use serde_json::json;

use super::error::ProgramProblem;
use super::keys::PieceKeys;
use super::{contract, load};
use crate::config::Config;
use crate::failure::Outcome;
use crate::file;
use crate::output::{Output, columns};
use crate::progress::Progress;

/// The generated verifier of proofs for contracts over the development SRS, compiled; `make contracts` makes it.
const COMPILED: &str = include_str!("../../../verifier-contracts/generated/program/Halo2Verifier.json");
/// Its source.
const SOURCE: &str = include_str!("../../../verifier-contracts/generated/program/Halo2Verifier.sol");

/// Writes the contracts that verify a program's proofs on chain into the folder `out`.
///
/// # Errors
/// A program that cannot be audited or whose cells a contract cannot read; no SRS; files that cannot be written.
pub fn export(
    config: &Config,
    output: Output,
    path: &Path,
    policy: Policy,
    name: Option<&str>,
    code_hash: Option<[u8; 32]>,
    out: &Path,
) -> Outcome {
    let program = load::program(path)?;
    let name = match name {
        None => contract_name(&program),
        Some(name) if is_contract_name(name) => name.to_owned(),
        Some(name) => return Err(ProgramProblem::ContractName { name: name.to_owned() }.into()),
    };
    let bar = Progress::spinner(output, "making the program's keys");
    let verifier = PieceKeys::new(config, &program, policy, Sizing::Audit).verifier()?;
    drop(bar);
    let keys = contract::keys(config, output)?;
    let audit_key = contract::audit_key(&verifier, keys.wrapper.shape())?;
    let VerifierContract { solidity: halo2, proof_length, srs_hash, development_srs } = keys.contract()?;
    // Over another string the source is another, and whoever deploys it compiles it.
    let is_compiled = halo2 == SOURCE;
    let code_hash = code_hash.or_else(|| is_compiled.then(compiled_hash).flatten());
    let pins = VerifierPins { proof_length, srs_hash, development_srs, code_hash };
    let source = solidity(&name, &program, policy, audit_key, &pins)
        .ok_or_else(|| ProgramProblem::ContractCells { program: program.name().to_owned() })?;
    file::create_folder(out)?;
    let (of_program, of_halo2) = (out.join(format!("{name}.sol")), out.join("Halo2Verifier.sol"));
    file::write(&of_program, source.as_bytes())?;
    file::write(&of_halo2, halo2.as_bytes())?;
    let compiled = is_compiled.then(|| out.join("Halo2Verifier.json"));
    if let Some(file) = &compiled {
        file::write(file, COMPILED.as_bytes())?;
    }
    let files: Vec<&PathBuf> = [&of_program, &of_halo2].into_iter().chain(&compiled).collect();
    let value = json!({
        "contract": name,
        "files": files,
        "program": program.digest().to_string(),
        "audit_key": audit_key.to_string(),
        "policy": policy.to_string(),
        "proof_length": proof_length,
        "srs_hash": format!("0x{}", hex::encode(srs_hash)),
        "development_srs": development_srs,
        "code_hash": code_hash.map(|hash| format!("0x{}", hex::encode(hash))),
    });
    output.print(&value, |_| {
        let mut rows = vec![
            ("contract", format!("{name}, {}", of_program.display())),
            ("generated verifier", of_halo2.display().to_string()),
        ];
        if let Some(file) = &compiled {
            rows.push(("compiled", file.display().to_string()));
        }
        rows.extend([
            ("program", program.digest().to_string()),
            ("audit key", audit_key.to_string()),
            ("policy", policy.to_string()),
            ("reference string", reference_string(development_srs)),
            (
                "verifier's code",
                code_hash.map_or_else(|| UNPINNED.to_owned(), |hash| format!("0x{}", hex::encode(hash))),
            ),
            ("deploy", format!("Halo2Verifier, compiled without optimiser; then {name}(its address)")),
        ]);
        columns(&rows)
    });
    Ok(())
}

/// What it means that no hash is pinned.
const UNPINNED: &str =
    "not pinned: compile Halo2Verifier.sol and export again with --code-hash, or compare what is deployed";

/// The hash of the compiled verifier's code.
fn compiled_hash() -> Option<[u8; 32]> {
    let compiled: serde_json::Value = serde_json::from_str(COMPILED).ok()?;
    let hash = hex::decode(compiled["codeHash"].as_str()?.strip_prefix("0x")?).ok()?;
    hash.try_into().ok()
}

fn reference_string(development: bool) -> String {
    if development {
        "development: anybody can forge proofs, and the contract refuses every chain but 31337; set prover.srs_file".into()
    } else {
        "of a ceremony".into()
    }
}

/// The compiled verifier says which source it is of.
#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_checked_in_is_whole() {
        let compiled: Value = serde_json::from_str(COMPILED).expect("JSON");
        let pins = janction_prover::root::DIGESTS;
        let key = compiled["keyDigest"].as_str().expect("a digest").trim_start_matches("0x");
        assert!(pins.lines().any(|line| line == format!("execution-wrap 2^19 {key}")), "{key}");
        assert!(compiled["bytecode"].as_str().is_some_and(|code| code.starts_with("0x60")));
        assert!(SOURCE.contains("contract Halo2Verifier"));
    }
}
