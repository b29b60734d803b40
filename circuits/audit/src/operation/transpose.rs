//! The row check of a transposition: there is none. Whoever reads the view opens the tensors whose cells it shows and takes
//! the cells from their places ([`crate::operation::StepPlan::gather`]).
