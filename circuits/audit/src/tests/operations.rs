//! Every operation: what the reference computes is accepted, and no cell of a result can be another.

use janction_gadgets::test_utils::{generate, prove};
use janction_program::test_utils::{Extent, random_input, random_program_of};
use janction_program::{Cells, OperationKind, Program, Tensor};
use janction_trace::{Policy, Trace};

use super::{Pieces, honest};
use crate::piece::tensor;

const KINDS: [OperationKind; 6] = [
    OperationKind::MatMul,
    OperationKind::Conv,
    OperationKind::Add,
    OperationKind::Lookup,
    OperationKind::MaxPool,
    OperationKind::AveragePool,
];

/// Programs of one kind of operation, with views.
fn programs(kind: OperationKind) -> impl Iterator<Item = Program> {
    let kinds = [kind, OperationKind::Reshape, OperationKind::Transpose, OperationKind::Concat];
    (0..6).map(move |seed| random_program_of(seed, Extent::Usual, &kinds))
}

/// `trace` with cell `column` of row `row` of tensor `k` set to another value, committed to anew.
fn forge(program: &Program, trace: &Trace, k: usize, row: usize, column: usize, value: i32) -> Trace {
    let mut tensors: Vec<Tensor> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
    let old = &tensors[k - 1];
    let mut values: Vec<i64> = (0..old.cells().len()).map(|i| old.cells().get(i).into()).collect();
    values[row * old.columns() + column] = value.into();
    let cells = Cells::from_values(old.dtype(), &values).unwrap();
    tensors[k - 1] = Tensor::new(old.rows(), old.columns(), cells).unwrap();
    Trace::commit(program, trace.input().tensor().clone(), tensors).unwrap()
}

#[test]
fn no_cell_of_any_operation_can_be_another() {
    for kind in KINDS {
        let mut lies = 0;
        for program in programs(kind) {
            let pieces = Pieces::new(program.clone(), Policy::Full, 0, 0);
            if pieces.audit.circuits.len() > 1 {
                continue;
            }
            let input = random_input(&program, 5);
            let input = Tensor::new(1, input.columns(), input.row(0)).unwrap();
            let trace = honest(&program, &input);
            let subject = pieces.subject(&trace);
            pieces.run(&subject, &trace, 0, 1).unwrap_or_else(|e| panic!("{kind:?} {}: {e}", program.name()));
            for k in 1..=trace.tensors().len() {
                let honest = tensor(&trace, k).tensor().row(0);
                let (min, max) = (honest.dtype().min(), honest.dtype().max());
                // Some columns, the first and the last among them.
                for column in (0..honest.len()).step_by(honest.len().div_ceil(5)).chain([honest.len() - 1]) {
                    let cell = honest.get(column);
                    for wrong in [cell - 1, cell + 1, min, max] {
                        if wrong == cell || !(min..=max).contains(&wrong) {
                            continue;
                        }
                        let forged = forge(&program, &trace, k, 0, column, wrong);
                        let result = pieces.run(&pieces.subject(&forged), &forged, 0, 1);
                        assert!(result.is_err(), "{kind:?}, tensor {k}, column {column}: {wrong} for {cell}");
                        lies += 1;
                    }
                }
            }
        }
        assert!(lies > 50, "{kind:?}: only {lies} cells were changed");
    }
}

/// Drawn rows of operations of any kind, several operands among them.
#[test]
fn drawn_rows_of_any_operation_are_checked() {
    for seed in 0..8 {
        let program = random_program_of(seed, Extent::Usual, &OperationKind::ALL);
        let pieces = Pieces::new(program.clone(), Policy::Rows(4), 0, 1);
        if pieces.audit.circuits.len() > 1 {
            continue;
        }
        let trace = honest(&program, &random_input(&program, seed));
        let subject = pieces.subject(&trace);
        pieces.run(&subject, &trace, 0, 4).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let rows = janction_trace::draw::draw_rows(subject.beacon, 0, trace.rows(), 4);
        let honest = tensor(&trace, 1).tensor().row(rows[0]);
        let wrong = if honest.get(0) > 0 { honest.get(0) - 1 } else { honest.get(0) + 1 };
        let forged = forge(&program, &trace, 1, rows[0], 0, wrong);
        assert!(pieces.run(&pieces.subject(&forged), &forged, 0, 4).is_err(), "seed {seed}");
    }
}

/// A proof with lookups and every gate, by the stock prover.
#[test]
fn stock_proves_and_verifies() {
    let program = random_program_of(3, Extent::Usual, &OperationKind::ALL);
    let pieces = Pieces::new(program.clone(), Policy::Full, 0, 0);
    let trace = honest(&program, &random_input(&program, 3));
    let subject = pieces.subject(&trace);
    let inputs = pieces.assign(&subject, &trace, 0);
    let data = &pieces.piece().data;
    prove(data, generate(data, inputs, &[]).unwrap()).unwrap();
}
