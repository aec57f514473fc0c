//! Why the kit cannot do what an author asks. Every case says what is wrong and what would be right.

use std::path::{Path, PathBuf};

use crate::plugins::ManifestError;

/// The kit cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// A name that no plugin can have.
    #[error(
        "`{name}` cannot be a plugin's name: 1 to 64 characters of a-z, 0-9 and -, the first a letter, the last no -"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// There is something already.
    #[error("`{}` is there already; give another name, or another place with --dir", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The directory of a plugin lacks a file.
    #[error("`{}` is no plugin's directory: it has no {file}; `sluice plugin new` makes one", folder.display())]
    NoPlugin {
        /// The directory.
        folder: PathBuf,
        /// What it lacks: a file, or any of several.
        file: String,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// `manifest.json` cannot be used.
    #[error("{}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// There is nothing to compile with.
    #[error(
        "no compiler for wasm32-unknown-unknown was found; install one of\n  rustup target add wasm32-unknown-unknown\n  apt-get install rustc-web rust-web-src   (Debian, Ubuntu)"
    )]
    NoCompiler,
    /// The tool that makes components of a language is not there.
    #[error("`{program}` is neither installed for the plugin nor in PATH; run\n  cd '{}' && {preparation}", folder.display())]
    NoTool {
        /// The tool.
        program: &'static str,
        /// The plugin's directory.
        folder: PathBuf,
        /// What installs it there.
        preparation: &'static str,
    },
    /// A tool cannot be run.
    #[error("`{program}` cannot be run; is it installed, and in PATH?")]
    Tool {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The plugin does not compile; the compiler has said why on standard error.
    #[error("the plugin does not compile ({status})")]
    Compile {
        /// How the compiler ended.
        status: std::process::ExitStatus,
    },
    /// What was compiled cannot become a component.
    #[error("what was compiled cannot be made a component: {reason}")]
    Component {
        /// Why.
        reason: String,
    },
}

impl KitError {
    pub(super) fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, what: "read", source }
    }

    pub(super) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, what: "written", source }
    }

    pub(super) fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), reason: reason.into() }
    }
}
