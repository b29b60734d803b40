//! Prints `prover/node/src/keys.txt` as the source has it now, for a circuit that was changed on purpose:
//!
//! `cargo run --release -p janction-prover --example pins -- FOLDER`, with the folder of cached keys.
//!
//! What lies below has files of its own, which tests compare: `circuits/ledger/src/keys.txt`, `circuits/audit/src/keys.txt`.

use std::path::{Path, PathBuf};

use janction_aggregate::NodeShape;
use janction_aggregate::config::Circuit;
use janction_audit::{AuditVerifier, ExecutionCircuit, Wrapper};
use janction_ledger::LedgerProver;
use janction_prover::ProverError;
use janction_prover::keys::{execution_wrap_lines, wrap_lines};
use janction_prover::root::RootProver;
use janction_wrap::prover::WRAP_K;
use janction_wrap::srs::DEVELOPMENT_CHAIN_ID;
use janction_wrap::{Srs, WrapProver};

fn main() -> Result<(), ProverError> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("data/keys"), PathBuf::from);
    let root = root()?;
    root.lines().iter().for_each(|line| println!("{line}"));
    let layers = wrap(root.root.data(), &folder)?;
    wrap_lines(layers.layers(), layers.verifier()).iter().for_each(|line| println!("{line}"));
    drop(layers);
    let layers = wrap(ExecutionCircuit::build(&AuditVerifier::build()?).data(), &folder)?;
    execution_wrap_lines(layers.layers(), layers.verifier()).iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn root() -> Result<RootProver, ProverError> {
    let ledger = LedgerProver::build()?;
    let wrapper = Wrapper::build(NodeShape::of(ledger.leaf.data()))?;
    RootProver::build(ledger.tree(), &wrapper)
}

fn wrap(circuit: &Circuit, folder: &Path) -> Result<WrapProver, ProverError> {
    let srs = Srs::insecure_development(WRAP_K, DEVELOPMENT_CHAIN_ID, folder)?;
    Ok(WrapProver::load_or_build(&circuit.common, &circuit.verifier_only, srs, folder)?)
}
