//! A program proof in a file.
//!
//! ```text
//! "JNCPROOF" | version u16 | policy u32 | rows u32 | program | input root | trace root | output root | checked | folds
//!            | pieces
//! ```
//!
//! Integers and digests are big-endian, as everywhere; a piece is in Plonky2's encoding. All lengths follow from program, policy
//! and rows, and are compared before anything is read, so no two byte strings say the same.

use janction_aggregate::config::Proof;
use janction_audit::PieceVerifier;
use janction_protocol::Digest;
use janction_trace::Policy;

use crate::{FileError, Statement};

const MAGIC: &[u8; 8] = b"JNCPROOF";
const VERSION: u16 = 1;
/// Bytes of a digest.
const DIGEST: usize = 32;
/// Bytes of magic, version, policy and rows.
const NUMBERS: usize = MAGIC.len() + 2 + 4 + 4;
/// Digests before the pieces.
const DIGESTS: usize = 6;
/// Bytes before the pieces.
const HEADER: usize = NUMBERS + DIGESTS * DIGEST;

/// A proof that a program's output was computed from an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramProof {
    /// What it states.
    pub statement: Statement,
    /// Digest of the accumulators that Freivalds' checks were made of; zero if there were none.
    pub checked: Digest,
    /// Digest of the folds of weights that they used; zero if there were none.
    pub folds: Digest,
    /// All pieces, in order.
    pub pieces: Vec<Proof>,
}

impl ProgramProof {
    /// Bytes of a proof of `rows` rows.
    fn length(verifier: &PieceVerifier, rows: u32) -> u128 {
        HEADER as u128 + verifier.count(rows) as u128 * verifier.proof_length() as u128
    }

    /// The proof as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Statement { program, policy, rows, input_root, trace_root, output_root } = self.statement;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend([policy.code(), rows].map(u32::to_be_bytes).concat());
        let digests = [program, input_root, trace_root, output_root, self.checked, self.folds];
        bytes.extend(digests.map(|digest| digest.to_bytes()).concat());
        for piece in &self.pieces {
            bytes.extend(piece.to_bytes());
        }
        bytes
    }

    /// What the proof in `bytes` states, whether or not it shows that: which program and policy a verifier is needed for.
    ///
    /// # Errors
    /// [`FileError`] when they are no program proof.
    pub fn statement_in(bytes: &[u8]) -> Result<Statement, FileError> {
        Ok(header(bytes)?.0)
    }

    /// The proof in `bytes`. Whether it shows anything is for [`crate::verify`]. Takes no more memory than the bytes are long,
    /// whatever they are.
    ///
    /// # Errors
    /// [`FileError`] when they are no proof that `verifier` could check; what is accepted has no other encoding.
    pub fn from_bytes(verifier: &PieceVerifier, bytes: &[u8]) -> Result<Self, FileError> {
        let (statement, [checked, folds]) = header(bytes)?;
        if statement.program != verifier.program() {
            return Err(FileError::Program { expected: verifier.program(), got: statement.program });
        }
        if statement.policy != verifier.policy() {
            return Err(FileError::OtherPolicy { expected: verifier.policy(), got: statement.policy });
        }
        let expected = Self::length(verifier, statement.rows);
        if expected != bytes.len() as u128 {
            let pieces = verifier.count(statement.rows);
            return Err(FileError::Length { pieces, expected, got: bytes.len() });
        }
        let pieces = bytes[HEADER..].chunks_exact(verifier.proof_length()).enumerate();
        let read =
            |(index, bytes)| verifier.read_proof(bytes).map_err(|source| FileError::Piece { index, source });
        Ok(Self { statement, checked, folds, pieces: pieces.map(read).collect::<Result<_, _>>()? })
    }
}

/// What stands before the pieces: the statement, and the digests `checked` and `folds`.
fn header(bytes: &[u8]) -> Result<(Statement, [Digest; 2]), FileError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(FileError::Magic)?;
    let short = || FileError::Length { pieces: 0, expected: HEADER as u128, got: bytes.len() };
    let (version, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let got = u16::from_be_bytes(*version);
    if got != VERSION {
        return Err(FileError::Version { expected: VERSION, got });
    }
    let (policy, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (rows, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (digests, _) = rest.split_first_chunk::<{ DIGESTS * DIGEST }>().ok_or_else(short)?;
    let mut read = [Digest::ZERO; DIGESTS];
    for (i, (digest, bytes)) in read.iter_mut().zip(digests.as_chunks::<DIGEST>().0).enumerate() {
        let offset = NUMBERS + DIGEST * i;
        *digest = Digest::from_bytes(*bytes).map_err(|_| FileError::Digest { offset })?;
    }
    let [program, input_root, trace_root, output_root, checked, folds] = read;
    let policy = Policy::from_code(u32::from_be_bytes(*policy))?;
    let rows = u32::from_be_bytes(*rows);
    Ok((Statement { program, policy, rows, input_root, trace_root, output_root }, [checked, folds]))
}
