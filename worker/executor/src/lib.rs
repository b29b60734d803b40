//! Executes tensor programs on CPU and CUDA.
