//! `Conv`, `ConvInteger`: convolutions of planes, or of lines as planes of height 1.

use crate::{
    error::OnnxError,
    flow::{Flow, Pending, PendingKind, RealConstant},
    node::Node,
    product::{Form, Product, add_bias, operand, transpose, weights},
    translate::Translator,
    window::windows,
};

/// The weights [OC, C / groups, ...] as a matrix with a row for each cell of a window (channel, then kernel cell) and a
/// column for each output channel.
fn matrix(node: &Node, mut weights: RealConstant) -> Result<RealConstant, OnnxError> {
    if weights.scales.len() != 1 && weights.axis != 0 {
        return Err(
            node.unsupported("the weights must be quantised per tensor or per output channel (axis 0)")
        );
    }
    let shape = &weights.cells.shape;
    let cells = weights.cells.integers().unwrap_or_default().to_vec();
    let flat = vec![shape[0], shape[1..].iter().product()];
    weights.cells = weights.cells.with_integers(flat, cells);
    weights.axis = 0;
    transpose(node, &mut weights)?;
    Ok(weights)
}

/// The convolution of the activation at input 0 with the weights at input 1, and the bias, if there is one.
pub fn conv(t: &mut Translator, node: &Node, bias: Option<Flow>) -> Result<Flow, OnnxError> {
    let (activation, quantisation) = operand(t, node)?;
    let weights = weights(t, node)?;
    let shape = weights.cells.shape.clone();
    let is_empty = shape.contains(&0);
    let ([outputs, inner, kernel @ ..], false) = (&shape[..], is_empty) else {
        return Err(node.operand("the weights", "of shape [OC, C, ...]", weights.cells.describe()));
    };
    let kernel: Option<Vec<u32>> = kernel.iter().map(|&k| u32::try_from(k).ok()).collect();
    let kernel = kernel.ok_or_else(|| node.unsupported("its kernel is too large"))?;
    let windows = windows(t, node, activation, Some(kernel))?;
    let groups = u32::try_from(node.integer("group", 1)).unwrap_or(0);
    let channels = windows.input.item[0];
    if groups == 0 || inner.checked_mul(groups as usize) != Some(channels as usize) {
        let expected = format!("[OC, {channels} channels / {groups} groups, ...]");
        return Err(node.operand("the weights", expected, weights.cells.describe()));
    }
    let form = Form::Windows { slide: windows.slide, groups };
    let (item, view) = windows.shape(*outputs as u32);
    let weights = matrix(node, weights)?;
    let mut product = Product::new(node, (windows.input, quantisation), form, weights)?;
    product.behind = if windows.is_line { 1 } else { 2 };
    if let Some(bias) = bias {
        add_bias(node, &mut product, &bias)?;
    }
    let mut pending = Pending::new(PendingKind::Product(product), item.clone());
    if let Some(view) = view {
        pending.view(view, item);
    }
    Ok(Flow::Pending(Box::new(pending)))
}
