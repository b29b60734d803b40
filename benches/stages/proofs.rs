//! Everything that needs proving keys: they are read from `JANCTION_KEYS_DIR`, or beside the build, and made where they are
//! missing.

use std::path::{Path, PathBuf};

use janction_aggregate::BoxError;
use janction_aggregate::config::{Circuit, F, Proof};
use janction_engine::{Cpu, Engine};
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::{Silent, Stage};
use janction_prover::{Keys, SrsSource};
use plonky2::iop::witness::PartialWitness;

use crate::bench::Bench;
use crate::{audit, ledger, range};

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;

/// Makes proofs with the engine of the prover's node.
pub fn prover(circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, BoxError> {
    Ok(Cpu::new()?.prove(circuit, inputs)?)
}

/// Runs the groups. Under `--test` only those that need no keys, on a small circuit.
pub fn run(bench: &mut Bench) -> anyhow::Result<()> {
    ledger::small_chunks(bench)?;
    if bench.is_smoke() || !bench.proves() {
        return Ok(());
    }
    let [keys, wrap_keys] = [Stage::Keys, Stage::WrapKeys].map(Stage::name);
    let wraps = bench.wants(&[wrap_keys, Stage::LastLayer.name(), Stage::Wrap.name()]);
    if !(wraps || bench.wants(&[keys]) || bench.wants(&ledger::stages()) || bench.wants(&audit::stages())) {
        return Ok(());
    }
    let folder = folder();
    let circuits = bench
        .timed(keys, "read, or made", (1, ""), 1, || Ok(RangeCircuits::load_or_build(&folder, &Silent)?))?;
    if bench.wants(&audit::stages()) {
        audit::run(bench, &circuits)?;
    }
    if wraps || bench.wants(&ledger::stages()) {
        let root = ledger::run(bench, &circuits)?;
        drop(circuits);
        if wraps {
            let all = bench.timed(wrap_keys, "with all others; read, or made", (1, ""), 1, || {
                Ok(Keys::load_or_build(&folder, CHAIN, &SrsSource::Development, &Silent)?)
            })?;
            range::run(bench, &all, &root)?;
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
    std::env::var_os("JANCTION_KEYS_DIR").map_or_else(beside, PathBuf::from)
}
