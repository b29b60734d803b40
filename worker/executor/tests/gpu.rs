//! The executor on a card gives the bits of the reference and of the CPU's: `make test-gpu`.

mod common;

use common::*;
use janction_executor::{Executor, cpu::Cpu, cuda::Cuda};
use janction_program::{
    Cells, DType, OperationKind, Slide, Tensor,
    builder::Builder,
    commitment::Scheme,
    test_utils::{Extent, Random, random_input, random_program, random_program_of, with_random_scheme},
};

/// The first card, and each way in which it multiplies: with a library where that is worth it, without one, with one always,
/// without tensor cores, a few rows at a time, and with a share of the memory.
fn ways() -> Vec<(&'static str, Cuda)> {
    let open = || Cuda::open(0, None).expect("this test needs an NVIDIA GPU");
    println!("library: {:?}", open().library());
    vec![
        ("as it is", open()),
        ("own kernels", open().without_library()),
        ("a library's products", open().with_library_from(0, 1 << 20)),
        ("no tensor cores", open().without_tensor_cores()),
        ("few rows at once", open().with_most_rows(3)),
        ("a share", open().with_budget(256 << 20).expect("a share of the memory")),
    ]
}

/// The same on a card.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_equals_the_reference() {
    for (name, gpu) in ways() {
        for seed in 0..50 {
            let program = with_random_scheme(random_program(seed), seed);
            let input = random_input(&program, seed);
            let got = gpu.run(&program, input.clone()).unwrap();
            assert!(got == expected(&program, &input), "{name}, random program {seed}");
        }
        for kind in OperationKind::ALL {
            for extent in [Extent::Usual, Extent::Limits] {
                let program = random_program_of(7, extent, &[kind]);
                let input = random_input(&program, 7);
                let got = gpu.run(&program, input.clone()).unwrap();
                assert!(got == expected(&program, &input), "{name}, {kind:?}, {extent:?}");
            }
        }
        let (program, input) = product(1000, 500, 300, DType::U8, DType::I8);
        assert!(gpu.run(&program, input.clone()).unwrap() == expected(&program, &input), "{name}");
        // A last block of 8, of 40, and of all 1000 rows.
        for block_bits in [0, 4, 6, 10] {
            let program = sketched(&program, block_bits);
            let got = gpu.run(&program, input.clone()).unwrap();
            assert!(got == expected(&program, &input), "{name}, blocks of 2^{block_bits} rows");
        }
    }
}

/// Sketches beside the CPU's: blocks of few and of many polynomials, more blocks than run side by side, a last block that is
/// short, and cells at the ends of their types.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_equals_the_cpu_on_sketches() {
    let ways = ways();
    for (rows, columns, block_bits) in [
        (4096, 4096, 4),
        (4000, 1000, 6),
        (100_001, 40, 0),
        (3, 1 << 20, 1),
        (1030, 2049, 9),
        (70_000, 784, 6),
    ] {
        for dtype in [DType::U8, DType::I8] {
            let mut b = Builder::new("sketches", 17);
            let x = b.input("x", dtype, &[columns as u32]);
            let table: Vec<i64> = (0..256).map(|i| i64::from(dtype.max()) - i / 128 * 255).collect();
            let ends = Tensor::new(1, 256, Cells::from_values(dtype, &table).unwrap()).unwrap();
            let table = b.constant("ends", ends);
            b.lookup("y", x, table);
            let program = sketched(&b.build().unwrap(), block_bits);
            let input = Random::new(columns as u64).tensor(dtype, rows, columns);
            let expected = Cpu::new().run(&program, input.clone()).unwrap();
            for (name, gpu) in ways.iter().filter(|(name, _)| *name != "few rows at once" || rows < 5000) {
                let got = gpu.run(&program, input.clone()).unwrap();
                assert!(got == expected, "{name}: {rows} x {columns}, blocks of 2^{block_bits}, {dtype}");
            }
        }
    }
}

/// Products that fill the card, in tiles and through the library, several jobs of one program, and commitment by itself.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_equals_the_cpu_on_large_products() {
    let ways = ways();
    for (rows, inner, columns, input, weights) in [
        (2048, 2048, 2048, DType::U8, DType::I8),
        (4096, 4096, 4096, DType::I8, DType::I8),
        (3000, 5000, 3001, DType::U8, DType::U8),
        (70_000, 784, 128, DType::U8, DType::I8),
    ] {
        let (program, input) = product(rows, inner, columns, input, weights);
        let best = Scheme::recommended(&[inner, columns], program.depth());
        for program in [program.clone(), program.with_scheme(best).unwrap()] {
            let expected = Cpu::new().run(&program, input.clone()).unwrap();
            let scheme = program.scheme();
            for (name, gpu) in ways.iter().filter(|(name, _)| *name != "few rows at once") {
                for _ in 0..2 {
                    let got = gpu.run(&program, input.clone()).unwrap();
                    assert!(got == expected, "{name}: {rows} x {inner} x {columns}, scheme {scheme}");
                }
                let tensors = gpu.execute(&program, &input).unwrap();
                let got = gpu.commit(&program, input.clone(), tensors).unwrap();
                assert!(
                    got == expected,
                    "{name}, one after the other: {rows} x {inner} x {columns}, scheme {scheme}"
                );
            }
        }
    }
}

/// Convolutions that fill the card.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_equals_the_cpu_on_large_convolutions() {
    let three = Slide::new([3, 3]).pads([1, 1, 1, 1]);
    for (rows, shape, outer, groups) in [
        (200, [64, 28, 28], 128, 1),
        (100, [3, 64, 64], 64, 1),
        (50, [64, 17, 19], 64, 4),
        (50, [32, 14, 14], 32, 32),
    ] {
        let (program, input) = convolution(rows, shape, outer, groups, three);
        let expected = Cpu::new().run(&program, input.clone()).unwrap();
        for (name, gpu) in ways() {
            let got = gpu.run(&program, input.clone()).unwrap();
            assert!(got == expected, "{name}: {shape:?} to {outer} in {groups} groups");
        }
    }
}
