//! JavaScript: one module and what it imports, put beside an engine (`QuickJS`) by `componentize-qjs`.
//!
//! The tool is an npm package that each plugin names in its own `package.json`. What the engine brings along imports WASI,
//! which is empty here.

use std::path::Path;

use serde_json::Value;

use super::tool::{self, Tool};
use super::{Language, Profile};
use crate::kit::KitError;
use crate::kit::source::PluginSource;
use crate::kit::template::{Example, TemplateFile, embedded};

/// The module when `package.json` names none.
const MAIN: &str = "plugin.js";

const TOOL: Tool = Tool { program: "componentize-qjs", place: "node_modules/.bin", preparation: PREPARATION };

const PREPARATION: &str = "npm ci";

/// The language.
#[derive(Debug)]
pub(super) struct JavaScript;

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        "js"
    }

    fn project_files(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn preparation(&self) -> &'static [&'static str] {
        &[PREPARATION]
    }

    fn is_source(&self, place: &Path) -> bool {
        !place.starts_with("node_modules") && tool::is_source(place)
    }

    fn files(&self, name: &str, example: &Example) -> Vec<TemplateFile> {
        let mut files = vec![
            TemplateFile::new("package.json", example.filled(embedded::PACKAGE_JSON, name)),
            TemplateFile::new("package-lock.json", example.filled(embedded::PACKAGE_LOCK_JSON, name)),
            TemplateFile::new("README.md", example.filled(embedded::JS_README, name)),
            TemplateFile::new(".gitignore", embedded::JS_GITIGNORE),
            TemplateFile::new(MAIN, example.filled(example.js, name)),
        ];
        files.extend(example.contract());
        files
    }

    fn component(&self, plugin: &PluginSource, profile: Profile, _: bool) -> Result<Vec<u8>, KitError> {
        let main = main_of(&plugin.folder.join("package.json"))?;
        tool::component(&TOOL, plugin, profile, |command, out| {
            // Without its asynchronous half, which this contract has no use for, and small. Not minified: what the engine says
            // of an error has to name the author's own lines.
            command.args(["--sync", "--opt-size", "--wit", "wit", "--js", &main, "--output"]).arg(out);
        })
    }
}

/// The module that `package.json` names.
fn main_of(path: &Path) -> Result<String, KitError> {
    let text = std::fs::read_to_string(path).map_err(KitError::reading(path))?;
    let package: Value = serde_json::from_str(&text).map_err(|error| KitError::content(path, error.to_string()))?;
    Ok(package.get("main").and_then(Value::as_str).unwrap_or(MAIN).to_owned())
}
