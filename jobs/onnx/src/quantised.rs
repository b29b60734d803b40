//! The QOperator form: operators that take and give integers.

use crate::{
    Quantisation,
    error::OnnxError,
    graph::Node,
    product::{Product, transpose},
    translate::{Activation, Flow, Translator},
};

/// The 8-bit cells at input 0, whose zero point must be of the same type.
fn activation(
    t: &mut Translator,
    node: &Node,
    quantisation: Option<Quantisation>,
) -> Result<Activation, OnnxError> {
    let activation = match t.flow(node, 0, "the activation")? {
        Flow::Cells(activation) => activation.clone(),
        other => return Err(node.operand("the activation", "8-bit cells", other.describe())),
    };
    if let Some(quantisation) = quantisation {
        if quantisation.dtype != activation.dtype {
            let (expected, got) = (activation.dtype.to_string(), quantisation.dtype.to_string());
            return Err(node.operand("the activation's zero point", expected, got));
        }
        if activation.id.0 == 0 {
            t.input_quantisation = Some(quantisation);
        }
    }
    Ok(activation)
}

/// The zero points at input `index`, which must be of the type of the weights at input `weights`.
fn weight_zeros(t: &Translator, node: &Node, index: usize, weights: usize) -> Result<Vec<i32>, OnnxError> {
    let weights = t.constant(node, weights, "the weights")?;
    match t.zeros(node, index)? {
        None => Ok(vec![0]),
        Some((dtype, zeros)) if Some(dtype) == weights.element.dtype() => Ok(zeros),
        Some((dtype, _)) => {
            Err(node.operand("the weights' zero point", weights.element.to_string(), dtype.to_string()))
        }
    }
}

/// The scale of the accumulators: the activation's times the weights', one or one for each column.
fn product_scales(t: &Translator, node: &Node, a: f64, index: usize) -> Result<Vec<f64>, OnnxError> {
    Ok(t.scales(node, index)?.into_iter().map(|scale| scale * a).collect())
}

/// `QLinearMatMul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)`
pub fn qlinear_matmul(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let a = t.quantisation(node, 1, 2)?;
    let activation = activation(t, node, Some(a))?;
    let weights = t.constant(node, 3, "the weights")?.clone();
    let zeros = weight_zeros(t, node, 5, 3)?;
    let scales = product_scales(t, node, a.scale, 4)?;
    let output = t.quantisation(node, 6, 7)?;
    let mut product = Product::new(node, activation, a.zero, weights, zeros, Some(scales))?;
    product.name = node.input(3, "the weights")?.into();
    product.finish(t, node, output)
}

/// `QGemm(a, a_scale, a_zero, b, b_scale, b_zero, bias?, y_scale, y_zero)` of Microsoft's domain
pub fn qgemm(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    node.require_one("alpha")?;
    if node.integer("transA", 0) != 0 {
        return Err(node.unsupported("transA is not supported: rows of the activation are items"));
    }
    if node.optional_input(7).is_none() {
        return Err(
            node.unsupported("QGemm with float output is not supported; give it y_scale and y_zero_point")
        );
    }
    let a = t.quantisation(node, 1, 2)?;
    let activation = activation(t, node, Some(a))?;
    let mut weights = t.constant(node, 3, "the weights")?.clone();
    if node.integer("transB", 0) != 0 {
        let describe = weights.describe();
        weights =
            transpose(&weights).ok_or_else(|| node.operand("the weights", "an integer matrix", describe))?;
    }
    let zeros = weight_zeros(t, node, 5, 3)?;
    let scales = product_scales(t, node, a.scale, 4)?;
    let output = t.quantisation(node, 7, 8)?;
    let mut product = Product::new(node, activation, a.zero, weights, zeros, Some(scales))?;
    product.name = node.input(3, "the weights")?.into();
    if let Some(bias) = t.optional_constant(node, 6, "the bias")? {
        let columns = product.columns();
        // In units of the accumulator already.
        let integers: Option<Vec<i32>> =
            bias.integers().and_then(|cells| cells.iter().map(|&v| i32::try_from(v).ok()).collect());
        product.bias = match integers {
            Some(integers) if integers.len() == columns => Some(integers),
            _ => {
                return Err(node.operand("the bias", format!("int32 of shape [{columns}]"), bias.describe()));
            }
        };
    }
    product.finish(t, node, output)
}

/// `MatMulInteger(a, b, a_zero?, b_zero?)`: its scale follows as `Cast` and `Mul`.
pub fn matmul_integer(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let activation = activation(t, node, None)?;
    let input_zero = match t.zeros(node, 2)? {
        None => 0,
        Some((dtype, zeros)) => match zeros[..] {
            [zero] if dtype == activation.dtype => zero,
            _ => {
                let expected = format!("one {}", activation.dtype);
                return Err(node.operand(
                    "the activation's zero point",
                    expected,
                    format!("{} of {dtype}", zeros.len()),
                ));
            }
        },
    };
    let weights = t.constant(node, 1, "the weights")?.clone();
    let zeros = weight_zeros(t, node, 3, 1)?;
    Product::new(node, activation, input_zero, weights, zeros, None).map(Flow::Product)
}
