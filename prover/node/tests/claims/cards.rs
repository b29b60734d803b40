//! The engine for GPUs on the circuits of the house: byte for byte the proofs of the engine on the CPU, which
//! `engines.rs` holds against stock Plonky2. Here on the CPU that stands in for a GPU, with the kernels' own text, and the
//! smallest circuits; on a real card, as `gpu_*` tests (`make test-gpu`), all of them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Instant;

use janction_accel_cuda::{CudaError, Source, compile_image};
use janction_aggregate::Node;
use janction_aggregate::config::{C, Circuit, F, Proof};
use janction_engine::{Cpu, Cuda, D, Device, Engine, EngineError, Metrics};
use janction_ledger::ChunkCircuit;
use janction_prover::audit::AuditPipeline;
use janction_prover::cache::Cache;
use janction_prover::keys::RangeCircuits;
use janction_prover::progress::Silent;
use janction_prover::range::{RangeWitness, RootPipeline};
use janction_wrap::last_layer::{BoxError, InnerConfig, LastConfig, LastLayer, LayerProver};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::proof::ProofWithPublicInputs;

use crate::engines::Both;
use crate::market::PAYEE;
use crate::{WORLD, World};

/// What kernels are compiled for: A100, RTX 40, H100, B200, RTX 50.
const CAPABILITIES: [(i32, i32); 5] = [(8, 0), (8, 9), (9, 0), (10, 0), (12, 0)];
/// The circuits below the shrink layers: chunks and pieces with their own gates, and recursive verifiers.
const CIRCUITS: [&str; 8] = ["piece", "piece leaf", "chunk", "leaf", "join", "wrapper", "audit leaf", "root"];

impl World {
    fn circuit(&self, name: &str) -> &Circuit {
        let RangeCircuits { ledger, wrapper, root } = &*self.circuits;
        match name {
            "piece" => self.audit.pieces().first(),
            "piece leaf" => self.audit.leaf().data(),
            "chunk" => ledger.chunk.data(),
            "leaf" => ledger.leaf.data(),
            "join" => ledger.join.data(),
            "wrapper" => wrapper.data(),
            "audit leaf" => root.leaf.data(),
            _ => root.root.data(),
        }
    }
}

/// What each circuit is given on the way from a job's openings to the root of the range that settles it, and its proof.
static HONEST: LazyLock<BTreeMap<&str, (PartialWitness<F>, Proof)>> = LazyLock::new(|| {
    let w = &*WORLD;
    let recorder = Recorder { cpu: cpu(), seen: Mutex::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let cache = |name| Cache::open(folder.path().join(name)).expect("a folder");
    let running = || Arc::new(AtomicBool::new(false));
    let wrapper = Arc::clone(&w.circuits.wrapper);
    let audits = AuditPipeline::new(wrapper, &recorder, cache("programs"), cache("audits"), running());
    let materials = w.materials(&w.openings()).expect("honest blobs");
    let audit = audits.prove(&materials, &Silent).expect("an audit proof");
    let range = RangeWitness { audits: vec![audit.to_bytes()], ..w.range.clone() };
    let roots = RootPipeline::new(Arc::clone(&w.circuits), &recorder, cache("proofs"), running());
    roots.prove(&range, PAYEE, &Silent).expect("a root");
    // The range is too short for a join, which takes one node as well.
    let leaf = recorder.seen.lock().expect("no panic")["leaf"].1.clone();
    let prover =
        |circuit: &Circuit, inputs| -> Result<Proof, BoxError> { Ok((&recorder).prove(circuit, inputs)?) };
    w.circuits.ledger.join.prove(&prover, &[Node::Leaf(leaf)]).expect("a join");
    recorder.seen.into_inner().expect("no panic")
});

/// Proves on the CPU and keeps what it was given.
#[derive(Debug)]
struct Recorder {
    cpu: Cpu,
    seen: Mutex<BTreeMap<&'static str, (PartialWitness<F>, Proof)>>,
}

impl Engine<C> for &Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    /// What does not depend on each other comes from two threads.
    fn at_once(&self) -> usize {
        2
    }

    fn prove(&self, circuit: &Circuit, inputs: PartialWitness<F>) -> Result<Proof, EngineError> {
        let digest = &circuit.verifier_only;
        let known = CIRCUITS.into_iter().find(|name| WORLD.circuit(name).verifier_only == *digest);
        let proof = self.cpu.prove(circuit, inputs.clone())?;
        self.seen
            .lock()
            .expect("no panic")
            .insert(known.expect("a circuit of the house"), (inputs, proof.clone()));
        Ok(proof)
    }
}

fn cpu() -> Cpu {
    Cpu::new().expect("a backend")
}

/// The engine on the CPU that stands in for a GPU, with no more memory than it says that it needs.
fn host(circuit: &Circuit) -> Cuda {
    // It leaves a tenth of a card to others.
    let memory = Cuda::demand(&circuit.common) * 10 / 9 + 10;
    Cuda::with_devices(vec![Device::host_with_memory(memory).expect("a C++ compiler")]).expect("a device")
}

/// The engine on the first card.
fn card() -> &'static Cuda {
    static CARD: OnceLock<Cuda> = OnceLock::new();
    CARD.get_or_init(|| Cuda::open(&[0], None).expect("a GPU"))
}

/// Nothing was left to the CPU.
fn nothing_failed(cuda: &Cuda) {
    let Metrics { proofs, out_of_memory, failures, invalid, unserved } = cuda.metrics();
    assert!(proofs > 0);
    assert_eq!([out_of_memory, failures, invalid, unserved], [0; 4]);
}

fn check(cuda: &Cuda, name: &str) {
    compare(cuda, name, WORLD.circuit(name), HONEST[name].0.clone());
    nothing_failed(cuda);
}

/// Both engines' proofs of one witness.
fn compare(cuda: &Cuda, name: &str, circuit: &Circuit, inputs: PartialWitness<F>) -> Proof {
    let witness =
        generate_partial_witness(inputs, &circuit.prover_only, &circuit.common).expect("inputs fit");
    let expected = cpu().prove_witness(circuit, witness.clone()).expect("the CPU engine");
    let start = Instant::now();
    let ours = cuda.prove_witness(circuit, witness).expect("the engine for GPUs");
    println!("{name}: 2^{} rows in {:.1} s", circuit.common.degree_bits(), start.elapsed().as_secs_f64());
    // Not assert_eq: the two are long.
    assert!(expected.to_bytes() == ours.to_bytes(), "{name}");
    ours
}

/// Takes a root proof through the shrink layers with the engine for GPUs, and with stock, too.
#[derive(Debug)]
struct Shrinks<'a> {
    cuda: &'a Cuda,
    stock: Both,
}

impl LayerProver for Shrinks<'_> {
    fn shrink(
        &self,
        circuit: &CircuitData<F, InnerConfig, D>,
        inputs: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, InnerConfig, D>, BoxError> {
        self.stock.compare(circuit, inputs.clone());
        Ok(compare(self.cuda, "shrink layer", circuit, inputs))
    }

    /// The last layer is hashed over BN254 and stays on the CPU.
    fn last(
        &self,
        _: &CircuitData<F, LastConfig, D>,
        _: PartialWitness<F>,
    ) -> Result<ProofWithPublicInputs<F, LastConfig, D>, BoxError> {
        Err("not for GPUs".into())
    }
}

fn layers() -> LastLayer {
    let root = WORLD.circuit("root");
    LastLayer::build(&root.common, &root.verifier_only).expect("the layers of the house")
}

fn check_shrinks(cuda: &Cuda) {
    let layers = layers();
    let prover = Shrinks { cuda, stock: Both::new(cpu()) };
    let error = layers.prove(&prover, &HONEST["root"].1).expect_err("the last layer is not asked for");
    assert!(error.to_string().contains("not for GPUs"), "{error}");
    assert_eq!(prover.stock.compared(), layers.shrink_layers());
    nothing_failed(cuda);
}

/// The kernels of all gates of the house, own and standard, for every architecture that is supported, where CUDA's
/// compiler is there; no GPU is needed for that.
#[test]
fn kernels_of_every_gate_compile() {
    let layers = layers();
    let commons = layers.commons();
    let (_, shrinks) = commons.split_last().expect("the last layer, which no GPU proves");
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for common in CIRCUITS.iter().map(|name| &WORLD.circuit(name).common).chain(shrinks.iter().copied()) {
        let kernels = Cuda::kernels(common).expect("gates that can be traced");
        sources.extend(kernels.into_iter().map(|source| (source.text(), source)));
    }
    for own in ["Ladder", "Decode", "ByteSplit"] {
        assert!(sources.values().any(|source| source.name().contains(own)), "no gate {own}");
    }
    for source in sources.values() {
        // Half a minute for each architecture: one gate is compiled for all of them, the others for one.
        let capabilities =
            if source.name().contains("Decode") { &CAPABILITIES[..] } else { &CAPABILITIES[2..3] };
        for &capability in capabilities {
            let log = match compile_image(source, capability) {
                Err(CudaError::NoCompiler) => {
                    println!("SKIPPED: libnvrtc was not found; `scripts/nvrtc.sh` installs it");
                    return;
                }
                compiled => compiled.unwrap_or_else(|error| panic!("{}: {error}", source.name())).1,
            };
            for line in log.lines().filter(|line| line.contains("spill") || line.contains("Used")) {
                println!("{} for {capability:?}: {line}", source.name());
                assert!(!line.contains("spill") || spilt(line) <= SPILT, "{}: {line}", source.name());
            }
        }
    }
}

/// Bytes that a thread may write out of its registers: a word or two cost nothing beside what a gate computes.
const SPILT: u32 = 32;

/// The bytes of `.. N bytes spill stores, ..`.
fn spilt(line: &str) -> u32 {
    let before = line.split(" bytes spill stores").next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// All gates of the ledger, in a circuit of two steps.
#[test]
fn the_hosts_proof_of_a_small_chunk() {
    const STEPS: usize = 2;
    let (chunk, range) = (ChunkCircuit::build(STEPS), &WORLD.range);
    let witness = chunk.witness(&range.run, &range.steps[..STEPS]).expect("the beginning of a range");
    let host = host(chunk.data());
    compare(&host, "small chunk", chunk.data(), witness.inputs);
    nothing_failed(&host);
}

/// The ByteSplit gate.
#[test]
fn the_hosts_proof_of_a_piece() {
    check(&host(WORLD.circuit("piece")), "piece");
}

/// The smallest recursive verifier of the house.
#[test]
fn the_hosts_proof_of_a_wrapper() {
    check(&host(WORLD.circuit("wrapper")), "wrapper");
}

#[test]
#[ignore = "takes ten minutes: one core hashes what a GPU should"]
fn the_hosts_proofs_of_every_circuit() {
    CIRCUITS.iter().for_each(|name| check(&host(WORLD.circuit(name)), name));
    check_shrinks(&Cuda::with_devices(vec![Device::host().expect("a C++ compiler")]).expect("a device"));
}

#[test]
#[ignore = "needs an NVIDIA GPU: make test-gpu"]
fn gpu_proofs_of_every_circuit() {
    CIRCUITS.iter().for_each(|name| check(card(), name));
    check_shrinks(card());
}
