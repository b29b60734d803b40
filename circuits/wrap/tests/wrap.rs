//! A full wrap of a fixture: layers, keys, proof, native and on-chain verification.
//!
//! Not part of the suite, whose one full wrap is the demonstration (`node/tests/demo.rs`); the proof that is checked in is
//! verified by `prover/node/tests/keys` and, on chain, by `verifier-contracts/test/RealProof.t.sol`.
//!
//! Keys, SRS and the result are kept below `CARGO_TARGET_TMPDIR`, so that a warm run only proves. `solc` (0.8) must be
//! on the PATH for the part that runs the generated contract; without it that part says so and is left out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use janction_wrap::last_layer::{D, F, InnerConfig, Stock};
use janction_wrap::prover::WRAP_K;
use janction_wrap::srs::DEVELOPMENT_CHAIN_ID;
use janction_wrap::{AuditError, EvmProof, Srs, WrapError, WrapProver};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::proof::ProofWithPublicInputs;
use snark_verifier_sdk::snark_verifier::loader::evm::deploy_and_call;

/// Code size limit of the EVM.
const MAX_CODE: usize = 24_576;
/// Gas of a verification, transaction included.
const MAX_GAS: u64 = 380_000;
/// Digest of the fixture's wrap key. It changes with the circuit, the layers and the development SRS: on purpose only.
const KEY_DIGEST: &str = "5a84f8e1f35348a79cd17f2c8bde773f8c0618a5bdae07196198bb6875bd740c";
/// Public inputs of the fixture, as many as the rollup has at most.
const INPUTS: usize = 24;

type Inner = (CircuitData<F, InnerConfig, D>, ProofWithPublicInputs<F, InnerConfig, D>);

/// A circuit of 2^13 rows with the parameters of the recursion tree, and a proof of it.
fn inner() -> Inner {
    let mut config = CircuitConfig::standard_recursion_config();
    config.num_challenges = 3;
    config.fri_config.num_query_rounds = 32;
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let inputs = builder.add_virtual_targets(INPUTS);
    builder.register_public_inputs(&inputs);
    let mut state = inputs.clone();
    for _ in 0..5000 {
        state = builder.hash_n_to_m_no_pad::<plonky2::hash::poseidon::PoseidonHash>(state, 8);
    }
    let data = builder.build::<InnerConfig>();
    let mut witness = PartialWitness::new();
    for (i, &target) in inputs.iter().enumerate() {
        witness.set_target(target, F::NEG_ONE - F::from_canonical_usize(i)).expect("a free target");
    }
    let proof = data.prove(witness).expect("satisfiable");
    (data, proof)
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrap")
}

#[test]
#[ignore = "a full wrap, a minute or two: cargo test --release -p janction-wrap --test wrap -- --ignored --nocapture"]
fn full_wrap() {
    let (data, inner) = inner();
    let srs = Srs::insecure_development(WRAP_K, DEVELOPMENT_CHAIN_ID, &dir()).expect("a development SRS");
    let prover = WrapProver::load_or_build(&data.common, &data.verifier_only, srs, &dir()).expect("keys");
    let digest: String = prover.key_digest().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, KEY_DIGEST, "another wrap key: if that is intended, write the new digest here");
    let proof = prover.prove(&Stock, &inner).expect("a valid inner proof");
    prover.verify(&proof).expect("a valid proof");
    assert_eq!(proof.instances.len(), INPUTS);
    strictness(&prover, &proof);
    audit(&prover, &proof);

    // Another inner proof under the same public inputs' names is refused before anything is proven.
    let mut forged = inner;
    forged.public_inputs[0] += F::ONE;
    assert!(matches!(prover.prove(&Stock, &forged), Err(WrapError::Plonky2 { .. })));

    let Some(code) = compile(&prover.solidity()) else {
        eprintln!("solc is not on the PATH: the generated contract was not run");
        return;
    };
    let gas =
        deploy_and_call(code.creation.clone(), proof.calldata()).expect("the contract accepts the proof");
    println!("proof {} bytes, code {} bytes, gas {gas}", proof.proof.len(), code.runtime_len);
    assert!(code.runtime_len < MAX_CODE, "{} bytes of code", code.runtime_len);
    assert!(gas <= MAX_GAS, "{gas} gas");
    let mut forged = proof.clone();
    forged.instances[3][31] ^= 1;
    deploy_and_call(code.creation, forged.calldata()).expect_err("the contract refuses another instance");
}

/// What the native verifier refuses beside false proofs.
fn strictness(prover: &WrapProver, proof: &EvmProof) {
    let with = |change: &dyn Fn(&mut EvmProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        prover.verify(&changed).expect_err("a changed proof")
    };
    let flipped = with(&|p| p.instances[2][31] ^= 1);
    assert!(matches!(flipped, WrapError::InvalidProof(_)), "{flipped}");
    let above_p =
        with(&|p| p.instances[1] = [[0; 24].as_slice(), &[255; 8]].concat().try_into().expect("32 bytes"));
    assert!(matches!(above_p, WrapError::NonCanonicalInstance { index: 1 }), "{above_p}");
    let missing = with(&|p| p.instances.truncate(INPUTS - 1));
    assert!(matches!(missing, WrapError::InstanceCount { .. }), "{missing}");
    let trailing = with(&|p| p.proof.push(0));
    assert!(matches!(trailing, WrapError::InvalidProof(_)), "{trailing}");
    for at in [0, 40, 700, 1500] {
        let flipped = with(&|p| p.proof[at] ^= 1);
        assert!(matches!(flipped, WrapError::InvalidProof(_)), "{flipped}");
    }
}

/// The auditor's verifier agrees, without halo2.
fn audit(prover: &WrapProver, proof: &EvmProof) {
    let key = prover.verifier().audit_key().expect("a key");
    key.verify(proof).expect("a valid proof");
    assert_eq!(key.proof_length(), proof.proof.len());
    let with = |change: &dyn Fn(&mut EvmProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        key.verify(&changed).expect_err("a changed proof")
    };
    assert!(matches!(with(&|p| p.instances[5][31] ^= 1), AuditError::False));
    assert!(matches!(with(&|p| p.instances[5][0] = 1), AuditError::Malformed(_)));
    assert!(matches!(with(&|p| p.instances.truncate(1)), AuditError::InstanceCount { .. }));
    assert!(matches!(with(&|p| p.proof.push(0)), AuditError::Malformed(_)));
    assert!(matches!(with(&|p| p.proof.truncate(100)), AuditError::Malformed(_)));
    assert!(matches!(with(&|p| p.proof[3] ^= 1), AuditError::Malformed(_)), "a point off the curve");
    // The last byte of the first evaluation: still a field element.
    let evaluations = proof.proof.len() - 2 * 64 - 32;
    assert!(matches!(with(&|p| p.proof[evaluations + 31] ^= 1), AuditError::False));
}

struct Code {
    creation: Vec<u8>,
    runtime_len: usize,
}

/// Compiles the contract without optimiser, in which the generated assembly gains nothing.
fn compile(source: &str) -> Option<Code> {
    let mut solc = Command::new("solc")
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let request = serde_json::json!({
        "language": "Solidity",
        "sources": { "Halo2Verifier.sol": { "content": source } },
        "settings": { "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } } },
    });
    solc.stdin.take()?.write_all(request.to_string().as_bytes()).ok()?;
    let output: serde_json::Value = serde_json::from_slice(&solc.wait_with_output().ok()?.stdout).ok()?;
    let evm = &output["contracts"]["Halo2Verifier.sol"]["Halo2Verifier"]["evm"];
    let object = |name: &str| evm[name]["object"].as_str().map(str::to_owned);
    let creation = object("bytecode").unwrap_or_else(|| panic!("solc: {}", output["errors"]));
    let bytes = |hex: &str| {
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"))
            .collect::<Vec<u8>>()
    };
    Some(Code { creation: bytes(&creation), runtime_len: object("deployedBytecode")?.len() / 2 })
}
