//! Which instructions loops over cells use, found out at run time.

use std::fmt;

use janction_accel_cpu::{AccelError, Backend};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

/// Instructions that this processor has. The only ways to one check that, so having one is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Kind);

/// A loop over cells that the compiler vectorises, once for each kind of instructions.
///
/// `run` and everything that it calls must be `#[inline(always)]`: what is not inlined is compiled without the instructions,
/// and is slow (not wrong). Arithmetic in it must be wrapping, since a check for overflow keeps it from being vectorised.
pub(super) trait Loop {
    /// Runs the loop.
    fn run(self);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(work: impl Loop) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512(work: impl Loop) {
    work.run();
}

impl Instructions {
    /// What every processor has.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// Every kind that this processor has, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut available = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            let kinds = [
                (Kind::Avx2, avx2),
                (Kind::AvxVnni, avx2 && is_x86_feature_detected!("avxvnni")),
                (Kind::Avx512Vnni, avx2 && avx512),
            ];
            available.extend(kinds.into_iter().filter(|(_, there)| *there).map(|(kind, _)| Self(kind)));
        }
        available
    }

    /// Those of this process: the fastest that there are, or no more than what the environment variable `JANCTION_SIMD`
    /// allows (see [`Backend::current`]).
    ///
    /// # Errors
    /// When the variable names what does not exist, or what this processor lacks.
    pub fn current() -> Result<Self, AccelError> {
        let limit = match Backend::current()?.name() {
            "portable" => 1,
            "avx2" => 3,
            _ => 4,
        };
        let available = Self::available();
        Ok(available.into_iter().rfind(|kind| kind.rank() < limit).unwrap_or(Self::PORTABLE))
    }

    /// How many kinds are slower.
    const fn rank(self) -> usize {
        self.0 as usize
    }

    /// Runs `work` with these instructions.
    #[allow(unsafe_code)]
    pub(super) fn run(self, work: impl Loop) {
        match self.0 {
            Kind::Portable => work.run(),
            // SAFETY: a value of this kind is made only on a processor that has the instructions.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::AvxVnni => unsafe { run_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => unsafe { run_avx512(work) },
        }
    }

    /// Which kernel multiplies.
    pub(super) const fn kernel(self) -> super::gemm::Kernel {
        use super::gemm::Kernel;
        match self.0 {
            Kind::Portable => Kernel::Portable,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Kernel::Avx2,
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => Kernel::AvxVnni,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => Kernel::Avx512Vnni,
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => "AVX-512 VNNI",
        })
    }
}
