//! `MatMul`, `Gemm`: products of vectors with a constant matrix.

use crate::{
    error::OnnxError,
    flow::{Flow, PendingKind},
    node::Node,
    product::{Form, Product, add_bias, operand, transpose, weights},
    translate::Translator,
};

/// The product of the vectors of the activation at input 0 with the matrix at input 1.
fn matrix(t: &Translator, node: &Node, transposed: bool) -> Result<Product, OnnxError> {
    let operand = operand(t, node)?;
    let mut weights = weights(t, node)?;
    let inner = match weights.cells.shape[..] {
        [_, columns] if transposed => columns,
        [rows, _] => rows,
        _ => return Err(node.operand("the weights", "a matrix", weights.cells.describe())),
    };
    if operand.0.item.last().map(|&d| d as usize) != Some(inner) {
        let got = format!("items of shape {:?}", operand.0.item);
        let expected = format!("[batch, ..., {inner}], as the weights have rows");
        return Err(node.operand("the activation", expected, got));
    }
    if transposed {
        transpose(node, &mut weights)?;
    }
    Product::new(node, operand, Form::Vectors, weights)
}

/// The results of a product of vectors.
fn pending(product: Product) -> Flow {
    let mut item = product.input.item.clone();
    item.pop();
    item.push(product.columns() as u32);
    Flow::pending(PendingKind::Product(product), item)
}

/// `MatMul`, `MatMulInteger`
pub fn matmul(t: &Translator, node: &Node) -> Result<Flow, OnnxError> {
    matrix(t, node, false).map(pending)
}

/// `Gemm`; its bias stands at input `bias`.
pub fn gemm(t: &Translator, node: &Node, bias: Option<Flow>) -> Result<Flow, OnnxError> {
    node.require_one("alpha")?;
    node.require_one("beta")?;
    node.require("transA", 0, "rows of the activation are items")?;
    let mut product = matrix(t, node, node.integer("transB", 0) != 0)?;
    if product.input.item.len() != 1 {
        let got = format!("items of shape {:?}", product.input.item);
        return Err(node.operand("the activation", "[batch, columns]", got));
    }
    if let Some(bias) = bias {
        add_bias(node, &mut product, &bias)?;
    }
    Ok(pending(product))
}
