//! From a job's openings to the root of the range that settles it: real circuits, real proofs, and every lie on the way.
//!
//! Keys are kept in `JANCTION_KEYS_DIR`, or beside the build.

mod cards;
mod engines;
mod killed;
mod market;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use janction_aggregate::config::{C, Circuit, F, Proof};
use janction_audit::{AuditCircuits, AuditError};
use janction_engine::{Engine, EngineError, Stock};
use janction_program::{Cells, Tensor, container, npy};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::transaction::{SignedTransaction, Transaction};
use janction_prover::ProverError;
use janction_prover::audit::{AuditPipeline, MaterialError, Materials};
use janction_prover::cache::Cache;
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::Silent;
use janction_prover::range::{RangeWitness, RootPipeline};
use janction_rpc::v1::BlobClass;
use janction_trace::{Openings, Policy, Trace};
use plonky2::field::types::PrimeField64;
use plonky2::iop::witness::PartialWitness;

use market::PAYEE;
use service::Told;

/// Circuits, a job, and the range that settles it.
struct World {
    circuits: Arc<RangeCircuits>,
    audit: AuditCircuits,
    trace: Trace,
    range: RangeWitness,
    claim: Claim,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = std::env::var_os("JANCTION_KEYS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys"), PathBuf::from);
    let circuits = Arc::new(RangeCircuits::load_or_build(&folder, &Silent).expect("keys"));
    let trace = market::trace();
    let audit =
        AuditCircuits::build(circuits.wrapper.shape(), market::program(), Policy::Full).expect("small");
    let (range, claim) = market::settled(&audit, &trace);
    World { circuits, audit, trace, range, claim }
});

impl World {
    fn materials(&self, openings: &[u8]) -> Result<Materials, MaterialError> {
        let program = container::encode(&market::program());
        Materials::read(self.claim, &program, &npy::encode(self.trace.input().tensor()), openings)
    }

    /// The audit of `claim` with the openings of `trace`, as a sequencer offers it.
    fn offered(&self, claim: Claim, trace: &Trace) -> Told {
        let openings = Openings::Full(trace.clone()).to_bytes();
        Told::of(&claim)
            .blob(BlobClass::Program, claim.program, container::encode(&market::program()))
            .blob(BlobClass::Input, claim.input_root, npy::encode(trace.input().tensor()))
            .blob(BlobClass::Openings, claim.digest(), openings)
    }

    fn openings(&self) -> Vec<u8> {
        Openings::Full(self.trace.clone()).to_bytes()
    }
}

/// Plonky2's prover in a process that is killed before its proof number `killed_at`, counted from zero. What was proven in
/// an earlier life is not computed again: of each circuit these tests need one proof.
#[derive(Debug, Default)]
struct Mortal {
    made: AtomicUsize,
    killed_at: Option<usize>,
    circuits: Mutex<BTreeSet<Vec<u64>>>,
}

static PROVEN: Mutex<BTreeMap<Vec<u64>, Proof>> = Mutex::new(BTreeMap::new());

impl Mortal {
    fn killed_at(proof: usize) -> Self {
        Self { killed_at: Some(proof), ..Self::default() }
    }
}

impl Engine<C> for &Mortal {
    fn name(&self) -> &'static str {
        "mortal"
    }

    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, EngineError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        if self.killed_at == Some(number) {
            return Err(EngineError::Panicked { engine: "mortal", reason: "killed".into() });
        }
        let name = circuit.verifier_only.circuit_digest.elements.map(|e| e.to_canonical_u64()).to_vec();
        assert!(self.circuits.lock().expect("no panic").insert(name.clone()), "one proof of each circuit");
        let mut proven = PROVEN.lock().expect("no panic");
        if let Some(proof) = proven.get(&name) {
            return Ok(proof.clone());
        }
        let proof = Stock.prove(circuit, inputs)?;
        proven.insert(name, proof.clone());
        Ok(proof)
    }
}

fn audits<'a>(folder: &Path, engine: &'a Mortal) -> AuditPipeline<&'a Mortal> {
    let cache = |name| Cache::open(folder.join(name)).expect("a folder");
    let wrapper = Arc::clone(&WORLD.circuits.wrapper);
    AuditPipeline::new(wrapper, engine, cache("programs"), cache("audits"), Arc::new(AtomicBool::new(false)))
}

fn roots<'a>(folder: &Path, engine: &'a Mortal) -> RootPipeline<&'a Mortal> {
    let kept = Cache::open(folder.join("proofs")).expect("a folder");
    RootPipeline::new(Arc::clone(&WORLD.circuits), engine, kept, Arc::new(AtomicBool::new(false)))
}

/// The whole way, killed in the middle of each half; what was finished is not proven again.
#[test]
fn a_job_is_proven_and_the_range_that_settles_it() {
    let w = &*WORLD;
    let folder = tempfile::tempdir().expect("a folder");
    let materials = w.materials(&w.openings()).expect("honest blobs");

    // A piece, and a leaf over it.
    let first = Mortal::killed_at(1);
    let error = audits(folder.path(), &first).prove(&materials, &Silent).expect_err("killed");
    assert!(error.to_string().contains("killed"), "{error}");
    let second = Mortal::default();
    let proof = audits(folder.path(), &second).prove(&materials, &Silent).expect("an audit proof");
    assert_eq!(second.made.into_inner(), 1, "the piece was kept");
    let third = Mortal::default();
    assert_eq!(audits(folder.path(), &third).prove(&materials, &Silent).expect("kept"), proof);
    assert_eq!(third.made.into_inner(), 0, "the whole proof was kept");
    let bytes = proof.to_bytes();
    the_node_hands_in_a_settle(folder.path(), &bytes);

    hostile_audits_are_refused_before_work(&bytes);

    // A chunk, its leaf, the audit's wrap, its leaf, the root.
    let range = RangeWitness { audits: vec![bytes], ..w.range.clone() };
    let first = Mortal::killed_at(3);
    let error = roots(folder.path(), &first).prove(&range, PAYEE, &Silent).expect_err("killed");
    assert!(error.to_string().contains("killed"), "{error}");
    let second = Mortal::default();
    let root = roots(folder.path(), &second).prove(&range, PAYEE, &Silent).expect("a root");
    assert_eq!(second.made.into_inner(), 2, "three parts were kept");
    w.circuits.root.root.data().verify(root.clone()).expect("valid");
    let expected = range.public_inputs.map(plonky2::field::types::Field::from_canonical_u64);
    assert_eq!(root.public_inputs, expected.to_vec());

    killed::between_any_two_writes(folder.path(), &materials, &range.audits[0], &root);
}

/// The node takes the finished proof up. Whether its `Settle` is the first or comes too late, nothing of the claim is left.
fn the_node_hands_in_a_settle(folder: &Path, proof: &[u8]) {
    let w = &*WORLD;
    let kept = folder.join("audits").join(w.claim.digest().to_string());
    let finished = std::fs::read(kept.join("finished.audit")).expect("kept");
    for ended in [false, true] {
        std::fs::create_dir_all(&kept).expect("a folder");
        std::fs::write(kept.join("finished.audit"), &finished).expect("written");
        let mut offered = w.offered(w.claim, &w.trace);
        offered.ended = ended;
        let told = service::run_node(folder, offered);
        assert!(told.fault.is_none());
        let [(transaction, attachment)] = &told.settles[..] else { panic!("one Settle") };
        assert_eq!(attachment, proof);
        let signed = SignedTransaction::decode(transaction).expect("a transaction");
        let Transaction::Settle(settle) = signed.transaction else { panic!("a Settle") };
        assert_eq!((settle.job, settle.fee.units(), settle.price.units()), (w.claim.job, 13, 1000));
        assert_eq!(settle.output_root, w.claim.output_root);
        assert!(!kept.exists());
    }
}

fn hostile_audits_are_refused_before_work(proof: &[u8]) {
    let w = &*WORLD;
    let folder = tempfile::tempdir().expect("a folder");
    let idle = Mortal::killed_at(0);
    let refused = |audits: &[&[u8]]| {
        let range =
            RangeWitness { audits: audits.iter().map(|bytes| bytes.to_vec()).collect(), ..w.range.clone() };
        let error = roots(folder.path(), &idle).prove(&range, PAYEE, &Silent).expect_err("hostile");
        assert_eq!(idle.made.load(Ordering::Relaxed), 0, "{error}");
        error
    };
    assert!(matches!(refused(&[]), ProverError::Audits { expected: 1, got: 0 }));
    assert!(matches!(refused(&[proof, proof]), ProverError::Audits { expected: 1, got: 2 }));
    let unbacked = |bytes: &[u8]| match refused(&[bytes]) {
        ProverError::Unbacked { job: 1, source, .. } => *source,
        error => panic!("{error}"),
    };
    assert!(matches!(unbacked(b""), AuditError::ProofBytes(_)));
    assert!(matches!(unbacked(&proof[1..]), AuditError::ProofBytes(_)));
    // Another end, another audit key, other public inputs, another proof.
    let mut other = proof.to_vec();
    other[14] ^= 1;
    assert!(matches!(unbacked(&other), AuditError::Coverage { .. }));
    for at in [15 + 31, proof.len() - 1, proof.len() / 2] {
        let mut other = proof.to_vec();
        other[at] ^= 1;
        unbacked(&other);
    }
}

/// Blobs that are not what the claim names, and rows that are not what the program computes.
#[test]
fn unprovable_jobs_are_named() {
    let w = &*WORLD;
    let program = container::encode(&market::program());
    let (input, openings) = (npy::encode(w.trace.input().tensor()), w.openings());
    let read = |claim, program: &[u8], input: &[u8], openings: &[u8]| {
        Materials::read(claim, program, input, openings).expect_err("not the claim's")
    };
    assert!(matches!(read(w.claim, &program[1..], &input, &openings), MaterialError::Program(_)));
    assert!(matches!(read(w.claim, &program, &input[1..], &openings), MaterialError::Input(_)));
    assert!(matches!(read(w.claim, &program, &input, &openings[1..]), MaterialError::Openings(_)));
    let other = Claim { program: Digest::ZERO, ..w.claim };
    assert!(matches!(read(other, &program, &input, &openings), MaterialError::Name { class: "program", .. }));
    let other = Claim { input_root: Digest::ZERO, ..w.claim };
    assert!(matches!(read(other, &program, &input, &openings), MaterialError::Name { class: "input", .. }));

    let folder = tempfile::tempdir().expect("a folder");
    let idle = Mortal::killed_at(0);
    let pipeline = audits(folder.path(), &idle);
    let refused = |materials: &Materials| {
        let error = pipeline.prove(materials, &Silent).expect_err("unprovable");
        assert_eq!(idle.made.load(Ordering::Relaxed), 0, "{error}");
        error
    };
    let honest = w.materials(&openings).expect("honest blobs");
    // Openings of another trace than the one that was submitted.
    let (forged, claim) = falsified(w);
    let error = refused(&Materials { openings: Openings::Full(forged.clone()), ..honest.clone() });
    assert!(matches!(error, ProverError::Audit(AuditError::Openings(_))), "{error}");
    // A false trace that was submitted.
    let error = refused(&Materials { claim, openings: Openings::Full(forged.clone()), ..honest.clone() });
    let said = error.to_string();
    assert!(matches!(error, ProverError::Audit(AuditError::FalseRow { row: 2, .. })), "{said}");
    assert!(said.contains("operation \"y\", row 2, column 1"), "{said}");
    let other = Claim { audit_key: Digest::ZERO, ..w.claim };
    let error = refused(&Materials { claim: other, ..honest });
    assert!(matches!(error, ProverError::AuditKey { .. }), "{error}");

    // The node tells the sequencer.
    let told = service::run_node(folder.path(), w.offered(claim, &forged));
    let fault = told.fault.expect("a fault");
    assert_eq!((fault.code.as_str(), fault.reason.as_str()), ("false-row", said.as_str()));
    assert!(told.settles.is_empty());
    let told = service::run_node(folder.path(), w.offered(claim, &w.trace));
    assert_eq!(told.fault.expect("a fault").code, "openings");
    let told = service::run_node(folder.path(), Told::of(&w.claim));
    assert_eq!(told.fault.expect("a fault").code, "unprovable");
}

/// A trace with one false cell, and the claim of who submits it.
fn falsified(w: &World) -> (Trace, Claim) {
    let mut tensors: Vec<Tensor> = w.trace.tensors().iter().map(|t| t.tensor().clone()).collect();
    let y = &tensors[0];
    let Cells::I8(cells) = y.cells() else { panic!("the first product is of bytes") };
    let (mut cells, columns) = (cells.clone(), y.columns());
    cells[2 * columns + 1] ^= 1;
    tensors[0] = Tensor::new(y.rows(), columns, Cells::I8(cells)).expect("the same shape");
    let input = w.trace.input().tensor().clone();
    let trace = Trace::commit(&market::program(), input, tensors).expect("a trace of the program");
    let (trace_root, output_root) = (trace.trace_root(), trace.output_root());
    (trace, Claim { trace_root, output_root, ..w.claim })
}
