//! `program inspect`.

use std::path::Path;

use janction_audit::AuditFacts;
use janction_program::commitment::{SCHEME, constant_root};
use janction_program::container::{KIND_TENSOR_PROGRAM, VERSION};
use janction_program::{Constant, Operation, Program, Step, limits};
use janction_trace::Policy;
use janction_worker::multiply_adds;
use serde_json::{Value, json};

use super::load;
use crate::config::Config;
use crate::failure::Outcome;
use crate::output::{Output, columns, table};
use crate::progress::Progress;

/// Shows what a job binary holds.
///
/// # Errors
/// It cannot be read, or cannot be audited under one of `policies`.
pub fn inspect(config: &Config, output: Output, path: &Path, policies: &[Policy]) -> Outcome {
    let program = load::program(path)?;
    let mut audits = Vec::new();
    for &policy in policies {
        let _bar = Progress::spinner(output, &format!("making the audit key of {policy}"));
        audits.push((policy, load::audit(config, &program, policy)?));
    }
    output.print(&describe(&program, &audits), |_| in_words(&program, &audits));
    Ok(())
}

fn describe(program: &Program, audits: &[(Policy, AuditFacts)]) -> Value {
    let operations: Vec<Value> = program.steps().iter().map(|step| operation(program, step)).collect();
    let constants: Vec<Value> = program.constants().iter().map(constant).collect();
    let audits: Vec<Value> = audits
        .iter()
        .map(|(policy, audit)| {
            json!({
                "policy": policy.to_string(),
                "key": audit.key.to_string(),
                "piece_sizes": audit.pieces.piece_sizes,
                "fold_pieces": audit.pieces.fold_pieces,
                "piece_log2_rows": audit.pieces.piece_bits,
            })
        })
        .collect();
    json!({
        "name": program.name(),
        "digest": program.digest().to_string(),
        "format": VERSION,
        "kind": KIND_TENSOR_PROGRAM,
        "commitment_scheme": SCHEME,
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

fn in_words(program: &Program, audits: &[(Policy, AuditFacts)]) -> String {
    let mut text = columns(&[
        ("program", program.name().to_owned()),
        ("digest", program.digest().to_string()),
        ("format", format!("{VERSION}, kind {KIND_TENSOR_PROGRAM} (tensor program)")),
        ("commitment", format!("scheme {SCHEME}, row trees of depth {}", program.depth())),
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
            committed.to_owned(),
        ]
    });
    text += &format!("\n{}", table(&["operation", "kind", "reads", "row", ""], rows));
    let rows = program.constants().iter().map(|c| {
        let shape = format!("{}[{}, {}]", c.tensor.dtype(), c.tensor.rows(), c.tensor.columns());
        vec![c.name.clone(), shape, constant_root(&c.tensor).to_string()]
    });
    text += &format!("\n{}", table(&["constant", "shape", "root"], rows));
    if !audits.is_empty() {
        let rows = audits.iter().map(|(policy, audit)| {
            let sizes: Vec<String> = audit.pieces.piece_sizes.iter().map(u32::to_string).collect();
            let unit = if *policy == Policy::Full { "rows" } else { "draws" };
            let mut size = format!("{} {unit}", sizes.join(", "));
            if audit.pieces.fold_pieces > 0 {
                size += &format!("; weights: {} pieces", audit.pieces.fold_pieces);
            }
            vec![policy.to_string(), size, audit.key.to_string()]
        });
        text += &format!("\n{}", table(&["policy", "a piece covers", "audit key"], rows));
    }
    text + &format!(
        "\nLimits: rows of {} cells, {} operations, accumulators within 2^31 - 1, 2^{} rows.\n",
        limits::MAX_COLUMNS,
        limits::MAX_OPERATIONS,
        limits::MAX_DEPTH
    )
}
