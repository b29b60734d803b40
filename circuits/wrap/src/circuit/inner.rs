//! What the wrap circuit knows about the circuit whose proofs it verifies: all of it constant.

use std::ops::Range;

use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use serde::Deserialize;

use crate::error::WrapError;
use crate::last_layer::{D, F, LastConfig};

/// Common and verifier data of a last-layer circuit, with the selector layout that Plonky2 keeps private.
#[derive(Clone, Debug)]
pub struct InnerCircuit {
    /// Shape, gates and parameters.
    pub common: CommonCircuitData<F, D>,
    /// Root of constants and sigmas, and circuit digest.
    pub verifier_only: VerifierOnlyCircuitData<LastConfig, D>,
    /// For each gate, the selector polynomial it uses.
    pub selector_indices: Vec<usize>,
    /// For each selector polynomial, its gates.
    pub groups: Vec<Range<usize>>,
}

/// Plonky2's `SelectorsInfo`, whose fields are not public but serialised.
#[derive(Deserialize)]
struct Selectors {
    selector_indices: Vec<usize>,
    groups: Vec<Range<usize>>,
}

impl InnerCircuit {
    /// Takes the data of a circuit without lookups and zero knowledge, with caps of height 0.
    ///
    /// # Errors
    /// [`WrapError::UnsupportedCircuit`] says which of these does not hold.
    pub fn new(
        common: &CommonCircuitData<F, D>,
        verifier_only: &VerifierOnlyCircuitData<LastConfig, D>,
    ) -> Result<Self, WrapError> {
        let unsupported = |what: &'static str| Err(WrapError::UnsupportedCircuit(what));
        if common.num_lookup_polys != 0 || common.num_lookup_selectors != 0 {
            return unsupported("lookup tables");
        }
        if common.fri_params.hiding {
            return unsupported("zero knowledge");
        }
        if common.config.fri_config.cap_height != 0 || verifier_only.constants_sigmas_cap.0.len() != 1 {
            return unsupported("Merkle caps higher than a root");
        }
        let selectors = serde_json::to_value(&common.selectors_info)
            .and_then(serde_json::from_value::<Selectors>)
            .map_err(|_| WrapError::UnsupportedCircuit("an unknown selector layout"))?;
        Ok(Self {
            common: common.clone(),
            verifier_only: verifier_only.clone(),
            selector_indices: selectors.selector_indices,
            groups: selectors.groups,
        })
    }

    /// Base-two logarithm of the evaluation domain.
    pub fn lde_bits(&self) -> usize {
        self.common.fri_params.lde_bits()
    }
}
