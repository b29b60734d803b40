//! What binds the circuits to the bytes that the contract saw: D, r, f and, for a range, D*, r*, f*(r*);
//! `docs/protocol.md` sections 5 and 6.

mod challenge;
mod fingerprint;
mod public_inputs;
mod range;

pub use challenge::{challenge, range_challenge};
pub use fingerprint::{fingerprint, fold, stream_digest};
pub use public_inputs::{PUBLIC_INPUTS, PublicInputs};
pub use range::{BatchEntry, Range};

pub(crate) use range::absorb_list;
