//! The circuits of programs' audits, in memory and on disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use janction_audit::keys::OWN;
use janction_audit::{AuditCircuits, AuditError, Wrapper};
use janction_program::Program;
use janction_protocol::Digest;
use janction_trace::Policy;

use crate::cache::Cache;
use crate::error::ProverError;

/// Audits whose circuits stay in memory: up to 0.6 GB each.
const IN_MEMORY: usize = 2;
/// Audits whose circuits stay on disk: up to 0.3 GB each.
const ON_DISK: usize = 8;

/// The circuits of the audits that were proven last.
#[derive(Debug)]
pub(crate) struct CircuitsOfPrograms {
    disk: Cache,
    memory: Mutex<VecDeque<Arc<AuditCircuits>>>,
}

impl CircuitsOfPrograms {
    pub(crate) const fn new(disk: Cache) -> Self {
        Self { disk, memory: Mutex::new(VecDeque::new()) }
    }

    /// The circuits of `program` under `policy`, which must have the audit key that a claim names.
    ///
    /// # Errors
    /// [`ProverError::AuditKey`] when they have another one, [`ProverError::Audit`] when the program cannot be audited,
    /// [`ProverError::Cache`] on a full disk.
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
        let file = |circuit| format!("{audit_key}-{circuit}.key");
        let fetch = |circuit: &'static str| {
            let missing = AuditError::KeyBytes { circuit, action: "found" };
            self.disk.read(&file(circuit))?.ok_or(ProverError::Audit(missing))
        };
        let circuits = match AuditCircuits::from_keys(program.clone(), policy, audit_key, fetch) {
            Ok(circuits) => Arc::new(circuits),
            Err(reason) => {
                tracing::info!(program = %program.digest(), %policy, %reason, "building the circuits of an audit");
                let built = Arc::new(AuditCircuits::build(wrapper.shape(), program.clone(), policy)?);
                let built = with_key(built, audit_key)?;
                for circuit in OWN {
                    self.disk.write(&file(circuit), &built.key(circuit)?)?;
                }
                self.disk.keep_newest(ON_DISK * OWN.len())?;
                built
            }
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.push_front(Arc::clone(&circuits));
        memory.truncate(IN_MEMORY);
        Ok(circuits)
    }

    fn remembered(&self, program: &Program, policy: Policy) -> Option<Arc<AuditCircuits>> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = program.digest();
        memory.iter().find(|known| known.policy() == policy && known.program().digest() == digest).cloned()
    }
}

/// Whoever posted the job must have named the key that follows from program and policy; no proof with another one settles.
fn with_key(circuits: Arc<AuditCircuits>, expected: Digest) -> Result<Arc<AuditCircuits>, ProverError> {
    let got = circuits.audit_key_digest();
    if got == expected { Ok(circuits) } else { Err(ProverError::AuditKey { expected, got }) }
}
