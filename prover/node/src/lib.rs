//! The proof pipeline: from batches to one proof that L1 verifies.

pub mod cache;
