//! Every executor gives the bits of the reference: cells, row digests, roots.

mod support;

use std::sync::LazyLock;

use janction_executor::{
    Executor,
    cpu::Cpu,
    cuda::{Cuda, Driver},
};
use janction_program::{
    Cells, DType, PerColumn, Program, Requantise, Tensor,
    builder::{Builder, MatMulOptions},
    reference,
    test_utils::{Random, random_input, random_program},
};
use janction_trace::Trace;
use proptest::prelude::*;
use support::Emulated;

static EMULATED: LazyLock<Cuda<Emulated>> = LazyLock::new(|| Cuda::on(Emulated::new(1 << 30)));
/// With so little memory that rows are computed a few at a time.
static SMALL: LazyLock<Cuda<Emulated>> = LazyLock::new(|| Cuda::on(Emulated::new(3000)));

fn expected(program: &Program, input: &Tensor) -> Trace {
    Trace::commit(program, input.clone(), reference::run(program, input).unwrap()).unwrap()
}

fn check(program: &Program, input: &Tensor) {
    let expected = expected(program, input);
    for (name, executor) in
        [("cpu", &Cpu as &dyn Executor), ("kernels", &*EMULATED), ("kernels, little memory", &*SMALL)]
    {
        let got = executor.run(program, input.clone()).unwrap();
        assert_eq!(got.tensors(), expected.tensors(), "{name}");
        assert_eq!(got, expected, "{name}");
    }
}

/// One product of the given size with everything that an operation can have.
fn product(rows: usize, inner: usize, columns: usize, input: DType, weights: DType) -> (Program, Tensor) {
    let r = &mut Random::new((rows * inner * columns) as u64);
    let mut b = Builder::new("product", 12);
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
    ] {
        let (program, input) = product(rows, inner, columns, DType::U8, DType::I8);
        check(&program, &input);
    }
    for (input, weights) in [(DType::I8, DType::I8), (DType::I8, DType::U8), (DType::U8, DType::U8)] {
        let (program, input) = product(66, 67, 68, input, weights);
        check(&program, &input);
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
        let requantise = PerColumn::All(Requantise { multiplier: (1 << 31) - 1, shift: 55 });
        b.matmul("y", x, w, DType::I8, MatMulOptions::new(requantise).bias(bias));
        let program = b.build().unwrap();
        check(&program, &Tensor::new(2, 8, Cells::U8([[255; 8], [0; 8]].concat())).unwrap());
    }
}

/// Carries and borrows that random data meet once in 2^32 times.
#[test]
fn field_arithmetic_at_its_edges() {
    const P: u64 = 0xffff_ffff_0000_0001;
    let near = |x: u64| [x.wrapping_sub(2), x.wrapping_sub(1), x, x.wrapping_add(1), x.wrapping_add(2)];
    let mut edges: Vec<u64> =
        [0, 1 << 31, 1 << 32, 1 << 33, 1 << 48, 1 << 63, P, P - (1 << 32), P >> 1, P >> 16]
            .into_iter()
            .flat_map(near)
            .filter(|x| *x < P)
            .collect();
    let r = &mut Random::new(5);
    edges.extend((0..50).map(|_| r.bits() % P));
    let pairs: Vec<(u64, u64)> = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    let (a, b): (Vec<u64>, Vec<u64>) = pairs.iter().copied().unzip();
    let (products, sums) = Emulated::new(0).field(&a, &b);
    for (i, (a, b)) in pairs.into_iter().enumerate() {
        let (a, b, p) = (u128::from(a), u128::from(b), u128::from(P));
        assert_eq!(u128::from(products[i]), a * b % p, "{a} * {b}");
        assert_eq!(u128::from(sums[i]), (a + b) % p, "{a} + {b}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let (program, _) = product(1, 4, 4, DType::U8, DType::I8);
    let wrong = Tensor::new(1, 4, Cells::I8(vec![0; 4])).unwrap();
    for executor in [&Cpu as &dyn Executor, &*EMULATED] {
        let error = executor.run(&program, wrong.clone()).unwrap_err().to_string();
        assert!(error.starts_with("the input must be u8[4]"), "{error}");
    }
}

proptest! {
    #[test]
    fn random_programs(seed: u64) {
        let program = random_program(seed);
        check(&program, &random_input(&program, seed));
    }
}

/// On a machine with a GPU, the same on it; elsewhere the error must say what is missing.
#[test]
fn on_a_card() {
    match Driver::open(0) {
        Ok(driver) => {
            let gpu = Cuda::on(driver);
            for seed in 0..50 {
                let program = random_program(seed);
                let input = random_input(&program, seed);
                assert_eq!(
                    gpu.run(&program, input.clone()).unwrap(),
                    expected(&program, &input),
                    "seed {seed}"
                );
            }
            let (program, input) = product(1000, 500, 300, DType::U8, DType::I8);
            assert_eq!(gpu.run(&program, input.clone()).unwrap(), expected(&program, &input));
        }
        Err(error) => {
            println!("SKIPPED: no GPU was used: {error}");
            assert!(error.to_string().contains("install") || error.to_string().contains("GPU"), "{error}");
        }
    }
}
