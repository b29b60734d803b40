//! Panics of gates, generators and provers become errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::EngineError;

/// Runs a prover that owns what it changes, so that nothing half-written is seen after a panic.
pub(crate) fn guarded<T>(
    engine: &'static str,
    prove: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    caught(prove).unwrap_or_else(|reason| Err(EngineError::Panicked { engine, reason }))
}

/// Runs what may panic; the error is the panic's message. What `run` changes it must own.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}
