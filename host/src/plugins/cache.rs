//! Compiled components on disk, so that a component is compiled once for each user and version
//! of the engine.
//!
//! A file that is missing, damaged, of another version, of another component or not ours is a miss and never an
//! error: the component is compiled again. What stands in it is vouched for by a code that is keyed with what only
//! this user can read, and that is over the component's digest too, so that no file can take another's place.
//! Nothing here runs code; [`super::precompiled`] does.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use wasmtime::Engine;

use crate::domain::artifact::Digest;

/// First line of a cache file; the code that vouches for the rest follows on the second.
const MAGIC: &[u8] = b"sluice compiled component 2\n";

/// Bytes of the key of those codes.
const KEY_BYTES: usize = 32;

/// Bytes before the compiled code: the first line, 64 hexadecimal digits and a line feed.
const HEAD_BYTES: usize = MAGIC.len() + 65;

/// Largest compiled component that is kept, in bytes.
const COMPILED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Most files of the directory; beyond, the oldest go. Other versions' and other components'
/// code is made again when it is wanted again.
const FILES_MAX: usize = 64;

/// Tells apart what one process writes at the same time.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Where compiled components lie. Without a directory everything is a miss.
pub(super) struct Cache {
    directory: Option<PathBuf>,
    engine: String,
    key: [u8; KEY_BYTES],
}

impl Cache {
    /// A cache in `directory`, which is made with mode 0700 unless it exists. Returns with it
    /// why the directory cannot be used, when it cannot.
    pub(super) fn open(directory: Option<PathBuf>, engine: &Engine) -> (Self, Option<String>) {
        let mut hash = StableHash(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hash);
        let engine = Digest::from_hash(hash.0).as_str()[..16].to_owned();
        let opened = directory.map(|directory| {
            private(&directory)?;
            let key = key_of(&directory.with_extension("key")).map_err(|error| format!("its key: {error}"))?;
            Ok::<_, String>((directory, key))
        });
        match opened.transpose() {
            Ok(opened) => {
                let (directory, key) = opened.unzip();
                (Self { directory, engine, key: key.unwrap_or_default() }, None)
            }
            Err(reason) => (Self { directory: None, engine, key: [0; KEY_BYTES] }, Some(reason)),
        }
    }

    /// What vouches for `compiled` being what this engine made of `component`; 64 hexadecimal digits.
    fn code(&self, component: &Digest, compiled: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        for part in [MAGIC, component.as_str().as_bytes(), self.engine.as_bytes(), compiled] {
            mac.update(part);
        }
        let mut text = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            // A String takes every write.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Where the compiled code of `component` lies, when there is a cache.
    fn path(&self, component: &Digest) -> Option<PathBuf> {
        let directory = self.directory.as_ref()?;
        Some(directory.join(format!("{component}-{}.cwasm", self.engine)))
    }

    /// The compiled code of `component`. A file that cannot be trusted is removed.
    pub(super) fn read(&self, component: &Digest) -> Option<Vec<u8>> {
        let path = self.path(component)?;
        let read = read_framed(&path).and_then(|(code, compiled)| {
            let is_ours = code.len() == 64 && bool::from(self.code(component, &compiled).as_bytes().ct_eq(&code));
            if is_ours { Ok(compiled) } else { Err(invalid("nobody vouches for it")) }
        });
        match read {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "ignoring a compiled component that cannot be used");
                    self.forget(component);
                }
                None
            }
        }
    }

    /// Keeps `compiled`: written aside and renamed, so that nobody sees half of it.
    pub(super) fn write(&self, component: &Digest, compiled: &[u8]) {
        let Some(path) = self.path(component) else { return };
        if let Err(error) = write_aside(&path, self.code(component, compiled).as_bytes(), compiled) {
            tracing::warn!(path = %path.display(), %error, "could not keep a compiled component; it will be compiled again");
        } else if let Some(directory) = &self.directory
            && let Err(error) = remove_oldest(directory)
        {
            tracing::warn!(path = %directory.display(), %error, "could not remove old compiled components");
        }
    }

    /// Removes the compiled code of `component`.
    pub(super) fn forget(&self, component: &Digest) {
        if let Some(path) = self.path(component)
            && let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "could not remove a compiled component");
        }
    }
}

/// Makes `directory` or checks that nobody else can write it.
fn private(directory: &Path) -> Result<(), String> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| error.to_string())?;
    let metadata = fs::symlink_metadata(directory).map_err(|error| error.to_string())?;
    if !metadata.is_dir() {
        return Err("it is not a directory".to_owned());
    }
    if !is_ours(&metadata, rustix::process::geteuid().as_raw()) {
        return Err("others own it or can write it; make it yours alone (chmod 700)".to_owned());
    }
    Ok(())
}

/// Whether only `user` can write it.
fn is_ours(metadata: &Metadata, user: u32) -> bool {
    metadata.uid() == user && metadata.mode() & 0o022 == 0
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

/// The key that lies in `path`, or a new one; what others can read is none.
fn key_of(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let aside = path.with_extension(format!("key-{}-{}", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(&key)?;
    // Whoever else makes one at this moment has it in place first, or last; all of them take what lies there then.
    let placed = fs::hard_link(&aside, path);
    let removed = fs::remove_file(&aside);
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => removed?,
    }
    read_key(path)?.ok_or_else(|| invalid("it cannot be kept"))
}

/// A key; one that is no good is removed.
fn read_key(path: &Path) -> io::Result<Option<[u8; KEY_BYTES]>> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let mut key = Vec::with_capacity(KEY_BYTES + 1);
    (&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut key)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o777 == 0o600;
    if let (true, Ok(key)) = (is_ours, key.try_into()) {
        return Ok(Some(key));
    }
    fs::remove_file(path)?;
    Ok(None)
}

/// What a file says of itself, and the compiled code in it.
fn read_framed(path: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !is_ours(&metadata, rustix::process::geteuid().as_raw()) {
        return Err(invalid("others own it or can write it"));
    }
    if metadata.len() > COMPILED_BYTES_MAX {
        return Err(invalid("it is too large"));
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.read_to_end(&mut content)?;
    if content.len() < HEAD_BYTES || !content.starts_with(MAGIC) {
        return Err(invalid("it has not the form of one"));
    }
    let compiled = content.split_off(HEAD_BYTES);
    Ok((content[MAGIC.len()..HEAD_BYTES - 1].to_vec(), compiled))
}

fn write_aside(path: &Path, code: &[u8], compiled: &[u8]) -> io::Result<()> {
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let aside = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let written = write_new(&aside, code, compiled).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // What is left of a failed attempt is of no use; a next one would overwrite it.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn write_new(path: &Path, code: &[u8], compiled: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(MAGIC)?;
    file.write_all(code)?;
    file.write_all(b"\n")?;
    file.write_all(compiled)?;
    file.flush()
}

/// Keeps the newest [`FILES_MAX`] files, whatever they are: also what a killed host left half
/// written grows old and goes.
fn remove_oldest(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((metadata.modified()?, entry.path()));
        }
    }
    files.sort_unstable();
    for (_, path) in files.iter().take(files.len().saturating_sub(FILES_MAX)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// A hasher whose result is the same on every run, unlike the standard library's.
struct StableHash(Sha256);

impl Hasher for StableHash {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.clone().finalize();
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
