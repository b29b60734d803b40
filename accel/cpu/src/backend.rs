//! Which instructions this process uses, found out once, at run time.

use std::fmt;
use std::sync::OnceLock;

use crate::error::AccelError;
use crate::lanes::{Feature, Lanes, Scalar};
#[cfg(target_arch = "x86_64")]
use crate::lanes::{avx2, avx512};

/// The environment variable that forces a backend: `portable`, `avx2` or `avx512`.
const VARIABLE: &str = "JANCTION_SIMD";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// A backend's name, and the features that it needs with the question whether the processor has them.
type Known = (&'static str, Kind, &'static [Feature]);

/// Every backend there is, the fastest last.
#[cfg(target_arch = "x86_64")]
const KNOWN: &[Known] = &[
    ("portable", Kind::Portable, &[]),
    ("avx2", Kind::Avx2, avx2::FEATURES),
    ("avx512", Kind::Avx512, avx512::FEATURES),
];
/// Every backend there is, the fastest last.
#[cfg(not(target_arch = "x86_64"))]
const KNOWN: &[Known] = &[("portable", Kind::Portable, &[])];

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
        KNOWN.iter().filter_map(|(name, ..)| Self::named(name).ok()).collect()
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
        let Some((name, kind, features)) = KNOWN.iter().find(|known| known.0 == name) else {
            return Err(AccelError::UnknownBackend { name: name.to_owned() });
        };
        require(name, features)?;
        Ok(Self(*kind))
    }

    /// Its name, as `JANCTION_SIMD` takes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    /// How many elements it handles side by side.
    pub fn width(self) -> usize {
        match self.0 {
            Kind::Portable => Scalar::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::Avx2::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::Avx512::WIDTH,
        }
    }

    /// Whether it is the one of AVX-512.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn has_avx512(self) -> bool {
        self.0 == Kind::Avx512
    }

    /// Runs `kernel` with this backend's lanes.
    #[allow(unsafe_code)]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run::<Scalar>(),
            // SAFETY: `named` makes this kind only on a processor that has the features.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::run(kernel) },
        }
    }
}

/// Refuses when the processor lacks one of `features`.
fn require(name: &'static str, features: &[Feature]) -> Result<(), AccelError> {
    let missing: Vec<&str> = features.iter().filter(|(_, has)| !has()).map(|(feature, _)| *feature).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(AccelError::Unsupported { name, missing: missing.join(", ") })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// No test machine lacks what another has, so the processor is made up.
    #[test]
    fn says_what_the_processor_lacks() {
        let features: &[Feature] = &[("here", || true), ("gone", || false), ("gone too", || false)];
        assert_eq!(
            require("avx1024", features),
            Err(AccelError::Unsupported { name: "avx1024", missing: "gone, gone too".to_owned() })
        );
        assert_eq!(require("avx1024", &features[..1]), Ok(()));
    }
}
