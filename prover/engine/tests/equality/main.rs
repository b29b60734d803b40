//! Byte equality of the accelerated prover's proofs with those of stock Plonky2: over every gate kind, lookups, random
//! shapes and sizes.

mod circuits;
mod configs;
mod cuda;
mod custom;
mod gates;
mod gpu;
mod hashers;
mod refusals;
mod shapes;
mod tapes;

use janction_engine::{Backend, Cpu, Cuda, D, Device, Engine, EngineError, F, Metrics, Stock};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::{GenericConfig, PoseidonGoldilocksConfig};
use plonky2::plonk::proof::ProofWithPublicInputs;

type C = PoseidonGoldilocksConfig;

/// The engine on the fastest instructions.
fn cpu() -> Cpu {
    Cpu::new().expect("a backend")
}

/// The engine on every kind of instructions that this processor has.
fn backends() -> impl Iterator<Item = Cpu> {
    Backend::available().into_iter().map(Cpu::with_backend)
}

/// The engine for GPUs, on the CPU that stands in for one.
fn cuda() -> Cuda {
    Cuda::with_devices(vec![Device::host().expect("a C++ compiler")]).expect("a device")
}

/// Proves with all engines from one witness and compares bytes; stock on one thread, where it takes the lowest nonce.
fn assert_equal<C: GenericConfig<D, F = F>>(circuit: &CircuitData<F, C, D>, inputs: PartialWitness<F>)
where
    C::Hasher: 'static,
{
    let witness = witness(circuit, inputs.clone());
    let stock = stock(circuit, witness.clone());
    for cpu in backends() {
        let ours = cpu.prove_witness(circuit, witness.clone()).expect("the engine proves the circuit");
        assert_same(&stock, &ours);
    }
    let cuda = cuda();
    match cuda.prove_witness(circuit, witness) {
        // Refusals have tests of their own.
        Err(EngineError::Hasher | EngineError::Gate(_)) => {}
        proof => {
            assert_same(&stock, &proof.expect("the engine for GPUs proves the circuit"));
            assert_eq!(
                cuda.metrics(),
                Metrics { proofs: 1, ..Metrics::default() },
                "it did not do so itself"
            );
        }
    }
    let own_witness = cpu().prove(circuit, inputs).expect("the engine generates the witness");
    circuit.verify(own_witness).expect("the proof from the engine's own witness verifies");
}

fn witness<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    inputs: PartialWitness<F>,
) -> PartitionWitness<'_, F> {
    generate_partial_witness(inputs, &circuit.prover_only, &circuit.common).expect("inputs fit the circuit")
}

/// Stock's proof with the lowest nonce.
fn stock<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    witness: PartitionWitness<'_, F>,
) -> ProofWithPublicInputs<F, C, D> {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let proof =
        one_thread.install(|| Stock.prove_witness(circuit, witness)).expect("stock proves the circuit");
    circuit.verify(proof.clone()).expect("the proof verifies");
    proof
}

/// Names the first stage that differs.
fn assert_same<C: GenericConfig<D, F = F>>(
    stock: &ProofWithPublicInputs<F, C, D>,
    ours: &ProofWithPublicInputs<F, C, D>,
) {
    let bytes = [stock.to_bytes(), ours.to_bytes()];
    let (stock, ours) = (&stock.proof, &ours.proof);
    assert!(stock.wires_cap == ours.wires_cap, "wires differ");
    assert!(stock.plonk_zs_partial_products_cap == ours.plonk_zs_partial_products_cap, "Z or lookups differ");
    assert!(stock.quotient_polys_cap == ours.quotient_polys_cap, "quotients differ");
    assert!(stock.openings == ours.openings, "openings differ");
    let (stock, ours) = (&stock.opening_proof, &ours.opening_proof);
    assert!(stock.commit_phase_merkle_caps == ours.commit_phase_merkle_caps, "FRI's layers differ");
    assert!(stock.final_poly == ours.final_poly, "the last polynomials differ");
    assert!(stock.pow_witness == ours.pow_witness, "the nonces differ");
    assert!(stock.query_round_proofs == ours.query_round_proofs, "answers to queries differ");
    assert!(bytes[0] == bytes[1], "the proofs' bytes differ");
}

/// The name that logs and tables show.
#[test]
fn names_itself() {
    assert_eq!(Engine::<C>::name(&cpu()), "cpu");
}
