//! The grinding check.

use super::inner::InnerCircuit;
use super::tape::Tape;
use super::transcript::Challenges;

/// Constrains the canonical response to as many leading zeros as the configuration demands.
pub fn check(tape: &mut Tape, inner: &InnerCircuit, challenges: &Challenges) {
    let bits = 64 - inner.common.config.fri_config.proof_of_work_bits as usize;
    tape.assert_bits(challenges.pow_response, bits);
}
