use super::LookupChallenges;
use crate::F;

/// What the verifier draws before the opening point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenges {
    /// Of the permutation argument, with `gammas`.
    pub(crate) betas: Vec<F>,
    pub(crate) gammas: Vec<F>,
    /// Empty where the circuit looks nothing up.
    pub(crate) lookups: Vec<LookupChallenges>,
    /// Of the quotient; drawn after the products are committed.
    pub(crate) alphas: Vec<F>,
}
