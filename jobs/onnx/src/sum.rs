//! Sums and differences of two dequantised operands, cell by cell, before their requantisation.

use std::collections::HashSet;

use janction_program::{Cells, DType, Operand, builder::AddOptions, common_shift};

use crate::{
    error::OnnxError,
    flow::{Activation, Flow, Mapped, PendingKind, Place, Quantisation, RealConstant, Settle, at},
    node::Node,
    rounding::{of_sums, terms},
    translate::Translator,
    views::count,
};

/// The second operand.
#[derive(Clone)]
enum Right {
    Activation(Activation),
    /// One row of cells, with the constant's name.
    Row(String, Cells),
}

/// `sign[0] * left + sign[1] * right`.
#[derive(Clone)]
pub struct Sum {
    left: (Activation, Quantisation),
    right: (Right, Quantisation),
    signs: [f64; 2],
}

/// The cells of a constant of one scale, broadcast to items of shape `item`.
fn row(node: &Node, constant: &RealConstant, item: &[u32]) -> Result<(Cells, Quantisation), OnnxError> {
    let wrong = |what: &str| {
        node.operand(
            "the constant operand",
            format!("{what}, to broadcast to items {item:?}"),
            constant.cells.describe(),
        )
    };
    let dtype = constant.cells.element.dtype().filter(|dtype: &DType| dtype.is_byte());
    let (Some(dtype), Some(cells)) = (dtype, constant.cells.integers()) else {
        return Err(wrong("int8 or uint8"));
    };
    let ([scale], [zero]) = (&constant.scales[..], &constant.zeros[..]) else {
        return Err(node.unsupported("a constant that is added must have one scale for all its cells"));
    };
    // Dimensions are aligned at the end; what stands before the item's is the batch, which a constant must not have.
    let shape = &constant.cells.shape;
    let missing = (item.len() + 1).checked_sub(shape.len()).ok_or_else(|| wrong("with as few dimensions"))?;
    let padded: Vec<usize> = std::iter::repeat_n(1, missing).chain(shape.iter().copied()).collect();
    let fits = padded[0] == 1 && padded[1..].iter().zip(item).all(|(&p, &d)| p == 1 || p == d as usize);
    let total = count(item).filter(|&cells| cells as usize <= janction_program::limits::MAX_COLUMNS);
    let (true, Some(total)) = (fits, total) else { return Err(wrong("of a shape")) };
    let place = |mut cell: usize| {
        let (mut index, mut stride) = (0, 1);
        for (&extent, &dimension) in padded[1..].iter().zip(item).rev() {
            index += cell % dimension as usize % extent * stride;
            stride *= extent;
            cell /= dimension as usize;
        }
        index
    };
    let values: Vec<i64> = (0..total as usize).map(|cell| at(cells, place(cell))).collect();
    let cells = Cells::from_values(dtype, &values).map_err(|_| wrong("int8 or uint8"))?;
    Ok((cells, Quantisation { dtype, scale: *scale, zero: *zero }))
}

/// The sum of two operands with these signs; they are dequantised cells, one of them may be a dequantised constant.
pub fn sum(node: &Node, operands: [&Flow; 2], signs: [f64; 2]) -> Result<Flow, OnnxError> {
    let plain = |flow: &Flow| match flow {
        Flow::Mapped(Mapped { activation, quantisation, values: None }) => {
            Ok((activation.clone(), *quantisation))
        }
        Flow::Constant(tensor) => {
            let expected = "of 8 bits and dequantised, or one number (quantise this initialiser, too)";
            Err(node.operand("a constant operand", expected, tensor.describe()))
        }
        other => {
            let expected =
                "dequantised 8-bit cells (put QuantizeLinear and DequantizeLinear before this node)";
            Err(node.operand("an operand", expected, other.describe()))
        }
    };
    let (left, right, signs) = match operands {
        [Flow::RealConstant(constant), other] => {
            let left = plain(other)?;
            let (cells, quantisation) = row(node, constant, &left.0.item)?;
            (left, (Right::Row(constant.name.clone(), cells), quantisation), [signs[1], signs[0]])
        }
        [other, Flow::RealConstant(constant)] => {
            let left = plain(other)?;
            let (cells, quantisation) = row(node, constant, &left.0.item)?;
            (left, (Right::Row(constant.name.clone(), cells), quantisation), signs)
        }
        [left, right] => {
            let (left, right) = (plain(left)?, plain(right)?);
            if left.0.item != right.0.item {
                let got = format!("items of shapes {:?} and {:?}", left.0.item, right.0.item);
                return Err(node.operand("the operands", "of one shape (broadcast neither)", got));
            }
            (left, (Right::Activation(right.0), right.1), signs)
        }
    };
    let item = left.0.item.clone();
    Ok(Flow::pending(PendingKind::Sum(Sum { left, right, signs }), item))
}

impl Sum {
    /// Makes the operation.
    pub fn finish(
        self,
        t: &mut Translator,
        node: &Node,
        Settle { output, clamp }: Settle,
    ) -> Result<Activation, OnnxError> {
        let ((left, l), (right, r)) = (self.left, self.right);
        let factors = [self.signs[0] * l.scale / output.scale, self.signs[1] * r.scale / output.scale];
        let (multipliers, shift) = common_shift(factors).ok_or_else(|| {
            node.unsupported(format!(
                "the factors {:e} and {:e} between scales are outside 2^-62..2^30, or too far apart",
                factors[0], factors[1]
            ))
        })?;
        let lefts = terms(l.dtype, l.zero, multipliers[0]);
        let mut rights = terms(r.dtype, r.zero, multipliers[1]);
        if let Right::Row(_, cells) = &right {
            let present: HashSet<i32> = (0..cells.len()).map(|i| cells.get(i)).collect();
            let mut all = r.dtype.min()..=r.dtype.max();
            rights.retain(|_| all.next().is_some_and(|cell| present.contains(&cell)));
        }
        let options = AddOptions::new(multipliers, shift)
            .rounded(of_sums(node, output, [&lefts, &rights], shift))
            .zeros(l.zero, r.zero, output.zero)
            .clamp(clamp.0, clamp.1);
        let right = match right {
            Right::Activation(activation) => Operand::Value(t.value(&activation)?),
            Right::Row(name, cells) => Operand::Constant(t.cells(&name, 1, cells)?),
        };
        let input = t.value(&left)?;
        let name = t.names.fresh(node.output()?);
        let id = t.builder.add(&name, input, right, output.dtype, options);
        Ok(Activation { place: Place::Value(id), dtype: output.dtype, item: left.item, is_committed: true })
    }
}
