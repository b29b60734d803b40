//! Code: what is deployed, and what this source's contracts would leave if they were deployed with the same parameters.
//!
//! Immutables are part of a contract's code, so code cannot be compared with a compiler's output. A simulated
//! deployment (`eth_call` without receiver) runs the constructor and answers with the code.

use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolConstructor;

use crate::abi::{Rollup, VerifierWrapper};
use crate::client::{L1, Parameters};
use crate::error::L1Error;

impl L1 {
    /// The code of a contract, now.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn code(&self, address: Address) -> Result<Bytes, L1Error> {
        self.rpc(self.provider.get_code_at(address).await)
    }

    /// The code of a verifier wrapper with these parameters.
    ///
    /// # Errors
    /// [`L1Error::Reverted`] when the constructor refuses, or of the connection.
    pub async fn expected_wrapper(&self, parameters: &Parameters) -> Result<Bytes, L1Error> {
        let arguments = VerifierWrapper::constructorCall {
            verifier_: parameters.verifier,
            proofLength_: U256::from(parameters.proof_length),
            srsHash_: parameters.srs_hash,
            developmentSrs_: parameters.development_srs,
        };
        self.simulate(&VerifierWrapper::BYTECODE, &arguments.abi_encode()).await
    }

    /// The code of a rollup with these parameters. The genesis root is state, not code.
    ///
    /// # Errors
    /// [`L1Error::Reverted`] when the constructor refuses, or of the connection.
    pub async fn expected_rollup(&self, parameters: &Parameters) -> Result<Bytes, L1Error> {
        let arguments = Rollup::constructorCall {
            token_: parameters.token,
            verifier_: parameters.wrapper,
            operator_: parameters.operator,
            genesisRoot: B256::ZERO,
            maxBatchAge_: U256::from(parameters.max_batch_age),
            proverReward_: parameters.prover_reward,
            beaconDelay_: U256::from(parameters.beacon_delay),
        };
        self.simulate(&Rollup::BYTECODE, &arguments.abi_encode()).await
    }

    async fn simulate(&self, creation: &[u8], arguments: &[u8]) -> Result<Bytes, L1Error> {
        let code = [creation, arguments].concat();
        let request = TransactionRequest::default().into_create().with_input(code);
        self.rpc(self.provider.call(request).block(BlockId::latest()).await)
    }
}
