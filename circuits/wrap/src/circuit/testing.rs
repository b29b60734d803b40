//! Helpers of the stage tests.

use halo2_proofs::dev::MockProver;

use super::columns::WrapCircuit;
use super::tape::Tape;

/// Base-two logarithm of the smallest circuit that holds the lookup table and the tape.
fn test_k(tape: &Tape) -> u32 {
    const BLINDED_ROWS: usize = 32;
    (17..).find(|k| tape.size().rows() + BLINDED_ROWS <= 1 << k).expect("a circuit of some size")
}

/// Whether the mock prover is satisfied.
pub fn is_satisfied(tape: Tape) -> bool {
    let instances = vec![tape.instance_values()];
    let k = test_k(&tape);
    let circuit = WrapCircuit { k, tape, witness_only: false };
    let prover = MockProver::run(k, &circuit, instances).expect("the circuit can be laid out");
    prover.verify().is_ok()
}
