//! Reference semantics of a reshape: the same rows.

use crate::tensor::Tensor;

/// The rows as they are: a row shape is not part of a tensor's cells.
pub(super) fn run(input: &Tensor) -> Tensor {
    input.clone()
}
