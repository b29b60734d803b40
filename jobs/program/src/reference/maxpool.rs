//! Reference semantics of [`MaxPool`].

use crate::{operation::MaxPool, program::Program, tensor::Cells};

/// The result for one row.
pub(super) fn run(program: &Program, op: &MaxPool, input: &Cells) -> Vec<i32> {
    let window = op.window(program);
    let mut output = Vec::new();
    for c in 0..window.channels {
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                let cells = window.cells(y, x).map(|(_, place)| input.get(c * window.plane() + place));
                output
                    .push(cells.max().expect("a program's windows have real cells: its check has made sure"));
            }
        }
    }
    output
}
