//! Where a worker that is no host keeps its runs' directories: one directory a process, locked
//! while it lives, so that the next one can tell what a killed one left.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::orphans::end_orphans;

/// Beginning of the name of a directory that is being made.
const NEW: &str = ".new-";
/// Holds the directories of runs, inside a worker's directory.
const RUNS: &str = "runs";

/// A worker's directory. Dropping it removes it.
#[derive(Debug)]
pub struct WorkerHome {
    root: PathBuf,
    _lock: File,
}

impl WorkerHome {
    /// Makes a directory below `parent`, for this user alone, and ends what workers that were
    /// killed left there: their processes and their directories.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn take(parent: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let parent = parent.canonicalize()?;
        end_left_behind(&parent);
        let name = free_name(&parent)?;
        let (new, root) = (parent.join(format!("{NEW}{name}")), parent.join(&name));
        DirBuilder::new().mode(0o700).create(&new)?;
        let lock = OpenOptions::new().create_new(true).write(true).open(new.join("lock"))?;
        lock.try_lock()?;
        std::fs::create_dir(new.join(RUNS))?;
        // Locked before it has its name: whoever finds it by that name sees that it is taken.
        std::fs::rename(&new, &root)?;
        Ok(Self { root, _lock: lock })
    }

    /// The directory for scratch directories, one a run.
    pub fn runs(&self) -> PathBuf {
        self.root.join(RUNS)
    }
}

impl Drop for WorkerHome {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// A name nobody uses: the process's, and a number where containers that share a directory have
/// processes of the same number.
fn free_name(parent: &Path) -> io::Result<String> {
    let id = std::process::id();
    let names = std::iter::once(id.to_string()).chain((1..100).map(|number| format!("{id}-{number}")));
    let mut free = names.filter(|name| !parent.join(name).exists() && !parent.join(format!("{NEW}{name}")).exists());
    free.next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "it holds a hundred directories of this process"))
}

fn end_left_behind(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_new = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NEW));
        let Ok(lock) = File::open(path.join("lock")) else { continue };
        if !is_new && lock.try_lock().is_ok() {
            end_orphans(&path.join(RUNS));
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_cleared_away_and_what_somebody_holds_is_not() {
        let parent = std::env::temp_dir().join(format!("sluice-worker-home-{}", std::process::id()));
        let left = parent.join("1").join(RUNS).join("run_1");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(parent.join("1").join("lock"), "").unwrap();
        let held = parent.join("2");
        std::fs::create_dir_all(held.join(RUNS)).unwrap();
        let lock = File::create(held.join("lock")).unwrap();
        lock.try_lock().unwrap();
        let home = WorkerHome::take(&parent).unwrap();
        assert!(home.runs().is_dir() && held.is_dir() && !left.exists());
        let root = home.root.clone();
        drop(home);
        assert!(!root.exists());
        std::fs::remove_dir_all(&parent).unwrap();
    }
}
