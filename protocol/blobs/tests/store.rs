//! The store on a local folder.

use std::path::PathBuf;

use janction_blobs::{BlobError, BlobId, BlobStore, Class, Contents, Link};
use tempfile::TempDir;

const LIMIT: u64 = 1 << 20;

fn store() -> (TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = BlobStore::local(&folder.path().join("made/on/the/way")).unwrap();
    (folder, store)
}

fn file(folder: &TempDir, id: BlobId) -> PathBuf {
    let name = id.to_string();
    folder.path().join("made/on/the/way/blobs").join(&name[..2]).join(name)
}

#[tokio::test]
async fn what_was_put_is_got() {
    let (_folder, store) = store();
    for bytes in [vec![], b"output".to_vec(), vec![7; 100_000]] {
        let id = store.put(bytes.clone()).await.unwrap();
        assert_eq!(id, BlobId::of(&bytes));
        assert_eq!(store.put(bytes.clone()).await.unwrap(), id, "again");
        assert_eq!(store.size(id).await.unwrap(), Some(bytes.len() as u64));
        assert_eq!(store.get(id, LIMIT).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn what_is_missing_is_said_to_be() {
    let (_folder, store) = store();
    let id = BlobId::of(b"never put");
    assert!(matches!(store.get(id, LIMIT).await, Err(BlobError::NotFound { id: missing }) if missing == id));
    assert_eq!(store.size(id).await.unwrap(), None);
    store.delete(id).await.unwrap();
}

#[tokio::test]
async fn damage_is_noticed_and_can_be_repaired() {
    let (folder, store) = store();
    let id = store.put(b"openings".to_vec()).await.unwrap();
    std::fs::write(file(&folder, id), b"opening$").unwrap();
    assert!(matches!(store.get(id, LIMIT).await, Err(BlobError::Corrupt { .. })));
    store.delete(id).await.unwrap();
    store.put(b"openings".to_vec()).await.unwrap();
    assert_eq!(store.get(id, LIMIT).await.unwrap(), b"openings");
}

#[tokio::test]
async fn nobody_is_made_to_read_too_much() {
    let (_folder, store) = store();
    let id = store.put(vec![0; 100]).await.unwrap();
    assert!(matches!(store.get(id, 99).await, Err(BlobError::TooLarge { size: 100, limit: 99, .. })));
    assert_eq!(store.get(id, 100).await.unwrap().len(), 100);
}

#[tokio::test]
async fn links_lead_to_blobs_and_do_not_change() {
    let (_folder, store) = store();
    let link = Link::new(Class::Output, [9; 32]);
    assert_eq!(store.resolve(link).await.unwrap(), None);
    let id = store.put(b"right".to_vec()).await.unwrap();
    store.link(link, id).await.unwrap();
    store.link(link, id).await.unwrap();
    assert_eq!(store.resolve(link).await.unwrap(), Some(id));
    let other = store.put(b"wrong".to_vec()).await.unwrap();
    assert!(matches!(store.link(link, other).await, Err(BlobError::Linked { is, .. }) if is == id));
    assert_eq!(store.resolve(Link::new(Class::Input, [9; 32])).await.unwrap(), None, "classes are apart");
    let never = BlobId::of(b"never put");
    let dangling = store.link(Link::new(Class::Program, [1; 32]), never).await;
    assert!(matches!(dangling, Err(BlobError::NotFound { .. })));
}

#[tokio::test]
async fn a_damaged_link_is_noticed() {
    let (folder, store) = store();
    let link = Link::new(Class::Program, [3; 32]);
    let id = store.put(b"binary".to_vec()).await.unwrap();
    store.link(link, id).await.unwrap();
    let path = folder.path().join("made/on/the/way/links").join(link.to_string());
    std::fs::write(path, b"short").unwrap();
    assert!(matches!(store.resolve(link).await, Err(BlobError::CorruptLink { .. })));
}

/// A second process (here: a second handle) sees the same store; many writers of one blob do not disturb each other.
#[tokio::test]
async fn handles_share_the_folder() {
    let (folder, store) = store();
    let again = BlobStore::local(&folder.path().join("made/on/the/way")).unwrap();
    let writers: Vec<_> = (0..16)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { again.clone() };
            tokio::spawn(async move { store.put(vec![5; 50_000]).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(again.get(BlobId::of(&[5; 50_000]), LIMIT).await.unwrap(), vec![5; 50_000]);
}

#[test]
fn a_folder_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = BlobStore::local(&file.join("store")).unwrap_err();
    assert_eq!(error.code(), "blob-folder");
}

#[tokio::test]
async fn a_look_through_the_store_finds_bytes_and_links() {
    let folder = tempfile::tempdir().unwrap();
    let store = BlobStore::local(folder.path()).unwrap();
    assert_eq!(store.contents().await.unwrap(), Contents::default());
    let id = store.put(vec![1; 100]).await.unwrap();
    store.put(vec![2; 11]).await.unwrap();
    store.put(vec![2; 11]).await.unwrap();
    let link = Link::new(Class::Output, [3; 32]);
    store.link(link, id).await.unwrap();
    std::fs::write(folder.path().join("links/output/README"), b"not a link").unwrap();
    assert_eq!(store.contents().await.unwrap(), Contents { bytes: 111, links: vec![link] });
    let other = store.put(vec![4; 5]).await.unwrap();
    assert!(matches!(store.link(link, other).await, Err(BlobError::Linked { .. })));
    store.relink(link, other).await.unwrap();
    assert_eq!(store.resolve(link).await.unwrap(), Some(other));
    assert!(matches!(store.relink(link, BlobId([9; 32])).await, Err(BlobError::NotFound { .. })));
    assert_eq!(store.part(id, 90..100).await.unwrap(), vec![1; 10]);
    let nowhere = store.part(BlobId([9; 32]), 0..1).await;
    assert_eq!(nowhere.unwrap_err().code(), "blob-not-found");
}
