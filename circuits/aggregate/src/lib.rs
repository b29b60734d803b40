//! The recursive tree: joins ledger chunks and audits into one root proof.
