//! Python: one module and what it imports, put beside an interpreter (`CPython`) by `componentize-py`.
//!
//! The tool is a package that each plugin names in its own `requirements.txt`. What the interpreter brings along imports
//! WASI, which is empty here.

use std::path::Path;

use super::tool::{self, Tool};
use super::{Language, Profile};
use crate::kit::KitError;
use crate::kit::source::PluginSource;
use crate::kit::template::{Example, TemplateFile, embedded};

/// The module, which the tool wants without its ending.
const MODULE: &str = "plugin";

const TOOL: Tool = Tool { program: "componentize-py", place: ".venv/bin", preparation: PREPARATION };

const PREPARATION: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";

/// The language.
#[derive(Debug)]
pub(super) struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn project_files(&self) -> &'static [&'static str] {
        &["requirements.txt", "pyproject.toml"]
    }

    fn preparation(&self) -> &'static [&'static str] {
        &[PREPARATION]
    }

    fn is_source(&self, place: &Path) -> bool {
        !place.ends_with("__pycache__") && tool::is_source(place)
    }

    fn files(&self, name: &str, example: &Example) -> Vec<TemplateFile> {
        let mut files = vec![
            TemplateFile::new("requirements.txt", embedded::REQUIREMENTS_TXT),
            TemplateFile::new("README.md", example.filled(embedded::PYTHON_README, name)),
            TemplateFile::new(".gitignore", embedded::PYTHON_GITIGNORE),
            TemplateFile::new(format!("{MODULE}.py"), example.filled(example.python, name)),
        ];
        files.extend(example.contract());
        files
    }

    fn component(&self, plugin: &PluginSource, profile: Profile, _: bool) -> Result<Vec<u8>, KitError> {
        tool::component(&TOOL, plugin, profile, |command, out| {
            command.args(["--quiet", "--wit-path", "wit", "componentize", MODULE, "--output"]).arg(out);
        })
    }
}
