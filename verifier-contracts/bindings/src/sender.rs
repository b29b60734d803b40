//! Sending to L1, one step at a time: build, sign, store, send, look for the receipt, replace.
//!
//! Nothing here keeps a nonce or retries: a poster that survives being killed stores each [`SignedCall`] before it is
//! sent, and sending the same bytes twice has one effect.

use crate::abi::{BatchInfo, JCT, Rollup};
use crate::client::L1;
use crate::error::L1Error;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::{BlockNumberOrTag, Encodable2718};
use alloy::network::TransactionBuilder;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxHash, TxKind, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;

/// A call to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Bytes,
}

/// EIP-1559 fees, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// At most this, base fee included.
    pub max_fee: u128,
    /// For the proposer.
    pub priority_fee: u128,
}

impl Fees {
    /// Fees that replace a waiting transaction with these: at least 12.5 % more (nodes ask for 10 %), and at least
    /// what the chain wants now.
    pub fn replacing(self, now: Fees) -> Fees {
        let more = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        Fees {
            max_fee: more(self.max_fee).max(now.max_fee),
            priority_fee: more(self.priority_fee).max(now.priority_fee),
        }
    }

    /// Fees capped at `max_fee`: a limit for gas spikes.
    pub fn capped(self, max_fee: u128) -> Fees {
        Fees { max_fee: self.max_fee.min(max_fee), priority_fee: self.priority_fee.min(max_fee) }
    }
}

/// A signed transaction: store it, then send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCall {
    /// Its hash.
    pub hash: TxHash,
    /// What is sent.
    pub raw: Bytes,
    /// Who signed.
    pub from: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its fees.
    pub fees: Fees,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction.
    pub hash: TxHash,
    /// L1 block, and its hash (which changes when the chain is reorganised).
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Whether it took effect; false: it was mined and reverted.
    pub success: bool,
    /// Gas used.
    pub gas_used: u64,
    /// Wei per gas paid.
    pub gas_price: u128,
}

impl L1 {
    fn to_rollup(&self, call: impl SolCall) -> Call {
        Call { to: self.rollup(), data: call.abi_encode().into() }
    }

    /// Lets the rollup take `amount` wei of JCT from the sender.
    pub fn approve(&self, token: Address, amount: U256) -> Call {
        let call = JCT::approveCall { spender: self.rollup(), value: amount };
        Call { to: token, data: call.abi_encode().into() }
    }

    /// Moves `amount` wei of JCT (a multiple of 10^9) into the ledger.
    ///
    /// - `key`: owner key to credit, an ECgFp5 encoding
    /// - `hint_account`: account that has this key, or 0
    pub fn deposit(&self, key: [u64; 5], hint_account: u32, amount: U256) -> Call {
        let hint = alloy::primitives::Uint::<24, 1>::from(hint_account & 0xff_ffff);
        self.to_rollup(Rollup::depositCall { key, hintAccount: hint, amount })
    }

    /// Adds `amount` wei of JCT to what provers are paid from.
    pub fn fund_rewards(&self, amount: U256) -> Call {
        self.to_rollup(Rollup::fundRewardsCall { amount })
    }

    /// Commits the batch after `parent`.
    ///
    /// - `committed`: header block and L2 transactions
    /// - `digest`: D of the whole stream, tail included, four elements of 8 bytes
    /// - `event_offsets`: block offsets of the events, increasing (the header is block 0)
    /// - `l1_queue_hash`, `beacon_queue_hash`: rolling hashes at the end of what the batch consumes
    pub fn commit_batch(
        &self,
        parent: BatchInfo,
        committed: Bytes,
        digest: B256,
        event_offsets: Vec<u32>,
        l1_queue_hash: B256,
        beacon_queue_hash: B256,
    ) -> Call {
        self.to_rollup(Rollup::commitBatchCall {
            parent,
            committed,
            digest,
            eventOffsets: event_offsets,
            expectedL1QueueHash: l1_queue_hash,
            expectedBeaconQueueHash: beacon_queue_hash,
        })
    }

    /// Removes the batches after `last`.
    pub fn revert_batches(&self, last: BatchInfo) -> Call {
        self.to_rollup(Rollup::revertBatchesCall { last })
    }

    /// Proves the batches of `range`.
    pub fn prove_batches(
        &self,
        range: Vec<BatchInfo>,
        list_digest: B256,
        new_root: B256,
        payee: Address,
        proof: Bytes,
    ) -> Call {
        self.to_rollup(Rollup::proveBatchesCall {
            range,
            listDigest: list_digest,
            newRoot: new_root,
            payee,
            proof,
        })
    }

    /// Pays a proven withdrawal; `path` comes from [`crate::event_tree::path`].
    pub fn claim(&self, info: BatchInfo, index: u32, event_blocks: Bytes, path: Vec<B256>) -> Call {
        self.to_rollup(Rollup::claimCall { info, index, eventBlocks: event_blocks, path })
    }

    /// Makes the output root of a proven Settle readable by contracts.
    pub fn publish_output(&self, info: BatchInfo, index: u32, event_blocks: Bytes, path: Vec<B256>) -> Call {
        self.to_rollup(Rollup::publishOutputCall { info, index, eventBlocks: event_blocks, path })
    }

    /// Records the beacon of a committed Submit; `header` comes from [`L1::header_rlp`] of [`L1::beacon_block`].
    pub fn record_beacon(&self, job: u32, trace_root: B256, header: Bytes) -> Call {
        let job = alloy::primitives::Uint::<24, 1>::from(job & 0xff_ffff);
        self.to_rollup(Rollup::recordBeaconCall { job, traceRoot: trace_root, header })
    }

    /// Gas that a call would use now. Also a dry run: a call that would revert is an error here.
    ///
    /// # Errors
    /// [`L1Error::Reverted`], [`L1Error::InsufficientFunds`], or of the connection.
    pub async fn estimate_gas(&self, call: &Call, from: Address) -> Result<u64, L1Error> {
        let request =
            TransactionRequest::default().with_from(from).with_to(call.to).with_input(call.data.clone());
        let answer = self.rpc(self.provider.estimate_gas(request).await);
        match answer {
            Err(e) => Err(self.explain(e, from, 0).await),
            ok => ok,
        }
    }

    /// Fees that get a transaction in soon.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn fees(&self) -> Result<Fees, L1Error> {
        let fees = self.rpc(self.provider.estimate_eip1559_fees().await)?;
        Ok(Fees { max_fee: fees.max_fee_per_gas, priority_fee: fees.max_priority_fee_per_gas })
    }

    /// The next nonce of an account: after its mined transactions, or after those that wait as well.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn nonce(&self, account: Address, include_pending: bool) -> Result<u64, L1Error> {
        let tag = if include_pending { BlockNumberOrTag::Pending } else { BlockNumberOrTag::Latest };
        self.rpc(self.provider.get_transaction_count(account).block_id(tag.into()).await)
    }

    /// Ether balance, in wei.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn ether_balance(&self, account: Address) -> Result<U256, L1Error> {
        self.rpc(self.provider.get_balance(account).await)
    }

    /// Signs a call. Nothing is sent.
    ///
    /// # Errors
    /// [`L1Error::Signing`].
    pub fn sign(
        &self,
        call: &Call,
        signer: &PrivateKeySigner,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<SignedCall, L1Error> {
        let mut transaction = TxEip1559 {
            chain_id: self.chain_id(),
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.priority_fee.min(fees.max_fee),
            to: TxKind::Call(call.to),
            input: call.data.clone(),
            ..Default::default()
        };
        let signature =
            signer.sign_transaction_sync(&mut transaction).map_err(|e| L1Error::Signing(e.to_string()))?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(SignedCall {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718().into(),
            from: signer.address(),
            nonce,
            fees,
        })
    }

    /// Sends a signed transaction. Sending one that the node already has is no error.
    ///
    /// # Errors
    /// [`L1Error::NonceUsed`] (it, or another with its nonce, is mined), [`L1Error::Underpriced`],
    /// [`L1Error::InsufficientFunds`], or of the connection.
    pub async fn send(&self, signed: &SignedCall) -> Result<(), L1Error> {
        match self.rpc(self.provider.send_raw_transaction(&signed.raw).await) {
            Ok(_) => Ok(()),
            Err(L1Error::Rpc { reason, .. }) if is_known(&reason) => Ok(()),
            Err(e) => Err(self.explain(e, signed.from, signed.nonce).await),
        }
    }

    /// The receipt of a mined transaction, `None` while it is not.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn receipt(&self, hash: TxHash) -> Result<Option<Receipt>, L1Error> {
        let receipt = self.rpc(self.provider.get_transaction_receipt(hash).await)?;
        Ok(receipt.and_then(|r| {
            Some(Receipt {
                hash,
                block: r.block_number?,
                block_hash: r.block_hash?,
                success: r.status(),
                gas_used: r.gas_used,
                gas_price: r.effective_gas_price,
            })
        }))
    }

    /// Why a mined transaction reverted: the call is made again on the state before its block.
    ///
    /// # Errors
    /// The reason, as [`L1Error::Reverted`]; [`L1Error::Rpc`] when it does not revert there.
    pub async fn revert_reason(&self, call: &Call, from: Address, receipt: &Receipt) -> L1Error {
        let request =
            TransactionRequest::default().with_from(from).with_to(call.to).with_input(call.data.clone());
        let before = alloy::eips::BlockId::number(receipt.block.saturating_sub(1));
        match self.rpc(self.provider.call(request).block(before).await) {
            Err(e) => e,
            Ok(_) => L1Error::Rpc {
                endpoint: self.endpoint().into(),
                reason: format!("transaction {} reverted for want of gas or of an earlier one", receipt.hash),
            },
        }
    }

    /// Estimates, signs, sends one call and waits for its receipt: for tools and tests, where being killed in between
    /// does not matter.
    ///
    /// # Errors
    /// [`L1Error::Reverted`], or of the connection; [`L1Error::UnknownTransaction`] after `patience`.
    pub async fn execute(
        &self,
        call: &Call,
        signer: &PrivateKeySigner,
        patience: std::time::Duration,
    ) -> Result<Receipt, L1Error> {
        let gas = self.estimate_gas(call, signer.address()).await?;
        let nonce = self.nonce(signer.address(), true).await?;
        // Head room: the state may have moved between estimate and inclusion.
        let signed = self.sign(call, signer, nonce, gas + gas / 4, self.fees().await?)?;
        self.send(&signed).await?;
        let deadline = std::time::Instant::now() + patience;
        loop {
            if let Some(receipt) = self.receipt(signed.hash).await? {
                if !receipt.success {
                    return Err(self.revert_reason(call, signer.address(), &receipt).await);
                }
                return Ok(receipt);
            }
            if std::time::Instant::now() > deadline {
                return Err(L1Error::UnknownTransaction(signed.hash));
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    /// Turns a node's words about a transaction into a typed error.
    async fn explain(&self, error: L1Error, from: Address, nonce: u64) -> L1Error {
        let L1Error::Rpc { reason, .. } = &error else { return error };
        let reason = reason.to_lowercase();
        if reason.contains("nonce too low") {
            L1Error::NonceUsed { address: from, nonce }
        } else if reason.contains("underpriced") {
            L1Error::Underpriced { address: from, nonce }
        } else if reason.contains("insufficient funds") {
            let balance = self.ether_balance(from).await.unwrap_or_default();
            L1Error::InsufficientFunds { address: from, balance, reason }
        } else {
            error
        }
    }
}

fn is_known(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    reason.contains("already known") || reason.contains("already imported")
}
