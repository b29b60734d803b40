//! Proof of work (`kernels/merkle.cu`).

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::Field64;

use crate::device::{Argument, Device, Grid};
use crate::error::CudaError;
use crate::library::Family;
use crate::matrix::words;

/// Elements of the state.
const WIDTH: usize = 12;
const THREADS: u32 = 128;

/// Finds the lowest nonce that, put at `position` of the state, makes the permuted state's last element of the rate
/// begin with `bits` zeros; `None` if no element of the field does.
///
/// # Errors
/// [`CudaError::Misfit`] for a position or a number of bits that there is not, or what the device says.
pub fn grind(
    device: &Device,
    state: &[F; WIDTH],
    position: usize,
    bits: u32,
) -> Result<Option<u64>, CudaError> {
    if position >= WIDTH || bits > 64 {
        return Err(CudaError::Misfit(format!("{bits} bits of work at position {position}")));
    }
    let state = device.upload(words(state))?;
    let lowest = device.upload(&[u64::MAX])?;
    let mut first = 0u64;
    // At least four times as many as are expected to be needed, but never so many that the first search is long.
    let blocks = (4u64 << bits.min(20)).div_ceil(u64::from(THREADS)).clamp(1, 1 << 15) as u32;
    let stride = u64::from(blocks) * u64::from(THREADS);
    while first < F::ORDER - stride {
        let arguments = [
            (&state).into(),
            Argument::Word(position as u32),
            Argument::Word(bits),
            Argument::Long(first),
            (&lowest).into(),
        ];
        device.run(Family::Merkle, "grind", Grid { blocks: (blocks, 1, 1), threads: THREADS }, &arguments)?;
        let found = device.read(lowest.all())?[0];
        if found != u64::MAX {
            return Ok(Some(found));
        }
        first += stride;
    }
    Ok(None)
}
