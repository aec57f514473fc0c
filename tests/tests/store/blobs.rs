//! Blobs: what is put is what is read, in parts too.

use e2e::databases::{TestDatabase, on_both_databases};
use sluice::domain::artifact::Digest;
use sluice::store::{BLOB_MAX_BYTES, Location, StorageErrorKind};

#[tokio::test]
async fn content_is_read_back_whole_and_in_parts() {
    on_both_databases(async |store| {
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let digest = store.put_blob(&content).await.unwrap();
        assert_eq!(digest, Digest::of(&content));
        assert_eq!(store.read_blob(&digest, 0, u32::MAX).await.unwrap(), content);
        assert_eq!(store.read_blob(&digest, 1_000_001, 70_000).await.unwrap(), content[1_000_001..1_070_001]);
        assert_eq!(store.read_blob(&digest, 1_199_998, 70).await.unwrap(), content[1_199_998..]);
        assert_eq!(store.read_blob(&digest, 1_200_000, 70).await.unwrap(), b"");
        assert_eq!(store.read_blob(&digest, u64::MAX, u32::MAX).await.unwrap(), b"");
        assert_eq!(store.read_blob(&digest, 5, 0).await.unwrap(), b"");
        assert_eq!(store.put_blob(&content).await.unwrap(), digest, "the same content again is the same blob");
    })
    .await;
}

#[tokio::test]
async fn empty_content_is_content_and_absent_content_is_an_error() {
    on_both_databases(async |store| {
        let digest = store.put_blob(b"").await.unwrap();
        assert_eq!(store.read_blob(&digest, 0, 10).await.unwrap(), b"");
        let error = store.read_blob(&Digest::of(b"never put"), 0, 10).await.unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::Corrupt);
    })
    .await;
}

#[tokio::test]
async fn content_has_a_limit() {
    on_both_databases(async |store| {
        let mut content = vec![7; BLOB_MAX_BYTES];
        let digest = store.put_blob(&content).await.unwrap();
        assert_eq!(store.read_blob(&digest, BLOB_MAX_BYTES as u64 - 2, 10).await.unwrap(), [7, 7]);
        content.push(7);
        assert_eq!(store.put_blob(&content).await.unwrap_err().kind, StorageErrorKind::Invalid);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_put_the_same_at_once() {
    on_both_databases(async |store| {
        let content = vec![42; 100_000];
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (store, content) = (store.clone(), content.clone());
                tokio::spawn(async move { store.put_blob(&content).await.unwrap() })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Digest::of(&content));
        }
        assert_eq!(store.read_blob(&Digest::of(&content), 0, u32::MAX).await.unwrap(), content);
    })
    .await;
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_removed_or_replaced() {
    let database = TestDatabase::sqlite();
    let Location::Sqlite { directory } = &database.location else { unreachable!() };
    let store = database.open().await;
    let digest = store.put_blob(b"whole").await.unwrap();
    store.close().await;
    let (folder, name) = digest.as_str().split_at(2);
    let file = directory.join("blobs").join(folder).join(name);
    assert_eq!(std::fs::read(&file).unwrap(), b"whole");
    std::fs::write(&file, b"wh").unwrap();
    let in_the_making = directory.join("blobs/new/17");
    std::fs::write(&in_the_making, b"half").unwrap();

    let store = database.open().await;
    assert!(in_the_making.exists(), "it could be another process's that is at work");
    store.remove_unfinished_blobs().unwrap();
    assert!(!in_the_making.exists());
    store.put_blob(b"whole").await.unwrap();
    assert_eq!(store.read_blob(&digest, 0, 100).await.unwrap(), b"whole");
}

#[tokio::test]
async fn files_are_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = TestDatabase::sqlite();
    let Location::Sqlite { directory } = &database.location else { unreachable!() };
    let nested = Location::Sqlite { directory: directory.join("made/by the store") };
    let store = sluice::store::Store::open(&nested).await.unwrap();
    let digest = store.put_blob(b"secret").await.unwrap();
    let (folder, name) = digest.as_str().split_at(2);
    let mode = |path: &str| {
        let path = directory.join("made/by the store").join(path);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    for path in ["", "blobs", "blobs/new", &format!("blobs/{folder}")] {
        assert_eq!(mode(path), 0o700, "{path}");
    }
    for path in ["sluice.db", "sluice.db-wal", &format!("blobs/{folder}/{name}")] {
        assert_eq!(mode(path), 0o600, "{path}");
    }
}
