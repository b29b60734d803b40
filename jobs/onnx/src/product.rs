//! A product with constant weights (of a matrix, or of the windows of a convolution) between its operands and its
//! requantisation.

use janction_program::{
    Cells, DType, PerColumn, Requantise, Slide,
    builder::{ConvOptions, MatMulOptions},
};

use crate::{
    error::OnnxError,
    flow::{Activation, Flow, Mapped, Pending, PendingKind, Place, Quantisation, RealConstant, Settle, at},
    node::Node,
    quantise::QUANTISE,
    rounding::{self, Factor},
    tensor::Tensor,
    translate::Translator,
};

/// What the weights are multiplied with.
#[derive(Clone)]
pub enum Form {
    /// Every last-dimension vector of an item.
    Vectors,
    /// The windows of an item's planes, in groups of channels.
    Windows { slide: Slide, groups: u32 },
}

/// `real[j] = accumulator[j] * scale[j] / divisor[j] + bias[j]`, where j is the output column, or the channel of a convolution.
#[derive(Clone)]
pub struct Product {
    pub input: Activation,
    pub input_zero: i32,
    /// Largest distance of the activation's cells from their zero point.
    pub reach: i64,
    pub form: Form,
    /// [inner, columns]; one scale and zero point, or one for each column.
    pub weights: RealConstant,
    /// One, or one for each column.
    pub scales: Vec<f64>,
    /// One, or one for each column. Apart from the scales because 1 / 6 is no float: halves are looked for exactly.
    pub divisors: Vec<f64>,
    /// One for each column.
    pub bias: Option<Vec<f64>>,
    /// Dimensions of the result behind that of the columns.
    pub behind: usize,
}

/// The operand of a product: cells and their scale and zero point, from the dequantised activation at input 0.
pub fn operand(t: &Translator, node: &Node) -> Result<(Activation, Quantisation), OnnxError> {
    match t.flow(node, 0, "the activation")? {
        Flow::Mapped(Mapped { activation, quantisation, values: None }) => {
            Ok((activation.clone(), *quantisation))
        }
        Flow::Constant(_) | Flow::RealConstant(_) => Err(node.operand(
            "the activation",
            "no constant: only products whose first operand is the activation are supported",
            "a constant",
        )),
        Flow::RealInput(_) => {
            let expected = format!("dequantised 8-bit cells ({QUANTISE})");
            Err(node.operand("the activation", expected, "the real input, not quantised"))
        }
        other => {
            let expected =
                "dequantised 8-bit cells (put QuantizeLinear and DequantizeLinear before this node)";
            Err(node.operand("the activation", expected, other.describe()))
        }
    }
}

/// The dequantised constant at input 1.
pub fn weights(t: &Translator, node: &Node) -> Result<RealConstant, OnnxError> {
    match t.flow(node, 1, "the weights")? {
        Flow::RealConstant(constant) => Ok(constant.clone()),
        Flow::Constant(tensor) => {
            let expected = format!("a dequantised constant ({QUANTISE})");
            Err(node.operand("the weights", expected, tensor.describe()))
        }
        other => {
            let expected = "a constant: products of two activations are not supported";
            Err(node.operand("the weights", expected, other.describe()))
        }
    }
}

impl Product {
    /// Checks the weights, which have been brought to [inner, columns], and joins them with the activation.
    pub fn new(
        node: &Node,
        (input, quantisation): (Activation, Quantisation),
        form: Form,
        weights: RealConstant,
    ) -> Result<Self, OnnxError> {
        let cells = &weights.cells;
        if !cells.element.dtype().is_some_and(DType::is_byte) || cells.shape.len() != 2 {
            return Err(node.operand("the weights", "int8 or uint8", cells.describe()));
        }
        let columns = cells.shape[1];
        let fits = |count: usize| count == 1 || (weights.axis == 1 && count == columns);
        if !fits(weights.zeros.len()) || !fits(weights.scales.len()) {
            return Err(node.unsupported("the weights must be quantised per tensor or per output column"));
        }
        let scales = weights.scales.iter().map(|scale| scale * quantisation.scale).collect();
        Ok(Self {
            input,
            input_zero: quantisation.zero,
            reach: quantisation.reach(),
            form,
            weights,
            scales,
            divisors: vec![1.0],
            bias: None,
            behind: 0,
        })
    }

    /// Number of output columns.
    pub fn columns(&self) -> usize {
        self.weights.cells.shape[1]
    }

    /// The entries of a constant of `shape` that stand by output columns when it is broadcast against the result: one for
    /// all or one for each. `None` when it differs along another dimension.
    pub fn by_column(&self, shape: &[usize], reals: &[f64]) -> Option<Vec<f64>> {
        let columns = self.columns();
        let place = shape.len().checked_sub(1 + self.behind);
        let is_one = |(d, &extent): (usize, &usize)| extent == 1 || (Some(d) == place && extent == columns);
        (shape.iter().enumerate().all(is_one) && [1, columns].contains(&reals.len())).then(|| reals.to_vec())
    }

    /// Adds `reals` (one, or one for each column) to the results.
    pub fn add(&mut self, reals: &[f64]) {
        let columns = self.columns();
        let bias = self.bias.get_or_insert_with(|| vec![0.0; columns]);
        bias.iter_mut().enumerate().for_each(|(j, b)| *b += at(reals, j));
    }

    /// Multiplies the results by `factors` (one, or one for each column), which must be positive.
    pub fn scale(&mut self, factors: &[f64]) {
        self.scales = products(&self.scales, factors);
        if let Some(bias) = &mut self.bias {
            bias.iter_mut().enumerate().for_each(|(j, b)| *b *= at(factors, j));
        }
    }

    /// Divides the results by `divisors` (one, or one for each column), which must be positive.
    pub fn divide(&mut self, divisors: &[f64]) {
        self.divisors = products(&self.divisors, divisors);
        if let Some(bias) = &mut self.bias {
            bias.iter_mut().enumerate().for_each(|(j, b)| *b /= at(divisors, j));
        }
    }

    /// The bias in units of the accumulators.
    fn integer_bias(&self, node: &Node, output: Quantisation) -> Result<Option<Vec<i32>>, OnnxError> {
        let Some(bias) = &self.bias else { return Ok(None) };
        let integer = |(j, &real): (usize, &f64)| {
            let scale = at(&self.scales, j) / at(&self.divisors, j);
            let integer = (real / scale).round();
            // False for NaN too.
            let fits = integer.abs() <= f64::from(i32::MAX);
            if !fits {
                return Err(node.unsupported(format!(
                    "the bias {real:e} of column {j} does not fit 32 bits in units of the product's scale {scale:e}: \
                     quantise the weights with a larger scale"
                )));
            }
            let lost = (real - integer * scale).abs() / output.scale;
            if lost > 0.5 {
                return Err(node.unsupported(format!(
                    "the bias {real:e} of column {j} is no multiple of the product's scale {scale:e}, and rounding it \
                     would move the result by {lost:.1} units: quantise it to int32 with that scale"
                )));
            }
            Ok(integer as i32)
        };
        bias.iter().enumerate().map(integer).collect::<Result<_, _>>().map(Some)
    }

    /// Multipliers, shifts and where halves go: one, or one for each column.
    fn requantise(
        &self,
        node: &Node,
        output: Quantisation,
        bias: Option<&[i32]>,
    ) -> Result<PerColumn<Requantise>, OnnxError> {
        let mut bounds: Vec<i64> =
            (0..self.columns()).map(|j| bias.map_or(0, |bias| i64::from(bias[j]).abs())).collect();
        for row in self.weights.cells.integers().unwrap_or_default().chunks(self.columns().max(1)) {
            for (j, (bound, cell)) in bounds.iter_mut().zip(row).enumerate() {
                // Weights and zero points are of 8 bits.
                *bound += self.reach * (cell - i64::from(at(&self.weights.zeros, j))).abs();
            }
        }
        let count = self.scales.len().max(self.divisors.len());
        let entry = |j: usize| {
            let of_all = || bounds.iter().copied().max().unwrap_or(0);
            let bound = if count == 1 { of_all() } else { bounds[j] };
            let factor =
                Factor { accumulators: at(&self.scales, j), output: output.scale * at(&self.divisors, j) };
            factor.requantise(node, rounding::of(node, output), bound)
        };
        (0..count).map(entry).collect::<Result<_, _>>().map(per_column)
    }

    /// Makes the operation.
    pub fn finish(
        self,
        t: &mut Translator,
        node: &Node,
        Settle { output, clamp }: Settle,
    ) -> Result<Activation, OnnxError> {
        let bias = self.integer_bias(node, output)?;
        let requantise = self.requantise(node, output, bias.as_deref())?;
        let mut options = MatMulOptions::new(requantise)
            .zeros(self.input_zero, output.zero)
            .weight_zero(per_column(self.weights.zeros.clone()))
            .clamp(clamp.0, clamp.1);
        let cells = &self.weights.cells;
        let unreadable = || node.operand("the weights", "int8 or uint8", cells.describe());
        let dtype = cells.element.dtype().ok_or_else(unreadable)?;
        let integers = cells.integers().ok_or_else(unreadable)?;
        let (rows, columns) = (cells.shape[0], cells.shape[1]);
        let cells = Cells::from_values(dtype, integers).map_err(|_| unreadable())?;
        let weights = t.cells(&self.weights.name, rows, cells)?;
        let name = node.output()?;
        if let Some(bias) = bias {
            options = options.bias(t.cells(&format!("{name}.bias"), 1, Cells::I32(bias))?);
        }
        let input = t.value(&self.input)?;
        let name = t.names.fresh(name);
        let id = match self.form {
            Form::Vectors => t.builder.matmul(&name, input, weights, output.dtype, options),
            Form::Windows { slide, groups } => {
                let options = ConvOptions::new(slide, options).groups(groups);
                t.builder.conv(&name, input, weights, output.dtype, options)
            }
        };
        let mut item = self.input.item;
        match self.form {
            Form::Vectors => {
                item.pop();
                item.push(columns as u32);
            }
            // Where the windows do not fit, the program is invalid, and it says why.
            Form::Windows { .. } => item = t.shape(id),
        }
        Ok(Activation { place: Place::Value(id), dtype: output.dtype, item, is_committed: true })
    }
}

/// Products of entries of which there is one, or one for each column.
fn products(one: &[f64], other: &[f64]) -> Vec<f64> {
    (0..one.len().max(other.len())).map(|j| at(one, j) * at(other, j)).collect()
}

/// One for all when there is one.
pub fn per_column<T: Copy>(entries: Vec<T>) -> PerColumn<T> {
    match entries[..] {
        [entry] => PerColumn::All(entry),
        _ => PerColumn::Each(entries),
    }
}

/// Rows and columns of a matrix exchanged.
pub fn transpose(node: &Node, matrix: &mut RealConstant) -> Result<(), OnnxError> {
    let wrong = |tensor: &Tensor| node.operand("the weights", "an integer matrix", tensor.describe());
    let [rows, columns] = matrix.cells.shape[..] else { return Err(wrong(&matrix.cells)) };
    let cells = matrix.cells.integers().ok_or_else(|| wrong(&matrix.cells))?;
    let transposed = (0..columns).flat_map(|j| (0..rows).map(move |i| cells[i * columns + j])).collect();
    matrix.cells = matrix.cells.with_integers(vec![columns, rows], transposed);
    matrix.axis = 1 - matrix.axis.min(1);
    Ok(())
}

/// The real numbers of a constant.
pub fn reals(flow: &Flow) -> Option<(Vec<usize>, Vec<f64>)> {
    match flow {
        Flow::Constant(tensor) => Some((tensor.shape.clone(), tensor.reals()?.to_vec())),
        Flow::RealConstant(constant) => Some((constant.cells.shape.clone(), constant.reals()?)),
        _ => None,
    }
}

/// Adds the constant `bias`, of one number or one for each column.
pub fn add_bias(node: &Node, product: &mut Product, bias: &Flow) -> Result<(), OnnxError> {
    let columns = product.columns();
    let (shape, reals) = reals(bias)
        .ok_or_else(|| node.operand("the bias", "a float32 or dequantised constant", bias.describe()))?;
    // A list stands by columns also where they are not the last dimension.
    let list = shape.len() == 1 && [1, columns].contains(&reals.len());
    if !list && product.by_column(&shape, &reals).is_none() {
        return Err(node.operand("the bias", format!("of shape [{columns}]"), format!("of shape {shape:?}")));
    }
    product.add(&reals);
    Ok(())
}

impl Pending {
    /// The product, when its results can still be scaled and moved: no clamp and no view but those that belong to it.
    pub fn product(&mut self) -> Option<&mut Product> {
        let own = |product: &Product| usize::from(product.behind == 1);
        let views = match &self.kind {
            PendingKind::Product(product) => own(product),
            _ => return None,
        };
        let is_bare = self.is_bare(views);
        match &mut self.kind {
            PendingKind::Product(product) if is_bare => Some(product),
            _ => None,
        }
    }
}
