//! The row check of a reshape: there is none. A view's rows are its operand's rows, with the same cells in the same
//! order and so with the same hash; whoever reads the view opens the operand's tensor.

#[cfg(test)]
mod tests {
    use janction_program::{Cells, DType, OperationKind, Tensor, builder::Builder};
    use janction_program::{PerColumn, Requantise, builder::MatMulOptions};

    use janction_trace::Policy;

    use crate::operation::ProgramPlan;

    /// The operation after a view is checked against the rows that the view shows.
    #[test]
    fn a_view_is_seen_through() {
        assert!(OperationKind::Reshape.is_view());
        let mut b = Builder::new("seen_through", 2);
        let x = b.input("x", DType::I8, &[2, 1]);
        let flat = b.reshape("flat", x, &[2]);
        let w = b.constant("w", Tensor::new(2, 2, Cells::I8(vec![1, 2, 3, 4])).unwrap());
        let options = MatMulOptions::new(PerColumn::All(Requantise::new(1, 1)));
        let y = b.matmul("y", flat, w, DType::I8, options.clone());
        let view = b.reshape("view", y, &[2, 1]);
        let back = b.reshape("back", view, &[2]);
        b.matmul("z", back, w, DType::I8, options);
        let plan = ProgramPlan::of_audit(&b.build().unwrap(), Policy::Full);
        assert_eq!(plan.steps.iter().map(|step| step.operands.clone()).collect::<Vec<_>>(), [[0], [1]]);
        assert_eq!(plan.shapes.len(), 3);
    }
}
