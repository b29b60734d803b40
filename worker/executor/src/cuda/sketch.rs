//! Leaves of scheme 2, the digests of sketches of blocks of rows, on the GPU (`kernels/sketch.cu`).

use janction_accel_cpu::{
    Backend,
    ring::{Element, values},
};
use janction_accel_cuda::{Argument, Buffer, Event, Grid};
use janction_program::commitment::{
    row_header,
    sketch::{SKETCH_BYTES, element, polynomials},
};
use janction_protocol::hash::tag;
use plonky2::field::types::PrimeField64;
use rayon::prelude::*;

use super::{
    Cuda, CudaError,
    leaves::Hashed,
    tensor::{OnDevice, flip},
};

/// Threads that transform a polynomial together.
const TEAM: usize = 64;
/// Teams of a block of threads, at most: `MOST_TEAMS` of the kernel.
const MOST_TEAMS: usize = 4;
/// Threads of a block that hashes.
const THREADS: u32 = 64;
/// Of them, those that hash a sketch.
const LANES: usize = 16;

/// The values of the scheme's constants a_0, a_1, .. on the device, what cells' values are multiplied with.
pub(super) struct Multipliers {
    /// Two residues a word.
    words: Buffer<u32>,
    count: usize,
}

impl Multipliers {
    /// Bytes of so many.
    pub const fn bytes(count: usize) -> u64 {
        (count * SKETCH_BYTES) as u64
    }

    /// The first `count` constants, on the stream that hashes.
    pub fn new(cuda: &Cuda, backend: Backend, count: usize) -> Result<Self, CudaError> {
        let elements: Vec<Element> = (0..count as u32).into_par_iter().map(element).collect();
        Self::of(cuda, backend, &elements)
    }

    fn of(cuda: &Cuda, backend: Backend, elements: &[Element]) -> Result<Self, CudaError> {
        let values = values(backend, elements);
        let pair = |pair: &[u16]| u32::from(pair[0]) | u32::from(pair[1]) << 16;
        let words: Vec<u32> = values.as_flattened().chunks_exact(2).map(pair).collect();
        Ok(Self { words: cuda.hashing.upload(&words)?, count: elements.len() })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }
}

/// Starts to sketch all blocks of `tensor`, which is there at `ready`, a moment of its stream. Sketch after sketch, 512 numbers of
/// two bytes, the high one first.
fn sketch(
    cuda: &Cuda,
    tensor: &OnDevice,
    ready: &Event,
    block_bits: u8,
    multipliers: &Multipliers,
) -> Result<Buffer<u8>, CudaError> {
    cuda.hashing.borrow(&tensor.buffer, ready)?;
    let largest = tensor.rows.min(1 << block_bits) * polynomials(tensor.columns);
    if largest > multipliers.count {
        let count = multipliers.count;
        return Err(CudaError::Misfit(format!("a block of {largest} polynomials, for {count} multipliers")));
    }
    let blocks = tensor.rows.div_ceil(1 << block_bits);
    let sketches = cuda.hashing.allocate::<u8>(SKETCH_BYTES * blocks)?;
    let arguments = [
        (&tensor.buffer).into(),
        Argument::Word(tensor.pitch as u32),
        Argument::Word(tensor.columns as u32),
        Argument::Word(tensor.rows as u32),
        Argument::Word(flip(tensor.dtype)),
        Argument::Word(block_bits.into()),
        (&multipliers.words).into(),
        (&sketches).into(),
    ];
    let threads = TEAM * largest.clamp(1, MOST_TEAMS);
    let grid = Grid::over(blocks * threads, threads as u32)?;
    cuda.launch_on(&cuda.hashing, "sketch_blocks", grid, &arguments)?;
    Ok(sketches)
}

/// Starts to make the leaves of `tensor`, which is there at `ready`. They are hashed where the sketches are, so that 32 bytes a
/// leaf come back and no core of the host has to hash 1 KiB.
///
/// # Errors
/// [`CudaError::Misfit`] when a block has more polynomials than there are multipliers, or what the device says.
pub(super) fn hash(
    cuda: &Cuda,
    tensor: &OnDevice,
    ready: &Event,
    block_bits: u8,
    multipliers: &Multipliers,
) -> Result<Hashed, CudaError> {
    let sketches = sketch(cuda, tensor, ready, block_bits, multipliers)?;
    let count = sketches.len() / SKETCH_BYTES;
    let digests = cuda.hashing.allocate::<u64>(4 * count)?;
    let arguments = [
        (&sketches).into(),
        Argument::Long(row_header(tensor.dtype, tensor.columns).to_canonical_u64()),
        Argument::Word(tensor.rows as u32),
        Argument::Word(block_bits.into()),
        Argument::Long(tag::SKETCH),
        (&digests).into(),
        Argument::Word(count as u32),
    ];
    cuda.launch_on(&cuda.hashing, "hash_sketches", Grid::over(LANES * count, THREADS)?, &arguments)?;
    Hashed::new(cuda, digests)
}

#[cfg(test)]
mod tests {
    use janction_accel_cpu::ring::{DEGREE, MODULUS, inner_products};
    use janction_accel_cuda::Device;
    use janction_program::{
        Cells, DType, Tensor, commitment::sketch::to_bytes, limits::MAX_BLOCK_POLYNOMIALS, test_utils::Random,
    };
    use proptest::prelude::*;

    use super::*;

    fn cuda() -> Cuda {
        Cuda::on(Device::host().expect("a host device")).expect("the kernels compile")
    }

    /// What the kernel makes of all blocks of `tensor`.
    fn sketches(
        cuda: &Cuda,
        tensor: &Tensor,
        block_bits: u8,
        multipliers: &Multipliers,
    ) -> Result<Vec<u8>, CudaError> {
        let uploaded = OnDevice::upload(&cuda.uploading, tensor, 0..tensor.rows())?;
        let ready = cuda.uploading.record()?;
        let sketches = sketch(cuda, &uploaded, &ready, block_bits, multipliers)?;
        cuda.hashing.read(sketches.all())
    }

    fn expected(tensor: &Tensor, block_bits: u8) -> Vec<u8> {
        let rows: Vec<Cells> = (0..tensor.rows()).map(|row| tensor.row(row)).collect();
        let rows: Vec<&Cells> = rows.iter().collect();
        rows.chunks(1 << block_bits)
            .flat_map(|block| to_bytes(&janction_program::commitment::sketch::sketch(block)))
            .collect()
    }

    fn check(tensor: &Tensor, block_bits: u8) {
        let cuda = cuda();
        let count = tensor.rows().min(1 << block_bits) * polynomials(tensor.columns());
        let multipliers = Multipliers::new(&cuda, Backend::PORTABLE, count).unwrap();
        let (rows, columns) = (tensor.rows(), tensor.columns());
        assert_eq!(multipliers.len(), count);
        assert!(
            sketches(&cuda, tensor, block_bits, &multipliers).unwrap() == expected(tensor, block_bits),
            "{rows} x {columns}, blocks of 2^{block_bits}"
        );
    }

    proptest! {
        #[test]
        fn sketches_are_those_of_the_definition(
            rows in 1usize..40,
            columns in 1usize..1700,
            block_bits in 0u8..6,
            signed: bool,
            seed: u64,
        ) {
            let dtype = if signed { DType::I8 } else { DType::U8 };
            check(&Random::new(seed).tensor(dtype, rows, columns), block_bits);
        }

        /// Nothing but the smallest and the largest cell.
        #[test]
        fn of_cells_at_the_ends_of_their_type(rows in 1usize..9, columns in 1usize..1100, block_bits in 0u8..4, seed: u64) {
            let mut random = Random::new(seed);
            for dtype in [DType::I8, DType::U8] {
                let ends = [dtype.min(), dtype.max()];
                let cells: Vec<i64> =
                    (0..rows * columns).map(|_| ends[random.range(0, 1) as usize].into()).collect();
                check(&Tensor::new(rows, columns, Cells::from_values(dtype, &cells).unwrap()).unwrap(), block_bits);
            }
        }
    }

    #[test]
    fn around_the_ends_of_polynomials_teams_and_blocks() {
        for columns in [1, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1024, 2047, 2049] {
            for (rows, block_bits) in [(1, 0), (1, 3), (4, 2), (5, 2), (9, 3)] {
                for dtype in [DType::I8, DType::U8] {
                    for end in [dtype.min(), dtype.max()] {
                        let cells = vec![end.into(); rows * columns];
                        check(
                            &Tensor::new(rows, columns, Cells::from_values(dtype, &cells).unwrap()).unwrap(),
                            block_bits,
                        );
                    }
                    check(&Random::new(columns as u64).tensor(dtype, rows, columns), block_bits);
                }
            }
        }
    }

    /// As many polynomials as a block may have, of the largest cells; multipliers whose values are all q - 1, and such whose
    /// coefficients are.
    #[test]
    fn the_largest_sums() {
        let cuda = cuda();
        let tensor = Tensor::new(
            4,
            MAX_BLOCK_POLYNOMIALS / 4 * DEGREE,
            Cells::U8(vec![255; MAX_BLOCK_POLYNOMIALS * DEGREE]),
        )
        .unwrap();
        let Cells::U8(cells) = tensor.cells() else { unreachable!() };
        let block: Vec<&[u8]> = cells.chunks(DEGREE).collect();
        let mut constant = [0; DEGREE];
        constant[0] = MODULUS - 1;
        for element in [constant, [MODULUS - 1; DEGREE]] {
            let elements = vec![element; MAX_BLOCK_POLYNOMIALS];
            let multipliers = Multipliers::of(&cuda, Backend::PORTABLE, &elements).unwrap();
            let on_cpu = janction_accel_cpu::ring::Multipliers::new(Backend::PORTABLE, &elements);
            let expected =
                to_bytes(&inner_products(Backend::PORTABLE, &on_cpu, std::slice::from_ref(&block))[0]);
            assert!(sketches(&cuda, &tensor, 2, &multipliers).unwrap() == expected);
        }
    }

    #[test]
    fn too_few_multipliers_are_an_error() {
        let cuda = cuda();
        let multipliers = Multipliers::new(&cuda, Backend::PORTABLE, 7).unwrap();
        let tensor = Random::new(1).tensor(DType::U8, 5, 513);
        assert!(sketches(&cuda, &tensor, 1, &multipliers).is_ok());
        assert!(matches!(sketches(&cuda, &tensor, 2, &multipliers), Err(CudaError::Misfit(_))));
    }
}
