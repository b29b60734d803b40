//! The families of segments, and the marks that keep them apart.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget, MerkleCapTarget};
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::config::Hasher;

use crate::config::{Builder, F, Key};

/// Which chain a segment belongs to.
///
/// Each family has its own leaf and join circuit (the inner keys are constants of theirs), and each node carries a mark
/// that depends on the family, so a proof of one can never stand where the other is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Chunks of the ledger; the chain is the run state.
    Ledger,
    /// Audits of whole jobs; the chain is that of the proven claims.
    Audit,
    /// Pieces of one program's audit; the chain is that of its audit states. Its leaves are joined by the gather circuit of
    /// `janction-audit`, whose mark also names the program.
    Pieces,
}

impl Family {
    /// The tag that goes into the family's marks, ASCII packed big-endian.
    #[must_use]
    pub const fn tag(self) -> u64 {
        match self {
            Self::Ledger => u64::from_be_bytes(*b"\0JLEDGER"),
            Self::Audit => u64::from_be_bytes(*b"\0JAUDITS"),
            Self::Pieces => u64::from_be_bytes(*b"\0JPIECES"),
        }
    }

    /// The mark of the family's leaves. A join's mark is a hash, so it collides with this one only by a preimage of
    /// `[tag, 0, 0, 0]`.
    #[must_use]
    pub fn leaf_mark(self) -> HashOut<F> {
        HashOut { elements: [F::from_canonical_u64(self.tag()), F::ZERO, F::ZERO, F::ZERO] }
    }

    /// The mark of the family's joins: the hash of their whole key. The circuit digest alone would not do, because an
    /// inner proof is checked against the *cap*; both are hashed, after the tag and the number of cap entries.
    #[must_use]
    pub fn join_mark(self, key: &Key) -> HashOut<F> {
        let cap = &key.constants_sigmas_cap.0;
        let head = [F::from_canonical_u64(self.tag()), F::from_canonical_usize(cap.len())];
        let elements = head
            .into_iter()
            .chain(key.circuit_digest.elements)
            .chain(cap.iter().flat_map(|hash| hash.elements))
            .collect::<Vec<_>>();
        PoseidonHash::hash_no_pad(&elements)
    }

    /// [`Self::join_mark`] in a circuit.
    pub(crate) fn join_mark_target(
        self,
        builder: &mut Builder,
        key: &VerifierCircuitTarget,
    ) -> HashOutTarget {
        let MerkleCapTarget(cap) = &key.constants_sigmas_cap;
        let head: [Target; 2] = [
            builder.constant(F::from_canonical_u64(self.tag())),
            builder.constant(F::from_canonical_usize(cap.len())),
        ];
        let elements = head
            .into_iter()
            .chain(key.circuit_digest.elements)
            .chain(cap.iter().flat_map(|hash| hash.elements))
            .collect::<Vec<_>>();
        builder.hash_n_to_hash_no_pad::<PoseidonHash>(elements)
    }
}
