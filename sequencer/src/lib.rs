//! The sequencer: store, mempool, batcher, API and L1 poster.
