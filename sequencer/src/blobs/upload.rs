//! How content comes in: announced, received into a file without a name, checked, stored, linked. Until the link is
//! made nobody sees any of it.

use std::io::{Seek, SeekFrom};
use std::pin::pin;
use std::time::Duration;

use janction_blobs::{BlobError, BlobId, Class, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_stream::{Stream, StreamExt};

use super::content::{self, Material};
use super::{BlobConfig, Blobs};
use crate::batcher::uploads::Wanted;
use crate::refusal::Refusal;

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The blob's name in the store.
    pub id: BlobId,
    /// It was here already.
    pub known: bool,
}

/// Room that is taken in the store's count, and given back unless it is kept.
struct Room<'a> {
    blobs: &'a Blobs,
    bytes: u64,
    kept: bool,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.blobs.with_known(|known| known.bytes -= self.bytes);
        }
    }
}

impl Blobs {
    /// Takes content in.
    ///
    /// - `size`: as announced;
    /// - `wanted`: what it must be;
    /// - `pieces`: the content; an error of the transport ends it.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has been stored then.
    pub async fn take(
        &self,
        name: Link,
        size: u64,
        wanted: Wanted,
        pieces: impl Stream<Item = Result<Vec<u8>, Refusal>>,
    ) -> Result<Stored, Refusal> {
        let limit = self.config.limit(name.class);
        if size > limit {
            return Err(Refusal::BlobTooLarge { name, size, limit });
        }
        let busy = |_| Refusal::Busy { what: "too many uploads" };
        let _upload = self.uploads.try_acquire().map_err(busy)?;
        match self.find(name).await {
            Ok((_, there)) if may_grow(name) && there < size => {}
            Ok((id, _)) => return Ok(Stored { id, known: true }),
            Err(Refusal::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut room = self.reserve(size)?;
        let file = self.receive(name, size, pieces).await?;

        let _check = self.checks.acquire().await.map_err(|_| Refusal::Stopping)?;
        let material = self.material(name, &wanted).await?;
        let bytes = read(file, size).await?;
        let checked = tokio::task::spawn_blocking(move || {
            let result = content::check(&wanted, &material, &bytes);
            (result, bytes)
        });
        let (result, bytes) =
            checked.await.map_err(|e| Refusal::Internal(format!("a check of a blob failed: {e}")))?;
        result.map_err(|why| Refusal::BlobContent { name, why })?;

        let (stored, is_new) = self.keep(name, bytes).await?;
        room.kept = is_new;
        self.with_known(|known| {
            known.links.insert(name);
            metrics::gauge!("sequencer_blob_bytes").set(known.bytes as f64);
        });
        metrics::counter!("sequencer_blobs_stored_total", "class" => class_name(name.class)).increment(1);
        tracing::info!(%name, size, "blob stored");
        Ok(stored)
    }

    fn reserve(&self, bytes: u64) -> Result<Room<'_>, Refusal> {
        let limit = self.config.max_total_bytes;
        self.with_known(|known| {
            if known.bytes.saturating_add(bytes) > limit {
                return Err(Refusal::BlobsFull);
            }
            known.bytes += bytes;
            Ok(())
        })?;
        Ok(Room { blobs: self, bytes, kept: false })
    }

    /// Writes what comes to a file without a name, which goes when it is dropped.
    async fn receive(
        &self,
        name: Link,
        size: u64,
        pieces: impl Stream<Item = Result<Vec<u8>, Refusal>>,
    ) -> Result<std::fs::File, Refusal> {
        let BlobConfig { idle_ms, .. } = self.config;
        let late = |_| Refusal::Timeout {
            what: "a pause in the upload",
            limit_ms: idle_ms,
            remedy: "send the pieces one after the other",
        };
        let file = tempfile::tempfile_in(&self.incoming).map_err(|e| disk(&e))?;
        let mut file = tokio::fs::File::from_std(file);
        let mut pieces = pin!(pieces);
        let mut got = 0u64;
        let wait = Duration::from_millis(idle_ms);
        while let Some(piece) = tokio::time::timeout(wait, pieces.next()).await.map_err(late)? {
            let piece = piece?;
            got = got.saturating_add(piece.len() as u64);
            if got > size {
                return Err(Refusal::BlobSize { name, announced: size, got });
            }
            file.write_all(&piece).await.map_err(|e| disk(&e))?;
        }
        if got != size {
            return Err(Refusal::BlobSize { name, announced: size, got });
        }
        file.flush().await.map_err(|e| disk(&e))?;
        Ok(file.into_std().await)
    }

    /// What a check needs that was uploaded before.
    async fn material(&self, name: Link, wanted: &Wanted) -> Result<Material, Refusal> {
        let (program, input) = match wanted {
            Wanted::Program { .. } => return Ok(Material::default()),
            Wanted::Input { program, .. } | Wanted::Output { program, .. } => (*program, None),
            Wanted::Openings { claim } => (claim.program, Some(claim.input_root)),
        };
        let program = Some(self.fetch(name, Link::new(Class::Program, program.to_bytes())).await?);
        let input = match input {
            Some(root) => Some(self.fetch(name, Link::new(Class::Input, root.to_bytes())).await?),
            None => None,
        };
        Ok(Material { program, input })
    }

    async fn fetch(&self, name: Link, needed: Link) -> Result<Vec<u8>, Refusal> {
        let (id, size) = match self.find(needed).await {
            Err(Refusal::NotFound { .. }) => return Err(Refusal::BlobNeeds { name, needed }),
            found => found?,
        };
        Ok(self.store.get(id, size).await?)
    }

    /// Deletes a blob that nothing leads to any more.
    async fn drop_blob(&self, id: BlobId) {
        if let Ok(Some(bytes)) = self.store.size(id).await
            && self.store.delete(id).await.is_ok()
        {
            self.with_known(|known| known.bytes = known.bytes.saturating_sub(bytes));
        }
    }

    /// Stores and links; when the link cannot be made the blob goes again. Also tells whether its bytes are new.
    async fn keep(&self, name: Link, bytes: Vec<u8>) -> Result<(Stored, bool), Refusal> {
        let is_new = self.store.size(BlobId::of(&bytes)).await?.is_none();
        let id = self.store.put(bytes).await?;
        let mut linked = self.store.link(name, id).await;
        if let Err(BlobError::Linked { is, .. }) = linked
            && may_grow(name)
            && self.store.size(is).await? < self.store.size(id).await?
        {
            linked = self.store.relink(name, id).await;
            if linked.is_ok() {
                self.drop_blob(is).await;
            }
        }
        if linked.is_err() && is_new {
            // Whether or not this works: without a link it is nowhere to be seen.
            let _ = self.store.delete(id).await;
        }
        match linked {
            Ok(()) => Ok((Stored { id, known: false }, is_new)),
            // Somebody was quicker with the same content in another form.
            Err(BlobError::Linked { is, .. }) => Ok((Stored { id: is, known: true }, false)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a longer content may take the place of a shorter one. Openings of drawn rows may hold just the draws of the
/// policy, or those beyond it that the last piece of an audit takes, too; more of them is as good as fewer, but not the
/// other way round. Without this, whoever is quick could leave a prover with too few.
fn may_grow(name: Link) -> bool {
    name.class == Class::Openings
}

/// A class as metrics name it.
fn class_name(class: Class) -> &'static str {
    match class {
        Class::Program => "program",
        Class::Input => "input",
        Class::Output => "output",
        Class::Openings => "openings",
    }
}

async fn read(mut file: std::fs::File, size: u64) -> Result<Vec<u8>, Refusal> {
    file.seek(SeekFrom::Start(0)).map_err(|e| disk(&e))?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    tokio::fs::File::from_std(file).read_to_end(&mut bytes).await.map_err(|e| disk(&e))?;
    Ok(bytes)
}

/// What the disk says of an upload.
fn disk(error: &std::io::Error) -> Refusal {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => Refusal::BlobsFull,
        _ => Refusal::BlobStore(error.to_string()),
    }
}
