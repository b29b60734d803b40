//! The sequencer as a whole, against an L1 in a file.

mod crash;
mod engine;
mod fake_l1;
mod posting;
mod service;
mod world;
