//! Rust bindings of the contracts: the one crate that speaks to L1.
