//! Execution on an NVIDIA GPU.
//!
//! [`Cuda`] runs on any [`janction_accel_cuda::Device`]: a real card, or in the tests the CPU that runs the same kernels,
//! compiled as C++. The code here has not yet run on a card (`docs/jobs.md`).

mod add;
mod averagepool;
mod concat;
mod conv;
mod lookup;
mod matmul;
mod maxpool;
mod product;
mod reshape;
mod rows;
mod source;
mod tensor;
mod tiles;
mod transpose;

use std::rc::Rc;

pub use janction_accel_cuda::CudaError;
pub use source::source;

use janction_accel_cuda::{Argument, Card, Grid, Module, cards};
use janction_program::{Cells, DType, Operation, Program, Step, Tensor};
use janction_protocol::Digest;
use janction_trace::{CommittedTensor, Trace};

use crate::{Device, Executor, ExecutorError};
use tensor::{OnDevice, pitch};

/// So many rows at once keep any GPU busy.
const MOST_ROWS: usize = 1 << 20;
/// Kernels count the cells of a tensor in 32 bits.
const MOST_CELLS: usize = 1 << 31;

/// The executor on one GPU.
pub struct Cuda {
    device: janction_accel_cuda::Device,
    module: Module,
    most_rows: usize,
    /// Whether products run on tensor cores.
    has_tensor_cores: bool,
    /// Of the GPU: how many blocks keep it busy.
    multiprocessors: usize,
}

/// The GPUs that the driver sees, by ordinal. Takes no memory on them and needs no compiler.
///
/// # Errors
/// No driver, or one that fails.
pub fn devices() -> Result<Vec<Device>, CudaError> {
    Ok(cards()?.into_iter().map(Device::from).collect())
}

impl From<Card> for Device {
    fn from(Card { ordinal, name, memory, capability, .. }: Card) -> Self {
        Self::Cuda { ordinal, name, memory, capability }
    }
}

/// An operation with its constants on the device.
enum Prepared<'p> {
    MatMul(&'p janction_program::MatMul, Box<matmul::Prepared>),
    Conv(&'p janction_program::Conv, Box<conv::Prepared>),
    Add(&'p janction_program::Add, add::Prepared),
    Lookup(lookup::Prepared),
    MaxPool(maxpool::Prepared),
    AveragePool(&'p janction_program::AveragePool, averagepool::Prepared),
    Transpose(transpose::Prepared),
    Concat(&'p janction_program::Concat),
    Reshape,
}

impl<'p> Prepared<'p> {
    fn new(cuda: &Cuda, program: &Program, step: &'p Step) -> Result<Self, CudaError> {
        Ok(match &step.operation {
            Operation::MatMul(op) => Self::MatMul(op, Box::new(matmul::Prepared::new(cuda, program, op)?)),
            Operation::Conv(op) => Self::Conv(op, Box::new(conv::Prepared::new(cuda, program, op)?)),
            Operation::Add(op) => Self::Add(op, add::Prepared::new(cuda, program, op)?),
            Operation::Lookup(op) => Self::Lookup(lookup::Prepared::new(cuda, program, op)?),
            Operation::MaxPool(op) => Self::MaxPool(maxpool::Prepared::new(cuda, program, op)?),
            Operation::AveragePool(op) => {
                Self::AveragePool(op, averagepool::Prepared::new(cuda, program, op)?)
            }
            Operation::Transpose(op) => Self::Transpose(transpose::Prepared::new(cuda, program, op)?),
            Operation::Concat(op) => Self::Concat(op),
            Operation::Reshape(_) => Self::Reshape,
        })
    }

    /// The result of `step` for the rows of `operands`.
    fn run(
        &self,
        cuda: &Cuda,
        program: &Program,
        step: &Step,
        operands: &[Rc<OnDevice>],
    ) -> Result<Rc<OnDevice>, CudaError> {
        let (first, output) = (&operands[0], &step.output);
        let all: Vec<&OnDevice> = operands.iter().map(Rc::as_ref).collect();
        let result = match self {
            Self::MatMul(op, prepared) => prepared.run(cuda, op, first, output),
            Self::Conv(op, prepared) => prepared.run(cuda, op, first, output),
            Self::Add(op, prepared) => prepared.run(cuda, op, &all, output),
            Self::Lookup(prepared) => prepared.run(cuda, first, output),
            Self::MaxPool(prepared) => prepared.run(cuda, first, output),
            Self::AveragePool(op, prepared) => prepared.run(cuda, op, first, output),
            Self::Transpose(prepared) => prepared.run(cuda, first, output),
            Self::Concat(op) => concat::run(cuda, program, op, &all, output),
            Self::Reshape => {
                reshape::check(first, output);
                return Ok(Rc::clone(first));
            }
        };
        result.map(Rc::new)
    }
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
        let (has_tensor_cores, multiprocessors) = (device.has_tensor_cores(), device.card().multiprocessors);
        Ok(Self { device, module, most_rows: MOST_ROWS, has_tensor_cores, multiprocessors })
    }

    /// The same without tensor cores, as on a card that has none.
    #[must_use]
    pub fn without_tensor_cores(self) -> Self {
        Self { has_tensor_cores: false, ..self }
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
        let mut widest = program.input().columns();
        let mut row = pitch(widest) + 32;
        for step in program.steps() {
            // Other views have rows of their own here.
            if !matches!(step.operation, Operation::Reshape(_)) {
                let columns = step.output.columns();
                widest = widest.max(columns);
                row += pitch(columns) + 32;
            }
        }
        let free = self.device.free_memory()? / 2;
        let fitting = usize::try_from(free / row as u64).unwrap_or(usize::MAX);
        Ok(fitting.min(MOST_CELLS / widest).clamp(1, self.most_rows))
    }

    /// Digests of the rows, and the cells without the space between rows.
    fn collect(&self, tensor: &OnDevice, piece: &mut Piece, with_cells: bool) -> Result<(), CudaError> {
        piece.digests.extend(rows::digests(self, tensor)?);
        if with_cells {
            piece.cells.extend(tensor.read(self)?);
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

    fn execute(&self, program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ExecutorError> {
        let trace = self.run(program, input.clone())?;
        Ok(trace.tensors().iter().map(|committed| committed.tensor().clone()).collect())
    }

    fn commit(&self, program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Trace, ExecutorError> {
        Ok(Trace::commit(program, input, tensors)?)
    }

    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        program.check_input(&input)?;
        let prepared: Vec<Prepared<'_>> = program
            .steps()
            .iter()
            .map(|step| Prepared::new(self, program, step))
            .collect::<Result<_, _>>()?;
        let at_once = self.rows_at_once(program)?;
        let empty = || Piece { cells: Vec::new(), digests: Vec::new() };
        let mut input_piece = empty();
        let mut pieces: Vec<Piece> = program.committed_steps().map(|_| empty()).collect();
        for first in (0..input.rows()).step_by(at_once) {
            let rows = first..input.rows().min(first + at_once);
            let on_device = Rc::new(OnDevice::upload(self, &input, rows)?);
            self.collect(&on_device, &mut input_piece, false)?;
            let mut values = vec![on_device];
            let mut pieces = pieces.iter_mut();
            for (step, prepared) in program.steps().iter().zip(&prepared) {
                let inputs = step.operation.inputs();
                let operands: Vec<Rc<OnDevice>> = inputs.iter().map(|id| Rc::clone(&values[id.0])).collect();
                let result = prepared.run(self, program, step, &operands)?;
                if !step.operation.kind().is_view() {
                    let piece = pieces.next().expect("there is a piece for each committed step");
                    self.collect(&result, piece, true)?;
                }
                values.push(result);
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
