//! Blobs: what jobs read and write, by the names that the protocol has for them.

use janction_protocol::Digest;
use janction_protocol::transaction::SignedTransaction;
use janction_rpc::v1::put_blob_request::Part;
use janction_rpc::v1::{self, BlobClass};
use tonic::{Code, Status};

use super::{Client, ClientError};

/// Bytes of a blob in one message.
const PIECE: usize = 1 << 20;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A job binary, by its program digest.
    Program,
    /// An input, by its root.
    Input,
    /// An output, by its root.
    Output,
}

impl Class {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Program => "program",
            Class::Input => "input",
            Class::Output => "output",
        }
    }

    /// A name of this class.
    pub fn name_of(self, digest: Digest) -> v1::BlobName {
        let class = match self {
            Class::Program => BlobClass::Program,
            Class::Input => BlobClass::Input,
            Class::Output => BlobClass::Output,
        };
        v1::BlobName { class: class.into(), digest: digest.to_bytes().to_vec().into() }
    }
}

impl Client {
    /// Uploads a blob that the signed transaction `reason`, which could be admitted now, names; whether it was there already.
    /// `sent` is told of each piece's bytes as it leaves.
    ///
    /// # Errors
    /// [`ClientError::Refused`] and others.
    pub async fn put_blob(
        &mut self,
        class: Class,
        digest: Digest,
        reason: &SignedTransaction,
        bytes: Vec<u8>,
        mut sent: impl FnMut(u64) + Send + 'static,
    ) -> Result<bool, ClientError> {
        let size = bytes.len();
        let header = v1::PutBlobHeader {
            name: Some(class.name_of(digest)),
            size: size as u64,
            job: 0,
            transaction: reason.encode()?.into(),
        };
        // One copy of one piece at a time, made when it is its turn.
        let pieces = (0..size.div_ceil(PIECE)).map(move |i| {
            let piece = bytes[i * PIECE..size.min((i + 1) * PIECE)].to_vec();
            sent(piece.len() as u64);
            Part::Bytes(piece.into())
        });
        let parts = std::iter::once(Part::Header(header)).chain(pieces);
        let parts = parts.map(|part| v1::PutBlobRequest { part: Some(part) });
        let answer = self.blobs.put_blob(tokio_stream::iter(parts)).await.map_err(|e| self.failed(e))?;
        Ok(answer.into_inner().known)
    }

    /// Downloads a blob. Its content is unchecked. `received` is told of the whole size and of each piece's bytes.
    ///
    /// # Errors
    /// [`ClientError::NoBlob`] and others.
    pub async fn get_blob(
        &mut self,
        class: Class,
        digest: Digest,
        mut received: impl FnMut(u64, u64),
    ) -> Result<Vec<u8>, ClientError> {
        let request = v1::GetBlobRequest { name: Some(class.name_of(digest)) };
        let answer = self.blobs.get_blob(request).await;
        let mut parts = answer.map_err(|e| self.missing(class, digest, e))?.into_inner();
        let mut bytes = Vec::new();
        let mut size = None;
        while let Some(part) = parts.message().await.map_err(|e| self.missing(class, digest, e))? {
            let size = *size.get_or_insert(part.size);
            bytes.extend_from_slice(&part.bytes);
            received(size, part.bytes.len() as u64);
            if bytes.len() as u64 > size {
                break;
            }
        }
        match size {
            Some(size) if size == bytes.len() as u64 => Ok(bytes),
            size => {
                let (whole, got) = (size.unwrap_or_default(), bytes.len());
                Err(ClientError::Malformed(format!("{got} of {whole} bytes of the {}", class.word())))
            }
        }
    }

    fn missing(&self, class: Class, digest: Digest, status: Status) -> ClientError {
        match status.code() {
            Code::NotFound => ClientError::NoBlob { class: class.word(), digest },
            _ => self.failed(status),
        }
    }
}
