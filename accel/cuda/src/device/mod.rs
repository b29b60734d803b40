//! One card, or what stands in for it: opening, compiling, launches. What happens in which order is in [`order`], what goes to its
//! memory and back in [`transfer`].

mod allocation;
mod budget;
mod buffer;
mod card;
mod cublas;
#[cfg(feature = "host")]
mod host;
mod launch;
mod nvrtc;
mod order;
mod products;
mod staging;
mod transfer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use budget::Budget;
use buffer::Memory;
pub use buffer::{Buffer, Slice, Word, bytes};
pub use card::{Card, cards};
pub use launch::{Argument, Grid};
pub use nvrtc::compile_image;
pub use order::Event;
pub use products::{Blas, Product};

use crate::cache::Cache;
use crate::error::CudaError;
use crate::library::Library;
use crate::source::Source;

/// A card with a stream of its own. Cheap to clone; clones share the stream, [`Device::fork`] makes another one.
///
/// Everything that is asked of a device happens in the order of the calls, and most calls return before it has
/// happened; [`Device::read`] and [`Device::synchronise`] wait. What fails meanwhile is reported by a later call.
#[derive(Clone)]
pub struct Device {
    backend: Backend,
    /// Which stream: buffers know the one that they belong to.
    stream: u64,
    library: Arc<Library>,
    /// What its allocations, and those of its forks, may take together.
    budget: Option<Arc<Budget>>,
}

#[derive(Clone)]
enum Backend {
    Card(Arc<card::Stream>),
    #[cfg(feature = "host")]
    Host(Arc<host::Host>),
}

/// Compiled kernels on a device. Serves all streams of the device that it was compiled on.
#[derive(Clone)]
pub struct Module(ModuleKind);

#[derive(Clone)]
enum ModuleKind {
    Card(Arc<card::Loaded>),
    #[cfg(feature = "host")]
    Host(Arc<host::Loaded>),
}

/// A number for each stream of the process.
fn next_stream() -> u64 {
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    STREAMS.fetch_add(1, Ordering::Relaxed)
}

impl Device {
    fn on(backend: Backend) -> Self {
        Self { backend, stream: next_stream(), library: Arc::default(), budget: None }
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// Opens card `ordinal`. Compiled images are kept in `cache` where one is given.
    ///
    /// # Errors
    /// [`CudaError::NoDriver`], [`CudaError::DriverTooOld`], [`CudaError::NoDevice`], or what the driver says. That
    /// there is no compiler is found out when the first kernel is compiled and is not in the cache.
    pub fn open(ordinal: usize, cache: Option<&Path>) -> Result<Self, CudaError> {
        let stream = card::Stream::open(ordinal, cache.map(Cache::at))?;
        Ok(Self::on(Backend::Card(Arc::new(stream))))
    }

    /// The CPU as a device, for tests: kernels are compiled by the host's C++ compiler and run one thread after the
    /// other. Allocations end where a page begins that nobody may touch, and undefined behaviour ends the process.
    /// `memory` is how many bytes may be allocated before it is out of memory.
    ///
    /// # Errors
    /// [`CudaError::Host`] when the folder of compiled kernels cannot be made.
    #[cfg(feature = "host")]
    pub fn host_with_memory(memory: u64) -> Result<Self, CudaError> {
        Ok(Self::on(Backend::Host(Arc::new(host::Host::new(memory)?))))
    }

    /// [`Self::host_with_memory`] with 4 GiB.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "host")]
    pub fn host() -> Result<Self, CudaError> {
        Self::host_with_memory(4 << 30)
    }

    /// Breaks the host's memory, for tests: after `uploads` more uploads, the lowest bit of one is flipped. Does nothing
    /// on a card.
    #[cfg(feature = "host")]
    pub fn corrupt(&self, uploads: usize) {
        if let Backend::Host(host) = &self.backend {
            host.corrupt(uploads);
        }
    }

    /// The same card with another stream, on which other work goes on meanwhile. Buffers belong to the stream that
    /// they were made on, unless they are shared ([`Device::share`]).
    ///
    /// # Errors
    /// What the driver says.
    pub fn fork(&self) -> Result<Self, CudaError> {
        let backend = match &self.backend {
            Backend::Card(stream) => Backend::Card(Arc::new(stream.fork()?)),
            #[cfg(feature = "host")]
            Backend::Host(host) => Backend::Host(Arc::clone(host)),
        };
        let (library, budget) = (Arc::clone(&self.library), self.budget.clone());
        Ok(Self { backend, stream: next_stream(), library, budget })
    }

    /// The same card with another stream, for a user who may take `bytes` of its memory: every allocation of the new device and
    /// its forks counts, and one too many is refused. (What the driver takes for itself, such as the kernels' code, does not
    /// count.)
    ///
    /// # Errors
    /// What the driver says.
    pub fn with_budget(&self, bytes: u64) -> Result<Self, CudaError> {
        Ok(Self { budget: Some(Budget::new(bytes)), ..self.fork()? })
    }

    /// Memory that it may take at most: its budget, or all that the card has.
    #[must_use]
    pub fn memory_limit(&self) -> u64 {
        let memory = self.card().memory;
        self.budget.as_ref().map_or(memory, |budget| budget.bytes().min(memory))
    }

    /// What it is.
    #[must_use]
    pub fn card(&self) -> Card {
        match &self.backend {
            Backend::Card(stream) => stream.card().clone(),
            #[cfg(feature = "host")]
            Backend::Host(host) => host.card(),
        }
    }

    /// Whether it has what `mma.cuh` ([`crate::texts::mma`]) stands on.
    #[must_use]
    pub fn has_tensor_cores(&self) -> bool {
        match &self.backend {
            Backend::Card(stream) => stream.card().capability >= (7, 5),
            #[cfg(feature = "host")]
            Backend::Host(_) => true,
        }
    }

    /// Free memory in bytes, what the process keeps in reserve for itself included; at most what is left of the budget.
    ///
    /// # Errors
    /// What the driver says.
    pub fn free_memory(&self) -> Result<u64, CudaError> {
        let free = match &self.backend {
            Backend::Card(stream) => stream.free_memory()?,
            #[cfg(feature = "host")]
            Backend::Host(host) => host.free_memory(),
        };
        Ok(self.budget.as_ref().map_or(free, |budget| budget.left().min(free)))
    }

    /// Refuses a task that this card can never do.
    ///
    /// # Errors
    /// [`CudaError::TooSmall`].
    pub fn require_memory(&self, needed: u64) -> Result<(), CudaError> {
        let (name, memory) = (self.card().name, self.memory_limit());
        if needed > memory { Err(CudaError::TooSmall { device: name, memory, needed }) } else { Ok(()) }
    }

    /// Compiles kernels for this card, or takes them from the cache.
    ///
    /// # Errors
    /// [`CudaError::NoCompiler`], [`CudaError::CompilerTooOld`], [`CudaError::DriverTooOld`], and
    /// [`CudaError::Compile`] with the compiler's log.
    pub fn compile(&self, source: &Source) -> Result<Module, CudaError> {
        Ok(Module(match &self.backend {
            Backend::Card(stream) => ModuleKind::Card(Arc::new(stream.compile(source)?)),
            #[cfg(feature = "host")]
            Backend::Host(_) => ModuleKind::Host(host::compile(source)?),
        }))
    }

    /// Starts a kernel.
    ///
    /// # Safety
    /// The arguments must be those that the kernel declares, in their order, and the kernel must stay within the
    /// slices that it is given; nothing checks that on a card.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a kernel that the module does not have or a buffer of another stream, or what the
    /// driver says.
    #[allow(unsafe_code)]
    pub unsafe fn launch(
        &self,
        module: &Module,
        kernel: &str,
        grid: Grid,
        arguments: &[Argument<'_>],
    ) -> Result<(), CudaError> {
        for argument in arguments {
            if let Argument::Address(address) = argument {
                self.check(address.memory)?;
            }
        }
        let (x, y, z) = grid.blocks;
        if x == 0 || y == 0 || z == 0 {
            return Ok(());
        }
        if y > 65_535 || z > 65_535 || grid.threads == 0 || grid.threads > 1024 {
            return Err(CudaError::Misfit(format!("{kernel} cannot be launched on {grid:?}")));
        }
        match (&self.backend, &module.0) {
            // SAFETY: the caller's promise.
            (Backend::Card(stream), ModuleKind::Card(loaded)) => unsafe {
                stream.launch(loaded, kernel, grid, arguments)
            },
            #[cfg(feature = "host")]
            // SAFETY: the caller's promise; here it is checked as far as the host can.
            (Backend::Host(host), ModuleKind::Host(loaded)) => unsafe {
                host.launch(loaded, kernel, grid, arguments)
            },
            #[cfg(feature = "host")]
            _ => Err(CudaError::Misfit(format!("{kernel} was compiled for another device"))),
        }
    }

    fn check(&self, memory: &Memory) -> Result<(), CudaError> {
        if memory.is_open_to(self.stream) {
            return Ok(());
        }
        Err(CudaError::Misfit(
            "a buffer of another stream or device; `Device::share` opens it to all streams".into(),
        ))
    }
}
