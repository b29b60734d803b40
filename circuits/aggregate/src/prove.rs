//! Who makes the proofs; each is verified before it is handed out.

use std::error::Error;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use plonky2::iop::witness::PartialWitness;

use crate::config::{Circuit, F, Proof};
use crate::error::AggregateError;

/// An error of whatever stands behind a [`Prover`].
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Makes proofs of built circuits. Implemented by [`Stock`] and by every fitting closure, so that the prover's engine
/// can be put in without this crate knowing of it.
pub trait Prover {
    /// Completes the witness from `inputs` and proves.
    ///
    /// # Errors
    /// When no witness satisfies the circuit, or the machine fails.
    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, BoxError>;
}

impl<P> Prover for P
where
    P: Fn(&Circuit, PartialWitness<F>) -> Result<Proof, BoxError>,
{
    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, BoxError> {
        self(circuit, inputs)
    }
}

/// Plonky2's own prover. It panics on some contradictory witnesses; that is an error here, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl Prover for Stock {
    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, BoxError> {
        catch_unwind(AssertUnwindSafe(|| circuit.prove(inputs)))
            .map_err(|_| "Plonky2 panicked on a contradictory witness")?
            .map_err(Into::into)
    }
}

/// Turns any error on the way to a proof into ours.
pub(crate) fn failed(circuit: &'static str, reason: impl Display) -> AggregateError {
    AggregateError::Prove { circuit, reason: reason.to_string() }
}

/// Proves and verifies.
///
/// # Errors
/// [`AggregateError::Prove`] when there is no proof, [`AggregateError::Invalid`] when it does not verify.
pub fn prove_verified(
    prover: &dyn Prover,
    name: &'static str,
    circuit: &Circuit,
    inputs: PartialWitness<F>,
) -> Result<Proof, AggregateError> {
    let proof = prover.prove(circuit, inputs).map_err(|e| failed(name, e))?;
    circuit
        .verify(proof.clone())
        .map_err(|e| AggregateError::Invalid { circuit: name, reason: e.to_string() })?;
    Ok(proof)
}
