//! Row check of a table lookup: operand and result are a pair of the table, by Plonky2's lookup argument.

use std::sync::Arc;

use janction_gadgets::Builder;
use janction_program::{Lookup, Program};
use plonky2::iop::target::Target;

use crate::layout::Layout;

/// The table: a byte for each byte.
#[derive(Clone, Debug)]
pub(crate) struct LookupPlan {
    pairs: Arc<Vec<(u16, u16)>>,
}

impl LookupPlan {
    /// The plan for `op`.
    pub fn new(program: &Program, op: &Lookup) -> Self {
        let table = program.constant(op.table);
        let smallest = table.dtype().min();
        // Cells of 8 bits.
        let pair = |input: usize| (input as u16, table.get(0, input).abs_diff(smallest) as u16);
        Self { pairs: Arc::new((0..table.columns()).map(pair).collect()) }
    }

    /// Enforces that each of `output` is the table's entry for its cell.
    pub fn build(&self, builder: &mut Builder, layout: &mut Layout, cells: &[Target], output: &[Target]) {
        let table = layout.table(builder, &self.pairs);
        for (&cell, &result) in cells.iter().zip(output) {
            let entry = layout.lookup(builder, table, cell);
            builder.connect(entry, result);
        }
    }

    /// Makes the table one of the circuit's, in use or not.
    pub fn declare(&self, builder: &mut Builder, layout: &mut Layout) {
        // Plonky2 wants every table to be looked into.
        let table = layout.table(builder, &self.pairs);
        let zero = builder.zero();
        layout.lookup(builder, table, zero);
    }
}
