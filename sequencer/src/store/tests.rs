use janction_protocol::Address;
use janction_protocol::state::{Account, Key};

use super::column::{Accounts, Keys, Pending};
use super::*;

fn deployment(chain: u64) -> Deployment {
    Deployment::new(chain, Address::from_limbs([1, 2, 3]).unwrap()).unwrap()
}

fn open(path: &Path) -> Store {
    Store::open(path, deployment(31337)).unwrap()
}

fn account(nonce: u32) -> Account {
    Account { nonce, ..Account::default() }
}

#[test]
fn a_step_of_progress_survives_reopening_and_an_abandoned_one_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(folder.path());
        let mut progress = store.begin();
        progress.put::<Accounts>(&1, &account(7)).unwrap();
        progress.put::<Accounts>(&256, &account(8)).unwrap();
        progress.set(&Heads { sealed: 3, committed: 2, proven: 1 }).unwrap();
        progress.commit().unwrap();
        let mut abandoned = store.begin();
        abandoned.put::<Accounts>(&1, &account(9)).unwrap();
        drop(abandoned);
    }
    let store = open(folder.path());
    let all: Vec<_> = store.all::<Accounts>().unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(all, [(1, account(7)), (256, account(8))]);
    assert_eq!(store.single::<Heads>().unwrap().unwrap().sealed, 3);
    assert_eq!(store.last::<Accounts>().unwrap().unwrap().0, 256);
}

#[test]
fn ranges_and_composite_keys() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let key = |n| Key::from_u64s([n, 0, 0, 0, 0]).unwrap();
    let mut progress = store.begin();
    for (owner, index) in [(1, 5), (2, 4), (1, 70000), (3, 1)] {
        progress.put::<Keys>(&(key(owner), index), &()).unwrap();
    }
    for arrival in 0..5u64 {
        progress.put::<Pending>(&arrival, &[7; 32]).unwrap();
    }
    progress.delete_range::<Pending>(&1, &4).unwrap();
    progress.commit().unwrap();
    let of_one: Vec<_> = store
        .from::<Keys>(&(key(1), 0))
        .unwrap()
        .map(|e| e.unwrap().0)
        .take_while(|(k, _)| *k == key(1))
        .collect();
    assert_eq!(of_one, [(key(1), 5), (key(1), 70000)]);
    let left: Vec<_> = store.all::<Pending>().unwrap().map(|e| e.unwrap().0).collect();
    assert_eq!(left, [0, 4]);
}

#[test]
fn a_newer_database_is_refused_by_name_even_with_unknown_columns() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut store = open(folder.path());
        let mut progress = store.begin();
        progress.put_meta(SCHEMA_KEY, &(SCHEMA + 1)).unwrap();
        progress.commit().unwrap();
        store.db.create_cf("from-the-future", &options()).unwrap();
    }
    match Store::open(folder.path(), deployment(31337)).err() {
        Some(error @ StoreError::Newer { found, supported, .. }) => {
            assert_eq!((found, supported), (SCHEMA + 1, SCHEMA));
            assert!(error.to_string().contains("run the version that wrote it"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_deployment_and_a_second_process_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(matches!(Store::open(folder.path(), deployment(31337)).err(), Some(StoreError::InUse { .. })));
    drop(store);
    let other = Store::open(folder.path(), deployment(1)).err();
    assert!(matches!(other, Some(StoreError::OtherDeployment { .. })), "{other:?}");
}

#[test]
fn damaged_values_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.db.put_cf(store.family(Accounts::NAME).unwrap(), 1u32.to_be_bytes(), [9; 3]).unwrap();
    assert!(matches!(store.get::<Accounts>(&1), Err(StoreError::Corrupt { .. })));
    store.db.put_cf(store.family(Accounts::NAME).unwrap(), [1], [9; 3]).unwrap();
    assert!(store.all::<Accounts>().unwrap().any(|e| matches!(e, Err(StoreError::Corrupt { .. }))));
}

#[test]
fn backups_restore_and_damaged_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let (live, backups, restored) =
        (folder.path().join("live"), folder.path().join("backups"), folder.path().join("restored"));
    let store = open(&live);
    let write = |nonce| {
        let mut progress = store.begin();
        progress.put::<Accounts>(&1, &account(nonce)).unwrap();
        progress.commit().unwrap();
    };
    write(1);
    let first = backup::create(&store, &backups, 5).unwrap();
    write(2);
    let second = backup::create(&store, &backups, 5).unwrap();
    write(3);
    assert_eq!(backup::list(&backups).unwrap(), [first, second]);

    backup::restore(&backups, Some(first.id), &restored).unwrap();
    assert_eq!(open(&restored).get::<Accounts>(&1).unwrap().unwrap().nonce, 1);
    assert!(backup::restore(&backups, None, &restored).is_err(), "never over something");
    std::fs::remove_dir_all(&restored).unwrap();
    backup::restore(&backups, None, &restored).unwrap();
    assert_eq!(open(&restored).get::<Accounts>(&1).unwrap().unwrap().nonce, 2);

    // One byte of one table of the backup.
    let mut tables: Vec<_> =
        std::fs::read_dir(backups.join("shared_checksum")).unwrap().map(|e| e.unwrap().path()).collect();
    tables.sort();
    for table in tables {
        let mut bytes = std::fs::read(&table).unwrap();
        bytes[10] ^= 1;
        std::fs::write(&table, bytes).unwrap();
    }
    std::fs::remove_dir_all(&restored).unwrap();
    let damaged = backup::restore(&backups, None, &restored);
    assert!(matches!(damaged, Err(StoreError::Corrupt { .. })), "{damaged:?}");
}

/// The writer of [`a_full_disk_is_a_typed_error_and_loses_nothing`], in a process of its own whose files cannot grow.
#[test]
#[ignore = "run by a_full_disk_is_a_typed_error_and_loses_nothing"]
fn full_disk_writer() {
    let path = std::env::var("FULL_DISK_PATH").unwrap();
    let store = open(Path::new(&path));
    for nonce in 1u32.. {
        let mut progress = store.begin();
        for index in 1..40 {
            progress.put::<Accounts>(&index, &account(nonce)).unwrap();
        }
        match progress.commit() {
            Ok(()) => println!("written {nonce}"),
            Err(StoreError::DiskFull { .. }) => {
                println!("full");
                return;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_full_disk_is_a_typed_error_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    // A limit on the size of files stands for the full disk: the write fails in the same place.
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" --ignored --exact --nocapture store::tests::full_disk_writer"])
        .arg(std::env::current_exe().unwrap())
        .env("FULL_DISK_PATH", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("full"), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let written =
        text.lines().filter_map(|l| l.rsplit_once("written ")?.1.trim().parse::<u32>().ok()).max().unwrap();
    let store = open(folder.path());
    for index in 1..40 {
        assert_eq!(store.get::<Accounts>(&index).unwrap().unwrap().nonce, written);
    }
}
