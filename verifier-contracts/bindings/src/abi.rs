//! The contracts' interfaces and creation code, from `artifacts/`.
#![allow(missing_docs, clippy::too_many_arguments)]

use alloy::sol;

sol!(
    #[sol(rpc, all_derives)]
    JCT,
    "artifacts/JCT.json"
);

sol!(
    #[sol(rpc, all_derives)]
    VerifierWrapper,
    "artifacts/VerifierWrapper.json"
);

sol!(
    #[sol(rpc, all_derives)]
    Rollup,
    "artifacts/Rollup.json"
);

sol!(
    #[sol(rpc, all_derives)]
    OutputReader,
    "artifacts/OutputReader.json"
);

pub use Beacons::BeaconRecord;
pub use L1Queue::Operation;
pub use Rollup::BatchInfo;
