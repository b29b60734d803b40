//! The rules of each operation, broken once. (Those of matrix products stand in `rules.rs`.)

use janction_program::{
    Add, AveragePool, Cells, ConstantId, Conv, DType, Lookup, MaxPool, Operand, Operation, Parts, PerColumn,
    Program, ProgramError, Requantise, Rounding, Slide, Step, Tensor, Transpose, Value, ValueId, reference,
    text,
};

fn parts(text: &str) -> Parts {
    text::parse(text).unwrap().into_parts()
}

/// The error after `change` of the parts, as text.
fn broken(mut parts: Parts, change: impl FnOnce(&mut Parts)) -> String {
    change(&mut parts);
    Program::new(parts).expect_err("a rule is broken").to_string()
}

/// Checks each pair of an error and what it says.
fn say(cases: Vec<(String, &str)>) {
    for (got, expected) in cases {
        assert!(got.contains(expected), "got {got:?}, expected {expected:?}");
    }
}

fn constant(rows: usize, columns: usize, cells: Cells) -> Tensor {
    Tensor::new(rows, columns, cells).unwrap()
}

/// A test's way to change one operation.
macro_rules! changed {
    ($text:expr, $variant:ident, $op:ident => $change:expr) => {
        broken(parts($text), |parts| {
            for Step { operation, .. } in &mut parts.steps {
                if let Operation::$variant($op) = operation {
                    $change;
                    break;
                }
            }
        })
    };
}

const CONV: &str = include_str!("programs/conv.txt");

fn conv(change: impl FnOnce(&mut Conv)) -> String {
    changed!(CONV, Conv, op => change(op))
}

#[test]
fn convolutions() {
    let weights = |rows, columns| {
        broken(parts(CONV), |p| {
            p.constants[0].tensor = constant(rows, columns, Cells::I8(vec![1; rows * columns]))
        })
    };
    let shape = |shape: &[u32]| broken(parts(CONV), |p| p.input.shape = shape.into());
    let output = |shape: &[u32]| broken(parts(CONV), |p| p.steps[0].output.shape = shape.into());
    say(vec![
        (conv(|op| op.slide.kernel = [0, 2]), "kernel = 0 is outside 1..=1048576"),
        (conv(|op| op.slide.kernel = [2, 1 << 21]), "kernel = 2097152 is outside"),
        (conv(|op| op.slide.strides = [0, 1]), "strides = 0 is outside 1..=1048576"),
        (conv(|op| op.slide.dilations = [1, 0]), "dilations = 0 is outside 1..=1048576"),
        (conv(|op| op.slide.pads = [0, 0, 1 << 21, 0]), "pads = 2097152 is outside 0..=1048576"),
        (conv(|op| op.slide.kernel = [4, 2]), "the kernel with its dilations must be at most 3 x 4"),
        (conv(|op| op.slide.dilations = [1, 4]), "the kernel with its dilations must be at most 3 x 4"),
        (conv(|op| op.groups = 0), "groups = 0 is outside"),
        (conv(|op| op.groups = 3), "a divisor of the input's 2 channels"),
        (conv(|op| op.groups = 1), "the weights must be 8 rows"),
        (conv(|op| op.product.input = ValueId(1)), "reads value 1, but only values below 1"),
        (conv(|op| op.product.weights = ConstantId(1)), "reads constant 1"),
        (conv(|op| op.product.bias = Some(ConstantId(0))), "the bias cannot be i8"),
        (conv(|op| op.product.input_zero = 128), "input_zero = 128"),
        (
            conv(|op| op.product.weight_zero = PerColumn::Each(vec![0; 8])),
            "weight_zero must be one entry, or 2",
        ),
        (weights(5, 2), "the weights must be 4 rows"),
        (weights(4, 3), "the weights must be a multiple of 2 (groups) columns"),
        (shape(&[2, 6]), "of three dimensions: channels, height, width"),
        (shape(&[1, 2, 2, 3]), "of three dimensions"),
        (output(&[2, 2, 3]), "the output's row must be [2, 2, 2]"),
        (output(&[8]), "the output's row must be [2, 2, 2]"),
    ]);
}

/// The bound is that of the whole window, tight to the last unit; at the border the sum has fewer terms.
#[test]
fn accumulators_of_convolutions_stay_below_2_to_the_31() {
    let with = |bias: i32| {
        let mut parts = parts(CONV);
        parts.constants.push(janction_program::Constant {
            name: "b".into(),
            tensor: constant(1, 2, Cells::I32(vec![0, bias])),
        });
        let Operation::Conv(op) = &mut parts.steps[0].operation else { panic!("the step is a convolution") };
        op.product.bias = Some(ConstantId(1));
        Program::new(parts)
    };
    // |2| + |4| + |-6| + |8| = 20, cells differ from the zero point of -1 by at most 128.
    let most = i32::MAX - 20 * 128;
    assert!(with(-most).is_ok());
    let program = with(most).unwrap();
    let error = with(most + 1).unwrap_err();
    assert_eq!(error, ProgramError::AccumulatorOverflow { operation: "y".into(), column: 1, bound: 1 << 31 });
    let Operation::Conv(op) = &program.steps()[0].operation else { panic!("the step is a convolution") };
    // At y = 1, x = 0 the window is whole. The cell of the weight -6 is below the zero point by 127 at most, not 128.
    let cells = Cells::I8(vec![0, 0, 0, 0, 0, 0, 127, 127, 0, -128, 127, 0]);
    let accumulators = reference::conv::accumulators(&program, op, &cells);
    assert_eq!(accumulators[6], i32::MAX - 6);
}

const ADD: &str = include_str!("programs/add.txt");

fn add(change: impl FnOnce(&mut Add)) -> String {
    changed!(ADD, Add, op => change(op))
}

#[test]
fn sums() {
    let most = i32::MAX;
    let row = |tensor: Tensor| broken(parts(ADD), |p| p.constants[1].tensor = tensor);
    say(vec![
        (add(|op| op.left_multiplier = 0), "left_multiplier = 0 is outside 1..=2147483647"),
        (add(|op| op.right_multiplier = 0), "right_multiplier = 0 is outside"),
        (
            add(|op| op.left_multiplier = i32::MIN),
            "left_multiplier = -2147483648 is outside -2147483647..=-1",
        ),
        (add(|op| op.shift = 0), "shift = 0 is outside 1..=62"),
        (add(|op| op.shift = 63), "shift = 63 is outside 1..=62"),
        (add(|op| (op.shift, op.rounding) = (24, Rounding::NearHalfOdd)), "shift = 24 is outside 26..=62"),
        (
            add(|op| (op.shift, op.rounding) = (27, Rounding::NearHalfEven)),
            "near_even and near_odd take even ones",
        ),
        (add(|op| op.left_zero = 128), "left_zero = 128 is outside -128..=127"),
        (add(|op| op.right_zero = -1), "right_zero = -1 is outside 0..=255"),
        (add(|op| op.output_zero = 128), "output_zero = 128"),
        (add(|op| op.clamp = (1, 0)), "the lower clamp bound = 1"),
        (add(|op| op.clamp = (0, 128)), "the upper clamp bound = 128"),
        (add(|op| op.right = Operand::Value(ValueId(2))), "reads value 2, but only values below 2"),
        (add(|op| op.right = Operand::Constant(ConstantId(7))), "reads constant 7"),
        (add(|op| op.right = Operand::Constant(ConstantId(0))), "the right operand must be [1, 3]"),
        (row(constant(1, 3, Cells::I32(vec![0; 3]))), "the right operand cannot be i32"),
        (row(constant(3, 1, Cells::U8(vec![0; 3]))), "the right operand must be [1, 3]"),
        (broken(parts(ADD), |p| p.steps[1].output.shape = vec![1, 3]), "the output's row must be [3]"),
    ]);
    // Values of other shapes.
    let shapes = broken(parts(ADD), |p| {
        p.input.shape = vec![3, 1];
        p.steps[0].output.shape = vec![3, 1];
        p.steps.insert(
            1,
            Step {
                output: Value { name: "flat".into(), dtype: DType::U8, shape: vec![3] },
                operation: Operation::Reshape(janction_program::Reshape { input: ValueId(1) }),
            },
        );
        if let Operation::Add(op) = &mut p.steps[2].operation {
            op.right = Operand::Value(ValueId(2));
        }
    });
    say(vec![(shapes, "the right operand's row must be [3, 1]")]);
    // The extremes are valid, and reach the bound.
    let mut parts = parts(ADD);
    let Operation::Add(op) = &mut parts.steps[1].operation else { panic!("the second step is a sum") };
    *op = Add {
        left_zero: -128,
        left_multiplier: most,
        right_zero: 255,
        right_multiplier: -most,
        shift: 62,
        ..op.clone()
    };
    let program = Program::new(parts).unwrap();
    let Operation::Add(op) = &program.steps()[1].operation else { panic!("the second step is a sum") };
    assert_eq!(op.accumulator_bound(DType::I8, DType::U8), 2 * 255 * i64::from(most));
    assert_eq!(op.accumulator(127, 0), 2 * 255 * i64::from(most));
    assert!(2 * 255 * i64::from(most) < 1 << 40);
}

const LOOKUP: &str = include_str!("programs/lookup.txt");

#[test]
fn tables() {
    let table = |tensor: Tensor| broken(parts(LOOKUP), |p| p.constants[0].tensor = tensor);
    let lookup = |change: fn(&mut Lookup)| changed!(LOOKUP, Lookup, op => change(op));
    say(vec![
        (table(constant(1, 255, Cells::U8(vec![0; 255]))), "the table must be [1, 256]"),
        (table(constant(256, 1, Cells::U8(vec![0; 256]))), "the table must be [1, 256]"),
        (table(constant(1, 256, Cells::I32(vec![0; 256]))), "the table cannot be i32"),
        (table(constant(1, 256, Cells::I8(vec![0; 256]))), "the output's type must be i8"),
        (lookup(|op| op.table = ConstantId(1)), "reads constant 1"),
        (lookup(|op| op.input = ValueId(1)), "reads value 1"),
        (broken(parts(LOOKUP), |p| p.steps[0].output.shape = vec![4]), "the output's row must be [2, 2]"),
    ]);
}

const MAXPOOL: &str = include_str!("programs/maxpool.txt");
const AVERAGEPOOL: &str = include_str!("programs/averagepool.txt");

#[test]
fn pools() {
    let most = |change: fn(&mut MaxPool)| changed!(MAXPOOL, MaxPool, op => change(op));
    let average = |change: fn(&mut AveragePool)| changed!(AVERAGEPOOL, AveragePool, op => change(op));
    let one = Requantise::new(1, 1);
    // Slides with windows in the padding alone, with the output's shape that they make.
    let empty = |text: &str, slide: Slide, shape: [u32; 3]| {
        broken(parts(text), |p| {
            p.steps[0].output.shape = shape.into();
            match &mut p.steps[0].operation {
                Operation::MaxPool(op) => op.slide = slide,
                Operation::AveragePool(op) => {
                    (op.slide, op.requantise) = (slide, PerColumn::All(one));
                }
                _ => panic!("the step is a pool"),
            }
        })
    };
    fn near(shift: u8) -> PerColumn<Requantise> {
        PerColumn::All(Requantise::new(1, shift).rounded(Rounding::NearHalfEven))
    }
    // Lines 0 and 2 of the first window lie above the plane.
    let above = Slide::new([2, 2]).dilations([2, 2]).pads([3, 0, 0, 0]);
    say(vec![
        (most(|op| op.slide.kernel = [0, 1]), "kernel = 0"),
        (empty(MAXPOOL, above, [1, 4, 1]), "the window at position [0, 0] lies in the padding alone"),
        (
            empty(MAXPOOL, Slide::new([1, 1]).pads([0, 0, 0, 1]), [1, 3, 4]),
            "the window at position [0, 3] lies in the padding",
        ),
        (
            empty(AVERAGEPOOL, Slide::new([3, 3]).pads([1, 1, 3, 1]), [1, 5, 3]),
            "the window at position [4, 0] lies in the padding alone",
        ),
        (broken(parts(MAXPOOL), |p| p.steps[0].output.shape = vec![3]), "the output's row must be [1, 3, 1]"),
        (broken(parts(MAXPOOL), |p| p.steps[0].output.dtype = DType::U8), "the output's type must be i8"),
        (broken(parts(MAXPOOL), |p| p.input.shape = vec![3, 3]), "of three dimensions"),
        (average(|op| op.slide.dilations = [2, 1]), "dilations = 2 is outside 1..=1"),
        (
            average(|op| op.requantise = PerColumn::Each(vec![Requantise::new(1, 1); 3])),
            "requantise must be one entry, or 9 as the output has positions",
        ),
        (average(|op| op.requantise = PerColumn::All(Requantise::new(0, 1))), "multiplier = 0"),
        (average(|op| op.requantise = PerColumn::All(Requantise::new(1, 63))), "shift = 63"),
        (
            average(|op| op.requantise = near(31)),
            "the lowest bit of the shift (near_even and near_odd take even ones) = 1",
        ),
        (average(|op| op.requantise = near(8)), "shift = 8 is outside 26..=62"),
        (average(|op| op.input_zero = 256), "input_zero = 256"),
        (average(|op| op.output_zero = -1), "output_zero = -1"),
        (average(|op| op.clamp = (9, 8)), "the lower clamp bound = 9"),
        (broken(parts(AVERAGEPOOL), |p| p.steps[0].output.shape = vec![1, 9]), "must be [1, 3, 3]"),
    ]);
    let mut parts = parts(AVERAGEPOOL);
    let Operation::AveragePool(op) = &mut parts.steps[0].operation else { panic!("the step is a pool") };
    (op.requantise, op.input_zero) = (PerColumn::All(one), 255);
    let program = Program::new(parts).unwrap();
    let Operation::AveragePool(op) = &program.steps()[0].operation else { panic!("the step is a pool") };
    assert_eq!(op.accumulator_bound(DType::U8, &op.window(&program)), 9 * 255);
    let sums = reference::averagepool::accumulators(&program, op, &Cells::U8(vec![0; 9]));
    assert_eq!(sums.iter().min(), Some(&(-9 * 255)));
}

const VIEWS: &str = include_str!("programs/views.txt");

#[test]
fn views() {
    let transpose = |permutation: &[u8]| changed!(VIEWS, Transpose, op => *op = Transpose { permutation: permutation.into(), ..op.clone() });
    let concat = |axis: u8, inputs: &[usize]| {
        changed!(VIEWS, Concat, op => {
            op.axis = axis;
            op.inputs = inputs.iter().copied().map(ValueId).collect();
        })
    };
    let many = vec![0; 65];
    say(vec![
        (transpose(&[0, 2]), "the permutation must be each dimension from 0 to 1 once, got [0, 2]"),
        (transpose(&[1, 1]), "each dimension from 0 to 1 once"),
        (transpose(&[0]), "each dimension from 0 to 1 once"),
        (transpose(&[0, 1]), "the output's row must be [2, 3]"),
        (broken(parts(VIEWS), |p| p.steps[0].output.dtype = DType::I8), "the output's type must be u8"),
        (concat(1, &[2, 3]), "axis = 1 is outside 0..=0"),
        (concat(0, &[2]), "the number of operands = 1 is outside 2..=64"),
        (concat(0, &many), "the number of operands = 65 is outside 2..=64"),
        (concat(0, &[2, 0]), "every operand's row must be like u8[6] in all but dimension 0, got u8[2, 3]"),
        (concat(0, &[2, 4]), "reads value 4, but only values below 4"),
        (concat(0, &[2, 3, 3]), "the output's row must be [18]"),
        (broken(parts(VIEWS), |p| p.steps[3].output.dtype = DType::I8), "the output's type must be u8"),
    ]);
}
