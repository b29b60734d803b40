//! Which instructions this process uses, found out once, at run time.

use std::fmt;
use std::sync::OnceLock;

use crate::error::AccelError;
use crate::lanes::{Lanes, Scalar};

/// The environment variable that forces a backend: `portable`, `avx2` or `avx512`.
const VARIABLE: &str = "JANCTION_SIMD";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
}

/// A backend that this processor can run. The only ways to one check that, so having one is the proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Backend(Kind);

/// A loop over elements, written once for every width of [`Lanes`].
///
/// `run` and every function that it calls with lanes must be `#[inline(always)]`: what the compiler does not
/// inline is compiled without the backend's instructions, and is slow (not wrong). So: no recursion, and no
/// closure handed to a thread pool inside; split the work first and run one kernel per piece.
pub trait Kernel {
    /// What the loop returns.
    type Output;

    /// Runs the loop with lanes `L`.
    fn run<L: Lanes>(self) -> Self::Output;
}

impl Backend {
    /// One element at a time. Runs everywhere.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// Every backend that this processor can run, the fastest last.
    pub fn available() -> Vec<Self> {
        ["portable", "avx2", "avx512"].iter().filter_map(|name| Self::named(name).ok()).collect()
    }

    /// The backend of this process: the one that `JANCTION_SIMD` names, or the fastest available one. The
    /// variable is read once.
    ///
    /// # Errors
    /// [`AccelError::UnknownBackend`] and [`AccelError::Unsupported`] for a value of the variable that cannot be
    /// served: a forced choice is never replaced by another in silence.
    pub fn current() -> Result<Self, AccelError> {
        static CURRENT: OnceLock<Result<Backend, AccelError>> = OnceLock::new();
        CURRENT
            .get_or_init(|| match std::env::var_os(VARIABLE) {
                Some(name) => Self::named(&name.to_string_lossy()),
                None => Ok(*Self::available().last().unwrap_or(&Self::PORTABLE)),
            })
            .clone()
    }

    /// The backend called `name`: `portable`, `avx2` or `avx512`.
    ///
    /// # Errors
    /// [`AccelError::UnknownBackend`] when there is no such backend, [`AccelError::Unsupported`] when this
    /// processor lacks its instructions.
    pub fn named(name: &str) -> Result<Self, AccelError> {
        match name {
            "portable" => Ok(Self(Kind::Portable)),
            "avx2" => Err(AccelError::Unsupported { name: "avx2", missing: "avx2".to_owned() }),
            "avx512" => Err(AccelError::Unsupported { name: "avx512", missing: "avx512f".to_owned() }),
            _ => Err(AccelError::UnknownBackend { name: name.to_owned() }),
        }
    }

    /// Its name, as `JANCTION_SIMD` takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
        }
    }

    /// How many elements it handles side by side.
    pub fn width(self) -> usize {
        match self.0 {
            Kind::Portable => Scalar::WIDTH,
        }
    }

    /// Runs `kernel` with this backend's lanes.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run::<Scalar>(),
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
