//! Writes the generated verifiers and what their wrappers pin: `verifier_contract KEYS OUT`, two folders. That of ranges of
//! batches goes into `OUT`, that of programs' proofs for contracts into `OUT/program`. Keys that are not in `KEYS` are built
//! there, which takes minutes. `scripts/contracts.sh` compiles and compares what comes out.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use janction_prover::progress::Silent;
use janction_prover::{ExecutionKeys, Keys, SrsSource, VerifierContract};

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(keys), Some(out), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: verifier_contract KEYS OUT".into());
    };
    let ranges = Keys::load_or_build(&keys, CHAIN, &SrsSource::Development, &Silent)?;
    write(&out, &ranges.contract()?, &ranges.wrap.key_digest())?;
    drop(ranges);
    let executions = ExecutionKeys::load_or_build(&keys, CHAIN, &SrsSource::Development, &Silent)?;
    write(&out.join("program"), &executions.contract()?, &executions.wrap.key_digest())
}

fn write(out: &Path, contract: &VerifierContract, key_digest: &[u8; 32]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    fs::write(out.join("Halo2Verifier.sol"), &contract.solidity)?;
    let about = serde_json::json!({
        "proofLength": contract.proof_length,
        "srsHash": word(&contract.srs_hash),
        "developmentSrs": contract.development_srs,
        "keyDigest": word(key_digest),
    });
    fs::write(out.join("verifier.json"), serde_json::to_string_pretty(&about)? + "\n")?;
    Ok(())
}

fn word(bytes: &[u8; 32]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
