//! Making, importing and showing keystores.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::Outcome;
use crate::keys;
use crate::keystore::{self, Keystore, KeystoreError, Kind, Secret};
use crate::output::{Output, columns};
use crate::password;

/// The longest input that is read as a secret key.
const MOST_INPUT: u64 = 1024;

/// Makes a key and its keystore.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
pub fn new(config: &Config, output: Output, name: &str, kind: Kind, passwords: Option<&Path>) -> Outcome {
    keep(config, output, name, kind, passwords, || keys::generate(kind))
}

/// Reads a secret from standard input and keeps it.
///
/// # Errors
/// Any [`KeystoreError`] on the way.
pub fn import(config: &Config, output: Output, name: &str, kind: Kind, passwords: Option<&Path>) -> Outcome {
    keep(config, output, name, kind, passwords, || {
        let mut text = Zeroizing::new(String::new());
        if io::stdin().is_terminal() {
            let typed = rpassword::prompt_password("Secret key (hexadecimal): ");
            *text = typed.map_err(|e| KeystoreError::NotASecret { kind, reason: e.to_string() })?;
        } else {
            let read = io::stdin().take(MOST_INPUT).read_to_string(&mut text);
            read.map_err(|e| KeystoreError::NotASecret { kind, reason: e.to_string() })?;
        }
        keys::parse(kind, &text)
    })
}

fn keep(
    config: &Config,
    output: Output,
    name: &str,
    kind: Kind,
    passwords: Option<&Path>,
    secret: impl FnOnce() -> Result<Secret, KeystoreError>,
) -> Outcome {
    let file = keystore::locate(&config.keystore_dir(), name)?;
    if file.exists() {
        return Err(KeystoreError::Exists { file }.into());
    }
    let secret = secret()?;
    let public = keys::public(kind, &secret)?;
    let password = password::new(passwords, name)?;
    let keystore = Keystore::seal(kind, public, &secret, &password)?;
    keystore.write(&file)?;
    output.print(&describe(&file, &keystore), |_| {
        format!(
            "{}\nKeep a copy of the file and its password: without both the key is lost.",
            text(&file, &keystore)
        )
    });
    Ok(())
}

/// Shows the public part of a keystore.
///
/// # Errors
/// It cannot be read.
pub fn show(config: &Config, output: Output, name: &str) -> Outcome {
    let file = keystore::locate(&config.keystore_dir(), name)?;
    let keystore = Keystore::read(&file)?;
    output.print(&describe(&file, &keystore), |_| text(&file, &keystore));
    Ok(())
}

/// Lists the keystores of the keystore folder; files that are none are left out.
///
/// # Errors
/// The folder cannot be read.
pub fn list(config: &Config, output: Output) -> Outcome {
    let folder = config.keystore_dir();
    let mut found = Vec::new();
    if folder.exists() {
        let inaccessible = |source| KeystoreError::Inaccessible { file: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(inaccessible)? {
            let file = entry.map_err(inaccessible)?.path();
            if let Ok(keystore) = Keystore::read(&file) {
                found.push((file, keystore));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let value = json!({ "keystores": found.iter().map(|(f, k)| describe(f, k)).collect::<Vec<_>>() });
    output.print(&value, |_| match found.is_empty() {
        true => format!("no keystores in {}", folder.display()),
        false => found
            .iter()
            .map(|(f, k)| format!("{:<16} {:<8} {}\n", name_of(f), k.kind.name(), k.public))
            .collect(),
    });
    Ok(())
}

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn describe(file: &Path, keystore: &Keystore) -> Value {
    json!({ "name": name_of(file), "kind": keystore.kind, "public": keystore.public, "file": file })
}

fn text(file: &Path, keystore: &Keystore) -> String {
    columns(&[
        ("name", name_of(file)),
        ("kind", keystore.kind.name().to_owned()),
        (if keystore.kind == Kind::L1 { "address" } else { "key" }, keystore.public.clone()),
        ("file", file.display().to_string()),
    ])
}
