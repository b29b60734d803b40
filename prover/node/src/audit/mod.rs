//! Audits: from a job's openings to the `Settle` that pays its winner.

pub mod materials;
pub mod pipeline;

mod circuits;
mod fault;
mod work;

pub use materials::{MaterialError, Materials};
pub use pipeline::AuditPipeline;
pub(crate) use work::AuditWork;
