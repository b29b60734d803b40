//! Matrix product on the GPU (`kernels/matmul.cu`).

use janction_accel_cuda::{Argument, Buffer, Grid};
use janction_program::{MatMul, Program, Value};

use super::{
    Cuda, CudaError, library,
    product::{Columns, Weights, range, words_to_signed},
    tensor::{OnDevice, pitch},
    tiles::{PLAIN, Tile},
};

/// Threads of a block where a thread moves 16 cells or a warp adds up a vector.
const THREADS: u32 = 256;

/// Constants of an operation on the device.
pub(super) struct Prepared {
    pub weights: Weights,
    pub columns: Columns,
    /// Cells of a vector.
    pub inner: usize,
    /// Columns of the weights.
    pub outer: usize,
}

/// The left side of a product: vectors at one distance.
pub(super) struct Items<'a> {
    pub cells: &'a Buffer<u8>,
    /// Bytes from vector to vector.
    pub pitch: usize,
    /// What four cells are xored with to become signed.
    pub flip: u32,
    pub count: usize,
}

impl Prepared {
    pub fn new(cuda: &Cuda, program: &Program, op: &MatMul) -> Result<Self, CudaError> {
        let weights = program.constant(op.weights);
        Ok(Self {
            weights: Weights::new(cuda, weights, Weights::pitch(weights.rows()), |k| k)?,
            columns: Columns::new(cuda, program, op)?,
            inner: weights.rows(),
            outer: weights.columns(),
        })
    }

    /// Bytes that the constants take.
    pub fn bytes(program: &Program, op: &MatMul) -> u64 {
        let weights = program.constant(op.weights);
        Weights::bytes(weights.columns(), Weights::pitch(weights.rows())) + Columns::bytes(weights.columns())
    }

    /// Bytes that a row takes besides operands and result.
    pub fn row_bytes(program: &Program, op: &MatMul) -> u64 {
        let inner = program.constant(op.weights).rows();
        let vectors = program.value(op.input).columns() / inner;
        (vectors * (pitch(inner) + size_of::<i32>())) as u64
    }

    /// The operation's result for the rows of `input`.
    pub fn run(
        &self,
        cuda: &Cuda,
        op: &MatMul,
        input: &OnDevice,
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        if !cuda.has_tensor_cores {
            return self.run_plain(cuda, op, input, output);
        }
        let result = OnDevice::room(cuda, output, input.rows)?;
        let vectors = input.columns / self.inner;
        let aligned = self.align(cuda, input, vectors)?;
        let count = input.rows * vectors;
        let items = match &aligned {
            Some(cells) => Items { cells, pitch: pitch(self.inner), flip: 0, count },
            None => {
                let pitch = if vectors == 1 { input.pitch } else { self.inner };
                Items { cells: &input.buffer, pitch, flip: words_to_signed(input.dtype), count }
            }
        };
        let sums = self.sums(cuda, &items)?;
        if cuda.library_serves(count, self.outer, self.inner)
            && library::run(cuda, op, self, &items, &sums, &result, vectors)?
        {
            return Ok(result);
        }
        let tile = Tile::of(cuda, count, self.outer);
        let arguments = [
            &[items.cells.into(), Argument::Word(items.pitch as u32), Argument::Word(items.flip)],
            &self.weights.place()[..],
            &self.columns.arguments(),
            &[(&sums).into()],
            &result.place(),
            &[count, vectors, self.inner, self.outer].map(|size| Argument::Word(size as u32)),
            &range(op),
        ]
        .concat();
        cuda.launch(
            tile.kernel("matmul_large", "matmul_small"),
            tile.grid(count, self.outer, 1)?,
            &arguments,
        )?;
        Ok(result)
    }

    /// The vectors as aligned lines of signed cells, where they do not lie so.
    fn align(&self, cuda: &Cuda, input: &OnDevice, vectors: usize) -> Result<Option<Buffer<u8>>, CudaError> {
        if vectors == 1 || self.inner.is_multiple_of(16) {
            return Ok(None);
        }
        let (pitch, count) = (pitch(self.inner), input.rows * vectors);
        let lines = cuda.device.allocate(count * pitch)?;
        let arguments = [
            &input.place()[..],
            &[Argument::Word(words_to_signed(input.dtype))],
            &[vectors, self.inner].map(|size| Argument::Word(size as u32)),
            &[(&lines).into(), Argument::Word(pitch as u32), Argument::Word(count as u32)],
        ]
        .concat();
        cuda.launch("align_vectors", Grid::over(count * pitch / 16, THREADS)?, &arguments)?;
        Ok(Some(lines))
    }

    /// The sum of each item's cells; nothing where no column asks for it.
    fn sums(&self, cuda: &Cuda, items: &Items<'_>) -> Result<Buffer<i32>, CudaError> {
        if !self.columns.has_zeros {
            return cuda.device.allocate(0);
        }
        let sums = cuda.device.allocate(items.count)?;
        let arguments = [
            items.cells.into(),
            Argument::Word(items.pitch as u32),
            Argument::Word(items.flip),
            Argument::Word(self.inner as u32),
            (&sums).into(),
            Argument::Word(items.count as u32),
        ];
        cuda.launch("item_sums", Grid::over(32 * items.count, THREADS)?, &arguments)?;
        Ok(sums)
    }

    /// [`Self::run`] without tensor cores.
    fn run_plain(
        &self,
        cuda: &Cuda,
        op: &MatMul,
        input: &OnDevice,
        output: &Value,
    ) -> Result<OnDevice, CudaError> {
        let result = OnDevice::room(cuda, output, input.rows)?;
        let (rows, vectors) = (input.rows, input.columns / self.inner);
        let arguments = [
            &input.place()[..],
            &[Argument::Word(words_to_signed(input.dtype))],
            &self.weights.place(),
            &self.columns.arguments(),
            &result.place(),
            &[rows, vectors, self.inner, self.outer].map(|size| Argument::Word(size as u32)),
            &range(op),
        ]
        .concat();
        let down = u32::try_from((rows * vectors).div_ceil(PLAIN.items)).unwrap_or(u32::MAX);
        let blocks = (down, self.outer.div_ceil(PLAIN.columns) as u32, 1);
        cuda.launch("matmul", Grid { blocks, threads: PLAIN.threads }, &arguments)?;
        Ok(result)
    }
}
