//! `Register`: a wallet creates a worker unit.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::Amount;
use crate::state::{Index, Key};
use crate::stream::{Kind, Raw, StreamError};

/// Creates a unit at the next free index, owned by the wallet's key. Signed by the wallet's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Below 2^48.
    pub fee: Amount,
    /// The wallet that will own the unit.
    pub wallet: Index,
    /// The key on the rig: bids, reveals and submits, but cannot move money.
    pub operator: Key,
    /// Compute capability times ten; 0 for a CPU. Self-declared.
    pub gpu_class: u16,
    /// VRAM in MiB, below 2^24. Self-declared.
    pub vram: u32,
    /// Self-declared.
    pub region: u8,
}

impl Layout for Register {
    const KIND: Kind = Kind::Register;

    fn write(&self) -> Result<Raw, StreamError> {
        let mut raw = Raw { fee: self.fee, a: self.wallet, ..Raw::new(Self::KIND) };
        raw.put_elements(0, &self.operator.0);
        raw.put_upper(10, "VRAM", self.vram)?;
        raw.payload[10] |= u64::from(self.gpu_class);
        raw.payload[11] = self.region.into();
        Ok(raw)
    }

    fn read(raw: &Raw) -> Result<Self, StreamError> {
        Ok(Self {
            fee: raw.fee,
            wallet: raw.a,
            operator: Key(raw.elements(0)?),
            gpu_class: raw.payload[10] as u16,
            vram: raw.upper(10),
            region: raw.payload[11] as u8,
        })
    }
}
