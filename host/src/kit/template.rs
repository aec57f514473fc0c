//! The files of a new plugin: all of them come from this program, so that nothing has to be fetched but the few crates that
//! the lock file names, and those once.
//!
//! The SDK travels as a copy in `sdk/`, since it is published nowhere: its sources are those of `plugins/sdk`, its manifest
//! is rewritten to stand alone, and its paths to the contract lead to the copy of `wit/` beside it.

mod embedded;
mod lock;

use std::fs;
use std::path::Path;

use super::KitError;
use crate::domain::plugin::PluginKind;
use embedded::Templates;

/// One file of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// Its place below the plugin's directory, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Checks a plugin's name: it has to be one of a manifest and of a cargo package.
///
/// # Errors
/// [`KitError::Name`].
pub fn check_name(name: &str) -> Result<(), KitError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let begins_well = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    // A crate with a name that something else has could not be told from that in the lock file.
    let is_taken = ["test", "core", "std", "alloc", "sluice-plugin", "serde", "serde-json"].contains(&name);
    if begins_well && name.len() <= 64 && !name.ends_with('-') && name.bytes().all(fits) && !is_taken {
        return Ok(());
    }
    Err(KitError::Name { name: name.to_owned() })
}

/// The files of a plugin called `name`.
pub fn files(name: &str, kind: PluginKind) -> Vec<TemplateFile> {
    let of_kind = Templates::of(kind);
    let filled = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{kind}}", kind.as_str())
            .replace("{{feature}}", of_kind.feature)
            .replace("{{what}}", of_kind.what)
            .replace("{{case}}", of_kind.case)
    };
    let entry = |path: &str, text: String| TemplateFile { path: path.to_owned(), text };
    let mut files = vec![
        entry("Cargo.toml", filled(embedded::CARGO_TOML)),
        entry("Cargo.lock", lock::of(name)),
        entry("README.md", filled(embedded::README)),
        entry("rustfmt.toml", embedded::RUSTFMT_TOML.to_owned()),
        entry(".gitignore", embedded::GITIGNORE.to_owned()),
        entry("manifest.json", filled(of_kind.manifest)),
        entry("src/lib.rs", filled(of_kind.lib)),
        entry("sdk/Cargo.toml", sdk_manifest()),
    ];
    files.extend(of_kind.golden.iter().map(|(name, text)| entry(&format!("tests/golden/{name}"), (*text).to_owned())));
    files.extend(embedded::WIT.iter().map(|(path, text)| entry(&format!("wit/{path}"), (*text).to_owned())));
    // In the repository the SDK lies one directory deeper than here.
    let source = |text: &str| text.replace("../../wit/", "../wit/");
    files.extend(embedded::SDK.iter().map(|(path, text)| entry(&format!("sdk/{path}"), source(text))));
    files
}

/// Writes `files` below `folder`, which must not be there yet.
///
/// # Errors
/// [`KitError::Exists`]; [`KitError::File`] when something cannot be written, and what was written until then stays.
pub fn write(folder: &Path, files: &[TemplateFile]) -> Result<(), KitError> {
    if folder.exists() {
        return Err(KitError::Exists { path: folder.to_owned() });
    }
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(KitError::writing(parent))?;
        }
        fs::write(&path, &file.text).map_err(KitError::writing(&path))?;
    }
    Ok(())
}

/// The SDK's manifest, standing alone: what it inherits is written out, and what its own tests need is left out.
fn sdk_manifest() -> String {
    let text = embedded::SDK_CARGO_TOML;
    let kept = text.split_once("[dev-dependencies]").map_or(text, |(before, _)| before);
    let inherited = [
        // First, since it ends as the next one does.
        ("rust-version.workspace = true\n", String::new()),
        ("version.workspace = true", format!("version = \"{}\"", env!("CARGO_PKG_VERSION"))),
        ("edition.workspace = true", "edition = \"2024\"".to_owned()),
        ("license.workspace = true", format!("license = \"{}\"", env!("CARGO_PKG_LICENSE"))),
        ("publish.workspace = true", "publish = false".to_owned()),
        ("[lints]\nworkspace = true", "[lints.rust]\nunsafe_code = \"deny\"".to_owned()),
    ];
    let text = inherited.iter().fold(kept.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Files below `folder` of the repository, by their path in it.
    fn below(folder: &str) -> BTreeSet<String> {
        fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(root, &path, found);
                } else {
                    found.insert(path.strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
        let mut found = BTreeSet::new();
        walk(&root, &root, &mut found);
        found
    }

    /// A file that is added to the contract or to the SDK has to travel.
    #[test]
    fn the_whole_contract_and_the_whole_sdk_travel() {
        let paths = |files: &[(&str, &str)]| files.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>();
        let contract: BTreeSet<String> =
            below("wit").into_iter().filter(|path| path.ends_with(".wit") && !path.starts_with("frozen")).collect();
        assert_eq!(paths(embedded::WIT), contract);
        let sdk: BTreeSet<String> = below("plugins/sdk")
            .into_iter()
            .filter(|path| path != "Cargo.toml" && path != "src/arena/tests.rs")
            .collect();
        assert_eq!(paths(embedded::SDK), sdk);
    }

    #[test]
    fn nothing_of_the_repository_and_no_placeholder_is_left() {
        for kind in PluginKind::ALL {
            for file in files("my-plugin", *kind) {
                for placeholder in ["{{name}}", "{{kind}}", "{{feature}}", "{{what}}", "{{case}}"] {
                    assert!(!file.text.contains(placeholder), "{}: {placeholder}", file.path);
                }
                assert!(!file.path.ends_with(".toml") || !file.text.contains("workspace = true"), "{}", file.text);
                assert!(!file.text.contains("../../wit"), "{}", file.path);
            }
        }
        let sdk: toml::Table = sdk_manifest().parse().unwrap();
        assert!(sdk["package"].get("rust-version").is_none() && sdk.get("dev-dependencies").is_none());
        assert_eq!(sdk["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_name_has_to_do_for_manifest_and_package() {
        for name in ["a", "strict-reviewer", "gate2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "2gate", "-a", "a-", "A", "a_b", "a/b", "..", "serde", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
