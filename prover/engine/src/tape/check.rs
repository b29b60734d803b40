use plonky2::field::types::Sample;
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::{Tape, TapeError};
use crate::guard::caught;
use crate::{D, F};

/// Points at which a tape is compared with its gate: differing polynomials of degree d agree at a random one with
/// probability d / 2^64.
const POINTS: usize = 4;

/// Compares the tape's constraints with the gate's own evaluation, at random points.
pub(super) fn check(gate: &GateRef<F, D>, tape: &Tape) -> Result<(), TapeError> {
    let contradiction = |difference| Err(TapeError::Contradiction { gate: gate.0.id(), difference });
    let count = gate.0.num_constraints();
    if tape.constraints().len() != count {
        return contradiction(format!("in number: {} and {count}", tape.constraints().len()));
    }
    if count == 0 {
        return Ok(());
    }
    let wires = F::rand_vec(gate.0.num_wires() * POINTS);
    let constants = F::rand_vec(gate.0.num_constants() * POINTS);
    let hash = HashOut { elements: F::rand_array() };
    let expected = caught(|| {
        let vars = EvaluationVarsBaseBatch::new(POINTS, &constants, &wires, &hash);
        gate.0.eval_unfiltered_base_batch(vars)
    });
    let expected = expected.map_err(|reason| TapeError::Panicked { gate: gate.0.id(), reason })?;
    for point in 0..POINTS {
        let at = |columns: &[F]| columns.iter().skip(point).step_by(POINTS).copied().collect::<Vec<F>>();
        let values = tape.evaluate(&at(&wires), &at(&constants), &hash.elements, |value| value);
        let differs = |&constraint: &usize| values[constraint] != expected[constraint * POINTS + point];
        if let Some(constraint) = (0..count).find(differs) {
            return contradiction(format!("in constraint {constraint}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::gates::arithmetic_base::ArithmeticGate;
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::tape::Graph;

    #[test]
    fn another_gates_tape_is_refused() {
        let gate = GateRef::new(ArithmeticGate::new_from_config(&CircuitConfig::standard_recursion_config()));
        let mut graph = Graph::default();
        let zero = graph.literal(F::ZERO);
        let wrong = vec![zero; gate.0.num_constraints()];
        let error = check(&gate, &graph.into_tape(&wrong)).expect_err("arithmetic is not nothing");
        assert!(matches!(error, TapeError::Contradiction { .. }), "{error}");
        let error = check(&gate, &Graph::default().into_tape(&[])).expect_err("too few");
        assert!(matches!(error, TapeError::Contradiction { .. }), "{error}");
    }
}
