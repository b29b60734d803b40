//! What the tests share: executors of every kind, the reference, and programs with everything that an operation can have.
#![allow(dead_code, clippy::missing_panics_doc)]

use std::sync::LazyLock;

use janction_accel_cuda::Device;
use janction_executor::{
    Executor,
    cpu::{Cpu, Instructions},
    cuda::Cuda,
};
use janction_program::{
    Cells, DType, PerColumn, Program, Requantise, Slide, Tensor,
    builder::{Builder, ConvOptions, MatMulOptions},
    commitment::{Scheme, depth_for},
    reference,
    test_utils::Random,
};
use janction_trace::Trace;

/// The kernels on the host.
pub fn emulated() -> Cuda {
    Cuda::on(Device::host().expect("a host device")).expect("the kernels compile")
}

/// One for all tests.
pub static EMULATED: LazyLock<Cuda> = LazyLock::new(emulated);
/// As with a library that serves all products, a few rows at a time.
pub static LIBRARY: LazyLock<Cuda> = LazyLock::new(|| emulated().with_library_from(0, 1 << 17));
/// As on a card without tensor cores.
pub static PLAIN: LazyLock<Cuda> = LazyLock::new(|| emulated().without_tensor_cores());
/// As with so little memory that rows are computed a few at a time.
pub static SMALL: LazyLock<Cuda> = LazyLock::new(|| emulated().with_most_rows(3));

/// The CPU's with each kind of instructions that it has.
pub static CPUS: LazyLock<Vec<(String, Cpu)>> = LazyLock::new(|| {
    let all = Instructions::available().into_iter().map(|kind| (kind.to_string(), Cpu::with(kind)));
    // And as with programs that are too large to be kept.
    all.chain([("nothing kept".into(), Cpu::new().keeping(0))]).collect()
});

/// What the reference gives.
pub fn expected(program: &Program, input: &Tensor) -> Trace {
    Trace::commit(program, input.clone(), reference::run(program, input).unwrap()).unwrap()
}

/// The CPU alone, on as many threads as there are and on more, for what takes the emulated GPU too long.
pub fn check_cpus(program: &Program, input: &Tensor) {
    let expected = expected(program, input);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
    for (name, cpu) in &*CPUS {
        assert_eq!(cpu.run(program, input.clone()).unwrap(), expected, "{name}");
        assert_eq!(pool.install(|| cpu.run(program, input.clone())).unwrap(), expected, "{name}, 5 threads");
    }
}

/// Every executor.
pub fn check(program: &Program, input: &Tensor) {
    let expected = expected(program, input);
    let cpus = CPUS.iter().map(|(name, cpu)| (&name[..], cpu as &dyn Executor));
    let gpus = [
        ("kernels", &*EMULATED as &dyn Executor),
        ("kernels, no tensor cores", &*PLAIN),
        ("a library's products", &*LIBRARY),
        ("kernels, little memory", &*SMALL),
    ];
    for (name, executor) in cpus.chain(gpus) {
        let got = executor.run(program, input.clone()).unwrap();
        assert_eq!(got.tensors(), expected.tensors(), "{name}");
        assert_eq!(got, expected, "{name}");
    }
}

/// One product of the given size with everything that an operation can have.
pub fn product(rows: usize, inner: usize, columns: usize, input: DType, weights: DType) -> (Program, Tensor) {
    let r = &mut Random::new((rows * inner * columns) as u64);
    let mut b = Builder::new("product", depth_for(rows).max(12));
    let x = b.input("x", input, &[inner as u32]);
    let w = b.constant("w", r.tensor(weights, inner, columns));
    let bias = (0..columns).map(|_| r.range(-50_000, 50_000) as i32).collect();
    let bias = b.constant("b", Tensor::new(1, columns, Cells::I32(bias)).unwrap());
    let factor = 0.02 / (inner as f64).sqrt();
    let requantise =
        (0..columns).map(|j| Requantise::from_factor(factor * (1.0 + j as f64 / 50.0)).unwrap()).collect();
    let zeros =
        (0..columns).map(|j| if weights == DType::U8 { 120 + j as i32 % 9 } else { j as i32 % 5 }).collect();
    let options = MatMulOptions::new(PerColumn::Each(requantise))
        .bias(bias)
        .weight_zero(PerColumn::Each(zeros))
        .zeros(if input == DType::U8 { 131 } else { -7 }, 3);
    b.matmul("y", x, w, DType::I8, options);
    (b.build().unwrap(), r.tensor(input, rows, inner))
}

/// `program` with sketches of blocks of 2^`block_bits` rows.
pub fn sketched(program: &Program, block_bits: u8) -> Program {
    program.clone().with_scheme(Scheme::Sketch { block_bits }).expect("blocks of a job's rows")
}

/// A convolution with everything that it can have.
pub fn convolution(
    rows: usize,
    shape: [u32; 3],
    outer: usize,
    groups: u32,
    slide: Slide,
) -> (Program, Tensor) {
    let r = &mut Random::new(u64::from(shape.iter().sum::<u32>()) + outer as u64);
    let mut b = Builder::new("convolution", 12);
    let x = b.input("x", DType::U8, &shape);
    let inner = shape[0] / groups * slide.kernel[0] * slide.kernel[1];
    let w = b.constant("w", r.tensor(DType::I8, inner as usize, outer));
    let bias = (0..outer).map(|_| r.range(-50_000, 50_000) as i32).collect();
    let bias = b.constant("b", Tensor::new(1, outer, Cells::I32(bias)).unwrap());
    let factor = Requantise::from_factor(0.02 / f64::from(inner).sqrt()).unwrap();
    let product = MatMulOptions::new(PerColumn::All(factor)).bias(bias).zeros(131, 3);
    b.conv("y", x, w, DType::I8, ConvOptions::new(slide, product).groups(groups));
    (b.build().unwrap(), r.tensor(DType::U8, rows, shape.iter().product::<u32>() as usize))
}
