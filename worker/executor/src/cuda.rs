//! Execution on an NVIDIA GPU.
//!
//! [`Cuda`] runs on any [`janction_accel_cuda::Device`]: a real card, or in the tests the CPU that runs the same kernels,
//! compiled as C++. The code here has not yet run on a card (`docs/jobs.md`).

mod matmul;
mod reshape;
mod rows;
mod source;

pub use janction_accel_cuda::CudaError;
pub use source::source;

use janction_accel_cuda::{Argument, Buffer, Card, Grid, Module, cards};
use janction_program::{Cells, DType, Operation, OperationKind, Program, Source, Step, Tensor};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Trace};

use crate::{Device, Executor, ExecutorError};

/// A kernel counts rows in 32 bits; so many at once keep any GPU busy.
const MOST_ROWS: usize = 1 << 20;

/// The executor on one GPU.
pub struct Cuda {
    device: janction_accel_cuda::Device,
    module: Module,
    most_rows: usize,
}

/// A tensor of 8-bit cells on the device; rows lie `pitch` bytes apart.
struct OnDevice {
    buffer: Buffer<u8>,
    dtype: DType,
    rows: usize,
    columns: usize,
    pitch: usize,
}

/// The GPUs that the driver sees, by ordinal. Takes no memory on them and needs no compiler.
///
/// # Errors
/// No driver, or one that fails.
pub fn devices() -> Result<Vec<Device>, CudaError> {
    Ok(cards()?.into_iter().map(Device::from).collect())
}

impl From<Card> for Device {
    fn from(Card { ordinal, name, memory, capability }: Card) -> Self {
        Self::Cuda { ordinal, name, memory, capability }
    }
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
        Self::on(janction_accel_cuda::Device::open(ordinal, None)?)
    }

    /// The executor on `device`.
    ///
    /// # Errors
    /// When the kernels cannot be compiled for it.
    pub fn on(device: janction_accel_cuda::Device) -> Result<Self, CudaError> {
        let module = device.compile(&source())?;
        Ok(Self { device, module, most_rows: MOST_ROWS })
    }

    /// The same, computing at most `rows` rows together.
    #[must_use]
    pub fn with_most_rows(self, rows: usize) -> Self {
        Self { most_rows: rows, ..self }
    }

    /// Starts a kernel. The callers, in the files beside this one, pass the arguments that the kernel declares, with
    /// buffers as long as the sizes among them say.
    #[allow(unsafe_code)]
    fn launch(&self, kernel: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<(), CudaError> {
        // SAFETY: what this function asks of its callers. The tests run the same calls on the host, which checks the
        // arguments' kinds and ends where a kernel leaves its buffers.
        unsafe { self.device.launch(&self.module, kernel, grid, arguments) }
    }

    /// Rows that are computed together: as many as take half of the free memory.
    fn rows_at_once(&self, program: &Program) -> Result<usize, CudaError> {
        let constants: usize = program.constants().iter().map(|c| 2 * c.tensor.cells().len()).sum();
        let outputs: usize = program.committed_steps().map(|step| pitch(step.output.columns()) + 32).sum();
        let row = pitch(program.input().columns()) + 32 + outputs;
        let free = self.device.free_memory()?.saturating_sub(constants as u64) / 2;
        Ok(usize::try_from(free / row as u64).unwrap_or(usize::MAX).clamp(1, self.most_rows))
    }

    fn upload_rows(&self, tensor: &Tensor, rows: std::ops::Range<usize>) -> Result<OnDevice, CudaError> {
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
        let buffer = self.device.upload(&bytes)?;
        Ok(OnDevice { buffer, dtype: tensor.dtype(), rows: count, columns, pitch })
    }

    /// Digests of the rows, and the cells without the space between rows.
    fn collect(&self, tensor: &OnDevice, piece: &mut Piece, with_cells: bool) -> Result<(), CudaError> {
        piece.digests.extend(rows::digests(self, tensor)?);
        if with_cells {
            let bytes = self.device.read(tensor.buffer.all())?;
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

impl Executor for Cuda {
    fn device(&self) -> Device {
        self.device.card().into()
    }

    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        program.check_input(&input)?;
        let has_kernels = |step: &Step| match &step.operation {
            Operation::MatMul(op) => program.value(op.input).shape.len() == 1,
            operation => matches!(operation.kind(), OperationKind::Reshape),
        };
        if !program.steps().iter().all(has_kernels) {
            return crate::cpu::Cpu::new().run(program, input);
        }
        let at_once = self.rows_at_once(program)?;
        let mut prepared = Vec::new();
        for step in program.committed_steps() {
            match &step.operation {
                Operation::MatMul(op) => prepared.push(matmul::Prepared::new(self, program, op)?),
                _ => unreachable!("other operations are left to the CPU"),
            }
        }
        let empty = || Piece { cells: Vec::new(), digests: Vec::new() };
        let mut input_piece = empty();
        let mut pieces: Vec<Piece> = prepared.iter().map(|_| empty()).collect();
        for first in (0..input.rows()).step_by(at_once) {
            let on_device = self.upload_rows(&input, first..input.rows().min(first + at_once))?;
            self.collect(&on_device, &mut input_piece, false)?;
            let mut tensors: Vec<OnDevice> = Vec::new();
            for step in program.steps() {
                let operand = match program.operands(step)[0] {
                    Source::Input => &on_device,
                    Source::Trace(k) => &tensors[k],
                };
                match &step.operation {
                    Operation::MatMul(op) => {
                        let result = prepared[tensors.len()].run(self, op, operand, &step.output)?;
                        self.collect(&result, &mut pieces[tensors.len()], true)?;
                        tensors.push(result);
                    }
                    _ => reshape::check(operand, &step.output),
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
