//! The store.

use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use super::{BlobError, BlobId, Link};

/// The folder of blobs.
const BLOBS: &str = "blobs";
/// The folder of links.
const LINKS: &str = "links";

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Bytes of all blobs.
    pub bytes: u64,
    /// Every link that was made, also such that are damaged or lead nowhere.
    pub links: Vec<Link>,
}

/// A content-addressed store: blobs under `blobs/`, links under `links/`. Cheap to clone; safe to share, also between
/// processes.
#[derive(Clone, Debug)]
pub struct BlobStore {
    objects: Arc<dyn ObjectStore>,
}

impl BlobStore {
    /// In a local folder, which is created if it is missing. Written blobs survive a power cut.
    ///
    /// # Errors
    /// [`BlobError::Folder`] when it cannot be created.
    pub fn local(folder: &FsPath) -> Result<Self, BlobError> {
        let named = |source| BlobError::Folder { path: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(named)?;
        let files = LocalFileSystem::new_with_prefix(folder).map_err(BlobError::backend)?;
        Ok(Self::over(Arc::new(files.with_fsync(true))))
    }

    /// Over any backend of `object_store` that can create an object only if it is absent.
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    /// Stores a blob; storing it again changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Full`], [`BlobError::Backend`].
    pub async fn put(&self, bytes: Vec<u8>) -> Result<BlobId, BlobError> {
        let id = BlobId::of(&bytes);
        match self.create(&blob_path(&id), bytes).await {
            Ok(()) | Err(object_store::Error::AlreadyExists { .. }) => Ok(id),
            Err(error) => Err(BlobError::backend(error)),
        }
    }

    /// Reads a blob of at most `limit` bytes and checks it against its name.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::TooLarge`], [`BlobError::Corrupt`], [`BlobError::Backend`].
    pub async fn get(&self, id: BlobId, limit: u64) -> Result<Vec<u8>, BlobError> {
        let object = self.objects.get(&blob_path(&id)).await;
        let object = object.map_err(|error| missing(error, id))?;
        let size = object.meta.size;
        if size > limit {
            return Err(BlobError::TooLarge { id, size, limit });
        }
        let bytes = object.bytes().await.map_err(BlobError::backend)?;
        let got = BlobId::of(&bytes);
        if got == id { Ok(bytes.into()) } else { Err(BlobError::Corrupt { id, got }) }
    }

    /// The bytes `range` of a blob: for handing out a large one piece by piece. They are not checked against the name;
    /// whoever reads all of them can.
    ///
    /// # Errors
    /// [`BlobError::NotFound`]; [`BlobError::Backend`], also for a range beyond the end.
    pub async fn part(&self, id: BlobId, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
        let bytes = self.objects.get_range(&blob_path(&id), range).await;
        Ok(bytes.map_err(|error| missing(error, id))?.into())
    }

    /// Looks through the whole store.
    ///
    /// # Errors
    /// [`BlobError::Backend`].
    pub async fn contents(&self) -> Result<Contents, BlobError> {
        let mut contents = Contents::default();
        let mut blobs = self.objects.list(Some(&Path::from(BLOBS)));
        while let Some(meta) = blobs.try_next().await.map_err(BlobError::backend)? {
            contents.bytes += meta.size;
        }
        let mut links = self.objects.list(Some(&Path::from(LINKS)));
        while let Some(meta) = links.try_next().await.map_err(BlobError::backend)? {
            // Something else in the folder is not ours to judge.
            contents
                .links
                .extend(meta.location.as_ref().strip_prefix("links/").and_then(|l| l.parse::<Link>().ok()));
        }
        Ok(contents)
    }

    /// The size of a blob in bytes; none, if it is not there.
    ///
    /// # Errors
    /// [`BlobError::Backend`].
    pub async fn size(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        match self.objects.head(&blob_path(&id)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::backend(error)),
        }
    }

    /// Deletes a blob, for example a damaged one; deleting what is not there changes nothing.
    ///
    /// # Errors
    /// [`BlobError::Backend`].
    pub async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        match self.objects.delete(&blob_path(&id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::backend(error)),
        }
    }

    /// Links a name of the protocol to a blob, once and for all. The caller has checked that the blob's content has
    /// that name: the first link wins, so one made unchecked would let anyone take the place of the right content.
    ///
    /// # Errors
    /// [`BlobError::Linked`] when it leads to another blob, [`BlobError::NotFound`] when that blob is not there.
    pub async fn link(&self, link: Link, id: BlobId) -> Result<(), BlobError> {
        if self.size(id).await?.is_none() {
            return Err(BlobError::NotFound { id });
        }
        match self.create(&link_path(&link), id.0.to_vec()).await {
            Ok(()) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => match self.resolve(link).await? {
                Some(is) if is != id => Err(BlobError::Linked { link, is }),
                _ => Ok(()),
            },
            Err(error) => Err(BlobError::backend(error)),
        }
    }

    /// Links a name to another blob than before: for the one class whose content may be replaced by a better one. The
    /// caller has checked that.
    ///
    /// # Errors
    /// As [`BlobStore::link`], but for [`BlobError::Linked`].
    pub async fn relink(&self, link: Link, id: BlobId) -> Result<(), BlobError> {
        if self.size(id).await?.is_none() {
            return Err(BlobError::NotFound { id });
        }
        let payload = PutPayload::from(id.0.to_vec());
        self.objects.put(&link_path(&link), payload).await.map_err(BlobError::backend).map(drop)
    }

    /// Where a link leads; none, if it was never made.
    ///
    /// # Errors
    /// [`BlobError::CorruptLink`], [`BlobError::Backend`].
    pub async fn resolve(&self, link: Link) -> Result<Option<BlobId>, BlobError> {
        let object = match self.objects.get(&link_path(&link)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(BlobError::backend(error)),
        };
        let bytes = object.bytes().await.map_err(BlobError::backend)?;
        let id = <[u8; 32]>::try_from(bytes.as_ref()).map_err(|_| BlobError::CorruptLink { link })?;
        Ok(Some(BlobId(id)))
    }

    async fn create(&self, path: &Path, bytes: Vec<u8>) -> Result<(), object_store::Error> {
        let payload = PutPayload::from(bytes);
        self.objects.put_opts(path, payload, PutMode::Create.into()).await.map(|_| ())
    }
}

/// Blobs are spread over 256 folders.
fn blob_path(id: &BlobId) -> Path {
    let name = id.to_string();
    Path::from(format!("{BLOBS}/{}/{name}", &name[..2]))
}

fn link_path(link: &Link) -> Path {
    Path::from(format!("{LINKS}/{link}"))
}

fn missing(error: object_store::Error, id: BlobId) -> BlobError {
    match error {
        object_store::Error::NotFound { .. } => BlobError::NotFound { id },
        error => BlobError::backend(error),
    }
}
