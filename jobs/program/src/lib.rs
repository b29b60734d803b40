//! Tensor programs: the job container, its operations, builder, text form and reference semantics.
