//! Rust bindings of the contracts: the one crate that speaks to L1.
//!
//! [`abi`] holds what `sol!` makes of the checked-in artifacts (`npm run artifacts` extracts them from forge's output).

pub mod abi;
