//! The lock file of a new plugin: of the versions this program was made with, those that the SDK reaches. So a plugin builds
//! with what was tried, and without a network where these crates are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::kit::template::embedded;

/// What every plugin names itself, beside the SDK.
const OWN: [&str; 2] = ["serde", "serde_json"];

/// The lock file of a plugin called `name`.
pub(super) fn of(name: &str) -> String {
    let table: toml::Table = embedded::CARGO_LOCK.parse().unwrap_or_default();
    let packages = packages(&table);
    let roots = sdk_dependencies(&packages);
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Package> = roots.iter().filter_map(|entry| find(&packages, entry)).collect();
    while let Some(package) = open.pop() {
        if reached.insert((package.name, package.version)) {
            open.extend(package.dependencies.iter().filter_map(|entry| find(&packages, entry)));
        }
    }
    let mut text = "version = 4\n".to_owned();
    let own: Vec<&str> = OWN.into_iter().chain(["sluice-plugin"]).collect();
    add(&mut text, name, "0.1.0", None, &own);
    add(&mut text, "sluice-plugin", env!("CARGO_PKG_VERSION"), None, &roots);
    for key in &reached {
        if let Some(package) = packages.get(key) {
            add(&mut text, package.name, package.version, package.from, &package.dependencies);
        }
    }
    text
}

struct Package<'l> {
    name: &'l str,
    version: &'l str,
    /// Where it comes from, and the checksum of it.
    from: Option<(&'l str, &'l str)>,
    dependencies: Vec<&'l str>,
}

type Packages<'l> = BTreeMap<(&'l str, &'l str), Package<'l>>;

fn packages(table: &toml::Table) -> Packages<'_> {
    let entries = table.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    entries.filter_map(package).map(|package| ((package.name, package.version), package)).collect()
}

fn package(entry: &toml::Value) -> Option<Package<'_>> {
    let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
    let list = entry.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
    Some(Package {
        name: text("name")?,
        version: text("version")?,
        from: text("source").zip(text("checksum")),
        dependencies: list.filter_map(toml::Value::as_str).collect(),
    })
}

/// What the SDK needs to be built, as the lock file names it. The lock file does not tell apart what only its tests need.
fn sdk_dependencies<'l>(packages: &Packages<'l>) -> Vec<&'l str> {
    let manifest: toml::Table = embedded::SDK_CARGO_TOML.parse().unwrap_or_default();
    let needed = manifest.get("dependencies").and_then(toml::Value::as_table);
    let is_needed = |entry: &&&str| needed.is_some_and(|needed| needed.contains_key(name_in(entry)));
    let sdk = packages.values().find(|package| package.name == "sluice-plugin");
    sdk.into_iter().flat_map(|sdk| sdk.dependencies.iter().filter(is_needed)).copied().collect()
}

/// The name in an entry `name`, `name version` or `name version (source)`.
fn name_in(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or(entry)
}

fn find<'p, 'l>(packages: &'p Packages<'l>, entry: &str) -> Option<&'p Package<'l>> {
    let version = entry.split(' ').nth(1);
    packages.values().find(|package| package.name == name_in(entry) && version.is_none_or(|it| it == package.version))
}

fn add(text: &mut String, name: &str, version: &str, from: Option<(&str, &str)>, dependencies: &[&str]) {
    // Writing to a string does not fail.
    let _ = write!(text, "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    if let Some((source, checksum)) = from {
        let _ = write!(text, "source = \"{source}\"\nchecksum = \"{checksum}\"\n");
    }
    if !dependencies.is_empty() {
        let list = dependencies.join("\",\n \"");
        let _ = write!(text, "dependencies = [\n \"{list}\",\n]\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_holds_what_the_sdk_reaches_and_no_more() {
        let text = of("my-gate");
        let table: toml::Table = text.parse().unwrap();
        let packages = packages(&table);
        let names: Vec<&str> = packages.keys().map(|(name, _)| *name).collect();
        for name in ["my-gate", "sluice-plugin", "serde", "serde_json", "serde_derive", "wit-bindgen", "wit-parser"] {
            assert!(names.contains(&name), "{name} is missing: {names:?}");
        }
        for name in ["tokio", "wasmtime", "proptest", "sluice"] {
            assert!(!names.contains(&name), "{name} is there");
        }
        for package in packages.values() {
            for entry in &package.dependencies {
                assert!(find(&packages, entry).is_some(), "{} needs {entry}", package.name);
            }
        }
    }
}
