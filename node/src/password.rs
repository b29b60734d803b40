//! Where passwords come from: a file, `JANCTION_PASSWORD`, or a prompt at a terminal.

use std::io::IsTerminal;
use std::path::Path;

use zeroize::Zeroizing;

use crate::keystore::KeystoreError;

/// A password, wiped when dropped.
pub type Password = Zeroizing<String>;

/// The password of an existing keystore.
///
/// # Errors
/// No source of a password, an unreadable file, or an empty password.
pub fn existing(file: Option<&Path>, what: &str) -> Result<Password, KeystoreError> {
    match given(file)? {
        Some(password) => Ok(password),
        None => prompt(&format!("Password of {what}: ")),
    }
}

/// A password for a new keystore; typed twice at a terminal.
///
/// # Errors
/// As [`existing`], or the two differ.
pub fn new(file: Option<&Path>, what: &str) -> Result<Password, KeystoreError> {
    if let Some(password) = given(file)? {
        return Ok(password);
    }
    let first = prompt(&format!("New password for {what}: "))?;
    let second = prompt("The same again: ")?;
    if first == second { Ok(first) } else { Err(KeystoreError::PasswordsDiffer) }
}

fn given(file: Option<&Path>) -> Result<Option<Password>, KeystoreError> {
    let password = match file {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|source| KeystoreError::Inaccessible { file: file.to_owned(), source })?;
            let text = Zeroizing::new(text);
            Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None => std::env::var("JANCTION_PASSWORD").ok().map(Zeroizing::new),
    };
    match password {
        Some(password) if password.is_empty() => Err(KeystoreError::EmptyPassword),
        other => Ok(other),
    }
}

fn prompt(question: &str) -> Result<Password, KeystoreError> {
    if !std::io::stdin().is_terminal() {
        return Err(KeystoreError::NoPassword);
    }
    let password = rpassword::prompt_password(question).map_err(|_| KeystoreError::NoPassword)?;
    if password.is_empty() { Err(KeystoreError::EmptyPassword) } else { Ok(Zeroizing::new(password)) }
}
