//! Poseidon among the hashers.

use std::any::TypeId;

use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::{GenericHashOut, Hasher};

use crate::F;

/// Whether a hasher is the one that has been made fast.
pub(crate) fn is_poseidon<H: 'static>() -> bool {
    TypeId::of::<H>() == TypeId::of::<PoseidonHash>()
}

/// The same digest under the hasher's own name for it.
pub(crate) fn digest<H: Hasher<F>>(digest: &HashOut<F>) -> H::Hash {
    H::Hash::from_bytes(&GenericHashOut::<F>::to_bytes(digest))
}
