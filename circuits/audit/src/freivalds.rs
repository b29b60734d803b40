//! Freivalds' check: a product of rows with a large constant matrix, without multiplying them in the circuit.
//!
//! With r in the quadratic extension, w_k the k-th row of the weights (cells minus zero points), and the *fold*
//! `v_k = sum_j w_kj r^j`:
//!
//! ```text
//! sum_k a_k v_k + sum_j base_j r^j = sum_j acc_j r^j
//! ```
//!
//! Both sides are polynomials in r of degree below N whose coefficients are the true accumulators and the claimed ones. If they
//! differ anywhere, at most N - 1 of |F^2| = p^2 values of r hide it: an error of N / 2^128 for each row. Equal modulo p
//! they are equal as integers where the true ones are small, which the program's bounds say; the claimed ones need no range.
//!
//! For that, r must not be known before the accumulators and the cells are fixed. It is the challenge of the subject, a hash
//! of all roots (and so of all cells of operands and results) and of the running digest of the accumulators of *all* checks, each
//! row hashed from the very wires that are checked; the wrapper recomputes it from where the chain of pieces ends.
//!
//! The folds are proven once for each weight matrix, from the rows under its root (`piece/fold.rs`); every piece that uses one
//! hashes it and compares with the subject's digest of all folds.

use std::collections::HashMap;

use janction_gadgets::{Builder, D, F, sponge};
use janction_program::commitment::{constant_root, depth_for};
use janction_program::{Program, Tensor};
use janction_protocol::Digest;
use janction_protocol::hash::hash;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::util::reducing::ReducingFactorTarget;

use crate::gate::extension_dot::{ExtensionDotGate, extension_dot};
use crate::linear::{Extent, Linear, Weights};
use crate::operation::{ProgramPlan, RowCheck};
use crate::preparation::Preparation;
use crate::requantise::element;
use crate::subject::SubjectTargets;
use crate::tags;

/// The quadratic extension.
pub(crate) type Extension = QuadraticExtension<F>;

/// The challenge as r.
pub(crate) fn point(challenge: Digest) -> Extension {
    QuadraticExtension([challenge.0[0], challenge.0[1]])
}

/// [`point`] in a circuit.
pub(crate) const fn point_target(subject: &SubjectTargets) -> ExtensionTarget<D> {
    ExtensionTarget([subject.challenge.elements[0], subject.challenge.elements[1]])
}

/// `sum_j x_j r^j`.
pub(crate) fn fold_at(values: impl DoubleEndedIterator<Item = i64>, r: Extension) -> Extension {
    values.rev().fold(Extension::ZERO, |sum, x| sum * r + Extension::from(element(x.into())))
}

/// [`fold_at`] in a circuit: a row for every 43 values.
pub(crate) fn fold_at_target(
    builder: &mut Builder,
    values: &[Target],
    r: ExtensionTarget<D>,
) -> ExtensionTarget<D> {
    ReducingFactorTarget::new(r).reduce_base(values, builder)
}

/// A weight matrix that is folded.
#[derive(Clone, Debug)]
pub(crate) struct FoldPlan {
    pub tensor: Tensor,
    /// What a byte of zero counts for, for each column.
    pub smallest: Vec<i64>,
    /// Root over the rows of the weights: a constant of the circuit.
    pub root: Digest,
    /// log2 of the rows of a piece, which are a block of the running digest.
    pub row_bits: usize,
}

/// Rows of circuit that folding takes for a row of weights, about: its bytes, its hash and its fold.
const fn rows_of(columns: usize) -> usize {
    columns.div_ceil(21) + columns.div_ceil(56) + columns.div_ceil(43) + 4
}

impl FoldPlan {
    /// The plan for these weights, in pieces of 2^`piece_bits` rows of circuit.
    pub fn new(program: &Program, weights: &Weights, piece_bits: usize) -> Self {
        Self::of(program.constant(weights.constant).clone(), weights.smallest.clone(), piece_bits)
    }

    /// The plan for a matrix of bytes.
    pub fn of_bytes(tensor: Tensor, piece_bits: usize) -> Self {
        let smallest = vec![0; tensor.columns()];
        Self::of(tensor, smallest, piece_bits)
    }

    fn of(tensor: Tensor, smallest: Vec<i64>, piece_bits: usize) -> Self {
        let root = constant_root(&tensor);
        // As many as fit a piece; one at least.
        let fits = |bits: &usize| rows_of(tensor.columns()) << bits <= (1 << piece_bits) * 9 / 10;
        let row_bits = (0..=usize::from(depth_for(tensor.rows()))).rev().find(fits).unwrap_or(0);
        Self { tensor, smallest, root, row_bits }
    }

    /// Pieces that folding takes.
    pub fn pieces(&self) -> usize {
        self.padded_rows() >> self.row_bits
    }

    /// The fold of each row of the weights.
    pub fn fold(&self, r: Extension) -> Vec<Extension> {
        let smallest = i64::from(self.tensor.dtype().min());
        (0..self.tensor.rows())
            .map(|k| {
                let columns = 0..self.tensor.columns();
                let weight = |j| i64::from(self.tensor.get(k, j)) - smallest + self.smallest[j];
                fold_at(columns.map(weight), r)
            })
            .collect()
    }

    /// Rows of the weights, filled up to whole pieces.
    pub fn padded_rows(&self) -> usize {
        self.tensor.rows().next_multiple_of(1 << self.row_bits)
    }

    /// The running digest after each piece of `fold`, the first one before any.
    pub fn digests(&self, fold: &[Extension]) -> Vec<Digest> {
        let mut digests = vec![Digest::ZERO];
        for block in fold.chunks(1 << self.row_bits) {
            let mut data = digests[digests.len() - 1].0.to_vec();
            data.extend(block.iter().flat_map(|v| v.0));
            data.resize(4 + (D << self.row_bits), F::ZERO);
            digests.push(hash(tags::FOLD, &data));
        }
        digests
    }
}

/// Appends blocks to the running digest of a fold.
pub(crate) fn digest_target(
    builder: &mut Builder,
    before: HashOutTarget,
    fold: &[ExtensionTarget<D>],
    row_bits: usize,
) -> HashOutTarget {
    fold.chunks(1 << row_bits).fold(before, |digest, block| {
        let mut data = digest.elements.to_vec();
        data.extend(block.iter().flat_map(|v| v.0));
        let zero = builder.zero();
        data.resize(4 + (D << row_bits), zero);
        sponge::hash(builder, tags::FOLD, &data)
    })
}

/// Digest of all folds.
pub(crate) fn folds_digest(folds: &[Digest]) -> Digest {
    if folds.is_empty() {
        return Digest::ZERO;
    }
    hash(tags::FOLDS, &folds.iter().flat_map(|fold| fold.0).collect::<Vec<_>>())
}

/// The digests of all folds, in a piece that uses or makes some.
#[derive(Clone, Debug)]
pub(crate) struct FoldsTargets(pub Vec<HashOutTarget>);

impl FoldsTargets {
    /// *Enforced*: they are those of the subject.
    pub fn new(builder: &mut Builder, subject: &SubjectTargets, count: usize) -> Self {
        let folds = builder.add_virtual_hashes(count);
        let data: Vec<Target> = folds.iter().flat_map(|fold| fold.elements).collect();
        let digest = sponge::hash(builder, tags::FOLDS, &data);
        builder.connect_hashes(digest, subject.folds);
        Self(folds)
    }

    pub fn assign(&self, inputs: &mut PartialWitness<F>, folds: &[Digest]) -> anyhow::Result<()> {
        let mut pairs = self.0.iter().zip(folds);
        pairs.try_for_each(|(&t, digest)| inputs.set_hash_target(t, HashOut { elements: digest.0 }))
    }
}

/// A fold that is used in a piece.
#[derive(Clone, Debug)]
pub(crate) struct FoldTargets {
    pub fold: Vec<ExtensionTarget<D>>,
}

impl FoldTargets {
    /// *Enforced*: it is the fold of digest `digest`.
    pub fn new(builder: &mut Builder, plan: &FoldPlan, digest: HashOutTarget) -> Self {
        let fold = builder.add_virtual_extension_targets(plan.padded_rows());
        let zero = builder.constant_hash(HashOut::ZERO);
        let computed = digest_target(builder, zero, &fold, plan.row_bits);
        builder.connect_hashes(computed, digest);
        Self { fold }
    }

    pub fn assign(&self, inputs: &mut PartialWitness<F>, fold: &[Extension]) -> anyhow::Result<()> {
        for (i, &target) in self.fold.iter().enumerate() {
            inputs.set_extension_target(target, fold.get(i).copied().unwrap_or(Extension::ZERO))?;
        }
        Ok(())
    }
}

/// What the row checks of a stage use in one piece.
#[derive(Debug)]
pub(crate) struct StageFolds {
    pub r: ExtensionTarget<D>,
    pub digests: FoldsTargets,
    /// With their numbers.
    pub folds: Vec<(usize, FoldTargets)>,
    pub bases: HashMap<usize, Bases>,
}

/// The part of [`StageFolds`] that the prover sets.
#[derive(Clone, Debug)]
pub(crate) struct StageFoldsTargets {
    digests: FoldsTargets,
    folds: Vec<(usize, FoldTargets)>,
}

impl StageFolds {
    /// The folds that operations `steps` use; `None` if they use none.
    pub fn new(
        builder: &mut Builder,
        subject: &SubjectTargets,
        plan: &ProgramPlan,
        steps: &[usize],
    ) -> Option<Self> {
        let used = steps.iter().filter_map(|&k| match plan.steps[k].check {
            RowCheck::Freivalds { fold, .. } => Some(fold),
            _ => None,
        });
        let sketch = plan.sketch.iter().map(|sketch| sketch.fold);
        let used: Vec<usize> = used.chain(sketch).collect();
        if used.is_empty() {
            return None;
        }
        let digests = FoldsTargets::new(builder, subject, plan.folds.len());
        let folds = used
            .into_iter()
            .map(|index| (index, FoldTargets::new(builder, &plan.folds[index], digests.0[index])))
            .collect();
        Some(Self { r: point_target(subject), digests, folds, bases: HashMap::new() })
    }

    /// *Enforced*: as [`AccumulatorTargets::new`] for fold number `index`.
    pub fn accumulators(
        &mut self,
        builder: &mut Builder,
        operation: &dyn Linear,
        index: usize,
        cells: &[Target],
    ) -> AccumulatorTargets {
        let fold = self.fold(index).to_vec();
        let bases = self.bases.entry(index).or_default();
        AccumulatorTargets::new(builder, operation, bases, &fold, self.r, cells)
    }

    /// Fold number `index`, which the stage uses.
    pub fn fold(&self, index: usize) -> &[ExtensionTarget<D>] {
        let fold = self.folds.iter().find(|(number, _)| *number == index);
        &fold.expect("a stage has the folds that it uses").1.fold
    }

    pub fn targets(&self) -> StageFoldsTargets {
        StageFoldsTargets { digests: self.digests.clone(), folds: self.folds.clone() }
    }
}

impl StageFoldsTargets {
    pub fn assign(&self, inputs: &mut PartialWitness<F>, preparation: &Preparation) -> anyhow::Result<()> {
        self.digests.assign(inputs, &preparation.fold_digests)?;
        self.folds.iter().try_for_each(|(index, fold)| fold.assign(inputs, &preparation.folds[*index]))
    }
}

/// A row's accumulators of one operation, as a witness.
#[derive(Clone, Debug)]
pub(crate) struct AccumulatorTargets {
    /// In the order of the groups.
    pub accumulators: Vec<Target>,
    /// Their digest: `H(ACCUMULATORS, accumulators)`.
    pub digest: HashOutTarget,
}

/// What the bases of an operation fold to, each computed once a piece.
#[derive(Debug, Default)]
pub(crate) struct Bases(HashMap<Vec<i64>, ExtensionTarget<D>>);

impl Bases {
    fn get(&mut self, builder: &mut Builder, bases: Vec<i64>, r: ExtensionTarget<D>) -> ExtensionTarget<D> {
        if let Some(&known) = self.0.get(&bases) {
            return known;
        }
        let values: Vec<Target> = bases.iter().map(|&base| builder.constant(element(base.into()))).collect();
        let folded = fold_at_target(builder, &values, r);
        self.0.insert(bases, folded);
        folded
    }
}

impl AccumulatorTargets {
    /// *Enforced*: if the fold is that of the weights and r is random, these are the accumulators of `cells` (bytes); the
    /// digest is theirs.
    pub fn new(
        builder: &mut Builder,
        operation: &dyn Linear,
        bases: &mut Bases,
        fold: &[ExtensionTarget<D>],
        r: ExtensionTarget<D>,
        cells: &[Target],
    ) -> Self {
        let mut all = Vec::new();
        for index in 0..operation.extent().groups {
            let group = operation.group(index);
            let accumulators = builder.add_virtual_targets(group.accumulators.len());
            let values: Vec<Target> = group.cells.iter().map(|&k| cells[k]).collect();
            let factors: Vec<ExtensionTarget<D>> = group.rows.iter().map(|&k| fold[k]).collect();
            let dot = extension_dot(builder, &values, &factors);
            let base = bases.get(builder, group.accumulators.iter().map(|acc| acc.base).collect(), r);
            let left = builder.add_extension(dot, base);
            let right = fold_at_target(builder, &accumulators, r);
            builder.connect_extension(left, right);
            all.extend(accumulators);
        }
        let digest = sponge::hash(builder, tags::ACCUMULATORS, &all);
        Self { accumulators: all, digest }
    }

    pub fn assign(&self, inputs: &mut PartialWitness<F>, accumulators: &[i64]) -> anyhow::Result<()> {
        let mut pairs = self.accumulators.iter().zip(accumulators);
        pairs.try_for_each(|(&target, &acc)| inputs.set_target(target, element(acc.into())))
    }
}

/// The accumulators of a row, in the order of the groups.
pub(crate) fn accumulators(operation: &dyn Linear, cells: &[u8]) -> Vec<i64> {
    (0..operation.extent().groups).flat_map(|index| operation.group(index).accumulate(cells)).collect()
}

/// The digest of a row's accumulators.
pub(crate) fn accumulators_digest(accumulators: &[i64]) -> Digest {
    hash(tags::ACCUMULATORS, &accumulators.iter().map(|&acc| element(acc.into())).collect::<Vec<_>>())
}

/// The running digest of checked accumulators after a piece with these rows' digests; without rows it stays what it is.
pub(crate) fn checked_digest(before: Digest, rows: &[Digest]) -> Digest {
    if rows.is_empty() {
        return before;
    }
    let data: Vec<F> = before.0.into_iter().chain(rows.iter().flat_map(|row| row.0)).collect();
    hash(tags::CHECKED, &data)
}

/// [`checked_digest`] in a circuit; without rows it stays what it is.
pub(crate) fn checked_after(
    builder: &mut Builder,
    before: HashOutTarget,
    rows: &[HashOutTarget],
) -> HashOutTarget {
    if rows.is_empty() {
        return before;
    }
    let data: Vec<Target> =
        before.elements.into_iter().chain(rows.iter().flat_map(|row| row.elements)).collect();
    sponge::hash(builder, tags::CHECKED, &data)
}

/// Rows of circuit that the check of a row takes before requantisation, about.
pub(crate) fn rows(operation: &dyn Linear) -> usize {
    let Extent { groups, terms, members } = operation.extent();
    // In parts of a row: dot product, fold, hash.
    let group =
        100 * terms.div_ceil(ExtensionDotGate::TERMS) + 100 * members.div_ceil(43) + 100 * members / 8 + 20;
    groups.saturating_mul(group) / 100
}
