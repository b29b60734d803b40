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
