//! The whole verifier: from a proof to a tape.

use halo2_proofs::halo2curves::bn256::Fr;
use plonky2::field::types::PrimeField64;

use super::inner::InnerCircuit;
use super::proof::{LastProof, ProofCells};
use super::tape::Tape;
use super::{fri, poseidon, proof_of_work, transcript, vanishing};
use crate::error::WrapError;

/// Arithmetises the verification of `proof`. Its shape must have been validated, its content need not be valid:
/// then the tape cannot be satisfied.
///
/// Public instances: the public inputs of the proof, each one element of Fr and canonical below p.
///
/// # Errors
/// [`WrapError::UnsupportedGate`].
pub fn verify(inner: &InnerCircuit, proof: &LastProof) -> Result<Tape, WrapError> {
    let mut tape = Tape::default();
    let instances = tape.expose(proof.public_inputs.iter().map(|input| Fr::from(input.to_canonical_u64())));
    let proof = ProofCells::assign(&mut tape, proof);
    for (&input, instance) in proof.public_inputs.iter().zip(instances) {
        let canonical = tape.gl_canonical(input);
        tape.assert_same(canonical, instance);
    }
    let public_inputs_hash = poseidon::hash_no_pad(&mut tape, &proof.public_inputs);
    let challenges = transcript::challenges(&mut tape, inner, &proof, &public_inputs_hash);
    proof_of_work::check(&mut tape, inner, &challenges);
    vanishing::check(&mut tape, inner, &proof.openings, &challenges, &public_inputs_hash)?;
    fri::check(&mut tape, inner, &proof, &challenges);
    Ok(tape)
}
