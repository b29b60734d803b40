//! The ledger chunk circuit: one file per rule.
