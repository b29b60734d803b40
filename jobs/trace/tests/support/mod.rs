//! Random traces and changes of them.

use janction_program::{
    Cells, Program, Tensor, reference,
    test_utils::{random_input, random_program, with_random_scheme},
};
use janction_trace::Trace;

/// A random program and its trace on a random input.
pub fn traced(seed: u64) -> (Program, Trace) {
    // Every other one commits to blocks of rows.
    let program = with_random_scheme(random_program(seed), seed);
    let input = random_input(&program, seed ^ 1);
    let tensors = reference::run(&program, &input).unwrap();
    let trace = Trace::commit(&program, input, tensors).unwrap();
    (program, trace)
}

/// The cells with another value at `at`.
pub fn changed(cells: &Cells, at: usize) -> Cells {
    let mut cells = cells.clone();
    match &mut cells {
        Cells::I8(c) => c[at] ^= 1,
        Cells::U8(c) => c[at] ^= 1,
        Cells::I32(c) => c[at] ^= 1,
    }
    cells
}

/// The trace with one cell of tensor `k` changed, committed to like an honest one.
pub fn falsified(program: &Program, trace: &Trace, k: usize, cell: usize) -> Trace {
    let mut tensors: Vec<Tensor> = trace.tensors().iter().map(|t| t.tensor().clone()).collect();
    let (rows, columns) = (tensors[k].rows(), tensors[k].columns());
    tensors[k] = Tensor::new(rows, columns, changed(tensors[k].cells(), cell)).unwrap();
    Trace::commit(program, trace.input().tensor().clone(), tensors).unwrap()
}
