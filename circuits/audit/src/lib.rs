//! Audit circuits: one file per operation.
