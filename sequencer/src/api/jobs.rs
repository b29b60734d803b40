//! Jobs, as `Ledger` tells of them.

use janction_protocol::state::Index;
use janction_rpc::{encoding, v1};
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::{Api, blobs, status};
use crate::batcher::jobs::JobView;
use crate::refusal::Refusal;
use crate::store::StoreError;

/// Most jobs in one answer.
const LISTED: u32 = 100;

/// Jobs that wait for a slow watcher before it is let go.
const WATCH_BUFFER: usize = 256;

type JobSender = tokio::sync::mpsc::Sender<Result<v1::GetJobResponse, Status>>;

impl Api {
    /// One job.
    pub(super) async fn job(&self, index: Index) -> Result<v1::GetJobResponse, Refusal> {
        let view = self
            .shared
            .engine(move |engine| Ok::<_, Refusal>((engine.job_view(index)?, engine.config().deployment)));
        let (view, deployment) = view.await?;
        self.response(view, deployment)
    }

    /// A stretch of jobs.
    pub(super) async fn jobs(&self, request: v1::ListJobsRequest) -> Result<v1::ListJobsResponse, Refusal> {
        let limit = if request.limit == 0 { LISTED } else { request.limit.min(LISTED) };
        let views = self.shared.engine(move |engine| {
            let (indices, next) = engine.list_jobs(request.from, limit as usize, request.live);
            let views = indices.into_iter().map(|index| engine.job_view(index));
            Ok::<_, Refusal>((views.collect::<Result<Vec<_>, _>>()?, next, engine.config().deployment))
        });
        let (views, next, deployment) = views.await?;
        let jobs = views.into_iter().map(|view| self.response(view, deployment));
        Ok(v1::ListJobsResponse { jobs: jobs.collect::<Result<_, _>>()?, next })
    }

    /// Every live job, then each that changes, until the watcher goes or is too slow.
    pub(super) fn watched_jobs(
        &self,
    ) -> impl Stream<Item = Result<v1::GetJobResponse, Status>> + Send + use<> {
        let (sender, receiver) = tokio::sync::mpsc::channel(WATCH_BUFFER);
        let api = self.clone();
        tokio::spawn(async move {
            let last_word = tokio::select! {
                result = api.watch_jobs_until(&sender) => result.err(),
                () = api.stopping.cancelled() => Some(status::of(&Refusal::Stopping)),
            };
            if let Some(status) = last_word {
                // Whoever watches may have gone.
                let _ = sender.send(Err(status)).await;
            }
        });
        ReceiverStream::new(receiver)
    }

    async fn watch_jobs_until(&self, sender: &JobSender) -> Result<(), Status> {
        // Subscribed before the first look, so that nothing falls between.
        let subscribed = self.shared.engine(|engine| {
            Ok::<_, Status>((engine.watch_jobs(), engine.list_jobs(0, usize::MAX - 1, true).0))
        });
        let (mut changes, live) = subscribed.await?;
        for index in live {
            self.tell(index, sender).await?;
        }
        loop {
            let index = match changes.recv().await {
                Ok(index) => index,
                Err(RecvError::Closed) => return Err(status::of(&Refusal::Stopping)),
                Err(RecvError::Lagged(missed)) => {
                    let line = format!("{missed} changes were missed: watch again");
                    return Err(janction_rpc::status::refusal(Code::Aborted, "lagged", line));
                }
            };
            self.tell(index, sender).await?;
        }
    }

    async fn tell(&self, index: Index, sender: &JobSender) -> Result<(), Status> {
        let view = self
            .shared
            .engine(move |engine| Ok::<_, Refusal>((engine.job_or_gone(index)?, engine.config().deployment)));
        let told = view.await.and_then(|(view, deployment)| self.response(view, deployment));
        let told = told.map_err(|refusal| status::of(&refusal))?;
        sender.send(Ok(told)).await.map_err(|_| Status::cancelled("nobody watches"))
    }

    fn response(
        &self,
        view: JobView,
        deployment: janction_protocol::Deployment,
    ) -> Result<v1::GetJobResponse, Refusal> {
        let JobView { index, job, batch, events, faults } = view;
        let events = events.into_iter().map(|(batch, event)| v1::JobEvent {
            batch,
            time: event.time,
            kind: event.kind.tag().into(),
            account: event.account,
            transaction: event.transaction.map(|id| id.to_vec()).unwrap_or_default().into(),
        });
        let faults = faults.into_iter().map(|fault| v1::AuditFault {
            time: fault.time,
            code: fault.code,
            reason: fault.reason,
            payee: fault.payee.0.to_vec().into(),
        });
        let present = self.blobs.of_job(deployment, index, &job).into_iter().map(blobs::name);
        Ok(v1::GetJobResponse {
            index,
            job: encoding::encode(&job).map_err(StoreError::from)?.into(),
            batch,
            events: events.collect(),
            blobs: present.collect(),
            faults: faults.collect(),
        })
    }
}
