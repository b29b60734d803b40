//! One committed row in a circuit: its cells, and the hash of exactly these cells.

use janction_gadgets::{Builder, F, sponge, uint};
use janction_program::Cells;
use janction_program::DType;
use janction_program::commitment::{CELLS_PER_ELEMENT, pack_row, row_header};
use janction_protocol::hash::tag;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

/// Type and length of a tensor's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowShape {
    pub dtype: DType,
    pub columns: usize,
}

/// A row whose cells are range-checked.
#[derive(Clone, Debug)]
pub(crate) struct RowTargets {
    elements: Vec<Target>,
    /// The cells as unsigned numbers below 256: the cell minus the smallest value of its type.
    pub cells: Vec<Target>,
}

impl RowTargets {
    /// A row for the prover to set. A third of a row for each started seven cells.
    ///
    /// *Enforced*: every cell is below 256, and the elements are the packed cells, filled up with zero bytes.
    pub fn new(builder: &mut Builder, shape: RowShape) -> Self {
        let elements = builder.add_virtual_targets(shape.columns.div_ceil(CELLS_PER_ELEMENT));
        let mut cells = Vec::with_capacity(shape.columns);
        for &element in &elements {
            let bytes = uint::bytes(builder, element);
            // An element is seven bytes, the first cell most significant.
            builder.assert_zero(bytes[CELLS_PER_ELEMENT]);
            for &byte in bytes[..CELLS_PER_ELEMENT].iter().rev() {
                if cells.len() < shape.columns {
                    cells.push(byte);
                } else {
                    builder.assert_zero(byte);
                }
            }
        }
        Self { elements, cells }
    }

    /// The digest by which the row is committed to: `H(ROW, header ++ elements)`.
    pub fn digest(&self, builder: &mut Builder, shape: RowShape) -> HashOutTarget {
        let mut data = vec![builder.constant(row_header(shape.dtype, shape.columns))];
        data.extend(&self.elements);
        sponge::hash(builder, tag::ROW, &data)
    }

    /// The packed cells, seven to an element.
    pub fn packed(&self) -> &[Target] {
        &self.elements
    }

    /// Sets the cells.
    pub fn assign(&self, inputs: &mut PartialWitness<F>, cells: &Cells) -> anyhow::Result<()> {
        inputs.set_target_arr(&self.elements, &pack_row(cells)[1..])
    }
}
