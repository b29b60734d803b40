//! The row check of each operation, one file each, named as in every other room.
//!
//! A row check says: this row of an operation's output was computed rightly from these rows of its operands. The
//! rows are [`RowTargets`], whose cells are range-checked and hashed by the same wires.

pub(crate) mod add;
pub(crate) mod averagepool;
pub(crate) mod concat;
pub(crate) mod conv;
pub(crate) mod lookup;
pub(crate) mod matmul;
pub(crate) mod maxpool;
pub(crate) mod reshape;
pub(crate) mod transpose;

use std::sync::Arc;

use janction_gadgets::{Builder, F};
use janction_program::{Cells, Conv, Operation, Program, Source, Step, reference};
use janction_protocol::Digest;
use janction_trace::Policy;
use janction_trace::draw::DRAWS_PER_HASH;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::freivalds::{self, AccumulatorTargets, FoldPlan, StageFolds};
use crate::layout::Layout;
use crate::limits::MAX_PIECE_BITS;
#[cfg(test)]
use crate::limits::PIECE_BITS;
use crate::linear::{Linear, LinearPlan, LinearTargets};
use crate::operation::add::AddPlan;
use crate::operation::averagepool::AveragePoolPlan;
use crate::operation::conv::ConvPlan;
use crate::operation::lookup::LookupPlan;
use crate::operation::matmul::{MatMulPlan, rescale};
use crate::operation::maxpool::MaxPoolPlan;
use crate::row::{RowShape, RowTargets};
use crate::sketch::SketchPlan;

/// What the row checks of a program need to know, derived once.
#[derive(Clone, Debug)]
pub(crate) struct ProgramPlan {
    /// Rows of the input, then of each committed tensor.
    pub shapes: Vec<RowShape>,
    /// One for each committed tensor.
    pub steps: Vec<StepPlan>,
    /// Tensor that holds the output's rows.
    pub output: usize,
    /// The weights that are folded, and the constants of sketches.
    pub folds: Vec<FoldPlan>,
    /// How rows are opened that were committed to by sketches.
    pub sketch: Option<SketchPlan>,
    /// A row of each tensor with true row checks, for positions without a row: what the program makes of the smallest
    /// cells.
    pub dummy: Vec<Cells>,
}

/// How one committed tensor is checked.
#[derive(Clone, Debug)]
pub(crate) struct StepPlan {
    /// Name of the operation's output.
    pub name: String,
    /// Tensors that hold the operands' cells, each once, in the order in which they are opened.
    pub operands: Vec<usize>,
    /// The tensor of the operation's result.
    pub output: usize,
    /// The cells of all operands, one value after the other: which of `operands` holds each, and in which column.
    pub cells: Vec<(usize, usize)>,
    /// Its row check.
    pub check: RowCheck,
}

/// The row check of an operation that is no view.
#[derive(Clone, Debug)]
pub(crate) enum RowCheck {
    /// By recomputation, with the weights as constants of the circuit.
    Linear(Arc<dyn Linear>, LinearPlan),
    /// By Freivalds' check with fold number `fold`.
    Freivalds {
        operation: Arc<dyn Linear>,
        /// From accumulators to cells.
        plan: LinearPlan,
        fold: usize,
    },
    Lookup(LookupPlan),
    MaxPool(MaxPoolPlan),
}

/// What the prover sets in one row check, besides the rows.
#[derive(Clone, Debug)]
pub(crate) enum CheckTargets {
    Linear(LinearTargets),
    Freivalds(AccumulatorTargets, LinearTargets),
    None,
}

impl CheckTargets {
    /// The digest of the accumulators that Freivalds' check is made of, if it is one.
    pub fn digest(&self) -> Option<HashOutTarget> {
        match self {
            Self::Freivalds(accumulators, _) => Some(accumulators.digest),
            Self::Linear(_) | Self::None => None,
        }
    }
}

/// Number of the tensor that a source names: 0 is the input, k + 1 the k-th committed tensor.
pub(crate) const fn tensor_of(source: Source) -> usize {
    match source {
        Source::Input => 0,
        Source::Trace(k) => k + 1,
    }
}

impl ProgramPlan {
    /// The plan of `program` under `policy` in pieces of 2^`bits` rows of circuit: operations get Freivalds' check where that is
    /// cheaper, for `rows` rows, or for as many as are drawn.
    pub fn new(program: &Program, policy: Policy, bits: usize, rows: usize) -> Self {
        let rows = match policy {
            Policy::Full => rows,
            Policy::Rows(s) => s as usize,
        };
        // Pieces that fold weights are as large as all others.
        Self::with(program, bits, |[recomputed, freivalds], fold| {
            // Every piece of rows hashes the fold.
            let hashed = fold.padded_rows() / 4;
            // Few rows do not pay for a fold; but one that does not fit a piece cannot be recomputed.
            hashed <= 1 << (bits - 1)
                && (freivalds * rows + (fold.pieces() << bits) < recomputed * rows
                    || recomputed > 1 << MAX_PIECE_BITS)
        })
    }

    /// The plan of a job's audit.
    #[cfg(test)]
    pub fn of_audit(program: &Program, policy: Policy) -> Self {
        Self::new(program, policy, PIECE_BITS, program.max_rows())
    }

    /// Rows of circuit that the least check of a step takes, about: of one row, or under scheme 2 of what opens whole blocks: a block
    /// under `full`, four draws with a block each otherwise. It is known before anything is laid out.
    pub fn least_rows(&self, step: &StepPlan, policy: Policy) -> usize {
        let Some(sketch) = &self.sketch else { return step.rows() };
        let block = sketch.block_rows();
        let opened = step.operands.iter().chain([&step.output]).map(|&t| {
            // Bytes, hash and value at the challenge of each cell; s, carries, h.
            (block * self.shapes[t].columns).div_ceil(11).saturating_add(350)
        });
        let opened = opened.fold(0, usize::saturating_add);
        match policy {
            Policy::Full => step.rows().saturating_mul(block).saturating_add(opened),
            Policy::Rows(_) => step.rows().saturating_add(opened).saturating_mul(DRAWS_PER_HASH),
        }
    }

    /// The plan where every operation gets Freivalds' check that can have it.
    #[cfg(test)]
    pub fn of_freivalds(program: &Program) -> Self {
        Self::with(program, PIECE_BITS, |_, _| true)
    }

    /// The plan where `is_cheaper` says which operations get Freivalds' check: from the rows of circuit that a row takes by
    /// recomputation and by that check, and the fold.
    fn with(program: &Program, bits: usize, is_cheaper: impl Fn([usize; 2], &FoldPlan) -> bool) -> Self {
        let shape = |source| {
            let value = program.tensor(source);
            RowShape { dtype: value.dtype, columns: value.columns() }
        };
        let mut shapes = vec![shape(Source::Input)];
        let mut steps = Vec::new();
        for (k, step) in program.committed_steps().enumerate() {
            shapes.push(shape(Source::Trace(k)));
            steps.push(StepPlan::new(program, step, k + 1));
        }
        let input = program.input();
        let smallest = vec![i64::from(input.dtype.min()); input.columns()];
        let smallest = Cells::from_values(input.dtype, &smallest).expect("the smallest value is the type's");
        let values = reference::run_row(program, smallest);
        let mut dummy = vec![values[0].clone()];
        let results = program.steps().iter().zip(&values[1..]);
        dummy
            .extend(results.filter(|(step, _)| !step.operation.kind().is_view()).map(|(_, row)| row.clone()));
        let mut folds = choose(program, bits, is_cheaper, &mut steps);
        let sketch = SketchPlan::new(program, &shapes, bits, &mut folds);
        Self { shapes, steps, output: tensor_of(program.output_source()), folds, sketch, dummy }
    }
}

/// Gives operations Freivalds' check.
fn choose(
    program: &Program,
    bits: usize,
    is_cheaper: impl Fn([usize; 2], &FoldPlan) -> bool,
    steps: &mut [StepPlan],
) -> Vec<FoldPlan> {
    let mut folds = Vec::new();
    for (step, program_step) in steps.iter_mut().zip(program.committed_steps()) {
        let RowCheck::Linear(operation, recomputed) = &step.check else { continue };
        let Some(weights) = operation.weights() else { continue };
        let (Operation::MatMul(op) | Operation::Conv(Conv { product: op, .. })) = &program_step.operation
        else {
            continue;
        };
        let plan = LinearPlan::of_accumulators(&**operation, rescale(op, program_step.output.dtype));
        let fold = FoldPlan::new(program, weights, bits);
        let per_row = freivalds::rows(&**operation) + plan.rows_of_accumulators(&**operation);
        if is_cheaper([recomputed.rows(&**operation), per_row], &fold) {
            let operation = Arc::clone(operation);
            step.check = RowCheck::Freivalds { operation, plan, fold: folds.len() };
            folds.push(fold);
        }
    }
    folds
}

impl StepPlan {
    fn new(program: &Program, step: &Step, output: usize) -> Self {
        let sources = program.operands(step);
        let place = |source| sources.iter().position(|s| *s == source).expect("operands name all sources");
        let values = step.operation.inputs();
        let cells = values.iter().flat_map(|&id| program.arrangement(id));
        let dtype = step.output.dtype;
        let linear = |operation: Arc<dyn Linear>, rescale| {
            let plan = LinearPlan::new(&*operation, rescale);
            RowCheck::Linear(operation, plan)
        };
        let check = match &step.operation {
            Operation::MatMul(op) => linear(Arc::new(MatMulPlan::new(program, op)), rescale(op, dtype)),
            Operation::Conv(op) => linear(Arc::new(ConvPlan::new(program, op)), rescale(&op.product, dtype)),
            Operation::Add(op) => linear(Arc::new(AddPlan::new(program, op)), AddPlan::rescale(op, dtype)),
            Operation::AveragePool(op) => {
                linear(Arc::new(AveragePoolPlan::new(program, op)), AveragePoolPlan::rescale(op, dtype))
            }
            Operation::Lookup(op) => RowCheck::Lookup(LookupPlan::new(program, op)),
            Operation::MaxPool(op) => RowCheck::MaxPool(MaxPoolPlan::new(program, op)),
            Operation::Reshape(_) | Operation::Transpose(_) | Operation::Concat(_) => {
                unreachable!("a view commits to nothing, so it is not among the committed steps")
            }
        };
        Self {
            name: step.output.name.clone(),
            operands: sources.iter().map(|&source| tensor_of(source)).collect(),
            output,
            cells: cells.map(|cell| (place(cell.source), cell.column)).collect(),
            check,
        }
    }

    /// Rows of circuit that the check of a row takes, about, without opening it.
    pub fn rows(&self) -> usize {
        match &self.check {
            RowCheck::Linear(operation, plan) => plan.rows(&**operation),
            RowCheck::Freivalds { operation, plan, .. } => {
                freivalds::rows(&**operation) + plan.rows_of_accumulators(&**operation)
            }
            RowCheck::Lookup(_) => self.cells.len() / 40,
            RowCheck::MaxPool(plan) => plan.rows(),
        }
    }

    /// The operands' cells, from the rows of [`Self::operands`].
    pub fn gather<T: Copy>(&self, rows: &[&[T]]) -> Vec<T> {
        self.cells.iter().map(|&(operand, column)| rows[operand][column]).collect()
    }

    /// Enforces that `output` is the operation's result for these rows of the operands, as soon as `layout` is finished.
    pub fn build(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        folds: Option<&mut StageFolds>,
        operands: &[&RowTargets],
        output: &RowTargets,
    ) -> CheckTargets {
        let rows: Vec<&[Target]> = operands.iter().map(|row| &row.cells[..]).collect();
        let (cells, output) = (self.gather(&rows), &output.cells);
        match &self.check {
            RowCheck::Linear(operation, plan) => {
                CheckTargets::Linear(plan.build(&**operation, builder, layout, &cells, output))
            }
            RowCheck::Freivalds { operation, plan, fold } => {
                let folds = folds.expect("a stage has the folds of its operations");
                let accumulators = folds.accumulators(builder, &**operation, *fold, &cells);
                let targets = plan.build_of_accumulators(
                    &**operation,
                    builder,
                    layout,
                    &accumulators.accumulators,
                    output,
                );
                CheckTargets::Freivalds(accumulators, targets)
            }
            RowCheck::Lookup(plan) => {
                plan.build(builder, layout, &cells, output);
                CheckTargets::None
            }
            RowCheck::MaxPool(plan) => {
                plan.build(builder, layout, &cells, output);
                CheckTargets::None
            }
        }
    }

    /// Sets what the prover contributes to a check of these rows. If the output is wrong, no assignment satisfies the
    /// check, and this is one that does not.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        targets: &CheckTargets,
        operands: &[&Cells],
        output: &Cells,
    ) -> anyhow::Result<()> {
        let (operation, plan) = match &self.check {
            RowCheck::Linear(operation, plan) | RowCheck::Freivalds { operation, plan, .. } => {
                (operation, plan)
            }
            RowCheck::Lookup(_) | RowCheck::MaxPool(_) => return Ok(()),
        };
        let cells = self.bytes(operands);
        match targets {
            CheckTargets::Linear(targets) => {
                plan.assign(&**operation, inputs, targets, &cells, &|j| output.get(j))
            }
            CheckTargets::Freivalds(accumulators, targets) => {
                accumulators.assign(inputs, &freivalds::accumulators(&**operation, &cells))?;
                plan.assign(&**operation, inputs, targets, &cells, &|j| output.get(j))
            }
            CheckTargets::None => Ok(()),
        }
    }

    /// The operands' cells as bytes.
    fn bytes(&self, operands: &[&Cells]) -> Vec<u8> {
        let rows: Vec<Vec<u8>> = operands.iter().map(|cells| bytes(cells)).collect();
        let rows: Vec<&[u8]> = rows.iter().map(|row| &row[..]).collect();
        self.gather(&rows)
    }

    /// Whether its row check is Freivalds'.
    pub const fn is_freivalds(&self) -> bool {
        matches!(self.check, RowCheck::Freivalds { .. })
    }

    /// The digest of the accumulators that Freivalds' check of a row with these operands is made of, if there is one.
    pub fn accumulators_digest(&self, operands: &[&Cells]) -> Option<Digest> {
        let RowCheck::Freivalds { operation, .. } = &self.check else { return None };
        let accumulators = freivalds::accumulators(&**operation, &self.bytes(operands));
        Some(freivalds::accumulators_digest(&accumulators))
    }

    /// Makes the table that the operation looks cells up in, if it does, one of the circuit's.
    pub fn table(&self, builder: &mut Builder, layout: &mut Layout) {
        if let RowCheck::Lookup(plan) = &self.check {
            plan.declare(builder, layout);
        }
    }
}

/// A row's cells as bytes: their distance from the smallest value of the type.
pub(crate) fn bytes(cells: &Cells) -> Vec<u8> {
    // Cells of 8 bits only are committed to.
    (0..cells.len()).map(|i| cells.get(i).abs_diff(cells.dtype().min()) as u8).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use janction_aggregate::NodeShape;
    use janction_program::builder::{AveragePoolOptions, Builder, MatMulOptions};
    use janction_program::commitment::Scheme;
    use janction_program::{DType, OperationKind, PerColumn, Requantise, Slide, Tensor};

    use super::*;
    use crate::{AuditCircuits, AuditError, AuditPieces};

    /// Each operation has its file here, as in every other room, and there is no other file.
    #[test]
    fn every_operation_has_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operation");
        for kind in OperationKind::ALL {
            let file = folder.join(kind.name()).with_extension("rs");
            assert!(file.is_file(), "{}", file.display());
        }
        assert_eq!(folder.read_dir().unwrap().count(), OperationKind::ALL.len());
    }

    fn product(inner: usize, outer: usize) -> Program {
        let mut b = Builder::new("large", 4);
        let x = b.input("x", DType::U8, &[inner as u32]);
        let cells = (0..inner * outer).map(|i| (i % 251) as i8).collect();
        let w = b.constant("w", Tensor::new(inner, outer, Cells::I8(cells)).unwrap());
        b.matmul("big", x, w, DType::I8, MatMulOptions::new(PerColumn::All(Requantise::new(1 << 30, 39))));
        b.build().unwrap()
    }

    /// Leaves over the largest pieces that may be built: as many as fit.
    #[test]
    fn the_largest_piece_fits_a_leaf() {
        let shape = NodeShape::find().unwrap();
        for (outer, bits, arity) in [(40_000, 14, 3), (80_000, 15, 2), (150_000, 16, 2)] {
            let audit = AuditCircuits::build(&shape, product(1, outer), Policy::Full).unwrap();
            assert_eq!(audit.pieces().common().degree_bits(), bits);
            assert_eq!((audit.leaf().arity(), audit.facts().pieces.count(Policy::Full, 5)), (arity, 5));
        }
    }

    #[test]
    fn what_is_too_large_is_named() {
        // More output cells than a circuit has rows.
        for policy in [Policy::Full, Policy::Rows(1)] {
            let Err(error) = AuditPieces::build(product(1, 1_000_000), policy) else { panic!("it fits") };
            let AuditError::PieceTooLarge { operation, limit_bits, .. } = error else { panic!("{error}") };
            assert_eq!((operation.as_str(), limit_bits), ("big", MAX_PIECE_BITS));
        }
    }

    /// Under scheme 2 a piece opens whole blocks: what is too large then is refused before it is laid out.
    #[test]
    fn blocks_of_absurd_operations_are_refused_at_once() {
        let mut b = Builder::new("pool", 9);
        let x = b.input("x", DType::U8, &[1, 64, 64]);
        b.scheme(Scheme::Sketch { block_bits: 9 });
        let scale = PerColumn::All(Requantise::new(1 << 30, 40));
        let slide = Slide::new([49, 49]).pads([24; 4]);
        b.averagepool("a", x, DType::U8, AveragePoolOptions::new(slide, scale));
        let pool = b.build().unwrap();
        let mut b = Builder::new("many", 6);
        let mut x = b.input("x", DType::U8, &[1, 1, 512]);
        b.scheme(Scheme::Sketch { block_bits: 6 });
        for i in 0..2000 {
            x = b.maxpool(&format!("m{i}"), x, Slide::new([1, 1]));
        }
        let many = b.build().unwrap();
        for program in [pool, many] {
            for policy in [Policy::Full, Policy::Rows(1)] {
                let Err(error) = AuditPieces::build(program.clone(), policy) else { panic!("it is built") };
                let refused = matches!(error, AuditError::TooLarge { .. } | AuditError::PieceTooLarge { .. });
                assert!(refused, "{error}");
            }
        }
    }

    /// Programs that would take hours or all memory are refused at once, whatever is wrong with them.
    #[test]
    fn what_is_absurd_is_refused_at_once() {
        // Cells that are read a hundred thousand million times, from a binary of a hundred bytes.
        let mut b = Builder::new("pool", 0);
        let x = b.input("x", DType::U8, &[1, 1023, 1023]);
        let slide = Slide::new([512, 512]);
        let scale = PerColumn::All(Requantise::new(1 << 30, 48));
        b.averagepool("a", x, DType::U8, AveragePoolOptions::new(slide, scale));
        let pool = b.build().unwrap();
        // More rows of circuit than all of it may take, in many operations.
        let mut b = Builder::new("many", 0);
        let mut x = b.input("x", DType::U8, &[1, 1, 1 << 17]);
        for i in 0..40 {
            x = b.maxpool(&format!("m{i}"), x, Slide::new([1, 1]));
        }
        let many = b.build().unwrap();
        for (program, what) in
            [(pool, "multiply-adds a row"), (many, "rows of circuit for the check of a row")]
        {
            let Err(error) = AuditPieces::build(program, Policy::Full) else { panic!("it is built") };
            let AuditError::TooLarge { what: named, .. } = error else { panic!("{error}") };
            assert_eq!(named, what);
        }
        // Columns that all have a kind of their own are planned in linear time.
        let biases: Vec<i32> = (0..100_000).collect();
        let mut b = Builder::new("vocabulary", 0);
        let x = b.input("x", DType::U8, &[1]);
        let w = b.constant("w", Tensor::new(1, biases.len(), Cells::I8(vec![1; biases.len()])).unwrap());
        let bias = b.constant("bias", Tensor::new(1, biases.len(), Cells::I32(biases)).unwrap());
        let scale = PerColumn::All(Requantise::new(1 << 30, 40));
        b.matmul("y", x, w, DType::I8, MatMulOptions::new(scale).bias(bias));
        ProgramPlan::of_audit(&b.build().unwrap(), Policy::Full);
    }
}
