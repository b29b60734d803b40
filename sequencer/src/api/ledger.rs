//! The service `Ledger`.

use std::pin::Pin;

use janction_blobs::{Class, Link};
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Key};
use janction_rpc::{encoding, v1};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

use super::{Api, exactly, status};
use crate::batcher::admit::{GateQuestion, Submission};
use crate::batcher::{Engine, hex};
use crate::refusal::Refusal;
use crate::store::StoreError;
use crate::store::column::Keys;
use crate::store::record::{BatchRecord, Heads, TransactionStatus};

/// Batches that wait for a slow watcher before it is let go.
const WATCH_BUFFER: usize = 256;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl v1::ledger_server::Ledger for Api {
    async fn submit_transaction(
        &self,
        request: Request<v1::SubmitTransactionRequest>,
    ) -> Answer<v1::SubmitTransactionResponse> {
        let request = request.into_inner();
        self.run("SubmitTransaction", async {
            let submission = Submission::new(request.transaction.to_vec(), request.attachment.to_vec())?;
            let id = self.submit(submission).await?;
            Ok(v1::SubmitTransactionResponse { id: id.to_vec().into() })
        })
        .await
    }

    async fn get_transaction(
        &self,
        request: Request<v1::GetTransactionRequest>,
    ) -> Answer<v1::GetTransactionResponse> {
        let id = request.into_inner().id;
        self.run("GetTransaction", async {
            let id = exactly("id", &id)?;
            self.shared
                .engine(move |engine| {
                    let record = engine.transaction(&id)?;
                    Ok(transaction(record.status, record.bytes, engine.heads()))
                })
                .await
        })
        .await
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Answer<v1::GetAccountResponse> {
        let index = request.into_inner().index;
        self.run("GetAccount", self.shared.engine(move |engine| account(engine, index))).await
    }

    async fn get_account_by_key(
        &self,
        request: Request<v1::GetAccountByKeyRequest>,
    ) -> Answer<v1::GetAccountByKeyResponse> {
        let key = request.into_inner().key;
        self.run("GetAccountByKey", async {
            let bytes: [u8; 40] = exactly("key", &key)?;
            let mut limbs = [0; 5];
            for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *limb = u64::from_be_bytes(*chunk);
            }
            let key =
                Key::from_u64s(limbs).map_err(|e| Refusal::Field { field: "key", why: e.to_string() })?;
            let mut indices = Vec::new();
            for entry in self.shared.store().from::<Keys>(&(key, 0))? {
                let ((owner, index), ()) = entry?;
                if owner != key {
                    break;
                }
                indices.push(index);
            }
            let accounts = self.shared.engine(move |engine| {
                indices.iter().map(|&index| account(engine, index)).collect::<Result<Vec<_>, Refusal>>()
            });
            Ok(v1::GetAccountByKeyResponse { accounts: accounts.await? })
        })
        .await
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::GetJobResponse> {
        let index = request.into_inner().index;
        self.run("GetJob", self.job(index)).await
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        let request = request.into_inner();
        self.run("ListJobs", self.jobs(request)).await
    }

    type WatchJobsStream = Pin<Box<dyn Stream<Item = Result<v1::GetJobResponse, Status>> + Send>>;

    async fn watch_jobs(&self, _: Request<v1::WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        Ok(Response::new(Box::pin(self.watched_jobs())))
    }

    async fn get_info(&self, _: Request<v1::GetInfoRequest>) -> Answer<v1::GetInfoResponse> {
        let l1 = self.shared.l1();
        let (confirmations, minimum_fee) = (self.confirmations, self.minimum_fee_per_block);
        let info = self.shared.engine(move |engine| {
            let state = *engine.ledger().state();
            let heads = engine.heads();
            Ok(v1::GetInfoResponse {
                version: env!("CARGO_PKG_VERSION").into(),
                l1: Some(v1::L1Info {
                    chain_id: state.deployment.chain_id(),
                    rollup: state.deployment.rollup().0.to_vec().into(),
                    head: l1.head.number,
                    head_time: l1.head.time,
                    confirmations,
                    waiting_operations: engine.waiting_operations(),
                    reachable: l1.reachable,
                    error: l1.error,
                }),
                heads: Some(v1::Heads {
                    sealed: heads.sealed,
                    committed: heads.committed,
                    proven: heads.proven,
                }),
                ledger_root: state.root().to_bytes().to_vec().into(),
                time: state.time,
                pending: engine.pending() as u64,
                fee_account: engine.config().batch.fee_account,
                minimum_fee,
                next_account: state.next_account,
                next_job: state.next_job,
                burned: state.burned.units(),
            })
        });
        self.run("GetInfo", info).await
    }

    type WatchBatchesStream = Pin<Box<dyn Stream<Item = Result<v1::BatchInfo, Status>> + Send>>;

    async fn watch_batches(
        &self,
        request: Request<v1::WatchBatchesRequest>,
    ) -> Answer<Self::WatchBatchesStream> {
        let from = request.into_inner().from;
        let (sender, receiver) = tokio::sync::mpsc::channel(WATCH_BUFFER);
        let api = self.clone();
        tokio::spawn(async move {
            let last_word = tokio::select! {
                result = api.watch(from, &sender) => result.err(),
                () = api.stopping.cancelled() => Some(status::of(&Refusal::Stopping)),
            };
            if let Some(status) = last_word {
                // Whoever watches may have gone.
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

type BatchSender = tokio::sync::mpsc::Sender<Result<v1::BatchInfo, Status>>;

impl Api {
    async fn submit(&self, submission: Submission) -> Result<[u8; 32], Refusal> {
        let id = submission.id;
        let (submission, question) = self
            .shared
            .engine(move |engine| match engine.is_known(&id)? {
                true => Ok::<_, Refusal>((None, GateQuestion::Nothing)),
                false => {
                    let question = engine.gate_question(&submission);
                    if !matches!(question, GateQuestion::Nothing) {
                        // What the gate looks at costs more than the rules, so these come first.
                        engine.would_admit(&submission)?;
                    }
                    Ok((Some(submission), question))
                }
            })
            .await?;
        let Some(submission) = submission else { return Ok(id) };
        match question {
            GateQuestion::Nothing => {}
            GateQuestion::AuditProof(job, claim) => {
                self.check_proof(job, *claim, submission.attachment.clone()).await?;
            }
            GateQuestion::Output(job, root) => {
                let name = Link::new(Class::Output, root.to_bytes());
                self.blobs.find(name).await.map_err(|error| match error {
                    Refusal::NotFound { .. } => Refusal::Output { job, why: format!("{name} is missing") },
                    other => other,
                })?;
            }
        }
        self.shared.engine(move |engine| engine.admit(submission)).await
    }

    /// Whether an audit proof holds. A `Settle` enters a batch only with one that does.
    async fn check_proof(&self, job: Index, claim: Claim, proof: Vec<u8>) -> Result<(), Refusal> {
        if proof.is_empty() {
            return Err(Refusal::AuditProof { job, why: "send it as the attachment".into() });
        }
        let _permit = self.proof_checks.acquire().await.map_err(|_| Refusal::Stopping)?;
        let (gate, start) = (self.gate.clone(), std::time::Instant::now());
        let checked = tokio::task::spawn_blocking(move || gate.check(&claim, &proof)).await;
        metrics::histogram!("sequencer_audit_check_seconds").record(start.elapsed().as_secs_f64());
        let checked = checked.map_err(|e| Refusal::Internal(format!("the check of a proof failed: {e}")))?;
        checked.map_err(|why| Refusal::AuditProof { job, why })
    }

    /// Batches from `from` on, then every change, until the watcher goes or is too slow.
    async fn watch(&self, from: u64, sender: &BatchSender) -> Result<(), Status> {
        // Subscribed before the first look, so that nothing falls between.
        let (mut notices, sealed) =
            self.shared.engine(|e| Ok::<_, Status>((e.watch(), e.heads().sealed))).await?;
        if from > 0 {
            for number in from..=sealed {
                self.report(number, sender).await?;
            }
        }
        loop {
            let notice = match notices.recv().await {
                Ok(notice) => notice,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                    return Err(status::of(&Refusal::Stopping));
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => {
                    let line =
                        format!("{missed} changes were missed: watch again from the last batch you saw");
                    return Err(janction_rpc::status::refusal(Code::Aborted, "lagged", line));
                }
            };
            if notice.rewound {
                let gone = v1::BatchInfo {
                    number: notice.batch,
                    stage: v1::BatchStage::Rewound.into(),
                    ..Default::default()
                };
                sender.send(Ok(gone)).await.map_err(|_| Status::cancelled("nobody watches"))?;
            } else if notice.batch >= from {
                self.report(notice.batch, sender).await?;
            }
        }
    }

    async fn report(&self, number: u64, sender: &BatchSender) -> Result<(), Status> {
        let info = self.shared.engine(move |engine| {
            // Between the notice and now it may have been taken back; that has its own notice.
            let record =
                if number <= engine.heads().sealed { Some(engine.batch_record(number)?) } else { None };
            Ok::<_, Refusal>(record.map(|record| batch(&record, engine.heads())))
        });
        if let Some(info) = info.await.map_err(|refusal| status::of(&refusal))? {
            sender.send(Ok(info)).await.map_err(|_| Status::cancelled("nobody watches"))?;
        }
        Ok(())
    }
}

fn account(engine: &Engine, index: u32) -> Result<v1::GetAccountResponse, Refusal> {
    let (account, next_nonce, available) = engine.account(index)?;
    let account = encoding::encode(&account).map_err(StoreError::from)?.into();
    Ok(v1::GetAccountResponse { index, account, next_nonce, available, batch: engine.heads().sealed })
}

fn transaction(status: TransactionStatus, bytes: Vec<u8>, heads: Heads) -> v1::GetTransactionResponse {
    use v1::TransactionStage as Stage;
    let mut response = v1::GetTransactionResponse { transaction: bytes.into(), ..Default::default() };
    let stage = match status {
        TransactionStatus::Pending { .. } => Stage::Pending,
        TransactionStatus::Included { batch, position } => {
            (response.batch, response.position) = (Some(batch), Some(position));
            match batch {
                batch if batch <= heads.proven => Stage::Proven,
                batch if batch <= heads.committed => Stage::Committed,
                _ => Stage::Sealed,
            }
        }
        TransactionStatus::Refused { code, reason } => {
            (response.code, response.reason) = (code, reason);
            Stage::Refused
        }
        TransactionStatus::Replaced { by } => {
            response.reason = hex(&by);
            Stage::Replaced
        }
    };
    response.stage = stage.into();
    response
}

fn batch(record: &BatchRecord, heads: Heads) -> v1::BatchInfo {
    let stage = match record.number {
        number if number <= heads.proven => v1::BatchStage::Proven,
        number if number <= heads.committed => v1::BatchStage::Committed,
        _ => v1::BatchStage::Sealed,
    };
    let hash = |hash: Option<[u8; 32]>| hash.map(|h| h.to_vec()).unwrap_or_default().into();
    v1::BatchInfo {
        number: record.number,
        time: record.time,
        stage: stage.into(),
        transactions: record.transactions.iter().map(|id| id.to_vec().into()).collect(),
        l1_operations: record.operations,
        beacon_records: record.beacons,
        bytes: (record.committed.len() + record.tail.len()) as u64,
        ledger_root: record.ledger.root().to_bytes().to_vec().into(),
        digest: record.entry.digest.to_bytes().to_vec().into(),
        commit_transaction: hash(record.commit_transaction),
        prove_transaction: hash(record.prove_transaction),
    }
}
