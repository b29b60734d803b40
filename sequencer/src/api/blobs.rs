//! The service `Blobs`.

use std::pin::Pin;
use std::time::Duration;

use janction_blobs::{BlobId, Class, Link};
use janction_protocol::Digest;
use janction_rpc::v1;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::{Api, exactly, status};
use crate::batcher::admit::Submission;
use crate::batcher::uploads::Warrant;
use crate::refusal::Refusal;

/// Bytes in a piece.
pub(super) const PIECE: u64 = 1 << 20;

/// Pieces that wait for a slow reader.
const DOWNLOAD_BUFFER: usize = 2;

type Answer<T> = Result<Response<T>, Status>;
type PartSender = tokio::sync::mpsc::Sender<Result<v1::BlobPart, Status>>;

#[tonic::async_trait]
impl v1::blobs_server::Blobs for Api {
    async fn put_blob(&self, request: Request<Streaming<v1::PutBlobRequest>>) -> Answer<v1::PutBlobResponse> {
        let mut parts = request.into_inner();
        let limit = Duration::from_millis(self.blobs.config().timeout_ms);
        self.run_within("PutBlob", limit, async {
            let idle = Duration::from_millis(self.blobs.config().idle_ms);
            let first = tokio::time::timeout(idle, parts.message()).await;
            let first =
                first.ok().map_or(Ok(None), |first| first.map_err(|status| broken("header", &status)))?;
            let first = first.and_then(|first| first.part);
            let Some(v1::put_blob_request::Part::Header(header)) = first else {
                return Err(Refusal::Field { field: "header", why: "must be sent first".into() });
            };
            let name = link(header.name)?;
            let warrant = match header.job {
                0 => Warrant::Transaction(Box::new(Submission::new(header.transaction.to_vec(), vec![])?)),
                job => Warrant::Job(job),
            };
            let wanted = self.shared.engine(move |engine| engine.wanted(name, &warrant));
            let (wanted, job) = wanted.await?;
            let pieces = parts.map(|part| match part {
                Ok(v1::PutBlobRequest { part: Some(v1::put_blob_request::Part::Bytes(bytes)) }) => {
                    Ok(bytes.to_vec())
                }
                Ok(_) => Err(Refusal::Field { field: "bytes", why: "must follow the header".into() }),
                Err(status) => Err(broken("bytes", &status)),
            });
            let stored = self.blobs.take(name, header.size, wanted, pieces).await?;
            if let Some(job) = job.filter(|_| !stored.known) {
                let tell = self.shared.engine(move |engine| {
                    engine.job_changed(job);
                    Ok::<_, Refusal>(())
                });
                tell.await?;
            }
            Ok(v1::PutBlobResponse { id: stored.id.0.to_vec().into(), known: stored.known })
        })
        .await
    }

    type GetBlobStream = Pin<Box<dyn Stream<Item = Result<v1::BlobPart, Status>> + Send>>;

    async fn get_blob(&self, request: Request<v1::GetBlobRequest>) -> Answer<Self::GetBlobStream> {
        let name = request.into_inner().name;
        self.run("GetBlob", async {
            let name = link(name)?;
            let busy = |_| Refusal::Busy { what: "too many downloads" };
            let permit = self.blobs.downloads().try_acquire_owned().map_err(busy)?;
            let (id, size) = self.blobs.find(name).await?;
            let (sender, receiver) = tokio::sync::mpsc::channel(DOWNLOAD_BUFFER);
            let api = self.clone();
            tokio::spawn(async move {
                let _permit = permit;
                let sent = tokio::select! {
                    sent = api.send_blob(name, id, size, &sender) => sent,
                    () = api.stopping.cancelled() => Err(Refusal::Stopping),
                };
                if let Err(refusal) = sent {
                    // Whoever reads may have gone, or not be reading.
                    let _ = sender.try_send(Err(status::of(&refusal)));
                }
            });
            Ok(Box::pin(ReceiverStream::new(receiver)) as Self::GetBlobStream)
        })
        .await
    }
}

impl Api {
    /// Sends a blob piece by piece and compares all of it with its name on the way.
    async fn send_blob(&self, name: Link, id: BlobId, size: u64, sender: &PartSender) -> Result<(), Refusal> {
        let mut hasher = blake3::Hasher::new();
        let idle_ms = self.blobs.config().idle_ms;
        let mut offset = 0;
        loop {
            let end = size.min(offset + PIECE);
            // A backend refuses an empty range.
            let bytes = if end == offset { vec![] } else { self.blobs.store().part(id, offset..end).await? };
            hasher.update(&bytes);
            let first = offset == 0;
            offset = end;
            if offset == size && BlobId(*hasher.finalize().as_bytes()) != id {
                // Before its last piece: what was sent in full is right.
                tracing::error!(%name, %id, "a blob is damaged in the store");
                return Err(Refusal::BlobStore(format!("{name} is damaged")));
            }
            let part = v1::BlobPart { size: if first { size } else { 0 }, bytes: bytes.into() };
            let sending = tokio::time::timeout(Duration::from_millis(idle_ms), sender.send(Ok(part)));
            match sending.await {
                Ok(Ok(())) if offset == size => return Ok(()),
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => {
                    return Err(Refusal::Timeout {
                        what: "a pause in the download",
                        limit_ms: idle_ms,
                        remedy: "read on, or ask again",
                    });
                }
            }
        }
    }
}

/// A stream that broke off, or a message in it that is too long.
fn broken(field: &'static str, status: &Status) -> Refusal {
    let why = status.message().to_owned();
    match janction_rpc::status::code(status) {
        Some("message-too-large") => Refusal::MessageTooLarge { why },
        _ => Refusal::Field { field, why },
    }
}

/// A name as the store has it.
pub(super) fn link(name: Option<v1::BlobName>) -> Result<Link, Refusal> {
    let missing = |why: &str| Refusal::Field { field: "name", why: why.into() };
    let name = name.ok_or_else(|| missing("is missing"))?;
    let class = match name.class() {
        v1::BlobClass::Program => Class::Program,
        v1::BlobClass::Input => Class::Input,
        v1::BlobClass::Output => Class::Output,
        v1::BlobClass::Openings => Class::Openings,
        v1::BlobClass::Unspecified => return Err(missing("has no class")),
    };
    let digest: [u8; 32] = exactly("name.digest", &name.digest)?;
    Digest::from_bytes(digest).map_err(|e| Refusal::Field { field: "name.digest", why: e.to_string() })?;
    Ok(Link::new(class, digest))
}

/// A name as a message has it.
pub(super) fn name(link: Link) -> v1::BlobName {
    let class = match link.class {
        Class::Program => v1::BlobClass::Program,
        Class::Input => v1::BlobClass::Input,
        Class::Output => v1::BlobClass::Output,
        Class::Openings => v1::BlobClass::Openings,
    };
    v1::BlobName { class: class.into(), digest: link.digest.to_vec().into() }
}
