//! On a real card (`make test-gpu`): proofs are those of the engine on the CPU, which other tests hold against stock.

use std::sync::OnceLock;

use janction_engine::{Cuda, D, F, Metrics};
use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind};
use crate::{C, assert_same, configs, cpu, witness};

/// Proofs of the soak.
const SOAK: usize = 500;
/// Proofs at once.
const AT_ONCE: usize = 4;

fn card() -> &'static Cuda {
    static CARD: OnceLock<Cuda> = OnceLock::new();
    CARD.get_or_init(|| Cuda::open(&[0], None).expect("a GPU"))
}

fn circuit(config: CircuitConfig, seed: u64, rows: usize) -> (CircuitData<F, C, D>, PartialWitness<F>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = rng.random_range(1..12);
    let kinds: Vec<Kind> = (0..count).map(|_| Kind::ALL[rng.random_range(0..Kind::ALL.len())]).collect();
    let mut draft = Draft::new(config, rng);
    while draft.builder.num_gates() < rows {
        kinds.iter().for_each(|&kind| draft.add(kind));
        // A circuit of one no-op would never grow by them alone.
        draft.builder.add_gate(NoopGate, vec![]);
    }
    let Draft { builder, inputs, .. } = draft;
    (builder.build::<C>(), inputs)
}

fn check((circuit, inputs): &(CircuitData<F, C, D>, PartialWitness<F>)) {
    let witness = witness(circuit, inputs.clone());
    let expected = cpu().prove_witness(circuit, witness.clone()).expect("a proof");
    assert_same(&expected, &card().prove_witness(circuit, witness).expect("a proof"));
}

/// The card did all of it.
fn nothing_failed() {
    let Metrics { proofs, out_of_memory, failures, invalid, unserved } = card().metrics();
    assert!(proofs > 0);
    assert_eq!([out_of_memory, failures, invalid, unserved], [0; 4]);
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn gpu_proofs_of_random_circuits() {
    for seed in 2000..2060 {
        let config = configs::random(&mut ChaCha8Rng::seed_from_u64(seed));
        check(&circuit(config, seed, 0));
    }
    nothing_failed();
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn gpu_proofs_of_large_circuits() {
    for (challenges, bits) in [(2, 13), (3, 14), (2, 15), (2, 16)] {
        let config =
            CircuitConfig { num_challenges: challenges, ..CircuitConfig::standard_recursion_config() };
        check(&circuit(config, bits, (1 << bits) - 200));
    }
    nothing_failed();
}

/// Many proofs, several at once: none is wrong.
#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn gpu_soak() {
    let circuits: Vec<_> = (0..8).map(|i| circuit(configs::standard(), 3000 + i, 1 << (6 + i))).collect();
    let witnesses: Vec<_> =
        circuits.iter().map(|(circuit, inputs)| witness(circuit, inputs.clone())).collect();
    let expected: Vec<_> = circuits
        .iter()
        .zip(&witnesses)
        .map(|((circuit, _), witness)| cpu().prove_witness(circuit, witness.clone()).expect("a proof"))
        .collect();
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (circuits, witnesses, expected) = (&circuits, &witnesses, &expected);
            scope.spawn(move || {
                for proof in (worker..SOAK).step_by(AT_ONCE) {
                    let i = proof % circuits.len();
                    let ours = card().prove_witness(&circuits[i].0, witnesses[i].clone()).expect("a proof");
                    assert_same(&expected[i], &ours);
                }
            });
        }
    });
    nothing_failed();
}
