//! The protocol: hashing, trees, transactions, the state transition function and the public-data format.
//!
//! Pure: no I/O, no clock, no threads. `docs/protocol.md` is the normative text; a name here is the name there.
//!
//! - [`crypto`]: Schnorr signatures over ecGFp5.
//! - [`hash`]: domain-separated Poseidon: sponge, tree node, chain.
//! - [`state`]: accounts, jobs, the ledger state and the run state that goes from step to step.
//! - [`tree`]: the sparse Merkle trees of depth 24 and their openings.
//! - [`stream`]: a batch as bytes: limbs, blocks, header.
//! - [`transaction`]: what each kind says and how it lies in the stream; signed transactions.
//! - [`transition`]: the state transition function: a rule per kind, step witnesses, their replay.
//! - [`ledger`]: the ledger in memory; batches from transactions, and from public bytes alone.
//! - [`claim`]: what a `Settle` demands and an audit proves.
//! - [`binding`]: what binds proofs to the bytes that the contract saw.

pub mod address;
pub mod amount;
pub mod binding;
pub mod claim;
pub mod crypto;
pub mod hash;
pub mod ledger;
pub mod state;
pub mod stream;
pub mod transaction;
pub mod transition;
pub mod tree;

pub use address::{Address, Deployment};
pub use amount::Amount;
pub use hash::Digest;

/// The base field: Goldilocks, p = 2^64 - 2^32 + 1.
pub type F = plonky2::field::goldilocks_field::GoldilocksField;
