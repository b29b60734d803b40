//! The janction binary.
fn main() {}
