//! What it takes to check the pieces of one program's audit themselves, without a tree over them. No prover's key.

use janction_aggregate::config::{C, Common, Key, Proof};
use janction_aggregate::{AggregateError, KeySet, LeafCircuit, NodeShape, SEGMENT_INPUTS, Segment};
use janction_gadgets::{D, F};
use janction_protocol::{Digest, hash::hash};
use janction_trace::{Commitment, Policy};
use plonky2::plonk::circuit_data::VerifierCircuitData;

use crate::gather::FAMILY;
use crate::piece::NAME;
use crate::subject::{State, Subject};
use crate::{
    AuditError, AuditPieces, PieceFacts, ProofBytesError, Sizing, audit_key_digest, encoding, keys, tags,
};

/// Verifies the pieces of one program under one policy: a few kilobytes that follow from program and policy alone. Whoever
/// checks proofs makes it from the job binary; a key that came with a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceVerifier {
    program: Digest,
    policy: Policy,
    sizing: Sizing,
    facts: PieceFacts,
    /// Pieces of each fold.
    folds: Vec<u32>,
    common: Common,
    /// Those of the stages of rows, then those of the folds.
    keys: Vec<Key>,
}

impl PieceVerifier {
    /// The verifier of what these circuits prove.
    #[must_use]
    pub fn of(pieces: &AuditPieces) -> Self {
        Self {
            program: pieces.program().digest(),
            policy: pieces.policy(),
            sizing: pieces.sizing(),
            facts: pieces.facts(),
            folds: pieces.fold_pieces(),
            common: pieces.common().clone(),
            keys: pieces.circuits().map(|circuit| circuit.verifier_only.clone()).collect(),
        }
    }

    /// Digest of the program.
    #[must_use]
    pub const fn program(&self) -> Digest {
        self.program
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// What the pieces are made for.
    #[must_use]
    pub const fn sizing(&self) -> Sizing {
        self.sizing
    }

    /// How the audit is cut into pieces.
    #[must_use]
    pub const fn facts(&self) -> &PieceFacts {
        &self.facts
    }

    /// What all circuits have in common.
    #[must_use]
    pub const fn common(&self) -> &Common {
        &self.common
    }

    /// The keys, one for each circuit.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The program's leaf circuit, which joins pieces. Its key is the audit key of program and policy. Some seconds.
    ///
    /// # Errors
    /// [`AuditError::Aggregate`] when a leaf over a piece does not fit the shape of nodes.
    pub fn leaf(&self, shape: &NodeShape) -> Result<LeafCircuit, AuditError> {
        Ok(LeafCircuit::build_over(shape, FAMILY, &self.common, KeySet::new(self.keys.clone()))?)
    }

    /// Position where every stage of rows ends for `rows` rows: the rows under `full`, at least s under `rows(s)`.
    #[must_use]
    pub fn end(&self, rows: u32) -> u32 {
        self.facts.end(self.policy, rows)
    }

    /// Digest of all keys: `H(JPCKEYS, digests of the keys)`. It names what proofs are verified with.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let data: Vec<F> = self.keys.iter().flat_map(|key| audit_key_digest(key).0).collect();
        hash(tags::PIECE_KEYS, &data)
    }

    /// Pieces that prove `rows` rows.
    #[must_use]
    pub fn count(&self, rows: u32) -> usize {
        self.facts.count(self.policy, rows)
    }

    /// The number of its circuit for each piece that proves `rows` rows, in order.
    pub fn circuits(&self, rows: u32) -> impl Iterator<Item = usize> {
        let end = self.facts.end(self.policy, rows);
        let of_rows = self.facts.piece_sizes.iter().map(move |size| end.div_ceil((*size).max(1)));
        let pieces = of_rows.chain(self.folds.iter().copied());
        pieces.enumerate().flat_map(|(circuit, pieces)| (0..pieces).map(move |_| circuit))
    }

    /// The audit states that the first piece begins at and the last one ends at, for an execution that `commitment` commits to
    /// and accumulators and folds of these digests.
    #[must_use]
    pub fn ends(&self, commitment: &Commitment, checked: Digest, folds: Digest) -> [Digest; 2] {
        // At most 2^24.
        let end = self.facts.end(self.policy, commitment.rows as u32);
        let subject = Subject::of_execution(self.program, commitment, end, checked, folds);
        [State::START, State::done(checked)].map(|state| subject.state(&state))
    }

    /// The audit states before and after a piece.
    ///
    /// # Errors
    /// [`AuditError::NodeInputs`] when it has not as many public inputs as a piece.
    pub fn states(proof: &Proof) -> Result<[Digest; 2], AuditError> {
        let got = proof.public_inputs.len();
        if got != SEGMENT_INPUTS {
            return Err(AuditError::NodeInputs { expected: SEGMENT_INPUTS, got });
        }
        let Segment { before, after } = Segment::of(proof);
        Ok([before, after].map(|state| Digest(state.elements)))
    }

    /// Verifies a piece with the key of circuit number `circuit`.
    ///
    /// # Errors
    /// [`AuditError::NoSuchPiece`], or [`AuditError::Aggregate`] when the proof does not verify.
    pub fn verify(&self, circuit: usize, proof: &Proof) -> Result<(), AuditError> {
        let missing = AuditError::NoSuchPiece { index: circuit, pieces: self.keys.len() };
        let key = self.keys.get(circuit).ok_or(missing)?;
        self.data(key).verify(proof.clone()).map_err(|e| {
            AuditError::Aggregate(AggregateError::Invalid { circuit: NAME, reason: e.to_string() })
        })
    }

    /// Bytes of every piece's proof.
    #[must_use]
    pub fn proof_length(&self) -> usize {
        encoding::length(&self.common)
    }

    /// The piece's proof in `bytes`, in Plonky2's encoding. What is accepted has no other form.
    ///
    /// # Errors
    /// [`ProofBytesError`]; offsets count from the first byte.
    pub fn read_proof(&self, bytes: &[u8]) -> Result<Proof, ProofBytesError> {
        encoding::read(&self.common, bytes, 0)
    }

    fn data(&self, key: &Key) -> VerifierCircuitData<F, C, D> {
        VerifierCircuitData { verifier_only: key.clone(), common: self.common.clone() }
    }

    /// The verifier as bytes, for a checksummed cache.
    ///
    /// # Errors
    /// [`AuditError::KeyBytes`] (never with the circuits of the house).
    pub fn to_bytes(&self) -> Result<Vec<u8>, AuditError> {
        let mut bytes = self.program.to_bytes().to_vec();
        let sizes = self.facts.piece_sizes.len() as u32;
        let facts = [self.policy.code(), self.sizing.code(), self.facts.operations, sizes];
        let words = facts.into_iter().chain(self.facts.piece_sizes.iter().copied());
        let words = words.chain([self.folds.len() as u32]).chain(self.folds.iter().copied());
        words.for_each(|word| bytes.extend(word.to_be_bytes()));
        for key in &self.keys {
            let data = keys::write_verifier(NAME, &self.data(key))?;
            bytes.extend((data.len() as u64).to_be_bytes());
            bytes.extend(data);
        }
        Ok(bytes)
    }

    /// The verifier of `program` and `policy` from bytes that [`Self::to_bytes`] made. They are taken at their word: whoever
    /// keeps them protects them by a checksum.
    ///
    /// # Errors
    /// [`AuditError::Key`] when they are of another program or policy, [`AuditError::KeyBytes`] for damage.
    pub fn from_bytes(program: Digest, policy: Policy, bytes: &[u8]) -> Result<Self, AuditError> {
        let damaged = || AuditError::KeyBytes { circuit: NAME, action: "read" };
        let (of_program, mut rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let of_program = Digest::from_bytes(*of_program).map_err(|_| damaged())?;
        keys::same(NAME, &program.to_string(), of_program)?;
        let mut word = || {
            let (word, tail) = rest.split_first_chunk().ok_or_else(damaged)?;
            rest = tail;
            Ok::<_, AuditError>(u32::from_be_bytes(*word))
        };
        let of_policy = Policy::from_code(word()?).map_err(|_| damaged())?;
        if of_policy != policy {
            let (expected, got) = (policy.to_string(), of_policy.to_string());
            return Err(AuditError::Key { circuit: NAME, expected, got });
        }
        let sizing = Sizing::from_code(word()?).ok_or_else(damaged)?;
        let operations = word()?;
        let mut list = || {
            let count = word()?;
            (0..count).map(|_| word()).collect::<Result<Vec<u32>, _>>()
        };
        let [piece_sizes, folds] = [list()?, list()?];
        let mut circuits = Vec::new();
        while !rest.is_empty() {
            let (length, tail) = rest.split_first_chunk().ok_or_else(damaged)?;
            let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| damaged())?;
            let (data, tail) = tail.split_at_checked(length).ok_or_else(damaged)?;
            circuits.push(keys::read_verifier(NAME, data)?);
            rest = tail;
        }
        let common = circuits.first().ok_or_else(damaged)?.common.clone();
        if circuits.len() != piece_sizes.len() + folds.len() || piece_sizes.is_empty() {
            return Err(damaged());
        }
        let facts = PieceFacts {
            piece_sizes,
            fold_pieces: folds.iter().sum(),
            piece_bits: common.degree_bits() as u32,
            operations,
        };
        let keys = circuits.into_iter().map(|data| data.verifier_only).collect();
        Ok(Self { program, policy, sizing, facts, folds, common, keys })
    }
}
