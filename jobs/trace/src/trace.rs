//! The trace of one job: its input and every tensor that was computed, each committed to by its rows.

use janction_program::{
    Program, ProgramError, Source, Tensor, TensorError,
    commitment::{RowTree, TreeError},
};
use janction_protocol::{
    Digest, F,
    hash::{hash, tag},
};
use thiserror::Error;

/// Tensors that are not a trace of the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TraceError {
    /// Another number of tensors than the program commits to.
    #[error("the program commits to {expected} tensors, got {got}")]
    TensorCount {
        /// Operations that are no views.
        expected: usize,
        /// Tensors given.
        got: usize,
    },
    /// A tensor that is not of the shape and type that its operation makes.
    #[error("the tensor of operation {operation:?} must be {expected}, got {got}")]
    Shape {
        /// Name of the operation's output.
        operation: String,
        /// What it makes.
        expected: String,
        /// What was given.
        got: String,
    },
    /// Rows of another number of tensors than an operation's operands lie in.
    #[error("the operands of operation {operation:?} lie in {expected} tensors, got rows of {got}")]
    OperandCount {
        /// Name of the operation's output.
        operation: String,
        /// Tensors that hold operands.
        expected: usize,
        /// Rows given.
        got: usize,
    },
    /// Leaves that are not one for each row or block of rows.
    #[error("a tensor of {rows} rows has {expected} leaves, got {got}")]
    LeafCount {
        /// Rows of the tensor.
        rows: usize,
        /// Rows, or blocks of rows.
        expected: usize,
        /// Leaves given.
        got: usize,
    },
    /// The trace is of another program: of another depth, or with another output.
    #[error("the trace is of another program: its trees have depth {got}, the program's {expected}")]
    Program {
        /// The program's depth.
        expected: u8,
        /// The input's tree's.
        got: u8,
    },
    /// The input does not fit the program.
    #[error(transparent)]
    Input(#[from] ProgramError),
    /// Cells that are no tensor.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A tensor cannot be committed to.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// A tensor with the tree over its rows or blocks of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedTensor {
    tensor: Tensor,
    tree: RowTree,
}

impl CommittedTensor {
    /// Commits to `tensor` by the scheme of `program`.
    ///
    /// # Errors
    /// When the rows do not fit a job.
    pub fn new(program: &Program, tensor: Tensor) -> Result<Self, TraceError> {
        let tree = program.commit(&tensor)?;
        Ok(Self { tensor, tree })
    }

    /// The same, with leaves that were computed elsewhere (by the device that computed the tensor). They are taken at their
    /// word: an executor's tests show that they are right, and a wrong one makes a trace that cannot be proven.
    ///
    /// # Errors
    /// When there is not one leaf for each row or block, or the rows do not fit a job.
    pub fn with_leaves(program: &Program, tensor: Tensor, leaves: Vec<Digest>) -> Result<Self, TraceError> {
        let (rows, expected) = (tensor.rows(), program.scheme().leaf_count(tensor.rows()));
        if leaves.len() != expected {
            return Err(TraceError::LeafCount { rows, expected, got: leaves.len() });
        }
        let tree = RowTree::new(leaves, program.tree_depth())?;
        Ok(Self { tensor, tree })
    }

    /// The same, with a tree that was made elsewhere, and is taken at its word too.
    ///
    /// # Errors
    /// When the tree has not one leaf for each row or block.
    pub fn with_tree(program: &Program, tensor: Tensor, tree: RowTree) -> Result<Self, TraceError> {
        let (rows, expected) = (tensor.rows(), program.scheme().leaf_count(tensor.rows()));
        if tree.rows() != expected {
            return Err(TraceError::LeafCount { rows, expected, got: tree.rows() });
        }
        Ok(Self { tensor, tree })
    }

    /// The rows.
    #[must_use]
    pub const fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The tree over the leaves.
    #[must_use]
    pub const fn tree(&self) -> &RowTree {
        &self.tree
    }

    /// The root over the rows.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }
}

/// The trace root: `H(TRACE, roots of the committed tensors, in the order of the operations)`.
#[must_use]
pub fn trace_root(roots: &[Digest]) -> Digest {
    let data: Vec<F> = roots.iter().flat_map(|root| root.0).collect();
    hash(tag::TRACE, &data)
}

/// The committed execution of a program on an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    input: CommittedTensor,
    tensors: Vec<CommittedTensor>,
    output: Source,
}

impl Trace {
    /// Commits to an execution: the input, and the result of every operation that is no view, in order.
    ///
    /// Whether the tensors are *right* is not checked here: that is what the audit is for.
    ///
    /// # Errors
    /// When the input does not fit the program, or a tensor is missing or of the wrong shape or type.
    pub fn commit(program: &Program, input: Tensor, tensors: Vec<Tensor>) -> Result<Self, TraceError> {
        let expected = program.committed_steps().len();
        if expected != tensors.len() {
            return Err(TraceError::TensorCount { expected, got: tensors.len() });
        }
        // What is of another type is refused by the operation's name.
        for (step, tensor) in program.committed_steps().zip(&tensors) {
            if step.output.dtype != tensor.dtype() {
                let (expected, got) = (step.output.dtype.to_string(), tensor.dtype().to_string());
                return Err(TraceError::Shape { operation: step.output.name.clone(), expected, got });
            }
        }
        let commit = |tensor| CommittedTensor::new(program, tensor);
        let committed = tensors.into_iter().map(commit).collect::<Result<_, _>>()?;
        Self::of(program, commit(input)?, committed)
    }

    /// The trace of tensors that have been committed to already.
    ///
    /// # Errors
    /// As [`Trace::commit`], and when a tree has not the program's depth.
    pub fn of(
        program: &Program,
        input: CommittedTensor,
        tensors: Vec<CommittedTensor>,
    ) -> Result<Self, TraceError> {
        let trace = Self { input, tensors, output: program.output_source() };
        trace.check_form(program)?;
        Ok(trace)
    }

    /// Checks that input and tensors are of the form of a trace of `program`.
    ///
    /// # Errors
    /// As [`Trace::of`].
    pub fn check_form(&self, program: &Program) -> Result<(), TraceError> {
        let Self { input, tensors, .. } = self;
        program.check_input(input.tensor())?;
        let steps = program.committed_steps();
        if steps.len() != tensors.len() {
            return Err(TraceError::TensorCount { expected: steps.len(), got: tensors.len() });
        }
        let rows = input.tensor().rows();
        let describe = |dtype, columns, rows, depth| {
            format!("{rows} rows of {columns} cells of {dtype} in a tree of depth {depth}")
        };
        for (step, committed) in steps.zip(tensors) {
            let (value, t) = (&step.output, committed.tensor());
            let expected = describe(value.dtype, value.columns(), rows, program.tree_depth());
            let got = describe(t.dtype(), t.columns(), t.rows(), committed.tree().depth());
            if expected != got {
                return Err(TraceError::Shape { operation: value.name.clone(), expected, got });
            }
        }
        let (expected, got) = (program.tree_depth(), input.tree().depth());
        if expected != got || self.output != program.output_source() {
            return Err(TraceError::Program { expected, got });
        }
        Ok(())
    }

    /// Number of rows of the job.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.input.tensor().rows()
    }

    /// The input.
    #[must_use]
    pub const fn input(&self) -> &CommittedTensor {
        &self.input
    }

    /// The committed tensors, in the order of [`Program::committed_steps`].
    #[must_use]
    pub fn tensors(&self) -> &[CommittedTensor] {
        &self.tensors
    }

    /// The tensor that a source names.
    ///
    /// # Panics
    /// When `source` is of another program.
    #[must_use]
    pub fn at(&self, source: Source) -> &CommittedTensor {
        match source {
            Source::Input => &self.input,
            Source::Trace(k) => &self.tensors[k],
        }
    }

    /// The input root, as a job leaf holds it.
    #[must_use]
    pub fn input_root(&self) -> Digest {
        self.input.root()
    }

    /// The trace root, as `Submit` states it.
    #[must_use]
    pub fn trace_root(&self) -> Digest {
        trace_root(&self.tensors.iter().map(CommittedTensor::root).collect::<Vec<_>>())
    }

    /// The output root, as `Submit` states it: the root of the tensor that holds the output's rows.
    #[must_use]
    pub fn output_root(&self) -> Digest {
        self.output().root()
    }

    /// The output.
    #[must_use]
    pub fn output(&self) -> &CommittedTensor {
        self.at(self.output)
    }
}
