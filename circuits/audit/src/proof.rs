//! An audit as it travels: the attachment of a `Settle`.
//!
//! ```text
//! "JNCAUDIT" | version u16 | kind u8: 0 leaf, 1 gathered | end u32 | checked | folds
//!            | audit key: circuit digest, cap of 16 | proof
//! ```
//!
//! Integers and digests are big-endian, as everywhere. The proof is in Plonky2's own encoding, whose lengths all follow
//! from the shape of the tree's nodes. So every audit has one length, and no two byte strings say the same: what is read is
//! first compared with that layout, lengths and the range of every element included.

use janction_aggregate::NodeShape;
use janction_aggregate::config::{Common, Key};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleCap;
use thiserror::Error;

use crate::{AuditError, AuditNode, AuditVerifier, encoding};

const MAGIC: &[u8; 8] = b"JNCAUDIT";
const VERSION: u16 = 1;
/// Bytes of magic, version, kind and end.
const HEADER: usize = MAGIC.len() + 2 + 1 + 4;
/// Bytes of a digest.
const DIGEST: usize = 32;

/// The audit of one job, ready to be settled: all of its claim but the place in the chain of claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditProof {
    /// The key of the program's leaf circuit; hashed, it is the claim's audit key.
    pub audit_key: Key,
    /// The proof over all pieces.
    pub node: AuditNode,
    /// The position where the audit ends ([`crate::AuditCircuits::end`]); under `full` the job's rows.
    pub end: u32,
    /// Digest of the accumulators that Freivalds' checks were made of; zero if there were none.
    pub checked: Digest,
    /// Digest of the folds of weights that they used; zero if there were none.
    pub folds: Digest,
}

/// Bytes that are no audit proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofBytesError {
    /// Other bytes than expected at the start.
    #[error("not an audit proof: it does not begin with \"JNCAUDIT\"")]
    Magic,
    /// Made by another version.
    #[error("audit proof of version {got}; this build reads version {VERSION}")]
    Version {
        /// The version found.
        got: u16,
    },
    /// Too short or too long: all audit proofs have one length.
    #[error("an audit proof has {expected} bytes, these are {got}")]
    Length {
        /// Bytes of an audit proof.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// A kind of node that does not exist.
    #[error("audit proof with a node of kind {got}; 0 is a leaf, 1 a gathering")]
    Kind {
        /// The kind found.
        got: u8,
    },
    /// A number that is no field element in its only form.
    #[error("audit proof corrupt at offset {offset}: no field element")]
    Element {
        /// Where it stands.
        offset: usize,
    },
    /// Another count inside the proof than its shape has.
    #[error("audit proof corrupt at offset {offset}: {got} entries, its shape has {expected}")]
    Count {
        /// Where the count stands.
        offset: usize,
        /// By the shape.
        expected: u64,
        /// In the bytes.
        got: u64,
    },
}

impl AuditProof {
    /// Bytes of every audit proof.
    #[must_use]
    pub fn length(shape: &NodeShape) -> usize {
        let common = shape.common();
        let cap = 1 << common.config.fri_config.cap_height;
        HEADER + (3 + cap) * DIGEST + encoding::length(common)
    }

    /// The audit as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.push(u8::from(self.node.is_gathered()));
        bytes.extend(self.end.to_be_bytes());
        bytes.extend([self.checked, self.folds].map(|digest| digest.to_bytes()).concat());
        let key = &self.audit_key;
        for hash in std::iter::once(&key.circuit_digest).chain(&key.constants_sigmas_cap.0) {
            bytes.extend(Digest(hash.elements).to_bytes());
        }
        bytes.extend(self.node.proof().to_bytes());
        bytes
    }

    /// The audit in `bytes`, of the shape of the tree's nodes. Whether it shows anything is for [`Self::verify`]. Takes no
    /// more memory than the bytes are long, whatever they are.
    ///
    /// # Errors
    /// [`AuditError::ProofBytes`] when they are no audit; what is accepted has no other encoding.
    pub fn from_bytes(shape: &NodeShape, bytes: &[u8]) -> Result<Self, AuditError> {
        Ok(read(shape.common(), bytes, Self::length(shape))?)
    }

    /// Checks that the audit proves all of `claim` but its place in the chain of claims. This is what a sequencer asks for
    /// before it takes a `Settle`: the place is known only later, and [`crate::Wrapper::prove`] adds it.
    ///
    /// # Errors
    /// [`AuditError::Node`], [`AuditError::Coverage`], or [`AuditError::Aggregate`] when the proof does not verify.
    pub fn verify(&self, verifier: &AuditVerifier, claim: &Claim) -> Result<(), AuditError> {
        verifier.verify(self, claim)
    }
}

fn read(common: &Common, bytes: &[u8], expected: usize) -> Result<AuditProof, ProofBytesError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(ProofBytesError::Magic)?;
    if let Some((&version, _)) = rest.split_first_chunk()
        && u16::from_be_bytes(version) != VERSION
    {
        return Err(ProofBytesError::Version { got: u16::from_be_bytes(version) });
    }
    let length = ProofBytesError::Length { expected, got: bytes.len() };
    if bytes.len() != expected {
        return Err(length);
    }
    let Some(&[_, _, kind, a, b, c, d]) = rest.first_chunk() else { return Err(length) };
    let end = u32::from_be_bytes([a, b, c, d]);
    let body = HEADER + DIGEST * (3 + (1 << common.config.fri_config.cap_height));
    let mut hashes = Vec::new();
    for (i, chunk) in bytes[HEADER..body].chunks_exact(DIGEST).enumerate() {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(chunk);
        let digest = Digest::from_bytes(digest)
            .map_err(|_| ProofBytesError::Element { offset: HEADER + DIGEST * i })?;
        hashes.push(HashOut { elements: digest.0 });
    }
    let mut first = hashes.drain(..3);
    let (Some(checked), Some(folds), Some(circuit_digest)) = (first.next(), first.next(), first.next())
    else {
        return Err(length);
    };
    drop(first);
    let audit_key = Key { constants_sigmas_cap: MerkleCap(hashes), circuit_digest };
    let proof = encoding::read(common, bytes, body)?;
    let node = match kind {
        0 => AuditNode::Leaf(proof),
        1 => AuditNode::Gathered(proof),
        got => return Err(ProofBytesError::Kind { got }),
    };
    let [checked, folds] = [checked, folds].map(|hash| Digest(hash.elements));
    Ok(AuditProof { audit_key, node, end, checked, folds })
}
