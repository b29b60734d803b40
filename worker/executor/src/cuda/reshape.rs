//! A reshape on the GPU: rows keep their cells, so there is nothing to do.

use janction_program::Value;

use super::tensor::OnDevice;

/// The operand already holds the result's rows; a program's check guarantees it.
pub(super) fn check(operand: &OnDevice, output: &Value) {
    debug_assert_eq!(operand.columns, output.columns());
}
