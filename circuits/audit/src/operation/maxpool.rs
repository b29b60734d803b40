//! Row check of a maximum pool: the result is no less than any cell of its window, and is one of them.
//!
//! ```text
//! 0 <= Y - a_i < 256 for each cell a_i of the window        prod_i (Y - a_i) = 0
//! ```

use janction_gadgets::Builder;
use janction_program::{MaxPool, Program, Window};
use plonky2::iop::target::Target;

use crate::layout::Layout;

/// The windows.
#[derive(Clone, Debug)]
pub(crate) struct MaxPoolPlan {
    window: Window,
}

impl MaxPoolPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &MaxPool) -> Self {
        Self { window: op.window(program) }
    }

    /// Rows of circuit that the check of a row takes, about: a byte, a subtraction and a product for each cell.
    pub fn rows(&self) -> usize {
        let cells = self.window.channels.saturating_mul(self.window.total_cells());
        cells / 21 + cells / 10
    }

    /// Enforces that each of `output` is the largest cell of its window. (Operand and result have one type, so bytes compare
    /// as cells do.)
    pub fn build(&self, builder: &mut Builder, layout: &mut Layout, cells: &[Target], output: &[Target]) {
        let window = &self.window;
        for (index, &result) in output.iter().enumerate() {
            let (channel, position) = (index / window.positions(), index % window.positions());
            let (y, x) = (position / window.output[1], position % window.output[1]);
            let plane = channel * window.plane();
            let mut product: Option<Target> = None;
            for (_, cell) in window.cells(y, x) {
                let distance = builder.sub(result, cells[plane + cell]);
                layout.ranges.byte(builder, distance);
                product = Some(product.map_or(distance, |product| builder.mul(product, distance)));
            }
            // A valid program's windows have a cell.
            if let Some(product) = product {
                builder.assert_zero(product);
            }
        }
    }
}
