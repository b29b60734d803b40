//! The circuits of programs' audits, in memory and on disk.

use std::sync::{Arc, Mutex, PoisonError};

use janction_audit::keys::OWN;
use janction_audit::{AuditCircuits, AuditError, Wrapper};
use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::Policy;

use crate::cache::Cache;
use crate::error::ProverError;

/// Audits whose circuits stay on disk: up to 0.3 GB each.
const ON_DISK: usize = 8;

/// The circuits of the audits that were proven last: of one in memory (up to 0.3 GB, beside the keys of ranges and the wrap),
/// of some more on disk, from where they come back in seconds.
#[derive(Debug)]
pub(crate) struct CircuitsOfPrograms {
    disk: Cache,
    memory: Mutex<Option<Arc<AuditCircuits>>>,
}

impl CircuitsOfPrograms {
    pub(crate) const fn new(disk: Cache) -> Self {
        Self { disk, memory: Mutex::new(None) }
    }

    /// The circuits of `program` under `policy`, which must have the audit key that a claim names.
    ///
    /// # Errors
    /// [`ProverError::AuditKey`] when they have another one, [`ProverError::Audit`] when the program cannot be audited.
    pub(crate) fn get(
        &self,
        wrapper: &Wrapper,
        program: &Program,
        policy: Policy,
        audit_key: Digest,
    ) -> Result<Arc<AuditCircuits>, ProverError> {
        if let Some(circuits) = self.remembered(program, policy) {
            return with_key(circuits, audit_key);
        }
        // Two programs' circuits are never held at once.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fetch = |circuit: &'static str| {
            let missing = AuditError::KeyBytes { circuit, action: "found" };
            self.disk.read(&file(audit_key, circuit))?.ok_or(ProverError::Audit(missing))
        };
        let circuits = match AuditCircuits::from_keys(program.clone(), policy, audit_key, fetch) {
            Ok(circuits) => Arc::new(circuits),
            Err(reason) => {
                tracing::info!(program = %program.digest(), %policy, %reason, "building the circuits of an audit");
                let built = Arc::new(AuditCircuits::build(wrapper.shape(), program.clone(), policy)?);
                let built = with_key(built, audit_key)?;
                if let Err(error) = self.store(&built) {
                    tracing::warn!(%error, "the circuits are not kept; they will be built again");
                }
                built
            }
        };
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&circuits));
        Ok(circuits)
    }

    fn store(&self, circuits: &AuditCircuits) -> Result<(), ProverError> {
        for circuit in OWN {
            self.disk.write(&file(circuits.audit_key_digest(), circuit), &circuits.key(circuit)?)?;
        }
        Ok(self.disk.keep_newest(ON_DISK * OWN.len())?)
    }

    fn remembered(&self, program: &Program, policy: Policy) -> Option<Arc<AuditCircuits>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.as_ref()?;
        let same = known.policy() == policy && known.program().digest() == program.digest();
        same.then(|| Arc::clone(known))
    }
}

fn file(audit_key: Digest, circuit: &str) -> String {
    format!("{audit_key}-{circuit}.key")
}

/// Whoever posted the job must have named the key that follows from program and policy; no proof with another one settles.
fn with_key(circuits: Arc<AuditCircuits>, expected: Digest) -> Result<Arc<AuditCircuits>, ProverError> {
    let got = circuits.audit_key_digest();
    if got == expected { Ok(circuits) } else { Err(ProverError::AuditKey { expected, got }) }
}
