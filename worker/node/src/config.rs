//! What a worker needs to know.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use janction_executor::Choice;
use janction_protocol::state::Index;
use janction_protocol::{Address, Amount};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A worker's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// The sequencer's gRPC address.
    pub sequencer: String,
    /// The chain that the ledger lives on. A sequencer of another chain is refused.
    pub chain_id: u64,
    /// The rollup contract; a sequencer of another one is refused. None: as the sequencer says (only on a development
    /// chain, where signatures are worth nothing elsewhere).
    pub rollup: Option<Address>,
    /// Account indices of the units that this process serves. At least one.
    pub units: Vec<Index>,
    /// Where the units' state and the caches are kept. It holds the salts of open bids: losing it can cost a bond.
    pub data: PathBuf,
    /// What programs run on.
    pub device: DeviceChoice,
    /// GPU memory that each unit may take, in MiB; enforced; 0 is refused. None: equal shares of
    /// the GPU's among this process's units, without a reserve for what the driver takes (a tenth of it, 1 GiB at most).
    pub vram_mib: Option<u64>,
    /// Most jobs that this process holds at once, over all units.
    pub max_concurrent: usize,
    /// Which jobs it bids on, and for how much.
    pub policy: BidPolicy,
    /// Fee of a bid, reveal or submit for each of its blocks (2, 1 and 3), in 10^-9 JCT; raised to the sequencer's
    /// minimum when that is higher.
    pub fee_per_block: u64,
    /// Milliseconds between two looks at the ledger when nothing is reported. Windows are a few times longer.
    pub poll_ms: u64,
    /// Test instrument: falsify results. Refused unless the chain is 31337.
    pub falsify: Option<Falsify>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            sequencer: "http://127.0.0.1:7310".to_owned(),
            chain_id: 31_337,
            rollup: None,
            units: Vec::new(),
            data: PathBuf::from("data/worker"),
            device: DeviceChoice::default(),
            vram_mib: None,
            max_concurrent: 1,
            policy: BidPolicy::default(),
            fee_per_block: 1_000,
            poll_ms: 1_000,
            falsify: None,
        }
    }
}

/// Which jobs a worker bids on, and for how much.
///
/// The price of a bid is what the job costs the operator: `price_per_job + price_per_million * multiply-adds / 10^6`.
/// The auction pays the winner the second price, so bidding one's true cost is the best bid; a job whose budget is below
/// it is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BidPolicy {
    /// Least price of any job, in 10^-9 JCT: downloads, recompiling the audit key, fees, risk.
    pub price_per_job: u64,
    /// Price of a million 8-bit multiply-adds, in 10^-9 JCT.
    pub price_per_million: u64,
    /// Largest stake that a bid may lock, in 10^-9 JCT: what is lost when the job goes wrong.
    pub max_stake: u64,
    /// Least job fee, in 10^-9 JCT. The step that ends a job pays exactly this, so a job below what sequencers take
    /// leaves the stake locked. The sequencer's own minimum counts besides.
    pub min_job_fee: u64,
    /// Seconds that must be left of the bid window when a job is looked at.
    pub min_bid_seconds: u64,
    /// Least length of the reveal window in seconds. A reveal that misses it loses the stake.
    pub min_reveal_seconds: u64,
    /// Least time from the end of the reveals until `Submit` is due, in seconds: running the job fits into it.
    pub min_submit_seconds: u64,
    /// Least proving window in seconds: proving the audit fits into it, even alone.
    pub min_proving_seconds: u64,
    /// Largest job binary in bytes.
    pub max_program_bytes: u64,
    /// Largest input file in bytes.
    pub max_input_bytes: u64,
    /// Most multiply-adds of a job.
    pub max_multiply_adds: u64,
}

impl Default for BidPolicy {
    fn default() -> Self {
        Self {
            price_per_job: Amount::ONE_JCT / 10,
            price_per_million: 1_000,
            max_stake: 1_000 * Amount::ONE_JCT,
            min_job_fee: 2_000,
            min_bid_seconds: 5,
            min_reveal_seconds: 10,
            min_submit_seconds: 30,
            min_proving_seconds: 120,
            max_program_bytes: 256 << 20,
            max_input_bytes: 1 << 30,
            max_multiply_adds: 1 << 50,
        }
    }
}

/// What programs run on: `auto`, `cpu`, or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU if there is a working one, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number; an error when it cannot be used.
    Cuda(usize),
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no device: write auto, cpu, or cuda:N with the number of a GPU")]
pub struct DeviceError(String);

impl From<DeviceChoice> for Choice {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Auto => Self::Auto,
            DeviceChoice::Cpu => Self::Cpu,
            DeviceChoice::Cuda(ordinal) => Self::Cuda(ordinal),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|ordinal| ordinal.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceError(text.to_owned())),
        }
    }
}

impl Serialize for DeviceChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A test instrument: after running a job, some cells of one operation's result are changed and everything behind it is
/// computed from the false rows, so that only the rows of that operation are wrong. Shows what an audit finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Falsify {
    /// Name of the operation's result in the program. Jobs whose program has no such operation run honestly.
    pub operation: String,
    /// The rows.
    pub rows: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_its_own_text_and_unknown_keys_do_not() {
        let config = WorkerConfig {
            units: vec![3, 4],
            device: DeviceChoice::Cuda(1),
            vram_mib: Some(20_000),
            rollup: Some(Address([7; 20])),
            falsify: Some(Falsify { operation: "hidden".into(), rows: vec![0, 5] }),
            ..WorkerConfig::default()
        };
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<WorkerConfig>(&text).unwrap(), config);
        assert_eq!(toml::from_str::<WorkerConfig>("").unwrap(), WorkerConfig::default());
        for wrong in
            ["price = 3", "[policy]\nprice = 3", "[falsify]\noperation = \"x\"\nrows = []\nall = true"]
        {
            assert!(toml::from_str::<WorkerConfig>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn devices_have_names() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(7)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in ["", "gpu", "cuda", "cuda:", "cuda:-1", "CPU"] {
            assert_eq!(text.parse::<DeviceChoice>(), Err(DeviceError(text.into())));
        }
    }
}
