use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::BigInt;
use janction_accel_cpu::bn254::{Element, Poseidon2};

use super::permutation::round_constants;

static MANY: LazyLock<Poseidon2> = LazyLock::new(|| {
    let constants = round_constants();
    Poseidon2::new(&constants.full.map(|round| round.map(element)), &constants.partial.map(element))
});

/// The permutation on many states at once, its constants prepared once.
pub fn many() -> &'static Poseidon2 {
    &MANY
}

/// An element as `janction_accel_cpu` takes it: arkworks' own form, which both share.
pub(crate) fn element(x: Fr) -> Element {
    Element(x.0.0)
}

/// And back.
pub(crate) fn fr(element: Element) -> Fr {
    Fr::new_unchecked(BigInt(element.0))
}
