//! `program inspect`.

use std::path::Path;

use janction_audit::{AuditFacts, PieceVerifier, Sizing};
use janction_program::commitment::constant_root;
use janction_program::container::{KIND_TENSOR_PROGRAM, VERSION};
use janction_program::{Constant, Operation, Program, Step, limits};
use janction_trace::Policy;
use janction_worker::multiply_adds;
use serde_json::{Value, json};

use super::error::ProgramProblem;
use super::keys::PieceKeys;
use super::load;
use super::worth::Worth;
use crate::config::Config;
use crate::failure::Outcome;
use crate::job::proving::ProvingTime;
use crate::output::{Output, columns, table};
use crate::progress::Progress;

/// Shows what a job binary holds.
///
/// # Errors
/// It cannot be read, or cannot be audited under one of `policies`; more rows than it takes.
pub fn inspect(
    config: &Config,
    output: Output,
    path: &Path,
    policies: &[Policy],
    rows: Option<u32>,
) -> Outcome {
    let program = load::program(path)?;
    // At most 2^24.
    let max_rows = program.max_rows() as u32;
    let rows = rows.unwrap_or(max_rows);
    if rows > max_rows {
        return Err(ProgramProblem::TooManyRows { rows, max_rows }.into());
    }
    let mut audits = Vec::new();
    for &policy in policies {
        let _bar = Progress::spinner(output, &format!("making the keys of {policy}"));
        let sizing = Sizing::of_proof(&program, policy, rows as usize);
        let facts = load::audit(config, &program, policy)?;
        let verifier = PieceKeys::new(config, &program, policy, sizing).verifier()?;
        audits.push(Audit { policy, rows, facts, verifier });
    }
    output.print(&describe(&program, &audits), |_| in_words(&program, &audits));
    Ok(())
}

/// Gas of the contracts' calls, which their tests compare.
const GAS: &str = include_str!("../../../verifier-contracts/snapshots/calls.json");
/// Bytes that proving takes besides the circuit, and for each of its rows: about those of docs/benchmarks.md.
const BASE_BYTES: u64 = 40_000_000;
const BYTES_A_ROW: u64 = 60_000;

/// The audit under one policy, and the proof of some rows.
struct Audit {
    policy: Policy,
    rows: u32,
    facts: AuditFacts,
    verifier: PieceVerifier,
}

impl Audit {
    fn pieces(&self) -> usize {
        self.verifier.count(self.rows)
    }

    /// Memory that proving takes, in bytes, about.
    fn bytes(&self) -> u64 {
        BASE_BYTES + (BYTES_A_ROW << self.verifier.facts().piece_bits)
    }

    /// Seconds to prove the pieces on two cores.
    fn seconds(&self) -> f64 {
        ProvingTime::TWO_CORES.of_pieces(self.verifier.facts(), self.policy, self.rows)
    }
}

/// Gas of a contract's call that verifies a program's proof: measured, docs/program-proofs.md.
fn evm_gas() -> Option<u64> {
    let calls: Value = serde_json::from_str(GAS).ok()?;
    calls["program proof, by roots"].as_str()?.parse().ok()
}

/// The commitment scheme that the sizes recommend, with what it costs.
fn recommended(program: &Program) -> Value {
    let scheme = program.recommended_scheme();
    json!({
        "commitment_scheme": scheme.code(),
        "block_rows": scheme.block_rows(),
        "commitment_cost": scheme.cost(&program.committed_columns()),
    })
}

/// The same in words.
fn recommended_in_words(program: &Program) -> String {
    let (columns, scheme) = (program.committed_columns(), program.recommended_scheme());
    let own = program.scheme().cost(&columns);
    if scheme == program.scheme() {
        return format!("the one it has: {own:.1} permutations' worth of work a row");
    }
    let opened = match scheme.block_rows() {
        1 => String::new(),
        rows => format!("; an audit of drawn rows then opens {rows} rows for each"),
    };
    format!(
        "scheme {scheme}: {:.1} permutations' worth of work a row, not {own:.1}{opened}",
        scheme.cost(&columns)
    )
}

fn describe(program: &Program, audits: &[Audit]) -> Value {
    let operations: Vec<Value> = program.steps().iter().map(|step| operation(program, step)).collect();
    let constants: Vec<Value> = program.constants().iter().map(constant).collect();
    let audits: Vec<Value> = audits
        .iter()
        .map(|audit| {
            let pieces = &audit.facts.pieces;
            let worth = Worth::of(&audit.verifier, program.scheme());
            json!({
                "policy": audit.policy.to_string(),
                "key": audit.facts.key.to_string(),
                "piece_sizes": pieces.piece_sizes,
                "fold_pieces": pieces.fold_pieces,
                "piece_log2_rows": pieces.piece_bits,
                "pieces_key": audit.verifier.digest().to_string(),
                "rows": audit.rows,
                "pieces": audit.pieces(),
                "proof_log2_rows": audit.verifier.facts().piece_bits,
                "prove_s_on_two_cores": audit.seconds(),
                "prove_bytes": audit.bytes(),
                "evm_gas": evm_gas(),
                "soundness": worth.in_words(),
                "soundness_bits": worth.describe(),
            })
        })
        .collect();
    json!({
        "name": program.name(),
        "digest": program.digest().to_string(),
        "format": VERSION,
        "kind": KIND_TENSOR_PROGRAM,
        "commitment_scheme": program.scheme().code(),
        "block_rows": program.scheme().block_rows(),
        "commitment_cost": program.scheme().cost(&program.committed_columns()),
        "recommended": recommended(program),
        "depth": program.depth(),
        "max_rows": program.max_rows(),
        "input": program.input().to_string(),
        "output": program.output().to_string(),
        "multiply_adds_per_row": multiply_adds(program, 1),
        "operations": operations,
        "constants": constants,
        "audit_keys": audits,
        "limits": {
            "columns": limits::MAX_COLUMNS,
            "operations": limits::MAX_OPERATIONS,
            "constants": limits::MAX_CONSTANTS,
            "constant_cells": limits::MAX_CONSTANT_CELLS,
            "depth": limits::MAX_DEPTH,
            "accumulator": limits::MAX_ACCUMULATOR,
        },
    })
}

/// What an operation reads: values, then constants.
fn operands(program: &Program, operation: &Operation) -> Vec<String> {
    let constants = operation.constants().into_iter().map(|id| program.constants()[id.0].name.clone());
    let values = operation.inputs().into_iter().map(|id| program.value(id).name.clone());
    values.chain(constants).collect()
}

fn operation(program: &Program, step: &Step) -> Value {
    let kind = step.operation.kind();
    json!({
        "name": step.output.name,
        "operation": kind.name(),
        "reads": operands(program, &step.operation),
        "output": step.output.to_string(),
        "committed": !kind.is_view(),
        "accumulators_within": program.accumulator_bound(&step.operation),
    })
}

fn constant(constant: &Constant) -> Value {
    let tensor = &constant.tensor;
    json!({
        "name": constant.name,
        "type": tensor.dtype().name(),
        "rows": tensor.rows(),
        "columns": tensor.columns(),
        "root": constant_root(tensor).to_string(),
    })
}

fn in_words(program: &Program, audits: &[Audit]) -> String {
    let mut text = columns(&[
        ("program", program.name().to_owned()),
        ("digest", program.digest().to_string()),
        ("format", format!("{VERSION}, kind {KIND_TENSOR_PROGRAM} (tensor program)")),
        ("commitment", format!("scheme {}; trees of depth {}", program.scheme(), program.tree_depth())),
        ("recommended", recommended_in_words(program)),
        ("input", format!("{} {}, 1 to {} rows", program.input().name, program.input(), program.max_rows())),
        ("output", format!("{} {}", program.output().name, program.output())),
        ("work", format!("{} multiply-adds a row", multiply_adds(program, 1))),
    ]);
    let rows = program.steps().iter().map(|step| {
        let kind = step.operation.kind();
        let committed = if kind.is_view() { "view" } else { "committed" };
        vec![
            step.output.name.clone(),
            kind.name().to_owned(),
            operands(program, &step.operation).join(", "),
            step.output.to_string(),
            program
                .accumulator_bound(&step.operation)
                .map_or(String::new(), |bound| format!("within {bound}")),
            committed.to_owned(),
        ]
    });
    text += &format!("\n{}", table(&["operation", "kind", "reads", "row", "accumulators", ""], rows));
    let rows = program.constants().iter().map(|c| {
        let shape = format!("{}[{}, {}]", c.tensor.dtype(), c.tensor.rows(), c.tensor.columns());
        vec![c.name.clone(), shape, constant_root(&c.tensor).to_string()]
    });
    text += &format!("\n{}", table(&["constant", "shape", "root"], rows));
    if !audits.is_empty() {
        let rows = audits.iter().map(|audit| {
            let pieces = &audit.facts.pieces;
            let sizes: Vec<String> = pieces.piece_sizes.iter().map(u32::to_string).collect();
            let unit = if audit.policy == Policy::Full { "rows" } else { "draws" };
            let mut size = format!("{} {unit}", sizes.join(", "));
            if pieces.fold_pieces > 0 {
                size += &format!("; weights: {} pieces", pieces.fold_pieces);
            }
            vec![audit.policy.to_string(), size, audit.facts.key.to_string()]
        });
        text += &format!("\n{}", table(&["policy", "a piece covers", "audit key"], rows));
        let rows = audits.iter().map(|audit| {
            vec![
                audit.policy.to_string(),
                format!("{} of 2^{}", audit.pieces(), audit.verifier.facts().piece_bits),
                format!("{:.1} s", audit.seconds()),
                format!("{} MB", audit.bytes() / 1_000_000),
                audit.verifier.digest().to_string(),
            ]
        });
        let of_rows = format!("pieces, {} rows", audits[0].rows);
        text += &format!(
            "\n{}",
            table(&["program proof", &of_rows, "two cores", "memory", "key of the pieces"], rows)
        );
        for audit in audits {
            text +=
                &format!("{}: {}\n", audit.policy, Worth::of(&audit.verifier, program.scheme()).in_words());
        }
        if let Some(gas) = evm_gas() {
            text += &format!(
                "on chain (--evm): {gas} gas for the contract's call, besides the transaction's own\n"
            );
        }
    }
    text + &format!(
        "\nLimits: rows of {} cells, {} operations, accumulators within 2^31 - 1, 2^{} rows.\n",
        limits::MAX_COLUMNS,
        limits::MAX_OPERATIONS,
        limits::MAX_DEPTH
    )
}
