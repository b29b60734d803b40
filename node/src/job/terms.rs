//! A job's terms as they are given on the command line.

use clap::{Args, value_parser};
use janction_trace::Policy;

/// Fields of 24 bits end here.
const END: i64 = 1 << 24;

/// How much is audited.
#[derive(Clone, Copy, Debug, Args)]
pub struct PolicyChoice {
    /// How much is audited: full (every row), or rows:S (S drawn rows of every operation)
    #[arg(long, value_name = "POLICY", default_value = "full")]
    pub policy: Policy,
}

/// How long the stages of a job may take, each in seconds from the end of the one before.
#[derive(Clone, Copy, Debug, Args)]
pub struct Windows {
    /// Seconds for sealed bids
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(1..END))]
    pub bid_window: u32,
    /// Seconds for revealing them
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(1..END))]
    pub reveal_window: u32,
    /// Seconds for running the job
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = value_parser!(u32).range(1..END))]
    pub submit_window: u32,
    /// Seconds for proving its audit; long enough for the worker to do it alone
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = value_parser!(u32).range(1..END))]
    pub proving_window: u32,
    /// Seconds until a job whose beacon nobody recorded is refunded (only rows:S)
    #[arg(long, value_name = "SECONDS", default_value_t = 14_400, value_parser = value_parser!(u32).range(1..END))]
    pub beacon_window: u32,
}

impl Windows {
    /// Seconds until the winner is known.
    pub fn auction(&self) -> u64 {
        u64::from(self.bid_window) + u64::from(self.reveal_window)
    }
}

/// What a unit must have to bid; what units say of themselves is self-declared.
#[derive(Clone, Copy, Debug, Args)]
pub struct Requirements {
    /// Least GPU class: compute capability times ten, as units declare it; 0: a CPU will do
    #[arg(long, value_name = "CLASS", default_value_t = 0)]
    pub gpu_class: u16,
    /// Least VRAM in MiB, as units declare it
    #[arg(long, value_name = "MIB", default_value_t = 0, value_parser = value_parser!(u32).range(0..END))]
    pub vram: u32,
    /// Region, as units declare it; 0: any
    #[arg(long, value_name = "REGION", default_value_t = 0)]
    pub region: u8,
    /// Least number of jobs that the unit has settled
    #[arg(long, value_name = "JOBS", default_value_t = 0, value_parser = value_parser!(u32).range(0..END))]
    pub reputation: u32,
}
