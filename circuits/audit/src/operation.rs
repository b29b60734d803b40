//! The row check of each operation, one file each, named as in every other room.
//!
//! A row check says: this row of an operation's output was computed rightly from these rows of its operands. The
//! rows are [`RowTargets`], whose cells are range-checked and hashed by the same wires.

pub(crate) mod matmul;
pub(crate) mod reshape;

use janction_gadgets::{Builder, F};
use janction_program::{Cells, Operation, OperationKind, Program, Source, Tensor, reference};
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::AuditError;
use crate::layout::Layout;
use crate::linear::{LinearPlan, LinearTargets};
use crate::operation::matmul::MatMulPlan;
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
    /// A row of each tensor with true row checks, for positions without a row: what the program makes of the smallest
    /// cells.
    pub dummy: Vec<Cells>,
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
    MatMul(MatMulPlan, LinearPlan),
}

/// What the prover sets in one row check.
#[derive(Clone, Debug)]
pub(crate) enum CheckTargets {
    Linear(LinearTargets),
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
    /// [`AuditError::TooLarge`] when an operation is too large to be recomputed; [`AuditError::Unsupported`] when it has no
    /// check yet.
    pub fn new(program: &Program) -> Result<Self, AuditError> {
        let input = program.input();
        let mut shapes = vec![RowShape { dtype: input.dtype, columns: input.columns() }];
        let mut steps = Vec::new();
        for step in program.committed_steps() {
            let output = RowShape { dtype: step.output.dtype, columns: step.output.columns() };
            let unsupported = |kind: OperationKind| AuditError::Unsupported {
                operation: step.output.name.clone(),
                kind: kind.name(),
            };
            let Operation::MatMul(op) = &step.operation else {
                return Err(unsupported(step.operation.kind()));
            };
            // The operand's rows must be committed ones, in their order, of one vector.
            let whole = program.whole(op.input).filter(|_| program.value(op.input).shape.len() == 1);
            let operand = tensor_of(whole.ok_or_else(|| unsupported(OperationKind::MatMul))?);
            let plan = MatMulPlan::new(program, op, &step.output.name, shapes[operand])?;
            let linear = LinearPlan::new(&plan, MatMulPlan::rescale(op, output));
            let check = RowCheck::MatMul(plan, linear);
            shapes.push(output);
            steps.push(StepPlan { name: step.output.name.clone(), operand, check });
        }
        Ok(Self { shapes, steps, output: tensor_of(program.output_source()), dummy: dummy_rows(program) })
    }
}

fn dummy_rows(program: &Program) -> Vec<Cells> {
    let input = program.input();
    let smallest = vec![i64::from(input.dtype.min()); input.columns()];
    let cells = Cells::from_values(input.dtype, &smallest).expect("the smallest value is one of the type's");
    let input = Tensor::new(1, input.columns(), cells).expect("a row of as many cells as it has columns");
    let trace = reference::run(program, &input).expect("the input is of the program's form");
    std::iter::once(&input).chain(&trace).map(|tensor| tensor.row(0)).collect()
}

/// A row's cells as bytes: their distance from the smallest value of the type.
fn bytes(cells: &Cells) -> Vec<u8> {
    // Cells of 8 bits only are committed to.
    (0..cells.len()).map(|i| cells.get(i).abs_diff(cells.dtype().min()) as u8).collect()
}

impl RowCheck {
    /// Enforces that `output` is the operation's result for `operand`, as soon as `layout` is finished.
    pub fn build(
        &self,
        builder: &mut Builder,
        layout: &mut Layout,
        operand: &RowTargets,
        output: &RowTargets,
    ) -> CheckTargets {
        let (cells, output): (&[Target], &[Target]) = (&operand.cells, &output.cells);
        match self {
            Self::MatMul(plan, linear) => {
                CheckTargets::Linear(linear.build(plan, builder, layout, cells, output))
            }
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
            (Self::MatMul(plan, linear), CheckTargets::Linear(targets)) => {
                linear.assign(plan, inputs, targets, &bytes(operand), &|j| output.get(j))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use janction_aggregate::NodeShape;
    use janction_program::builder::{Builder, MatMulOptions};
    use janction_program::test_utils::{Extent, random_program_of};
    use janction_program::{Cells, DType, PerColumn, Requantise, Tensor, ValueId};
    use janction_trace::Policy;

    use super::*;
    use crate::AuditCircuits;
    use crate::limits::{MAX_PIECE_BITS, MAX_RECOMPUTED_WEIGHTS};
    use crate::piece::PieceCircuit;

    /// The operations without a check. To be shortened.
    const MISSING: [OperationKind; 7] = [
        OperationKind::Conv,
        OperationKind::Add,
        OperationKind::Lookup,
        OperationKind::MaxPool,
        OperationKind::AveragePool,
        OperationKind::Transpose,
        OperationKind::Concat,
    ];

    /// Each operation has its file here, as in every other room, and there is no other file.
    #[test]
    fn every_operation_has_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operation");
        for kind in OperationKind::ALL {
            let file = folder.join(kind.name()).with_extension("rs");
            assert_eq!(file.is_file(), !MISSING.contains(&kind), "{}", file.display());
        }
        assert_eq!(folder.read_dir().unwrap().count(), OperationKind::ALL.len() - MISSING.len());
    }

    /// Operations without a check are refused by name.
    #[test]
    fn what_has_no_check_is_refused() {
        for kind in MISSING.into_iter().filter(|kind| !kind.is_view()) {
            let of_kind = |seed| random_program_of(seed, Extent::Usual, &[kind]);
            let AuditError::Unsupported { kind: named, .. } = ProgramPlan::new(&of_kind(1)).unwrap_err()
            else {
                panic!("{kind:?} is not refused by name")
            };
            assert!(MISSING.iter().any(|missing| missing.name() == named), "{named}");
        }
    }

    /// A product of rows that are rearranged, or of several vectors, has no check yet either.
    #[test]
    fn products_of_views_are_refused() {
        let of = |view: fn(&mut Builder, ValueId) -> ValueId| {
            let mut b = Builder::new("view", 2);
            let x = b.input("x", DType::I8, &[2, 2]);
            let x = view(&mut b, x);
            let inner = *b.value(x).unwrap().shape.last().unwrap() as usize;
            let w = b.constant("w", Tensor::new(inner, 1, Cells::I8(vec![1; inner])).unwrap());
            let half = PerColumn::All(Requantise { multiplier: 1, shift: 1 });
            b.matmul("y", x, w, DType::I8, MatMulOptions::new(half));
            ProgramPlan::new(&b.build().unwrap())
        };
        of(|b, x| b.reshape("flat", x, &[4])).unwrap();
        let vectors = of(|_, x| x).unwrap_err();
        let transposed = of(|b, x| {
            let t = b.transpose("t", x, &[1, 0]);
            b.reshape("flat", t, &[4])
        });
        for error in [vectors, transposed.unwrap_err()] {
            assert!(matches!(error, AuditError::Unsupported { kind: "matmul", .. }), "{error}");
        }
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
            MatMulOptions::new(PerColumn::All(Requantise { multiplier: 1 << 30, shift: 39 })),
        );
        b.build().unwrap()
    }

    /// The largest piece that may be built still goes three times into a leaf.
    #[test]
    fn the_largest_piece_fits_a_leaf() {
        let program = product(1, 40_000);
        let audit = AuditCircuits::build(&NodeShape::find().unwrap(), program, Policy::Full).unwrap();
        assert_eq!(audit.piece().common.degree_bits(), MAX_PIECE_BITS);
        assert_eq!((audit.piece_size(), audit.pieces(5), audit.end(5), audit.row_checks(5)), (1, 5, 5, 5));
    }

    #[test]
    fn what_is_too_large_is_named() {
        let error = ProgramPlan::new(&product(256, 513)).unwrap_err();
        let AuditError::TooLarge { operation, got, limit } = error else { panic!("{error}") };
        assert_eq!((operation.as_str(), got, limit), ("big", 256 * 513, MAX_RECOMPUTED_WEIGHTS));
        ProgramPlan::new(&product(256, 512)).unwrap();
        // Few weights, but more output cells than a circuit has rows.
        let program = product(1, 60_000);
        let plan = ProgramPlan::new(&program).unwrap();
        for policy in [Policy::Full, Policy::Rows(1)] {
            let Err(error) = PieceCircuit::build(&program, &plan, policy) else { panic!("it fits") };
            let AuditError::PieceTooLarge { program, limit_bits, .. } = error else { panic!("{error}") };
            assert_eq!((program.as_str(), limit_bits), ("large", MAX_PIECE_BITS));
        }
    }
}
