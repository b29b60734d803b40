//! Helpers of the stage tests.

use halo2_proofs::dev::MockProver;
use halo2_proofs::halo2curves::bn256::Fr;

use super::columns::WrapCircuit;
use super::tape::Tape;

/// Base-two logarithm of the smallest circuit that holds the lookup table and the tape.
fn test_k(tape: &Tape) -> u32 {
    const BLINDED_ROWS: usize = 32;
    (17..).find(|k| tape.size().rows() + BLINDED_ROWS <= 1 << k).expect("a circuit of some size")
}

/// Whether the mock prover is satisfied.
pub fn is_satisfied(tape: Tape) -> bool {
    let instances = tape.instance_values();
    is_satisfied_with(tape, instances)
}

/// Whether the mock prover is satisfied with other public instances than the tape's.
pub fn is_satisfied_with(tape: Tape, instances: Vec<Fr>) -> bool {
    let k = test_k(&tape);
    let circuit = WrapCircuit { k, tape, witness_only: false };
    let prover = MockProver::run(k, &circuit, vec![instances]).expect("the circuit can be laid out");
    prover.verify().is_ok()
}
