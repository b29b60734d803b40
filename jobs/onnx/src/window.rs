//! Windows of convolutions and pools from a node's attributes.

use janction_program::Slide;

use crate::{error::OnnxError, flow::Activation, node::Node, translate::Translator, views::View};

/// Largest parameter of a window: more than any plane has cells, so that sums of a few do not overflow.
const MOST: i64 = 1 << 20;

/// The windows of a node over an activation.
pub struct Windows {
    /// [channels, height, width]
    pub input: Activation,
    /// With the pads that the rounding of the output's size adds.
    pub slide: Slide,
    /// As the model states them: top, left, bottom, right.
    pub pads: [u32; 4],
    /// OH, OW.
    pub output: [u32; 2],
    /// Whether the activation has one dimension besides its channels: then planes have a height of 1.
    pub is_line: bool,
}

impl Windows {
    /// The shape of the results for `channels` of them, and the view that gives a line back its dimensions.
    pub fn shape(&self, channels: u32) -> (Vec<u32>, Option<View>) {
        let [height, width] = self.output;
        if self.is_line {
            (vec![channels, width], Some(View::Reshape(vec![channels, width])))
        } else {
            (vec![channels, height, width], None)
        }
    }
}

/// `activation` as planes: [C, H, W], where [C, L] becomes [C, 1, L]. The flag says that it was a line.
pub fn planes(
    t: &mut Translator,
    node: &Node,
    activation: Activation,
) -> Result<(Activation, bool), OnnxError> {
    match activation.item[..] {
        [_, _, _] => Ok((activation, false)),
        [channels, length] => {
            let name = format!("{}.plane", node.output()?);
            Ok((View::Reshape(vec![channels, 1, length]).apply(t, &name, activation)?, true))
        }
        _ => Err(node.operand(
            "the activation",
            "[batch, channels, height, width] or [batch, channels, length]",
            format!("items of shape {:?}", activation.item),
        )),
    }
}

/// The list `name` with an entry for each of `count` places, each in `low..=2^20`.
fn list(node: &Node, name: &str, count: usize, low: i64, default: i64) -> Result<Vec<u32>, OnnxError> {
    let Some(numbers) = node.integers(name) else { return Ok(vec![default as u32; count]) };
    let fits = numbers.len() == count && numbers.iter().all(|n| (low..=MOST).contains(n));
    if !fits {
        return Err(node.unsupported(format!(
            "{name} = {numbers:?} is not supported: {count} numbers from {low} to {MOST} are needed (for pads, crop the \
             activation instead)"
        )));
    }
    Ok(numbers.iter().map(|&n| n as u32).collect())
}

/// The windows over `activation` with the attributes of `node`. `kernel` is that of the weights, if there are any.
pub fn windows(
    t: &mut Translator,
    node: &Node,
    activation: Activation,
    kernel: Option<Vec<u32>>,
) -> Result<Windows, OnnxError> {
    let (input, is_line) = planes(t, node, activation)?;
    let dimensions = if is_line { 1 } else { 2 };
    // A line is a plane of height 1: its vertical parameters are those of no window.
    let pair = |list: Vec<u32>| if is_line { [1, list[0]] } else { [list[0], list[1]] };
    let kernel = match (kernel, node.integers("kernel_shape")) {
        (Some(weights), Some(stated)) if !stated.iter().copied().eq(weights.iter().map(|&k| k.into())) => {
            let expected = format!("{weights:?}, as the weights have");
            return Err(node.operand("kernel_shape", expected, format!("{stated:?}")));
        }
        (Some(weights), _) if weights.len() == dimensions => pair(weights),
        (Some(weights), _) => {
            let expected = format!("a kernel of {dimensions} dimensions");
            return Err(node.operand("the weights", expected, format!("{weights:?}")));
        }
        (None, None) => return Err(node.unsupported("kernel_shape is missing")),
        (None, Some(_)) => pair(list(node, "kernel_shape", dimensions, 1, 1)?),
    };
    let strides = pair(list(node, "strides", dimensions, 1, 1)?);
    let dilations = pair(list(node, "dilations", dimensions, 1, 1)?);
    let stated = list(node, "pads", 2 * dimensions, 0, 0)?;
    let stated =
        if is_line { [0, stated[0], 0, stated[1]] } else { [stated[0], stated[1], stated[2], stated[3]] };
    let auto = node.string("auto_pad").unwrap_or_default();
    let is_ceiling = node.integer("ceil_mode", 0) != 0;

    let (mut pads, mut rounded, mut output) = (stated, stated, [0; 2]);
    for d in 0..2 {
        let (extent, stride) = (input.item[1 + d], strides[d]);
        // Factors are at most 2^20, so products are below 2^40.
        let reach = u64::from(dilations[d]) * u64::from(kernel[d].saturating_sub(1)) + 1;
        match auto.as_str() {
            "" | "NOTSET" => {}
            "VALID" => (pads[d], pads[d + 2]) = (0, 0),
            "SAME_UPPER" | "SAME_LOWER" => {
                let count = u64::from(extent.div_ceil(stride).saturating_sub(1));
                let total =
                    (count * u64::from(stride) + reach).saturating_sub(extent.into()).min(MOST as u64);
                let (less, more) = ((total / 2) as u32, (total - total / 2) as u32);
                (pads[d], pads[d + 2]) = if auto == "SAME_UPPER" { (less, more) } else { (more, less) };
            }
            other => return Err(node.unsupported(format!("auto_pad = {other:?} is not known"))),
        }
        let padded = u64::from(extent) + u64::from(pads[d]) + u64::from(pads[d + 2]);
        let Some(rest) = padded.checked_sub(reach) else {
            return Err(node.unsupported(format!(
                "its kernel reaches over {reach} cells, its operand with pads has {padded}; use a smaller kernel or pads"
            )));
        };
        let stride = u64::from(stride);
        let mut count = rest / stride + 1;
        rounded[d + 2] = pads[d + 2];
        // One window more, unless it would begin behind the plane.
        if is_ceiling && rest % stride != 0 && count * stride < u64::from(extent) + u64::from(pads[d]) {
            count += 1;
            let end = (count - 1) * stride + reach;
            rounded[d + 2] = (end - u64::from(extent) - u64::from(pads[d])).min(MOST as u64) as u32;
        }
        rounded[d] = pads[d];
        output[d] = count as u32;
    }
    let slide = Slide::new(kernel).strides(strides).dilations(dilations).pads(rounded);
    Ok(Windows { input, slide, pads, output, is_line })
}
