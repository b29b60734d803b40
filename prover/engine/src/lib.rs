//! The Plonky2 proving engine behind one interface.
