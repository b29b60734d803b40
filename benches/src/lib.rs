//! Benchmarks: stages and peers.
