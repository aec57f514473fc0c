//! The files of a new plugin: all of them come from this program, so that nothing has to be fetched but the tools and the few
//! crates that a lock file names, and those once.
//!
//! Owns what an example of each kind is, in every language: they share manifest and cases, so they decide the same. What else
//! a language needs is in [`super::language`].

pub(super) mod embedded;

use std::fs;
use std::path::Path;

use super::KitError;
use super::language::Language;
use crate::domain::plugin::PluginKind;
pub use embedded::Example;

/// One file of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// Its place below the plugin's directory, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl TemplateFile {
    /// A file at `path` that says `text`.
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
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
pub fn files(name: &str, kind: PluginKind, language: &dyn Language) -> Vec<TemplateFile> {
    let example = Example::of(kind);
    let mut files = language.files(name, example);
    files.push(TemplateFile::new("manifest.json", example.filled(example.manifest, name)));
    files.extend(example.golden.iter().map(|(name, text)| TemplateFile::new(format!("tests/golden/{name}"), *text)));
    files
}

impl Example {
    /// `text` with what differs between plugins in the places for it.
    pub(super) fn filled(&self, text: &str, name: &str) -> String {
        text.replace("{{name}}", name)
            .replace("{{kind}}", self.kind.as_str())
            .replace("{{feature}}", self.feature)
            .replace("{{what}}", self.what)
            .replace("{{case}}", self.case)
            .replace("{{world}}", self.world)
    }

    /// The contract as tools for components want it: a package of the plugin's own that names the world, and in `deps/` the
    /// packages that it is made of.
    pub(super) fn contract(&self) -> Vec<TemplateFile> {
        let mut files = vec![TemplateFile::new("wit/target.wit", self.filled(embedded::TARGET_WIT, ""))];
        let needed = |path: &str| path.split('/').next().is_some_and(|package| self.packages.contains(&package));
        let packages = embedded::WIT.iter().filter(|(path, _)| needed(path));
        files.extend(packages.map(|(path, text)| TemplateFile::new(format!("wit/deps/{path}"), *text)));
        files
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::language;
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

    fn ends(path: &str, with: &str) -> bool {
        Path::new(path).extension().is_some_and(|end| end == with)
    }

    /// A file that is added to the contract or to the SDK has to travel.
    #[test]
    fn the_whole_contract_and_the_whole_sdk_travel() {
        let paths = |files: &[(&str, &str)]| files.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>();
        let contract: BTreeSet<String> =
            below("wit").into_iter().filter(|path| ends(path, "wit") && !path.starts_with("frozen")).collect();
        assert_eq!(paths(embedded::WIT), contract);
        let sdk: BTreeSet<String> = below("plugins/sdk")
            .into_iter()
            .filter(|path| path != "Cargo.toml" && path != "src/arena/tests.rs")
            .collect();
        assert_eq!(paths(embedded::SDK), sdk);
    }

    #[test]
    fn nothing_of_the_repository_and_no_placeholder_is_left() {
        for (kind, language) in PluginKind::ALL.iter().flat_map(|kind| language::ALL.map(|language| (*kind, language)))
        {
            for file in files("my-plugin", kind, language) {
                for placeholder in ["{{name}}", "{{kind}}", "{{feature}}", "{{what}}", "{{case}}", "{{world}}"] {
                    assert!(!file.text.contains(placeholder), "{}: {placeholder}", file.path);
                }
                assert!(!ends(&file.path, "toml") || !file.text.contains("workspace = true"), "{}", file.text);
                assert!(!file.text.contains("../../wit"), "{}", file.path);
            }
        }
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
