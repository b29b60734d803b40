//! Where the cells of values are committed: views show cells of other tensors in another order.

use std::collections::HashSet;

use crate::{
    operation::Operation,
    program::{Program, Step, Value, ValueId},
    tensor::Cells,
};

/// A tensor that is committed to, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The job's input.
    Input,
    /// In the trace: the k-th committed tensor.
    Trace(usize),
}

/// Where one cell of a value's row is committed: in the same row of the tensor `source`, at `column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The tensor.
    pub source: Source,
    /// The column of its row.
    pub column: usize,
}

/// What a program knows of one value's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The tensors that hold the cells, each once.
    pub sources: Vec<Source>,
    /// Whether the cells are those of `sources[0]`, in its order.
    pub is_whole: bool,
    /// How many views that rearrange cells stand on one another here.
    pub views: usize,
}

impl Place {
    /// A tensor's own.
    pub fn of(source: Source) -> Self {
        Self { sources: vec![source], is_whole: true, views: 0 }
    }

    /// That of the view `operation`, with the places of the values before it.
    pub fn of_view(operation: &Operation, places: &[Self]) -> Self {
        let inputs = operation.inputs();
        if let Operation::Reshape(op) = operation {
            return places[op.input.0].clone();
        }
        let views = inputs.iter().map(|id| places[id.0].views).max().unwrap_or(0) + 1;
        Self { sources: union(&inputs, places), is_whole: false, views }
    }
}

/// The tensors that hold the cells of `values`, each once, in the order in which the values name them first.
pub(crate) fn union(values: &[ValueId], places: &[Place]) -> Vec<Source> {
    let mut seen = HashSet::new();
    values
        .iter()
        .flat_map(|id| &places[id.0].sources)
        .copied()
        .filter(|source| seen.insert(*source))
        .collect()
}

impl Program {
    /// Where each cell of a row of value `id` is committed, in the order of its cells.
    ///
    /// # Panics
    /// When the program has no such value.
    #[must_use]
    pub fn arrangement(&self, mut id: ValueId) -> Vec<Cell> {
        // Reshapes keep every cell in its place.
        while let Some(Operation::Reshape(op)) = self.maker(id) {
            id = op.input;
        }
        match self.maker(id) {
            Some(Operation::Transpose(op)) => {
                let cells = self.arrangement(op.input);
                op.order(&self.value(op.input).shape).into_iter().map(|cell| cells[cell]).collect()
            }
            Some(Operation::Concat(op)) => {
                let shapes: Vec<&[u32]> = op.inputs.iter().map(|&id| &self.value(id).shape[..]).collect();
                let operands: Vec<_> = op.inputs.iter().map(|&id| self.arrangement(id)).collect();
                op.order(&shapes).into_iter().map(|(operand, cell)| operands[operand][cell]).collect()
            }
            _ => {
                let source = self.place(id).sources[0];
                (0..self.value(id).columns()).map(|column| Cell { source, column }).collect()
            }
        }
    }

    /// The operation that makes value `id`; `None` for the input.
    fn maker(&self, id: ValueId) -> Option<&Operation> {
        id.0.checked_sub(1).map(|index| &self.steps()[index].operation)
    }

    /// The committed tensors that hold the cells of value `id`, each once: one, or for a concatenation those of its operands,
    /// in the order of the operands.
    ///
    /// # Panics
    /// When the program has no such value.
    #[must_use]
    pub fn sources(&self, id: ValueId) -> Vec<Source> {
        self.place(id).sources.clone()
    }

    /// The committed tensors that hold the operands of `step`, each once, in the order of the operands and their sources. An
    /// audited row of the step is checked against the same row of all of them.
    ///
    /// # Panics
    /// When the step is not of this program.
    #[must_use]
    pub fn operands(&self, step: &Step) -> Vec<Source> {
        union(&step.operation.inputs(), self.places())
    }

    /// The tensor whose rows value `id` shows as they are, if it is one.
    ///
    /// # Panics
    /// When the program has no such value.
    #[must_use]
    pub fn whole(&self, id: ValueId) -> Option<Source> {
        let place = self.place(id);
        place.is_whole.then_some(place.sources[0])
    }

    /// A row of value `id`, from the same row of each of its sources.
    ///
    /// # Panics
    /// When the program has no such value, or `row` gives rows of other shapes or types than the sources have.
    #[must_use]
    pub fn gather<'a>(&self, id: ValueId, row: impl Fn(Source) -> &'a Cells) -> Cells {
        if let Some(source) = self.whole(id) {
            return row(source).clone();
        }
        let rows: Vec<(Source, &Cells)> =
            self.place(id).sources.iter().map(|&source| (source, row(source))).collect();
        let find = |wanted| rows.iter().find(|(source, _)| *source == wanted).map(|(_, cells)| *cells);
        let values: Vec<i64> = self
            .arrangement(id)
            .into_iter()
            .map(|cell| find(cell.source).map_or(0, |cells| cells.get(cell.column).into()))
            .collect();
        Cells::from_values(self.value(id).dtype, &values).expect("a view has the type of its sources")
    }

    /// The value whose rows `source` holds: the input, or what a committed step makes.
    ///
    /// # Panics
    /// When the program has no such tensor.
    #[must_use]
    pub fn tensor(&self, source: Source) -> &Value {
        match source {
            Source::Input => self.input(),
            Source::Trace(k) => &self.committed_step(k).output,
        }
    }
}
