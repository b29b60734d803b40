//! Gadgets shared by the circuits.
