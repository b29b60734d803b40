//! A leaf: up to three segment proofs, brought into the shape of the tree.

use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitData;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, C, Circuit, D, F, Proof, circuit_config};
use crate::error::AggregateError;
use crate::family::Family;
use crate::join::Node;
use crate::prove::{Prover, failed, prove_verified};
use crate::segment::{ARITY, SEGMENT_INPUTS, Segment, SegmentTargets};
use crate::shape::NodeShape;

const NAME: &str = "leaf";

/// Verifies proofs of one pinned segment circuit and repeats the ends of what they cover.
///
/// *Public inputs*: before[4], after[4], the family's leaf mark[4]. *Witness*: three segment proofs, and for the last
/// two whether they are used (one that is not is a copy of the first). *Enforced*: each proof verifies against the
/// inner key, a constant of this circuit; the used ones are neighbours ([`SegmentTargets`]). *The caller must ensure*
/// nothing.
#[derive(Debug)]
pub struct LeafCircuit {
    data: Circuit,
    proofs: [ProofWithPublicInputsTarget<D>; ARITY],
    used: [BoolTarget; ARITY - 1],
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
        let (builder, proofs, used) = lay_out(family, segment)?;
        Ok(Self { data: shape.build(NAME, builder)?, proofs, used })
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
        let (_, proofs, used) = lay_out(family, segment)?;
        Ok(Self { data, proofs, used })
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// The inputs from which the prover completes the witness, for one to three neighbouring segment proofs.
    ///
    /// # Errors
    /// When they are no neighbours, or have another shape than the segment circuit's proofs.
    pub fn witness(&self, segments: &[Proof]) -> Result<PartialWitness<F>, AggregateError> {
        Segment::check_group(&segments.iter().map(Segment::of).collect::<Vec<_>>())?;
        self.assign(segments)
    }

    /// [`Self::witness`] without looking at the proofs.
    pub(crate) fn assign(&self, segments: &[Proof]) -> Result<PartialWitness<F>, AggregateError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            for (i, target) in self.proofs.iter().enumerate() {
                let proof = segments.get(i).unwrap_or(&segments[0]);
                inputs.set_proof_with_pis_target(target, proof)?;
            }
            for (i, flag) in self.used.iter().enumerate() {
                inputs.set_bool_target(*flag, i + 1 < segments.len())?;
            }
            Ok::<_, anyhow::Error>(())
        };
        fill().map_err(|e| failed(NAME, e))?;
        Ok(inputs)
    }

    /// Proves a leaf over one to three neighbouring segments and verifies the result.
    ///
    /// # Errors
    /// When they are no neighbours, or not proofs of the pinned circuit.
    pub fn prove(&self, prover: &dyn Prover, segments: &[Proof]) -> Result<Node, AggregateError> {
        let inputs = self.witness(segments)?;
        Ok(Node::Leaf(prove_verified(prover, NAME, &self.data, inputs)?))
    }

    #[cfg(test)]
    pub(crate) const fn used(&self) -> &[BoolTarget; ARITY - 1] {
        &self.used
    }
}

type Layout = (Builder, [ProofWithPublicInputsTarget<D>; ARITY], [BoolTarget; ARITY - 1]);

/// Gates and copies of the circuit, and its inputs.
fn lay_out(family: Family, segment: &VerifierCircuitData<F, C, D>) -> Result<Layout, AggregateError> {
    if segment.common.num_public_inputs != SEGMENT_INPUTS {
        return Err(AggregateError::SegmentInputs {
            expected: SEGMENT_INPUTS,
            got: segment.common.num_public_inputs,
        });
    }
    let mut builder = Builder::new(circuit_config());
    let key = builder.constant_verifier_data(&segment.verifier_only);
    let proofs = core::array::from_fn(|_| {
        let proof = builder.add_virtual_proof_with_pis(&segment.common);
        builder.verify_proof::<C>(&proof, &key, &segment.common);
        proof
    });
    let used = core::array::from_fn(|_| builder.add_virtual_bool_target_safe());
    let ends = proofs.each_ref().map(|proof| SegmentTargets::from_public_inputs(&proof.public_inputs));
    let others = core::array::from_fn(|i| (used[i], ends[i + 1]));
    SegmentTargets::cover(&mut builder, ends[0], &others).register(&mut builder);
    let mark = builder.constant_hash(family.leaf_mark());
    builder.register_public_inputs(&mark.elements);
    Ok((builder, proofs, used))
}
