use thiserror::Error;

/// Why a gate's constraints were not made a tape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TapeError {
    /// The gate's `eval_unfiltered_circuit` takes more than sums and products.
    #[error(
        "the gate `{gate}` cannot be traced: its recursive constraints need values that no known generator gives (it uses {generators}); write them with sums and products"
    )]
    Opaque {
        /// The gate's id.
        gate: String,
        /// The kinds of generators that are not understood.
        generators: String,
    },
    /// A constraint is not a polynomial with coefficients in the base field.
    #[error(
        "the gate `{gate}` cannot be traced: its constraint {constraint} has coefficients outside of the base field"
    )]
    Extension {
        /// The gate's id.
        gate: String,
        /// The constraint's index.
        constraint: usize,
    },
    /// The recursive constraints are not those of the gate: the gate is broken, whatever proves it.
    #[error(
        "the gate `{gate}` contradicts itself: `eval_unfiltered_circuit` and `eval_unfiltered_base_batch` differ {difference}"
    )]
    Contradiction {
        /// The gate's id.
        gate: String,
        /// Where they differ.
        difference: String,
    },
    /// The gate panicked while it described its constraints.
    #[error("the gate `{gate}` cannot be traced: it panicked: {reason}")]
    Panicked {
        /// The gate's id.
        gate: String,
        /// The panic's message.
        reason: String,
    },
}
