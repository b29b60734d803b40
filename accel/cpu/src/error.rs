//! What can be wrong with a request, and what to do about it.

/// Why a call was refused. Nothing has been computed when one of these is returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccelError {
    /// `JANCTION_SIMD` (or a caller) names a backend that does not exist.
    #[error("there is no SIMD backend `{name}`: set JANCTION_SIMD to portable, avx2 or avx512, or unset it")]
    UnknownBackend {
        /// The name as given.
        name: String,
    },
    /// The backend exists, and this processor cannot run it.
    #[error("this processor cannot run the SIMD backend `{name}` (it lacks {missing}): unset JANCTION_SIMD")]
    Unsupported {
        /// The backend's name.
        name: &'static str,
        /// The features of the processor that are missing, separated by commas.
        missing: String,
    },
    /// Columns of one matrix must have one length.
    #[error("column {column} has {got} rows where the first has {expected}")]
    Ragged {
        /// Index of the first column that differs.
        column: usize,
        /// Rows of column 0.
        expected: usize,
        /// Rows of that column.
        got: usize,
    },
    /// Trees and transforms have a power of two of rows.
    #[error("{rows} rows are not a power of two")]
    NotPowerOfTwo {
        /// The number of rows.
        rows: usize,
    },
    /// A flat list of rows does not divide into rows of that width.
    #[error("{elements} elements do not divide into rows of {width}")]
    Width {
        /// Elements given.
        elements: usize,
        /// Elements in a row.
        width: usize,
    },
    /// A cap has at most as many entries as the tree has leaves.
    #[error("a cap of height {cap_height} is higher than a tree over 2^{log2_leaves} leaves")]
    CapTooHigh {
        /// The height asked for.
        cap_height: usize,
        /// Logarithm of the number of leaves.
        log2_leaves: usize,
    },
    /// The field has roots of unity of order up to 2^32 only.
    #[error("a transform over 2^{log2_rows} points is larger than the field allows (2^32)")]
    TransformTooLarge {
        /// Logarithm of the number of points.
        log2_rows: usize,
    },
    /// Zero has no inverse.
    #[error("element {index} is zero and has no inverse")]
    ZeroInverse {
        /// Index of the first zero.
        index: usize,
    },
}
