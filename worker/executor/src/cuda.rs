//! Execution on an NVIDIA GPU.
//!
//! [`Cuda`] runs on any [`janction_accel_cuda::Device`]: a real card, or in the tests the CPU that runs the same kernels,
//! compiled as C++. The code here has not yet run on a card (`docs/jobs.md`).

mod add;
mod averagepool;
mod concat;
mod conv;
mod flow;
mod leaves;
mod library;
mod lookup;
mod matmul;
mod maxpool;
mod memory;
mod prepared;
mod product;
mod reshape;
mod rows;
mod sketch;
mod source;
mod tensor;
mod tiles;
mod transpose;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use janction_accel_cuda::CudaError;
pub use source::source;

use janction_accel_cpu::Backend;
use janction_accel_cuda::{Argument, Blas, Card, Grid, Module, cards};
use janction_program::commitment::Scheme;
use janction_program::limits::MAX_BLOCK_POLYNOMIALS;
use janction_program::{Cells, Program, Tensor, Value};
use janction_trace::{CommittedTensor, Trace};

use crate::prepared::PreparedCache;
use crate::{Device, Executor, ExecutorError, cpu};
use flow::{Collected, Wanted};
use leaves::Leaves;
use memory::Need;
use prepared::Prepared;
use sketch::Multipliers;

/// So many rows at once keep any GPU busy; more of them would only make the first wait for the last.
const MOST_ROWS: usize = 1 << 16;

/// The executor on one GPU, or on a share of its memory. It runs one job at a time; others wait.
pub struct Cuda {
    /// Where operations run; constants lie here.
    device: janction_accel_cuda::Device,
    /// Streams of the same card: rows come in, are hashed, and what was computed goes out.
    uploading: janction_accel_cuda::Device,
    hashing: janction_accel_cuda::Device,
    copying: janction_accel_cuda::Device,
    module: Module,
    most_rows: usize,
    /// Whether products run on tensor cores.
    has_tensor_cores: bool,
    /// Of the GPU: how many blocks keep it busy.
    multiprocessors: usize,
    /// A library for large products, where there is one.
    blas: Option<Arc<Blas>>,
    /// Multiply-adds from which on it is asked.
    library_from: u64,
    /// Bytes of the sums that it makes at once, at most.
    most_sums: usize,
    /// Constants of the programs that ran last.
    programs: PreparedCache<Vec<Prepared>>,
    /// Constants of commitment scheme 2, as many as were needed so far.
    multipliers: Mutex<Option<Arc<Multipliers>>>,
    one_at_a_time: Mutex<()>,
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

impl Cuda {
    /// Opens GPU number `ordinal` and compiles the kernels for it; the folder `kernels`, where one is given, keeps them for the
    /// next time.
    ///
    /// # Errors
    /// No driver, no NVRTC, no such GPU, or one that does not take the kernels; the message says what to do.
    pub fn open(ordinal: usize, kernels: Option<&Path>) -> Result<Self, CudaError> {
        Self::on(janction_accel_cuda::Device::open(ordinal, kernels)?)
    }

    /// The executor on `device`.
    ///
    /// # Errors
    /// When the kernels cannot be compiled for it.
    pub fn on(device: janction_accel_cuda::Device) -> Result<Self, CudaError> {
        let module = device.compile(&source())?;
        let blas = match Blas::open(&device) {
            Ok(blas) if device.has_tensor_cores() => Some(Arc::new(blas)),
            // Nothing needs it, and `janction doctor` says that it is missing.
            _ => None,
        };
        Self::with(device, module, blas)
    }

    fn with(
        device: janction_accel_cuda::Device,
        module: Module,
        blas: Option<Arc<Blas>>,
    ) -> Result<Self, CudaError> {
        Ok(Self {
            blas,
            library_from: library::LIBRARY_FROM,
            most_sums: usize::MAX,
            uploading: device.fork()?,
            hashing: device.fork()?,
            copying: device.fork()?,
            module,
            most_rows: MOST_ROWS,
            has_tensor_cores: device.has_tensor_cores(),
            multiprocessors: device.card().multiprocessors,
            // The other half is for rows.
            programs: PreparedCache::new(device.memory_limit() / 2),
            multipliers: Mutex::default(),
            one_at_a_time: Mutex::new(()),
            device,
        })
    }

    /// An executor on the same GPU, beside this one, that takes at most `bytes` of its memory: every allocation counts.
    ///
    /// # Errors
    /// What the driver says.
    pub fn with_budget(&self, bytes: u64) -> Result<Self, CudaError> {
        let own = Self::with(self.device.with_budget(bytes)?, self.module.clone(), self.blas.clone())?;
        Ok(Self {
            most_rows: self.most_rows,
            has_tensor_cores: self.has_tensor_cores,
            library_from: self.library_from,
            most_sums: self.most_sums,
            ..own
        })
    }

    /// What large products run on besides the kernels here: the library's name and version.
    #[must_use]
    pub fn library(&self) -> Option<String> {
        self.blas.as_ref().map(|blas| blas.name())
    }

    /// The same without a library for large products.
    #[must_use]
    pub fn without_library(self) -> Self {
        Self { blas: None, ..self }
    }

    /// The same with the library, where there is one, for all products of at least `multiply_adds`, whose sums take at most
    /// `bytes` at once.
    #[must_use]
    pub fn with_library_from(self, multiply_adds: u64, bytes: usize) -> Self {
        Self { library_from: multiply_adds, most_sums: bytes, ..self }
    }

    /// Whether the library is to be asked for such a product.
    fn library_serves(&self, items: usize, columns: usize, inner: usize) -> bool {
        // Nothing says that the library's sums wrap as the kernels' do, so they must not leave 32 bits whatever the cells.
        let fits = inner <= (1 << 31) / (1 << 14) - 16;
        self.blas.is_some() && fits && items as u64 * columns as u64 * inner as u64 >= self.library_from
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

    /// Starts a kernel on the stream that computes. The callers, in the files beside this one, pass the arguments that the
    /// kernel declares, with buffers as long as the sizes among them say.
    fn launch(&self, kernel: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<(), CudaError> {
        self.launch_on(&self.device, kernel, grid, arguments)
    }

    /// [`Self::launch`] on another stream.
    #[allow(unsafe_code)]
    fn launch_on(
        &self,
        device: &janction_accel_cuda::Device,
        kernel: &str,
        grid: Grid,
        arguments: &[Argument<'_>],
    ) -> Result<(), CudaError> {
        // SAFETY: what `launch` asks of its callers. The tests run the same calls on the host, which checks the arguments'
        // kinds and ends where a kernel leaves its buffers.
        unsafe { device.launch(&self.module, kernel, grid, arguments) }
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program's constants on the device: those of the run before, or new ones.
    fn prepare(&self, program: &Program, need: &Need) -> Result<Arc<Vec<Prepared>>, CudaError> {
        self.programs.get_or_prepare(program, need.constants, || {
            program.steps().iter().map(|step| Prepared::new(self, program, step)).collect()
        })
    }

    /// What leaves of `scheme` are made with, in blocks of up to `polynomials`.
    fn leaves(&self, backend: Backend, scheme: Scheme, polynomials: usize) -> Result<Leaves, CudaError> {
        let Scheme::Sketch { block_bits } = scheme else { return Ok(Leaves::Rows) };
        // Whoever panicked while it held the lock has left it as it was, or empty.
        let mut known = self.multipliers.lock().unwrap_or_else(PoisonError::into_inner);
        let multipliers = match known.take().filter(|known| known.len() >= polynomials) {
            Some(known) => known,
            // What was there is gone by now, so that its memory can be taken again.
            None => Arc::new(Multipliers::new(self, backend, polynomials)?),
        };
        *known = Some(Arc::clone(&multipliers));
        Ok(Leaves::Sketches { block_bits, multipliers })
    }

    /// Runs `program` on `input`.
    fn flow(
        &self,
        program: &Program,
        input: &Tensor,
        wanted: Wanted,
    ) -> Result<Vec<Collected>, ExecutorError> {
        program.check_input(input)?;
        let _alone = self.alone();
        let library = library::bytes(self.device.memory_limit());
        let need = Need::of(program, |inner, columns| {
            // As many rows as there may be at once.
            if self.library_serves(self.most_rows, columns, inner) { library } else { 0 }
        });
        need.check(program, input.rows(), self.device.memory_limit())?;
        let backend = Backend::current()?;
        let attempt = || {
            let prepared = self.prepare(program, &need)?;
            let leaves = match wanted {
                Wanted::Cells => None,
                Wanted::CellsAndLeaves => Some(self.leaves(backend, program.scheme(), need.multipliers)?),
            };
            let at_once = need.rows_at_once(input.rows(), self.device.free_memory()?, self.most_rows);
            flow::run(self, program, &prepared, input, at_once, leaves.as_ref())
        };
        Ok(self.with_room(attempt)?)
    }

    /// What `attempt` gives; where it runs out of memory, what it gives once all that is kept from other runs has made room.
    fn with_room<T>(&self, attempt: impl Fn() -> Result<T, CudaError>) -> Result<T, CudaError> {
        match attempt() {
            Err(error) if error.is_out_of_memory() => {
                self.programs.clear();
                *self.multipliers.lock().unwrap_or_else(PoisonError::into_inner) = None;
                attempt()
            }
            result => result,
        }
    }
}

/// The tensor of `value` whose cells came back.
fn tensor(cells: Vec<u8>, value: &Value) -> Tensor {
    let columns = value.columns();
    let rows = cells.len() / columns;
    let cells = match value.dtype {
        janction_program::DType::I8 => Cells::I8(cells.into_iter().map(|byte| byte as i8).collect()),
        _ => Cells::U8(cells),
    };
    Tensor::new(rows, columns, cells).expect("a cell came back for every row and column")
}

impl Executor for Cuda {
    fn device(&self) -> Device {
        self.device.card().into()
    }

    fn execute(&self, program: &Program, input: &Tensor) -> Result<Vec<Tensor>, ExecutorError> {
        let collected = self.flow(program, input, Wanted::Cells)?.into_iter().skip(1);
        let steps = program.committed_steps();
        Ok(steps.zip(collected).map(|(step, collected)| tensor(collected.cells, &step.output)).collect())
    }

    fn commit(&self, program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Trace, ExecutorError> {
        let backend = Backend::current()?;
        let _alone = self.alone();
        let scheme = program.scheme();
        // Of what no program computes, the host says what is wrong.
        let polynomials = |tensor: &Tensor| {
            let count = memory::block_polynomials(scheme, tensor.rows(), std::iter::once(tensor.columns()));
            (tensor.dtype().is_byte() && count <= MAX_BLOCK_POLYNOMIALS).then_some(count)
        };
        let most = tensors.iter().chain(std::iter::once(&input)).filter_map(polynomials).max().unwrap_or(0);
        let commit = |tensor: Tensor| -> Result<CommittedTensor, ExecutorError> {
            if polynomials(&tensor).is_none() {
                return Ok(cpu::commit(backend, program, tensor)?);
            }
            let digests = self.with_room(|| {
                let leaves = self.leaves(backend, scheme, most)?;
                let free = self.device.free_memory()?;
                let at_once = memory::rows_to_commit(scheme, tensor.columns(), free, self.most_rows);
                flow::leaves(self, &leaves, &tensor, at_once)
            })?;
            Ok(cpu::with_leaves(backend, program, tensor, digests)?)
        };
        let tensors = tensors.into_iter().map(commit).collect::<Result<_, _>>()?;
        Ok(Trace::of(program, commit(input)?, tensors)?)
    }

    fn fits(&self, program: &Program, rows: usize) -> Result<(), ExecutorError> {
        // A library is not needed.
        Need::of(program, |_, _| 0).check(program, rows, self.device.memory_limit())
    }

    fn share(&self, bytes: u64) -> Result<Option<Arc<dyn Executor>>, ExecutorError> {
        Ok(Some(Arc::new(self.with_budget(bytes)?)))
    }

    /// Leaves are made where the rows were computed, while others are computed.
    fn run(&self, program: &Program, input: Tensor) -> Result<Trace, ExecutorError> {
        let backend = Backend::current()?;
        let mut collected = self.flow(program, &input, Wanted::CellsAndLeaves)?.into_iter();
        let leaves = collected.next().unwrap_or_default().leaves;
        let input = cpu::with_leaves(backend, program, input, leaves)?;
        let tensors = program
            .committed_steps()
            .zip(collected)
            .map(|(step, collected)| {
                let tensor = tensor(collected.cells, &step.output);
                Ok(cpu::with_leaves(backend, program, tensor, collected.leaves)?)
            })
            .collect::<Result<_, ExecutorError>>()?;
        Ok(Trace::of(program, input, tensors)?)
    }
}
