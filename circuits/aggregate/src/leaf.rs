//! A leaf: up to three segment proofs, brought into the shape of the tree.

use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitData;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, C, Circuit, Common, D, F, Proof, circuit_config};
use crate::error::AggregateError;
use crate::family::Family;
use crate::join::Node;
use crate::key_set::{KeySet, KeyTargets};
use crate::prove::{Prover, failed, prove_verified};
use crate::segment::{ARITY, SEGMENT_INPUTS, Segment, SegmentTargets};
use crate::shape::NodeShape;

const NAME: &str = "leaf";
/// Rows that building a leaf adds: those of its constants and of its public inputs.
const SPARE_ROWS: usize = 256;

/// Verifies proofs of pinned segment circuits and repeats the ends of what they cover.
///
/// *Public inputs*: before[4], after[4], the family's leaf mark[4]. *Witness*: up to three segment proofs (as many as fit a
/// node), and for all but the first whether they are used (one that is not is a copy of the first); where there are
/// several segment circuits, the key of each proof. *Enforced*: each proof verifies against a key of the set, which is
/// a constant of this circuit ([`KeySet`]); the used ones are neighbours ([`SegmentTargets`]). *The caller must ensure*
/// nothing.
#[derive(Debug)]
pub struct LeafCircuit {
    data: Circuit,
    keys: KeySet,
    segments: Vec<SegmentProof>,
    used: Vec<BoolTarget>,
}

#[derive(Debug)]
struct SegmentProof {
    key: KeyTargets,
    proof: ProofWithPublicInputsTarget<D>,
}

impl LeafCircuit {
    /// Builds the leaf circuit of a family over its segment circuit.
    ///
    /// # Errors
    /// When the segment circuit has not eight public inputs, or verifying it does not fit the shape.
    pub fn build(
        shape: &NodeShape,
        family: Family,
        segment: &VerifierCircuitData<F, C, D>,
    ) -> Result<Self, AggregateError> {
        Self::build_over(shape, family, &segment.common, KeySet::new(vec![segment.verifier_only.clone()]))
    }

    /// Builds the leaf circuit over segment circuits that all have the shape `common`: for as many proofs as fit, at most
    /// three.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_over(
        shape: &NodeShape,
        family: Family,
        common: &Common,
        keys: KeySet,
    ) -> Result<Self, AggregateError> {
        let Layout { builder, segments, used } = lay_out_fitting(shape, family, common, &keys)?;
        Ok(Self { data: shape.build(NAME, builder)?, keys, segments, used })
    }

    /// The same circuit around data that was built before (a cached key): only the layout is made again.
    ///
    /// # Errors
    /// As [`Self::build`]. The caller must ensure that `data` is this circuit's: compare its digest.
    pub fn restore(
        family: Family,
        segment: &VerifierCircuitData<F, C, D>,
        data: Circuit,
    ) -> Result<Self, AggregateError> {
        Self::restore_over(family, &segment.common, KeySet::new(vec![segment.verifier_only.clone()]), data)
    }

    /// [`Self::restore`] over several segment circuits.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn restore_over(
        family: Family,
        common: &Common,
        keys: KeySet,
        data: Circuit,
    ) -> Result<Self, AggregateError> {
        let shape = NodeShape::of(&data);
        let Layout { segments, used, .. } = lay_out_fitting(&shape, family, common, &keys)?;
        Ok(Self { data, keys, segments, used })
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// Most segment proofs of a leaf.
    #[must_use]
    pub fn arity(&self) -> usize {
        self.segments.len()
    }

    /// The inputs from which the prover completes the witness, for neighbouring segment proofs, at most [`Self::arity`]. Each
    /// comes with the number of its key.
    ///
    /// # Errors
    /// When they are no neighbours, or have another shape than the segment circuits' proofs.
    pub fn witness_of(&self, segments: &[(usize, &Proof)]) -> Result<PartialWitness<F>, AggregateError> {
        let ends: Vec<Segment> = segments.iter().map(|(_, proof)| Segment::of(proof)).collect();
        Segment::check_group(&ends)?;
        if segments.len() > self.arity() {
            return Err(AggregateError::TooMany { limit: self.arity(), got: segments.len() });
        }
        self.assign_of(segments)
    }

    /// [`Self::witness_of`] for proofs of the only segment circuit.
    ///
    /// # Errors
    /// As [`Self::witness_of`].
    pub fn witness(&self, segments: &[Proof]) -> Result<PartialWitness<F>, AggregateError> {
        self.witness_of(&of_the_only_key(segments))
    }

    /// [`Self::witness`] without looking at the proofs.
    #[cfg(test)]
    pub(crate) fn assign(&self, segments: &[Proof]) -> Result<PartialWitness<F>, AggregateError> {
        self.assign_of(&of_the_only_key(segments))
    }

    fn assign_of(&self, segments: &[(usize, &Proof)]) -> Result<PartialWitness<F>, AggregateError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            for (i, target) in self.segments.iter().enumerate() {
                let (key, proof) = segments.get(i).unwrap_or(&segments[0]);
                target.key.assign(&mut inputs, &self.keys, *key)?;
                inputs.set_proof_with_pis_target(&target.proof, proof)?;
            }
            for (i, flag) in self.used.iter().enumerate() {
                inputs.set_bool_target(*flag, i + 1 < segments.len())?;
            }
            Ok::<_, anyhow::Error>(())
        };
        fill().map_err(|e| failed(NAME, e))?;
        Ok(inputs)
    }

    /// Proves a leaf over one to three neighbouring segments of the only segment circuit and verifies the result.
    ///
    /// # Errors
    /// When they are no neighbours, or not proofs of the pinned circuit.
    pub fn prove(&self, prover: &dyn Prover, segments: &[Proof]) -> Result<Node, AggregateError> {
        self.prove_of(prover, &of_the_only_key(segments))
    }

    /// [`Self::prove`] with the number of each proof's key.
    ///
    /// # Errors
    /// As [`Self::prove`].
    ///
    /// # Panics
    /// When there is no such key.
    pub fn prove_of(
        &self,
        prover: &dyn Prover,
        segments: &[(usize, &Proof)],
    ) -> Result<Node, AggregateError> {
        let inputs = self.witness_of(segments)?;
        Ok(Node::Leaf(prove_verified(prover, NAME, &self.data, inputs)?))
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> &[BoolTarget] {
        &self.used
    }
}

fn of_the_only_key(segments: &[Proof]) -> Vec<(usize, &Proof)> {
    segments.iter().map(|proof| (0, proof)).collect()
}

struct Layout {
    builder: Builder,
    segments: Vec<SegmentProof>,
    used: Vec<BoolTarget>,
}

/// The layout for as many proofs as fit the shape.
fn lay_out_fitting(
    shape: &NodeShape,
    family: Family,
    common: &Common,
    keys: &KeySet,
) -> Result<Layout, AggregateError> {
    let rows = 1 << shape.common().degree_bits();
    for arity in (2..=ARITY).rev() {
        let layout = lay_out(family, common, keys, arity)?;
        // Constants and public inputs, which building adds, take some rows, too.
        if layout.builder.num_gates() + SPARE_ROWS <= rows {
            return Ok(layout);
        }
    }
    lay_out(family, common, keys, 1)
}

/// Gates and copies of the circuit, and its inputs.
fn lay_out(family: Family, common: &Common, keys: &KeySet, arity: usize) -> Result<Layout, AggregateError> {
    if common.num_public_inputs != SEGMENT_INPUTS {
        return Err(AggregateError::SegmentInputs {
            expected: SEGMENT_INPUTS,
            got: common.num_public_inputs,
        });
    }
    let mut builder = Builder::new(circuit_config());
    // One key is one constant.
    let only = (keys.keys().len() == 1).then(|| KeyTargets::new(&mut builder, keys));
    let segments: Vec<SegmentProof> = (0..arity)
        .map(|_| {
            let key = only.clone().unwrap_or_else(|| KeyTargets::new(&mut builder, keys));
            let proof = builder.add_virtual_proof_with_pis(common);
            builder.verify_proof::<C>(&proof, &key.key, common);
            SegmentProof { key, proof }
        })
        .collect();
    let used: Vec<BoolTarget> = (1..arity).map(|_| builder.add_virtual_bool_target_safe()).collect();
    let ends = segments.iter().map(|s| SegmentTargets::from_public_inputs(&s.proof.public_inputs));
    let ends: Vec<SegmentTargets> = ends.collect();
    let others: Vec<_> = used.iter().copied().zip(ends[1..].iter().copied()).collect();
    SegmentTargets::cover(&mut builder, ends[0], &others).register(&mut builder);
    let mark = builder.constant_hash(family.leaf_mark());
    builder.register_public_inputs(&mark.elements);
    Ok(Layout { builder, segments, used })
}
