//! Row digests on the GPU (`kernels/rows.cu`).

use janction_accel_cuda::{Argument, Grid};
use janction_program::commitment::row_header;
use janction_protocol::{Digest, hash::tag};
use plonky2::field::types::PrimeField64;

use super::{
    Cuda, CudaError,
    tensor::{OnDevice, flip},
};

/// Threads of a block; a row each.
const THREADS: u32 = 64;

/// The digests of all rows of `tensor`, in order.
pub(super) fn digests(cuda: &Cuda, tensor: &OnDevice) -> Result<Vec<Digest>, CudaError> {
    let digests = cuda.device.allocate::<u64>(4 * tensor.rows)?;
    let arguments = [
        (&tensor.buffer).into(),
        Argument::Word(tensor.pitch as u32),
        Argument::Word(tensor.columns as u32),
        Argument::Word(flip(tensor.dtype)),
        Argument::Long(row_header(tensor.dtype, tensor.columns).to_canonical_u64()),
        Argument::Long(tag::ROW),
        (&digests).into(),
        Argument::Word(tensor.rows as u32),
    ];
    cuda.launch("hash_rows", Grid::over(tensor.rows, THREADS)?, &arguments)?;
    let words = cuda.device.read(digests.all())?;
    words
        .chunks_exact(4)
        .map(|limbs| {
            Digest::from_u64s([limbs[0], limbs[1], limbs[2], limbs[3]]).map_err(|error| CudaError::Driver {
                action: "hashing rows",
                reason: format!("it gave a digest that is none ({error})"),
            })
        })
        .collect()
}
