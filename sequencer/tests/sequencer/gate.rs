//! The gate of the house with real audit proofs: a right one passes, and nothing else does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use janction_aggregate::Stock;
use janction_audit::{AuditCircuits, AuditNode, AuditVerifier};
use janction_program::builder::{Builder, MatMulOptions};
use janction_program::test_utils::Random;
use janction_program::{DType, PerColumn, Program, Requantise, reference};
use janction_protocol::claim::Claim;
use janction_protocol::state::JobStatus;
use janction_rpc::status;
use janction_rpc::v1::ledger_client::LedgerClient;
use janction_rpc::v1::{self, SubmitTransactionRequest};
use janction_sequencer::gate::{AuditGate, ProofGate};
use janction_sequencer::{Config, Sequencer};
use janction_trace::{Openings, Policy, Trace};
use tonic::transport::Channel;

use crate::fake_l1::FakeL1;
use crate::market::*;
use crate::world::*;

/// Rows of the job's input.
const ROWS: usize = 4;
/// Bytes of every audit proof, and where its parts begin: kind, end, audit key, node.
const LENGTH: usize = 171_855;
const KIND: usize = 10;
const END: usize = 11;
const KEY: usize = 15;
const NODE: usize = KEY + 19 * 32;

/// What a test needs of one audit that was proven.
struct Audited {
    work: Work,
    claim: Claim,
    proof: Vec<u8>,
}

struct World {
    gate: ProofGate,
    job: Audited,
    /// The same program on another input.
    other_input: Audited,
    /// Another program on the same input, whose audit holds under its own key.
    foreign: Audited,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let gate = ProofGate::new(&keys());
    let verifier = AuditVerifier::build().unwrap();
    let circuits = |seed| AuditCircuits::build(verifier.shape(), program(seed), Policy::Full).unwrap();
    let (own, foreign) = (circuits(1), circuits(2));
    World { gate, job: audited(&own, 3), other_input: audited(&own, 4), foreign: audited(&foreign, 3) }
});

/// The folder of keys that the tests of a machine share.
fn keys() -> PathBuf {
    std::env::var_os("JANCTION_KEYS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys"), PathBuf::from)
}

/// One small product.
fn program(seed: u64) -> Program {
    let mut b = Builder::new("product", 2);
    let x = b.input("x", DType::I8, &[3]);
    let w = b.constant("w", Random::new(seed).tensor(DType::I8, 3, 2));
    let half = PerColumn::All(Requantise::new(1 << 30, 36));
    b.matmul("y", x, w, DType::I8, MatMulOptions::new(half).relu());
    b.build().unwrap()
}

/// Runs the program on an input, and proves the audit of one piece.
fn audited(circuits: &AuditCircuits, seed: u64) -> Audited {
    let program = circuits.program().clone();
    let input = Random::new(seed).tensor(DType::I8, ROWS, 3);
    let tensors = reference::run(&program, &input).unwrap();
    let trace = Trace::commit(&program, input, tensors).unwrap();
    let audit_key = circuits.audit_key_digest();
    let claim = Claim {
        deployment: deployment(),
        job: JOB,
        nonce: 0,
        winner: UNIT,
        program: program.digest(),
        audit_key,
        input_root: trace.input_root(),
        input_rows: ROWS as u32,
        trace_root: trace.trace_root(),
        output_root: trace.output_root(),
        beacon: [0; 4],
        policy: Policy::Full.code(),
        coverage: ROWS as u32,
    };
    let openings = Openings::Full(trace.clone());
    circuits.check(&openings, &claim).unwrap();
    let preparation = circuits.prepare(&openings, &claim);
    assert_eq!(preparation.pieces(), 1);
    let piece = circuits.prove_piece(&Stock, &openings, &preparation, 0).unwrap();
    let node = AuditNode::Leaf(circuits.leaf().prove(&Stock, &[piece]).unwrap().proof().clone());
    let proof = circuits.proof_of(node, &preparation);
    Audited { work: Work { program, trace, policy: Policy::Full, audit_key }, claim, proof: proof.to_bytes() }
}

fn refused(claim: &Claim, proof: &[u8]) -> String {
    let line = WORLD.gate.check(claim, proof).expect_err("it proves something else");
    assert!(line.len() > 20 && !line.contains('\n'), "{line}");
    line
}

#[test]
fn a_right_proof_passes_for_its_claim_alone() {
    let World { gate, job, other_input, foreign } = &*WORLD;
    for audited in [job, other_input, foreign] {
        assert_eq!(audited.proof.len(), LENGTH);
        gate.check(&audited.claim, &audited.proof).unwrap();
    }
    let claim = job.claim;
    for (what, lie) in [
        ("program", Claim { program: foreign.claim.program, ..claim }),
        ("input", Claim { input_root: other_input.claim.input_root, ..claim }),
        ("rows", Claim { input_rows: 3, coverage: 3, ..claim }),
        ("rows without coverage", Claim { input_rows: 5, ..claim }),
        ("trace", Claim { trace_root: other_input.claim.trace_root, ..claim }),
        ("output", Claim { output_root: other_input.claim.output_root, ..claim }),
        ("beacon", Claim { beacon: [1, 0, 0, 0], ..claim }),
        ("policy", Claim { policy: 4, ..claim }),
        ("coverage", Claim { coverage: 3, ..claim }),
        ("audit key", Claim { audit_key: foreign.claim.audit_key, ..claim }),
    ] {
        assert_ne!(lie, claim, "{what}");
        refused(&lie, &job.proof);
    }
    refused(&claim, &other_input.proof);
    // Whose computation it was stands in the claim, which the ledger makes, and not in the audit: two jobs with the same
    // program, roots and beacon (which under `rows` depends on the job) have the same audit.
    let same = Claim { job: 9, nonce: 8, winner: 7, ..claim };
    gate.check(&same, &job.proof).unwrap();
}

/// An audit that holds, of a program that is not the job's; and keys put where they do not belong.
#[test]
fn foreign_audit_keys_are_refused() {
    let World { job, foreign, .. } = &*WORLD;
    assert!(refused(&job.claim, &foreign.proof).contains("its audit key is"));
    // A job that names the foreign key is not settled by its own program's audit, nor by the foreign one.
    let posted = Claim { audit_key: foreign.claim.audit_key, ..job.claim };
    assert!(refused(&posted, &job.proof).contains("its audit key is"));
    assert!(refused(&posted, &foreign.proof).contains("its start is"));
    let mut exchanged = job.proof.clone();
    exchanged[KEY..NODE].copy_from_slice(&foreign.proof[KEY..NODE]);
    assert!(refused(&job.claim, &exchanged).contains("its audit key is"));
    // What the node says is right; it was not made under this key.
    refused(&posted, &exchanged);
}

#[test]
fn changed_bytes_are_refused() {
    let World { job, .. } = &*WORLD;
    let mut random = Random::new(5);
    let everywhere = (0..48).map(|_| random.range(0, LENGTH as i64 - 1) as usize);
    for at in [0, 9, KIND, END, END + 3, KEY, NODE - 1, NODE, LENGTH - 1].into_iter().chain(everywhere) {
        let mut changed = job.proof.clone();
        changed[at] ^= 1 << (at % 8);
        refused(&job.claim, &changed);
    }
    for length in [0, 1, KEY, NODE, LENGTH / 2, LENGTH - 1] {
        refused(&job.claim, &job.proof[..length]);
    }
    let longer = [&job.proof[..], &[0]].concat();
    assert!(refused(&job.claim, &longer).contains("has 171855 bytes, these are 171856"));
    refused(&job.claim, &[&job.proof[..], &job.proof[..]].concat());
}

/// A damaged file of the verifier is made anew; one that cannot be kept stops nothing.
#[test]
fn the_verifier_is_the_one_that_this_build_pins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit-verifier.bin");
    std::fs::write(&file, b"a verifier that accepts everything").unwrap();
    let gate = ProofGate::new(folder.path());
    gate.prepare();
    let kept = std::fs::read(&file).unwrap();
    AuditVerifier::from_bytes(kept).unwrap();
    let World { job, other_input, .. } = &*WORLD;
    gate.check(&job.claim, &job.proof).unwrap();
    gate.check(&job.claim, &other_input.proof).unwrap_err();
}

/// Over gRPC, with the codes that a prover sees; then the job is settled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settle_needs_the_proof_of_its_job() {
    let World { job: audited, other_input, foreign, .. } = &*WORLD;
    let folder = tempfile::tempdir().unwrap();
    let job = {
        let stage = Stage::open(folder.path());
        stage.submitted(&audited.work).await;
        stage.job().await
    };
    assert_eq!(job.status, JobStatus::Proving);
    assert_eq!(Claim::of(deployment(), JOB, &job), audited.claim);

    let mut config =
        Config { database: folder.path().join("database"), l1: l1_config(), ..Config::default() };
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.batch.max_wait_ms = 20;
    config.incoming = folder.path().join("incoming");
    let l1 = Arc::new(FakeL1::open(folder.path()));
    let gate = Arc::new(ProofGate::new(&keys()));
    let handle = Sequencer::start(config, l1.clone(), gate, blobs(folder.path())).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", handle.address())).unwrap();
    let mut ledger = LedgerClient::new(channel.connect().await.unwrap());
    let settle = settle(&job).encode().unwrap();
    let mut submit = async |attachment: &[u8]| {
        let transaction = settle.clone().into();
        let request = SubmitTransactionRequest { transaction, attachment: attachment.to_vec().into() };
        match ledger.submit_transaction(request).await {
            Ok(_) => "taken".to_owned(),
            Err(refused) => status::code(&refused).unwrap_or(refused.message()).to_owned(),
        }
    };
    let mut flipped = audited.proof.clone();
    flipped[LENGTH / 2] ^= 1;
    let longer = [&audited.proof[..], &[0]].concat();
    for (what, attachment) in [
        ("nothing", b"".as_slice()),
        ("a flipped bit", &flipped[..]),
        ("a byte less", &audited.proof[1..]),
        ("a byte more", &longer[..]),
        ("another input's", &other_input.proof[..]),
        ("another program's", &foreign.proof[..]),
    ] {
        assert_eq!(submit(attachment).await, "audit-proof", "{what}");
    }
    assert_eq!(submit(&vec![0; 5 << 20]).await, "message-too-large");
    assert_eq!(submit(&audited.proof).await, "taken");
    assert_eq!(submit(&audited.proof).await, "taken", "the same transaction again");

    let mut told = JobStatus::Proving;
    for _ in 0..600 {
        l1.mine();
        let answer = ledger.get_job(v1::GetJobRequest { index: JOB }).await.unwrap().into_inner();
        let now: janction_protocol::state::Job = janction_rpc::encoding::decode(&answer.job).unwrap();
        told = now.status;
        if told == JobStatus::Settled {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(told, JobStatus::Settled);
    handle.stop().await.unwrap();
}
