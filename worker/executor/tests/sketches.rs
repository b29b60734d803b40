//! Commitment scheme 2 on every executor: the reference's leaves and roots.

mod common;

use common::*;
use janction_accel_cuda::Device;
use janction_executor::{Executor, ExecutorError, cuda::Cuda};
use janction_program::{DType, Program};

/// Blocks of one row, blocks in several parts of a job, a last block that is short, jobs shorter than a block; rows of less than a
/// polynomial, of several, and of a whole number of them; both types.
#[test]
fn sketches_of_blocks() {
    for (rows, inner, columns, dtype) in [
        (1, 1, 1, DType::U8),
        (5, 511, 512, DType::I8),
        (8, 513, 1024, DType::U8),
        (13, 1500, 40, DType::I8),
        (70, 60, 530, DType::U8),
    ] {
        let (program, input) = product(rows, inner, columns, dtype, DType::I8);
        for block_bits in [0, 2, 10] {
            check(&sketched(&program, block_bits), &input);
        }
    }
}

/// Where the memory takes one block at a time, or a few, roots are the same; where it takes none, the error says what is needed. The scheme's constants are made once, and nothing but them is kept.
#[test]
fn sketches_in_little_memory() {
    let (program, input) = product(37, 530, 40, DType::U8, DType::I8);
    let program = sketched(&program, 2);
    let expected = expected(&program, &input);
    let device = Device::host_with_memory(1 << 20).expect("a host device");
    let cuda = Cuda::on(device.clone()).expect("the kernels compile");
    // 8 polynomials a block, the weights, and a block of rows beside the one before it: so much is needed, about.
    let refused = cuda.with_budget(30_000).expect("a share").run(&program, input.clone());
    let least = match refused {
        Err(ExecutorError::TooLittleMemory { needed, constants, given: 30_000, .. }) => {
            assert!(needed > constants + 2 * (4 * (530 + 40) + 2 * 32) + 1024, "{needed}");
            needed
        }
        other => panic!("{other:?}"),
    };
    for budget in [least, 60_000, 100_000] {
        let share = cuda.with_budget(budget).expect("a share");
        for _ in 0..3 {
            assert_eq!(share.run(&program, input.clone()).unwrap(), expected, "{budget} bytes");
        }
        let tensors = share.execute(&program, &input).unwrap();
        assert_eq!(share.commit(&program, input.clone(), tensors).unwrap(), expected, "{budget} bytes");
    }
    for block_bits in [5, 2, 0] {
        let program = sketched(&program, block_bits);
        assert!(cuda.run(&program, input.clone()).is_ok());
        let left = device.free_memory().unwrap();
        assert!(cuda.run(&program, input.clone()).is_ok());
        assert_eq!(device.free_memory().unwrap(), left, "nothing more is kept");
        let kept = (1 << 20) - left;
        assert!(kept > 32 * 2 * 1024, "the constants of the largest blocks so far are kept: {kept}");
    }
}

/// A job of a few rows needs them and not a whole block; and what one program leaves on the card, its constants and the scheme's, makes
/// room for the next one, run or committed.
#[test]
fn what_is_kept_makes_room() {
    let (large, input) = product(37, 530, 40, DType::U8, DType::I8);
    let (rows, other_input) = product(37, 530, 280, DType::U8, DType::I8);
    let large = sketched(&large, 5);
    let small = sketched(&rows, 0);
    let device = Device::host().expect("a host device");
    let cuda = Cuda::on(device).expect("the kernels compile");
    let needed = |program: &Program, rows| match cuda.with_budget(1).expect("a share").fits(program, rows) {
        Err(ExecutorError::TooLittleMemory { needed, given: 1, .. }) => needed,
        other => panic!("{other:?}"),
    };
    let wide = sketched(&product(1, 530, 40, DType::U8, DType::I8).0, 10);
    assert!(needed(&wide, 1) + 500 * 600 < needed(&wide, 1 << 10));
    for other in [&rows, &small] {
        let share = cuda.with_budget(needed(&large, 37).max(needed(other, 37))).expect("a share");
        for _ in 0..2 {
            assert_eq!(share.run(&large, input.clone()).unwrap(), expected(&large, &input));
            let expected = expected(other, &other_input);
            assert_eq!(share.run(other, other_input.clone()).unwrap(), expected);
            assert!(share.run(&large, input.clone()).is_ok());
            let tensors = share.execute(other, &other_input).unwrap();
            assert_eq!(share.commit(other, other_input.clone(), tensors).unwrap(), expected);
        }
    }
}
