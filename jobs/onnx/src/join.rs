//! `Concat` along a dimension of the items.

use crate::{
    error::OnnxError,
    flow::{Activation, Flow, Mapped, PendingKind, Place, Settle},
    lookups,
    node::Node,
    quantise::axis,
    translate::Translator,
};

/// Functions of cells that stand one behind the other, before they get one scale.
#[derive(Clone)]
pub struct Join {
    operands: Vec<Mapped>,
    axis: u8,
}

impl Join {
    /// Brings all operands to one scale and joins them.
    pub fn finish(self, t: &mut Translator, node: &Node, settle: Settle) -> Result<Activation, OnnxError> {
        let cells = self.operands.iter().map(|mapped| lookups::quantise(t, node, mapped, settle));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        joined(t, node, &cells, self.axis)
    }
}

/// The view of cells one behind the other.
fn joined(t: &mut Translator, node: &Node, cells: &[Activation], axis: u8) -> Result<Activation, OnnxError> {
    if let [only] = cells {
        return Ok(only.clone());
    }
    let name = t.names.fresh(node.output()?);
    let ids = cells.iter().map(|activation| t.value(activation)).collect::<Result<Vec<_>, _>>()?;
    let id = t.builder.concat(&name, &ids, axis);
    Ok(Activation { place: Place::Value(id), dtype: cells[0].dtype, item: t.shape(id), is_committed: false })
}

/// The place behind the batch of the dimension that the attribute names.
fn dimension(node: &Node, rank: usize) -> Result<u8, OnnxError> {
    let axis = axis(node, node.integer("axis", 0), rank + 1)?;
    let behind = axis.checked_sub(1).ok_or_else(|| {
        node.unsupported("Concat along the batch is not supported; join along another dimension")
    })?;
    u8::try_from(behind).map_err(|_| node.unsupported("its operands have too many dimensions"))
}

/// Checks that the operands differ in dimension `axis` alone, and gives the shape of all together.
fn shape(node: &Node, operands: &[&Activation], axis: u8) -> Result<Vec<u32>, OnnxError> {
    let mut item = operands[0].item.clone();
    let place = usize::from(axis);
    for next in &operands[1..] {
        let mut like = next.item.clone();
        if let Some(d) = like.get_mut(place) {
            *d = operands[0].item[place];
        }
        if like != operands[0].item {
            let expected = format!("like {:?} but for dimension {}", operands[0].item, place + 1);
            return Err(node.operand("the operands", expected, format!("items of shape {:?}", next.item)));
        }
        item[place] = item[place]
            .checked_add(next.item[place])
            .ok_or_else(|| node.unsupported("the joined items are too large"))?;
    }
    Ok(item)
}

/// Joins `operands`: cells of one type, or functions of cells.
pub fn join(t: &mut Translator, node: &Node, operands: Vec<Flow>) -> Result<Flow, OnnxError> {
    let (mut cells, mut mapped) = (Vec::new(), Vec::new());
    for operand in operands {
        match operand {
            Flow::Cells(activation) => cells.push(activation),
            Flow::Mapped(function) => mapped.push(function),
            other => {
                let expected = "8-bit cells, all dequantised or none (put QuantizeLinear and DequantizeLinear before \
                                this node)";
                return Err(node.operand("an operand", expected, other.describe()));
            }
        }
    }
    let activations: Vec<&Activation> = cells.iter().chain(mapped.iter().map(|m| &m.activation)).collect();
    let (Some(first), true) = (activations.first(), cells.is_empty() || mapped.is_empty()) else {
        return Err(node.operand("the operands", "8-bit cells, all dequantised or none", "a mixture"));
    };
    let axis = dimension(node, first.item.len())?;
    let item = shape(node, &activations, axis)?;
    let is_one_type = activations.iter().all(|a| a.dtype == first.dtype);
    if mapped.is_empty() {
        if !is_one_type {
            return Err(node.operand("the operands", "of one type", "int8 and uint8"));
        }
        return joined(t, node, &cells, axis).map(Flow::Cells);
    }
    let is_one_function =
        mapped.iter().all(|m| m.quantisation == mapped[0].quantisation && m.values == mapped[0].values);
    if is_one_type && is_one_function {
        let cells: Vec<_> = mapped.iter().map(|m| m.activation.clone()).collect();
        let activation = joined(t, node, &cells, axis)?;
        return Ok(Flow::Mapped(Mapped { activation, ..mapped.swap_remove(0) }));
    }
    Ok(Flow::pending(PendingKind::Join(Join { operands: mapped, axis }), item))
}

/// `Concat`
pub fn concat(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let operands = (0..node.inputs.len()).map(|index| t.flow(node, index, "an operand").cloned());
    let operands = operands.collect::<Result<_, _>>()?;
    join(t, node, operands)
}
