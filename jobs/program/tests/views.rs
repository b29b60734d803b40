//! Views: where the cells of a value are committed, and what is refused.

use std::collections::HashSet;

use janction_program::{
    Cell, Cells, ConstantId, DType, OperationKind, Program, ProgramError, Source, Tensor, ValueId,
    builder::{AddOptions, Builder},
    limits::{MAX_OPERANDS, MAX_SOURCES, MAX_VIEWS},
    reference,
    test_utils::{Extent, random_input, random_program, random_program_of},
};
use proptest::prelude::*;

fn identity(b: &mut Builder) -> ConstantId {
    let cells = (0..=255u8).map(|byte| byte as i8 ^ -128).collect();
    b.constant("identity", Tensor::new(1, 256, Cells::I8(cells)).unwrap())
}

/// The reference computes views cell by cell from their definitions; the arrangement must find the same cells in committed
/// rows.
fn check_arrangements(program: &Program, seed: u64) {
    let input = random_input(program, seed);
    let trace = reference::run(program, &input).unwrap();
    let row = input.rows() - 1;
    let values = reference::run_row(program, input.row(row));
    let rows = |source| match source {
        Source::Input => input.row(row),
        Source::Trace(k) => trace[k].row(row),
    };
    for (id, cells) in values.iter().enumerate() {
        let id = ValueId(id);
        let arrangement = program.arrangement(id);
        assert_eq!(arrangement.len(), cells.len());
        for (i, Cell { source, column }) in arrangement.iter().copied().enumerate() {
            assert_eq!(rows(source).get(column), cells.get(i), "seed {seed}, value {id:?}, cell {i}");
        }
        // The sources are exactly the tensors that hold cells, each once.
        let sources = program.sources(id);
        let distinct: HashSet<Source> = arrangement.iter().map(|cell| cell.source).collect();
        assert_eq!(sources.iter().copied().collect::<HashSet<_>>(), distinct);
        assert_eq!(sources.len(), distinct.len());
        let rows: Vec<(Source, Cells)> = sources.iter().map(|&source| (source, rows(source))).collect();
        let find =
            |wanted| rows.iter().find(|(source, _)| *source == wanted).map(|(_, cells)| cells).unwrap();
        assert_eq!(program.gather(id, find), *cells);
        // A value is whole when its row is a committed one.
        if let Some(source) = program.whole(id) {
            assert_eq!(sources, [source]);
            assert!(arrangement.iter().enumerate().all(|(i, cell)| cell.column == i));
            assert_eq!(arrangement.len(), program.tensor(source).columns());
        }
    }
    for step in program.steps() {
        let mut operands = Vec::new();
        for source in step.operation.inputs().into_iter().flat_map(|id| program.sources(id)) {
            if !operands.contains(&source) {
                operands.push(source);
            }
        }
        assert_eq!(program.operands(step), operands);
    }
    assert_eq!(program.whole(ValueId(program.steps().len())), Some(program.output_source()));
}

proptest! {
    #[test]
    fn arrangements_are_what_the_reference_shows(seed: u64) {
        check_arrangements(&random_program(seed), seed);
        let views = [OperationKind::Transpose, OperationKind::Concat, OperationKind::Reshape, OperationKind::Add];
        check_arrangements(&random_program_of(seed, Extent::Usual, &views), seed);
    }
}

#[test]
fn operands_are_counted_once() {
    let mut b = Builder::new("twice", 1);
    let x = b.input("x", DType::I8, &[2]);
    let table = identity(&mut b);
    let y = b.lookup("y", x, table);
    let both = b.concat("both", &[y, x, y], 0);
    let swapped = b.concat("swapped", &[x, both], 0);
    let far = b.reshape("far", swapped, &[2, 4]);
    let z = b.add("z", far, far, DType::I8, AddOptions::new([1, -1], 1));
    let program = b.build().unwrap();
    let cell = |source, column| Cell { source, column };
    let (input, trace) = (Source::Input, Source::Trace(0));
    let shown =
        [(input, 0), (input, 1), (trace, 0), (trace, 1), (input, 0), (input, 1), (trace, 0), (trace, 1)];
    assert_eq!(program.arrangement(far), shown.map(|(source, column)| cell(source, column)));
    assert_eq!(program.sources(far), [input, trace]);
    assert_eq!(program.sources(both), [trace, input]);
    let Some(step) = program.steps().last() else { panic!("the program has steps") };
    assert_eq!((step.operation.inputs(), program.operands(step)), (vec![far, far], vec![input, trace]));
    assert_eq!((program.whole(far), program.whole(z)), (None, Some(Source::Trace(1))));
}

/// The output must be a tensor of its own, or a reshape of one.
#[test]
fn outputs_that_rearrange_are_refused() {
    let with = |finish: &dyn Fn(&mut Builder, ValueId, ConstantId)| {
        let mut b = Builder::new("output", 1);
        let x = b.input("x", DType::I8, &[2, 3]);
        let table = identity(&mut b);
        let y = b.lookup("y", x, table);
        finish(&mut b, y, table);
        b.build()
    };
    let refused = |result: Result<Program, ProgramError>, name: &str| {
        let error = result.unwrap_err();
        assert_eq!(error, ProgramError::OutputView { name: name.into() });
        assert!(error.to_string().contains("append a lookup of the identity"));
        assert_eq!(error.subject(), Some(name));
    };
    refused(
        with(&|b, y, _| {
            b.transpose("t", y, &[1, 0]);
        }),
        "t",
    );
    refused(
        with(&|b, y, _| {
            b.concat("c", &[y, ValueId(0)], 0);
        }),
        "c",
    );
    let reshaped_view = with(&|b, y, _| {
        let t = b.transpose("t", y, &[1, 0]);
        b.reshape("r", t, &[6]);
    });
    refused(reshaped_view, "r");
    let reshaped = with(&|b, y, _| {
        b.reshape("r", y, &[6]);
    })
    .unwrap();
    assert_eq!(reshaped.output_source(), Source::Trace(0));
    // The remedy that the error names.
    let remedied = with(&|b, y, table| {
        let t = b.transpose("t", y, &[1, 0]);
        b.lookup("out", t, table);
    });
    assert_eq!(remedied.unwrap().output_source(), Source::Trace(1));
}

#[test]
fn chains_of_views_are_limited() {
    let of = |views: usize| {
        let mut b = Builder::new("chain", 1);
        let mut x = b.input("x", DType::I8, &[2, 3]);
        let table = identity(&mut b);
        for i in 0..views {
            x = b.transpose(&format!("t{i}"), x, &[1, 0]);
            // Reshapes do not count: they move nothing.
            let shape = b.value(x).unwrap().shape.clone();
            x = b.reshape(&format!("r{i}"), x, &shape);
        }
        b.lookup("y", x, table);
        b.build()
    };
    check_arrangements(&of(MAX_VIEWS).unwrap(), 1);
    let name = format!("t{MAX_VIEWS}");
    let error = of(MAX_VIEWS + 1).unwrap_err();
    assert_eq!(error, ProgramError::Views { name, got: MAX_VIEWS + 1, limit: MAX_VIEWS });
}

#[test]
fn sources_are_limited() {
    let of = |tensors: usize| {
        let mut b = Builder::new("many", 1);
        let x = b.input("x", DType::I8, &[1]);
        let table = identity(&mut b);
        let all: Vec<ValueId> = (0..tensors).map(|i| b.lookup(&format!("y{i}"), x, table)).collect();
        let joins: Vec<ValueId> = all
            .chunks(MAX_OPERANDS / 2)
            .enumerate()
            .map(|(i, part)| b.concat(&format!("join{i}"), &[part, &part[..1]].concat(), 0))
            .collect();
        let join = b.concat("join", &joins, 0);
        b.lookup("out", join, table);
        b.build()
    };
    of(MAX_SOURCES).unwrap();
    let error = of(MAX_SOURCES + 1).unwrap_err();
    assert_eq!(
        error,
        ProgramError::Sources { name: "join".into(), got: MAX_SOURCES + 1, limit: MAX_SOURCES }
    );
    // The operands of a step count together.
    let mut b = Builder::new("sum", 1);
    let x = b.input("x", DType::I8, &[1]);
    let table = identity(&mut b);
    let join = |b: &mut Builder, part: &str| {
        let all: Vec<_> = (0..MAX_SOURCES).map(|i| b.lookup(&format!("{part}{i}"), x, table)).collect();
        b.concat(part, &all, 0)
    };
    let (left, right) = (join(&mut b, "left"), join(&mut b, "right"));
    b.add("sum", left, right, DType::I8, AddOptions::new([1, 1], 1));
    let error = b.build().unwrap_err();
    assert_eq!(error, ProgramError::Sources { name: "sum".into(), got: 2 * MAX_SOURCES, limit: MAX_SOURCES });
}
