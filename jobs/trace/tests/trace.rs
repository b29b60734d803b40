//! Traces of random programs: commitments, openings, and forgeries of both.

mod support;

use janction_program::{
    Cells, OperationKind, Tensor, Value,
    commitment::{RowTree, row_digest},
    reference,
    test_utils::{Extent, random_input, random_program_of},
};
use janction_trace::{
    CheckError, CommittedTensor, OpeningError, RowOpening, Trace, TraceError, check_row, trace_root,
};
use proptest::prelude::*;
use support::{changed, falsified, traced};

/// What a program says of such a tensor.
fn value_of(tensor: &Tensor) -> Value {
    Value { name: "t".into(), dtype: tensor.dtype(), shape: vec![tensor.columns() as u32] }
}

proptest! {
    #[test]
    fn every_row_opens(seed: u64) {
        let (program, trace) = traced(seed);
        for tensor in trace.tensors().iter().chain([trace.input()]) {
            let value = value_of(tensor.tensor());
            for row in 0..trace.rows() {
                let opening = RowOpening::open(&program, tensor, row).unwrap();
                prop_assert_eq!(opening.verify(&program, tensor.root(), &value, trace.rows()), Ok(()));
            }
            prop_assert!(RowOpening::open(&program, tensor, trace.rows()).is_err());
        }
        prop_assert_eq!(trace.output_root(), trace.tensors().last().unwrap().root());
    }

    #[test]
    fn forged_openings_fail(seed: u64, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let tensor = trace.output();
        let (root, depth) = (tensor.root(), program.tree_depth());
        let (value, columns) = (value_of(tensor.tensor()), tensor.tensor().columns());
        let opening = RowOpening::open(&program, tensor, at.index(trace.rows())).unwrap();
        let verify = |o: &RowOpening| o.verify(&program, root, &value, trace.rows());

        let mut forged = opening.clone();
        forged.cells = changed(&opening.cells, at.index(columns));
        let is_root_error = matches!(verify(&forged), Err(OpeningError::Root { .. }));
        prop_assert!(is_root_error);

        if depth > 0 {
            let mut forged = opening.clone();
            let level = at.index(depth.into());
            forged.path[level] = row_digest(&opening.cells);
            prop_assert!(verify(&forged).is_err() || forged == opening);
            let mut forged = opening.clone();
            forged.path.pop();
            let is_length_error = matches!(verify(&forged), Err(OpeningError::PathLength { .. }));
            prop_assert!(is_length_error);
        }
        // An index beyond the tree's leaves would fold like its low bits.
        let mut forged = opening.clone();
        forged.row += program.max_rows();
        let is_row_error = matches!(verify(&forged), Err(OpeningError::Row { .. }));
        prop_assert!(is_row_error);
        let mut forged = opening.clone();
        forged.others.push(opening.cells.clone());
        let is_block_error = matches!(verify(&forged), Err(OpeningError::Block { .. }));
        prop_assert!(is_block_error);
        for other in 0..opening.others.len() {
            let mut forged = opening.clone();
            forged.others[other] = changed(&opening.others[other], at.index(columns));
            let is_root_error = matches!(verify(&forged), Err(OpeningError::Root { .. }));
            prop_assert!(is_root_error);
        }
        let longer = Value { shape: vec![columns as u32 + 1], ..value.clone() };
        let wrong_length = opening.verify(&program, root, &longer, trace.rows());
        let is_shape_error = matches!(wrong_length, Err(OpeningError::Shape { .. }));
        prop_assert!(is_shape_error);
    }

    #[test]
    fn row_checks_find_exactly_the_false_rows(seed: u64, which: prop::sample::Index, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        for k in 0..trace.tensors().len() {
            for row in 0..trace.rows() {
                prop_assert_eq!(trace.check_row(&program, k, row), Ok(()));
            }
        }
        // One cell of one row of one operation.
        let k = which.index(trace.tensors().len());
        let (rows, columns) = (trace.rows(), trace.tensors()[k].tensor().columns());
        let cell = at.index(rows * columns);
        let forged = falsified(&program, &trace, k, cell);
        let Err(CheckError::Fault(fault)) = forged.check_row(&program, k, cell / columns) else {
            return Err(TestCaseError::fail("the false row was accepted"));
        };
        let name = &program.committed_steps().nth(k).unwrap().output.name;
        prop_assert_eq!((&fault.operation, fault.row, fault.column), (name, cell / columns, cell % columns));
        prop_assert_eq!(fault.expected, trace.tensors()[k].tensor().cells().get(cell));
        for row in (0..rows).filter(|row| *row != cell / columns) {
            prop_assert_eq!(forged.check_row(&program, k, row), Ok(()));
        }
    }

    #[test]
    fn any_changed_cell_changes_the_trace_root(seed: u64, which: prop::sample::Index, at: prop::sample::Index) {
        let (program, trace) = traced(seed);
        let k = which.index(trace.tensors().len());
        let other = falsified(&program, &trace, k, at.index(trace.tensors()[k].tensor().cells().len()));
        prop_assert_ne!(other.trace_root(), trace.trace_root());
        prop_assert_eq!(other.input_root(), trace.input_root());
    }
}

#[test]
fn traces_must_fit_their_program() {
    let (program, trace) = traced(3);
    let input = trace.input().tensor().clone();
    let tensors: Vec<Tensor> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();

    let short = Trace::commit(&program, input.clone(), tensors[1..].to_vec());
    assert!(matches!(short, Err(TraceError::TensorCount { .. })));

    let mut wrong = tensors.clone();
    let (rows, columns) = (wrong[0].rows(), wrong[0].columns());
    wrong[0] = Tensor::new(rows, columns, Cells::I32(vec![0; rows * columns])).unwrap();
    assert!(matches!(Trace::commit(&program, input, wrong), Err(TraceError::Shape { .. })));

    let digests = CommittedTensor::with_leaves(&program, tensors[0].clone(), vec![]);
    assert!(matches!(digests, Err(TraceError::LeafCount { .. })));
}

#[test]
fn row_checks_need_rows_of_the_right_shape() {
    // A program whose first operation reads the input alone.
    let (program, trace) = traced(3);
    let (input, output) = (trace.input().tensor().row(0), trace.tensors()[0].tensor().row(0));
    assert_eq!(check_row(&program, 0, 0, &[&input], &output), Ok(()));
    let long = Cells::I32(vec![0; output.len()]);
    assert!(matches!(check_row(&program, 0, 0, &[&input], &long), Err(CheckError::Trace(_))));
    assert!(matches!(check_row(&program, 0, 0, &[&long], &output), Err(CheckError::Trace(_))));
    for operands in [&[][..], &[&input, &input]] {
        let verdict = check_row(&program, 0, 0, operands, &output);
        assert!(matches!(verdict, Err(CheckError::Trace(TraceError::OperandCount { .. }))), "{verdict:?}");
    }
    assert!(matches!(check_row(&program, 99, 0, &[&input], &output), Err(CheckError::Trace(_))));
}

/// Each operation's fault names the rule that the cell breaks, with its numbers.
#[test]
fn faults_name_the_rule() {
    for kind in OperationKind::ALL.into_iter().filter(|kind| !kind.is_view()) {
        let program = random_program_of(1, Extent::Usual, &[kind]);
        let input = random_input(&program, 1);
        let trace =
            Trace::commit(&program, input.clone(), reference::run(&program, &input).unwrap()).unwrap();
        let k = program.committed_steps().position(|step| step.operation.kind() == kind).unwrap();
        let columns = trace.tensors()[k].tensor().columns();
        let forged = falsified(&program, &trace, k, columns - 1);
        let Err(CheckError::Fault(fault)) = forged.check_row(&program, k, 0) else {
            panic!("a false cell of {kind:?} was not found")
        };
        assert_eq!((fault.kind, fault.row, fault.column), (kind.name(), 0, columns - 1));
        assert_eq!(fault.expected, trace.tensors()[k].tensor().get(0, columns - 1));
        let words = match kind {
            OperationKind::Lookup => "table[",
            OperationKind::MaxPool => "the largest cell of the window",
            // `round`, or with where halves go.
            _ => "clamp(round",
        };
        assert!(fault.rule.starts_with(words), "{fault}");
    }
}

#[test]
fn the_trace_root_is_ordered_and_counted() {
    let root = |cells: Vec<u8>| RowTree::new(vec![row_digest(&Cells::U8(cells))], 0).unwrap().root();
    let (a, b) = (root(vec![1]), root(vec![2]));
    assert_ne!(trace_root(&[a, b]), trace_root(&[b, a]));
    assert_ne!(trace_root(&[a]), trace_root(&[a, a]));
}
