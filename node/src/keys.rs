//! The two kinds of keys behind keystores: making, importing and opening them.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use janction_protocol::crypto::{PublicKey, SecretKey};
use janction_protocol::state::Key;
use zeroize::{Zeroize, Zeroizing};

use crate::config::Config;
use crate::failure::Outcome;
use crate::keystore::{self, Keystore, KeystoreError, Kind, Secret};
use crate::password;

/// A new secret of `kind` from the operating system's randomness.
///
/// # Errors
/// No randomness.
pub fn generate(kind: Kind) -> Result<Secret, KeystoreError> {
    match kind {
        Kind::Ledger | Kind::Operator => {
            let mut entropy = Zeroizing::new([0; 64]);
            keystore::random(entropy.as_mut_slice())?;
            let key = SecretKey::from_entropy(&entropy).map_err(|e| not_a_secret(kind, e))?;
            let mut bytes = key.to_bytes();
            let secret = Zeroizing::new(bytes.to_vec());
            bytes.zeroize();
            Ok(secret)
        }
        Kind::L1 => {
            let mut secret = Zeroizing::new(vec![0; kind.secret_bytes()]);
            keystore::random(secret.as_mut_slice())?;
            Ok(secret)
        }
    }
}

/// Reads a secret of `kind` from hexadecimal digits, with or without 0x.
///
/// # Errors
/// [`KeystoreError::NotASecret`].
pub fn parse(kind: Kind, text: &str) -> Result<Secret, KeystoreError> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let secret = Zeroizing::new(hex::decode(digits).map_err(|e| not_a_secret(kind, e))?);
    if secret.len() != kind.secret_bytes() {
        let reason = format!("it has {} bytes instead of {}", secret.len(), kind.secret_bytes());
        return Err(KeystoreError::NotASecret { kind, reason });
    }
    public(kind, &secret)?;
    Ok(secret)
}

/// The public part of a secret: the key's encoding, or the L1 address.
///
/// # Errors
/// [`KeystoreError::NotASecret`] when it is out of the group's range.
pub fn public(kind: Kind, secret: &Secret) -> Result<String, KeystoreError> {
    Ok(match kind {
        Kind::Ledger | Kind::Operator => Key::from(ledger_key(secret)?.public()).to_string(),
        Kind::L1 => l1(secret)?.address().to_string(),
    })
}

/// A ledger key's encoding as [`public`] writes it.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_public(text: &str) -> Result<Key, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = [0; 40];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|e| format!("its key is not 40 bytes in hexadecimal: {e}"))?;
    PublicKey::from_bytes(&bytes).map(Key::from).map_err(|e| e.to_string())
}

/// A ledger secret as a key that signs.
///
/// # Errors
/// [`KeystoreError::NotASecret`].
pub fn ledger_key(secret: &Secret) -> Result<SecretKey, KeystoreError> {
    let wrong = |e: &dyn std::fmt::Display| not_a_secret(Kind::Ledger, e);
    let bytes: &[u8; 40] = secret.as_slice().try_into().map_err(|e| wrong(&e))?;
    SecretKey::from_bytes(bytes).map_err(|e| wrong(&e))
}

fn l1(secret: &Secret) -> Result<PrivateKeySigner, KeystoreError> {
    PrivateKeySigner::from_slice(secret).map_err(|e| not_a_secret(Kind::L1, e))
}

fn not_a_secret(kind: Kind, reason: impl std::fmt::Display) -> KeystoreError {
    KeystoreError::NotASecret { kind, reason: reason.to_string() }
}

/// Opens the keystore `name` as the kind that is needed.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
fn open(
    config: &Config,
    name: &str,
    wanted: Kind,
    passwords: Option<&Path>,
) -> Result<Secret, KeystoreError> {
    let file = keystore::locate(&config.keystore_dir(), name)?;
    let keystore = Keystore::read(&file)?;
    if keystore.kind != wanted {
        return Err(KeystoreError::WrongKind { file, found: keystore.kind, wanted });
    }
    let password = password::existing(passwords, name)?;
    let secret = keystore.open(&file, &password)?;
    if public(wanted, &secret)? != keystore.public {
        return Err(KeystoreError::Corrupt { file, reason: "its public part is another key's".into() });
    }
    Ok(secret)
}

/// Opens a ledger key.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
pub fn open_ledger(
    config: &Config,
    name: &str,
    passwords: Option<&Path>,
) -> Result<SecretKey, KeystoreError> {
    ledger_key(&open(config, name, Kind::Ledger, passwords)?)
}

/// Opens a worker unit's operator key.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
pub fn open_operator(
    config: &Config,
    name: &str,
    passwords: Option<&Path>,
) -> Result<SecretKey, KeystoreError> {
    ledger_key(&open(config, name, Kind::Operator, passwords)?)
}

/// The public key of a ledger or operator keystore; no password is needed.
///
/// # Errors
/// It cannot be read, or is of another kind than `wanted`.
pub fn public_key(config: &Config, name: &str, wanted: Kind) -> Result<Key, KeystoreError> {
    let file = keystore::locate(&config.keystore_dir(), name)?;
    let keystore = Keystore::read(&file)?;
    if keystore.kind != wanted {
        return Err(KeystoreError::WrongKind { file, found: keystore.kind, wanted });
    }
    parse_public(&keystore.public).map_err(|reason| KeystoreError::Corrupt { file, reason })
}

/// Opens an L1 key.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
pub fn open_l1(
    config: &Config,
    name: &str,
    passwords: Option<&Path>,
) -> Result<PrivateKeySigner, KeystoreError> {
    l1(&open(config, name, Kind::L1, passwords)?)
}

/// The key that signs and pays for L1 transactions: `JANCTION_L1_SECRET` when it is set (hexadecimal), else the keystore
/// that `l1.key` names.
///
/// # Errors
/// Neither is configured, or the keystore does not open.
pub fn l1_signer(config: &Config, passwords: Option<&Path>) -> Outcome<PrivateKeySigner> {
    if let Ok(text) = std::env::var("JANCTION_L1_SECRET") {
        let text = Zeroizing::new(text);
        return Ok(l1(&parse(Kind::L1, &text)?)?);
    }
    Ok(open_l1(config, config.l1_key()?, passwords)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_are_read_back() {
        for kind in [Kind::Ledger, Kind::Operator, Kind::L1] {
            let secret = generate(kind).expect("made");
            let again = parse(kind, &format!("0x{}\n", hex::encode(secret.as_slice()))).expect("parses");
            assert_eq!(public(kind, &secret).expect("public"), public(kind, &again).expect("public"));
            if kind != Kind::L1 {
                let key = parse_public(&public(kind, &secret).expect("public")).expect("parses");
                assert_eq!(key, ledger_key(&secret).expect("a key").public().into());
            }
            assert_ne!(secret, generate(kind).expect("another"));
        }
    }

    #[test]
    fn an_l1_key_has_the_address_that_other_wallets_show() {
        // The first account of the well-known development mnemonic.
        let text = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        let secret = parse(Kind::L1, text).expect("a key");
        assert_eq!(public(Kind::L1, &secret).expect("public"), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (kind, text) in [
            (Kind::Ledger, "zz".to_owned()),
            (Kind::Ledger, "00".repeat(40)),
            (Kind::Ledger, "ff".repeat(40)),
            (Kind::Ledger, "01".repeat(32)),
            (Kind::L1, "00".repeat(32)),
            (Kind::L1, "ff".repeat(32)),
            (Kind::L1, String::new()),
        ] {
            assert!(matches!(parse(kind, &text), Err(KeystoreError::NotASecret { .. })), "{text}");
        }
    }
}
