//! Under `full` no cell of a trace can be false.

use janction_program::builder::{Builder, MatMulOptions};
use janction_program::commitment::{RowTree, row_digest, row_digests};
use janction_program::test_utils::Random;
use janction_program::{Cells, DType, PerColumn, Program, Requantise, Tensor};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Policy, Trace};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::witness::WitnessWrite;

use super::{Pieces, honest, with};
use crate::piece::PieceTargets;
use janction_gadgets::F;

/// Two products, the first with a ReLU inside the type's range, with a view between them.
pub(super) fn two_layers(depth: u8, name: &str) -> Program {
    let mut r = Random::new(7);
    let mut b = Builder::new(name, depth);
    let x = b.input("x", DType::I8, &[3]);
    let w0 = b.constant("w0", r.tensor(DType::I8, 3, 4));
    let w1 = b.constant("w1", r.tensor(DType::U8, 4, 2));
    let bias = b.constant("bias", Tensor::new(1, 4, Cells::I32(vec![100, -2000, 30, 4])).unwrap());
    let half = |shift| PerColumn::All(Requantise::new(1 << 30, shift));
    let options = MatMulOptions::new(half(36)).bias(bias).zeros(3, -20).relu().clamp(-128, 90);
    let y = b.matmul("y", x, w0, DType::I8, options);
    let view = b.reshape("view", y, &[4, 1]);
    let flat = b.reshape("flat", view, &[4]);
    b.matmul("z", flat, w1, DType::U8, MatMulOptions::new(half(38)).zeros(-20, 128));
    b.build().unwrap()
}

pub(super) fn input(rows: usize) -> Tensor {
    Random::new(8).tensor(DType::I8, rows, 3)
}

/// `tensor` with one cell changed.
pub(super) fn flip(tensor: &Tensor, row: usize, column: usize) -> Tensor {
    let at = row * tensor.columns() + column;
    let mut values: Vec<i64> = (0..tensor.cells().len()).map(|i| tensor.cells().get(i).into()).collect();
    values[at] += if values[at] > 0 { -1 } else { 1 };
    let cells = Cells::from_values(tensor.dtype(), &values).unwrap();
    Tensor::new(tensor.rows(), tensor.columns(), cells).unwrap()
}

/// `trace` with tensor `k` (1 is the first committed one) replaced, everything committed to anew.
pub(super) fn replace(program: &Program, trace: &Trace, k: usize, tensor: Tensor) -> Trace {
    let mut tensors: Vec<Tensor> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
    let mut input = trace.input().tensor().clone();
    match k.checked_sub(1) {
        None => input = tensor,
        Some(k) => tensors[k] = tensor,
    }
    Trace::commit(program, input, tensors).unwrap()
}

#[test]
fn no_cell_can_be_flipped() {
    let program = two_layers(2, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(4));
    pieces.run(&pieces.subject(&trace), &trace, 0, 4).unwrap();
    for (k, columns) in [(0, 3), (1, 4), (2, 2)] {
        for (row, column) in (0..4).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let tensor = crate::piece::tensor(&trace, k).tensor();
            let forged = replace(&program, &trace, k, flip(tensor, row, column));
            if honest(&program, forged.input().tensor()) == forged {
                // Another input with the same results is no lie.
                continue;
            }
            let subject = pieces.subject(&forged);
            assert!(pieces.run(&subject, &forged, 0, 4).is_err(), "tensor {k}, row {row}, column {column}");
        }
    }
}

/// The digest of a row is the hash of the cells that are checked.
#[test]
fn digests_are_of_the_checked_cells() {
    let program = two_layers(2, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(4));
    for k in 0..3 {
        let commit = |t: usize| {
            let tensor = crate::piece::tensor(&trace, t).tensor().clone();
            let mut digests = row_digests(&tensor);
            if t == k {
                digests[2] = Digest([F::ONE; 4]);
            }
            CommittedTensor::with_leaves(&program, tensor, digests).unwrap()
        };
        let forged = Trace::of(&program, commit(0), vec![commit(1), commit(2)]).unwrap();
        assert!(pieces.run(&pieces.subject(&forged), &forged, 0, 4).is_err(), "tensor {k}");
    }
}

/// A digest says type and length of its row: the same bytes as another type, or with one more cell, have another.
#[test]
fn digests_say_what_they_are_of() {
    let program = two_layers(2, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(4));
    let as_bytes = |cells: &Cells| -> Vec<u8> {
        (0..cells.len()).map(|i| (cells.get(i) - cells.dtype().min()) as u8).collect()
    };
    for k in 0..3 {
        let forgeries: [&dyn Fn(&Cells) -> Cells; 2] = [
            &|cells| match cells {
                Cells::U8(cells) => Cells::I8(cells.iter().map(|&c| (c ^ 0x80) as i8).collect()),
                cells => Cells::U8(as_bytes(cells)),
            },
            // The cell that the packing fills up with.
            &|cells| {
                let values = (0..cells.len()).map(|i| i64::from(cells.get(i)));
                let padded: Vec<i64> = values.chain([cells.dtype().min().into()]).collect();
                Cells::from_values(cells.dtype(), &padded).unwrap()
            },
        ];
        for forge in forgeries {
            let commit = |t: usize| {
                let tensor = crate::piece::tensor(&trace, t).tensor().clone();
                let rows = (0..4).map(|row| tensor.row(row));
                let digests = rows.map(|row| row_digest(&if t == k { forge(&row) } else { row })).collect();
                CommittedTensor::with_leaves(&program, tensor, digests).unwrap()
            };
            let forged = Trace::of(&program, commit(0), vec![commit(1), commit(2)]).unwrap();
            assert!(pieces.run(&pieces.subject(&forged), &forged, 0, 4).is_err(), "tensor {k}");
        }
    }
}

/// Roots of higher and lower trees over the same rows are no roots of this program's.
#[test]
fn trees_have_the_programs_depth() {
    let program = two_layers(3, "two_layers");
    let trace = honest(&program, &input(4));
    for policy in [Policy::Full, Policy::Rows(4)] {
        let pieces = Pieces::new(program.clone(), policy, 2, 1);
        for depth in [2, 4] {
            let root = |k: usize| {
                let tensor = crate::piece::tensor(&trace, k).tensor().clone();
                RowTree::new(row_digests(&tensor), depth).unwrap().root()
            };
            let mut subject = pieces.subject(&trace);
            subject.input_root = root(0);
            assert!(
                pieces.run(&subject, &trace, 0, 4).is_err(),
                "{policy}: the input's tree of depth {depth}"
            );
            let mut subject = pieces.subject(&trace);
            subject.trace_root = janction_trace::trace_root(&[root(1), root(2)]);
            subject.output_root = root(2);
            let roots = match &pieces.piece().targets {
                PieceTargets::Full(targets) => &targets.roots.0,
                PieceTargets::Drawn(targets) => &targets.roots.0,
                PieceTargets::Fold(_) => unreachable!("the first stage is one of rows"),
            };
            let mut inputs = pieces.assign(&subject, &trace, 0);
            for k in [1, 2] {
                for (target, element) in roots[k].elements.into_iter().zip(root(k).0) {
                    inputs = with(&inputs, target, element);
                }
            }
            assert!(pieces.run_inputs(inputs, &subject, 0, 4).is_err(), "{policy}: trees of depth {depth}");
        }
    }
}

/// Every part of the subject is bound: none can be replaced while the rest stays.
#[test]
fn the_subject_is_bound() {
    let program = two_layers(2, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(4));
    let subject = pieces.subject(&trace);
    let other = Digest([1, 2, 3, 4].map(F::from_canonical_u64));
    let other_program = two_layers(2, "of_another_name").digest();
    type Change<'a> = &'a dyn Fn(&mut crate::subject::Subject);
    let changes: [(&str, Change<'_>); 10] = [
        ("program", &|s| s.program = other_program),
        ("input root", &|s| s.input_root = other),
        ("trace root", &|s| s.trace_root = other),
        ("output root", &|s| s.output_root = other),
        ("beacon", &|s| s.beacon[3] = F::TWO),
        ("rows", &|s| s.rows = 3),
        ("mode", &|s| s.mode = crate::subject::Mode::Drawn),
        ("end", &|s| s.end = 5),
        ("challenge", &|s| s.challenge = other),
        ("folds", &|s| s.folds = other),
    ];
    for (name, change) in changes {
        let mut lie = subject;
        change(&mut lie);
        // The witness follows the lie where it can (under `full` and without Freivalds' checks some have no meaning: any will do, if it is the wrapper's).
        let is_idle = matches!(name, "beacon" | "end" | "challenge" | "folds");
        assert_eq!(pieces.run(&lie, &trace, 0, 4).is_ok(), is_idle, "{name}");
        // Or keeps to the truth.
        assert!(pieces.run_inputs(pieces.assign(&subject, &trace, 0), &lie, 0, 4).is_err(), "{name}");
    }
}

/// Roots of two tensors exchanged, or one tensor under both roots: the trace root names each operation's own.
#[test]
fn each_operation_has_its_own_root() {
    let program = two_layers(2, "two_layers");
    let pieces = Pieces::new(program.clone(), Policy::Full, 2, 0);
    let trace = honest(&program, &input(4));
    let subject = pieces.subject(&trace);
    let PieceTargets::Full(targets) = &pieces.piece().targets else { unreachable!("the policy is full") };
    let roots = [trace.tensors()[0].root(), trace.tensors()[1].root()];
    for (place, root) in [(1, roots[1]), (2, roots[0])] {
        let mut inputs = pieces.assign(&subject, &trace, 0);
        for target in targets.roots.0[place].elements {
            inputs.target_values.remove(&target);
        }
        inputs.set_hash_target(targets.roots.0[place], HashOut { elements: root.0 }).unwrap();
        assert!(pieces.run_inputs(inputs, &subject, 0, 4).is_err());
    }
    let inputs = pieces.assign(&subject, &trace, 0);
    let lie = with(&inputs, targets.roots.0[1].elements[3], F::TWO);
    assert!(pieces.run_inputs(lie, &subject, 0, 4).is_err());
}
