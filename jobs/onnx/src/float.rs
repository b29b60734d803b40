//! The QDQ form: float operators between `DequantizeLinear` and `QuantizeLinear`.

use crate::{
    error::OnnxError,
    graph::Node,
    product::{Product, at, transpose},
    tensor::{ElementType, Tensor},
    translate::{Flow, RealConstant, Translator},
};

/// A dimension's number, which may count from the end.
fn axis(node: &Node, rank: usize) -> Result<usize, OnnxError> {
    let axis = node.integer("axis", 1);
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(counted).ok().filter(|&axis| axis < rank.max(1)).ok_or_else(|| {
        node.unsupported(format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
    })
}

/// `DequantizeLinear`
pub fn dequantise(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if node.integer("block_size", 0) != 0 {
        return Err(node.unsupported("blocked quantisation is not supported"));
    }
    match t.flow(node, 0, "the operand")?.clone() {
        Flow::Cells(activation) => {
            let mut quantisation = t.quantisation(node, 1, 2)?;
            if node.optional_input(2).is_some() && quantisation.dtype != activation.dtype {
                let (expected, got) = (activation.dtype.to_string(), quantisation.dtype.to_string());
                return Err(node.operand("the zero point", expected, got));
            }
            quantisation.dtype = activation.dtype;
            if activation.id.0 == 0 {
                t.input_quantisation = Some(quantisation);
            }
            Ok(Flow::Real(activation, quantisation))
        }
        Flow::Constant(cells) if cells.integers().is_some() => {
            let scales = t.scales(node, 1)?;
            let zeros = match t.optional_constant(node, 2, "the zero point")? {
                None => vec![0; scales.len()],
                Some(zeros) if zeros.element == cells.element && zeros.len() == scales.len() => {
                    // Checked when read to fit their type, which is the cells': 8 or 32 bits.
                    zeros.integers().unwrap_or_default().iter().map(|&z| z as i32).collect()
                }
                Some(zeros) => {
                    let expected = format!("{} of {}", scales.len(), cells.element);
                    return Err(node.operand("the zero point", expected, zeros.describe()));
                }
            };
            // The axis matters only when there is more than one scale.
            let axis = if scales.len() == 1 { 0 } else { axis(node, cells.shape.len())? };
            if scales.len() != 1 && cells.shape.get(axis) != Some(&scales.len()) {
                let expected =
                    format!("one number, or one for each index of axis {axis} of {:?}", cells.shape);
                return Err(node.operand("the scale", expected, format!("{} numbers", scales.len())));
            }
            Ok(Flow::RealConstant(RealConstant { cells, scales, zeros, axis }))
        }
        other => Err(node.operand("the operand", "8-bit cells or an integer constant", other.describe())),
    }
}

/// `QuantizeLinear`
pub fn quantise(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if node.integer("block_size", 0) != 0 || node.integer("output_dtype", 0) != 0 {
        return Err(node.unsupported("the attributes block_size and output_dtype are not supported"));
    }
    let output = t.quantisation(node, 1, 2)?;
    match t.flow(node, 0, "the operand")?.clone() {
        Flow::Product(product) => product.finish(t, node, output),
        Flow::RealInput(shapes) => {
            if t.input_quantisation.replace(output).is_some() {
                return Err(node.unsupported("the input is quantised a second time"));
            }
            Ok(Flow::Cells(t.declare_input(output.dtype, &shapes)))
        }
        Flow::Real(activation, quantisation) if quantisation == output => Ok(Flow::Cells(activation)),
        Flow::Real(..) => {
            Err(node.unsupported("another scale without a product in between is not supported"))
        }
        other => Err(node.operand("the operand", "a product or the model's input", other.describe())),
    }
}

/// The real numbers of a bias: a float constant or a dequantised one. `columns` is the product's.
fn bias(t: &Translator, node: &Node, index: usize, columns: usize) -> Result<Vec<f64>, OnnxError> {
    let flow = t.flow(node, index, "the bias")?;
    let (shape, reals) = match flow {
        Flow::Constant(tensor) if tensor.reals().is_some() => {
            (&tensor.shape, tensor.reals().unwrap_or_default().to_vec())
        }
        Flow::RealConstant(constant) => {
            let cells = constant.cells.integers().unwrap_or_default();
            let real = |(i, &cell): (usize, &i64)| {
                (cell - i64::from(at(&constant.zeros, i))) as f64 * at(&constant.scales, i)
            };
            if constant.scales.len() != 1 && constant.scales.len() != cells.len() {
                return Err(node.unsupported("the bias has neither one scale nor one for each column"));
            }
            (&constant.cells.shape, cells.iter().enumerate().map(real).collect())
        }
        other => return Err(node.operand("the bias", "a constant", other.describe())),
    };
    // [columns], [1, columns], [1], or a scalar: anything else would not be the same for every row.
    let last = shape.last().copied().unwrap_or(1);
    if reals.len() != last || (last != 1 && last != columns) {
        return Err(node.operand("the bias", format!("of shape [{columns}]"), format!("of shape {shape:?}")));
    }
    Ok(reals)
}

/// The product of the dequantised activation at input 0 with the dequantised matrix at input 1.
fn product(t: &Translator, node: &Node, transposed: bool) -> Result<Product, OnnxError> {
    let (activation, quantisation) = match t.flow(node, 0, "the activation")? {
        Flow::Real(activation, quantisation) => (activation.clone(), *quantisation),
        other => {
            let expected = "dequantised 8-bit cells (a quantised model is needed)";
            return Err(node.operand("the activation", expected, other.describe()));
        }
    };
    let constant = match t.flow(node, 1, "the weights")? {
        Flow::RealConstant(constant) => constant.clone(),
        other => {
            let expected = "a dequantised constant (a quantised model is needed)";
            return Err(node.operand("the weights", expected, other.describe()));
        }
    };
    let RealConstant { mut cells, scales, zeros, mut axis } = constant;
    if cells.shape.len() != 2 {
        return Err(node.operand("the weights", "a matrix", cells.describe()));
    }
    if transposed {
        let flipped: Option<Tensor> = transpose(&cells);
        cells = flipped.ok_or_else(|| node.operand("the weights", "an integer matrix", "another tensor"))?;
        axis = 1 - axis;
    }
    if scales.len() != 1 && axis != 1 {
        return Err(node.unsupported("the weights must be quantised per tensor or per output column"));
    }
    let scales = scales.iter().map(|scale| scale * quantisation.scale).collect();
    Product::new(node, activation, quantisation.zero, cells, zeros, Some(scales))
}

/// `Gemm`
pub fn gemm(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    node.require_one("alpha")?;
    node.require_one("beta")?;
    if node.integer("transA", 0) != 0 {
        return Err(node.unsupported("transA is not supported: rows of the activation are items"));
    }
    let mut product = product(t, node, node.integer("transB", 0) != 0)?;
    if node.optional_input(2).is_some() {
        product.add_real(node, &bias(t, node, 2, product.columns())?)?;
    }
    Ok(Flow::Product(product))
}

/// `MatMul`
pub fn matmul(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    product(t, node, false).map(Flow::Product)
}

/// The product among the two operands of a commutative operator, and the number of the other operand.
fn product_operand(t: &Translator, node: &Node) -> Result<(Product, usize), OnnxError> {
    for (index, other) in [(0, 1), (1, 0)] {
        if let Flow::Product(product) = t.flow(node, index, "the operand")? {
            return Ok((product.clone(), other));
        }
    }
    let got = t.flow(node, 0, "the operand")?.describe();
    Err(node.operand("an operand", "a product before its QuantizeLinear", got))
}

/// `Add` of a bias to a product.
pub fn add(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let (mut product, other) = product_operand(t, node)?;
    product.add_real(node, &bias(t, node, other, product.columns())?)?;
    Ok(Flow::Product(product))
}

/// `Mul` of a product with constant scales, or of two constant scales.
pub fn mul(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    if let (Flow::Constant(a), Flow::Constant(b)) =
        (t.flow(node, 0, "a factor")?, t.flow(node, 1, "a factor")?)
    {
        return a
            .product_of_reals(b)
            .map(Flow::Constant)
            .ok_or_else(|| node.operand("the factors", "float32, one of them one number", a.describe()));
    }
    let (mut product, other) = product_operand(t, node)?;
    let factors = t.scales(node, other)?;
    let columns = product.columns();
    if product.scales.is_some() || product.relu || product.bias.is_some() {
        return Err(node.unsupported("only the result of a MatMulInteger can be scaled"));
    }
    if factors.len() != 1 && factors.len() != columns {
        let got = format!("{} numbers", factors.len());
        return Err(node.operand(
            "the scale",
            format!("one number, or one for each of {columns} columns"),
            got,
        ));
    }
    product.scales = Some(factors);
    Ok(Flow::Product(product))
}

/// `Relu` of a product.
pub fn relu(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    match t.flow(node, 0, "the operand")?.clone() {
        Flow::Product(product) => Ok(Flow::Product(Product { relu: true, ..product })),
        other => Err(node.operand("the operand", "a product before its QuantizeLinear", other.describe())),
    }
}

/// `Cast` to float of what `MatMulInteger` gives.
pub fn cast(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let to_float = ElementType::from_code(node.integer("to", 0) as i32) == Some(ElementType::F32);
    match t.flow(node, 0, "the operand")? {
        Flow::Product(product) if to_float => Ok(Flow::Product(product.clone())),
        _ => Err(node.unsupported("only Cast of a MatMulInteger's result to float32 is supported")),
    }
}
