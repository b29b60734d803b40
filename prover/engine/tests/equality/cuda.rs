//! What the engine for GPUs refuses, and what it does when a GPU fails.

use janction_accel_cuda::{CudaError, Device};
use janction_engine::tape::TapeError;
use janction_engine::{Cuda, D, Engine, EngineError, F, Metrics};
use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::{GenericConfig, KeccakGoldilocksConfig};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::custom::Odd;
use crate::gates::{Draft, Kind};
use crate::refusals::{forged, inputs, product};
use crate::{C, assert_same, configs, cpu, cuda, stock, witness};

fn draft(config: CircuitConfig) -> Draft {
    let mut draft = Draft::new(config, ChaCha8Rng::seed_from_u64(40));
    [Kind::Arithmetic, Kind::Poseidon, Kind::Lookup].into_iter().for_each(|kind| draft.add(kind));
    draft
}

/// Proves, and compares with stock and with what the engine should have counted.
fn check<C: GenericConfig<D, F = F>>(
    cuda: &Cuda,
    circuit: &CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
    metrics: Metrics,
) where
    C::Hasher: 'static,
{
    let witness = witness(circuit, inputs);
    let proof = cuda.prove_witness(circuit, witness.clone()).expect("a proof, whoever makes it");
    assert_same(&stock(circuit, witness), &proof);
    assert_eq!(cuda.metrics(), metrics);
}

#[test]
fn names_itself() {
    assert_eq!(Engine::<C>::name(&cuda()), "cuda");
    assert!(format!("{:?}", cuda()).contains("host"));
}

#[test]
fn no_card() {
    let error = Cuda::with_devices(Vec::new()).expect_err("nothing to prove with");
    assert!(matches!(error, EngineError::Cuda(CudaError::NoDevice { .. })), "{error}");
}

#[test]
fn what_is_not_served_is_refused_or_done_on_the_cpu() {
    let (circuit, targets) = product(CircuitConfig::standard_recursion_zk_config());
    let error = cuda().prove(&circuit, inputs(&targets[..2], &[6, 7])).map(|_| ()).expect_err("zk");
    assert!(matches!(error, EngineError::ZeroKnowledge), "{error}");

    let Draft { builder, inputs, .. } = draft(configs::standard());
    let circuit = builder.build::<KeccakGoldilocksConfig>();
    let error = cuda().prove(&circuit, inputs.clone()).map(|_| ()).expect_err("another hasher");
    assert!(matches!(error, EngineError::Hasher), "{error}");
    check(&cuda().or_cpu(cpu()), &circuit, inputs, Metrics { unserved: 1, ..Metrics::default() });

    let mut draft = draft(configs::standard());
    draft.builder.add_gate(Odd::Divides, vec![]);
    let Draft { builder, inputs, .. } = draft;
    let circuit = builder.build::<C>();
    let error = cuda().prove(&circuit, inputs.clone()).map(|_| ()).expect_err("a gate without formulas");
    assert!(
        matches!(&error, EngineError::Gate(TapeError::Opaque { gate, .. }) if gate == "Odd Divides"),
        "{error}"
    );
    check(&cuda().or_cpu(cpu()), &circuit, inputs, Metrics { unserved: 1, ..Metrics::default() });
}

/// A circuit of 2^10 rows: its tables count for more than what every proof takes.
fn large(challenges: usize) -> (CircuitData<F, C, D>, PartialWitness<F>) {
    let mut draft = draft(CircuitConfig { num_challenges: challenges, ..configs::standard() });
    while draft.builder.num_gates() < 600 {
        draft.builder.add_gate(NoopGate, vec![]);
    }
    let Draft { builder, inputs, .. } = draft;
    (builder.build::<C>(), inputs)
}

#[test]
fn memory_that_suffices_and_memory_that_does_not() {
    let (circuit, inputs) = large(2);
    let on = |memory: u64| {
        let device = Device::host_with_memory(memory).expect("a C++ compiler");
        (device.clone(), Cuda::with_devices(vec![device]).expect("a device"))
    };
    // The engine leaves a tenth of a card to others.
    let demand = Cuda::demand(&circuit.common) * 10 / 9 + 10;
    let (_, cuda) = on(demand);
    check(&cuda, &circuit, inputs.clone(), Metrics { proofs: 1, ..Metrics::default() });
    // Another circuit takes the place of the first one's tables.
    let (other, other_inputs) = large(1);
    check(&cuda, &other, other_inputs, Metrics { proofs: 2, ..Metrics::default() });

    let fallen_back = Metrics { out_of_memory: 1, ..Metrics::default() };
    let (_, cuda) = on(demand / 2);
    check(&cuda, &circuit, inputs.clone(), fallen_back);

    // Somebody else takes memory after the engine was opened: allocations fail in the middle of the proof.
    let (device, cuda) = on(demand);
    let _taken = device.allocate::<u8>(demand as usize / 2).expect("half is free");
    check(&cuda, &circuit, inputs, fallen_back);
}

#[test]
fn a_false_witness_is_not_blamed_on_the_card() {
    let (circuit, targets) = product(configs::standard());
    let cuda = cuda();
    let error =
        cuda.prove_witness(&circuit, forged(&circuit, &targets)).map(|_| ()).expect_err("6 * 7 != 43");
    assert!(matches!(error, EngineError::Invalid { .. }), "{error}");
    assert_eq!(cuda.metrics(), Metrics::default());

    let mut config = configs::standard();
    config.max_quotient_degree_factor = 7;
    let (circuit, targets) = product(config);
    let error =
        cuda.prove_witness(&circuit, forged(&circuit, &targets)).map(|_| ()).expect_err("6 * 7 != 43");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
    assert_eq!(cuda.metrics(), Metrics::default());
}

/// Memory that loses a bit of the wires: the proof does not verify, or the quotient is no polynomial of its degree. Either
/// way the caller gets the right proof.
#[test]
fn what_a_broken_card_computes_is_made_anew() {
    let device = Device::host().expect("a C++ compiler");
    let cuda = Cuda::with_devices(vec![device.clone()]).expect("a device");
    for (i, quotient_degree) in [8, 7].into_iter().enumerate() {
        let mut config = configs::standard();
        config.max_quotient_degree_factor = quotient_degree;
        let Draft { builder, inputs, .. } = draft(config);
        let circuit = builder.build::<C>();
        let i = i as u64;
        // The circuit's tables go up with its first proof.
        check(&cuda, &circuit, inputs.clone(), Metrics { proofs: i + 1, invalid: i, ..Metrics::default() });
        device.corrupt(1);
        check(&cuda, &circuit, inputs, Metrics { proofs: i + 1, invalid: i + 1, ..Metrics::default() });
    }
}

#[test]
fn several_proofs_at_once_on_several_cards() {
    let device = || Device::host().expect("a C++ compiler");
    let cuda = Cuda::with_devices(vec![device(), device()]).expect("devices");
    let Draft { builder, inputs, .. } = draft(configs::standard());
    let circuit = builder.build::<C>();
    let witness = witness(&circuit, inputs);
    let stock = stock(&circuit, witness.clone());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let proof = cuda.prove_witness(&circuit, witness.clone()).expect("a proof");
                assert_same(&stock, &proof);
            });
        }
    });
    assert_eq!(cuda.metrics(), Metrics { proofs: 6, ..Metrics::default() });
}
