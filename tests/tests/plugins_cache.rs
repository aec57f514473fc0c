//! Compiled components on disk: what is a hit, what is a miss, and that a miss is never an error.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use e2e::guest::{World, component};
use e2e::scratch::Scratch;
use sluice::clock::SystemClock;
use sluice::domain::artifact::Digest;
use sluice::plugins::{Limits, PluginHost, PluginHostOptions};

fn host(directory: &Path) -> PluginHost {
    let clock = Arc::new(SystemClock::new());
    PluginHost::new(PluginHostOptions {
        cache_dir: Some(directory.to_owned()),
        limits: Limits::default(),
        clock,
        compiler: None,
    })
    .unwrap()
}

/// Installs and prepares a component with a host of its own; its digest.
fn prepare(directory: &Path) -> Digest {
    let host = host(directory);
    let info = host.install(component(World::Reducer, "spin", &[("rounds", "1")])).unwrap();
    host.prepare(&info.digest).unwrap();
    info.digest
}

/// The files in the cache.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Fills a cache and gives its only file.
fn filled(directory: &Path) -> PathBuf {
    let digest = prepare(directory);
    let files = files(directory);
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(digest.as_str()) && Path::new(name).extension().is_some_and(|e| e == "cwasm"), "{name}");
    file.clone()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::symlink_metadata(path).unwrap())
}

#[test]
fn the_directory_and_its_files_are_the_users_alone() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("a/cache");
    let file = filled(&directory);
    assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
}

#[test]
fn a_file_that_is_good_is_used_and_left_alone() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    let before = (inode(&file), fs::read(&file).unwrap());
    prepare(&directory);
    assert_eq!((inode(&file), fs::read(&file).unwrap()), before);
    assert_eq!(files(&directory), [file]);
}

/// Fills a cache, spoils its file, and sees that a good one takes its place.
fn is_replaced(spoil: impl FnOnce(&Path, &[u8])) {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    let good = fs::read(&file).unwrap();
    spoil(&file, &good);
    prepare(&directory);
    assert!(fs::read(&file).unwrap() == good, "the file is as it was");
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
    assert_eq!(mode(&file), 0o600);
    assert_eq!(files(&directory), [file]);
}

#[test]
fn a_truncated_file_is_replaced() {
    for length in [0, 1, 50, 93, 94, 1000] {
        is_replaced(|file, good| fs::write(file, &good[..length]).unwrap());
    }
    is_replaced(|file, good| fs::write(file, &good[..good.len() - 1]).unwrap());
}

#[test]
fn a_file_with_a_flipped_bit_is_replaced() {
    for at in [0, 30, 100, 5_000] {
        is_replaced(|file, good| {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            fs::write(file, bad).unwrap();
        });
    }
}

#[test]
fn a_file_whose_digest_holds_but_whose_code_is_none_is_replaced() {
    is_replaced(|file, good| {
        let nonsense = b"not what a compiler makes";
        let mut bad = good[..good.iter().position(|byte| *byte == b'\n').unwrap() + 1].to_vec();
        bad.extend(format!("{}\n", Digest::of(nonsense)).as_bytes());
        bad.extend(nonsense);
        fs::write(file, bad).unwrap();
    });
}

#[test]
fn the_code_of_another_component_is_replaced() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    let good = fs::read(&file).unwrap();
    let other = host(&directory);
    let info = other.install(component(World::Reducer, "spin", &[("rounds", "2")])).unwrap();
    other.prepare(&info.digest).unwrap();
    let [others] = files(&directory).into_iter().filter(|found| *found != file).collect::<Vec<_>>().try_into().unwrap();
    fs::copy(&others, &file).unwrap();
    prepare(&directory);
    assert!(fs::read(&file).unwrap() == good, "what another component was compiled to is not called in its place");
}

#[test]
fn without_its_key_nothing_is_believed() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    let (key, before) = (directory.with_extension("key"), fs::read(&file).unwrap());
    assert_eq!((mode(&key), fs::read(&key).unwrap().len()), (0o600, 32));
    for spoil in [
        |key: &Path| fs::remove_file(key).unwrap(),
        |key: &Path| fs::write(key, b"short").unwrap(),
        |key: &Path| {
            fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap();
        },
    ] {
        spoil(&key);
        prepare(&directory);
        assert!(fs::read(&file).unwrap() != before, "it is vouched for anew");
        assert_eq!((mode(&key), fs::read(&key).unwrap().len()), (0o600, 32));
    }
    assert_eq!(files(&directory), [file]);
}

#[test]
fn a_file_that_others_can_write_is_replaced() {
    is_replaced(|file, _| fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap());
}

#[test]
fn a_symbolic_link_is_replaced_and_not_followed() {
    is_replaced(|file, good| {
        let elsewhere = file.parent().unwrap().parent().unwrap().join("elsewhere");
        fs::write(&elsewhere, good).unwrap();
        fs::remove_file(file).unwrap();
        symlink(&elsewhere, file).unwrap();
    });
}

#[test]
fn code_of_another_engine_is_not_looked_at() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    let name = file.file_name().unwrap().to_str().unwrap();
    let other = directory.join(format!("{}-0123456789abcdef.cwasm", &name[..64]));
    fs::write(&other, b"another engine's").unwrap();
    prepare(&directory);
    assert_eq!(fs::read(&other).unwrap(), b"another engine's");
}

#[test]
fn a_directory_that_others_can_write_is_not_used() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    prepare(&directory);
    assert_eq!(files(&directory), [] as [PathBuf; 0]);
}

#[test]
fn a_directory_that_is_none_is_no_error() {
    let scratch = Scratch::new("plugins");
    let file = scratch.path().join("file");
    fs::write(&file, b"in the way").unwrap();
    prepare(&file);
    prepare(&file.join("below"));
    let link = scratch.path().join("link");
    let target = scratch.path().join("target");
    fs::create_dir(&target).unwrap();
    symlink(&target, &link).unwrap();
    prepare(&link);
    assert_eq!(files(&target), [] as [PathBuf; 0]);
}

#[test]
fn a_directory_that_takes_no_file_is_no_error() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let file = filled(&directory);
    // A directory where the file should be: neither read, nor removed, nor renamed over.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fs::write(file.join("content"), b"x").unwrap();
    prepare(&directory);
    assert_eq!(files(&directory), [file]);
}

#[test]
fn many_who_want_the_same_component_at_once_all_get_it() {
    let scratch = Scratch::new("plugins");
    let directory = scratch.path().join("cache");
    let host = host(&directory);
    let bytes = component(World::Reducer, "spin", &[("rounds", "1")]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let info = host.install(bytes.clone()).unwrap();
                host.prepare(&info.digest).unwrap();
            });
        }
    });
    assert_eq!(files(&directory).len(), 1);
}
