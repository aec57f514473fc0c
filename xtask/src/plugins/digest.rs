//! Digests: of a component's bytes, and of everything a guest is built from.
//!
//! Owns the answer to 'what is a guest made of': its own files, those of the path dependencies it
//! reaches, `wit/`, the guests' profile, the build's own recipe, and the names, versions and
//! checksums of the registry packages it reaches in Cargo.lock; no more of the lock file than that, so
//! that a new dependency of the host does not make the plugins stale. Tests and development
//! dependencies do not count. Read next: [`of_sources`].

use super::guest::Guest;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Raise it when the way guests are built changes so that their bytes do.
const RECIPE: u32 = 1;

/// SHA-256 in hexadecimal.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of everything `guest` is built from. Line ends are taken as `\n`, so that a checkout
/// that rewrites them has the same digest.
pub(super) fn of_sources(root: &Path, guest: &Guest) -> Result<String> {
    let made_of = Ingredients::of(root, &guest.folder)?;
    let mut listing = format!("recipe {RECIPE}\n{}\n", made_of.profile);
    for (name, path) in made_of.files(root)? {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let digest = of_bytes(text.replace("\r\n", "\n").as_bytes());
        writeln!(listing, "{digest} {name}")?;
    }
    for package in &made_of.packages {
        writeln!(listing, "{package}")?;
    }
    Ok(of_bytes(listing.as_bytes()))
}

/// What a guest is made of.
struct Ingredients {
    /// Folders of its own crate and of the path dependencies it reaches.
    crates: BTreeSet<PathBuf>,
    /// `name version checksum` of the registry packages it reaches.
    packages: BTreeSet<String>,
    /// The profile it is built with.
    profile: String,
}

impl Ingredients {
    fn of(root: &Path, folder: &Path) -> Result<Self> {
        // A guest outside the workspace has a lock file of its own.
        let own = folder.join("Cargo.lock");
        let lock_file = if own.is_file() { own } else { root.join("Cargo.lock") };
        let lock = Lock::read(&lock_file)?;
        let workspace = read_table(&root.join("Cargo.toml"))?;
        let profile = workspace.get("profile").and_then(|profiles| profiles.get("guest"));
        let mut ingredients = Ingredients {
            crates: BTreeSet::new(),
            packages: BTreeSet::new(),
            profile: profile.map(ToString::to_string).unwrap_or_default(),
        };
        ingredients.add_crate(folder, &lock)?;
        Ok(ingredients)
    }

    fn add_crate(&mut self, folder: &Path, lock: &Lock) -> Result<()> {
        let folder = fs::canonicalize(folder).with_context(|| folder.display().to_string())?;
        if !self.crates.insert(folder.clone()) {
            return Ok(());
        }
        let manifest = read_table(&folder.join("Cargo.toml"))?;
        let package = name_of(&manifest).context("Cargo.toml names no package")?;
        for section in ["dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (key, value) in dependencies {
                if let Some(path) = value.get("path").and_then(toml::Value::as_str) {
                    self.add_crate(&folder.join(path), lock)?;
                } else {
                    let name = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                    lock.reach(&lock.resolve(&package, name)?, &mut self.packages)?;
                }
            }
        }
        Ok(())
    }

    /// Every file that counts, by its name below the root.
    fn files(&self, root: &Path) -> Result<BTreeMap<String, PathBuf>> {
        let root = fs::canonicalize(root)?;
        let mut files = BTreeMap::new();
        let mut add = |path: PathBuf| -> Result<()> {
            let name = path.strip_prefix(&root).with_context(|| path.display().to_string())?;
            files.insert(name.to_string_lossy().replace('\\', "/"), path);
            Ok(())
        };
        walk(&root.join("wit"), &["wit"], &mut add)?;
        for folder in &self.crates {
            walk(&folder.join("src"), &["rs", "txt", "json"], &mut add)?;
            walk(&folder.join("wit"), &["wit"], &mut add)?;
            for name in ["build.rs", "manifest.json"] {
                if folder.join(name).is_file() {
                    add(folder.join(name))?;
                }
            }
        }
        Ok(files)
    }
}

/// Gives every file with one of `extensions` below `folder` to `add`, but those of tests and of
/// doubles for tests, which no component contains, and those of a frozen copy, which nothing is
/// built from.
fn walk(folder: &Path, extensions: &[&str], add: &mut impl FnMut(PathBuf) -> Result<()>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if ["tests", "testing", "fixtures", "frozen"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, extensions, add)?;
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            add(path)?;
        }
    }
    Ok(())
}

fn read_table(path: &Path) -> Result<toml::Table> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}

fn name_of(manifest: &toml::Table) -> Option<String> {
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Cargo.lock as a graph: `name version` to what the package is and what it depends on.
struct Lock {
    packages: BTreeMap<(String, String), LockedPackage>,
}

struct LockedPackage {
    checksum: String,
    dependencies: Vec<String>,
}

impl Lock {
    fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_table(path)?).with_context(|| path.display().to_string())
    }

    fn parse(table: &toml::Table) -> Result<Self> {
        let text = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).map(ToOwned::to_owned);
        let mut packages = BTreeMap::new();
        for package in table.get("package").and_then(toml::Value::as_array).into_iter().flatten() {
            let name = text(package, "name").context("a package without a name")?;
            let version = text(package, "version").context("a package without a version")?;
            let dependencies = package
                .get("dependencies")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.as_str().map(ToOwned::to_owned))
                .collect();
            let checksum = text(package, "checksum").unwrap_or_default();
            packages.insert((name, version), LockedPackage { checksum, dependencies });
        }
        Ok(Lock { packages })
    }

    /// The version of `dependency` that `package` of this repository uses.
    fn resolve(&self, package: &str, dependency: &str) -> Result<(String, String)> {
        let entry = self
            .packages
            .iter()
            .find(|((name, _), _)| name == package)
            .and_then(|(_, locked)| {
                locked.dependencies.iter().find(|entry| entry.split(' ').next() == Some(dependency))
            })
            .with_context(|| format!("Cargo.lock knows no {dependency} of {package}"))?;
        self.key_of(entry)
    }

    /// A dependency entry is `name`, or `name version` where there are several.
    fn key_of(&self, entry: &str) -> Result<(String, String)> {
        let mut words = entry.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next();
        self.packages
            .keys()
            .find(|(n, v)| n == name && version.is_none_or(|version| version == v))
            .cloned()
            .with_context(|| format!("Cargo.lock knows no {entry}"))
    }

    /// Adds a package and all it reaches to `reached`.
    fn reach(&self, key: &(String, String), reached: &mut BTreeSet<String>) -> Result<()> {
        let mut open = vec![key.clone()];
        while let Some(key) = open.pop() {
            let locked = &self.packages[&key];
            if reached.insert(format!("{} {} {}", key.0, key.1, locked.checksum)) {
                for entry in &locked.dependencies {
                    open.push(self.key_of(entry)?);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "guest"
        version = "0.1.0"
        dependencies = ["a", "b 2.0.0"]
        [[package]]
        name = "host"
        version = "0.1.0"
        dependencies = ["b 1.0.0"]
        [[package]]
        name = "a"
        version = "1.0.0"
        checksum = "aa"
        dependencies = ["c"]
        [[package]]
        name = "b"
        version = "1.0.0"
        checksum = "b1"
        [[package]]
        name = "b"
        version = "2.0.0"
        checksum = "b2"
        [[package]]
        name = "c"
        version = "1.0.0"
        checksum = "cc"
        dependencies = ["a"]
    "#;

    fn reached(package: &str, dependency: &str) -> Vec<String> {
        let lock = Lock::parse(&LOCK.parse().unwrap()).unwrap();
        let mut reached = BTreeSet::new();
        lock.reach(&lock.resolve(package, dependency).unwrap(), &mut reached).unwrap();
        reached.into_iter().collect()
    }

    #[test]
    fn only_what_a_guest_reaches_counts() {
        assert_eq!(reached("guest", "a"), ["a 1.0.0 aa", "c 1.0.0 cc"]);
        assert_eq!(reached("guest", "b"), ["b 2.0.0 b2"]);
        assert_eq!(reached("host", "b"), ["b 1.0.0 b1"]);
    }

    #[test]
    fn a_dependency_missing_from_the_lock_is_an_error() {
        let lock = Lock::parse(&LOCK.parse().unwrap()).unwrap();
        assert!(lock.resolve("guest", "zz").is_err());
    }

    /// A workspace with a guest that depends on a crate beside it; removed at the end.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("sluice-xtask-{name}-{}", std::process::id()));
            let tree = Tree(root);
            tree.write("Cargo.toml", "[profile.guest]\nlto = true\n");
            tree.write("Cargo.lock", LOCK);
            tree.write("wit/world.wit", "world w {}\n");
            let manifest = "[package]\nname = 'guest'\n[dependencies]\na = '1'\nsdk = { path = '../sdk' }\n";
            tree.write("plugins/guest/Cargo.toml", manifest);
            tree.write("plugins/guest/src/lib.rs", "mod tests;\n");
            tree.write("plugins/guest/src/tests.rs", "");
            tree.write("plugins/sdk/Cargo.toml", "[package]\nname = 'sdk'\n");
            tree.write("plugins/sdk/src/lib.rs", "");
            tree.write("plugins/guest/manifest.json", MANIFEST);
            tree
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn digest(&self) -> String {
            let guests = super::super::guest::find(&self.0).unwrap();
            of_sources(&self.0, &guests[0]).unwrap()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MANIFEST: &str = r#"{"name": "guest", "version": "0.1.0", "kind": "gate", "contract": "0.1",
        "description": "A guest.", "settings_schema": {"additionalProperties": false}}"#;

    #[test]
    fn whatever_a_guest_is_built_from_changes_its_digest() {
        let tree = Tree::new("changes");
        let mut seen = vec![tree.digest()];
        for (name, text) in [
            ("wit/world.wit", "world w { import i; }\n".to_owned()),
            ("plugins/guest/src/lib.rs", "fn f() {}\n".to_owned()),
            ("plugins/guest/src/more.rs", String::new()),
            ("plugins/sdk/src/lib.rs", "fn g() {}\n".to_owned()),
            ("plugins/guest/manifest.json", MANIFEST.replace("A guest", "Another guest")),
            ("Cargo.toml", "[profile.guest]\nlto = false\n".to_owned()),
            ("Cargo.lock", LOCK.replace("checksum = \"cc\"", "checksum = \"dd\"")),
        ] {
            tree.write(name, &text);
            let digest = tree.digest();
            assert!(!seen.contains(&digest), "{name}");
            seen.push(digest);
        }
    }

    #[test]
    fn what_a_guest_is_not_built_from_does_not() {
        let tree = Tree::new("stays");
        let before = tree.digest();
        tree.write("plugins/guest/src/tests.rs", "#[test] fn t() {}\n");
        tree.write("plugins/sdk/src/testing/board.rs", "fn f() {}\n");
        tree.write("wit/frozen/world.wit", "world w {}\n");
        tree.write("plugins/guest/tests/flow.rs", "#[test] fn t() {}\n");
        tree.write("plugins/guest/src/lib.rs", "mod tests;\r\n");
        tree.write("Cargo.toml", "[profile.guest]\nlto = true\n[workspace]\nmembers = ['host']\n");
        tree.write("Cargo.lock", &LOCK.replace("checksum = \"b1\"", "checksum = \"b9\""));
        assert_eq!(tree.digest(), before);
    }

    #[test]
    fn bytes_have_their_known_digest() {
        assert!(of_bytes(b"abc").starts_with("ba7816bf8f01cfea"), "FIPS 180-4 example");
    }
}
