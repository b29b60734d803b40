//! Convolution on the GPU (`kernels/conv.cu`): a matrix product whose left side is gathered from the windows.
//!
//! On tensor cores the planes are laid out with their channels last before, so that 16 cells of a window lie together.

use janction_accel_cuda::{Argument, Buffer, Grid};
use janction_program::{Conv, Program, Value, Window};

use super::{
    Cuda, CudaError,
    product::{Columns, Weights, range, signed, to_signed},
    tensor::{OnDevice, upload_window},
    tiles::{PLAIN, Tile},
};

/// Threads of a block where a thread moves 16 cells or adds up a window.
const THREADS: u32 = 256;
/// Cells of a chunk: what is copied at once.
const CHUNK: usize = 16;
/// A group with fewer output channels, or with fewer input channels and larger weights than these bytes, would leave most of
/// what tensor cores do unused.
const LEAST_OUTPUTS: usize = 8;
const LEAST_CHANNELS: usize = 4;
const MOST_FILLED: usize = 1 << 20;

/// The sizes of a convolution.
struct Sizes {
    window: Window,
    groups: usize,
    /// Input channels of a group.
    channels: usize,
    /// Output channels of a group.
    outputs: usize,
}

impl Sizes {
    fn new(program: &Program, op: &Conv) -> Self {
        let (window, groups) = (op.window(program), op.groups as usize);
        let outputs = program.constant(op.product.weights).columns() / groups;
        Self { channels: window.channels / groups, window, groups, outputs }
    }

    /// Bytes of a position's cells of a group, channels last.
    fn depth(&self) -> usize {
        self.channels.next_multiple_of(CHUNK)
    }

    /// Cells of a window, each position filled up to whole chunks.
    fn filled(&self) -> usize {
        self.window.kernel_cells() * self.depth()
    }

    /// Bytes of a row, channels last.
    fn row(&self) -> usize {
        self.window.plane() * self.groups * self.depth()
    }

    fn suits_tensor_cores(&self) -> bool {
        let is_small = || self.filled() * self.outputs * self.groups <= MOST_FILLED;
        self.outputs >= LEAST_OUTPUTS && (self.channels >= LEAST_CHANNELS || is_small())
    }
}

/// Constants of an operation on the device.
pub(super) struct Prepared {
    sizes: Sizes,
    weights: Weights,
    columns: Columns,
    window: Buffer<u32>,
    places: Places,
}

/// Where a window's cells are.
enum Places {
    /// Channels last: for each chunk, how far down and right of the window's first cell it lies, and behind the first channel;
    /// and what stands for a position outside of the plane.
    Chunks { places: Buffer<u32>, fill: Buffer<u8> },
    /// For each cell, in the order of the weights' rows: the offset of its channel from the group's first one, its distance
    /// down and right from the window's first cell.
    Cells(Buffer<u32>),
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &Conv) -> Result<Self, CudaError> {
        let sizes = Sizes::new(program, op);
        let weights = program.constant(op.product.weights);
        let window = &sizes.window;
        let kernel_cells = window.kernel_cells();
        let down_and_right = |cell: usize| {
            let (down, right) = (cell / window.kernel[1], cell % window.kernel[1]);
            [down * window.dilations[0], right * window.dilations[1]]
        };
        let on_device = upload_window(cuda, window)?;
        let (weights, places) = if cuda.has_tensor_cores && sizes.suits_tensor_cores() {
            let depth = sizes.depth();
            let place = |k: usize| k % kernel_cells * depth + k / kernel_cells;
            let chunks = (0..sizes.filled() / CHUNK).flat_map(|chunk| {
                let [down, right] = down_and_right(chunk * CHUNK / depth);
                [down, right, chunk * CHUNK % depth, 0].map(|n| n as u32)
            });
            let outside = signed(program.value(op.product.input).dtype, op.product.input_zero) as i8 as u8;
            let fill: Vec<u8> = (0..depth).map(|c| if c < sizes.channels { outside } else { 0 }).collect();
            let places = cuda.device.upload(&chunks.collect::<Vec<_>>())?;
            let places = Places::Chunks { places, fill: cuda.device.upload(&fill)? };
            (Weights::new(cuda, weights, sizes.filled(), place)?, places)
        } else {
            let cells = (0..weights.rows()).flat_map(|k| {
                let [down, right] = down_and_right(k % kernel_cells);
                [k / kernel_cells * window.plane(), down, right].map(|n| n as u32)
            });
            let places = Places::Cells(cuda.device.upload(&cells.collect::<Vec<_>>())?);
            (Weights::new(cuda, weights, Weights::pitch(weights.rows()), |k| k)?, places)
        };
        let columns = Columns::new(cuda, program, &op.product)?;
        Ok(Self { window: on_device, weights, columns, places, sizes })
    }

    /// Bytes that the constants take, at most.
    pub fn bytes(program: &Program, op: &Conv) -> u64 {
        let sizes = Sizes::new(program, op);
        let inner = program.constant(op.product.weights).rows();
        let line = if sizes.suits_tensor_cores() { sizes.filled() } else { Weights::pitch(inner) };
        let columns = sizes.outputs * sizes.groups;
        // Three words for each cell, or four for each chunk of the line.
        let places = (12 * inner).max(16 * (line / CHUNK)) + sizes.depth() + 64;
        Weights::bytes(columns, line) + places as u64 + Columns::bytes(columns)
    }

    /// Bytes that a row takes besides operand and result, at most.
    pub fn row_bytes(program: &Program, op: &Conv) -> u64 {
        let sizes = Sizes::new(program, op);
        if !sizes.suits_tensor_cores() {
            return 0;
        }
        (sizes.row() + sizes.window.positions() * sizes.groups * size_of::<i32>()) as u64
    }

    /// The operation's result for the rows of `input`.
    pub fn run(
        &self,
        cuda: &Cuda,
        op: &Conv,
        input: &OnDevice,
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        match &self.places {
            Places::Chunks { places, fill } => {
                self.run_tensor(cuda, op, input, [places.into(), fill.into()], &result)?
            }
            Places::Cells(places) => self.run_plain(cuda, op, input, places, &result)?,
        }
        Ok(result)
    }

    /// On tensor cores. `around` are the chunks' places and what lies outside of the plane.
    fn run_tensor(
        &self,
        cuda: &Cuda,
        op: &Conv,
        input: &OnDevice,
        around: [Argument<'_>; 2],
        result: &OnDevice,
    ) -> Result<(), CudaError> {
        let Sizes { window, groups, channels, outputs } = &self.sizes;
        let word = |size: usize| Argument::Word(size as u32);
        let [places, fill] = around;
        let depth = self.sizes.depth();
        let cells = cuda.device.allocate::<u8>(input.rows * self.sizes.row())?;
        let arguments = [
            &input.place()[..],
            &[Argument::Word(to_signed(input.dtype))],
            &[window.plane(), *groups, *channels, depth].map(word),
            &[(&cells).into(), word(input.rows)],
        ]
        .concat();
        let threads = input.rows * self.sizes.row() / CHUNK;
        cuda.launch("channels_last", Grid::over(threads, THREADS)?, &arguments)?;

        let items = input.rows * window.positions();
        let windows = [
            (&cells).into(),
            word(depth),
            fill,
            (&self.window).into(),
            places,
            word(self.sizes.filled() / CHUNK),
        ];
        let sums = if self.columns.has_zeros {
            let sums = cuda.device.allocate::<i32>(items * groups)?;
            let arguments = [&windows[..], &[(&sums).into(), word(input.rows), word(*groups)]].concat();
            cuda.launch("window_sums", Grid::over(items * groups, THREADS)?, &arguments)?;
            sums
        } else {
            cuda.device.allocate(0)?
        };
        let tile = Tile::of(cuda, items, *outputs);
        let arguments = [
            &windows[..],
            &self.weights.place(),
            &self.columns.arguments(),
            &[(&sums).into()],
            &result.place(),
            &[input.rows, *outputs, *groups].map(word),
            &range(&op.product),
        ]
        .concat();
        cuda.launch(tile.kernel("conv_large", "conv_small"), tile.grid(items, *outputs, *groups)?, &arguments)
    }

    /// Without tensor cores.
    fn run_plain(
        &self,
        cuda: &Cuda,
        op: &Conv,
        input: &OnDevice,
        places: &Buffer<u32>,
        result: &OnDevice,
    ) -> Result<(), CudaError> {
        let Sizes { window, groups, channels, outputs } = &self.sizes;
        let product = &op.product;
        let fill = u32::from(signed(input.dtype, product.input_zero) as i8 as u8);
        let inner = channels * window.kernel_cells();
        let sizes = [input.rows, inner, *outputs, *groups, channels * window.plane()];
        let arguments = [
            &input.place()[..],
            &[Argument::Word(to_signed(input.dtype)), Argument::Word(fill)],
            &[(&self.window).into(), places.into()],
            &self.weights.place(),
            &self.columns.arguments(),
            &result.place(),
            &sizes.map(|size| Argument::Word(size as u32)),
            &range(product),
        ]
        .concat();
        let items = input.rows * window.positions();
        cuda.launch("conv", PLAIN.grid(items, *outputs, *groups)?, &arguments)
    }
}
