//! The root: the one proof of a range of batches, with the public inputs that L1 knows.

use janction_protocol::state::RunState;
use janction_protocol::{Address, F};
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, C, Circuit, D, Proof, circuit_config};
use crate::error::AggregateError;
use crate::family::Family;
use crate::join::{JoinCircuit, Node};
use crate::leaf::LeafCircuit;
use crate::prove::{Prover, failed, prove_verified};
use crate::range::RangeTargets;
use crate::segment::{SEGMENT_INPUTS, SegmentTargets};
use crate::shape::NodeShape;

const NAME: &str = "root";

/// Verifies the ledger's tree and says what it means for L1.
///
/// *Public inputs*: the 23 of section 6 of `docs/protocol.md`. *Witness*: the top node and its kind, and what the range
/// consists of. *Enforced*: the node verifies against the ledger's join key or leaf key, both constants, and carries the
/// mark of its kind; the statement of the range about the node's ends (`range.rs`). *The caller must ensure* nothing; the
/// contract compares roots, D*, r*, f*, payee and deployment with its own.
#[derive(Debug)]
pub struct RootCircuit {
    data: Circuit,
    node: ProofWithPublicInputsTarget<D>,
    is_join: BoolTarget,
    range: RangeTargets,
}

impl RootCircuit {
    /// Builds the root over the ledger's leaf and join circuits.
    #[must_use]
    pub fn build(shape: &NodeShape, leaf: &LeafCircuit, join: &JoinCircuit) -> Self {
        let (builder, node, is_join, range) = lay_out(shape, leaf, join);
        Self { data: builder.build::<C>(), node, is_join, range }
    }

    /// The same circuit around data that was built before (a cached key): only the layout is made again. The caller must
    /// ensure that `data` is this circuit's: compare its digest.
    #[must_use]
    pub fn restore(shape: &NodeShape, leaf: &LeafCircuit, join: &JoinCircuit, data: Circuit) -> Self {
        let (_, node, is_join, range) = lay_out(shape, leaf, join);
        Self { data, node, is_join, range }
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// The inputs from which the prover completes the witness.
    ///
    /// # Errors
    /// When the node does not lead from `first` to `last`, or has not the shape of a node.
    pub fn witness(
        &self,
        node: &Node,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<PartialWitness<F>, AggregateError> {
        let segment = node.segment();
        for (index, state, end) in [(0, first, segment.before), (1, last, segment.after)] {
            let expected = state.digest().0.into();
            if end != expected {
                return Err(AggregateError::Gap { index, expected, got: end });
            }
        }
        self.assign(node, first, last, payee)
    }

    /// [`Self::witness`] without looking at the node.
    pub(crate) fn assign(
        &self,
        node: &Node,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<PartialWitness<F>, AggregateError> {
        let mut inputs = PartialWitness::new();
        let mut fill = || {
            inputs.set_proof_with_pis_target(&self.node, node.proof())?;
            inputs.set_bool_target(self.is_join, matches!(node, Node::Join(_)))?;
            self.range.assign(&mut inputs, first, last, payee)
        };
        fill().map_err(|e| failed(NAME, e))?;
        Ok(inputs)
    }

    /// Proves the root and verifies the result.
    ///
    /// # Errors
    /// As [`Self::witness`], and when the range breaks a rule of the root (a batch open at its end, claims without audits).
    pub fn prove(
        &self,
        prover: &dyn Prover,
        node: &Node,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<Proof, AggregateError> {
        let inputs = self.witness(node, first, last, payee)?;
        prove_verified(prover, NAME, &self.data, inputs)
    }
}

type Layout = (Builder, ProofWithPublicInputsTarget<D>, BoolTarget, RangeTargets);

/// Gates and copies of the circuit, and its inputs.
fn lay_out(shape: &NodeShape, leaf: &LeafCircuit, join: &JoinCircuit) -> Layout {
    let mut builder = Builder::new(circuit_config());
    let b = &mut builder;
    let node = b.add_virtual_proof_with_pis(shape.common());
    let is_join = b.add_virtual_bool_target_safe();
    let leaf_key = b.constant_verifier_data(&leaf.data().verifier_only);
    let join_key = b.constant_verifier_data(&join.data().verifier_only);
    let key = b.select_verifier_data(is_join, &join_key, &leaf_key);
    b.verify_proof::<C>(&node, &key, shape.common());
    let marks = [join.mark(), Family::Ledger.leaf_mark()].map(|mark| b.constant_hash(mark));
    for (i, &input) in node.public_inputs[SEGMENT_INPUTS..].iter().enumerate() {
        let expected = b.select(is_join, marks[0].elements[i], marks[1].elements[i]);
        b.connect(input, expected);
    }
    let range = RangeTargets::build(b, &SegmentTargets::from_public_inputs(&node.public_inputs));
    (builder, node, is_join, range)
}
