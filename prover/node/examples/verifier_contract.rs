//! Writes the generated verifier and what its wrapper pins: `verifier_contract KEYS OUT`, two folders. Keys that are not
//! in `KEYS` are built there, which takes minutes. `scripts/contracts.sh` compiles and compares what comes out.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use janction_prover::progress::Silent;
use janction_prover::{Keys, SrsSource};

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(keys), Some(out), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: verifier_contract KEYS OUT".into());
    };
    let keys = Keys::load_or_build(&keys, CHAIN, &SrsSource::Development, &Silent)?;
    let contract = keys.contract()?;
    fs::create_dir_all(&out)?;
    fs::write(out.join("Halo2Verifier.sol"), &contract.solidity)?;
    let about = serde_json::json!({
        "proofLength": contract.proof_length,
        "srsHash": word(&contract.srs_hash),
        "developmentSrs": contract.development_srs,
        "keyDigest": word(&keys.wrap.key_digest()),
    });
    fs::write(out.join("verifier.json"), serde_json::to_string_pretty(&about)? + "\n")?;
    Ok(())
}

fn word(bytes: &[u8; 32]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
