//! Audits: keys, the native check, pieces, nodes, the sequencer's check, and the tree over audits.

use anyhow::Context;
use criterion::{BenchmarkId, Throughput};
use janction_aggregate::NodeShape;
use janction_aggregate::config::Proof;
use janction_audit::{AuditCircuits, AuditNode, AuditProof};
use janction_executor::Executor;
use janction_executor::cpu::Cpu;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::Stage;
use janction_prover_bench::circuits::samples;
use janction_trace::{Openings, Policy};

use crate::bench::{Bench, RUNS};
use crate::digits::{self, MODELS};
use crate::proofs::prover;

/// What is audited: the demonstration's two jobs.
const AUDITS: [(&str, Policy); 2] = [(MODELS[0], Policy::Rows(176)), (MODELS[1], Policy::Full)];
/// Images of a job.
const SIZES: [usize; 2] = [36, 360];
/// Pieces under one leaf.
const PIECES: usize = 3;
/// The sequencer's check of an audit proof.
const VERIFY: &str = "audit-verify";

/// The stages of this file.
pub fn stages() -> [&'static str; 8] {
    [
        Stage::AuditKeys.name(),
        Stage::AuditCheck.name(),
        Stage::Pieces.name(),
        Stage::AuditNodes.name(),
        VERIFY,
        Stage::AuditWraps.name(),
        Stage::AuditLeaves.name(),
        Stage::AuditJoins.name(),
    ]
}

/// One program under one policy.
struct Audit<'a> {
    name: String,
    circuits: AuditCircuits,
    shared: &'a RangeCircuits,
}

/// Runs the group.
pub fn run(bench: &mut Bench, shared: &RangeCircuits) -> anyhow::Result<()> {
    let keys = Stage::AuditKeys.name();
    bench.timed(keys, "shape of nodes", (1, ""), 1, || Ok(NodeShape::find()?))?;
    let mut audited = None;
    for (model, policy) in AUDITS {
        let name = format!("{model} {policy}");
        let program = digits::program(model)?;
        let circuits = bench.timed(keys, &name, (1, ""), 1, || {
            Ok(AuditCircuits::build(shared.wrapper.shape(), program.clone(), policy)?)
        })?;
        let audit = Audit { name, circuits, shared };
        audit.counts(bench);
        audit.check(bench)?;
        audited = Some(audit.prove(bench)?);
    }
    let (claim, proof) = audited.context("there are audits")?;
    verify(bench, shared, &claim, &proof);
    aggregate(bench, shared, &claim, &proof)
}

impl Audit<'_> {
    fn counts(&self, bench: &mut Bench) {
        let Self { name, circuits, .. } = self;
        let facts = circuits.facts().pieces;
        let (rows, bits) = (facts.piece_size(), facts.piece_bits);
        bench.count(
            format!("rows that a piece checks, {name}"),
            format!("{rows} in 2^{bits} rows of circuit"),
        );
        for count in SIZES {
            bench.count(
                format!("pieces of an audit of {count} images, {name}"),
                facts.count(circuits.policy(), count as u32),
            );
        }
    }

    /// An honest job on so many images.
    fn job(&self, images: usize) -> anyhow::Result<(Claim, Openings)> {
        let trace = Cpu::new().run(self.circuits.program(), digits::images(images)?)?;
        let claim = samples::claim(&self.circuits, &trace)?;
        let openings = self.circuits.openings(trace, &claim)?;
        Ok((claim, openings))
    }

    /// The native check, by images of the job.
    fn check(&self, bench: &mut Bench) -> anyhow::Result<()> {
        if !bench.wants(&[Stage::AuditCheck.name()]) {
            return Ok(());
        }
        for count in SIZES {
            let (claim, openings) = self.job(count)?;
            let mut group = bench.group(Stage::AuditCheck.name());
            let checks = self.circuits.facts().pieces.row_checks(self.circuits.policy(), count as u32);
            group.throughput(Throughput::Elements(checks));
            group.bench_function(BenchmarkId::new(&self.name, count), |b| {
                b.iter(|| self.circuits.check(&openings, &claim));
            });
            group.finish();
        }
        Ok(())
    }

    /// An audit of a few pieces, up to its proof.
    fn prove(&self, bench: &mut Bench) -> anyhow::Result<(Claim, AuditProof)> {
        let Self { name, circuits, shared } = self;
        let images = match circuits.policy() {
            Policy::Full => circuits.facts().pieces.piece_size() as usize * PIECES,
            Policy::Rows(_) => 360,
        };
        let (claim, openings) = self.job(images)?;
        let preparation = circuits.prepare(&openings, &claim);
        let all = circuits.facts().pieces.row_checks(circuits.policy(), images as u32);
        let checks = all / preparation.pieces() as u64;
        let mut pieces: Vec<Proof> = Vec::new();
        for index in 0..preparation.pieces() {
            let piece = || Ok(circuits.prove_piece(&prover, &openings, &preparation, index)?);
            // All circuits have one size: the first piece is measured.
            pieces.push(if index == 0 {
                bench.timed(Stage::Pieces.name(), name, (checks, "row check"), RUNS, piece)?
            } else {
                piece()?
            });
        }
        let nodes = Stage::AuditNodes.name();
        let numbered: Vec<(usize, &Proof)> =
            pieces.iter().enumerate().map(|(index, piece)| (preparation.circuit(index), piece)).collect();
        // As many as fit a leaf; a gathering of one takes as long as of three.
        let first = &numbered[..numbered.len().min(circuits.leaf().arity())];
        let leaf =
            bench.timed(nodes, &format!("leaf, {name}"), (first.len() as u64, "piece"), RUNS, || {
                Ok(AuditNode::Leaf(circuits.leaf().prove_of(&prover, first)?.proof().clone()))
            })?;
        let gather = shared.wrapper.gather();
        bench.timed(nodes, &format!("gather, {name}"), (3, "node"), RUNS, || {
            Ok(gather.prove(&prover, circuits.leaf(), std::slice::from_ref(&leaf))?)
        })?;
        let node = janction_audit::join(&prover, circuits.leaf(), gather, &numbered)?;
        let proof = circuits.proof_of(node, &preparation);
        proof.verify(shared.wrapper.verifier(), &claim)?;
        Ok((claim, proof))
    }
}

fn verify(bench: &mut Bench, shared: &RangeCircuits, claim: &Claim, proof: &AuditProof) {
    bench.count("bytes of an audit proof", proof.to_bytes().len());
    let mut group = bench.group(VERIFY);
    group.bench_function("one proof", |b| b.iter(|| proof.verify(shared.wrapper.verifier(), claim)));
    group.finish();
}

/// The audit as a link of the chain of claims, a leaf over it, a join over that.
fn aggregate(
    bench: &mut Bench,
    shared: &RangeCircuits,
    claim: &Claim,
    proof: &AuditProof,
) -> anyhow::Result<()> {
    let tree = shared.root.tree();
    let wrap = bench.timed(Stage::AuditWraps.name(), "one audit", (1, ""), RUNS, || {
        Ok(shared.wrapper.prove(&prover, proof, claim, Digest::ZERO)?)
    })?;
    let leaf = bench.timed(Stage::AuditLeaves.name(), "up to 3 audits", (3, "audit"), RUNS, || {
        Ok(tree.leaf.prove(&prover, std::slice::from_ref(&wrap))?)
    })?;
    bench.timed(Stage::AuditJoins.name(), "up to 3 nodes", (3, "node"), RUNS, || {
        Ok(tree.join.prove(&prover, std::slice::from_ref(&leaf))?)
    })?;
    Ok(())
}
