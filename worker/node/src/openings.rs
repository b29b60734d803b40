//! What an audit opens, as bytes for the blob store: under `full` the whole trace, under `rows` the audited rows with their
//! paths.

use janction_program::Program;
use janction_protocol::claim::Claim;
use janction_trace::{Commitment, Openings, Policy, PolicyError, Trace};

use crate::{AuditKeys, WorkerError};

/// The openings of `claim`'s audit. Blocks, for as long as a key takes if it is not known any more.
///
/// Whether the trace is *right* is not asked here: who falsified it may open it all the same, and be found.
///
/// # Errors
/// [`WorkerError::Content`] when the claim has no such policy or no beacon, [`WorkerError::Audit`].
pub(crate) fn encode(
    keys: &AuditKeys,
    program: &Program,
    trace: Trace,
    claim: &Claim,
) -> Result<Vec<u8>, WorkerError> {
    let wrong = |error: PolicyError| WorkerError::Content {
        job: claim.job,
        what: "policy",
        reason: error.to_string(),
    };
    let commitment = Commitment::of(claim).map_err(wrong)?;
    let draws = match commitment.policy {
        Policy::Full => 0,
        // The last piece of an audit is as long as the others, so it may check more draws than the policy has.
        policy @ Policy::Rows(_) => {
            keys.facts(program, policy)?.pieces.end(policy, claim.input_rows) as usize
        }
    };
    Ok(Openings::of(program, trace, &commitment, draws).map_err(wrong)?.to_bytes())
}
