//! Execution on an NVIDIA GPU.
//!
//! [`Cuda`] is the executor over any [`Gpu`]: [`Driver`] is a real one; the tests have one that runs the same kernels,
//! compiled as C++, on the CPU. The code here has not yet run on a card (`docs/jobs.md`).

mod driver;
mod error;
mod gpu;
mod matmul;
mod reshape;
mod rows;
mod source;

pub use driver::{Driver, compile, devices, nvrtc_present};
pub use error::CudaError;
pub use gpu::{Argument, Gpu};
pub use source::kernels;

use janction_program::{Cells, DType, Operation, Program, Source, Tensor};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Trace};

use crate::{Device, Executor, ExecutorError};

/// The executor on one GPU.
pub struct Cuda<G: Gpu = Driver> {
    gpu: G,
}

/// A tensor of 8-bit cells on the device; rows lie `pitch` bytes apart.
struct OnDevice<G: Gpu> {
    buffer: G::Buffer,
    dtype: DType,
    rows: usize,
    columns: usize,
    pitch: usize,
}

/// Bytes from row to row: whole 16-byte words, so that every row begins aligned.
const fn pitch(columns: usize) -> usize {
    columns.next_multiple_of(16)
}

/// A part of a tensor that came back from the device.
struct Piece {
    cells: Vec<u8>,
    digests: Vec<Digest>,
}

impl Cuda {
    /// Opens GPU number `ordinal` and compiles the kernels for it.
    ///
    /// # Errors
    /// No driver, no NVRTC, no such GPU, or one that does not take the kernels; the message says what to do.
    pub fn open(ordinal: usize) -> Result<Self, CudaError> {
        Driver::open(ordinal).map(Self::on)
    }
}

impl<G: Gpu> Cuda<G> {
    /// The executor on `gpu`.
    pub const fn on(gpu: G) -> Self {
        Self { gpu }
    }

    /// Rows that are computed together: as many as take half of the free memory.
    fn rows_at_once(&self, program: &Program) -> Result<usize, CudaError> {
        let constants: usize = program.constants().iter().map(|c| 2 * c.tensor.cells().len()).sum();
        let outputs: usize = program.committed_steps().map(|step| pitch(step.output.columns()) + 32).sum();
        let row = pitch(program.input().columns()) + 32 + outputs;
        let free = self.gpu.free_memory()?.saturating_sub(constants as u64) / 2;
        // A kernel counts rows in 32 bits; 2^20 rows at once keep any GPU busy.
        Ok(usize::try_from(free / row as u64).unwrap_or(usize::MAX).clamp(1, 1 << 20))
    }

    fn upload_rows(&self, tensor: &Tensor, rows: std::ops::Range<usize>) -> Result<OnDevice<G>, CudaError> {
        let (columns, count) = (tensor.columns(), rows.len());
        let pitch = pitch(columns);
        let mut bytes = vec![0; count * pitch];
        for (row, line) in rows.zip(bytes.chunks_exact_mut(pitch)) {
            match tensor.cells() {
                Cells::U8(cells) => line[..columns].copy_from_slice(&cells[row * columns..][..columns]),
                Cells::I8(cells) => {
                    for (byte, &cell) in line.iter_mut().zip(&cells[row * columns..][..columns]) {
                        *byte = cell as u8;
                    }
                }
                Cells::I32(_) => unreachable!("activations are 8-bit: `Program::check_input` has checked it"),
            }
        }
        let buffer = self.gpu.upload(&bytes)?;
        Ok(OnDevice { buffer, dtype: tensor.dtype(), rows: count, columns, pitch })
    }

    /// Digests of the rows, and the cells without the space between rows.
    fn collect(&self, tensor: &OnDevice<G>, piece: &mut Piece, with_cells: bool) -> Result<(), CudaError> {
        piece.digests.extend(rows::digests(&self.gpu, tensor)?);
        if with_cells {
            let bytes = self.gpu.download(&tensor.buffer)?;
            piece.cells.extend(bytes.chunks_exact(tensor.pitch).flat_map(|line| &line[..tensor.columns]));
        }
        Ok(())
    }
}

/// A committed tensor of what came back.
fn assemble(piece: Piece, dtype: DType, columns: usize, depth: u8) -> Result<CommittedTensor, ExecutorError> {
    let rows = piece.digests.len();
    let cells = match dtype {
        DType::I8 => Cells::I8(piece.cells.into_iter().map(|byte| byte as i8).collect()),
        _ => Cells::U8(piece.cells),
    };
    let tensor = Tensor::new(rows, columns, cells).expect("a cell came back for every row and column");
    Ok(CommittedTensor::with_digests(tensor, piece.digests, depth)?)
}

impl<G: Gpu> Executor for Cuda<G> {
    fn device(&self) -> Device {
        self.gpu.device()
    }

    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        program.check_input(&input)?;
        let at_once = self.rows_at_once(program)?;
        let mut prepared = Vec::new();
        for step in program.committed_steps() {
            match &step.operation {
                Operation::MatMul(op) => prepared.push(matmul::Prepared::new(&self.gpu, program, op)?),
                Operation::Reshape(_) => unreachable!("views are not among the committed steps"),
            }
        }
        let empty = || Piece { cells: Vec::new(), digests: Vec::new() };
        let mut input_piece = empty();
        let mut pieces: Vec<Piece> = prepared.iter().map(|_| empty()).collect();
        for first in (0..input.rows()).step_by(at_once) {
            let on_device = self.upload_rows(&input, first..input.rows().min(first + at_once))?;
            self.collect(&on_device, &mut input_piece, false)?;
            let mut tensors: Vec<OnDevice<G>> = Vec::new();
            for step in program.steps() {
                let operand = match program.source(step.operation.input()) {
                    Source::Input => &on_device,
                    Source::Trace(k) => &tensors[k],
                };
                match &step.operation {
                    Operation::MatMul(op) => {
                        let dtype = step.output.dtype;
                        let result = prepared[tensors.len()].run(&self.gpu, op, operand, dtype)?;
                        self.collect(&result, &mut pieces[tensors.len()], true)?;
                        tensors.push(result);
                    }
                    Operation::Reshape(_) => reshape::check(operand, &step.output),
                }
            }
        }
        let depth = program.depth();
        let committed = program
            .committed_steps()
            .zip(pieces)
            .map(|(step, piece)| assemble(piece, step.output.dtype, step.output.columns(), depth))
            .collect::<Result<_, _>>()?;
        let input = CommittedTensor::with_digests(input, input_piece.digests, depth)?;
        Ok(Trace::of(program, input, committed)?)
    }
}
