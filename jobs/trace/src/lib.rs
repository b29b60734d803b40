//! Row commitments of an execution trace, the openings that an audit needs, and the rows that a beacon draws.
//!
//! - [`Trace`]: what a worker commits to: the tree over the rows of every tensor that a program computes.
//! - [`RowOpening`]: one committed row with its Merkle path.
//! - [`Openings`]: everything that an audit looks at, and the whole audit natively; [`DrawnRows`]: what it is under `rows`.
//! - [`check_row`]: the one unit of audit, natively.
//! - [`Policy`] and [`draw`]: which rows are audited.
//! - [`soundness`]: what that finds, in numbers; [`simulation`]: the same by trying it.

mod blob;
mod check;
pub mod draw;
mod drawn;
mod opening;
mod openings;
mod policy;
pub mod simulation;
pub mod soundness;
mod trace;

pub use blob::BlobError;
pub use check::{CheckError, RowFault, check_row};
pub use drawn::{DrawnRows, RowPair};
pub use opening::{OpeningError, RowOpening, block_of};
pub use openings::{Commitment, Openings, OpeningsError};
pub use policy::{Policy, PolicyError};
pub use trace::{CommittedTensor, Trace, TraceError, trace_root};
