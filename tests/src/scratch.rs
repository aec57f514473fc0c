//! A directory for one case, gone when the case is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The directory. Cases that fail leave nothing behind either.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory of its own.
    #[expect(clippy::new_without_default, reason = "a default that makes a directory would surprise")]
    pub fn new() -> Self {
        let name = format!("sluice-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary directory takes directories");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties its temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
