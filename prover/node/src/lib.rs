//! Proof pipeline: from batches to a proof on L1.
