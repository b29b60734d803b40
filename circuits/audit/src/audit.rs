//! The audit of one program under one policy, as its prover sees it.

use janction_aggregate::config::{Circuit, Key, Proof};
use janction_aggregate::{ARITY, AggregateError, LeafCircuit, NodeShape, Prover, Segment, prove_verified};
use janction_program::Program;
use janction_protocol::{Digest, claim::Claim};
use janction_trace::{Openings, OpeningsError, Policy, Trace};
use plonky2::hash::hash_types::HashOut;

use crate::gather::{AuditNode, FAMILY};
use crate::operation::ProgramPlan;
use crate::piece::{NAME, PieceCircuit};
use crate::subject::Subject;
use crate::{AuditError, AuditFacts, AuditProof, Wrapper, audit_key_digest, precheck};

/// The circuits of one program's audit under one policy. They follow from program and policy alone, so anyone who holds
/// the job binary can recompute the audit key.
#[derive(Debug)]
pub struct AuditCircuits {
    pub(crate) program: Program,
    pub(crate) policy: Policy,
    pub(crate) plan: ProgramPlan,
    pub(crate) piece: PieceCircuit,
    pub(crate) leaf: LeafCircuit,
    pub(crate) digest: Digest,
}

impl AuditCircuits {
    /// Builds the circuits: some seconds and up to 2^15 rows.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`], [`AuditError::PieceTooLarge`].
    pub fn build(shape: &NodeShape, program: Program, policy: Policy) -> Result<Self, AuditError> {
        let plan = ProgramPlan::new(&program)?;
        let piece = PieceCircuit::build(&program, &plan, policy)?;
        let leaf = LeafCircuit::build(shape, FAMILY, &piece.data.verifier_data())?;
        let digest = audit_key_digest(&leaf.data().verifier_only);
        Ok(Self { program, policy, plan, piece, leaf, digest })
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
        let plan = ProgramPlan::new(&program).unwrap();
        let piece = PieceCircuit::of_size(&program, &plan, policy, row_bits, blocks);
        let leaf = LeafCircuit::build(shape, FAMILY, &piece.data.verifier_data()).unwrap();
        let digest = audit_key_digest(&leaf.data().verifier_only);
        Self { program, policy, plan, piece, leaf, digest }
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
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

    /// The circuit of a piece.
    #[must_use]
    pub const fn piece(&self) -> &Circuit {
        &self.piece.data
    }

    /// What a piece covers: rows of the job under `full`, draws of each operation under `rows`.
    #[must_use]
    pub fn piece_size(&self) -> u32 {
        self.piece.step()
    }

    /// Key and size, without the circuits.
    #[must_use]
    pub fn facts(&self) -> AuditFacts {
        AuditFacts {
            key: self.digest,
            piece_size: self.piece_size(),
            piece_bits: self.piece.data.common.degree_bits() as u32,
            operations: self.plan.steps.len() as u32,
        }
    }

    /// Row checks (one row of one operation) that the audit of a job of `rows` rows makes.
    #[must_use]
    pub fn row_checks(&self, rows: u32) -> u64 {
        self.facts().row_checks(self.policy, rows)
    }

    /// Pieces that the audit of a job of `rows` rows takes.
    #[must_use]
    pub fn pieces(&self, rows: u32) -> usize {
        self.facts().pieces(self.policy, rows)
    }

    /// Position where the audit of a job of `rows` rows ends: the rows under `full`, at least s under `rows(s)`.
    #[must_use]
    pub fn end(&self, rows: u32) -> u32 {
        self.facts().end(self.policy, rows)
    }

    /// The stretch of the chain of audit states that piece `index` of the claim's audit proves.
    #[must_use]
    pub fn piece_segment(&self, claim: &Claim, index: usize) -> Segment {
        let subject = Subject::of(claim);
        let from = index as u32 * self.piece_size();
        let to = self.end(claim.input_rows).min(from + self.piece_size());
        let state = |position| HashOut { elements: subject.state(position).0 };
        Segment { before: state(from), after: state(to) }
    }

    /// What the audit of `trace` opens: all of it under `full`, under `rows` the rows that the claim's beacon draws, up to
    /// [`Self::end`].
    ///
    /// # Errors
    /// [`AuditError::Claim`], and [`AuditError::Openings`] when the trace is not the claim's, or its beacon is not recorded.
    pub fn openings(&self, trace: Trace, claim: &Claim) -> Result<Openings, AuditError> {
        let commitment = precheck::claim(self, claim)?;
        trace.check_form(&self.program).map_err(|e| OpeningsError::Check(e.into()))?;
        let draws = self.end(claim.input_rows) as usize;
        let openings = Openings::of(&self.program, trace, &commitment, draws).map_err(OpeningsError::from)?;
        precheck::openings(self, &openings, claim)?;
        Ok(openings)
    }

    /// Checks natively, with the circuits' rules, that `openings` open what `claim` audits and that every audited row is
    /// right.
    ///
    /// # Errors
    /// [`AuditError::FalseRow`] with operation, row and rule; [`AuditError::Claim`], [`AuditError::Openings`].
    pub fn check(&self, openings: &Openings, claim: &Claim) -> Result<(), AuditError> {
        precheck::openings(self, openings, claim)?;
        precheck::rows(self, openings, claim)
    }

    /// Proves piece `index`. The openings must have passed [`Self::check`], or at least [`Openings::check`] with this
    /// claim: if a row is false there is no proof.
    ///
    /// # Errors
    /// [`AuditError::NoSuchPiece`], [`AuditError::Openings`] for those of another policy; [`AuditError::Aggregate`] when
    /// there is no proof.
    pub fn prove_piece(
        &self,
        prover: &dyn Prover,
        openings: &Openings,
        claim: &Claim,
        index: usize,
    ) -> Result<Proof, AuditError> {
        let pieces = self.pieces(claim.input_rows);
        if index >= pieces {
            return Err(AuditError::NoSuchPiece { index, pieces });
        }
        let from = index as u32 * self.piece_size();
        let inputs = self.piece.assign(&self.plan, &Subject::of(claim), openings, from)?;
        Ok(prove_verified(prover, NAME, &self.piece.data, inputs)?)
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
        pieces: &[Proof],
    ) -> Result<AuditProof, AuditError> {
        let leaves = pieces
            .chunks(ARITY)
            .map(|group| Ok(AuditNode::Leaf(self.leaf.prove(prover, group)?.proof().clone())))
            .collect::<Result<_, AuditError>>()?;
        let audit = self.proof_of(self.gather(prover, wrapper, leaves)?, claim);
        wrapper.verifier().check(&audit, claim)?;
        Ok(audit)
    }

    /// One node of neighbouring nodes.
    pub(crate) fn gather(
        &self,
        prover: &dyn Prover,
        wrapper: &Wrapper,
        mut nodes: Vec<AuditNode>,
    ) -> Result<AuditNode, AuditError> {
        while nodes.len() > 1 {
            nodes = nodes
                .chunks(ARITY)
                .map(|group| wrapper.gather().prove(prover, &self.leaf, group))
                .collect::<Result<_, _>>()?;
        }
        nodes.pop().ok_or(AuditError::Aggregate(AggregateError::Empty))
    }

    /// The audit that `node` is of, if it is one of all pieces.
    pub(crate) fn proof_of(&self, node: AuditNode, claim: &Claim) -> AuditProof {
        AuditProof { audit_key: self.audit_key().clone(), node, end: self.end(claim.input_rows) }
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
        let pieces = (0..self.pieces(claim.input_rows))
            .map(|index| self.prove_piece(prover, openings, claim, index))
            .collect::<Result<Vec<_>, _>>()?;
        self.join(prover, wrapper, claim, &pieces)
    }
}
