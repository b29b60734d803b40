//! Gathering: the nodes of one program's audit become one, with the program's key as a witness.
//!
//! A program's pieces are joined, up to three at a time, by a leaf of the tree ([`janction_aggregate::LeafCircuit`]), which
//! has the shape of all nodes; its key is the program's *audit key*. This circuit knows no program. It joins up to three
//! nodes that were made with one audit key:
//!
//! *Public inputs*: before[4], after[4], mark[4], in the shape of all nodes. *Witness*: own key, audit key, three nodes with
//! their kinds; for the last two, whether they are used. *Enforced*:
//! 1. mark = H(GATHER, elements of the own key ++ audit key digest);
//! 2. each node verifies against the own key when it is a gathering, else against the audit key; its mark is the own mark,
//!    or the leaf mark;
//! 3. the used nodes are neighbours, and the segment is what they cover.
//!
//! *The caller must ensure* (the claim circuit does) that mark is made of the real gather key and the audit key that is
//! claimed: every gathering below carries the same mark, so was verified with the same two keys.

use janction_aggregate::config::{C, Circuit, Key, Proof, circuit_config};
use janction_aggregate::{
    ARITY, AggregateError, Family, LeafCircuit, NodeShape, Prover, SEGMENT_INPUTS, Segment, SegmentTargets,
    prove_verified,
};
use janction_gadgets::{Builder, D, F, sponge};
use janction_protocol::{Digest, hash::hash};
use plonky2::gates::noop::NoopGate;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::error::inputs_error;
use crate::{AuditError, key, tags};

const NAME: &str = "gather";

/// The family of a program's leaves.
pub(crate) const FAMILY: Family = Family::Pieces;

/// A node of a program's audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditNode {
    /// Made by the program's leaf circuit.
    Leaf(Proof),
    /// Made by [`GatherCircuit`].
    Gathered(Proof),
}

impl AuditNode {
    /// The proof.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        match self {
            Self::Leaf(proof) | Self::Gathered(proof) => proof,
        }
    }

    /// The stretch of the chain of audit states that it covers.
    #[must_use]
    pub fn segment(&self) -> Segment {
        Segment::of(self.proof())
    }

    pub(crate) const fn is_gathered(&self) -> bool {
        matches!(self, Self::Gathered(_))
    }
}

/// The mark of gatherings under `audit_key`, made with the gather key `own`.
pub(crate) fn mark(own: &Key, audit_key: Digest) -> Digest {
    let mut data = key::elements(own);
    data.extend(audit_key.0);
    hash(tags::GATHER, &data)
}

/// [`mark`] in a circuit.
pub(crate) fn mark_target(
    builder: &mut Builder,
    own: Vec<Target>,
    audit_key: HashOutTarget,
) -> HashOutTarget {
    let mut data = own;
    data.extend(audit_key.elements);
    sponge::hash(builder, tags::GATHER, &data)
}

/// One node in a circuit.
#[derive(Clone, Debug)]
pub(crate) struct NodeTargets {
    pub proof: ProofWithPublicInputsTarget<D>,
    pub is_gathered: BoolTarget,
}

impl NodeTargets {
    /// *Enforced*: the proof verifies against `gather_key` when it is a gathering, else against `audit_key`; its mark is
    /// `mark`, or the leaf mark.
    pub fn new(
        builder: &mut Builder,
        shape: &NodeShape,
        gather_key: &VerifierCircuitTarget,
        audit_key: &VerifierCircuitTarget,
        mark: HashOutTarget,
    ) -> Self {
        let leaf_mark = builder.constant_hash(FAMILY.leaf_mark());
        let proof = builder.add_virtual_proof_with_pis(shape.common());
        let is_gathered = builder.add_virtual_bool_target_safe();
        let key = builder.select_verifier_data(is_gathered, gather_key, audit_key);
        builder.verify_proof::<C>(&proof, &key, shape.common());
        for (i, &input) in proof.public_inputs[SEGMENT_INPUTS..].iter().enumerate() {
            let expected = builder.select(is_gathered, mark.elements[i], leaf_mark.elements[i]);
            builder.connect(input, expected);
        }
        Self { proof, is_gathered }
    }

    pub fn segment(&self) -> SegmentTargets {
        SegmentTargets::from_public_inputs(&self.proof.public_inputs)
    }

    pub fn assign(&self, inputs: &mut PartialWitness<F>, node: &AuditNode) -> anyhow::Result<()> {
        inputs.set_bool_target(self.is_gathered, node.is_gathered())?;
        inputs.set_proof_with_pis_target(&self.proof, node.proof())
    }
}

/// The circuit that gathers nodes of any program's audit.
#[derive(Debug)]
pub struct GatherCircuit {
    data: Circuit,
    lay_out: LayOut,
}

/// What the prover sets.
#[derive(Debug)]
struct LayOut {
    own_key: VerifierCircuitTarget,
    audit_key: VerifierCircuitTarget,
    nodes: [NodeTargets; ARITY],
    used: [BoolTarget; ARITY - 1],
}

impl LayOut {
    fn new(shape: &NodeShape) -> (Builder, Self) {
        let mut builder = Builder::new(circuit_config());
        let cap_height = shape.common().config.fri_config.cap_height;
        let own_key = builder.add_virtual_verifier_data(cap_height);
        let audit_key = builder.add_virtual_verifier_data(cap_height);
        let audit_key_digest = key::audit_key_digest_target(&mut builder, &audit_key);
        let own_elements = key::element_targets(&mut builder, &own_key);
        let mark = mark_target(&mut builder, own_elements, audit_key_digest);
        let nodes: [NodeTargets; ARITY] =
            core::array::from_fn(|_| NodeTargets::new(&mut builder, shape, &own_key, &audit_key, mark));
        let used = core::array::from_fn(|_| builder.add_virtual_bool_target_safe());
        cover(&mut builder, &nodes, &used).register(&mut builder);
        builder.register_public_inputs(&mark.elements);
        (builder, Self { own_key, audit_key, nodes, used })
    }
}

impl GatherCircuit {
    /// Builds the circuit.
    ///
    /// # Errors
    /// When it does not have the shape of the tree's nodes.
    pub fn build(shape: &NodeShape) -> Result<Self, AuditError> {
        let (builder, lay_out) = LayOut::new(shape);
        Ok(Self { data: build_node(shape, builder)?, lay_out })
    }

    /// The same circuit around data that was built before. The caller must ensure that `data` is this circuit's.
    pub(crate) fn restore(data: Circuit) -> Self {
        let (_, lay_out) = LayOut::new(&NodeShape::of(&data));
        Self { data, lay_out }
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// Joins one to three neighbouring nodes of the audit that `leaf` belongs to.
    ///
    /// # Errors
    /// When they are no neighbours, or not made with this audit key.
    pub fn prove(
        &self,
        prover: &dyn Prover,
        leaf: &LeafCircuit,
        nodes: &[AuditNode],
    ) -> Result<AuditNode, AuditError> {
        check_group(nodes)?;
        let inputs = self.assign(&leaf.data().verifier_only, nodes)?;
        Ok(AuditNode::Gathered(prove_verified(prover, NAME, &self.data, inputs)?))
    }

    /// The inputs, without a look at the nodes.
    pub(crate) fn assign(
        &self,
        audit_key: &Key,
        nodes: &[AuditNode],
    ) -> Result<PartialWitness<F>, AuditError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            let t = &self.lay_out;
            inputs.set_verifier_data_target(&t.own_key, &self.data.verifier_only)?;
            inputs.set_verifier_data_target(&t.audit_key, audit_key)?;
            for (i, targets) in t.nodes.iter().enumerate() {
                targets.assign(&mut inputs, nodes.get(i).unwrap_or(&nodes[0]))?;
            }
            for (i, flag) in t.used.iter().enumerate() {
                inputs.set_bool_target(*flag, i + 1 < nodes.len())?;
            }
            Ok::<_, anyhow::Error>(())
        };
        fill().map_err(inputs_error(NAME))?;
        Ok(inputs)
    }

    #[cfg(test)]
    pub(crate) const fn used(&self) -> &[BoolTarget; ARITY - 1] {
        &self.lay_out.used
    }

    #[cfg(test)]
    pub(crate) fn kinds(&self) -> [BoolTarget; ARITY] {
        self.lay_out.nodes.each_ref().map(|node| node.is_gathered)
    }

    #[cfg(test)]
    pub(crate) const fn own_key(&self) -> &VerifierCircuitTarget {
        &self.lay_out.own_key
    }
}

/// The stretch that the used nodes cover. *Enforced*: each used one starts where the last used one before it ends.
fn cover(
    builder: &mut Builder,
    nodes: &[NodeTargets; ARITY],
    used: &[BoolTarget; ARITY - 1],
) -> SegmentTargets {
    let mut whole = nodes[0].segment();
    for (node, used) in nodes[1..].iter().zip(used) {
        let next = node.segment();
        for i in 0..4 {
            let end = whole.after.elements[i];
            builder.conditional_assert_eq(used.target, end, next.before.elements[i]);
            whole.after.elements[i] = builder.select(*used, next.after.elements[i], end);
        }
    }
    whole
}

/// Checks that one to three nodes are neighbours.
fn check_group(nodes: &[AuditNode]) -> Result<(), AggregateError> {
    if nodes.is_empty() {
        return Err(AggregateError::Empty);
    }
    if nodes.len() > ARITY {
        return Err(AggregateError::TooMany { limit: ARITY, got: nodes.len() });
    }
    for (index, pair) in nodes.windows(2).enumerate() {
        let (expected, got) = (pair[0].segment().after, pair[1].segment().before);
        if expected != got {
            return Err(AggregateError::Gap { index: index + 1, expected, got });
        }
    }
    Ok(())
}

/// Pads a circuit to the shape of the tree's nodes and builds it.
fn build_node(shape: &NodeShape, mut builder: Builder) -> Result<Circuit, AuditError> {
    let common = shape.common();
    for gate in &common.gates {
        builder.add_gate_to_gate_set(gate.clone());
    }
    // Building rounds up to the next power of two.
    while builder.num_gates() <= (1 << common.degree_bits()) / 2 {
        builder.add_gate(NoopGate, vec![]);
    }
    let data = janction_gadgets::build(builder);
    if data.common != *common {
        return Err(AuditError::Aggregate(AggregateError::Shape {
            circuit: NAME,
            got_bits: data.common.degree_bits(),
            got_gates: data.common.gates.len(),
            want_bits: common.degree_bits(),
            want_gates: common.gates.len(),
        }));
    }
    Ok(data)
}
