//! `PostJob`: a wallet posts a job and locks its budget.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::state::Index;
use crate::stream::{Kind, Raw, StreamError, fits};
use crate::{Amount, Digest};

/// Creates a job at the next free index. Signed by the developer's owner key. Windows are in seconds from the batch
/// that includes it, each after the one before, so deadlines are in order however late it is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostJob {
    /// Paid now, below 2^48.
    pub fee: Amount,
    /// The developer's wallet.
    pub developer: Index,
    /// The highest price.
    pub budget: Amount,
    /// Digest of operations and constants.
    pub program: Digest,
    /// Digest of the audit key for this policy.
    pub audit_key: Digest,
    /// Root over the rows of the input.
    pub input_root: Digest,
    /// Rows of the input, at least 1, below 2^24.
    pub input_rows: u32,
    /// Least GPU class.
    pub gpu_class: u16,
    /// Least VRAM in MiB, below 2^24.
    pub vram: u32,
    /// Region (0: any).
    pub region: u8,
    /// Least reputation, below 2^24.
    pub reputation: u32,
    /// Stake that a bid locks, below 2^56; at least budget + job fee.
    pub stake: Amount,
    /// 0: `full`; s > 0: `rows(s)`; below 2^24.
    pub policy: u32,
    /// Reserved for the step that ends the job, below 2^48.
    pub job_fee: Amount,
    /// Seconds for seals, at least 1, below 2^24.
    pub bid_window: u32,
    /// Seconds for reveals, at least 1, below 2^24.
    pub reveal_window: u32,
    /// Seconds for the work, at least 1, below 2^24.
    pub submit_window: u32,
    /// Seconds for proving, at least 1, below 2^24.
    pub proving_window: u32,
    /// Seconds from `Submit` until a job without a beacon can be expired, at least 1, below 2^24.
    pub beacon_window: u32,
}

impl Layout for PostJob {
    const KIND: Kind = Kind::PostJob;

    fn write(&self) -> Result<Raw, StreamError> {
        fits("job fee", self.job_fee.units(), 48)?;
        fits("stake", self.stake.units(), 56)?;
        let mut raw = Raw { fee: self.fee, a: self.developer, value: self.budget, ..Raw::new(Self::KIND) };
        raw.put_elements(0, &self.program.0);
        raw.put_elements(8, &self.audit_key.0);
        raw.put_elements(16, &self.input_root.0);
        raw.put_upper(0, "bid window", self.bid_window)?;
        raw.put_upper(1, "reveal window", self.reveal_window)?;
        raw.put_upper(2, "submit window", self.submit_window)?;
        raw.put_upper(3, "proving window", self.proving_window)?;
        raw.put_upper(4, "beacon window", self.beacon_window)?;
        raw.put_upper(5, "VRAM", self.vram)?;
        raw.put_upper(6, "rows of the input", self.input_rows)?;
        raw.put_upper(7, "policy", self.policy)?;
        raw.put_upper(8, "reputation", self.reputation)?;
        raw.put_upper(9, "GPU class", self.gpu_class.into())?;
        raw.put_upper(10, "region", self.region.into())?;
        raw.payload[24] = self.job_fee.units();
        raw.payload[25] = self.stake.units();
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        let amount = |units| Amount::new(units).map_err(|_| StreamError::NonCanonical { kind: Self::KIND });
        Ok(Self {
            fee: raw.fee,
            developer: raw.a,
            budget: raw.value,
            program: Digest(raw.elements(0)?),
            audit_key: Digest(raw.elements(8)?),
            input_root: Digest(raw.elements(16)?),
            bid_window: raw.upper(0),
            reveal_window: raw.upper(1),
            submit_window: raw.upper(2),
            proving_window: raw.upper(3),
            beacon_window: raw.upper(4),
            vram: raw.upper(5),
            input_rows: raw.upper(6),
            policy: raw.upper(7),
            reputation: raw.upper(8),
            gpu_class: raw.upper(9) as u16,
            region: raw.upper(10) as u8,
            job_fee: amount(raw.payload[24])?,
            stake: amount(raw.payload[25])?,
        })
    }
}
