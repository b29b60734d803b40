//! Tools for tests that break a circuit on purpose.
//!
//! [`generate`] runs a circuit's witness generators with some targets *forced* to values of the attacker's choice, and
//! lets everything that depends on them follow, so that a test forges a whole consistent witness by naming its lie.
//! [`check`] evaluates every gate on every row without making a proof (milliseconds where a proof takes seconds) and
//! names what is violated. [`prove`] makes and verifies a real proof from such a witness. Copy constraints cannot be
//! broken this way, because a target and its copies share one value: that is what copy constraints are for.
//!
//! Other crates use this module in their tests through the feature `test-utils`.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use plonky2::field::types::{Field, PrimeField64, Sample};
use plonky2::gates::gate::Gate;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::Hasher;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::plonk::vars::{EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch};
use plonky2::util::timing::TimingTree;

use crate::{C, D, F};

/// The extension field of Plonky2's challenges.
type Extension = plonky2::field::extension::quadratic::QuadraticExtension<F>;

/// Why a witness does not satisfy a circuit.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// A gate's constraint is not zero.
    #[error("row {row}: constraint {constraint} of {gate} is not zero")]
    Gate {
        /// Row of the trace.
        row: usize,
        /// The gate's identifier.
        gate: String,
        /// Index of the constraint within the gate.
        constraint: usize,
    },
    /// Some generators could not run, because nothing determines their inputs.
    #[error("{count} witness generators did not run, the first is {first}")]
    Incomplete {
        /// Number of generators.
        count: usize,
        /// Identifier of the first one.
        first: String,
    },
    /// Two sources give a target two values.
    #[error("conflicting values for a target: {0}")]
    Conflict(String),
    /// The prover refused the witness or the verifier the proof.
    #[error("no valid proof: {0}")]
    Proof(String),
}

/// Runs the circuit's generators on `inputs`, with the targets in `forced` (and all their copies) held at the given
/// values whatever a generator or an input says.
///
/// # Errors
/// [`Violation::Conflict`] when two generators disagree on a target that is not forced (a lie that contradicts a copy
/// constraint), [`Violation::Incomplete`] when inputs are missing.
pub fn generate<'a>(
    circuit: &'a CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
    forced: &[(Target, F)],
) -> Result<PartitionWitness<'a, F>, Violation> {
    let prover = &circuit.prover_only;
    let config = &circuit.common.config;
    let degree = circuit.common.degree();
    let mut witness = PartitionWitness::new(config.num_wires, degree, &prover.representative_map);
    let representative = |t: Target| prover.representative_map[t.index(config.num_wires, degree)];
    let mut is_forced = vec![false; witness.values.len()];
    let conflict = |e: &dyn std::fmt::Display| Violation::Conflict(e.to_string());
    for &(target, value) in forced {
        let index = representative(target);
        is_forced[index] = true;
        witness.values[index] = Some(value);
    }
    for (target, value) in inputs.target_values {
        if !is_forced[representative(target)] {
            witness.set_target_returning_rep(target, value).map_err(|e| conflict(&e))?;
        }
    }
    let mut finished = vec![false; prover.generators.len()];
    let mut pending: Vec<usize> = (0..finished.len()).collect();
    let mut buffer = GeneratedValues::empty();
    while !pending.is_empty() {
        let mut next = Vec::new();
        for &i in &pending {
            if finished[i] {
                continue;
            }
            finished[i] = prover.generators[i].0.run(&witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                if is_forced[representative(target)] {
                    continue;
                }
                let set = witness.set_target_returning_rep(target, value).map_err(|e| conflict(&e))?;
                let watchers = set.and_then(|index| prover.generator_indices_by_watches.get(&index));
                next.extend(watchers.into_iter().flatten().copied().filter(|&w| !finished[w]));
            }
        }
        pending = next;
    }
    let missing: Vec<usize> = (0..finished.len()).filter(|&i| !finished[i]).collect();
    match missing.first() {
        None => Ok(witness),
        Some(&i) => Err(Violation::Incomplete { count: missing.len(), first: prover.generators[i].0.id() }),
    }
}

/// Evaluates every constraint of every gate on every row of `witness`, and looks whether every pair that is looked up is in its
/// table (which Plonky2's lookup argument shows).
///
/// # Errors
/// [`Violation::Gate`] for the first constraint that is not zero, or pair that is in no table.
pub fn check(circuit: &CircuitData<F, C, D>, witness: &PartitionWitness<F>) -> Result<(), Violation> {
    let common = &circuit.common;
    check_lookups(circuit, witness)?;
    let groups = selector_groups(circuit);
    let constants: Vec<Vec<F>> = circuit.prover_only.constants_sigmas_commitment.polynomials
        [..common.num_constants]
        .iter()
        .map(|p| p.clone().fft().values)
        .collect();
    let public_inputs: Vec<F> =
        circuit.prover_only.public_inputs.iter().map(|&t| value(witness, t)).collect();
    let public_inputs_hash = PoseidonHash::hash_no_pad(&public_inputs);
    let prefix = groups.len() + common.num_lookup_selectors;
    for row in 0..common.degree() {
        // A row's gate is named by the one selector whose value lies in its own group.
        let selected = |(i, group): (usize, &Range<usize>)| {
            let gate = constants[i][row].to_canonical_u64() as usize;
            group.contains(&gate).then_some(gate)
        };
        let gate = groups.iter().enumerate().find_map(selected).expect("every row has a gate");
        let local_constants: Vec<Extension> =
            constants[prefix..].iter().map(|c| Extension::from(c[row])).collect();
        let local_wires: Vec<Extension> = (0..common.config.num_wires)
            .map(|column| Extension::from(value(witness, Target::wire(row, column))))
            .collect();
        let vars = EvaluationVars {
            local_constants: &local_constants,
            local_wires: &local_wires,
            public_inputs_hash: &public_inputs_hash,
        };
        let values = common.gates[gate].0.eval_unfiltered(vars);
        if let Some(constraint) = values.iter().position(|v| *v != Extension::ZERO) {
            return Err(Violation::Gate { row, gate: common.gates[gate].0.id(), constraint });
        }
    }
    Ok(())
}

/// The part of [`check`] that concerns lookup tables.
fn check_lookups(circuit: &CircuitData<F, C, D>, witness: &PartitionWitness<F>) -> Result<(), Violation> {
    for (table, lookups) in circuit.common.luts.iter().zip(&circuit.prover_only.lut_to_lookups) {
        for (constraint, &(input, output)) in lookups.iter().enumerate() {
            let pair = [input, output].map(|target| value(witness, target).to_canonical_u64());
            if !table.iter().any(|&(input, output)| [input, output].map(u64::from) == pair) {
                return Err(Violation::Gate { row: 0, gate: "LookupGate".into(), constraint });
            }
        }
    }
    Ok(())
}

/// Makes a proof from `witness` with the stock prover, and verifies it.
///
/// # Errors
/// [`Violation::Proof`] when the prover cannot make one (it panics on a quotient that is not a polynomial) or the
/// verifier rejects it.
pub fn prove(circuit: &CircuitData<F, C, D>, witness: PartitionWitness<F>) -> Result<(), Violation> {
    let proof = catch_unwind(AssertUnwindSafe(|| {
        prove_with_partition_witness::<F, C, D>(
            &circuit.prover_only,
            &circuit.common,
            witness,
            &mut TimingTree::default(),
        )
    }))
    .map_err(|_| Violation::Proof("the prover panicked".into()))?
    .map_err(|e| Violation::Proof(e.to_string()))?;
    circuit.verify(proof).map_err(|e| Violation::Proof(e.to_string()))
}

/// Asserts that the circuit rejects `inputs` once the targets in `forced` hold the attacker's values, and returns why.
///
/// # Panics
/// When a satisfying witness exists with these values as far as the generators can find one.
pub fn assert_rejected(
    circuit: &CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
    forced: &[(Target, F)],
) -> Violation {
    match generate(circuit, inputs, forced) {
        Err(violation) => violation,
        Ok(witness) => check(circuit, &witness).expect_err("a forged witness satisfies the circuit"),
    }
}

/// Checks that the three evaluations of a gate agree at random points: over the base field (packed, on a batch that
/// leaves a remainder), over the extension field, and in the circuit of a recursive verifier; and that no constraint
/// has a larger degree than the gate declares.
///
/// # Panics
/// When they do not.
pub fn check_gate<G: Gate<F, D> + Clone>(gate: &G) {
    let public_inputs_hash = HashOut::<F>::ZERO;
    const BATCH: usize = 11;
    let wires = F::rand_vec(gate.num_wires() * BATCH);
    let constants = F::rand_vec(gate.num_constants() * BATCH);
    let batch = EvaluationVarsBaseBatch::new(BATCH, &constants, &wires, &public_inputs_hash);
    let evaluations = gate.eval_unfiltered_base_batch(batch);
    for point in 0..BATCH {
        let lift = |values: &[F], n: usize| -> Vec<Extension> {
            (0..n).map(|i| Extension::from(values[i * BATCH + point])).collect()
        };
        let vars = EvaluationVars {
            local_constants: &lift(&constants, gate.num_constants()),
            local_wires: &lift(&wires, gate.num_wires()),
            public_inputs_hash: &public_inputs_hash,
        };
        let expected = gate.eval_unfiltered(vars);
        assert_eq!(expected.len(), gate.num_constraints(), "number of constraints");
        for (i, e) in expected.iter().enumerate() {
            assert_eq!(*e, Extension::from(evaluations[i * BATCH + point]), "constraint {i}, base field");
        }
    }
    check_degree(gate);
    check_circuit_evaluation(gate);
}

/// The degree of each constraint along a random line, measured by finite differences, against the declared one.
fn check_degree<G: Gate<F, D>>(gate: &G) {
    let (n, m) = (gate.num_wires(), gate.num_constants());
    let line: Vec<[F; 2]> = (0..n + m).map(|_| [F::rand(), F::rand()]).collect();
    // A polynomial of degree d has zero (d + 1)-th differences; one more point than needed per constraint.
    let points = gate.degree() + 2;
    let mut table: Vec<Vec<Extension>> = (0..points)
        .map(|t| {
            let at = |[a, b]: [F; 2]| Extension::from(a + b * F::from_canonical_usize(t));
            let all: Vec<Extension> = line.iter().map(|&l| at(l)).collect();
            gate.eval_unfiltered(EvaluationVars {
                local_constants: &all[n..],
                local_wires: &all[..n],
                public_inputs_hash: &HashOut::ZERO,
            })
        })
        .collect();
    while table.len() > 1 {
        table = table.windows(2).map(|w| w[1].iter().zip(&w[0]).map(|(a, b)| *a - *b).collect()).collect();
    }
    for (i, difference) in table[0].iter().enumerate() {
        assert_eq!(*difference, Extension::ZERO, "constraint {i} exceeds degree {}", gate.degree());
    }
}

/// Compares `eval_unfiltered_circuit` with `eval_unfiltered` at a random point of the extension field.
fn check_circuit_evaluation<G: Gate<F, D>>(gate: &G) {
    let wires = Extension::rand_vec(gate.num_wires());
    let constants = Extension::rand_vec(gate.num_constants());
    let expected = gate.eval_unfiltered(EvaluationVars {
        local_constants: &constants,
        local_wires: &wires,
        public_inputs_hash: &HashOut::ZERO,
    });
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let wire_targets = builder.add_virtual_extension_targets(wires.len());
    let constant_targets = builder.add_virtual_extension_targets(constants.len());
    let hash = builder.constant_hash(HashOut::ZERO);
    let evaluations = gate.eval_unfiltered_circuit(
        &mut builder,
        EvaluationTargets {
            local_constants: &constant_targets,
            local_wires: &wire_targets,
            public_inputs_hash: &hash,
        },
    );
    assert_eq!(evaluations.len(), expected.len(), "number of constraints in circuit");
    let circuit = builder.build::<C>();
    let mut inputs = PartialWitness::new();
    set_extensions(&mut inputs, &wire_targets, &wires);
    set_extensions(&mut inputs, &constant_targets, &constants);
    let witness = generate(&circuit, inputs, &[]).expect("honest inputs");
    check(&circuit, &witness).expect("honest inputs");
    for (i, (target, e)) in evaluations.iter().zip(&expected).enumerate() {
        assert_eq!(witness.get_extension_target(*target), *e, "constraint {i}, in circuit");
    }
}

/// Rows that a recursive verifier spends to evaluate `gate` and to fold its constraints.
pub fn recursion_rows<G: Gate<F, D>>(gate: &G) -> usize {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let local_wires = builder.add_virtual_extension_targets(gate.num_wires());
    let local_constants = builder.add_virtual_extension_targets(gate.num_constants());
    let public_inputs_hash = builder.add_virtual_hash();
    let vars = EvaluationTargets {
        local_constants: &local_constants,
        local_wires: &local_wires,
        public_inputs_hash: &public_inputs_hash,
    };
    let filter = builder.add_virtual_extension_target();
    for constraint in gate.eval_unfiltered_circuit(&mut builder, vars) {
        builder.mul_add_extension(filter, constraint, constraint);
    }
    builder.num_gates()
}

fn set_extensions(
    inputs: &mut PartialWitness<F>,
    targets: &[plonky2::iop::ext_target::ExtensionTarget<D>],
    values: &[Extension],
) {
    for (target, value) in targets.iter().zip(values) {
        inputs.set_extension_target(*target, *value).expect("a fresh target");
    }
}

/// A wire's value; unused wires are zero, as in the prover.
fn value(witness: &PartitionWitness<F>, target: Target) -> F {
    witness.try_get_target(target).unwrap_or(F::ZERO)
}

/// The gates of each selector. Plonky2 keeps them private but serialises them.
fn selector_groups(circuit: &CircuitData<F, C, D>) -> Vec<Range<usize>> {
    #[derive(serde::Deserialize)]
    struct Selectors {
        groups: Vec<Range<usize>>,
    }
    let json = serde_json::to_value(&circuit.common.selectors_info).expect("plain integers");
    serde_json::from_value::<Selectors>(json).expect("the fields of SelectorsInfo").groups
}
