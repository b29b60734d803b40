//! Programs and inputs: fetched, checked against their names, and kept.

use std::fs;
use std::path::{Path, PathBuf};

use janction_program::{Program, Tensor, container, npy};
use janction_protocol::Digest;
use janction_protocol::state::{Index, Job};

use crate::client::{Class, Client, ClientError};
use crate::record::{make_folder, write_file};
use crate::{BidPolicy, Decline, WorkerError, decide};

/// Most bytes that the kept files take up; the longest unused go first.
const KEPT_BYTES: u64 = 8 << 30;

/// What running a job takes, all of it checked.
#[derive(Clone, Debug)]
pub(crate) struct JobFiles {
    pub program: Program,
    pub input: Tensor,
}

/// Why files are not had.
#[derive(Debug)]
pub(crate) enum NoFiles {
    /// The job is not worth a bid.
    Declined(Decline),
    /// Something else failed.
    Failed(WorkerError),
}

impl From<ClientError> for NoFiles {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NoBlob { .. } => Self::Declined(Decline::Unavailable(error.to_string())),
            ClientError::TooLarge { .. } => Self::Declined(Decline::TooLarge(error.to_string())),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<WorkerError> for NoFiles {
    fn from(error: WorkerError) -> Self {
        Self::Failed(error)
    }
}

impl NoFiles {
    /// As an error of a job that must be finished.
    pub fn of_job(self, job: Index) -> WorkerError {
        match self {
            Self::Declined(decline) => {
                WorkerError::Content { job, what: "program or input", reason: decline.to_string() }
            }
            Self::Failed(error) => error,
        }
    }
}

/// The folder of kept files. What is in it is checked whenever it is read, so it needs no care.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub fn open(data: &Path) -> Result<Self, WorkerError> {
        let folder = data.join("cache");
        make_folder(&folder)?;
        Ok(Self { folder })
    }

    /// The files of a job, from the disk or the sequencer, checked.
    pub async fn of(&self, client: &mut Client, policy: &BidPolicy, job: &Job) -> Result<JobFiles, NoFiles> {
        let (class, digest, limit) = (Class::Program, job.program, policy.max_program_bytes);
        let terms = (policy.clone(), *job);
        let program = self.get(client, class, digest, limit, move |bytes| {
            let program = container::decode(bytes).map_err(|e| Decline::Program(e.to_string()))?;
            decide::program(&terms.0, &terms.1, &program)?;
            Ok(program)
        });
        let program = program.await?;
        let (class, digest, limit) = (Class::Input, job.input_root, policy.max_input_bytes);
        let terms = (*job, program.clone());
        let input = self.get(client, class, digest, limit, move |bytes| {
            let input = npy::decode(bytes).map_err(|e| Decline::Input(e.to_string()))?;
            decide::input(&terms.0, &terms.1, &input)?;
            Ok(input)
        });
        Ok(JobFiles { program, input: input.await? })
    }

    /// A file that passes `check`. One on the disk that does not is fetched again.
    async fn get<T: Send + 'static>(
        &self,
        client: &mut Client,
        class: Class,
        digest: Digest,
        limit: u64,
        check: impl Fn(&[u8]) -> Result<T, Decline> + Send + Clone + 'static,
    ) -> Result<T, NoFiles> {
        let path = self.folder.join(format!("{}-{digest}", class.name()));
        if let Ok(bytes) = fs::read(&path)
            && let Ok(content) = checked(bytes, check.clone()).await?.1
        {
            touch(&path);
            return Ok(content);
        }
        let bytes = client.get_blob(class, digest, limit).await?;
        let (bytes, content) = checked(bytes, check).await?;
        let content = content.map_err(NoFiles::Declined)?;
        self.make_room(bytes.len() as u64);
        if let Err(error) = write_file(&path, &bytes) {
            tracing::warn!(path = %path.display(), %error, "a fetched file is not kept");
        }
        Ok(content)
    }

    /// Removes the longest unused files until `bytes` more fit.
    fn make_room(&self, bytes: u64) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if total + bytes <= KEPT_BYTES {
                break;
            }
            // A file that stays only takes space.
            let _ = fs::remove_file(path);
            total -= length;
        }
    }
}

/// Runs a check on a thread of its own: hashing takes a while.
async fn checked<T: Send + 'static>(
    bytes: Vec<u8>,
    check: impl FnOnce(&[u8]) -> Result<T, Decline> + Send + 'static,
) -> Result<(Vec<u8>, Result<T, Decline>), NoFiles> {
    let run = move || {
        let content = check(&bytes);
        (bytes, content)
    };
    Ok(tokio::task::spawn_blocking(run).await.map_err(WorkerError::panicked)?)
}

/// Notes that a file was used.
fn touch(path: &Path) {
    let now = std::time::SystemTime::now();
    // Only the order of removal hangs on it.
    let _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(now));
}
