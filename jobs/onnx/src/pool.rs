//! `MaxPool`, `AveragePool`, `GlobalAveragePool`.

use janction_program::{Rounding, Slide, builder::AveragePoolOptions};

use crate::{
    error::OnnxError,
    flow::{Activation, Flow, Mapped, Pending, PendingKind, Place, Quantisation, Settle},
    node::Node,
    product::{operand, per_column},
    rounding::{self, Factor},
    translate::Translator,
    window::{Windows, planes, windows},
};

/// Averages of windows.
#[derive(Clone)]
pub struct Average {
    /// [channels, height, width]
    input: Activation,
    quantisation: Quantisation,
    slide: Slide,
    /// What each window's sum is divided by: one, or one for each position of a plane.
    divisors: Vec<u64>,
}

impl Average {
    /// Makes the operation.
    pub fn finish(
        self,
        t: &mut Translator,
        node: &Node,
        Settle { output, clamp }: Settle,
    ) -> Result<Activation, OnnxError> {
        let [height, width] = self.slide.kernel.map(i64::from);
        let bound = self.quantisation.reach() * height * width;
        // onnxruntime takes one window over the whole plane for a global average, which rounds before it adds the zero point.
        let is_global = self.slide.pads == [0; 4] && self.slide.kernel[..] == self.input.item[1..];
        let rounding = if is_global { Rounding::HalfEven } else { rounding::of(node, output) };
        let requantise = self.divisors.iter().map(|&divisor| {
            // A float32 number times one of 20 bits: exact.
            let factor =
                Factor { accumulators: self.quantisation.scale, output: output.scale * divisor as f64 };
            factor.requantise(node, rounding, bound)
        });
        let requantise = per_column(requantise.collect::<Result<_, OnnxError>>()?);
        let options = AveragePoolOptions::new(self.slide, requantise)
            .zeros(self.quantisation.zero, output.zero)
            .clamp(clamp.0, clamp.1);
        let input = t.value(&self.input)?;
        let name = t.names.fresh(node.output()?);
        let id = t.builder.averagepool(&name, input, output.dtype, options);
        Ok(Activation { place: Place::Value(id), dtype: output.dtype, item: t.shape(id), is_committed: true })
    }
}

/// The averages, and their view when the planes are lines.
fn pending(average: Average, windows: &Windows) -> Flow {
    let (item, view) = windows.shape(average.input.item[0]);
    let mut pending = Pending::new(PendingKind::Average(average), item.clone());
    if let Some(view) = view {
        pending.view(view, item);
    }
    Flow::Pending(Box::new(pending))
}

/// How many cells of the window at `position` of dimension `d` count: those inside the plane, and in the pads if these do.
fn extent(windows: &Windows, d: usize, position: u32, with_pads: bool) -> u64 {
    let wide = |n: u32| i64::from(n);
    let (before, after) = (windows.pads[d], windows.pads[d + 2]);
    let start = wide(position) * wide(windows.slide.strides[d]) - wide(before);
    let end = start + wide(windows.slide.kernel[d]);
    let plane = wide(windows.input.item[1 + d]);
    // The pads that only round the size up are never counted.
    let (low, high) = if with_pads { (-wide(before), plane + wide(after)) } else { (0, plane) };
    (end.min(high) - start.max(low)).max(0) as u64
}

/// `AveragePool`
pub fn average(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let (activation, quantisation) = operand(t, node)?;
    let windows = windows(t, node, activation, None)?;
    if windows.slide.dilations != [1, 1] {
        return Err(node.unsupported("dilations of an AveragePool are not supported; they must be 1"));
    }
    let [height, width] = windows.output;
    if u64::from(height) * u64::from(width) > janction_program::limits::MAX_COLUMNS as u64 {
        return Err(node.unsupported(format!("it has {height} x {width} windows; use larger strides")));
    }
    let with_pads = node.integer("count_include_pad", 0) != 0;
    let extents =
        |d: usize, count| -> Vec<u64> { (0..count).map(|p| extent(&windows, d, p, with_pads)).collect() };
    let (lines, columns) = (extents(0, height), extents(1, width));
    let mut divisors: Vec<u64> =
        lines.iter().flat_map(|line| columns.iter().map(move |column| line * column)).collect();
    if divisors.contains(&0) {
        return Err(node.unsupported("a window lies in the pads alone; use smaller pads"));
    }
    if divisors.iter().all(|divisor| *divisor == divisors[0]) {
        divisors.truncate(1);
    }
    let (input, slide) = (windows.input.clone(), windows.slide);
    Ok(pending(Average { input, quantisation, slide, divisors }, &windows))
}

/// `GlobalAveragePool`: one window over the whole plane.
pub fn global_average(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let (activation, quantisation) = operand(t, node)?;
    let (input, is_line) = planes(t, node, activation)?;
    let kernel = [input.item[1], input.item[2]];
    let slide = Slide::new(kernel);
    let divisors = vec![u64::from(kernel[0]) * u64::from(kernel[1])];
    let windows = Windows { input: input.clone(), slide, pads: [0; 4], output: [1, 1], is_line };
    Ok(pending(Average { input, quantisation, slide, divisors }, &windows))
}

/// `MaxPool` of cells, or of a function of cells that never falls: the largest cell has the largest value.
pub fn max(t: &mut Translator, node: &Node) -> Result<Flow, OnnxError> {
    let flow = t.flow(node, 0, "the operand")?.clone();
    match flow {
        Flow::Cells(activation) => max_cells(t, node, activation).map(Flow::Cells),
        Flow::Mapped(mapped) if mapped.values().is_sorted() => {
            let activation = max_cells(t, node, mapped.activation)?;
            Ok(Flow::Mapped(Mapped { activation, ..mapped }))
        }
        other => {
            let expected =
                "8-bit cells, dequantised or not (put QuantizeLinear and DequantizeLinear before this node)";
            Err(node.operand("the operand", expected, other.describe()))
        }
    }
}

fn max_cells(t: &mut Translator, node: &Node, activation: Activation) -> Result<Activation, OnnxError> {
    let dtype = activation.dtype;
    let windows = windows(t, node, activation, None)?;
    let input = t.value(&windows.input)?;
    let name = t.names.fresh(node.output()?);
    let id = t.builder.maxpool(&name, input, windows.slide);
    let activation = Activation { place: Place::Value(id), dtype, item: t.shape(id), is_committed: true };
    Ok(match windows.shape(windows.input.item[0]) {
        (_, Some(view)) => view.apply(t, &name, activation)?,
        _ => activation,
    })
}
