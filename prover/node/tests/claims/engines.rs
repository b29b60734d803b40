//! The accelerated prover on the circuits of the house: byte for byte the proofs of stock Plonky2.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use janction_aggregate::config::{C, Circuit, F, Proof};
use janction_engine::tape::traced;
use janction_engine::{Backend, Cpu, D, Engine, EngineError, Stock, TreeHasher};
use janction_prover::audit::AuditPipeline;
use janction_prover::cache::Cache;
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::Silent;
use janction_prover::range::{RangeWitness, RootPipeline};
use janction_wrap::Bn254Hasher;
use janction_wrap::config::{Bn254Poseidon2, Bn254PoseidonGoldilocksConfig};
use janction_wrap::last_layer::last_layer_config;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::proof::ProofWithPublicInputs;

use crate::market::PAYEE;
use crate::{WORLD, World};

/// Both provers from one witness; fails where their bytes differ.
#[derive(Debug)]
pub struct Both {
    cpu: Cpu,
    compared: AtomicUsize,
}

impl Both {
    pub fn new(cpu: Cpu) -> Self {
        Self { cpu, compared: AtomicUsize::new(0) }
    }

    /// How many proofs were compared.
    pub fn compared(&self) -> usize {
        self.compared.load(Ordering::Relaxed)
    }

    /// Both engines' proof.
    pub fn compare<C: GenericConfig<D, F = F>>(
        &self,
        circuit: &CircuitData<F, C, D>,
        inputs: PartialWitness<F>,
    ) -> ProofWithPublicInputs<F, C, D>
    where
        C::Hasher: 'static,
    {
        let witness =
            generate_partial_witness(inputs, &circuit.prover_only, &circuit.common).expect("inputs fit");
        // On one thread stock takes the lowest nonce.
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        let stock = one_thread.install(|| Stock.prove_witness(circuit, witness.clone())).expect("stock");
        let ours = self.cpu.prove_witness(circuit, witness).expect("the CPU engine");
        let common = &circuit.common;
        let shape =
            (common.degree_bits(), common.gates.len(), common.luts.len(), common.config.num_challenges);
        assert!(
            stock.to_bytes() == ours.to_bytes(),
            "circuit of (log2 rows, gates, tables, challenges) {shape:?}"
        );
        println!("equal: circuit of (log2 rows, gates, tables, challenges) {shape:?}");
        self.compared.fetch_add(1, Ordering::Relaxed);
        ours
    }
}

impl Engine<C> for &Both {
    fn name(&self) -> &'static str {
        "both"
    }

    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, EngineError> {
        Ok(self.compare(circuit, inputs))
    }
}

/// A piece of an audit and its leaf; a chunk of the ledger and its leaf; the audit's wrap and its leaf; the root.
#[test]
fn engines_agree_on_every_circuit_of_a_range() {
    let w = &*WORLD;
    let folder = tempfile::tempdir().expect("a folder");
    let cache = |name| Cache::open(folder.path().join(name)).expect("a folder");
    let running = || Arc::new(AtomicBool::new(false));
    let both = Both::new(Cpu::new().expect("a backend"));
    let materials = w.materials(&w.openings()).expect("honest blobs");
    let wrapper = Arc::clone(&w.circuits.wrapper);
    let audits = AuditPipeline::new(wrapper, &both, cache("programs"), cache("audits"), running());
    let audit = audits.prove(&materials, &Silent).expect("an audit proof");
    let range = RangeWitness { audits: vec![audit.to_bytes()], ..w.range.clone() };
    let roots = RootPipeline::new(Arc::clone(&w.circuits), &both, cache("proofs"), running());
    let root = roots.prove(&range, PAYEE, &Silent).expect("a root");
    w.circuits.root.root.data().verify(root).expect("valid");
    assert!(both.compared() >= 7, "{both:?}");
}

/// The CUDA engine needs formulas: every gate of the house has them, and they are the gate's.
#[test]
fn every_gate_of_a_range_can_be_traced() {
    let World { circuits, audit, .. } = &*WORLD;
    let RangeCircuits { ledger, wrapper, root } = &**circuits;
    let [(_, gather), _] = wrapper.circuits();
    let circuits = [
        ("chunk", ledger.chunk.data()),
        ("ledger leaf", ledger.leaf.data()),
        ("ledger join", ledger.join.data()),
        ("piece", audit.pieces().first()),
        ("gather", gather),
        ("wrapper", wrapper.data()),
        ("root", root.root.data()),
    ];
    let mut gates = BTreeSet::new();
    for (name, circuit) in circuits {
        for gate in &circuit.common.gates {
            traced(gate).unwrap_or_else(|error| panic!("{name}: {error}"));
            gates.insert(gate.0.id());
        }
    }
    for own in ["Ladder", "Decode", "ByteSplit", "Dot", "Requantise"] {
        assert!(gates.iter().any(|gate| gate.contains(own)), "no gate {own} among {gates:?}");
    }
}

/// The last layer's hasher and parameters: one hash at a time, and many on every kind of instructions.
#[test]
fn engines_agree_on_a_layer_that_is_hashed_over_bn254() {
    let mut builder = CircuitBuilder::<F, D>::new(last_layer_config());
    let input = builder.add_virtual_target();
    let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(vec![input; 40]);
    let bits = builder.split_le(input, 20);
    let power = builder.exp_from_bits(hash.elements[0], bits.iter());
    builder.register_public_inputs(&[hash.elements[1], power]);
    let circuit = builder.build::<Bn254PoseidonGoldilocksConfig>();
    let mut inputs = PartialWitness::new();
    inputs.set_target(input, F::from_canonical_u64(0x5_4321)).expect("a new target");
    let many = |backend| {
        let hasher: Arc<dyn TreeHasher<Bn254Poseidon2>> = Arc::new(Bn254Hasher::with_backend(backend));
        Cpu::with_backend(backend).with_hasher(hasher)
    };
    for cpu in [Cpu::new().expect("a backend")].into_iter().chain(Backend::available().into_iter().map(many))
    {
        let proof = Both::new(cpu).compare(&circuit, inputs.clone());
        circuit.verify(proof).expect("valid");
    }
}
