//! A join: up to three neighbouring nodes become one.

use plonky2::hash::hash_types::HashOut;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, C, Circuit, D, F, Key, Proof, circuit_config};
use crate::error::AggregateError;
use crate::family::Family;
use crate::prove::{Prover, failed, prove_verified};
use crate::segment::{ARITY, SEGMENT_INPUTS, Segment, SegmentTargets};
use crate::shape::NodeShape;

const NAME: &str = "join";

/// A node of the tree: a leaf's or a join's proof.
#[derive(Clone, Debug)]
pub enum Node {
    /// Made by [`crate::LeafCircuit`].
    Leaf(Proof),
    /// Made by [`JoinCircuit`].
    Join(Proof),
}

impl Node {
    /// The proof.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        match self {
            Self::Leaf(proof) | Self::Join(proof) => proof,
        }
    }

    /// What it covers.
    #[must_use]
    pub fn segment(&self) -> Segment {
        Segment::of(self.proof())
    }

    const fn is_join(&self) -> bool {
        matches!(self, Self::Join(_))
    }
}

/// One child of a join: a proof, and whether a join or a leaf made it.
#[derive(Clone, Debug)]
pub(crate) struct ChildTargets {
    pub(crate) proof: ProofWithPublicInputsTarget<D>,
    pub(crate) is_join: BoolTarget,
}

/// The witness of a join.
///
/// *Public inputs*: before[4], after[4], mark[4]. *Witness*: own key, three children with their kinds, and for the last
/// two whether they are used. *Enforced*:
/// 1. mark = the hash of the own key with the family's tag;
/// 2. each child verifies against the own key when it is a join, else against the leaf key, a constant;
/// 3. each child's mark is the own mark when it is a join, else the family's leaf mark;
/// 4. the used children are neighbours and the segment is what they cover. A child that is not used is verified all the
///    same (the prover repeats the first) but says nothing.
///
/// *The caller must ensure* (the root does) that mark is that of the real join key: the own key is a witness, because
/// no circuit can contain its own key. By 2 and 3 the whole tree below was then made with that key.
#[derive(Clone, Debug)]
pub(crate) struct JoinTargets {
    own_key: VerifierCircuitTarget,
    children: [ChildTargets; ARITY],
    used: [BoolTarget; ARITY - 1],
}

impl JoinTargets {
    pub(crate) fn build(
        builder: &mut Builder,
        shape: &NodeShape,
        family: Family,
        leaf_key: &VerifierCircuitTarget,
    ) -> Self {
        let own_key = builder.add_virtual_verifier_data(shape.cap_height());
        let mark = family.join_mark_target(builder, &own_key);
        let leaf_mark = builder.constant_hash(family.leaf_mark());
        let children = core::array::from_fn(|_| {
            let proof = builder.add_virtual_proof_with_pis(shape.common());
            let is_join = builder.add_virtual_bool_target_safe();
            let key = builder.select_verifier_data(is_join, &own_key, leaf_key);
            builder.verify_proof::<C>(&proof, &key, shape.common());
            for (i, &input) in proof.public_inputs[SEGMENT_INPUTS..].iter().enumerate() {
                let expected = builder.select(is_join, mark.elements[i], leaf_mark.elements[i]);
                builder.connect(input, expected);
            }
            ChildTargets { proof, is_join }
        });
        let used = core::array::from_fn(|_| builder.add_virtual_bool_target_safe());
        let ends =
            children.each_ref().map(|child| SegmentTargets::from_public_inputs(&child.proof.public_inputs));
        let others: [_; ARITY - 1] = core::array::from_fn(|i| (used[i], ends[i + 1]));
        SegmentTargets::cover(builder, ends[0], &others).register(builder);
        builder.register_public_inputs(&mark.elements);
        Self { own_key, children, used }
    }
}

/// The join circuit of one family.
#[derive(Debug)]
pub struct JoinCircuit {
    data: Circuit,
    targets: JoinTargets,
    family: Family,
}

impl JoinCircuit {
    /// Builds the join circuit over the family's leaf key.
    ///
    /// # Errors
    /// When the result does not have the shape (never when `shape` came from [`NodeShape::find`]).
    pub fn build(shape: &NodeShape, family: Family, leaf_key: &Key) -> Result<Self, AggregateError> {
        let (builder, targets) = lay_out(shape, family, leaf_key);
        Ok(Self { data: shape.build(NAME, builder)?, targets, family })
    }

    /// The same circuit around data that was built before (a cached key): only the layout is made again. The caller must
    /// ensure that `data` is this circuit's: compare its digest.
    #[must_use]
    pub fn restore(shape: &NodeShape, family: Family, leaf_key: &Key, data: Circuit) -> Self {
        let (_, targets) = lay_out(shape, family, leaf_key);
        Self { data, targets, family }
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// The family it joins.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The mark in the public inputs of every proof of this circuit.
    #[must_use]
    pub fn mark(&self) -> HashOut<F> {
        self.family.join_mark(&self.data.verifier_only)
    }

    /// The inputs from which the prover completes the witness, for one to three neighbouring nodes.
    ///
    /// # Errors
    /// When they are no neighbours, or do not have the shape of a node.
    pub fn witness(&self, nodes: &[Node]) -> Result<PartialWitness<F>, AggregateError> {
        Segment::check_group(&nodes.iter().map(Node::segment).collect::<Vec<_>>())?;
        self.assign(nodes)
    }

    /// [`Self::witness`] without looking at the nodes.
    pub(crate) fn assign(&self, nodes: &[Node]) -> Result<PartialWitness<F>, AggregateError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            let t = &self.targets;
            inputs.set_verifier_data_target(&t.own_key, &self.data.verifier_only)?;
            for (i, child) in t.children.iter().enumerate() {
                let node = nodes.get(i).unwrap_or(&nodes[0]);
                inputs.set_bool_target(child.is_join, node.is_join())?;
                inputs.set_proof_with_pis_target(&child.proof, node.proof())?;
            }
            for (i, flag) in t.used.iter().enumerate() {
                inputs.set_bool_target(*flag, i + 1 < nodes.len())?;
            }
            Ok::<_, anyhow::Error>(())
        };
        fill().map_err(|e| failed(NAME, e))?;
        Ok(inputs)
    }

    /// Joins one to three neighbours and verifies the result.
    ///
    /// # Errors
    /// [`AggregateError::Gap`] when they are no neighbours; [`AggregateError::Prove`] when a proof is foreign.
    pub fn prove(&self, prover: &dyn Prover, nodes: &[Node]) -> Result<Node, AggregateError> {
        let inputs = self.witness(nodes)?;
        Ok(Node::Join(prove_verified(prover, NAME, &self.data, inputs)?))
    }

    #[cfg(test)]
    pub(crate) const fn used(&self) -> &[BoolTarget; ARITY - 1] {
        &self.targets.used
    }

    #[cfg(test)]
    pub(crate) const fn own_key(&self) -> &VerifierCircuitTarget {
        &self.targets.own_key
    }
}

/// Gates and copies of the circuit, and its inputs.
fn lay_out(shape: &NodeShape, family: Family, leaf_key: &Key) -> (Builder, JoinTargets) {
    let mut builder = Builder::new(circuit_config());
    let leaf_key = builder.constant_verifier_data(leaf_key);
    let targets = JoinTargets::build(&mut builder, shape, family, &leaf_key);
    (builder, targets)
}
