//! A deployment for a house without its verifier: everything is real but for the verifier, in whose place stands a
//! contract that refuses every proof. So nothing can be claimed, and the report says that this was not reached.

use alloy::network::EthereumWallet;
use alloy::primitives::{B256, U256};
use alloy::providers::{Provider, ProviderBuilder};
use janction_bindings::abi::{JCT, Rollup, VerifierWrapper};
use janction_protocol::ledger::Ledger;
use janction_protocol::{Address, Deployment};

use super::DemoError;
use super::house::{CHAIN, Deployed, OPERATOR, signer};

/// Bytes that a proof would have.
const PROOF_LENGTH: u64 = 1;
/// Seconds that a batch's time may lie back when it is committed.
const MAX_BATCH_AGE: u64 = 3_600;
/// L1 blocks from a `Submit` to its beacon.
const BEACON_DELAY: u64 = 4;

/// Deploys token, wrapper and rollup.
///
/// # Errors
/// L1 refuses.
pub async fn deploy(url: &str) -> Result<Deployed, DemoError> {
    let failed = |reason: String| DemoError::Deployment { reason };
    let operator = signer(OPERATOR);
    let from = operator.address();
    let url = url.parse().map_err(|_| failed(format!("{url} is no URL")))?;
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(operator)).connect_http(url).erased();
    provider.client().set_poll_interval(std::time::Duration::from_millis(200));

    let token = JCT::deploy(provider.clone(), from).await.map_err(|e| failed(e.to_string()))?;
    // The token reverts on whatever is no call of its own: it stands for a verifier that accepts nothing.
    let (length, srs) = (U256::from(PROOF_LENGTH), B256::ZERO);
    let wrapper = VerifierWrapper::deploy(provider.clone(), *token.address(), length, srs, true).await;
    let wrapper = *wrapper.map_err(|e| failed(e.to_string()))?.address();
    // The genesis root holds the rollup's own address, which follows from the deployer's nonce.
    let nonce = provider.get_transaction_count(from).await.map_err(|e| failed(e.to_string()))?;
    let address = Address(from.create(nonce).into_array());
    let deployment = Deployment::new(CHAIN, address).map_err(|e| failed(e.to_string()))?;
    let root = B256::from(Ledger::genesis(deployment).state().root().to_bytes());
    let (age, delay) = (U256::from(MAX_BATCH_AGE), U256::from(BEACON_DELAY));
    let rollup = Rollup::deploy(provider, *token.address(), wrapper, from, root, age, U256::ZERO, delay);
    let rollup = *rollup.await.map_err(|e| failed(e.to_string()))?.address();
    Ok(Deployed { token: *token.address(), rollup, proves: false })
}
