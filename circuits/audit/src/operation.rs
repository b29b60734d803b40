//! The row check of each operation, one file each, named as in every other room.
//!
//! A row check says: this row of an operation's output was computed rightly from these rows of its operands. The
//! rows are [`RowTargets`], whose cells are range-checked and hashed by the same wires.

pub(crate) mod matmul;
pub(crate) mod reshape;

use janction_gadgets::{Builder, F};
use janction_program::{Cells, Operation, Program, Source};
use plonky2::iop::witness::PartialWitness;

use crate::AuditError;
use crate::operation::matmul::{MatMulPlan, MatMulTargets};
use crate::range::Ranges;
use crate::row::{RowShape, RowTargets};

/// What the row checks of a program need to know, derived once.
#[derive(Clone, Debug)]
pub(crate) struct ProgramPlan {
    /// Rows of the input, then of each committed tensor.
    pub shapes: Vec<RowShape>,
    /// One for each committed tensor.
    pub steps: Vec<StepPlan>,
    /// Tensor that holds the output's rows.
    pub output: usize,
}

/// How one committed tensor is checked.
#[derive(Clone, Debug)]
pub(crate) struct StepPlan {
    /// Name of the operation's output.
    pub name: String,
    /// Tensor that holds the operand's rows.
    pub operand: usize,
    /// Its row check.
    pub check: RowCheck,
}

/// The row check of an operation that is no view.
#[derive(Clone, Debug)]
pub(crate) enum RowCheck {
    MatMul(MatMulPlan),
}

/// What the prover sets in one row check.
#[derive(Clone, Debug)]
pub(crate) enum CheckTargets {
    MatMul(MatMulTargets),
}

/// Number of the tensor that a source names: 0 is the input, k + 1 the k-th committed tensor.
pub(crate) const fn tensor_of(source: Source) -> usize {
    match source {
        Source::Input => 0,
        Source::Trace(k) => k + 1,
    }
}

impl ProgramPlan {
    /// The plan of `program`.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`] when an operation is too large to be recomputed.
    pub fn new(program: &Program) -> Result<Self, AuditError> {
        let input = program.input();
        let mut shapes = vec![RowShape { dtype: input.dtype, columns: input.columns() }];
        let mut steps = Vec::new();
        for step in program.committed_steps() {
            let operand = tensor_of(program.source(step.operation.input()));
            let output = RowShape { dtype: step.output.dtype, columns: step.output.columns() };
            let check = match &step.operation {
                Operation::MatMul(op) => {
                    let plan = MatMulPlan::new(program, op, &step.output.name, shapes[operand], output)?;
                    RowCheck::MatMul(plan)
                }
                // A view commits to nothing, so it is not among the committed steps.
                Operation::Reshape(_) => continue,
            };
            shapes.push(output);
            steps.push(StepPlan { name: step.output.name.clone(), operand, check });
        }
        Ok(Self { shapes, steps, output: tensor_of(program.output_source()) })
    }
}

impl RowCheck {
    /// Enforces that `output` is the operation's result for `operand`.
    pub fn build(
        &self,
        builder: &mut Builder,
        ranges: &mut Ranges,
        operand: &RowTargets,
        output: &RowTargets,
    ) -> CheckTargets {
        match self {
            Self::MatMul(plan) => CheckTargets::MatMul(plan.build(builder, ranges, operand, output)),
        }
    }

    /// Sets what the prover contributes to a check of these rows. If the output is wrong, no assignment satisfies the
    /// check, and this is one that does not.
    pub fn assign(
        &self,
        inputs: &mut PartialWitness<F>,
        targets: &CheckTargets,
        operand: &Cells,
        output: &Cells,
    ) -> anyhow::Result<()> {
        match (self, targets) {
            (Self::MatMul(plan), CheckTargets::MatMul(targets)) => {
                plan.assign(inputs, targets, operand, output)
            }
        }
    }

    /// The right output row for `operand`.
    pub fn run(&self, operand: &Cells) -> Vec<i32> {
        match self {
            Self::MatMul(plan) => plan.run(operand),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use janction_aggregate::NodeShape;
    use janction_program::OperationKind;
    use janction_program::builder::{Builder, MatMulOptions};
    use janction_program::{Cells, DType, PerColumn, Requantise, Tensor};
    use janction_trace::Policy;

    use super::*;
    use crate::AuditCircuits;
    use crate::limits::{MAX_PIECE_BITS, MAX_RECOMPUTED_WEIGHTS};
    use crate::piece::PieceCircuit;

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
        b.matmul(
            "big",
            x,
            w,
            DType::I8,
            MatMulOptions::new(PerColumn::All(Requantise { multiplier: 1, shift: 9 })),
        );
        b.build().unwrap()
    }

    /// The largest piece that may be built still goes three times into a leaf.
    #[test]
    fn the_largest_piece_fits_a_leaf() {
        let program = product(1, 15_000);
        let audit = AuditCircuits::build(&NodeShape::find().unwrap(), program, Policy::Full).unwrap();
        assert_eq!(audit.piece().common.degree_bits(), MAX_PIECE_BITS);
        assert_eq!((audit.piece_size(), audit.pieces(5), audit.end(5), audit.row_checks(5)), (1, 5, 5, 5));
    }

    #[test]
    fn what_is_too_large_is_named() {
        let error = ProgramPlan::new(&product(256, 257)).unwrap_err();
        let AuditError::TooLarge { operation, got, limit } = error else { panic!("{error}") };
        assert_eq!((operation.as_str(), got, limit), ("big", 256 * 257, MAX_RECOMPUTED_WEIGHTS));
        ProgramPlan::new(&product(256, 256)).unwrap();
        // Few weights, but more output cells than a circuit has rows.
        let program = product(1, 40_000);
        let plan = ProgramPlan::new(&program).unwrap();
        for policy in [Policy::Full, Policy::Rows(1)] {
            let error = PieceCircuit::build(&program, &plan, policy).unwrap_err();
            let AuditError::PieceTooLarge { program, limit_bits, .. } = error else { panic!("{error}") };
            assert_eq!((program.as_str(), limit_bits), ("large", MAX_PIECE_BITS));
        }
    }
}
