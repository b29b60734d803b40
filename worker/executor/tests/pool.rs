//! Jobs that run side by side on the threads of one pool.

use janction_executor::{Executor, cpu::Cpu};
use janction_program::{
    DType, PerColumn, Program, Requantise,
    builder::{Builder, MatMulOptions},
    test_utils::Random,
};
use rayon::prelude::*;

fn product(seed: u64) -> Program {
    let mut b = Builder::new("product", 4);
    let x = b.input("x", DType::I8, &[600]);
    let w = b.constant("w", Random::new(seed).tensor(DType::I8, 600, 700));
    b.matmul("y", x, w, DType::I8, MatMulOptions::new(PerColumn::All(Requantise::new(1 << 30, 44))));
    b.build().expect("a program")
}

/// A thread that prepares a program or computes takes up other jobs of the pool while it waits for its parts: none of them may wait for
/// what that thread holds.
#[test]
fn jobs_on_one_pool_do_not_wait_for_each_other() {
    let programs: Vec<Program> = (0..3).map(product).collect();
    let input = Random::new(9).tensor(DType::I8, 16, 600);
    let expected: Vec<_> =
        programs.iter().map(|program| Cpu::new().execute(program, &input).expect("a run")).collect();
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        for round in 0..20 {
            // Two of the programs fit, so that preparing goes on.
            let cpu = Cpu::new().keeping(2 * 600 * 800);
            let check = |job: usize| {
                let program = (job + round) % programs.len();
                assert_eq!(cpu.execute(&programs[program], &input).expect("a run"), expected[program]);
            };
            pool.install(|| (0..24).into_par_iter().with_max_len(1).for_each(check));
        }
    }
}
