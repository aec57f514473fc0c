//! What the author's commands take: components, settings, inputs.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::read;
use crate::cli::exit::{Failure, with_causes};
use crate::domain::json::Json;
use crate::kit::call::Subject;
use crate::kit::input::Input;
use crate::plugins::{PluginHost, PluginInfo};

/// Settings and input of the commands that call a component.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CallArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(super) file: PathBuf,
    /// What it is called with, in JSON; a case of tests/golden will do
    #[arg(long, value_name = "FILE")]
    pub(super) input: PathBuf,
    /// The settings it is bound with: a JSON object, or a file that holds one
    #[arg(long, value_name = "JSON|FILE")]
    pub(super) settings: Option<String>,
}

/// What a component is to be called with.
pub(super) struct Given {
    pub(super) input: Input,
    pub(super) settings: Json,
}

impl CallArgs {
    /// Loads the component into `host`.
    pub(super) fn load(&self, host: &PluginHost) -> Result<PluginInfo, Failure> {
        load(host, &self.file, read(&self.file)?)
    }

    /// Reads what `component` is to be called with.
    pub(super) fn given(&self, component: &PluginInfo) -> Result<Given, Failure> {
        let wrong = |why: String| Failure::bad_input(format!("{}: {why}", self.input.display()));
        let document: Value =
            serde_json::from_slice(&read(&self.input)?).map_err(|error| wrong(format!("is no JSON: {error}")))?;
        let (input, own_settings) = of_case(document);
        let folder = self.input.parent().unwrap_or(Path::new(""));
        let input = Input::read(component.manifest.kind, input, folder).map_err(|error| wrong(error.to_string()))?;
        let settings = settings(self.settings.as_deref())?.or(own_settings).unwrap_or_default();
        Ok(Given { input, settings: json(settings) })
    }
}

/// The input of a case with its settings, or a document that is an input itself.
fn of_case(document: Value) -> (Value, Option<Map<String, Value>>) {
    match document {
        Value::Object(mut case) if case.contains_key("input") && case.contains_key("expected") => {
            let settings = match case.remove("settings") {
                Some(Value::Object(settings)) => Some(settings),
                _ => None,
            };
            (case.remove("input").unwrap_or_default(), settings)
        }
        other => (other, None),
    }
}

/// Settings as they were given: a JSON object, or a file that holds one.
pub(super) fn settings(given: Option<&str>) -> Result<Option<Map<String, Value>>, Failure> {
    let Some(given) = given else { return Ok(None) };
    let (text, from) = if given.trim_start().starts_with('{') {
        (given.to_owned(), "--settings".to_owned())
    } else {
        let text = read(Path::new(given))?;
        (String::from_utf8_lossy(&text).into_owned(), given.to_owned())
    };
    let wrong = |error| Failure::bad_input(format!("{from}: the settings are no JSON object: {error}"));
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

pub(super) fn json(settings: Map<String, Value>) -> Json {
    Json::from_valid(Value::Object(settings).to_string())
}

/// A plugin host of this process.
pub(super) fn host() -> Result<PluginHost, Failure> {
    crate::app::plugin_host().map_err(|error| Failure::failed(with_causes(&error)))
}

/// Installs and compiles a component.
pub(super) fn load(host: &PluginHost, file: &Path, bytes: Vec<u8>) -> Result<PluginInfo, Failure> {
    let wrong = |message: String| Failure::bad_input(format!("{}: {message}", file.display()));
    let component = host.install(bytes).map_err(|error| wrong(with_causes(&error)))?;
    host.prepare(&component.digest).map_err(|error| wrong(with_causes(&error)))?;
    Ok(component)
}

/// Binds settings to a component.
pub(super) fn bind<'h>(host: &'h PluginHost, component: &PluginInfo, settings: &Json) -> Result<Subject<'h>, Failure> {
    let bound = Subject::bind(host, &component.digest, component.manifest.kind, settings);
    bound.map_err(|error| Failure::bad_input(with_causes(&error)))
}
