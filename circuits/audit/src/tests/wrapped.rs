//! wrapped
