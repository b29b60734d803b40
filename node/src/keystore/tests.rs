use super::*;

fn sealed() -> Keystore {
    let secret = Zeroizing::new(vec![7; 40]);
    Keystore::seal(Kind::Ledger, "0x0102".into(), &secret, "correct horse").expect("sealed")
}

#[test]
fn a_keystore_opens_with_its_password_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys/alice.json");
    let keystore = sealed();
    keystore.write(&file).expect("written");
    let read = Keystore::read(&file).expect("read");
    assert_eq!(read, keystore);
    assert_eq!(*read.open(&file, "correct horse").expect("opens"), [7; 40]);
    assert!(matches!(read.open(&file, "battery staple"), Err(KeystoreError::WrongPassword { .. })));
    assert_eq!(fs::metadata(&file).expect("exists").permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(file.parent().expect("a folder")).expect("exists").permissions().mode() & 0o777,
        0o700
    );
    assert!(matches!(keystore.write(&file), Err(KeystoreError::Exists { .. })));
}

#[test]
fn everything_in_the_clear_is_authenticated() {
    let file = Path::new("k.json");
    let altered: [fn(&mut Keystore); 6] = [
        |k| k.public = "0x0103".into(),
        |k| k.kind = Kind::L1,
        |k| k.kdf.passes += 1,
        |k| k.kdf.memory_kib -= 1,
        |k| k.kdf.salt = hex::encode([1; 16]),
        |k| k.cipher.text.replace_range(0..2, if k.cipher.text.starts_with("00") { "01" } else { "00" }),
    ];
    for alter in altered {
        let mut keystore = sealed();
        alter(&mut keystore);
        assert!(matches!(keystore.open(file, "correct horse"), Err(KeystoreError::WrongPassword { .. })));
    }
}

#[test]
fn a_hostile_file_cannot_exhaust_the_machine() {
    let altered: [fn(&mut Keystore); 5] = [
        |k| k.kdf.memory_kib = u32::MAX,
        |k| k.kdf.passes = u32::MAX,
        |k| k.kdf.lanes = 0,
        |k| k.kdf.name = "md5".into(),
        |k| k.cipher.nonce.truncate(4),
    ];
    for alter in altered {
        let mut keystore = sealed();
        alter(&mut keystore);
        assert!(matches!(keystore.open(Path::new("k"), "correct horse"), Err(KeystoreError::Corrupt { .. })));
    }
}

#[test]
fn files_that_are_no_keystores_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("k.json");
    assert!(matches!(Keystore::read(&file), Err(KeystoreError::Absent { .. })));
    let good = serde_json::to_string(&sealed()).expect("JSON");
    for text in ["", "{}", "[]", "\u{0}\u{1}", &good[..good.len() / 2], &good.replace("kind", "kin")] {
        fs::write(&file, text).expect("written");
        assert!(matches!(Keystore::read(&file), Err(KeystoreError::Corrupt { .. })), "{text}");
    }
    fs::write(&file, good.replace("\"version\":1", "\"version\":2")).expect("written");
    assert!(matches!(Keystore::read(&file), Err(KeystoreError::Newer { version: 2, .. })));
    fs::write(&file, vec![b' '; 20_000]).expect("written");
    assert!(matches!(Keystore::read(&file), Err(KeystoreError::Corrupt { .. })));
}

#[test]
fn names_stay_in_the_folder() {
    let folder = Path::new("/keys");
    assert_eq!(locate(folder, "alice").expect("fine"), Path::new("/keys/alice.json"));
    assert_eq!(locate(folder, "alice.json").expect("fine"), Path::new("/keys/alice.json"));
    assert_eq!(locate(folder, "./a/b.json").expect("fine"), Path::new("./a/b.json"));
    for bad in ["", "..", ".hidden", "a b", "a\0"] {
        assert!(matches!(locate(folder, bad), Err(KeystoreError::BadName { .. })), "{bad}");
    }
}
