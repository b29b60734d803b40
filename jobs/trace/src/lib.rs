//! Row commitments of an execution trace and the rows that a beacon draws.
