//! Operators that only arrange the cells of an item anew.

use crate::{
    error::OnnxError,
    graph::Node,
    translate::{Activation, Flow, Translator},
};

/// Gives the operand's items the shape `item`.
fn view(
    t: &mut Translator,
    node: &Node,
    item: impl FnOnce(&[u32]) -> Option<Vec<u32>>,
) -> Result<Flow, OnnxError> {
    let flow = t.flow(node, 0, "the operand")?.clone();
    let current = match &flow {
        Flow::RealInput(shapes) => shapes[shapes.len() - 1].clone(),
        Flow::Cells(activation) | Flow::Real(activation, _) => activation.item.clone(),
        other => return Err(node.operand("the operand", "an activation", other.describe())),
    };
    let count = |shape: &[u32]| shape.iter().try_fold(1u32, |product, &d| product.checked_mul(d));
    let item = item(&current).filter(|item| count(item) == count(&current)).ok_or_else(|| {
        node.unsupported(format!(
            "only views that keep the batch as the first dimension are supported (items here: {current:?})"
        ))
    })?;
    if item == current {
        return Ok(flow);
    }
    let mut reshaped = |activation: Activation| -> Result<Activation, OnnxError> {
        let name = t.names.fresh(node.output()?);
        let id = t.builder.reshape(&name, activation.id, &item);
        Ok(Activation { id, item: item.clone(), ..activation })
    };
    Ok(match flow {
        Flow::RealInput(mut shapes) => {
            shapes.push(item);
            Flow::RealInput(shapes)
        }
        Flow::Real(activation, quantisation) => Flow::Real(reshaped(activation)?, quantisation),
        Flow::Cells(activation) => Flow::Cells(reshaped(activation)?),
        other => other,
    })
}

/// `Flatten` at axis 1.
pub fn flatten(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if node.integer("axis", 1) != 1 {
        return Err(node.unsupported("only Flatten at axis 1 is supported: the batch is the first dimension"));
    }
    view(t, node, |item| Some(vec![item.iter().try_fold(1u32, |product, &d| product.checked_mul(d))?]))
}

/// `Reshape` to a constant shape whose first dimension stays the batch.
pub fn reshape(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let tensor = t.constant(node, 1, "the shape")?;
    let target = match tensor.integers() {
        Some(dimensions) if dimensions.len() >= 2 => dimensions.to_vec(),
        _ => return Err(node.operand("the shape", "int64, [batch, ...]", tensor.describe())),
    };
    let allow_zero = node.integer("allowzero", 0) != 0;
    view(t, node, |item| {
        // The batch: copied (0), or inferred while every other dimension is given (-1).
        let inferred = target[1..].iter().filter(|&&d| d == -1).count();
        if !(target[0] == 0 && !allow_zero && inferred <= 1 || target[0] == -1 && inferred == 0) {
            return None;
        }
        let total = item.iter().try_fold(1u32, |product, &d| product.checked_mul(d))?;
        let given = |(i, &d): (usize, &i64)| match d {
            0 if !allow_zero => item.get(i).copied(),
            -1 => Some(1),
            d => u32::try_from(d).ok().filter(|&d| d > 0),
        };
        let mut shape: Vec<u32> = target[1..].iter().enumerate().map(given).collect::<Option<_>>()?;
        let known = shape.iter().try_fold(1u32, |product, &d| product.checked_mul(d))?;
        if let Some(place) = target[1..].iter().position(|&d| d == -1) {
            // Rounds down when it does not divide; the caller compares the products.
            shape[place] = total / known;
        }
        Some(shape)
    })
}
