//! The data directory: who may use it, and where things lie in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "data directory `{path}` is in use by another sluice{holder}; wait for it, stop it, or choose another with --data"
    )]
    InUse {
        /// The directory.
        path: String,
        /// ` (process 123)`, or nothing.
        holder: String,
    },
    /// It cannot be made, read or written.
    #[error("data directory `{path}` cannot be used: {source}; check its permissions, or choose another with --data")]
    Io {
        /// The directory or file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The platform names no place for data.
    #[error("this platform names no data directory; choose one with --data DIR")]
    NoDefault,
}

/// Where things lie.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// A server, as it stands in the data directory it serves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ServerRecord {
    /// Where it listens: `http://127.0.0.1:4700`.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Whether it keeps its state in a PostgreSQL database instead of the directory. Which one is not said here: its
    /// address holds a password.
    #[serde(default)]
    pub is_on_postgres: bool,
}

/// A data directory this process alone may write to, until this is dropped or the process ends.
#[derive(Debug)]
pub struct LockedDataDir {
    directory: DataDir,
    host_id: String,
    _lock: File,
}

impl DataDir {
    /// `given`, or the platform's place for data of programs (`$XDG_DATA_HOME/sluice` on Linux).
    /// Made when absent, for this user alone.
    ///
    /// # Errors
    /// [`DataDirError::Io`]; [`DataDirError::NoDefault`].
    pub fn open(given: Option<&Path>) -> Result<Self, DataDirError> {
        let root = Self::root_of(given)?;
        make_private(&root)?;
        let root = root.canonicalize().map_err(|source| io_error(&root, source))?;
        Ok(Self { root })
    }

    /// Where the directory is, or would be; nothing is made.
    ///
    /// # Errors
    /// [`DataDirError::NoDefault`].
    pub fn root_of(given: Option<&Path>) -> Result<PathBuf, DataDirError> {
        use etcetera::BaseStrategy as _;
        match given {
            Some(path) => Ok(path.to_owned()),
            None => {
                Ok(etcetera::choose_base_strategy().map_err(|_| DataDirError::NoDefault)?.data_dir().join("sluice"))
            }
        }
    }

    /// The directory as it is, and `None` where there is none; nothing is made.
    ///
    /// # Errors
    /// [`DataDirError::NoDefault`].
    pub fn existing(given: Option<&Path>) -> Result<Option<Self>, DataDirError> {
        let root = Self::root_of(given)?;
        Ok(root.is_dir().then_some(Self { root }))
    }

    /// The directory itself; the database and its blobs lie here.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Scratch directories of the local worker's runs.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// Mission templates, unless they are elsewhere; somebody else puts them there.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// The token of whoever may read this directory: an operator's.
    pub fn operator_token(&self) -> PathBuf {
        self.root.join("operator.token")
    }

    /// What fingerprints of secrets are keyed with.
    pub fn fingerprint_key(&self) -> PathBuf {
        self.root.join("fingerprint.key")
    }

    /// The token that `sluice work` takes when it is given none: an agent's.
    pub fn agent_token(&self) -> PathBuf {
        self.root.join("agent.token")
    }

    /// Where the server that serves this directory says that it does.
    pub fn server_record(&self) -> PathBuf {
        self.root.join("server.json")
    }

    /// The server that serves this directory, or did when it was killed. One that cannot be read
    /// is half-written, and its server has yet to come up.
    pub fn server(&self) -> Option<ServerRecord> {
        let text = std::fs::read(self.server_record()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Takes the directory for this process.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] while another process has it.
    pub fn lock(self) -> Result<LockedDataDir, DataDirError> {
        let path = self.root.join("lock");
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| io_error(&path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                return Err(DataDirError::InUse { path: self.root.display().to_string(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(&path, source)),
        }
        // Only for the message of whoever comes second; the lock itself is the operating system's.
        let _ = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
        let host_id = self.host_id()?;
        Ok(LockedDataDir { directory: self, host_id, _lock: lock })
    }

    /// The name of the host that lives here; made once. A half-written one is made anew, which
    /// only costs its workers' leases the time they run out in.
    fn host_id(&self) -> Result<String, DataDirError> {
        let path = self.root.join("host.id");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(id) = text.strip_suffix('\n').filter(|id| id.starts_with("host_")) {
            return Ok(id.to_owned());
        }
        #[expect(clippy::disallowed_methods, reason = "made once for a directory, before there is an engine")]
        let id = format!("host_{}", Uuid::now_v7().simple());
        std::fs::write(&path, format!("{id}\n")).map_err(|source| io_error(&path, source))?;
        Ok(id)
    }
}

impl LockedDataDir {
    /// Where things lie.
    pub fn directory(&self) -> &DataDir {
        &self.directory
    }

    /// The name of the host that lives here.
    pub fn host_id(&self) -> &str {
        &self.host_id
    }
}

/// The place for compiled components: the user's, not the data directory's, because they belong
/// to this binary and can be made again. `None` when the platform names none.
pub fn compile_cache() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("sluice").join("compiled"))
}

/// The place for the scratch directories of workers that are no host: the user's, because nothing
/// in it outlives its worker. `None` when the platform names none.
pub fn work_directory() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("sluice").join("work"))
}

fn make_private(path: &Path) -> Result<(), DataDirError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: std::io::Error) -> DataDirError {
    DataDirError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_who_has_the_directory() {
        let parent = std::env::temp_dir().join(format!("sluice-data-dir-{}", std::process::id()));
        let first = DataDir::open(Some(&parent)).unwrap().lock().unwrap();
        let error = DataDir::open(Some(&parent)).unwrap().lock().unwrap_err().to_string();
        assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
        let host_id = first.host_id().to_owned();
        drop(first);
        assert_eq!(DataDir::open(Some(&parent)).unwrap().lock().unwrap().host_id(), host_id);
        std::fs::remove_dir_all(&parent).unwrap();
    }
}
