//! Audits with real proofs, made once.

use std::sync::LazyLock;

use janction_aggregate::config::Proof;
use janction_aggregate::{NodeShape, Stock};
use janction_gadgets::F;
use janction_program::Program;
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_trace::{Openings, Policy, Trace};
use plonky2::field::types::Field;

use super::flipped::{input, two_layers};
use super::{claim_of, honest};
use crate::join::join_nodes;
use crate::{AuditCircuits, AuditNode, AuditProof, Preparation, Wrapper};

/// An audit that has been proven up to its node.
pub struct Audited {
    pub circuits: AuditCircuits,
    pub trace: Trace,
    pub openings: Openings,
    pub claim: Claim,
    pub preparation: Preparation,
    /// All leaves, in order.
    pub leaves: Vec<AuditNode>,
    pub node: AuditNode,
}

pub struct World {
    pub wrapper: Wrapper,
    /// Four rows in four pieces, gathered.
    pub full: Audited,
    /// Eight draws in two pieces, one leaf.
    pub drawn: Audited,
}

impl Audited {
    /// `node` as an audit of this program that ends at `end`.
    pub fn proof(&self, node: &AuditNode, end: u32) -> AuditProof {
        let audit_key = self.circuits.audit_key().clone();
        AuditProof { audit_key, node: node.clone(), end, checked: Digest::ZERO, folds: Digest::ZERO }
    }
}

fn audited(wrapper: &Wrapper, program: Program, policy: Policy) -> Audited {
    let trace = honest(&program, &input(4));
    let circuits = AuditCircuits::of_size(wrapper.shape(), program.clone(), policy, 0, 1);
    let claim = claim_of(&program, circuits.audit_key_digest(), policy, &trace);
    let openings = circuits.openings(trace.clone(), &claim).unwrap();
    circuits.check(&openings, &claim).unwrap();
    let preparation = circuits.prepare(&openings, &claim);
    let pieces: Vec<Proof> = (0..preparation.pieces())
        .map(|index| circuits.prove_piece(&Stock, &openings, &preparation, index).unwrap())
        .collect();
    let leaves: Vec<AuditNode> = pieces
        .chunks(3)
        .map(|group| AuditNode::Leaf(circuits.leaf().prove(&Stock, group).unwrap().proof().clone()))
        .collect();
    let node = join_nodes(&Stock, circuits.leaf(), wrapper.gather(), leaves.clone()).unwrap();
    Audited { circuits, trace, openings, claim, preparation, leaves, node }
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let wrapper = Wrapper::build(NodeShape::find().unwrap()).unwrap();
    let full = audited(&wrapper, two_layers(2, "two_layers"), Policy::Full);
    let drawn = audited(&wrapper, two_layers(2, "two_layers"), Policy::Rows(5));
    World { wrapper, full, drawn }
});

pub const BEFORE: Digest = Digest([F::TWO; 4]);
