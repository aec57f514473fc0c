//! What plugins are written in: for each language its template, and the way from its sources to a component.
//!
//! Owns how a plugin's language is told by its directory. Knows no kind of plugin: what an example decides is
//! [`super::template`]'s. A language is one file here that implements [`Language`], and one entry of [`ALL`]; read `rust` or
//! `javascript` next.

mod cargo;
mod javascript;
mod lock;
mod python;
mod rust;
mod tool;

use std::fmt;
use std::path::Path;

use super::KitError;
use super::source::PluginSource;
use super::template::{Example, TemplateFile};

/// Every language, in the order in which a directory is asked whether it is of one.
pub const ALL: [&dyn Language; 3] = [&rust::Rust, &javascript::JavaScript, &python::Python];

/// How a plugin is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Small and fast, for others.
    Release,
    /// Ready soon, for its author.
    Watch,
}

impl Profile {
    /// What its outputs are named by.
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Watch => "watch",
        }
    }
}

/// One language.
pub trait Language: fmt::Debug + Sync {
    /// What `--lang` calls it.
    fn name(&self) -> &'static str;

    /// The files that a plugin's directory has when it is written in this: one of them is enough.
    fn project_files(&self) -> &'static [&'static str];

    /// The commands, run in a new plugin's directory, after which it can be built.
    fn preparation(&self) -> &'static [&'static str];

    /// Whether a component may be made of what lies at `place` in a plugin's directory, be it a file or a directory.
    fn is_source(&self, place: &Path) -> bool;

    /// The files of a new plugin called `name`, but for its manifest and its cases, which are the same in every language.
    fn files(&self, name: &str, example: &Example) -> Vec<TemplateFile>;

    /// Makes the component, which has no manifest yet. What the tools have to say goes to standard error. With `offline`
    /// nothing is fetched.
    ///
    /// # Errors
    /// [`KitError::Compile`] when the sources are at fault; [`KitError::NoCompiler`] and [`KitError::NoTool`] when there is
    /// nothing to build with, and [`KitError::Tool`] when that cannot be run.
    fn component(&self, plugin: &PluginSource, profile: Profile, offline: bool) -> Result<Vec<u8>, KitError>;
}

/// The language that `--lang` names.
pub fn named(name: &str) -> Option<&'static dyn Language> {
    ALL.into_iter().find(|language| language.name() == name)
}

/// The language of the plugin in `folder`.
///
/// # Errors
/// [`KitError::NoPlugin`] when it has a project file of none.
pub fn of(folder: &Path) -> Result<&'static dyn Language, KitError> {
    let has_any = |language: &&dyn Language| language.project_files().iter().any(|file| folder.join(file).is_file());
    ALL.into_iter().find(has_any).ok_or_else(|| {
        let files: Vec<&str> = ALL.iter().flat_map(|language| language.project_files()).copied().collect();
        KitError::NoPlugin { folder: folder.to_owned(), file: files.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_name_and_project_files_of_its_own() {
        for language in ALL {
            assert_eq!(named(language.name()).map(Language::name), Some(language.name()));
            for file in language.project_files() {
                let others = ALL.iter().filter(|other| other.name() != language.name());
                assert!(others.clone().all(|other| !other.project_files().contains(file)), "{file} tells nothing");
            }
        }
        assert!(named("cobol").is_none());
    }

    /// What is built, or comes from elsewhere, must not make `watch` build again; what an author writes must.
    #[test]
    fn sources_are_told_from_what_is_built() {
        let is_source = |name: &str, place: &str| named(name).is_some_and(|it| it.is_source(Path::new(place)));
        for (name, sources, others) in [
            (
                "rust",
                ["src/lib.rs", "wit/gate-0.1/types.wit", "sdk/src/gate.rs"],
                ["target/a.rs", "README.md", "tests"],
            ),
            ("js", ["plugin.js", "lib/words.js", "manifest.json"], ["node_modules/a/b.js", "target", "made.wasm"]),
            (
                "python",
                ["plugin.py", "rules/words.py", "wit/target.wit"],
                ["rules/__pycache__", "tests/golden", "README.md"],
            ),
        ] {
            assert!(sources.iter().all(|place| is_source(name, place)), "{name}");
            assert!(!others.iter().any(|place| is_source(name, place)), "{name}");
        }
    }
}
