//! Convolution on the GPU (`kernels/conv.cu`): a matrix product whose left side is gathered from the windows.

use janction_accel_cuda::{Argument, Buffer, Grid};
use janction_program::{Conv, Program, Value, Window};

use super::{
    Cuda, CudaError,
    matmul::{self, THREADS, TILE, signed},
    tensor::{OnDevice, flip, upload_window},
};

/// Constants of an operation on the device.
pub(super) struct Prepared {
    product: matmul::Prepared,
    window: Window,
    on_device: Buffer<u32>,
    /// For each cell of a window, in the order of the weights' rows: the offset of its channel from the group's first one, its
    /// distance down and right from the window's first cell.
    places: Buffer<u32>,
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &Conv) -> Result<Self, CudaError> {
        let window = op.window(program);
        let inner = program.constant(op.product.weights).rows();
        let place = |k: usize| {
            let (c, kernel) = (k / window.kernel_cells(), k % window.kernel_cells());
            let down = kernel / window.kernel[1] * window.dilations[0];
            let right = kernel % window.kernel[1] * window.dilations[1];
            [c * window.plane(), down, right].map(|n| n as u32)
        };
        let places: Vec<u32> = (0..inner).flat_map(place).collect();
        Ok(Self {
            product: matmul::Prepared::new(cuda, program, &op.product)?,
            window,
            on_device: upload_window(cuda, &window)?,
            places: cuda.device.upload(&places)?,
        })
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
        let product = &op.product;
        let groups = op.groups as usize;
        let outputs = self.product.columns / groups;
        let group_cells = self.window.channels / groups * self.window.plane();
        // The kernel multiplies signed cells, which uint8 cells become by a flip of their highest bit.
        let to_signed = 0x80 ^ flip(input.dtype);
        let fill = u32::from(signed(input.dtype, product.input_zero) as i8 as u8);
        let sizes = [input.rows, self.product.inner, outputs, groups, group_cells]
            .map(|size| Argument::Word(size as u32));
        let range = [product.output_zero, product.clamp.0, product.clamp.1].map(|n| Argument::Word(n as u32));
        let arguments = [
            &input.place()[..],
            &[Argument::Word(to_signed), Argument::Word(fill)],
            &[(&self.on_device).into(), (&self.places).into()],
            &self.product.arguments(),
            &result.place(),
            &sizes,
            &range,
        ]
        .concat();
        let items = input.rows * self.window.positions();
        // At most 2^31 cells come out, in tiles of at least one.
        let blocks = items.div_ceil(TILE) * outputs.div_ceil(TILE) * groups;
        cuda.launch("conv", Grid { blocks: (blocks as u32, 1, 1), threads: THREADS }, &arguments)?;
        Ok(result)
    }
}
