//! A piece: one circuit that checks a fixed number of rows of one program under one policy.
//!
//! *Public inputs*: the audit state before and after the piece (a segment). *Enforced*: see [`full`] and [`drawn`].

pub(crate) mod drawn;
pub(crate) mod full;

use janction_aggregate::config::{C, Circuit};
use janction_gadgets::{Builder, F, sponge};
use janction_program::Program;
use janction_protocol::{Digest, hash::tag};
use janction_trace::{CommittedTensor, Openings, OpeningsError, Policy, Trace};
use plonky2::hash::hash_types::{HashOut, HashOutTarget};
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::error::inputs_error;
use crate::gate::piece_config;
use crate::limits::{MAX_PIECE_BITS, MAX_PIECE_BLOCKS, MAX_PIECE_ROW_BITS, PIECE_BITS};
use crate::operation::ProgramPlan;
use crate::subject::{Mode, Subject, SubjectTargets};
use crate::{AuditError, piece::drawn::DrawnTargets, piece::full::FullTargets};

pub(crate) const NAME: &str = "audit piece";

/// Number k of tensors, the input first; roots in that order.
#[derive(Clone, Debug)]
pub(crate) struct RootTargets(pub Vec<HashOutTarget>);

impl RootTargets {
    /// The roots of all tensors.
    ///
    /// *Enforced*: the input's is the subject's input root, the output's its output root, and the committed tensors'
    /// hash to its trace root.
    fn new(builder: &mut Builder, plan: &ProgramPlan, subject: &SubjectTargets) -> Self {
        let mut roots = vec![subject.input_root];
        roots.extend(builder.add_virtual_hashes(plan.steps.len()));
        let data: Vec<_> = roots[1..].iter().flat_map(|root| root.elements).collect();
        let trace_root = sponge::hash(builder, tag::TRACE, &data);
        builder.connect_hashes(trace_root, subject.trace_root);
        builder.connect_hashes(roots[plan.output], subject.output_root);
        Self(roots)
    }

    /// Sets the roots of the committed tensors.
    fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        roots: impl Iterator<Item = Digest>,
    ) -> anyhow::Result<()> {
        self.0[1..].iter().zip(roots).try_for_each(|(target, root)| set_digest(inputs, *target, root))
    }
}

/// The k-th tensor of a trace, the input first.
pub(crate) fn tensor(trace: &Trace, k: usize) -> &CommittedTensor {
    if k == 0 { trace.input() } else { &trace.tensors()[k - 1] }
}

/// Sets a digest.
pub(crate) fn set_digest(
    inputs: &mut PartialWitness<F>,
    target: HashOutTarget,
    digest: Digest,
) -> anyhow::Result<()> {
    inputs.set_hash_target(target, HashOut { elements: digest.0 })
}

/// Sets `bits` to the low bits of `value`.
pub(crate) fn set_bits(
    inputs: &mut PartialWitness<F>,
    bits: &[BoolTarget],
    value: usize,
) -> anyhow::Result<()> {
    for (i, bit) in bits.iter().enumerate() {
        inputs.set_bool_target(*bit, value >> i & 1 == 1)?;
    }
    Ok(())
}

/// What the prover sets.
#[derive(Clone, Debug)]
pub(crate) enum PieceTargets {
    Full(FullTargets),
    Drawn(DrawnTargets),
}

/// What a piece checks, and so what its circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// 2^row_bits neighbouring rows of every operation.
    Full { row_bits: usize },
    /// Four times as many draws of every operation.
    Drawn { blocks: usize },
}

impl Size {
    /// The largest size that may be tried.
    fn largest(policy: Policy, depth: usize) -> Self {
        match policy {
            Policy::Full => Self::Full { row_bits: depth.min(MAX_PIECE_ROW_BITS) },
            Policy::Rows(s) => {
                let blocks = (s as usize).div_ceil(janction_trace::draw::DRAWS_PER_HASH);
                Self::Drawn { blocks: blocks.clamp(1, MAX_PIECE_BLOCKS) }
            }
        }
    }

    #[cfg(test)]
    fn of(policy: Policy, row_bits: usize, blocks: usize) -> Self {
        match policy {
            Policy::Full => Self::Full { row_bits },
            Policy::Rows(_) => Self::Drawn { blocks },
        }
    }

    /// The next smaller one.
    fn smaller(self) -> Option<Self> {
        match self {
            Self::Full { row_bits } => Some(Self::Full { row_bits: row_bits.checked_sub(1)? }),
            Self::Drawn { blocks: 1 } => None,
            Self::Drawn { blocks } => Some(Self::Drawn { blocks: blocks / 2 }),
        }
    }

    fn builder(self, program: &Program, plan: &ProgramPlan) -> (Builder, PieceTargets) {
        let mut builder = Builder::new(piece_config());
        let depth = program.depth().into();
        let digest = program.digest();
        let targets = match self {
            Self::Full { row_bits } => {
                let subject = SubjectTargets::of_piece(&mut builder, digest, Mode::Full);
                PieceTargets::Full(FullTargets::build(&mut builder, plan, subject, depth, row_bits))
            }
            Self::Drawn { blocks } => {
                let subject = SubjectTargets::of_piece(&mut builder, digest, Mode::Drawn);
                PieceTargets::Drawn(DrawnTargets::build(&mut builder, plan, subject, depth, blocks))
            }
        };
        (builder, targets)
    }
}

/// The circuit of a program's pieces.
#[derive(Debug)]
pub(crate) struct PieceCircuit {
    pub data: Circuit,
    pub targets: PieceTargets,
    size: Size,
}

impl PieceCircuit {
    /// Builds the circuit with as many row checks as fit 2^[`PIECE_BITS`] rows, the constants of all sizes being about
    /// the same. The size depends on program and policy only.
    ///
    /// # Errors
    /// [`AuditError::PieceTooLarge`] when the smallest piece does not fit 2^[`MAX_PIECE_BITS`] rows.
    pub fn build(program: &Program, plan: &ProgramPlan, policy: Policy) -> Result<Self, AuditError> {
        let depth = program.depth().into();
        // Smallest first, so that no builder ever holds much more than fits.
        let sizes: Vec<Size> =
            std::iter::successors(Some(Size::largest(policy, depth)), |s| s.smaller()).collect();
        let mut last = None;
        for &size in sizes.iter().rev() {
            let limit = if last.is_none() { MAX_PIECE_BITS } else { PIECE_BITS };
            let (builder, targets) = size.builder(program, plan);
            if builder.num_gates() > 1 << limit {
                break;
            }
            last = Some((builder, targets, size));
        }
        let too_large = |got_bits| AuditError::PieceTooLarge {
            program: program.name().into(),
            got_bits,
            limit_bits: MAX_PIECE_BITS,
        };
        let (builder, targets, size) = last.ok_or_else(|| too_large(MAX_PIECE_BITS + 1))?;
        let piece = Self { data: builder.build::<C>(), targets, size };
        // Constants and public inputs take rows, too.
        let limit = if size.smaller().is_none() { MAX_PIECE_BITS } else { PIECE_BITS };
        if piece.data.common.degree_bits() <= limit {
            return Ok(piece);
        }
        let size = size.smaller().ok_or_else(|| too_large(piece.data.common.degree_bits()))?;
        let (builder, targets) = size.builder(program, plan);
        let piece = Self { data: builder.build::<C>(), targets, size };
        match piece.data.common.degree_bits() {
            bits if bits <= MAX_PIECE_BITS => Ok(piece),
            bits => Err(too_large(bits)),
        }
    }

    /// The size as a number, for [`Self::restore`].
    pub fn size_code(&self) -> u32 {
        match self.size {
            Size::Full { row_bits } => row_bits as u32,
            Size::Drawn { blocks } => blocks as u32,
        }
    }

    /// The same circuit around data that was built before. The caller must ensure that `data` is this circuit's.
    ///
    /// Returns `None` when no piece has this size.
    pub fn restore(
        program: &Program,
        plan: &ProgramPlan,
        policy: Policy,
        size_code: u32,
        data: Circuit,
    ) -> Option<Self> {
        let largest = Size::largest(policy, program.depth().into());
        let size = std::iter::successors(Some(largest), |size| size.smaller()).find(|size| match *size {
            Size::Full { row_bits } => row_bits as u32 == size_code,
            Size::Drawn { blocks } => blocks as u32 == size_code,
        })?;
        let (_, targets) = size.builder(program, plan);
        Some(Self { data, targets, size })
    }

    /// A piece of a given size: 2^`row_bits` rows, or `blocks` times four draws.
    #[cfg(test)]
    pub fn of_size(
        program: &Program,
        plan: &ProgramPlan,
        policy: Policy,
        row_bits: usize,
        blocks: usize,
    ) -> Self {
        let size = Size::of(policy, row_bits, blocks);
        let (builder, targets) = size.builder(program, plan);
        Self { data: builder.build::<C>(), targets, size }
    }

    /// Rows of circuit of a piece of a given size, before constants and padding.
    #[cfg(test)]
    pub fn gates(
        program: &Program,
        plan: &ProgramPlan,
        policy: Policy,
        row_bits: usize,
        blocks: usize,
    ) -> usize {
        Size::of(policy, row_bits, blocks).builder(program, plan).0.num_gates()
    }

    /// Positions that a piece covers: rows under `full`, draws of each operation under `rows`.
    pub fn step(&self) -> u32 {
        match self.size {
            Size::Full { row_bits } => 1 << row_bits,
            Size::Drawn { blocks } => (blocks * janction_trace::draw::DRAWS_PER_HASH) as u32,
        }
    }

    /// The inputs of the piece that starts at position `from`, without a look at whether it is true. Rows and paths of the
    /// openings are of the program's form.
    ///
    /// # Errors
    /// [`AuditError::Openings`] when they are of another policy or too few.
    pub fn assign(
        &self,
        plan: &ProgramPlan,
        subject: &Subject,
        openings: &Openings,
        from: u32,
    ) -> Result<PartialWitness<F>, AuditError> {
        let mut inputs = PartialWitness::new();
        let other = |policy, wanted| OpeningsError::Policy { policy, wanted };
        match (&self.targets, openings) {
            (PieceTargets::Full(targets), Openings::Full(trace)) => {
                targets.assign(&mut inputs, plan, subject, trace, from as usize)
            }
            (PieceTargets::Drawn(targets), Openings::Drawn(rows)) => {
                let (end, got) = ((from + self.step()) as usize, rows.draws());
                if got < end {
                    return Err(OpeningsError::Draws { least: end, most: end, got }.into());
                }
                targets.assign(&mut inputs, plan, subject, rows, from as usize)
            }
            (PieceTargets::Full(_), _) => return Err(other(Policy::Full, "the whole trace").into()),
            (PieceTargets::Drawn(_), _) => {
                return Err(other(Policy::Rows(self.step()), "the drawn rows").into());
            }
        }
        .map_err(inputs_error(NAME))?;
        Ok(inputs)
    }
}
