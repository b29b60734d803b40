//! Convolution on the CPU: the windows of a row become panels of columns, which the weights of a few output channels are
//! multiplied with.

use std::ops::Range;

use janction_program::{Conv, Program, Tensor, Value, Window};

use super::{
    product::{COLUMNS, ROWS, multiply},
    rows::map,
};

/// The weights of [`ROWS`] output channels of one group, minus their zero points: for each row of the weights in order.
/// Channels beyond the group's last one are zeros.
struct Block {
    /// The output channels.
    channels: Range<usize>,
    weights: Vec<[i16; ROWS]>,
}

/// The blocks of all output channels that see the input channels from `first` on.
struct Group {
    first: usize,
    blocks: Vec<Block>,
}

fn groups(program: &Program, op: &Conv, window: &Window) -> Vec<Group> {
    let weights = program.constant(op.product.weights);
    let outputs = weights.columns() / op.groups as usize;
    let block = |channels: Range<usize>| {
        let weight = |k: usize, j: usize| {
            let j = channels.start + j;
            // Both are 8-bit values, so the difference is below 2^8.
            let weight = |j: usize| (weights.get(k, j) - op.product.weight_zero.get(j)) as i16;
            if j < channels.end { weight(j) } else { 0 }
        };
        let weights = (0..weights.rows()).map(|k| std::array::from_fn(|j| weight(k, j))).collect();
        Block { channels: channels.clone(), weights }
    };
    (0..op.groups as usize)
        .map(|group| {
            let (start, end) = (group * outputs, (group + 1) * outputs);
            let blocks = (start..end).step_by(ROWS).map(|j| block(j..end.min(j + ROWS))).collect();
            Group { first: op.first_channel(window, weights.columns(), start), blocks }
        })
        .collect()
}

/// Sets the panel of the windows `positions` over the channels from `first` on: for each row of the weights the windows'
/// cells minus the zero point, zero outside the plane.
fn set_panel(
    panel: &mut [i16],
    window: &Window,
    input: &[i32],
    input_zero: i32,
    first: usize,
    positions: Range<usize>,
) {
    panel.fill(0);
    let (kernel, plane) = (window.kernel_cells(), window.plane());
    let channels = panel.len() / COLUMNS / kernel;
    for (column, position) in positions.enumerate() {
        let (y, x) = (position / window.output[1], position % window.output[1]);
        for (k, place) in window.cells(y, x) {
            for c in 0..channels {
                let cell = input[(first + c) * plane + place] - input_zero;
                panel[(c * kernel + k) * COLUMNS + column] = cell as i16;
            }
        }
    }
}

/// The operation's result.
pub(super) fn run(program: &Program, op: &Conv, operand: &Tensor, output: &Value) -> Tensor {
    let product = &op.product;
    let (weights, window) = (program.constant(product.weights), op.window(program));
    let groups = groups(program, op, &window);
    let bias: Vec<i32> = match product.bias {
        Some(id) => (0..weights.columns()).map(|j| program.constant(id).get(0, j)).collect(),
        None => vec![0; weights.columns()],
    };
    let positions = window.positions();
    map(&[operand], output, |inputs, cells| {
        let mut panel = vec![0; weights.rows() * COLUMNS];
        for group in &groups {
            for start in (0..positions).step_by(COLUMNS) {
                let end = positions.min(start + COLUMNS);
                set_panel(&mut panel, &window, &inputs[0], product.input_zero, group.first, start..end);
                for block in &group.blocks {
                    let acc = multiply(&block.weights, &panel);
                    for (channel, acc) in block.channels.clone().zip(&acc) {
                        let results = &mut cells[channel * positions..][start..end];
                        for (result, acc) in results.iter_mut().zip(acc) {
                            *result = product.finish(channel, acc.wrapping_add(bias[channel]));
                        }
                    }
                }
            }
        }
    })
}
