//! The QOperator form: operators that take and give integers. Each is the float operator between `DequantizeLinear` and
//! `QuantizeLinear`, so that is how it is read: the operands at their places become flows, and the float operator's
//! translation makes the rest.

use janction_program::DType;

use crate::{
    arithmetic::{Operator, combine},
    conv,
    error::OnnxError,
    flow::{Flow, Mapped, Quantisation, RealConstant},
    function, join,
    matmul::{gemm, matmul},
    node::Node,
    pool,
    quantise::{dequantised, settle},
    translate::Translator,
};

/// Operand 0 dequantised.
fn first(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    dequantised(t, node, 0, (1, 2), 1)
}

/// The weights at input 3, dequantised along `axis`.
fn weights(t: &mut Translator, node: &Node, axis: i64) -> Result<Flow, OnnxError> {
    t.constant(node, 3, "the weights")?;
    dequantised(t, node, 3, (4, 5), axis)
}

/// The float operator `translate` of operands that stand in the node's places 0 and 1, quantised with the scale and zero
/// point at the inputs `output`.
fn between(
    t: &mut Translator,
    node: &Node,
    operands: Vec<Flow>,
    output: (usize, usize),
    translate: impl FnOnce(&mut Translator, &Node) -> Result<Flow, OnnxError>,
) -> Result<Flow, OnnxError> {
    let output = t.quantisation(node, output.0, output.1)?;
    let float = t.with_operands(node, operands);
    let result = translate(t, &float)?;
    settle(t, node, result, output)
}

/// The bias at input `index`: int32 in units of the accumulators.
fn bias(t: &Translator, node: &Node, index: usize, operands: &[Flow]) -> Result<Option<Flow>, OnnxError> {
    let Some(cells) = t.optional_constant(node, index, "the bias")? else { return Ok(None) };
    let [Flow::Mapped(activation), Flow::RealConstant(weights)] = operands else {
        return Err(node.operand("the activation", "8-bit cells", "a constant"));
    };
    if cells.integers().is_none() || cells.element.dtype() != Some(DType::I32) {
        return Err(node.operand("the bias", "int32", cells.describe()));
    }
    let scales: Vec<f64> = weights.scales.iter().map(|s| s * activation.quantisation.scale).collect();
    if scales.len() != 1 && scales.len() != cells.len() {
        let expected = format!("int32 of shape [{}]", scales.len());
        return Err(node.operand("the bias", expected, cells.describe()));
    }
    let name = node.input(index, "the bias")?.into();
    let constant = RealConstant { name, cells: cells.clone(), scales, zeros: vec![0], axis: 0 };
    Ok(Some(Flow::RealConstant(constant)))
}

/// `QLinearMatMul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)`
pub fn qlinear_matmul(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let operands = vec![first(t, node)?, weights(t, node, 1)?];
    between(t, node, operands, (6, 7), |t, node| matmul(t, node))
}

/// `QGemm(a, a_scale, a_zero, b, b_scale, b_zero, bias?, y_scale, y_zero)` of Microsoft's domain
pub fn qgemm(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if node.optional_input(7).is_none() {
        return Err(
            node.unsupported("QGemm with float output is not supported; give it y_scale and y_zero_point")
        );
    }
    // Several scales stand by output columns, which are rows of a matrix that is to be transposed.
    let axis = i64::from(node.integer("transB", 0) == 0);
    let operands = vec![first(t, node)?, weights(t, node, axis)?];
    let bias = bias(t, node, 6, &operands)?;
    between(t, node, operands, (7, 8), |t, node| gemm(t, node, bias))
}

/// `QLinearConv(x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias?)`
pub fn qlinear_conv(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    channels_first(node)?;
    let operands = vec![first(t, node)?, weights(t, node, 0)?];
    let bias = bias(t, node, 8, &operands)?;
    between(t, node, operands, (6, 7), |t, node| conv::conv(t, node, bias))
}

/// The operands of `MatMulInteger` and `ConvInteger` (a, b, a_zero?, b_zero?), whose numbers are the cells less their zero
/// points; several zero points of b stand along `axis`.
fn integers(t: &Translator, node: &Node, axis: usize) -> Result<Vec<Flow>, OnnxError> {
    let activation = match t.flow(node, 0, "the activation")? {
        Flow::Cells(activation) => activation.clone(),
        other => return Err(node.operand("the activation", "8-bit cells", other.describe())),
    };
    let dtype = activation.dtype;
    let zero = match t.zeros(node, 2)? {
        None => 0,
        Some((d, zeros)) => match zeros[..] {
            [zero] if d == dtype => zero,
            _ => {
                let got = format!("{} of {d}", zeros.len());
                return Err(node.operand("the activation's zero point", format!("one {dtype}"), got));
            }
        },
    };
    let cells = t.constant(node, 1, "the weights")?.clone();
    let zeros = match t.zeros(node, 3)? {
        None => vec![0],
        Some((d, zeros)) if Some(d) == cells.element.dtype() => zeros,
        Some((d, _)) => {
            return Err(node.operand("the weights' zero point", cells.element.to_string(), d.to_string()));
        }
    };
    if zeros.len() != 1 && cells.shape.get(axis) != Some(&zeros.len()) {
        let expected = format!("one number, or one for each index of axis {axis}");
        return Err(node.operand("the weights' zero point", expected, format!("{} numbers", zeros.len())));
    }
    let quantisation = Quantisation { dtype, scale: 1.0, zero };
    let name = node.input(1, "the weights")?.into();
    let weights = RealConstant { name, cells, scales: vec![1.0; zeros.len()], zeros, axis };
    Ok(vec![Flow::Mapped(Mapped::new(activation, quantisation)), Flow::RealConstant(weights)])
}

/// `MatMulInteger(a, b, a_zero?, b_zero?)`: its scale follows as `Cast` and `Mul`.
pub fn matmul_integer(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let operands = integers(t, node, 1)?;
    let float = t.with_operands(node, operands);
    matmul(t, &float)
}

/// `ConvInteger(x, w, x_zero?, w_zero?)`, alike.
pub fn conv_integer(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let operands = integers(t, node, 0)?;
    let float = t.with_operands(node, operands);
    conv::conv(t, &float, None)
}

/// Operators of Microsoft's domain can have channels last.
fn channels_first(node: &Node) -> Result<(), OnnxError> {
    node.require("channels_last", 0, "convert the model to [batch, channels, height, width]")
}

/// `QLinearAdd(a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero)`
pub fn qlinear_add(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let (left, right) = (first(t, node)?, dequantised(t, node, 3, (4, 5), 0)?);
    let sum = combine(t, node, Operator::Add, &left, &right)?;
    let output = t.quantisation(node, 6, 7)?;
    settle(t, node, sum, output)
}

/// `QLinearAveragePool(x, x_scale, x_zero, y_scale, y_zero)`
pub fn qlinear_average(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    channels_first(node)?;
    if node.integer("ceil_mode", 0) != 0 && node.integer("count_include_pad", 0) != 0 {
        // onnxruntime divides by the cells that ceil_mode adds, too; AveragePool does not.
        return Err(node.unsupported(
            "ceil_mode together with count_include_pad is not supported: its divisor is not AveragePool's; use pads \
             instead of ceil_mode, or the QDQ form",
        ));
    }
    let operands = vec![first(t, node)?];
    between(t, node, operands, (3, 4), pool::average)
}

/// `QLinearGlobalAveragePool(x, x_scale, x_zero, y_scale, y_zero)`
pub fn qlinear_global_average(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    channels_first(node)?;
    let operands = vec![first(t, node)?];
    between(t, node, operands, (3, 4), pool::global_average)
}

/// `QLinearSigmoid`, `QLinearLeakyRelu` (x, x_scale, x_zero, y_scale, y_zero): the function of the same name.
pub fn qlinear_function(t: &mut Translator, node: &Node, operator: &str) -> Result<Flow, OnnxError> {
    let operands = vec![first(t, node)?];
    between(t, node, operands, (3, 4), |t, node| {
        let float = node.renamed(operator);
        let function = function::of(&float).ok_or_else(|| node.unsupported("no function has this name"))?;
        function::apply(t, node, &function)
    })
}

/// `QLinearConcat(y_scale, y_zero, (x, x_scale, x_zero) ...)`
pub fn qlinear_concat(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let operands = (2..node.inputs.len()).step_by(3);
    let operands: Result<_, _> = operands.map(|i| dequantised(t, node, i, (i + 1, i + 2), 0)).collect();
    let joined = join::join(t, node, operands?)?;
    let output = t.quantisation(node, 0, 1)?;
    settle(t, node, joined, output)
}
