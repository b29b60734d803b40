//! Every executor gives the bits of the reference: cells, row digests, roots.

mod common;

use common::*;
use janction_accel_cuda::Device;
use janction_executor::{Executor, ExecutorError, cpu::Cpu, cuda::Cuda};
use janction_program::{
    Cells, DType, OperationKind, PerColumn, Program, Requantise, Slide, Tensor,
    builder::{AveragePoolOptions, Builder, MatMulOptions},
    limits::MAX_COLUMNS,
    test_utils::{Extent, Random, random_input, random_program, random_program_of, with_random_scheme},
};
use proptest::prelude::*;

#[test]
fn sizes_around_the_tiles() {
    for (rows, inner, columns) in [
        (1, 1, 1),
        (3, 4, 5),
        (63, 64, 65),
        (64, 63, 64),
        (65, 65, 63),
        (130, 129, 1),
        (2, 300, 140),
        (70, 7, 14),
        // Several large tiles, and as many stages as turns of the ring.
        (129, 200, 260),
        (300, 64, 129),
        (128, 321, 256),
    ] {
        let (program, input) = product(rows, inner, columns, DType::U8, DType::I8);
        check(&program, &input);
    }
    for (input, weights) in [(DType::I8, DType::I8), (DType::I8, DType::U8), (DType::U8, DType::U8)] {
        let (program, input) = product(66, 67, 68, input, weights);
        check(&program, &input);
    }
}

/// Products that are shared by threads: of many rows, of few rows and many columns; inner indices beyond what is multiplied
/// at a time.
#[test]
fn large_products() {
    for (rows, inner, columns) in
        [(13, 1030, 2100), (1, 2049, 20_000), (700, 513, 130), (1300, 1024, 31), (4000, 260, 16)]
    {
        let (program, input) = product(rows, inner, columns, DType::U8, DType::I8);
        check_cpus(&program, &input);
    }
    let (program, input) = product(333, 1025, 77, DType::I8, DType::U8);
    check_cpus(&program, &input);
}

/// Zero points at the ends of their types, cells and weights too.
#[test]
fn zero_points_at_the_ends() {
    for (input, weights) in
        [DType::I8, DType::U8].into_iter().flat_map(|input| [(input, DType::I8), (input, DType::U8)])
    {
        let ends = |dtype: DType| [dtype.min(), dtype.max()];
        for (input_zero, weight_zero) in ends(input).into_iter().flat_map(|a| ends(weights).map(|b| (a, b))) {
            let r = &mut Random::new((input_zero + 300 * weight_zero).unsigned_abs().into());
            let mut at_ends = |dtype: DType, rows: usize, columns: usize| {
                let cells: Vec<i64> =
                    (0..rows * columns).map(|_| ends(dtype)[r.range(0, 1) as usize].into()).collect();
                Tensor::new(rows, columns, Cells::from_values(dtype, &cells).unwrap()).unwrap()
            };
            let mut b = Builder::new("ends", 12);
            let x = b.input("x", input, &[70]);
            let w = b.constant("w", at_ends(weights, 70, 40));
            let options = MatMulOptions::new(PerColumn::All(Requantise::from_factor(0.0001).unwrap()))
                .weight_zero(PerColumn::All(weight_zero))
                .zeros(input_zero, -128);
            b.matmul("y", x, w, DType::I8, options);
            check(&b.build().unwrap(), &at_ends(input, 19, 70));
        }
    }
}

#[test]
fn convolutions_around_the_tiles() {
    let three = Slide::new([3, 3]).pads([1, 1, 1, 1]);
    for (rows, shape, outer, groups, slide) in [
        // 64 positions, and one more line of them; 65 output channels; 72 cells in a window.
        (1, [8, 8, 8], 65, 1, three),
        (3, [2, 9, 8], 5, 1, three),
        (2, [6, 5, 7], 6, 6, three.strides([2, 1])),
        (2, [4, 11, 3], 8, 2, Slide::new([5, 2]).dilations([2, 1]).pads([0, 3, 4, 0])),
        (70, [3, 1, 1], 2, 1, Slide::new([1, 1])),
        (3, [4, 5, 5], 140, 2, three),
    ] {
        let (program, input) = convolution(rows, shape, outer, groups, slide);
        check(&program, &input);
    }
}

/// Convolutions that are shared by threads: of many rows, of a few large ones, of several groups, of windows in parts of lines.
#[test]
fn large_convolutions() {
    let three = Slide::new([3, 3]).pads([1, 1, 1, 1]);
    for (rows, shape, outer, groups, slide) in [
        (60, [3, 17, 19], 20, 1, three),
        (3, [16, 40, 41], 33, 1, three.strides([2, 2])),
        (2, [24, 30, 30], 24, 24, Slide::new([5, 5]).pads([2, 2, 2, 2])),
        (1, [2, 3, 9000], 14, 2, Slide::new([3, 4]).strides([1, 3]).pads([1, 5, 1, 2])),
        (90, [70, 4, 5], 40, 1, Slide::new([1, 1])),
        (2, [300, 3, 3], 210, 1, three),
    ] {
        let (program, input) = convolution(rows, shape, outer, groups, slide);
        check_cpus(&program, &input);
    }
}

/// Kernels as large as the plane, or whose lines are far apart: windows share few cells or none.
#[test]
fn convolutions_with_huge_kernels() {
    for (rows, shape, outer, groups, slide) in [
        (1, [1, 64, 64], 1, 1, Slide::new([64, 64])),
        (41, [1, 64, 64], 2, 1, Slide::new([64, 64])),
        (1, [2, 64, 64], 4, 2, Slide::new([64, 64]).pads([8, 9, 3, 30])),
        (2, [1, 200, 70], 1, 1, Slide::new([2, 9]).dilations([150, 5]).pads([7, 0, 0, 31])),
        (3, [1, 90, 33], 2, 1, Slide::new([3, 4]).dilations([40, 2]).strides([1, 3])),
        (2, [3, 50, 40], 4, 1, Slide::new([1, 7]).strides([5, 2])),
        (3, [1, 70, 1], 1, 1, Slide::new([70, 1]).pads([1, 99, 0, 0])),
    ] {
        let (program, input) = convolution(rows, shape, outer, groups, slide);
        check_cpus(&program, &input);
    }
}

/// The other operations, on more rows than one thread takes.
#[test]
fn large_values() {
    let r = &mut Random::new(9);
    let mut b = Builder::new("values", 10);
    let x = b.input("x", DType::I8, &[6, 20, 21]);
    let table = b.constant("table", r.tensor(DType::U8, 1, 256));
    let most = b.maxpool("most", x, Slide::new([3, 2]).strides([1, 2]).pads([1, 0, 1, 0]));
    let looked = b.lookup("looked", most, table);
    let one = PerColumn::All(Requantise::new(1 << 28, 30));
    let average = b.averagepool(
        "average",
        looked,
        DType::I8,
        AveragePoolOptions::new(Slide::new([2, 2]), one).zeros(7, -3),
    );
    let turned = b.transpose("turned", average, &[1, 2, 0]);
    let back = b.transpose("back", turned, &[2, 0, 1]);
    let both = b.concat("both", &[back, average], 1);
    let table = b.constant("other", r.tensor(DType::I8, 1, 256));
    b.lookup("y", both, table);
    let program = b.build().unwrap();
    check_cpus(&program, &r.tensor(DType::I8, 600, 6 * 20 * 21));
}

/// Pads, dilations and strides as large as they may be: places far outside the plane do not come back in.
#[test]
fn windows_that_reach_far() {
    let most = 1 << 20;
    let far = Slide::new([2, 1]).dilations([most, 1]).pads([most, 0, 0, 0]);
    let (program, input) = convolution(2, [1, 1, 4096], 1, 1, far);
    check(&program, &input);
    let strides = Slide::new([1, 1]).strides([most, most]).pads([0, 0, most, most]);
    let (program, input) = convolution(2, [2, 2, 3], 3, 1, strides);
    check(&program, &input);
    let mut b = Builder::new("pools", 1);
    let x = b.input("x", DType::I8, &[1, 2, 3]);
    let most_of = b.maxpool("most", x, Slide::new([2, 2]).dilations([most, most]).pads([0, 0, most, most]));
    let one = PerColumn::All(Requantise::new(1 << 30, 30));
    let all = Slide::new([most, most]).pads([most - 2, most - 1, 0, most - 3]);
    b.averagepool("all", most_of, DType::U8, AveragePoolOptions::new(all, one).zeros(-3, 90));
    let program = b.build().unwrap();
    check(&program, &Tensor::new(2, 6, Cells::I8(vec![-128, 3, 127, 0, -1, 5, 1, 2, 3, 4, 5, -6])).unwrap());
}

/// A row of as many cells as rows may have, through views and back.
#[test]
fn the_widest_rows() {
    let r = &mut Random::new(20);
    let mut b = Builder::new("wide", 1);
    let x = b.input("x", DType::I8, &[1 << 9, 1 << 10]);
    let table = b.constant("table", r.tensor(DType::I8, 1, 256));
    let turned = b.transpose("turned", x, &[1, 0]);
    let turned = b.reshape("line", turned, &[1 << 9, 1 << 10]);
    let both = b.concat("both", &[turned, x], 1);
    b.lookup("y", both, table);
    let program = b.build().unwrap();
    assert_eq!(program.output().columns(), MAX_COLUMNS);
    check(&program, &r.tensor(DType::I8, 1, 1 << 19));
}

/// Each kind by itself, with usual parameters and with those at the ends of their ranges.
#[test]
fn every_operation_at_its_limits() {
    for kind in OperationKind::ALL {
        for extent in [Extent::Usual, Extent::Limits] {
            for seed in 0..8 {
                println!("{kind:?}, {extent:?}, seed {seed}");
                let program = random_program_of(seed, extent, &[kind]);
                check(&program, &random_input(&program, seed));
            }
        }
    }
}

/// Accumulators at both ends of 32 bits, where sums that are made in another order leave the range on their way.
#[test]
fn accumulators_at_the_ends_of_their_range() {
    for sign in [1, -1] {
        let mut b = Builder::new("ends", 2);
        let x = b.input("x", DType::U8, &[8]);
        let w = b.constant("w", Tensor::new(8, 1, Cells::I8(vec![127 * sign as i8; 8])).unwrap());
        // |bias| + 8 * 255 * 127 = 2^31 - 1
        let bias = sign * (i32::MAX - 8 * 255 * 127);
        let bias = b.constant("b", Tensor::new(1, 1, Cells::I32(vec![bias])).unwrap());
        let requantise = PerColumn::All(Requantise::new((1 << 31) - 1, 55));
        b.matmul("y", x, w, DType::I8, MatMulOptions::new(requantise).bias(bias));
        let program = b.build().unwrap();
        check(&program, &Tensor::new(2, 8, Cells::U8([[255; 8], [0; 8]].concat())).unwrap());
    }
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let (program, _) = product(1, 4, 4, DType::U8, DType::I8);
    let wrong = Tensor::new(1, 4, Cells::I8(vec![0; 4])).unwrap();
    for executor in [&Cpu::new() as &dyn Executor, &*EMULATED] {
        let error = executor.run(&program, wrong.clone()).unwrap_err().to_string();
        assert!(error.starts_with("the input must be u8[4]"), "{error}");
    }
}

proptest! {
    #[test]
    fn random_programs(seed: u64, scheme: u64) {
        let program = with_random_scheme(random_program(seed), scheme);
        check(&program, &random_input(&program, seed));
    }
}

/// With less memory than one row takes, the error names the operation; where other users of the card leave too little, it says
/// that; over its budget, an executor is refused more. The device is usable afterwards.
#[test]
fn too_little_memory_is_an_error() {
    let (program, input) = product(66, 67, 68, DType::U8, DType::I8);
    let device = Device::host_with_memory(20_000).expect("a host device");
    let cuda = Cuda::on(device.clone()).expect("the kernels compile");
    let small = cuda.with_budget(6000).expect("a share");
    match small.run(&program, input.clone()) {
        Err(ExecutorError::TooLittleMemory { operation, constants, needed, given: 6000, .. }) => {
            assert_eq!(operation, "y");
            assert!(constants > 67 * 68 && needed > constants + 2 * (67 + 68), "{constants} {needed}");
        }
        other => panic!("{other:?}"),
    }
    let expected = expected(&program, &input);
    // 66 rows do not fit at once.
    let share = cuda.with_budget(9000).expect("a share");
    assert_eq!(share.run(&program, input.clone()).unwrap(), expected);
    let taken = device.allocate::<u8>(16_000).expect("memory");
    let error = cuda.run(&program, input.clone()).map(drop).unwrap_err();
    assert!(error.to_string().contains("not enough free memory"), "{error}");
    drop(taken);
    assert_eq!(cuda.run(&program, input).unwrap(), expected);
}

/// What is said to fit does fit, to the last byte, and what is said not to is not tried: for one row, for two, and for more than
/// are computed at once.
#[test]
fn what_fits_is_known_before() {
    let device = Device::host().expect("a host device");
    let cuda = Cuda::on(device).expect("the kernels compile");
    let needed = |program: &Program, rows| match cuda.with_budget(1).expect("a share").fits(program, rows) {
        Err(ExecutorError::TooLittleMemory { needed, given: 1, .. }) => needed,
        other => panic!("{other:?}"),
    };
    let limits = |seed| random_program_of(seed, Extent::Limits, &[OperationKind::Conv]);
    let deep = Slide::new([12, 12]);
    let mut programs: Vec<Program> = (0..8).map(random_program).chain((0..4).map(limits)).collect();
    // Where the places of a window's cells take more than the weights.
    programs.push(convolution(1, [1, 12, 12], 9, 1, deep).0);
    programs.push(product(1, 67, 68, DType::U8, DType::U8).0);
    programs.extend((8..14).map(|seed| with_random_scheme(random_program(seed), seed)));
    for (seed, program) in programs.iter().enumerate() {
        for rows in [1, 2, 5] {
            let rows = rows.min(program.max_rows());
            let input =
                Random::new(seed as u64).tensor(program.input().dtype, rows, program.input().columns());
            let least = needed(program, rows);
            let given = cuda.with_budget(least).expect("a share");
            assert_eq!(given.fits(program, rows), Ok(()));
            assert_eq!(given.run(program, input.clone()).unwrap(), expected(program, &input), "{seed}");
            let short = cuda.with_budget(least - 1).expect("a share");
            let error = short.fits(program, rows).unwrap_err();
            assert_eq!(short.run(program, input).unwrap_err(), error, "{seed}");
        }
    }
    let (program, _) = product(1, 67, 68, DType::U8, DType::I8);
    assert_eq!(Cpu::new().fits(&program, 1 << 12), Ok(()));
}

/// Constants stay on the device from run to run, up to half of the memory, and results do not depend on that.
#[test]
fn programs_share_the_memory_one_after_the_other() {
    let device = Device::host_with_memory(60_000).expect("a host device");
    let cuda = Cuda::on(device.clone()).expect("the kernels compile");
    let all = [(67, 68), (100, 60), (30, 200), (16, 300)].map(|(inner, outer)| {
        let (program, input) = product(9, inner, outer, DType::U8, DType::U8);
        let expected = expected(&program, &input);
        (program, input, expected)
    });
    for _ in 0..2 {
        for (program, input, expected) in &all {
            assert_eq!(&cuda.run(program, input.clone()).unwrap(), expected);
            let left = device.free_memory().unwrap();
            assert_eq!(&cuda.run(program, input.clone()).unwrap(), expected);
            assert_eq!(device.free_memory().unwrap(), left, "nothing more is kept");
            assert!((30_000..60_000).contains(&left), "{left}");
        }
    }
}

/// Execution and commitment by themselves give what they give together.
#[test]
fn commitment_by_itself() {
    for seed in 0..12 {
        let program = with_random_scheme(random_program(seed), seed);
        let input = random_input(&program, seed);
        let expected = expected(&program, &input);
        for executor in [&*EMULATED, &*SMALL] {
            let tensors = executor.execute(&program, &input).unwrap();
            assert_eq!(executor.commit(&program, input.clone(), tensors).unwrap(), expected, "seed {seed}");
        }
    }
    let (program, input) = product(2, 3, 4, DType::U8, DType::I8);
    let wrong = Tensor::new(2, 4, Cells::I32(vec![0; 8])).unwrap();
    for program in [sketched(&program, 1), program] {
        let refused = EMULATED.commit(&program, input.clone(), vec![wrong.clone()]);
        assert!(matches!(refused, Err(ExecutorError::Trace(_))));
    }
    // A tensor of more polynomials than a block of any program has.
    let (program, input) = product(2, 3, 4, DType::U8, DType::I8);
    let wrong = Tensor::new(4, 1 << 20, Cells::I8(vec![0; 4 << 20])).unwrap();
    let refused = EMULATED.commit(&sketched(&program, 2), input, vec![wrong]);
    assert!(matches!(refused, Err(ExecutorError::Trace(_))));
}

/// Without a GPU the error must say what is missing.
#[test]
fn what_is_missing_is_named() {
    if let Err(error) = Cuda::open(0, None) {
        assert!(error.to_string().contains("install") || error.to_string().contains("GPU"), "{error}");
    }
}
