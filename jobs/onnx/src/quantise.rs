//! `QuantizeLinear`, `DequantizeLinear` and `Cast`: where real numbers begin and end.

use janction_program::DType;

use crate::{
    error::OnnxError,
    flow::{Flow, INPUT, Mapped, Quantisation, RealConstant, Settle, at},
    lookups,
    node::Node,
    tensor::{ElementType, Tensor},
    translate::Translator,
};

/// What to do about a model that was not quantised.
pub const QUANTISE: &str = "a quantised model is needed: quantise it with onnxruntime.quantization.quantize_static \
     (QuantFormat.QDQ)";

/// A dimension's number, which may count from the end.
pub fn axis(node: &Node, axis: i64, rank: usize) -> Result<usize, OnnxError> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(counted).ok().filter(|&axis| axis < rank.max(1)).ok_or_else(|| {
        node.unsupported(format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
    })
}

/// Gives the integers of `cells` the scales at input `scale` and the zero points at input `zero`, along `axis` when there
/// are several.
pub fn constant(
    t: &Translator,
    node: &Node,
    cells: (usize, Tensor),
    scale: usize,
    zero: usize,
    axis: impl FnOnce(usize) -> Result<usize, OnnxError>,
) -> Result<RealConstant, OnnxError> {
    let (index, cells) = cells;
    let scales = t.scales(node, scale)?;
    let zeros = match t.optional_constant(node, zero, "the zero point")? {
        None => vec![0],
        Some(zeros) if zeros.element == cells.element && [1, scales.len()].contains(&zeros.len()) => {
            // Checked when read to fit their type, which is the cells': 8 or 32 bits.
            zeros.integers().unwrap_or_default().iter().map(|&z| z as i32).collect()
        }
        Some(zeros) => {
            let expected = format!("one {}, or one for each of {} scales", cells.element, scales.len());
            return Err(node.operand("the zero point", expected, zeros.describe()));
        }
    };
    // The axis matters only when there is more than one scale.
    let axis = if scales.len() == 1 { 0 } else { axis(cells.shape.len())? };
    if scales.len() != 1 && cells.shape.get(axis) != Some(&scales.len()) {
        let expected = format!("one number, or one for each index of axis {axis} of {:?}", cells.shape);
        return Err(node.operand("the scale", expected, format!("{} numbers", scales.len())));
    }
    let name = node.input(index, "the operand")?.into();
    Ok(RealConstant { name, cells, scales, zeros, axis })
}

/// The dequantised operand at input `index`, with its scale and zero point at the inputs `scale` and `zero`. `along` is the
/// axis of several scales.
pub fn dequantised(
    t: &mut Translator,
    node: &Node,
    index: usize,
    (scale, zero): (usize, usize),
    along: i64,
) -> Result<Flow, OnnxError> {
    match t.flow(node, index, "the operand")?.clone() {
        Flow::Cells(activation) => {
            let mut quantisation = t.quantisation(node, scale, zero)?;
            if node.optional_input(zero).is_some() && quantisation.dtype != activation.dtype {
                let (expected, got) = (activation.dtype.to_string(), quantisation.dtype.to_string());
                return Err(node.operand("the activation's zero point", expected, got));
            }
            quantisation.dtype = activation.dtype;
            if activation.place == INPUT {
                t.input_quantisation.get_or_insert(quantisation);
            }
            Ok(Flow::Mapped(Mapped::new(activation, quantisation)))
        }
        Flow::Constant(cells) if cells.element.dtype().is_some() => {
            let along = |rank| axis(node, along, rank);
            constant(t, node, (index, cells), scale, zero, along).map(Flow::RealConstant)
        }
        other => {
            let expected = "8-bit cells or an integer constant";
            Err(node.operand("the operand", expected, other.describe()))
        }
    }
}

/// `DequantizeLinear`
pub fn dequantise(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    node.require("block_size", 0, "blocked quantisation; quantise per tensor or per channel")?;
    dequantised(t, node, 0, (1, 2), node.integer("axis", 1))
}

/// Scale and zero point that `QuantizeLinear` gives an activation.
fn output(t: &Translator, node: &Node) -> Result<Quantisation, OnnxError> {
    let mut output = t.quantisation(node, 1, 2)?;
    let code = node.integer("output_dtype", 0);
    if code != 0 {
        let stated = ElementType::from_code(code as i32).and_then(ElementType::dtype);
        match stated.filter(|dtype| dtype.is_byte()) {
            Some(dtype) if node.optional_input(2).is_none() || dtype == output.dtype => output.dtype = dtype,
            _ => return Err(node.unsupported(format!("output_dtype = {code} is not int8 or uint8"))),
        }
    }
    Ok(output)
}

/// `QuantizeLinear`
pub fn quantise(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    node.require("block_size", 0, "blocked quantisation; quantise per tensor or per channel")?;
    match t.flow(node, 0, "the operand")?.clone() {
        Flow::Constant(tensor) if tensor.reals().is_some() => constant_cells(t, node, &tensor),
        flow => {
            let output = output(t, node)?;
            settle(t, node, flow, output)
        }
    }
}

/// Makes cells of `flow`.
pub fn settle(t: &mut Translator, node: &Node, flow: Flow, output: Quantisation) -> Result<Flow, OnnxError> {
    match flow {
        Flow::Pending(pending) => pending.finish(t, node, output).map(Flow::Cells),
        Flow::Mapped(mapped) => lookups::quantise(t, node, &mapped, Settle::whole(output)).map(Flow::Cells),
        Flow::RealInput(views) => {
            let mut activation = match t.input_quantisation {
                None => t.declare_input(output.dtype),
                Some(before) if before == output => t.input(output.dtype),
                Some(_) => {
                    return Err(node.unsupported(
                        "the input is quantised a second time with another scale; quantise it once and dequantise \
                         that",
                    ));
                }
            };
            t.input_quantisation = Some(output);
            for view in views {
                activation = view.apply(t, node.output()?, activation)?;
            }
            Ok(Flow::Cells(activation))
        }
        other => {
            let expected = "real results or the model's real input";
            Err(node.operand("the operand", expected, other.describe()))
        }
    }
}

/// Quantises a constant, as a model does that keeps its weights in float32.
fn constant_cells(t: &Translator, node: &Node, tensor: &Tensor) -> Result<Flow, OnnxError> {
    let scales = t.scales(node, 1)?;
    let (dtype, zeros) = t.zeros(node, 2)?.unwrap_or((DType::U8, vec![0]));
    let axis = if scales.len() == 1 { 0 } else { axis(node, node.integer("axis", 1), tensor.shape.len())? };
    let extent = tensor.shape.get(axis).copied().unwrap_or(1).max(1);
    let count = scales.len();
    if (count != 1 && count != extent) || (zeros.len() != 1 && zeros.len() != count) {
        let expected = format!("one number, or one for each index of axis {axis} of {:?}", tensor.shape);
        return Err(node.operand("the scale", expected, format!("{count} numbers")));
    }
    let stride: usize = tensor.shape.iter().skip(axis + 1).product::<usize>().max(1);
    let cell = |(i, &real): (usize, &f64)| {
        let index = i / stride % extent;
        Quantisation { dtype, scale: at(&scales, index), zero: at(&zeros, index) }.cell(real).map(i64::from)
    };
    let cells: Option<Vec<i64>> = tensor.reals().unwrap_or_default().iter().enumerate().map(cell).collect();
    let cells = cells.ok_or_else(|| node.unsupported("the constant that it quantises holds NaN"))?;
    Ok(Flow::Constant(Tensor::of_cells(dtype, tensor.shape.clone(), cells)))
}

/// `Cast` to float32: of what a product of integers gives, or of cells.
pub fn cast(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if ElementType::from_code(node.integer("to", 0) as i32) != Some(ElementType::F32) {
        return Err(node.unsupported("only Cast to float32 is supported"));
    }
    match t.flow(node, 0, "the operand")? {
        Flow::Cells(activation) => {
            let quantisation = Quantisation::integers(activation.dtype);
            Ok(Flow::Mapped(Mapped::new(activation.clone(), quantisation)))
        }
        Flow::Constant(tensor) => match tensor.as_reals() {
            Some(tensor) => Ok(Flow::Constant(tensor)),
            None => Err(node.unsupported("an integer of the constant is not exact in float32")),
        },
        flow => Ok(flow.clone()),
    }
}
