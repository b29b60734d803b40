//! Reading L1: the rollup's parameters, state, queues and batches.

use crate::abi::{JCT, Rollup, VerifierWrapper};
use crate::error::L1Error;
use alloy::consensus::BlockHeader as _;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, TxHash, U256, keccak256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::sol_types::{SolCall, SolEventInterface};
use std::time::Duration;

/// Where the EIP-2935 history reaches back to.
pub const HEADER_WINDOW: u64 = 8_191;

/// A connection to the rollup on L1. Cheap to clone.
#[derive(Clone, Debug)]
pub struct L1 {
    pub(crate) provider: DynProvider,
    endpoint: String,
    rollup: Address,
    chain_id: u64,
}

/// What was fixed when the rollup was deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// JCT.
    pub token: Address,
    /// The verifier wrapper.
    pub wrapper: Address,
    /// The generated verifier behind it.
    pub verifier: Address,
    /// Code hash of the generated verifier, as the wrapper checks it.
    pub verifier_code_hash: B256,
    /// Bytes of a proof.
    pub proof_length: u64,
    /// Hash of the structured reference string.
    pub srs_hash: B256,
    /// Whether that string was made locally (its trapdoor is known to whoever made it).
    pub development_srs: bool,
    /// Who commits.
    pub operator: Address,
    /// Seconds that a batch's time may lie back at its first commit.
    pub max_batch_age: u64,
    /// Wei per proven batch.
    pub prover_reward: U256,
    /// L1 blocks from a Submit's first commit to its beacon.
    pub beacon_delay: u64,
}

/// The rollup's state at one L1 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Ledger root after the last proven batch: four elements of 8 bytes, big-endian.
    pub state_root: B256,
    /// Last proven batch.
    pub proven: u64,
    /// Last committed batch.
    pub committed: u64,
    /// L1 operations enqueued.
    pub l1_queued: u64,
    /// Rolling hash of all of them.
    pub l1_queue_hash: B256,
    /// Beacon records enqueued.
    pub beacons_queued: u64,
    /// Rolling hash of all of them.
    pub beacon_queue_hash: B256,
    /// Units in escrow.
    pub escrowed: u64,
    /// Wei for provers.
    pub reward_pool: U256,
}

/// Number, hash, parent and time of an L1 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1Block {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent: B256,
    /// Unix seconds.
    pub time: u64,
    /// RANDAO mix.
    pub mix: B256,
}

/// An event of the rollup and where it stands.
#[derive(Clone, Debug)]
pub struct Located {
    /// L1 block.
    pub block: u64,
    /// Its hash: changes when the chain is reorganised.
    pub block_hash: B256,
    /// Transaction.
    pub transaction: TxHash,
    /// Position among the block's logs.
    pub log_index: u64,
    /// The event.
    pub event: Rollup::RollupEvents,
}

impl L1 {
    /// Connects and makes sure that this is the chain, that the rollup is there and that its verifier has code.
    ///
    /// # Errors
    /// [`L1Error::Endpoint`], [`L1Error::Unreachable`], [`L1Error::WrongChain`], [`L1Error::NoCode`],
    /// [`L1Error::WrongContract`].
    pub async fn connect(endpoint: &str, chain_id: u64, rollup: Address) -> Result<Self, L1Error> {
        let url: alloy::transports::http::reqwest::Url = endpoint
            .parse()
            .map_err(|e| L1Error::Endpoint { endpoint: endpoint.into(), reason: format!("{e}") })?;
        if url.scheme() != "http" {
            let reason = format!(
                "the scheme {:?} is not supported, only http: put a local proxy before an https endpoint",
                url.scheme()
            );
            return Err(L1Error::Endpoint { endpoint: endpoint.into(), reason });
        }
        // Fees, nonces and gas are filled in by `sender`, where they can be stored before anything is sent.
        let provider = ProviderBuilder::default().connect_http(url).erased();
        provider.client().set_poll_interval(Duration::from_millis(500));
        let l1 = Self { provider, endpoint: endpoint.into(), rollup, chain_id };
        let actual = l1.rpc(l1.provider.get_chain_id().await)?;
        if actual != chain_id {
            return Err(L1Error::WrongChain { endpoint: l1.endpoint, expected: chain_id, actual });
        }
        l1.require_code("rollup", rollup).await?;
        let parameters = l1.parameters().await.map_err(|e| match e {
            transient if transient.is_transient() => transient,
            other => L1Error::WrongContract { address: rollup, reason: other.to_string() },
        })?;
        l1.require_code("verifier wrapper", parameters.wrapper).await?;
        l1.require_code("verifier", parameters.verifier).await?;
        Ok(l1)
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The rollup's address.
    pub fn rollup(&self) -> Address {
        self.rollup
    }

    /// The chain.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The provider, for what this client does not cover.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Refuses a chain whose recent blocks all carry the same prevrandao. A chain of a single block passes.
    ///
    /// # Errors
    /// [`L1Error::ConstantRandomness`].
    pub async fn check_randomness(&self) -> Result<(), L1Error> {
        let head = self.head().await?;
        let mut all_equal = head.number > 0;
        for back in 1..=head.number.min(3) {
            all_equal &= self.block(head.number - back).await?.mix == head.mix;
        }
        if all_equal || (head.number > 0 && head.mix.is_zero()) {
            return Err(L1Error::ConstantRandomness { chain_id: self.chain_id, mix: head.mix });
        }
        Ok(())
    }

    /// What was fixed at deployment.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn parameters(&self) -> Result<Parameters, L1Error> {
        let wrapper = self.call(Rollup::verifierCall {}, None).await?;
        let ask = |data: Vec<u8>| self.call_raw(wrapper, data.into(), None);
        let word = |bytes: Bytes| -> Result<U256, L1Error> {
            U256::try_from_be_slice(&bytes).filter(|_| bytes.len() == 32).ok_or(L1Error::WrongContract {
                address: wrapper,
                reason: "the verifier wrapper does not answer".into(),
            })
        };
        let verifier = word(ask(VerifierWrapper::verifierCall {}.abi_encode()).await?)?;
        let proof_length = word(ask(VerifierWrapper::proofLengthCall {}.abi_encode()).await?)?;
        let development = word(ask(VerifierWrapper::developmentSrsCall {}.abi_encode()).await?)?;
        Ok(Parameters {
            token: self.call(Rollup::tokenCall {}, None).await?,
            wrapper,
            verifier: Address::from_word(verifier.into()),
            verifier_code_hash: word(ask(VerifierWrapper::verifierCodeHashCall {}.abi_encode()).await?)?
                .into(),
            proof_length: proof_length.saturating_to(),
            srs_hash: word(ask(VerifierWrapper::srsHashCall {}.abi_encode()).await?)?.into(),
            development_srs: !development.is_zero(),
            operator: self.call(Rollup::operatorCall {}, None).await?,
            max_batch_age: self.call(Rollup::maxBatchAgeCall {}, None).await?.saturating_to(),
            prover_reward: self.call(Rollup::proverRewardCall {}, None).await?,
            beacon_delay: self.call(Rollup::beaconDelayCall {}, None).await?.saturating_to(),
        })
    }

    /// The rollup's state at an L1 block, or now.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn state(&self, at: Option<u64>) -> Result<State, L1Error> {
        // One block for all questions, else two of them could straddle a commit.
        let at = Some(match at {
            Some(number) => number,
            None => self.head().await?.number,
        });
        Ok(State {
            state_root: self.call(Rollup::stateRootCall {}, at).await?,
            proven: self.call(Rollup::provenBatchCall {}, at).await?,
            committed: self.call(Rollup::committedBatchCall {}, at).await?,
            l1_queued: self.call(Rollup::l1QueuedCall {}, at).await?,
            l1_queue_hash: self.call(Rollup::l1QueueHashCall {}, at).await?,
            beacons_queued: self.call(Rollup::beaconsQueuedCall {}, at).await?,
            beacon_queue_hash: self.call(Rollup::beaconQueueHashCall {}, at).await?,
            escrowed: self.call(Rollup::escrowedCall {}, at).await?,
            reward_pool: self.call(Rollup::rewardPoolCall {}, at).await?,
        })
    }

    /// The newest L1 block.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn head(&self) -> Result<L1Block, L1Error> {
        self.block_at(BlockNumberOrTag::Latest).await
    }

    /// An L1 block.
    ///
    /// # Errors
    /// [`L1Error::NoBlock`], or of the connection.
    pub async fn block(&self, number: u64) -> Result<L1Block, L1Error> {
        self.block_at(BlockNumberOrTag::Number(number)).await
    }

    async fn block_at(&self, tag: BlockNumberOrTag) -> Result<L1Block, L1Error> {
        let block = self.rpc(self.provider.get_block_by_number(tag).await)?;
        let header = block.ok_or(L1Error::NoBlock(tag.as_number().unwrap_or(0)))?.header;
        Ok(L1Block {
            number: header.number,
            hash: header.hash,
            parent: header.parent_hash,
            time: header.timestamp,
            mix: header.mix_hash().unwrap_or_default(),
        })
    }

    /// The RLP of an L1 block's header, as `recordBeacon` wants it; its keccak256 is the block's hash.
    ///
    /// # Errors
    /// [`L1Error::WrongHeader`] where the chain's headers have fields unknown here, or of the connection.
    pub async fn header_rlp(&self, number: u64) -> Result<Bytes, L1Error> {
        let block = self.rpc(self.provider.get_block_by_number(number.into()).await)?;
        let header = block.ok_or(L1Error::NoBlock(number))?.header;
        let rlp: Bytes = alloy::rlp::encode(&header.inner).into();
        let actual = keccak256(&rlp);
        if actual != header.hash {
            return Err(L1Error::WrongHeader { number, expected: header.hash, actual });
        }
        Ok(rlp)
    }

    /// The rollup's events in the L1 blocks `from..=to`, in order.
    ///
    /// # Errors
    /// [`L1Error::UnreadableLog`], or of the connection.
    pub async fn events(&self, from: u64, to: u64) -> Result<Vec<Located>, L1Error> {
        let filter = Filter::new().address(self.rollup).from_block(from).to_block(to);
        let logs = self.rpc(self.provider.get_logs(&filter).await)?;
        logs.into_iter()
            .map(|log| {
                let transaction = log.transaction_hash.unwrap_or_default();
                let unreadable = |reason: String| L1Error::UnreadableLog { hash: transaction, reason };
                let event = Rollup::RollupEvents::decode_raw_log(log.topics(), &log.data().data)
                    .map_err(|e| unreadable(e.to_string()))?;
                let pending = || unreadable("it is pending".into());
                Ok(Located {
                    block: log.block_number.ok_or_else(pending)?,
                    block_hash: log.block_hash.ok_or_else(pending)?,
                    log_index: log.log_index.ok_or_else(pending)?,
                    transaction,
                    event,
                })
            })
            .collect()
    }

    /// Whether an event of a batch has been paid.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn is_claimed(&self, number: u64, index: u32) -> Result<bool, L1Error> {
        self.call(Rollup::isClaimedCall { number, index }, None).await
    }

    /// L1 block whose mix makes a Submit's beacon; `None` while it has not been committed.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn beacon_block(&self, job: u32, trace_root: B256) -> Result<Option<u64>, L1Error> {
        let job = alloy::primitives::Uint::<24, 1>::from(job);
        let number = self.call(Rollup::beaconBlockCall { job, traceRoot: trace_root }, None).await?;
        Ok(Some(number.saturating_to()).filter(|n| *n != 0))
    }

    /// Published output root of a settled job.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn output_root(&self, job: u32) -> Result<Option<B256>, L1Error> {
        let root = self.call(Rollup::outputRootCall { job: U256::from(job) }, None).await?;
        Ok(Some(root).filter(|r| !r.is_zero()))
    }

    /// JCT balance, in wei.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn jct_balance(&self, token: Address, account: Address) -> Result<U256, L1Error> {
        let data = self.call_raw(token, JCT::balanceOfCall { account }.abi_encode().into(), None).await?;
        JCT::balanceOfCall::abi_decode_returns(&data)
            .map_err(|e| L1Error::WrongContract { address: token, reason: e.to_string() })
    }

    /// Asks the deployed verifier whether a proof holds, without a transaction.
    ///
    /// # Errors
    /// [`L1Error::Reverted`] when the question is not well formed, or of the connection.
    pub async fn verify(
        &self,
        wrapper: Address,
        instances: [u64; 23],
        proof: Bytes,
    ) -> Result<bool, L1Error> {
        let call = VerifierWrapper::verifyCall { instances: instances.map(U256::from), proof };
        let data = self.call_raw(wrapper, call.abi_encode().into(), None).await?;
        VerifierWrapper::verifyCall::abi_decode_returns(&data)
            .map_err(|e| L1Error::WrongContract { address: wrapper, reason: e.to_string() })
    }

    /// Code hash of an account.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn code_hash(&self, address: Address) -> Result<B256, L1Error> {
        Ok(keccak256(self.rpc(self.provider.get_code_at(address).await)?))
    }

    /// Calls a view of the rollup at an L1 block, or now.
    ///
    /// # Errors
    /// [`L1Error::Reverted`], or of the connection.
    pub async fn call<C: SolCall>(&self, call: C, at: Option<u64>) -> Result<C::Return, L1Error> {
        let data = self.call_raw(self.rollup, call.abi_encode().into(), at).await?;
        C::abi_decode_returns(&data)
            .map_err(|e| L1Error::WrongContract { address: self.rollup, reason: e.to_string() })
    }

    async fn call_raw(&self, to: Address, data: Bytes, at: Option<u64>) -> Result<Bytes, L1Error> {
        let block = at.map_or(BlockId::latest(), BlockId::number);
        let request = TransactionRequest::default().with_to(to).with_input(data);
        self.rpc(self.provider.call(request).block(block).await)
    }

    pub(crate) async fn calldata<C: SolCall>(
        &self,
        hash: TxHash,
        expected: &'static str,
    ) -> Result<C, L1Error> {
        let transaction = self.rpc(self.provider.get_transaction_by_hash(hash).await)?;
        let transaction = transaction.ok_or(L1Error::UnknownTransaction(hash))?;
        let unexpected = || L1Error::UnexpectedCalldata { hash, expected };
        if transaction.to() != Some(self.rollup) {
            return Err(unexpected());
        }
        use alloy::consensus::Transaction as _;
        C::abi_decode(transaction.input()).map_err(|_| unexpected())
    }

    async fn require_code(&self, contract: &'static str, address: Address) -> Result<(), L1Error> {
        if self.rpc(self.provider.get_code_at(address).await)?.is_empty() {
            return Err(L1Error::NoCode { contract, address, chain_id: self.chain_id });
        }
        Ok(())
    }

    pub(crate) fn rpc<T>(&self, answer: alloy::transports::TransportResult<T>) -> Result<T, L1Error> {
        answer.map_err(|e| L1Error::from_rpc(&self.endpoint, e))
    }
}
