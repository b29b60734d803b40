//! The constraints of any gate as arithmetic over the base field, by tracing.
//!
//! A gate is opaque: it evaluates its constraints over Plonky2's field, and a code generator needs formulas. But every
//! gate can also *describe* its constraints to a circuit, so that proofs with it can be verified in a proof. [`trace`]
//! has a gate do that with free targets for wires, constants and public inputs' hash, and reads the formulas off the
//! circuit's generators. [`Graph`] shares common subexpressions and folds constants as they come in; what no constraint
//! needs is dropped; [`Program`] puts the rest in order.
//!
//! Nothing is taken on trust: every tape is compared with the gate's own evaluation on random points when it is made.
//! A gate whose description does not match, or is not arithmetic, is refused with a [`TapeError`] that names it.

mod cache;
mod check;
mod error;
mod graph;
mod program;
mod steps;
mod trace;

pub use cache::traced;
pub use error::TapeError;
pub use graph::{Graph, Node, Tape};
pub use program::{Instruction, Operand, Program};
