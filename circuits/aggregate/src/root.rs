//! The root: the one proof of a range of batches, with the public inputs that L1 knows.

use janction_protocol::state::RunState;
use janction_protocol::{Address, F};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::config::{Builder, C, Circuit, D, Proof, circuit_config};
use crate::error::AggregateError;
use crate::join::{JoinCircuit, Node};
use crate::leaf::LeafCircuit;
use crate::prove::{Prover, failed, prove_verified};
use crate::range::RangeTargets;
use crate::segment::{SEGMENT_INPUTS, SegmentTargets};
use crate::shape::NodeShape;

const NAME: &str = "root";

/// The circuits of a family's tree.
#[derive(Clone, Copy, Debug)]
pub struct TreeCircuits<'a> {
    /// Over segments.
    pub leaf: &'a LeafCircuit,
    /// Over leaves and joins.
    pub join: &'a JoinCircuit,
}

/// The top of a tree: a proof, and whether a join or a leaf made it.
#[derive(Clone, Debug)]
struct TopTargets {
    proof: ProofWithPublicInputsTarget<D>,
    is_join: BoolTarget,
}

/// Verifies the ledger's tree, and the audits' if there are claims, and says what they mean for L1.
///
/// *Public inputs*: the 23 of section 6 of `docs/protocol.md`. *Witness*: the ledger's top node and its kind, what the range
/// consists of; whether there are audits, their top node and its kind. *Enforced*: the ledger's node verifies
/// against the ledger's join key or leaf key, and the audits' against the audits' (four constants), each with the mark of
/// its family and kind; the statement of the range about their ends (`range.rs`): **claims are made only as audits prove
/// them**. Where nothing is audited, the second node is verified as the ledger's (the prover repeats the first) and says
/// nothing. *The caller must ensure* nothing; the contract compares roots, D*, r*, f*, payee and deployment with its own.
#[derive(Debug)]
pub struct RootCircuit {
    data: Circuit,
    targets: RootTargets,
}

#[derive(Clone, Debug)]
struct RootTargets {
    ledger: TopTargets,
    audits: TopTargets,
    audited: BoolTarget,
    range: RangeTargets,
}

impl RootCircuit {
    /// Builds the root over both families' trees.
    #[must_use]
    pub fn build(shape: &NodeShape, ledger: TreeCircuits, audits: TreeCircuits) -> Self {
        let (builder, targets) = lay_out(shape, ledger, audits);
        Self { data: janction_gadgets::build(builder), targets }
    }

    /// The same circuit around data that was built before (a cached key): only the layout is made again. The caller must
    /// ensure that `data` is this circuit's: compare its digest.
    #[must_use]
    pub fn restore(shape: &NodeShape, ledger: TreeCircuits, audits: TreeCircuits, data: Circuit) -> Self {
        let (_, targets) = lay_out(shape, ledger, audits);
        Self { data, targets }
    }

    /// The built circuit.
    #[must_use]
    pub const fn data(&self) -> &Circuit {
        &self.data
    }

    /// The inputs from which the prover completes the witness; `audits` is the top of the audits' tree, if the range
    /// makes claims.
    ///
    /// # Errors
    /// When the ledger's node does not lead from `first` to `last`, the audits' not to `last`'s claims, or one has not the
    /// shape of a node.
    pub fn witness(
        &self,
        ledger: &Node,
        audits: Option<&Node>,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<PartialWitness<F>, AggregateError> {
        let segment = ledger.segment();
        let chain = audits.map(|node| ("chain of claims", node.segment().after, last.claims));
        let ends = [("start", segment.before, first.digest()), ("end", segment.after, last.digest())];
        for (end, got, expected) in ends.into_iter().chain(chain) {
            let expected = expected.0.into();
            if got != expected {
                return Err(AggregateError::End { end, expected, got });
            }
        }
        if audits.is_none() && last.claim_count != 0 {
            return Err(AggregateError::Unaudited { claims: last.claim_count });
        }
        self.assign(ledger, audits, first, last, payee)
    }

    /// [`Self::witness`] without looking at the nodes.
    pub(crate) fn assign(
        &self,
        ledger: &Node,
        audits: Option<&Node>,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<PartialWitness<F>, AggregateError> {
        let mut inputs = PartialWitness::new();
        let t = &self.targets;
        let mut fill = || {
            t.ledger.assign(&mut inputs, ledger)?;
            t.audits.assign(&mut inputs, audits.unwrap_or(ledger))?;
            inputs.set_bool_target(t.audited, audits.is_some())?;
            t.range.assign(&mut inputs, first, last, payee)
        };
        fill().map_err(|e| failed(NAME, e))?;
        Ok(inputs)
    }

    /// Proves the root of a range whose claims, if there are any, `audits` proves, and verifies the result.
    ///
    /// # Errors
    /// As [`Self::witness`], and when the range breaks a rule of the root (a batch open at its end).
    pub fn prove(
        &self,
        prover: &dyn Prover,
        ledger: &Node,
        audits: Option<&Node>,
        first: &RunState,
        last: &RunState,
        payee: Address,
    ) -> Result<Proof, AggregateError> {
        let inputs = self.witness(ledger, audits, first, last, payee)?;
        prove_verified(prover, NAME, &self.data, inputs)
    }

    #[cfg(test)]
    pub(crate) const fn audited(&self) -> BoolTarget {
        self.targets.audited
    }
}

impl TopTargets {
    fn new(b: &mut Builder, shape: &NodeShape) -> Self {
        let proof = b.add_virtual_proof_with_pis(shape.common());
        Self { proof, is_join: b.add_virtual_bool_target_safe() }
    }

    fn assign(&self, inputs: &mut PartialWitness<F>, node: &Node) -> anyhow::Result<()> {
        inputs.set_proof_with_pis_target(&self.proof, node.proof())?;
        inputs.set_bool_target(self.is_join, matches!(node, Node::Join(_)))
    }

    fn ends(&self) -> SegmentTargets {
        SegmentTargets::from_public_inputs(&self.proof.public_inputs)
    }

    /// The key and the mark that a node of this kind has in a family's tree.
    fn key_and_mark(&self, b: &mut Builder, tree: TreeCircuits) -> (VerifierCircuitTarget, [Target; 4]) {
        let leaf_key = b.constant_verifier_data(&tree.leaf.data().verifier_only);
        let join_key = b.constant_verifier_data(&tree.join.data().verifier_only);
        let key = b.select_verifier_data(self.is_join, &join_key, &leaf_key);
        let marks = [tree.join.mark(), tree.join.family().leaf_mark()].map(|mark| b.constant_hash(mark));
        let mark =
            core::array::from_fn(|i| b.select(self.is_join, marks[0].elements[i], marks[1].elements[i]));
        (key, mark)
    }

    fn verify(&self, b: &mut Builder, shape: &NodeShape, key: &VerifierCircuitTarget, mark: [Target; 4]) {
        b.verify_proof::<C>(&self.proof, key, shape.common());
        for (&input, expected) in self.proof.public_inputs[SEGMENT_INPUTS..].iter().zip(mark) {
            b.connect(input, expected);
        }
    }
}

/// Gates and copies of the circuit, and its inputs.
fn lay_out(shape: &NodeShape, ledger: TreeCircuits, audits: TreeCircuits) -> (Builder, RootTargets) {
    let mut builder = Builder::new(circuit_config());
    let b = &mut builder;
    let top = TopTargets::new(b, shape);
    let (key, mark) = top.key_and_mark(b, ledger);
    top.verify(b, shape, &key, mark);

    let audited_top = TopTargets::new(b, shape);
    let audited = b.add_virtual_bool_target_safe();
    let (key, mark) = audited_top.key_and_mark(b, audits);
    let (repeated_key, repeated_mark) = audited_top.key_and_mark(b, ledger);
    let key = b.select_verifier_data(audited, &key, &repeated_key);
    let mark = core::array::from_fn(|i| b.select(audited, mark[i], repeated_mark[i]));
    audited_top.verify(b, shape, &key, mark);
    let range = RangeTargets::build(b, &top.ends(), audited, &audited_top.ends());
    (builder, RootTargets { ledger: top, audits: audited_top, audited, range })
}
