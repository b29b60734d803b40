//! The audit of one program under one policy, as its prover sees it.

use janction_aggregate::config::{Key, Proof};
use janction_aggregate::{LeafCircuit, NodeShape, Prover};
use janction_program::Program;
use janction_protocol::{Digest, claim::Claim};
use janction_trace::{Openings, OpeningsError, Policy, Trace};

use crate::gather::{AuditNode, FAMILY};
use crate::pieces::AuditPieces;
use crate::preparation::Preparation;
use crate::{AuditError, AuditFacts, AuditProof, Wrapper, audit_key_digest, join, precheck};

/// The circuits of one program's audit under one policy. They follow from program and policy alone, so anyone who holds
/// the job binary can recompute the audit key.
#[derive(Debug)]
pub struct AuditCircuits {
    pub(crate) pieces: AuditPieces,
    pub(crate) leaf: LeafCircuit,
    pub(crate) digest: Digest,
}

impl AuditCircuits {
    /// Builds the circuits: some seconds.
    ///
    /// # Errors
    /// [`AuditError::PieceTooLarge`].
    pub fn build(shape: &NodeShape, program: Program, policy: Policy) -> Result<Self, AuditError> {
        Self::of_pieces(shape, AuditPieces::build(program, policy)?)
    }

    /// The circuits around those of the pieces.
    ///
    /// # Errors
    /// [`AuditError::Aggregate`] when a leaf over a piece does not fit the shape of nodes.
    pub fn of_pieces(shape: &NodeShape, pieces: AuditPieces) -> Result<Self, AuditError> {
        let leaf = LeafCircuit::build_over(shape, FAMILY, pieces.common(), pieces.keys())?;
        let digest = audit_key_digest(&leaf.data().verifier_only);
        Ok(Self { pieces, leaf, digest })
    }

    /// The audit with pieces of another size than [`Self::build`] would choose.
    #[cfg(test)]
    pub(crate) fn of_size(
        shape: &NodeShape,
        program: Program,
        policy: Policy,
        row_bits: usize,
        blocks: usize,
    ) -> Self {
        Self::of_pieces(shape, AuditPieces::of_size(program, policy, row_bits, blocks)).unwrap()
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        self.pieces.program()
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.pieces.policy()
    }

    /// The audit key: what the nodes of this audit are verified with.
    #[must_use]
    pub fn audit_key(&self) -> &Key {
        &self.leaf.data().verifier_only
    }

    /// The digest that a job leaf holds and a claim names.
    #[must_use]
    pub const fn audit_key_digest(&self) -> Digest {
        self.digest
    }

    /// The circuit that joins up to three pieces.
    #[must_use]
    pub const fn leaf(&self) -> &LeafCircuit {
        &self.leaf
    }

    /// The circuits of the pieces.
    #[must_use]
    pub const fn pieces(&self) -> &AuditPieces {
        &self.pieces
    }

    /// Key and sizes, without the circuits.
    #[must_use]
    pub fn facts(&self) -> AuditFacts {
        AuditFacts { key: self.digest, pieces: self.pieces.facts() }
    }

    /// Position where every stage of the audit of a job of `rows` rows ends.
    #[must_use]
    pub fn end(&self, rows: u32) -> u32 {
        self.pieces.end(rows)
    }

    /// What the audit of `trace` opens: all of it under `full`, under `rows` the rows that the claim's beacon draws, up to
    /// [`Self::end`].
    ///
    /// # Errors
    /// [`AuditError::Claim`], and [`AuditError::Openings`] when the trace is not the claim's, or its beacon is not recorded.
    pub fn openings(&self, trace: Trace, claim: &Claim) -> Result<Openings, AuditError> {
        let commitment = precheck::claim(self, claim)?;
        trace.check_form(self.program()).map_err(|e| OpeningsError::Check(e.into()))?;
        let draws = self.end(claim.input_rows) as usize;
        let openings =
            Openings::of(self.program(), trace, &commitment, draws).map_err(OpeningsError::from)?;
        precheck::openings(&self.pieces, &openings, &commitment)?;
        Ok(openings)
    }

    /// Checks natively, with the circuits' rules, that `openings` open what `claim` audits and that every audited row is
    /// right.
    ///
    /// # Errors
    /// [`AuditError::FalseRow`] with operation, row and rule; [`AuditError::Claim`], [`AuditError::Openings`].
    pub fn check(&self, openings: &Openings, claim: &Claim) -> Result<(), AuditError> {
        self.pieces.check(openings, &precheck::claim(self, claim)?)
    }

    /// Prepares the proofs of all pieces. The openings must have passed [`Self::check`], or at least [`Openings::check`] with
    /// this claim.
    #[must_use]
    pub fn prepare(&self, openings: &Openings, claim: &Claim) -> Preparation {
        self.pieces.prepare(openings, claim)
    }

    /// Proves piece `index`. If a row is false there is no proof.
    ///
    /// # Errors
    /// As [`AuditPieces::prove`].
    pub fn prove_piece(
        &self,
        prover: &dyn Prover,
        openings: &Openings,
        preparation: &Preparation,
        index: usize,
    ) -> Result<Proof, AuditError> {
        self.pieces.prove(prover, openings, preparation, index)
    }

    /// Joins all pieces of a job, in order, into the proof that settles it.
    ///
    /// # Errors
    /// When pieces are missing, out of order, or not of this audit and claim.
    pub fn join(
        &self,
        prover: &dyn Prover,
        wrapper: &Wrapper,
        claim: &Claim,
        preparation: &Preparation,
        pieces: &[Proof],
    ) -> Result<AuditProof, AuditError> {
        let pieces: Vec<(usize, &Proof)> = preparation.circuits.iter().copied().zip(pieces).collect();
        let node = join(prover, &self.leaf, wrapper.gather(), &pieces)?;
        let audit = self.proof_of(node, preparation);
        wrapper.verifier().check(&audit, claim)?;
        Ok(audit)
    }

    /// The audit that `node` is of, if it is one of all pieces.
    #[must_use]
    pub fn proof_of(&self, node: AuditNode, preparation: &Preparation) -> AuditProof {
        AuditProof {
            audit_key: self.audit_key().clone(),
            node,
            end: preparation.subject.end,
            checked: preparation.checked,
            folds: preparation.subject.folds,
        }
    }

    /// Proves everything of `claim` but its place in the chain of claims: check, pieces, join.
    ///
    /// # Errors
    /// As [`Self::check`] for a false row, otherwise [`AuditError::Aggregate`].
    pub fn prove(
        &self,
        prover: &dyn Prover,
        wrapper: &Wrapper,
        openings: &Openings,
        claim: &Claim,
    ) -> Result<AuditProof, AuditError> {
        self.check(openings, claim)?;
        let preparation = self.prepare(openings, claim);
        let pieces = (0..preparation.pieces())
            .map(|index| self.prove_piece(prover, openings, &preparation, index))
            .collect::<Result<Vec<_>, _>>()?;
        self.join(prover, wrapper, claim, &preparation, &pieces)
    }
}
