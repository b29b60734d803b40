//! Encrypted key files.
//!
//! A keystore is one secret under a password: argon2id makes the key, XChaCha20-Poly1305 seals the
//! secret, and everything that stands in the file in the clear (version, kind, public key, parameters) is
//! authenticated with it. So the public part can be shown without a password, and cannot be exchanged.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::failure::Advice;

#[cfg(test)]
mod tests;

/// The version of the file format.
const VERSION: u32 = 1;

/// Cost of one guess of the password: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// Bounds on the parameters that a file may ask for, so that a hostile one cannot exhaust the machine.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// The longest file that is read.
const MOST_BYTES: u64 = 16 * 1024;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A key of the ledger that owns accounts: Schnorr over ECgFp5.
    Ledger,
    /// A key of the ledger that may only bid, reveal and submit for a unit; never the owner's.
    Operator,
    /// A key of L1: ECDSA over secp256k1.
    L1,
}

impl Kind {
    /// Bytes of a secret of this kind.
    pub const fn secret_bytes(self) -> usize {
        match self {
            Kind::Ledger | Kind::Operator => 40,
            Kind::L1 => 32,
        }
    }

    /// As it is written on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Ledger => "ledger",
            Kind::Operator => "operator",
            Kind::L1 => "l1",
        }
    }
}

/// Secret bytes, wiped when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// A key file, as it stands on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keystore {
    version: u32,
    /// What the key is for.
    pub kind: Kind,
    /// The public part, 0x and hexadecimal digits: a ledger key's encoding, or an L1 address.
    pub public: String,
    kdf: Kdf,
    cipher: Cipher,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
    text: String,
}

/// Why a keystore could not be used.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// There is no such file.
    #[error("there is no keystore {}", file.display())]
    Absent {
        /// The file.
        file: PathBuf,
    },
    /// A file of that name exists already.
    #[error("{} exists already", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The file could not be read or written.
    #[error("cannot access {}", file.display())]
    Inaccessible {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a keystore.
    #[error("{} is corrupt: {reason}", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of a version that this program does not know.
    #[error("{} has version {version}; this program reads version {VERSION}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The password is wrong, or the sealed part was altered: authentication cannot tell one from the other.
    #[error("the password does not open {}", file.display())]
    WrongPassword {
        /// The file.
        file: PathBuf,
    },
    /// The key is for something else.
    #[error("{} holds a key of kind `{}`; `{}` is needed", file.display(), found.name(), wanted.name())]
    WrongKind {
        /// The file.
        file: PathBuf,
        /// Its kind.
        found: Kind,
        /// The kind that is needed.
        wanted: Kind,
    },
    /// A name that would leave the keystore folder.
    #[error("`{name}` is not a keystore name")]
    BadName {
        /// The name.
        name: String,
    },
    /// No password was given and there is nobody to ask.
    #[error("a password is needed and standard input is not a terminal")]
    NoPassword,
    /// The two passwords typed for a new keystore differ.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// An empty password.
    #[error("the password is empty")]
    EmptyPassword,
    /// An imported secret is no key.
    #[error("this is no secret key of kind `{}`: {reason}", kind.name())]
    NotASecret {
        /// The kind that was asked for.
        kind: Kind,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes: {reason}")]
    NoRandomness {
        /// Its words.
        reason: String,
    },
}

impl Advice for KeystoreError {
    fn code(&self) -> Cow<'static, str> {
        let code = match self {
            KeystoreError::Absent { .. } => "keystore.absent",
            KeystoreError::Exists { .. } => "keystore.exists",
            KeystoreError::Inaccessible { .. } => "keystore.inaccessible",
            KeystoreError::Corrupt { .. } => "keystore.corrupt",
            KeystoreError::Newer { .. } => "keystore.newer",
            KeystoreError::WrongPassword { .. } => "keystore.wrong_password",
            KeystoreError::WrongKind { .. } => "keystore.wrong_kind",
            KeystoreError::BadName { .. } => "keystore.bad_name",
            KeystoreError::NoPassword => "keystore.no_password",
            KeystoreError::PasswordsDiffer => "keystore.passwords_differ",
            KeystoreError::EmptyPassword => "keystore.empty_password",
            KeystoreError::NotASecret { .. } => "keystore.not_a_secret",
            KeystoreError::NoRandomness { .. } => "keystore.no_randomness",
        };
        code.into()
    }

    fn remedy(&self) -> String {
        match self {
            KeystoreError::Absent { .. } => "make one with `janction account new NAME`".into(),
            KeystoreError::Exists { .. } => {
                "choose another name, or move the old file away; keys are never overwritten".into()
            }
            KeystoreError::Inaccessible { .. } => "check the path and its permissions".into(),
            KeystoreError::Corrupt { .. } => {
                "restore the file from a backup; without it the key is lost".into()
            }
            KeystoreError::Newer { .. } => "use the version of janction that wrote it".into(),
            KeystoreError::WrongPassword { .. } => {
                "try again; if you are sure, the file was altered: restore it from a backup".into()
            }
            KeystoreError::WrongKind { wanted, .. } => {
                format!(
                    "name a keystore made with `janction account new NAME --kind {}`",
                    format!("{wanted:?}").to_lowercase()
                )
            }
            KeystoreError::BadName { .. } => {
                "use letters, digits, `-`, `_` and `.`, or a path to a file".into()
            }
            KeystoreError::NoPassword => "set JANCTION_PASSWORD or use --password-file".into(),
            KeystoreError::PasswordsDiffer => "try again".into(),
            KeystoreError::EmptyPassword => "choose a password".into(),
            KeystoreError::NotASecret { kind, .. } => {
                format!("give its {} hexadecimal digits on standard input", 2 * kind.secret_bytes())
            }
            KeystoreError::NoRandomness { .. } => {
                "check that /dev/urandom and getrandom(2) are available".into()
            }
        }
    }
}

impl Keystore {
    /// Seals `secret` under `password`.
    ///
    /// # Errors
    /// No randomness.
    pub fn seal(kind: Kind, public: String, secret: &Secret, password: &str) -> Result<Self, KeystoreError> {
        let mut salt = [0; 16];
        let mut nonce = [0; 24];
        random(&mut salt)?;
        random(&mut nonce)?;
        let kdf = Kdf {
            name: "argon2id".into(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: 1,
            salt: hex::encode(salt),
        };
        let mut keystore = Keystore {
            version: VERSION,
            kind,
            public,
            kdf,
            cipher: Cipher {
                name: "xchacha20poly1305".into(),
                nonce: hex::encode(nonce),
                text: String::new(),
            },
        };
        let key = keystore.kdf.derive(password).expect("our own parameters are valid");
        let aad = keystore.header();
        let payload = Payload { msg: secret.as_slice(), aad: aad.as_bytes() };
        let text = XChaCha20Poly1305::new(&Key::from(*key))
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a key is below the cipher's limit");
        keystore.cipher.text = hex::encode(text);
        Ok(keystore)
    }

    /// Opens the secret. `file` is for error messages.
    ///
    /// # Errors
    /// Wrong password (or altered file), parameters out of bounds, malformed fields.
    pub fn open(&self, file: &Path, password: &str) -> Result<Secret, KeystoreError> {
        let corrupt = |reason: &str| KeystoreError::Corrupt { file: file.to_owned(), reason: reason.into() };
        let key = self.kdf.derive(password).map_err(corrupt)?;
        if self.cipher.name != "xchacha20poly1305" {
            return Err(corrupt("unknown cipher"));
        }
        let mut nonce = [0; 24];
        hex::decode_to_slice(&self.cipher.nonce, &mut nonce)
            .map_err(|_| corrupt("the nonce is not 24 bytes"))?;
        let text =
            hex::decode(&self.cipher.text).map_err(|_| corrupt("the sealed text is not hexadecimal"))?;
        let aad = self.header();
        let payload = Payload { msg: text.as_slice(), aad: aad.as_bytes() };
        let opened = XChaCha20Poly1305::new(&Key::from(*key))
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeystoreError::WrongPassword { file: file.to_owned() })?;
        let opened = Zeroizing::new(opened);
        if opened.len() == self.kind.secret_bytes() {
            Ok(opened)
        } else {
            Err(corrupt("the secret has a wrong length"))
        }
    }

    /// What the seal authenticates beside the secret.
    fn header(&self) -> String {
        let Kdf { name, memory_kib, passes, lanes, salt } = &self.kdf;
        format!(
            "janction keystore {} {} {} {name} {memory_kib} {passes} {lanes} {salt} {}",
            self.version,
            self.kind.name(),
            self.public,
            self.cipher.name
        )
    }

    /// Reads a keystore.
    ///
    /// # Errors
    /// Absent, inaccessible, corrupt, or of another version.
    pub fn read(file: &Path) -> Result<Self, KeystoreError> {
        let inaccessible = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => KeystoreError::Absent { file: file.to_owned() },
            _ => KeystoreError::Inaccessible { file: file.to_owned(), source },
        };
        let corrupt = |reason: String| KeystoreError::Corrupt { file: file.to_owned(), reason };
        if fs::metadata(file).map_err(inaccessible)?.len() > MOST_BYTES {
            return Err(corrupt("it is too long to be a keystore".into()));
        }
        let bytes = fs::read(file).map_err(inaccessible)?;
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
        // The version decides how the rest is read, so it is looked at first.
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(KeystoreError::Newer { file: file.to_owned(), version }),
            None => return Err(corrupt("it has no version".into())),
        }
        serde_json::from_value(value).map_err(|e| corrupt(e.to_string()))
    }

    /// Writes a new keystore that only its owner can read. An existing file is never overwritten.
    ///
    /// # Errors
    /// The file exists, or cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), KeystoreError> {
        let inaccessible = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => KeystoreError::Exists { file: file.to_owned() },
            _ => KeystoreError::Inaccessible { file: file.to_owned(), source },
        };
        if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty() && !f.exists()) {
            fs::create_dir_all(folder).map_err(inaccessible)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(inaccessible)?;
        }
        let mut text = serde_json::to_string_pretty(self).expect("a keystore is JSON");
        text.push('\n');
        let mut opened =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(inaccessible)?;
        opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(|source| {
            // On a full disk: half a key is none, and would be in the way of the next attempt.
            let _ = fs::remove_file(file);
            inaccessible(source)
        })
    }
}

impl Kdf {
    /// The sealing key.
    fn derive(&self, password: &str) -> Result<Zeroizing<[u8; 32]>, &'static str> {
        if self.name != "argon2id" {
            return Err("unknown key derivation");
        }
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES || self.lanes > MOST_LANES {
            return Err("the key derivation's cost is out of bounds");
        }
        let mut salt = [0; 16];
        hex::decode_to_slice(&self.salt, &mut salt).map_err(|_| "the salt is not 16 bytes")?;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| "the key derivation's parameters are not valid")?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &salt, key.as_mut_slice())
            .map_err(|_| "the key derivation failed")?;
        Ok(key)
    }
}

/// The file that `name` means: a path as it stands, a bare name within `folder`.
///
/// # Errors
/// An empty name, or one with odd characters.
pub fn locate(folder: &Path, name: &str) -> Result<PathBuf, KeystoreError> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(KeystoreError::BadName { name: name.to_owned() });
    }
    Ok(folder.join(format!("{}.json", name.trim_end_matches(".json"))))
}

/// Fills `bytes` from the operating system.
///
/// # Errors
/// [`KeystoreError::NoRandomness`].
pub fn random(bytes: &mut [u8]) -> Result<(), KeystoreError> {
    getrandom::fill(bytes).map_err(|e| KeystoreError::NoRandomness { reason: e.to_string() })
}
