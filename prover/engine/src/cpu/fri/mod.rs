//! FRI: join, commit, fold, grind.

mod commit;
mod pow;

pub(super) use commit::{Layer, combine, fold};
pub(super) use pow::grind;
