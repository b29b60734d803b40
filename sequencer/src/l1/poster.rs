//! Commits and proves batches on L1 and records beacons there, each exactly once.
//!
//! What is to be done becomes an *intent*: call data and nonce, written to the outbox before anything is sent. An
//! intent is sent as often as needed, with rising fees but always with its nonce, so that at most one of its forms
//! takes effect, whatever crashes in between. There is one unmined intent at a time, so that none is ever stuck behind
//! a gap of nonces.
//!
//! After a restart nothing special happens: each step compares the outbox with the chain first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::beacons::Beacons;
use super::follower::{Latest, View};
use super::{GasPrice, L1, L1Config, L1Error, Unsigned};
use crate::batcher::EngineError;
use crate::batcher::chain::Todo;
use crate::clock::unix_ms;
use crate::failpoint;
use crate::shared::Shared;
use crate::store::StoreError;
use crate::store::column::Outbox;
use crate::store::record::{Action, Attempt, Intent, IntentStatus};

/// Added to the estimate, in percent: what other transactions change before ours is mined.
const GAS_MARGIN_PERCENT: u64 = 25;

/// Final and failed intents that stay in the outbox, for people who look.
const KEPT: u64 = 1_000;

/// Why nothing was posted.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// L1 does not answer, or refuses.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Gas costs more than the configuration allows.
    #[error(
        "L1 asks for {needed} wei per gas, l1.max_fee_per_gas is {cap}: batches wait until gas is cheaper, or raise it"
    )]
    GasTooDear {
        /// What it would take.
        needed: u128,
        /// As configured.
        cap: u128,
    },
    /// A transaction was mined and reverted.
    #[error("{action:?} was mined and reverted; it is looked at again")]
    MinedAndReverted {
        /// What for.
        action: Action,
    },
    /// The key is used elsewhere too.
    #[error(
        "nonce {nonce} of the L1 key was used by a transaction that is not this sequencer's: nobody else may use the key"
    )]
    ForeignTransaction {
        /// The nonce.
        nonce: u64,
    },
}

/// The poster.
pub struct Poster {
    l1: Arc<dyn L1>,
    config: L1Config,
    shared: Arc<Shared>,
    /// An intent whose nonce was used by something unknown in the last step: it takes two looks, since receipts and
    /// nonces are not read at one instant.
    suspect: Option<u64>,
    beacons: Beacons,
    last_send: Option<(u64, Instant)>,
}

impl Poster {
    /// A poster that works through `l1`.
    pub fn new(l1: Arc<dyn L1>, config: L1Config, shared: Arc<Shared>) -> Self {
        Self { l1, config, shared, suspect: None, beacons: Beacons::default(), last_send: None }
    }

    /// One look at outbox and chain, and at most one new intent.
    ///
    /// # Errors
    /// [`PostError`]; call again later.
    pub async fn step(&mut self, view: &View) -> Result<(), PostError> {
        if self.reconcile(view).await? || Latest::is_unsettled(view) {
            return Ok(());
        }
        let asked = view.clone();
        let work = self.shared.engine(move |engine| {
            let latest = engine.latest(&asked)?;
            Ok::<_, EngineError>((engine.todo(&latest)?, engine.awaited_beacons(&latest)?))
        });
        let (todo, awaited) = work.await?;
        // A beacon is not put off by commits, of which there may always be another: its block is soon out of reach.
        if !matches!(todo, Some(Todo::Prove(..)))
            && let Some(((job, trace_root), header)) =
                self.beacons.due(&awaited, view, &*self.l1, &self.config).await?
        {
            let data = self.l1.beacon_data(job, trace_root, header);
            return self.intend(Action::RecordBeacon { job, trace_root }, data).await;
        }
        let Some(todo) = todo else { return Ok(()) };
        let data = match &todo {
            Todo::Commit(parent, batch) => self.l1.commit_data(parent, batch),
            Todo::Prove(range, proof) => self.l1.prove_data(range, proof),
        };
        self.intend(todo.action(), data).await
    }

    /// The contract would revert. Where that is for good, the cause is removed. Whether the effect is there already.
    async fn refused(&mut self, action: Action, error: &L1Error) -> Result<bool, EngineError> {
        let L1Error::Reverted { reason, .. } = error else { return Ok(false) };
        let name = reason.split(['(', ' ']).next().unwrap_or_default();
        let why = error.to_string();
        match (action, name) {
            (Action::RecordBeacon { job, trace_root }, name) => {
                return Ok(self.beacons.refused((job, trace_root), name, &why));
            }
            // Nothing of ours is on its way, and time does not go back.
            (Action::Commit { batch }, "BatchTooOld") => {
                self.shared.engine(move |engine| engine.rewind(batch - 1)).await?;
            }
            (Action::Prove { first, .. }, "InvalidProof" | "WrongProofLength") => {
                let reject = self.shared.engine(move |engine| engine.reject_proof(first, &why));
                reject.await?;
            }
            _ => {}
        }
        Ok(false)
    }

    /// Brings the outbox up to date with the chain. Whether something is on its way.
    async fn reconcile(&mut self, view: &View) -> Result<bool, PostError> {
        let mut busy = false;
        let open = self.open_intents()?;
        let nonces: Vec<u64> = open.iter().map(|(_, intent)| intent.nonce).collect();
        for (number, intent) in open {
            match self.mined(&intent).await? {
                Some((hash, receipt)) if receipt.success => {
                    let deep = receipt.block + self.config.confirmations <= view.head.number;
                    let status = match deep {
                        true => IntentStatus::Final { hash },
                        false => IntentStatus::Mined { block: receipt.block, hash },
                    };
                    // The node may know a block that the view does not: then the contract's new state is not known.
                    busy |= receipt.block > view.head.number;
                    self.settle(number, intent, status)?;
                }
                Some(_) => {
                    let action = intent.action;
                    if let Action::RecordBeacon { job, trace_root } = action {
                        // Perhaps somebody else was quicker; what is left to do is looked at again.
                        self.beacons.refused((job, trace_root), "", "");
                    }
                    self.settle(number, intent, IntentStatus::Failed { why: "it reverted".into() })?;
                    return Err(PostError::MinedAndReverted { action });
                }
                None => {
                    busy = true;
                    self.pursue(number, intent, &nonces).await?;
                }
            }
        }
        Ok(busy)
    }

    fn open_intents(&self) -> Result<Vec<(u64, Intent)>, StoreError> {
        let store = self.shared.store();
        let Some((last, _)) = store.last::<Outbox>()? else { return Ok(vec![]) };
        let mut open = Vec::new();
        for entry in store.from::<Outbox>(&last.saturating_sub(KEPT))? {
            let (number, intent) = entry?;
            if matches!(intent.status, IntentStatus::Pending | IntentStatus::Mined { .. }) {
                open.push((number, intent));
            }
        }
        Ok(open)
    }

    async fn mined(&self, intent: &Intent) -> Result<Option<([u8; 32], super::Receipt)>, L1Error> {
        for attempt in intent.attempts.iter().rev() {
            if let Some(receipt) = self.l1.receipt(attempt.hash).await? {
                return Ok(Some((attempt.hash, receipt)));
            }
        }
        Ok(None)
    }

    /// An intent that is in no block: sends it (again), with a higher fee when it has waited long enough.
    ///
    /// - `nonces`: of all open intents.
    async fn pursue(&mut self, number: u64, mut intent: Intent, nonces: &[u64]) -> Result<(), PostError> {
        if intent.status != IntentStatus::Pending {
            tracing::warn!(?intent.action, "L1 reorganised: the transaction is in no block any more; sending it again");
            intent.status = IntentStatus::Pending;
            self.write(number, &intent)?;
            self.last_send = None;
        }
        let next = self.l1.nonce().await?;
        if next > intent.nonce {
            if self.suspect.replace(number) == Some(number) {
                self.suspect = None;
                return self.give_up(number, intent).await;
            }
            return Ok(());
        }
        if next < intent.nonce && !nonces.contains(&next) {
            // A reorganisation took one that was final. What it did is done anew, with its nonce, and this after it.
            return Ok(self.settle(
                number,
                intent,
                IntentStatus::Failed { why: "an earlier one is gone".into() },
            )?);
        }
        self.suspect = None;
        let waited = intent.attempts.last().map_or(0, |a| unix_ms().saturating_sub(a.signed_at_ms));
        if waited >= self.config.bump_after_ms {
            self.bump(number, &mut intent).await?;
        } else if self.last_send.is_some_and(|(n, at)| n == number && at.elapsed() < self.resend_after()) {
            return Ok(());
        }
        self.send(number, &intent).await
    }

    /// The intent's nonce was used by something else: by an intent that was given up before, or by a stranger.
    async fn give_up(&self, number: u64, intent: Intent) -> Result<(), PostError> {
        let nonce = intent.nonce;
        self.settle(number, intent, IntentStatus::Failed { why: "its nonce was used by another".into() })?;
        let all = self.shared.store().all::<Outbox>()?.collect::<Result<Vec<_>, _>>()?;
        for (_, other) in all.iter().filter(|(other, intent)| *other != number && intent.nonce == nonce) {
            if self.mined(other).await?.is_some() {
                return Ok(());
            }
        }
        Err(PostError::ForeignTransaction { nonce })
    }

    fn resend_after(&self) -> Duration {
        Duration::from_millis((self.config.bump_after_ms / 4).max(1))
    }

    async fn bump(&self, number: u64, intent: &mut Intent) -> Result<(), PostError> {
        let Some(last) = intent.attempts.last() else { return Ok(()) };
        let price = self.l1.gas_price().await?;
        let raised = |fee: u128| fee.saturating_mul(100 + u128::from(self.config.bump_percent)).div_ceil(100);
        let priority_fee = raised(last.priority_fee).max(price.priority_fee).max(1);
        let max_fee = raised(last.max_fee).max(wanted_fee(&price));
        if max_fee > self.config.max_fee_per_gas {
            // It stays as it is and is sent again: gas may become cheaper.
            metrics::counter!("sequencer_l1_fee_cap_reached_total").increment(1);
            return Ok(());
        }
        let attempt = self.attempt(intent, max_fee, priority_fee.min(max_fee))?;
        intent.attempts.push(attempt);
        metrics::counter!("sequencer_l1_fee_bumps_total").increment(1);
        self.write(number, intent)?;
        Ok(())
    }

    async fn intend(&mut self, action: Action, data: Vec<u8>) -> Result<(), PostError> {
        let estimate = match self.l1.estimate(&data).await {
            Ok(gas) => gas,
            Err(error) => {
                if self.refused(action, &error).await? {
                    return Ok(());
                }
                return Err(error.into());
            }
        };
        let gas = estimate.saturating_mul(100 + GAS_MARGIN_PERCENT) / 100;
        let price = self.l1.gas_price().await?;
        let max_fee = wanted_fee(&price);
        if max_fee > self.config.max_fee_per_gas {
            let lowest = price.base_fee + price.priority_fee;
            if lowest > self.config.max_fee_per_gas {
                return Err(PostError::GasTooDear { needed: lowest, cap: self.config.max_fee_per_gas });
            }
        }
        let max_fee = max_fee.min(self.config.max_fee_per_gas);
        let nonce = self.l1.nonce().await?;
        let number = self.shared.store().last::<Outbox>()?.map_or(0, |(number, _)| number + 1);
        let mut intent = Intent { action, data, nonce, gas, attempts: vec![], status: IntentStatus::Pending };
        let attempt = self.attempt(&intent, max_fee, price.priority_fee.min(max_fee))?;
        intent.attempts.push(attempt);
        self.write(number, &intent)?;
        tracing::info!(?action, nonce, gas, max_fee, "posting to L1");
        self.send(number, &intent).await
    }

    fn attempt(&self, intent: &Intent, max_fee: u128, priority_fee: u128) -> Result<Attempt, L1Error> {
        let call =
            Unsigned { nonce: intent.nonce, gas: intent.gas, max_fee, priority_fee, data: &intent.data };
        let (hash, raw) = self.l1.sign(&call)?;
        Ok(Attempt { max_fee, priority_fee, hash, raw, signed_at_ms: unix_ms() })
    }

    async fn send(&mut self, number: u64, intent: &Intent) -> Result<(), PostError> {
        let Some(attempt) = intent.attempts.last() else { return Ok(()) };
        failpoint::hit("l1-send");
        let sent = self.l1.send(attempt, intent.nonce).await;
        failpoint::hit("l1-send");
        self.last_send = Some((number, Instant::now()));
        match sent {
            // It was mined a moment ago, or a form of it waits that the node prefers: the next look tells.
            Ok(()) | Err(L1Error::NonceUsed { .. } | L1Error::Underpriced { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records a change of status. What is final or failed keeps no bytes.
    fn settle(&self, number: u64, mut intent: Intent, status: IntentStatus) -> Result<(), StoreError> {
        if intent.status == status {
            return Ok(());
        }
        if !matches!(status, IntentStatus::Pending | IntentStatus::Mined { .. }) {
            intent.data.clear();
            intent.attempts.iter_mut().for_each(|attempt| attempt.raw.clear());
        }
        tracing::info!(?intent.action, ?status, "L1 transaction");
        intent.status = status;
        self.write(number, &intent)
    }

    fn write(&self, number: u64, intent: &Intent) -> Result<(), StoreError> {
        let mut progress = self.shared.store().begin();
        progress.put::<Outbox>(&number, intent)?;
        if number > KEPT {
            progress.delete::<Outbox>(&(number - KEPT - 1))?;
        }
        progress.commit()
    }
}

/// Twice the base fee: enough for six full blocks in a row.
fn wanted_fee(price: &GasPrice) -> u128 {
    price.base_fee.saturating_mul(2).saturating_add(price.priority_fee)
}
