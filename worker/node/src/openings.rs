//! What an audit opens, as bytes for the blob store: under `full` the whole trace, under `rows` the audited rows with their
//! paths.

use janction_program::Program;
use janction_protocol::F;
use janction_protocol::claim::Claim;
use janction_trace::{Openings, Policy, Trace};
use plonky2::field::types::Field;

use crate::{AuditKeys, WorkerError};

/// The openings of `claim`'s audit.
///
/// # Errors
/// [`WorkerError::Content`] when the claim has a policy that does not exist.
pub(crate) fn encode(
    _: &AuditKeys,
    program: &Program,
    trace: &Trace,
    claim: &Claim,
) -> Result<Vec<u8>, WorkerError> {
    let wrong = |reason: String| WorkerError::Content { job: claim.job, what: "policy", reason };
    let policy = Policy::from_code(claim.policy).map_err(|e| wrong(e.to_string()))?;
    match policy {
        Policy::Full => Ok(trace.to_bytes()),
        Policy::Rows(_) => {
            let beacon = claim.beacon.map(F::from_canonical_u64);
            let openings =
                Openings::of(program, trace, policy, Some(beacon)).map_err(|e| wrong(e.to_string()))?;
            Ok(openings.to_bytes())
        }
    }
}
