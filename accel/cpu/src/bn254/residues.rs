use super::permutation::Rounds;
use super::{Element, PACKED};
use crate::F;

/// Residues modulo r of as many states as go side by side.
///
/// A residue stands for an element times a power of two that is the implementation's own affair, and lies in
/// `0..c·r` for some c, its *bound*. Reducing is what implementations put off, so every operation says which bounds
/// it takes and which it makes; `permutation` keeps the account.
///
/// Everything that takes residues must be `#[inline(always)]`, for the reason that [`crate::Kernel`] gives.
pub(super) trait Residues: Copy {
    /// States side by side.
    const STATES: usize;
    /// An element that is the same for all states.
    type Constant: Copy;

    /// A round constant. Its bound is 1.
    fn constant(element: &Element) -> Self::Constant;
    /// `element` in every state. Its bound is 2.
    fn splat(element: &Element) -> Self;
    /// In state i `elements[i * step]`, zero where there is none. The bound is 2.
    fn load(elements: &[Element], step: usize) -> Self;
    /// In state i the integer a + b·2^64 + c·2^128 of the i-th elements of the three `parts`, zero where there are
    /// none. The bound is 2.
    fn pack(parts: [&[F]; PACKED]) -> Self;
    /// Writes state i to `out[i * step]`, where there is one. Takes a bound of 8.
    fn store(self, out: &mut [Element], step: usize);

    /// The sum. Its bound is the sum of the bounds, and at most 48.
    fn add(self, other: Self) -> Self;
    /// The sum with a round constant. The bound grows by 1.
    fn add_constant(self, constant: &Self::Constant) -> Self;
    /// x^5. Takes a bound of 28 and makes one of 2.
    fn fifth_power(self) -> Self;
    /// The same residue with a bound of 2. Takes a bound of 48.
    fn settle(self) -> Self;
}

/// Work on many states, written once for all [`Residues`].
pub(super) trait Job {
    fn run<R: Residues>(self, rounds: &Rounds<R::Constant>);
}
