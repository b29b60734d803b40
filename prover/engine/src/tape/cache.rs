use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use plonky2::gates::gate::GateRef;

use super::check::check;
use super::trace::trace;
use super::{Tape, TapeError};
use crate::{D, F};

type Known = HashMap<String, Result<Arc<Tape>, TapeError>>;

/// The gate's tape, made and checked at its first use in this process. Gates are told apart by their ids, as Plonky2
/// does.
///
/// # Errors
/// [`TapeError`] where the gate cannot be traced.
pub fn traced(gate: &GateRef<F, D>) -> Result<Arc<Tape>, TapeError> {
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let id = gate.0.id();
    // Nothing is left half-written by a panic: entries are inserted whole.
    let found = known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    if let Some(tape) = found {
        return tape;
    }
    let tape = trace(gate).and_then(|tape| {
        check(gate, &tape)?;
        Ok(Arc::new(tape))
    });
    known.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(tape).clone()
}
