//! Everything that proves the ledger's part of a range of batches: chunks and their tree.

use janction_aggregate::config::{Circuit, Proof};
use janction_aggregate::{
    Family, JoinCircuit, LeafCircuit, Node, NodeShape, Prover, TreeCircuits, prove_tree,
};
use janction_protocol::state::RunState;
use janction_protocol::transition::StepWitness;

use crate::chunk::{ChunkCircuit, STEPS_PER_CHUNK};
use crate::error::LedgerError;
use crate::keys::CIRCUITS;

/// The ledger's circuits with their keys. They are constants of the protocol: everybody builds the same.
#[derive(Debug)]
pub struct LedgerProver {
    /// The segment circuit.
    pub chunk: ChunkCircuit,
    /// Over chunks.
    pub leaf: LeafCircuit,
    /// Over leaves and joins.
    pub join: JoinCircuit,
}

impl LedgerProver {
    /// Builds all circuits.
    ///
    /// # Errors
    /// Never with the configuration of the house; the error says which circuit does not fit.
    pub fn build() -> Result<Self, LedgerError> {
        let shape = NodeShape::find()?;
        let chunk = ChunkCircuit::build(STEPS_PER_CHUNK);
        let leaf = LeafCircuit::build(&shape, Family::Ledger, &chunk.data().verifier_data())?;
        let join = JoinCircuit::build(&shape, Family::Ledger, &leaf.data().verifier_only)?;
        Ok(Self { chunk, leaf, join })
    }

    /// The tree's circuits, which the root is built over.
    #[must_use]
    pub const fn tree(&self) -> TreeCircuits<'_> {
        TreeCircuits { leaf: &self.leaf, join: &self.join }
    }

    /// The circuits by name, from the chunk to the join.
    #[must_use]
    pub const fn circuits(&self) -> [(&'static str, &Circuit); 3] {
        [(CIRCUITS[0], self.chunk.data()), (CIRCUITS[1], self.leaf.data()), (CIRCUITS[2], self.join.data())]
    }

    /// Cuts steps into chunks and proves each; returns the proofs in order and the run state after them. The steps end
    /// with a `Close` or fill the last chunk.
    ///
    /// # Errors
    /// [`LedgerError::Replay`] for a step that does not hold, and those of the prover.
    pub fn prove_chunks(
        &self,
        prover: &dyn Prover,
        before: &RunState,
        steps: &[StepWitness],
    ) -> Result<(Vec<Proof>, RunState), LedgerError> {
        let mut run = *before;
        let mut proofs = Vec::new();
        for chunk in steps.chunks(self.chunk.capacity()) {
            let (proof, after) = self.chunk.prove(prover, &run, chunk)?;
            proofs.push(proof);
            run = after;
        }
        Ok((proofs, run))
    }

    /// Proves the tree over the chunks of a range.
    ///
    /// # Errors
    /// When the chunks are no neighbours, or not proofs of the chunk circuit.
    pub fn prove_tree(&self, prover: &dyn Prover, chunks: &[Proof]) -> Result<Node, LedgerError> {
        Ok(prove_tree(prover, &self.leaf, &self.join, chunks)?)
    }
}
