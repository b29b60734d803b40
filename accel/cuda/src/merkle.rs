//! Plonky2's Merkle trees over Poseidon (`kernels/merkle.cu`).

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::hash::hash_types::HashOut;

use crate::device::{Argument, Buffer, Device, Grid, Slice};
use crate::error::CudaError;
use crate::library::{Family, fits, word};
use crate::matrix::{View, elements};

/// Four elements.
pub type Digest = HashOut<F>;

/// Words of a digest.
const DIGEST: usize = 4;
const THREADS: u32 = 128;

/// The digests of a Merkle tree on a device; the leaves stay with the caller.
///
/// Digests, cap and paths are those of Plonky2's `MerkleTree<F, PoseidonHash>` over the same leaves. Level after level
/// from the leaves' digests to the cap, each in order. Leaves may be hashed piece by piece ([`Self::hash_rows`]) and
/// forgotten; [`Self::finish`] then makes the levels above.
#[derive(Debug)]
pub struct MerkleTree {
    digests: Buffer,
    log2_leaves: usize,
    cap_height: usize,
}

impl MerkleTree {
    /// A tree of 2^`log2_leaves` leaves that are still to be hashed.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] when the cap would lie below the leaves, or as [`Device::allocate`].
    pub fn allocate(device: &Device, log2_leaves: usize, cap_height: usize) -> Result<Self, CudaError> {
        fits(log2_leaves < 32 && cap_height <= log2_leaves, || {
            format!("a cap of height {cap_height} over 2^{log2_leaves} leaves")
        })?;
        let digests = device.allocate(DIGEST * ((2 << log2_leaves) - (1 << cap_height)))?;
        Ok(Self { digests, log2_leaves, cap_height })
    }

    /// The tree whose leaf i is row i of `leaves`.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a number of rows that is no power of two or less than the cap has, or what the device
    /// says.
    pub fn of_rows(device: &Device, leaves: View<'_>, cap_height: usize) -> Result<Self, CudaError> {
        let tree = Self::allocate(device, log2(leaves.rows())?, cap_height)?;
        tree.hash_rows(device, leaves, 0)?;
        tree.finish(device)?;
        Ok(tree)
    }

    /// The tree whose leaf i is elements i·2^`arity_bits`.. of a column over the extension field, given as the columns of
    /// its components: a codeword of FRI.
    ///
    /// # Errors
    /// As [`Self::of_rows`].
    pub fn of_codeword(
        device: &Device,
        codeword: View<'_>,
        arity_bits: usize,
        cap_height: usize,
    ) -> Result<Self, CudaError> {
        let rows = log2(codeword.rows())?;
        fits(codeword.columns() == 2 && arity_bits <= rows, || {
            format!("{} columns of 2^{rows}, folded by 2^{arity_bits}", codeword.columns())
        })?;
        let tree = Self::allocate(device, rows - arity_bits, cap_height)?;
        let leaves = tree.leaves();
        let arguments = [
            codeword.column(0).into(),
            codeword.column(1).into(),
            Argument::Word(word(arity_bits)?),
            Argument::Word(word(leaves)?),
            tree.digests.all().into(),
        ];
        device.run(Family::Merkle, "hash_pairs", Grid::over(leaves, THREADS)?, &arguments)?;
        tree.finish(device)?;
        Ok(tree)
    }

    /// Hashes leaves `first`..: the rows of a matrix. Rows of no column are leaves of no element.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for more rows than there are leaves, or what the device says.
    pub fn hash_rows(&self, device: &Device, rows: View<'_>, first: usize) -> Result<(), CudaError> {
        let end = first + rows.rows();
        fits(end <= self.leaves(), || format!("leaves up to {end} of {}", self.leaves()))?;
        let arguments = [
            rows.into(),
            rows.stride_argument(),
            Argument::Word(word(rows.columns())?),
            Argument::Word(word(rows.rows())?),
            self.digests.slice(DIGEST * first..DIGEST * end).into(),
        ];
        device.run(Family::Merkle, "hash_rows", Grid::over(rows.rows(), THREADS)?, &arguments)
    }

    /// Makes all levels above the leaves.
    ///
    /// # Errors
    /// What the device says.
    pub fn finish(&self, device: &Device) -> Result<(), CudaError> {
        for height in 1..=self.log2_leaves - self.cap_height {
            let parents = self.leaves() >> height;
            let arguments =
                [self.level(height - 1).into(), Argument::Word(word(parents)?), self.level(height).into()];
            device.run(Family::Merkle, "hash_nodes", Grid::over(parents, THREADS)?, &arguments)?;
        }
        Ok(())
    }

    /// Leaves of the tree.
    #[must_use]
    pub fn leaves(&self) -> usize {
        1 << self.log2_leaves
    }

    /// The words of the digests `height` levels above the leaves.
    ///
    /// # Panics
    /// When the level would lie above the cap.
    #[must_use]
    pub fn level(&self, height: usize) -> Slice<'_> {
        assert!(height + self.cap_height <= self.log2_leaves, "level {height} lies above the cap");
        let length = self.leaves() >> height;
        let begin = 2 * (self.leaves() - length);
        self.digests.slice(DIGEST * begin..DIGEST * (begin + length))
    }

    /// The cap's digests.
    ///
    /// # Errors
    /// As [`Device::read`].
    pub fn cap(&self, device: &Device) -> Result<Vec<Digest>, CudaError> {
        device.read(self.level(self.log2_leaves - self.cap_height)).map(digests)
    }

    /// For each of these leaves, the siblings from it up to the cap, as Plonky2's `MerkleTree::prove` gives them.
    ///
    /// # Errors
    /// [`CudaError::Misfit`] for a leaf that is not there, or what the device says.
    pub fn paths(&self, device: &Device, leaves: &[u32]) -> Result<Vec<Vec<Digest>>, CudaError> {
        in_range(leaves, self.leaves())?;
        let height = self.log2_leaves - self.cap_height;
        let count = leaves.len() * height;
        if count == 0 {
            return Ok(vec![Vec::new(); leaves.len()]);
        }
        let (indices, siblings) = (device.upload(leaves)?, device.allocate(DIGEST * count)?);
        let arguments = [
            (&self.digests).into(),
            Argument::Word(word(self.log2_leaves)?),
            Argument::Word(word(height)?),
            (&indices).into(),
            Argument::Word(word(leaves.len())?),
            (&siblings).into(),
        ];
        device.run(Family::Merkle, "gather_paths", Grid::over(count, THREADS)?, &arguments)?;
        Ok(digests(device.read(siblings.all())?).chunks_exact(height).map(<[_]>::to_vec).collect())
    }
}

/// Some rows of a matrix.
///
/// # Errors
/// [`CudaError::Misfit`] for a row that is not there, or what the device says.
pub fn gather_rows(device: &Device, matrix: View<'_>, rows: &[u32]) -> Result<Vec<Vec<F>>, CudaError> {
    in_range(rows, matrix.rows())?;
    let count = rows.len() * matrix.columns();
    if count == 0 {
        return Ok(vec![Vec::new(); rows.len()]);
    }
    let (indices, gathered) = (device.upload(rows)?, device.allocate(count)?);
    let arguments = [
        matrix.into(),
        matrix.stride_argument(),
        Argument::Word(word(matrix.columns())?),
        (&indices).into(),
        Argument::Word(word(rows.len())?),
        (&gathered).into(),
    ];
    device.run(Family::Merkle, "gather_rows", Grid::over(count, THREADS)?, &arguments)?;
    let gathered = elements(device.read(gathered.all())?);
    Ok(gathered.chunks_exact(matrix.columns()).map(<[_]>::to_vec).collect())
}

fn in_range(rows: &[u32], count: usize) -> Result<(), CudaError> {
    match rows.iter().find(|row| **row as usize >= count) {
        Some(row) => Err(CudaError::Misfit(format!("row {row} of {count}"))),
        None => Ok(()),
    }
}

fn digests(words: Vec<u64>) -> Vec<Digest> {
    words.chunks_exact(DIGEST).map(|d| HashOut { elements: [F(d[0]), F(d[1]), F(d[2]), F(d[3])] }).collect()
}

fn log2(rows: usize) -> Result<usize, CudaError> {
    fits(rows.is_power_of_two(), || format!("{rows} leaves are no power of two"))?;
    Ok(rows.ilog2() as usize)
}
