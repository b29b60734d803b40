//! Every rule of a valid program, broken once.

use janction_program::{
    Cells, ConstantId, DType, MatMul, Operation, Parts, PerColumn, Program, ProgramError, Requantise,
    Reshape, Step, Tensor, TensorError, Value, ValueId, commitment::Scheme, reference,
};

fn value(name: &str, dtype: DType, shape: &[u32]) -> Value {
    Value { name: name.into(), dtype, shape: shape.into() }
}

fn constant(name: &str, rows: usize, columns: usize, cells: Cells) -> janction_program::Constant {
    janction_program::Constant { name: name.into(), tensor: Tensor::new(rows, columns, cells).unwrap() }
}

fn matmul() -> MatMul {
    MatMul {
        input: ValueId(1),
        weights: ConstantId(0),
        bias: Some(ConstantId(1)),
        input_zero: 3,
        weight_zero: PerColumn::All(0),
        requantise: PerColumn::All(Requantise::new(1 << 30, 31)),
        output_zero: -1,
        clamp: (-128, 127),
    }
}

/// x: u8[2, 2] -> flat: u8[4] -> y: i8[2]
fn parts() -> Parts {
    Parts {
        name: "p".into(),
        depth: 2,
        scheme: Scheme::Rows,
        input: value("x", DType::U8, &[2, 2]),
        constants: vec![
            constant("w", 4, 2, Cells::I8(vec![1; 8])),
            constant("b", 1, 2, Cells::I32(vec![5, -5])),
        ],
        steps: vec![
            Step {
                output: value("flat", DType::U8, &[4]),
                operation: Operation::Reshape(Reshape { input: ValueId(0) }),
            },
            Step { output: value("y", DType::I8, &[2]), operation: Operation::MatMul(matmul()) },
        ],
    }
}

/// The error after `change`, as text.
fn broken(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = parts();
    change(&mut parts);
    Program::new(parts).expect_err("a rule is broken").to_string()
}

fn broken_matmul(change: impl FnOnce(&mut MatMul)) -> String {
    broken(|p| {
        let mut op = matmul();
        change(&mut op);
        p.steps[1].operation = Operation::MatMul(op);
    })
}

#[test]
fn the_unbroken_program_is_valid() {
    Program::new(parts()).unwrap();
}

#[test]
fn names_and_limits() {
    let long = "n".repeat(65);
    for name in ["", "1a", "a b", ".a", "a\u{e9}", long.as_str()] {
        assert!(broken(|p| p.name = name.into()).contains("is not valid"), "{name}");
        assert!(broken(|p| p.steps[1].output.name = name.into()).contains("is not valid"), "{name}");
    }
    assert!(broken(|p| p.steps[1].output.name = "w".into()).contains("used twice"));
    assert!(broken(|p| p.depth = 25).contains("depth: 25 is outside 0..=24"));
    assert!(broken(|p| p.steps.clear()).contains("number of operations"));
    assert!(broken(|p| p.input.shape = vec![]).contains("dimensions of \"x\""));
    assert!(broken(|p| p.input.shape = vec![1; 9]).contains("dimensions of \"x\""));
    assert!(broken(|p| p.input.shape = vec![0, 4]).contains("cells in a row of \"x\""));
    assert!(broken(|p| p.input.shape = vec![u32::MAX; 8]).contains("cells in a row of \"x\""));
    assert!(broken(|p| p.input.dtype = DType::I32).contains("an activation cannot be i32"));
    let many = Tensor::new((1 << 20) + 1, 1, Cells::I8(vec![0; (1 << 20) + 1])).unwrap();
    assert!(broken(|p| p.constants[0].tensor = many).contains("rows of \"w\""));
}

#[test]
fn references() {
    assert!(broken_matmul(|op| op.input = ValueId(2)).contains("reads value 2, but only values below 2"));
    assert!(broken_matmul(|op| op.weights = ConstantId(2)).contains("reads constant 2"));
    assert!(broken_matmul(|op| op.bias = Some(ConstantId(9))).contains("reads constant 9"));
    assert!(broken_matmul(|op| op.bias = None).contains("\"b\" is used by no operation"));
    let views_only = broken(|p| {
        p.steps.truncate(1);
        p.constants.clear();
    });
    assert!(views_only.contains("no operation besides views"));
    let unused = broken(|p| {
        let mut again = p.steps[1].clone();
        again.output.name = "z".into();
        p.steps.push(again);
    });
    assert!(unused.contains("\"y\" is used by no operation"));
}

#[test]
fn shapes_and_types() {
    assert!(broken(|p| p.steps[0].output.shape = vec![3]).contains("4 cells a row"));
    assert!(broken(|p| p.steps[0].output.dtype = DType::I8).contains("the output's type must be u8"));
    assert!(broken(|p| p.steps[1].output.shape = vec![3]).contains("the output's row must be [2]"));
    assert!(broken(|p| p.steps[1].output.shape = vec![1, 2]).contains("the output's row must be [2]"));
    let with = |index: usize, rows, columns, cells| {
        broken(|p| p.constants[index] = constant("c", rows, columns, cells))
    };
    assert!(with(0, 3, 2, Cells::I8(vec![0; 6])).contains("the weights must be 4 rows"));
    assert!(with(0, 4, 2, Cells::I32(vec![0; 8])).contains("the weights cannot be i32"));
    assert!(with(1, 1, 3, Cells::I32(vec![0; 3])).contains("the bias must be [1, 2]"));
    assert!(with(1, 2, 2, Cells::I32(vec![0; 4])).contains("the bias must be [1, 2]"));
    assert!(with(1, 1, 2, Cells::I8(vec![0; 2])).contains("the bias cannot be i8"));
    assert!(broken_matmul(|op| op.weight_zero = PerColumn::Each(vec![0; 3])).contains("weight_zero must be"));
    let three = PerColumn::Each(vec![Requantise::new(1, 1); 3]);
    assert!(broken_matmul(|op| op.requantise = three).contains("requantise must be"));
}

#[test]
fn parameters() {
    assert!(broken_matmul(|op| op.input_zero = -1).contains("input_zero = -1 is outside 0..=255"));
    assert!(broken_matmul(|op| op.output_zero = 128).contains("output_zero = 128 is outside -128..=127"));
    assert!(broken_matmul(|op| op.weight_zero = PerColumn::All(128)).contains("weight_zero = 128"));
    assert!(broken_matmul(|op| op.clamp = (-129, 0)).contains("the lower clamp bound = -129"));
    assert!(broken_matmul(|op| op.clamp = (0, 128)).contains("the upper clamp bound = 128"));
    assert!(broken_matmul(|op| op.clamp = (1, 0)).contains("the lower clamp bound = 1 is outside -128..=0"));
    for (multiplier, shift) in [(0, 1), (1 << 31, 1), (1, 0), (1, 63)] {
        let requantise = PerColumn::All(Requantise::new(multiplier, shift));
        let error = broken_matmul(|op| op.requantise = requantise);
        assert!(error.contains("multiplier = ") || error.contains("shift = "), "{error}");
    }
}

/// The bound is tight: at 2^31 - 1 valid, one more refused, and the reference reaches it without overflow.
#[test]
fn accumulators_stay_below_2_to_the_31() {
    let at = |bias: i32| {
        let mut parts = parts();
        parts.constants[1] = constant("b", 1, 2, Cells::I32(vec![0, bias]));
        Program::new(parts)
    };
    // Cells of u8 with zero point 3 differ from it by at most 252; four weights of 1.
    let most = i32::MAX - 4 * 252;
    let program = at(most).unwrap();
    let input = Tensor::new(1, 4, Cells::U8(vec![255; 4])).unwrap();
    let Operation::MatMul(op) = &program.steps()[1].operation else { panic!("the second step is a product") };
    assert_eq!(reference::matmul::accumulators(&program, op, &input.row(0))[1], i32::MAX);
    let error = at(most + 1).unwrap_err();
    assert_eq!(error, ProgramError::AccumulatorOverflow { operation: "y".into(), column: 1, bound: 1 << 31 });
    assert!(at(-most).is_ok());
    assert!(at(i32::MIN).is_err());
}

#[test]
fn inputs_must_fit() {
    let program = Program::new(parts()).unwrap();
    let run = |rows, columns, cells| reference::run(&program, &Tensor::new(rows, columns, cells).unwrap());
    assert!(run(4, 4, Cells::U8(vec![0; 16])).is_ok());
    for wrong in [
        run(5, 4, Cells::U8(vec![0; 20])),
        run(1, 3, Cells::U8(vec![0; 3])),
        run(1, 4, Cells::I8(vec![0; 4])),
    ] {
        assert!(matches!(wrong, Err(ProgramError::Input { .. })));
    }
}

#[test]
fn tensors_must_be_whole() {
    assert!(matches!(Tensor::new(2, 2, Cells::I8(vec![0; 3])), Err(TensorError::CellCount { .. })));
    for (rows, columns) in [(0, 1), (1, 0), (1, (1 << 20) + 1), (usize::MAX, 2)] {
        assert!(matches!(Tensor::new(rows, columns, Cells::I8(vec![])), Err(TensorError::Dimensions { .. })));
    }
}
