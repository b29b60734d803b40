//! The sequencer: store, mempool, batcher, API and L1 poster.

pub mod failpoint;
pub mod mempool;
pub mod refusal;
pub mod store;
