use janction_accel_cuda::{CudaError, Device, Digest, Matrix, MerkleTree, gather_rows, ntt};
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::Hasher;

use crate::hasher::digest;
use crate::plonk::{Opened, Stage, Stages};
use crate::{D, F};

/// Committed polynomials of one degree bound: coefficients and Merkle tree. The leaves are computed when they are needed,
/// one coset at a time.
pub(super) struct Oracle {
    pub(super) coefficients: Matrix,
    tree: MerkleTree,
    rate_bits: usize,
}

impl Oracle {
    /// Commits to polynomials.
    pub(super) fn new(
        device: &Device,
        coefficients: Matrix,
        common: &CommonCircuitData<F, D>,
        stages: &mut Stages,
    ) -> Result<Self, CudaError> {
        let FriConfig { rate_bits, cap_height, .. } = common.config.fri_config;
        let (rows, columns) = (coefficients.rows(), coefficients.columns());
        let tree = MerkleTree::allocate(device, common.degree_bits() + rate_bits, cap_height)?;
        let coset = Matrix::allocate(device, rows, columns)?;
        for i in 0..1 << rate_bits {
            let extend = || {
                let (from, to) = (coefficients.view(), coset.view());
                ntt::extend_coset(device, from, rate_bits, F::coset_shift(), i, to)?;
                device.synchronise()
            };
            stages.time(Stage::Extend, extend)?;
            stages.time(Stage::Merkle, || {
                tree.hash_rows(device, coset.view(), i * rows)?;
                device.synchronise()
            })?;
        }
        stages.time(Stage::Merkle, || tree.finish(device))?;
        Ok(Self { coefficients, tree, rate_bits })
    }

    pub(super) fn cap<H: Hasher<F>>(&self, device: &Device) -> Result<MerkleCap<F, H>, CudaError> {
        cap(&self.tree, device)
    }

    /// All polynomials at these positions, and the paths that prove them.
    pub(super) fn open<H: Hasher<F>>(
        &self,
        device: &Device,
        positions: &[usize],
    ) -> Result<Vec<Opened<H>>, CudaError> {
        let rows = self.coefficients.rows();
        let mut leaves = vec![Vec::new(); positions.len()];
        let coset = Matrix::allocate(device, rows, self.coefficients.columns())?;
        for i in 0..1 << self.rate_bits {
            let queried: Vec<usize> = (0..positions.len()).filter(|&q| positions[q] / rows == i).collect();
            if !queried.is_empty() {
                let (from, to) = (self.coefficients.view(), coset.view());
                ntt::extend_coset(device, from, self.rate_bits, F::coset_shift(), i, to)?;
                let within: Vec<u32> = queried.iter().map(|&q| (positions[q] % rows) as u32).collect();
                for (q, leaf) in queried.into_iter().zip(gather_rows(device, coset.view(), &within)?) {
                    leaves[q] = leaf;
                }
            }
        }
        Ok(leaves.into_iter().zip(paths(&self.tree, device, positions)?).collect())
    }
}

/// A tree's cap under the hasher's name for it.
pub(super) fn cap<H: Hasher<F>>(tree: &MerkleTree, device: &Device) -> Result<MerkleCap<F, H>, CudaError> {
    Ok(MerkleCap(tree.cap(device)?.iter().map(digest::<H>).collect()))
}

/// The paths of these leaves.
pub(super) fn paths<H: Hasher<F>>(
    tree: &MerkleTree,
    device: &Device,
    leaves: &[usize],
) -> Result<Vec<MerkleProof<F, H>>, CudaError> {
    let leaves: Vec<u32> = leaves.iter().map(|&leaf| leaf as u32).collect();
    let proof = |path: Vec<Digest>| MerkleProof { siblings: path.iter().map(digest::<H>).collect() };
    Ok(tree.paths(device, &leaves)?.into_iter().map(proof).collect())
}
