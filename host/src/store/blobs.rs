//! Blobs: content under its digest. Files beside SQLite, rows on PostgreSQL.
//!
//! Content is shared by everybody who has the same; who may read it is decided by the artifact
//! that names it. A blob is durable before a unit refers to it; one that nothing refers to does
//! no harm.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{PgPool, Row as _};

use super::error::{OpenError, StorageError, StorageErrorKind};
use super::open::Store;
use super::postgres;
use crate::domain::artifact::Digest;

/// Where blobs are kept.
#[derive(Debug, Clone)]
pub(super) enum Blobs {
    Directory(Arc<BlobDirectory>),
    Database(PgPool),
}

/// Largest content kept under one digest, in bytes (64 MiB): artifacts are smaller, components
/// may be this large.
pub const BLOB_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a file that are compared at once with what is put.
const COMPARED_AT_ONCE: usize = 64 * 1024;

/// `blobs/ab/cdef...`, with files in the making under `blobs/new/`.
#[derive(Debug)]
pub(super) struct BlobDirectory {
    root: PathBuf,
    /// Names the next file in the making.
    next: AtomicU64,
}

impl Blobs {
    /// Blobs as files under `root`, which is created.
    pub(super) fn in_directory(root: PathBuf) -> Result<Self, OpenError> {
        let new = root.join("new");
        let prepared = fs::DirBuilder::new().recursive(true).mode(0o700).create(&new).and_then(|()| {
            sync_directory(&root)?;
            root.parent().map_or(Ok(()), sync_directory)
        });
        prepared.map_err(|source| OpenError::Directory { path: new, source })?;
        Ok(Self::Directory(Arc::new(BlobDirectory { root, next: AtomicU64::new(0) })))
    }

    /// Removes what a crash left in the making. Only for whoever has the directory alone: the
    /// files of a process at work look the same.
    pub(super) fn remove_unfinished(&self) -> io::Result<()> {
        let Self::Directory(directory) = self else { return Ok(()) };
        for entry in fs::read_dir(directory.root.join("new"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Blobs as rows.
    pub(super) fn in_database(pool: PgPool) -> Self {
        Self::Database(pool)
    }
}

impl BlobDirectory {
    fn path(&self, digest: &Digest) -> PathBuf {
        let (folder, name) = digest.as_str().split_at(2);
        self.root.join(folder).join(name)
    }

    fn put(&self, digest: &Digest, content: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        let folder = path.parent().unwrap_or(&self.root);
        // Content that is there already is durable once its name is: whoever wrote it may not
        // have come that far. A file that cannot be read, or holds something else, is replaced.
        if holds(&path, content).unwrap_or(false) {
            return sync_directory(folder);
        }
        if !folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            sync_directory(&self.root)?;
        }
        let name = format!("{}-{}", std::process::id(), self.next.fetch_add(1, Ordering::Relaxed));
        let new = self.root.join("new").join(name);
        let written =
            Self::write_new(&new, content).and_then(|()| fs::rename(&new, &path)).and_then(|()| sync_directory(folder));
        if written.is_err() {
            // The first error is the one that matters.
            let _ = fs::remove_file(&new);
        }
        written
    }

    fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn read(&self, digest: &Digest, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(self.path(digest))?;
        let rest = file.metadata()?.len().saturating_sub(offset);
        let wanted = rest.min(length.into());
        if wanted == 0 {
            // Also because a file has no positions beyond 2^63.
            return Ok(Vec::new());
        }
        let mut content = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        file.seek(SeekFrom::Start(offset))?;
        file.take(wanted).read_to_end(&mut content)?;
        Ok(content)
    }
}

/// Whether a file holds this content and nothing else.
fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    if file.metadata()?.len() != content.len() as u64 {
        return Ok(false);
    }
    let mut read = vec![0; COMPARED_AT_ONCE.min(content.len())];
    for expected in content.chunks(COMPARED_AT_ONCE) {
        let found = &mut read[..expected.len()];
        file.read_exact(found)?;
        if *found != *expected {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

fn absent() -> StorageError {
    StorageError::because(StorageErrorKind::Corrupt, "no content is stored under this digest")
}

impl Store {
    /// Removes content that a crash left half-written. Only for whoever has the data directory
    /// alone, before anything is put.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn remove_unfinished_blobs(&self) -> Result<(), StorageError> {
        Ok(self.blobs().remove_unfinished()?)
    }

    /// Keeps content under its digest. When it answers, the content is on disk; content that
    /// was kept before is not written again, unless what is kept was damaged since.
    ///
    /// # Errors
    /// Kind [`StorageErrorKind::Invalid`] over 64 MiB.
    ///
    /// *Cancellation*: what has begun is carried out; the next call finds it.
    pub async fn put_blob(&self, content: &[u8]) -> Result<Digest, StorageError> {
        if content.len() > BLOB_MAX_BYTES {
            return Err(StorageError::because(StorageErrorKind::Invalid, "the content is larger than 64 MiB"));
        }
        let content = content.to_vec();
        match self.blobs().clone() {
            Blobs::Directory(directory) => {
                let task = tokio::task::spawn_blocking(move || {
                    let digest = Digest::of(&content);
                    directory.put(&digest, &content)?;
                    Ok::<_, StorageError>(digest)
                });
                joined(task.await)?
            }
            // A task of its own, so that a dropped caller leaves no half-written statement on
            // a connection that others use.
            Blobs::Database(pool) => joined(tokio::spawn(put_row(pool, content)).await)?,
        }
    }

    /// Up to `length` bytes of some content from `offset` on; empty past its end.
    ///
    /// # Errors
    /// Kind [`StorageErrorKind::Corrupt`] when nothing is kept under `digest`.
    pub async fn read_blob(&self, digest: &Digest, offset: u64, length: u32) -> Result<Vec<u8>, StorageError> {
        match self.blobs() {
            Blobs::Directory(directory) => {
                let (directory, digest) = (Arc::clone(directory), digest.clone());
                let task = tokio::task::spawn_blocking(move || directory.read(&digest, offset, length));
                joined(task.await)?.map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => absent(),
                    _ => error.into(),
                })
            }
            Blobs::Database(pool) => read_row(pool, digest, offset, length).await,
        }
    }

    /// All that is kept under some digests, in one round trip; one under which nothing is kept is left out. For
    /// content that is known to be small: all of it is held at once.
    ///
    /// # Errors
    /// Storage.
    pub async fn read_blobs(&self, digests: &[Digest]) -> Result<HashMap<Digest, Vec<u8>>, StorageError> {
        if digests.is_empty() {
            return Ok(HashMap::new());
        }
        match self.blobs() {
            Blobs::Directory(directory) => {
                let (directory, digests) = (Arc::clone(directory), digests.to_vec());
                let task = tokio::task::spawn_blocking(move || read_present(&directory, &digests));
                Ok(joined(task.await)??)
            }
            Blobs::Database(pool) => read_rows(pool, digests).await,
        }
    }
}

fn read_present(directory: &BlobDirectory, digests: &[Digest]) -> io::Result<HashMap<Digest, Vec<u8>>> {
    let mut found = HashMap::with_capacity(digests.len());
    for digest in digests {
        match fs::read(directory.path(digest)) {
            Ok(content) => drop(found.insert(digest.clone(), content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn read_rows(pool: &PgPool, digests: &[Digest]) -> Result<HashMap<Digest, Vec<u8>>, StorageError> {
    const SQL: &str = "SELECT digest, content FROM blobs WHERE digest = ANY($1)";
    let digests: Vec<&str> = digests.iter().map(Digest::as_str).collect();
    let rows = postgres::on_any(pool, || sqlx::query(SQL).bind(&digests).fetch_all(pool)).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let digest = Digest::parse(row.try_get(0)?).ok_or_else(absent)?;
        found.insert(digest, row.try_get(1)?);
    }
    Ok(found)
}

fn joined<T>(done: Result<T, tokio::task::JoinError>) -> Result<T, StorageError> {
    done.map_err(|error| StorageError::new(StorageErrorKind::Other, error))
}

async fn put_row(pool: PgPool, content: Vec<u8>) -> Result<Digest, StorageError> {
    const PUT: &str = "INSERT INTO blobs (digest, size, content) VALUES ($1, $2, $3) \
        ON CONFLICT (digest) DO UPDATE SET size = excluded.size, content = excluded.content \
        WHERE blobs.content IS DISTINCT FROM excluded.content";
    let digest = Digest::of(&content);
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let put = || sqlx::query(PUT).bind(digest.as_str()).bind(size).bind(&content).execute(&pool);
    postgres::on_any(&pool, put).await?;
    Ok(digest)
}

async fn read_row(pool: &PgPool, digest: &Digest, offset: u64, length: u32) -> Result<Vec<u8>, StorageError> {
    const PART: &str = "SELECT SUBSTR(content, $2, $3) FROM blobs WHERE digest = $1";
    // SUBSTR counts from 1, in 32 bits; no content is longer than 64 MiB.
    let first = i32::try_from(offset.saturating_add(1)).unwrap_or(i32::MAX);
    let length = i32::try_from(length).unwrap_or(i32::MAX - 1).min(i32::MAX - first);
    let part = || sqlx::query(PART).bind(digest.as_str()).bind(first).bind(length).fetch_optional(pool);
    match postgres::on_any(pool, part).await? {
        Some(row) => Ok(row.try_get(0)?),
        None => Err(absent()),
    }
}
