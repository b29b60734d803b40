//! Writes what the contracts' tests verify a program's proof with: `contract_fixture KEYS OUT`, two folders.
//!
//! The digits' network, two images, policy `full`: `DigitsVerifier.sol` as `janction program export-verifier` writes it, and
//! `proof.json`, a real proof with the cells. Takes a minute or two; run it when the keys have changed (`make contracts PROOF=1`).

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use janction_aggregate::BoxError;
use janction_aggregate::config::{Circuit, F, Proof};
use janction_audit::{AuditPieces, PieceVerifier, audit_key_digest};
use janction_program::commitment::{RowTree, row_digests};
use janction_program::{Cells, DType, Tensor, npy, reference};
use janction_program_prover::{ContractProof, VerifierPins, join_pieces, prove, solidity};
use janction_prover::progress::Silent;
use janction_prover::{EngineKind, Engines, ExecutionKeys, SrsSource};
use janction_trace::{Policy, Trace};
use plonky2::iop::witness::PartialWitness;
use serde_json::json;

/// The chain that the development SRS is for.
const CHAIN: u64 = 31_337;
/// Images that are classified.
const ROWS: usize = 2;
/// Jobs of up to four images.
const DEPTH: u8 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(out), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: contract_fixture KEYS OUT".into());
    };
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let model = fs::read(digits.join("mlp_64_32_10.onnx"))?;
    let program = janction_onnx::import(&model, "digits", DEPTH)?.program;
    let images = npy::decode(&fs::read(digits.join("held_out_images.npy"))?)?;
    let input = first_rows(&images, ROWS)?;
    let trace = Trace::commit(&program, input.clone(), reference::run(&program, &input)?)?;
    let output = trace.output().tensor().clone();

    let engines = Engines::new(EngineKind::Cpu, &[], &std::env::temp_dir())?;
    let engine = engines.goldilocks();
    let prover = |circuit: &Circuit, inputs: PartialWitness<F>| -> Result<Proof, BoxError> {
        Ok(engine.prove(circuit, inputs)?)
    };
    let pieces = AuditPieces::build(program.clone(), Policy::Full)?;
    let verifier = PieceVerifier::of(&pieces);
    let proof = prove(&pieces, &prover, trace, &mut |_, _| {})?;
    drop(pieces);

    let keys = ExecutionKeys::load_or_build(&folder, CHAIN, &SrsSource::Development, &Silent)?;
    let leaf = verifier.leaf(keys.wrapper.shape())?;
    let audit = join_pieces(&prover, &verifier, &leaf, &keys.wrapper, &proof)?;
    let audit_key = audit_key_digest(&leaf.data().verifier_only);
    drop(leaf);
    let (digest, commitment) = (program.digest(), proof.statement.commitment());
    let (execution, joined) =
        keys.circuit.prove(&prover, keys.wrapper.verifier(), &audit, digest, &commitment)?;
    let last = keys.wrap.layers().prove(&engines, &joined)?;
    let proof = ContractProof { execution, proof: keys.wrap.wrap(&last)?.proof };

    let contract = keys.contract()?;
    let pins = VerifierPins {
        proof_length: contract.proof_length,
        srs_hash: contract.srs_hash,
        development_srs: contract.development_srs,
        code_hash: Some(code_hash(&out)?),
    };
    let source = solidity("DigitsVerifier", &program, Policy::Full, audit_key, &pins)
        .ok_or("cells that are not of 8 bits")?;
    fs::create_dir_all(&out)?;
    fs::write(out.join("DigitsVerifier.sol"), source)?;
    let fixture = json!({
        "keyDigest": hex(&keys.wrap.key_digest()),
        "chainId": CHAIN,
        "rows": ROWS,
        "input": hex(&bytes(&input)),
        "output": hex(&bytes(&output)),
        "inputRoot": hex(&execution.input_root.to_bytes()),
        "outputRoot": hex(&execution.output_root.to_bytes()),
        "tensorCount": FORMS.len(),
        "tensors": FORMS.iter().map(tensor_json).collect::<Result<Vec<_>, _>>()?,
        "publicInputs": execution.instances().map(|x| format!("0x{x:x}")),
        "proof": hex(&proof.proof),
    });
    fs::write(out.join("proof.json"), serde_json::to_string_pretty(&fixture)? + "\n")?;
    Ok(())
}

/// Rows, columns and depth of tensors whose roots the contract's tests compute, too.
const FORMS: [(usize, usize, u8); 12] = [
    (1, 1, 0),
    (1, 6, 0),
    (1, 7, 1),
    (1, 8, 3),
    (2, 48, 1),
    (3, 49, 2),
    (3, 50, 4),
    (5, 13, 3),
    (7, 55, 3),
    (4, 56, 2),
    (1, 113, 5),
    (6, 2, 6),
];

/// A tensor of one of these forms, with its root.
fn tensor_json(&(rows, columns, depth): &(usize, usize, u8)) -> Result<serde_json::Value, Box<dyn Error>> {
    let dtype = if columns % 2 == 0 { DType::I8 } else { DType::U8 };
    let cells: Vec<i64> =
        (0..rows * columns).map(|i| i64::from(dtype.min()) + (i as i64 * 151 + rows as i64) % 256).collect();
    let cells = Cells::from_values(dtype, &cells).map_err(|at| format!("cell {at} does not fit"))?;
    let tensor = Tensor::new(rows, columns, cells)?;
    let cells = hex(&bytes(&tensor));
    let root = RowTree::new(row_digests(&tensor), depth)?.root();
    Ok(json!({
        "cells": cells,
        "columns": columns,
        "dtype": dtype.code(),
        "depth": depth,
        "root": hex(&root.to_bytes()),
    }))
}

/// The hash of the generated verifier's code, from the file beside which the fixture is written.
fn code_hash(out: &Path) -> Result<[u8; 32], Box<dyn Error>> {
    let compiled: serde_json::Value = serde_json::from_slice(&fs::read(out.join("Halo2Verifier.json"))?)?;
    let hash = compiled["codeHash"].as_str().and_then(|text| text.strip_prefix("0x")).ok_or("no codeHash")?;
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(hash.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
    }
    Ok(bytes)
}

fn first_rows(tensor: &Tensor, rows: usize) -> Result<Tensor, Box<dyn Error>> {
    let columns = tensor.columns();
    let cells: Vec<i64> = (0..rows * columns).map(|i| tensor.cells().get(i).into()).collect();
    let cells = Cells::from_values(tensor.dtype(), &cells).map_err(|at| format!("cell {at} does not fit"))?;
    Ok(Tensor::new(rows, columns, cells)?)
}

/// Cells, a byte each.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    (0..tensor.cells().len()).map(|i| tensor.cells().get(i) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
