//! Helpers of the stage tests.

use halo2_base::halo2_proofs::dev::MockProver;

use super::columns::WrapCircuit;
use super::tape::Tape;

/// Smallest circuit that holds the lookup table.
const TEST_K: u32 = 17;

/// Whether the mock prover is satisfied.
pub fn is_satisfied(tape: Tape) -> bool {
    let instances = vec![tape.instance_values()];
    let circuit = WrapCircuit { k: TEST_K, tape, witness_only: false };
    let prover = MockProver::run(TEST_K, &circuit, instances).expect("the circuit can be laid out");
    prover.verify().is_ok()
}
