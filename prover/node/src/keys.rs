//! The circuits of the house with their proving keys, cached on disk.
//!
//! Keys depend on the source alone (and, for the wrap, on the SRS): everybody builds the same, and a cached key of another
//! build is told by its digest and made anew.

use std::path::Path;
use std::sync::Arc;

use janction_aggregate::NodeShape;
use janction_aggregate::config::Proof;
use janction_audit::keys::digest as audit_digest;
use janction_audit::{AuditError, AuditVerifier, ExecutionCircuit, Wrapper};
use janction_ledger::keys::{CIRCUITS as LEDGER_CIRCUITS, digest as ledger_digest};
use janction_ledger::{LedgerError, LedgerProver};
use janction_wrap::last_layer::LastLayer;
use janction_wrap::prover::WRAP_K;
use janction_wrap::{EvmProof, Srs, SrsOrigin, WrapProver, WrapVerifier};

use crate::cache::Cache;
use crate::config::{ProverConfig, SrsSource};
use crate::engines::Engines;
use crate::error::ProverError;
use crate::progress::{Meter, Progress, Stage};
use crate::root::{self, RootProver, line, pinned};

/// The keys that a prover's kinds of work need.
#[derive(Clone, Debug)]
pub struct WorkKeys {
    /// For audits.
    pub audits: Option<Arc<Wrapper>>,
    /// For ranges.
    pub ranges: Option<Arc<Keys>>,
}

impl WorkKeys {
    /// Loads or builds what `config.work` needs and nothing else: a prover of audits alone needs neither the ledger's keys
    /// nor those of the wrap.
    ///
    /// # Errors
    /// As [`Keys::load_or_build`].
    pub fn load_or_build(config: &ProverConfig, progress: &dyn Progress) -> Result<Self, ProverError> {
        let ProverConfig { work, keys, chain_id, srs, .. } = config;
        if !work.ranges() {
            let wrapper = load_wrapper(keys, progress)?;
            return Ok(Self { audits: Some(wrapper), ranges: None });
        }
        let ranges = Keys::load_or_build(keys, *chain_id, srs, progress)?;
        let audits = work.audits().then(|| Arc::clone(&ranges.circuits.wrapper));
        Ok(Self { audits, ranges: Some(Arc::new(ranges)) })
    }
}

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

impl VerifierContract {
    /// The contract of a verifying key.
    ///
    /// # Errors
    /// [`ProverError::WrapKey`] when the key is of a kind that the auditor's verifier does not know.
    pub fn of(verifier: &WrapVerifier) -> Result<Self, ProverError> {
        let srs = verifier.srs();
        Ok(Self {
            solidity: verifier.solidity(),
            proof_length: verifier.audit_key()?.proof_length(),
            srs_hash: srs.digest(),
            development_srs: srs.origin() == SrsOrigin::InsecureDevelopment,
        })
    }
}

/// The Plonky2 circuits of a range's proof, up to its root.
#[derive(Debug)]
pub struct RangeCircuits {
    /// Chunks and their tree.
    pub ledger: LedgerProver,
    /// What every audit ends in.
    pub wrapper: Arc<Wrapper>,
    /// The audits' tree and the root.
    pub root: RootProver,
}

impl RangeCircuits {
    /// Loads the circuits from `folder`, or builds and stores them.
    ///
    /// # Errors
    /// [`ProverError::Cache`] on a full disk, [`ProverError::Pin`] when what was built is not this version's.
    pub fn load_or_build(folder: &Path, progress: &dyn Progress) -> Result<Self, ProverError> {
        let meter = Meter::start(progress, Stage::Keys, 3);
        let cache = Cache::open(folder)?;
        let (ledger, wrapper) = both(|| load_ledger(&cache), || wrapper_of(&cache));
        let (ledger, wrapper) = (ledger?, Arc::new(wrapper?));
        meter.advance();
        meter.advance();
        let root = load_root(&cache, &ledger, &wrapper)?;
        meter.advance();
        Ok(Self { ledger, wrapper, root })
    }
}

/// Everything that a range's proof needs.
#[derive(Debug)]
pub struct Keys {
    /// Up to the root.
    pub circuits: Arc<RangeCircuits>,
    /// The last layers and the halo2 proof.
    pub wrap: WrapProver,
}

impl Keys {
    /// Loads the keys from `folder`, or builds and stores them: minutes the first time, seconds afterwards.
    ///
    /// # Errors
    /// Those of [`RangeCircuits::load_or_build`]; [`ProverError::Wrap`] and [`ProverError::Srs`] when the SRS cannot be
    /// had.
    pub fn load_or_build(
        folder: &Path,
        chain_id: u64,
        srs: &SrsSource,
        progress: &dyn Progress,
    ) -> Result<Self, ProverError> {
        // First: what is wrong with it is said before the minutes that circuits may take.
        let meter = Meter::start(progress, Stage::WrapKeys, 1);
        let srs = load_srs(folder, chain_id, srs)?;
        meter.advance();
        let circuits = RangeCircuits::load_or_build(folder, progress)?;
        let meter = Meter::start(progress, Stage::WrapKeys, 1);
        let root = circuits.root.root.data();
        let wrap = WrapProver::load_or_build(&root.common, &root.verifier_only, srs, folder)?;
        pinned(root::DIGESTS, &wrap_lines(wrap.layers(), wrap.verifier()))?;
        meter.advance();
        Ok(Self { circuits: Arc::new(circuits), wrap })
    }

    /// What a deployment needs: the generated verifier and what the wrapper contract pins.
    ///
    /// # Errors
    /// Those of [`VerifierContract::of`].
    pub fn contract(&self) -> Result<VerifierContract, ProverError> {
        VerifierContract::of(self.wrap.verifier())
    }

    /// The last layers and the wrap of a root proof.
    ///
    /// # Errors
    /// [`ProverError::Wrap`]; [`ProverError::Cancelled`] between the two.
    pub(crate) fn wrap(
        &self,
        root: &Proof,
        engines: &Engines,
        cancelled: &dyn Fn() -> bool,
        progress: &dyn Progress,
    ) -> Result<EvmProof, ProverError> {
        let check = || if cancelled() { Err(ProverError::Cancelled) } else { Ok(()) };
        check()?;
        let meter = Meter::start(progress, Stage::LastLayer, 1);
        let last = self.wrap.layers().prove(engines, root)?;
        meter.advance();
        check()?;
        let meter = Meter::start(progress, Stage::Wrap, 1);
        let proof = self.wrap.wrap(&last)?;
        meter.advance();
        Ok(proof)
    }
}

/// Everything that a program proof takes to become one that contracts read, whatever the program.
#[derive(Debug)]
pub struct ExecutionKeys {
    /// Gatherings, and what checks them.
    pub wrapper: Arc<Wrapper>,
    /// What every such proof ends in.
    pub circuit: ExecutionCircuit,
    /// The last layers and the halo2 proof.
    pub wrap: WrapProver,
}

impl ExecutionKeys {
    /// Loads the keys from `folder`, or builds and stores them: a minute the first time, seconds afterwards.
    ///
    /// # Errors
    /// As [`Keys::load_or_build`].
    pub fn load_or_build(
        folder: &Path,
        chain_id: u64,
        srs: &SrsSource,
        progress: &dyn Progress,
    ) -> Result<Self, ProverError> {
        let srs = load_srs(folder, chain_id, srs)?;
        let meter = Meter::start(progress, Stage::Keys, 1);
        let cache = Cache::open(folder)?;
        let wrapper = Arc::new(wrapper_of(&cache)?);
        let circuit = load_execution(&cache, wrapper.verifier())?;
        meter.advance();
        let meter = Meter::start(progress, Stage::WrapKeys, 1);
        let data = circuit.data();
        let wrap = WrapProver::load_or_build(&data.common, &data.verifier_only, srs, folder)?;
        pinned(root::DIGESTS, &execution_wrap_lines(wrap.layers(), wrap.verifier()))?;
        meter.advance();
        Ok(Self { wrapper, circuit, wrap })
    }

    /// The verifier that contracts call, and what they pin of it.
    ///
    /// # Errors
    /// Those of [`VerifierContract::of`].
    pub fn contract(&self) -> Result<VerifierContract, ProverError> {
        VerifierContract::of(self.wrap.verifier())
    }
}

/// Builds the key that verifies proofs from source: no key is read and none is written, only the SRS is looked for in
/// `folder`.
///
/// # Errors
/// As [`Keys::load_or_build`].
pub fn build_verifier(folder: &Path, chain_id: u64, srs: &SrsSource) -> Result<WrapVerifier, ProverError> {
    let (ledger, wrapper) = both(build_ledger, build_wrapper);
    let (ledger, wrapper) = (ledger?, wrapper?);
    let root = build_root(&ledger, &wrapper)?;
    drop((ledger, wrapper));
    let data = root.root.data();
    let layers = LastLayer::build(&data.common, &data.verifier_only)?;
    drop(root);
    let verifier = WrapVerifier::build(&layers, load_srs(folder, chain_id, srs)?)?;
    pinned(root::DIGESTS, &wrap_lines(&layers, &verifier))?;
    Ok(verifier)
}

/// Does both at once: building and reading keys keep one core busy each.
fn both<A: Send, B>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let a = scope.spawn(a);
        let b = b();
        let a = a.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (a, b)
    })
}

fn load_srs(folder: &Path, chain_id: u64, source: &SrsSource) -> Result<Srs, ProverError> {
    Ok(match source {
        SrsSource::Development => Srs::insecure_development(WRAP_K, chain_id, folder)?,
        SrsSource::Ceremony { file, blake3 } => Srs::ceremony(file, pin(blake3)?, WRAP_K, folder)?,
    })
}

/// The circuits that all programs' audits share, from `folder`, or built and stored: seconds.
///
/// # Errors
/// [`ProverError::Cache`] on a full disk, [`ProverError::Audit`] never with the circuits of the house.
pub fn load_wrapper(folder: &Path, progress: &dyn Progress) -> Result<Arc<Wrapper>, ProverError> {
    let meter = Meter::start(progress, Stage::Keys, 1);
    let wrapper = wrapper_of(&Cache::open(folder)?)?;
    meter.advance();
    Ok(Arc::new(wrapper))
}

fn load_ledger(cache: &Cache) -> Result<LedgerProver, ProverError> {
    let missing = |circuit| LedgerError::KeyBytes { circuit, action: "found" };
    let fetch = |circuit| fetch(cache, "ledger", circuit, || missing(circuit).into());
    LedgerProver::from_keys(fetch).or_else(|reason| {
        tracing::info!(%reason, "building the ledger's keys");
        let ledger = build_ledger()?;
        store(cache, "ledger", &LEDGER_CIRCUITS, |circuit| Ok(ledger.key(circuit)?))?;
        Ok(ledger)
    })
}

fn wrapper_of(cache: &Cache) -> Result<Wrapper, ProverError> {
    let missing = |circuit| AuditError::KeyBytes { circuit, action: "found" };
    let fetch = |circuit| fetch(cache, "audit", circuit, || missing(circuit).into());
    Wrapper::from_keys(fetch).or_else(|reason| {
        tracing::info!(%reason, "building the keys that all audits share");
        let wrapper = build_wrapper()?;
        store(cache, "audit", &janction_audit::keys::SHARED, |circuit| Ok(wrapper.key(circuit)?))?;
        Ok(wrapper)
    })
}

fn load_execution(cache: &Cache, verifier: &AuditVerifier) -> Result<ExecutionCircuit, ProverError> {
    const NAME: &str = "execution";
    let missing = AuditError::KeyBytes { circuit: NAME, action: "found" };
    let kept = fetch(cache, "audit", NAME, || missing.into())
        .and_then(|bytes| Ok(ExecutionCircuit::from_key(verifier, &bytes)?));
    kept.or_else(|reason| {
        tracing::info!(%reason, "building the key of proofs for contracts");
        let circuit = ExecutionCircuit::build(verifier);
        let data = circuit.data();
        pinned(janction_audit::keys::DIGESTS, &[line(NAME, data, audit_digest(data))])?;
        store(cache, "audit", &[NAME], |_| Ok(circuit.key()?))?;
        Ok(circuit)
    })
}

fn load_root(cache: &Cache, ledger: &LedgerProver, wrapper: &Wrapper) -> Result<RootProver, ProverError> {
    let missing = |circuit| ProverError::KeyBytes { circuit, action: "found" };
    let fetch = |circuit| fetch(cache, "range", circuit, || missing(circuit));
    RootProver::from_keys(ledger.tree(), wrapper, fetch).or_else(|reason| {
        tracing::info!(%reason, "building the keys of the root and the audits' tree");
        let root = build_root(ledger, wrapper)?;
        store(cache, "range", &root::CIRCUITS, |circuit| root.key(circuit))?;
        Ok(root)
    })
}

fn build_ledger() -> Result<LedgerProver, ProverError> {
    let ledger = LedgerProver::build()?;
    let lines = ledger.circuits().map(|(name, circuit)| line(name, circuit, ledger_digest(circuit)));
    pinned(janction_ledger::keys::DIGESTS, &lines)?;
    Ok(ledger)
}

fn build_wrapper() -> Result<Wrapper, ProverError> {
    let wrapper = Wrapper::build(NodeShape::find()?)?;
    let lines = wrapper.circuits().map(|(name, circuit)| line(name, circuit, audit_digest(circuit)));
    pinned(janction_audit::keys::DIGESTS, &lines)?;
    Ok(wrapper)
}

fn build_root(ledger: &LedgerProver, wrapper: &Wrapper) -> Result<RootProver, ProverError> {
    let root = RootProver::build(ledger.tree(), wrapper)?;
    pinned(root::DIGESTS, &root.lines())?;
    Ok(root)
}

fn fetch(
    cache: &Cache,
    group: &str,
    circuit: &str,
    missing: impl FnOnce() -> ProverError,
) -> Result<Vec<u8>, ProverError> {
    cache.read(&file(group, circuit))?.ok_or_else(missing)
}

fn store(
    cache: &Cache,
    group: &str,
    circuits: &[&'static str],
    key: impl Fn(&'static str) -> Result<Vec<u8>, ProverError>,
) -> Result<(), ProverError> {
    for &circuit in circuits {
        cache.write(&file(group, circuit), &key(circuit)?)?;
    }
    Ok(())
}

fn file(group: &str, circuit: &str) -> String {
    format!("{group}-{circuit}.key")
}

/// The lines of the last layer and, over the development SRS, of the wrap key in [`root::DIGESTS`].
#[must_use]
pub fn wrap_lines(layers: &LastLayer, verifier: &WrapVerifier) -> Vec<String> {
    lines_of(["last-layer", "wrap"], layers, verifier)
}

/// The same of proofs for contracts.
#[must_use]
pub fn execution_wrap_lines(layers: &LastLayer, verifier: &WrapVerifier) -> Vec<String> {
    lines_of(["execution-last-layer", "execution-wrap"], layers, verifier)
}

fn lines_of([of_layer, of_wrap]: [&str; 2], layers: &LastLayer, verifier: &WrapVerifier) -> Vec<String> {
    let last = layers.data();
    let hex = |bytes| blake3::Hash::from_bytes(bytes).to_hex();
    let digest = hex(last.verifier_only.circuit_digest.to_le_bytes());
    let mut lines = vec![format!("{of_layer} 2^{} {digest}", last.common.degree_bits())];
    if verifier.srs().origin() == SrsOrigin::InsecureDevelopment {
        lines.push(format!("{of_wrap} 2^{WRAP_K} {}", hex(verifier.key_digest())));
    }
    lines
}

fn pin(blake3: &str) -> Result<[u8; 32], ProverError> {
    blake3::Hash::from_hex(blake3)
        .map(|hash| *hash.as_bytes())
        .map_err(|_| ProverError::SrsPin { got: blake3.to_owned() })
}
