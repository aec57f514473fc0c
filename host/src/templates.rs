//! Mission templates: files of one directory, read anew each time a mission is made of one.
//!
//! Owns where a template lies and how its text is read. What is filled in and what becomes of it is
//! the engine's (`engine/routines/template.rs`); nothing is written here and nothing is kept.

use std::io::Read as _;
use std::path::PathBuf;

use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::engine::ports::{TEMPLATE_MAX_BYTES, Template, Templates};

/// Templates below a directory: `NAME.json` or `NAME.toml` in the directory of a workspace, or else in
/// the directory itself, where every workspace finds it.
#[derive(Debug)]
pub struct TemplateDir {
    root: PathBuf,
}

impl TemplateDir {
    /// The directory need not be there.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Templates for TemplateDir {
    fn template(&self, workspace: &WorkspaceId, name: &str) -> Result<Option<Template>, String> {
        for directory in [self.root.join(workspace.as_str()), self.root.clone()] {
            for (ending, parse) in FORMATS {
                let file = format!("{name}.{ending}");
                let text = match read(&directory.join(&file)) {
                    Ok(text) => text,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(format!("`{file}` cannot be read: {error}")),
                };
                if text.len() > TEMPLATE_MAX_BYTES {
                    return Err(format!("`{file}` has more than {TEMPLATE_MAX_BYTES} bytes"));
                }
                let digest = Digest::of(&text);
                let text = String::from_utf8(text).map_err(|_| format!("`{file}` is not UTF-8 text"))?;
                let content = parse(&text).map_err(|error| format!("`{file}` {error}"))?;
                return Ok(Some(Template { name: name.to_owned(), digest, content }));
            }
        }
        Ok(None)
    }
}

type Parse = fn(&str) -> Result<Json, String>;

const FORMATS: [(&str, Parse); 2] = [("json", from_json), ("toml", from_toml)];

fn from_json(text: &str) -> Result<Json, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    Ok(Json::from_valid(value.to_string()))
}

fn from_toml(text: &str) -> Result<Json, String> {
    let value: serde_json::Value =
        toml::from_str(text).map_err(|error| format!("is not TOML: {}", error.to_string().trim_end()))?;
    Ok(Json::from_valid(value.to_string()))
}

/// A file's bytes, and at most one more than a template may have.
fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(TEMPLATE_MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}
