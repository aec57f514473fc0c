//! Judges settings by the JSON Schema in a plugin's manifest, when they are bound and not when
//! they are used. What a schema cannot judge is left to the plugin's own check.

use std::error::Error;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::domain::json::Json;

/// Largest settings (`wit/plugin-0.1/settings.wit`), in bytes.
pub const SETTINGS_BYTES_MAX: usize = 256 * 1024;

/// Name the schema is compiled under; it is never fetched.
const SCHEMA_URL: &str = "urn:sluice:settings";

/// Most problems that are told at once.
const PROBLEMS_MAX: usize = 20;

/// One thing that is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// JSON pointer (RFC 6901) to the value at fault; empty for the settings as a whole.
    pub pointer: String,
    /// What is wrong, and the nearest known name when a name is unknown.
    pub problem: String,
}

impl std::fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "the settings" } else { &self.pointer };
        write!(f, "{place}: {}", self.problem)
    }
}

/// A schema, ready to judge.
struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

/// Checks that `schema` is a JSON Schema that needs nothing from elsewhere.
///
/// # Errors
/// Why it is none.
pub(super) fn check_schema(schema: &Json) -> Result<(), String> {
    judge(schema).map(|_| ())
}

/// Judges `settings` by `schema`.
///
/// # Errors
/// Everything that is wrong, at most 20 problems.
pub(super) fn check(schema: &Json, settings: &Json) -> Result<(), Vec<SettingsProblem>> {
    let whole = |problem: String| vec![SettingsProblem { pointer: String::new(), problem }];
    if settings.as_str().len() > SETTINGS_BYTES_MAX {
        return Err(whole(format!("{} bytes are over the {SETTINGS_BYTES_MAX} allowed", settings.as_str().len())));
    }
    let value: Value =
        serde_json::from_str(settings.as_str()).map_err(|error| whole(format!("not valid JSON: {error}")))?;
    if !value.is_object() {
        return Err(whole("expected a JSON object".to_owned()));
    }
    let judge = judge(schema).map_err(whole)?;
    let Err(error) = judge.schemas.validate(&value, judge.index) else { return Ok(()) };
    let mut problems = Vec::new();
    let schema: Value = serde_json::from_str(schema.as_str()).unwrap_or_default();
    collect(&error, &schema, &mut problems);
    Err(problems)
}

fn judge(schema: &Json) -> Result<Judge, String> {
    let value: Value = serde_json::from_str(schema.as_str()).map_err(|error| error.to_string())?;
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.use_loader(Box::new(NothingElsewhere));
    compiler.add_resource(SCHEMA_URL, value).map_err(|error| error.to_string())?;
    let mut schemas = Schemas::new();
    let index = compiler.compile(SCHEMA_URL, &mut schemas).map_err(|error| format!("{error:#}"))?;
    Ok(Judge { schemas, index })
}

/// Refuses references to other documents: a schema never makes the host read anything.
struct NothingElsewhere;

impl UrlLoader for NothingElsewhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("the schema refers to {url}; it has to be complete in itself").into())
    }
}

/// Puts the leaves of an error tree into `problems`: they name values, the rest only keywords.
fn collect(error: &ValidationError<'_, '_>, schema: &Value, problems: &mut Vec<SettingsProblem>) {
    if problems.len() >= PROBLEMS_MAX {
        return;
    }
    if error.causes.is_empty() {
        let pointer = error.instance_location.to_string();
        match &error.kind {
            ErrorKind::AdditionalProperties { got } => {
                let known = known_names(schema, error.schema_url);
                problems.extend(got.iter().map(|name| unknown(&pointer, name, &known)));
            }
            kind => problems.push(SettingsProblem { pointer, problem: kind.to_string() }),
        }
    }
    for cause in &error.causes {
        collect(cause, schema, problems);
    }
}

fn unknown(pointer: &str, name: &str, known: &[&str]) -> SettingsProblem {
    let nearest = known.iter().map(|k| (strsim::jaro_winkler(k, name), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    let remedy = match nearest {
        Some((likeness, nearest)) if likeness > 0.75 => format!("; did you mean `{nearest}`?"),
        Some(_) => format!("; known are {}", known.join(", ")),
        None => "; none are known here".to_owned(),
    };
    let escaped = name.replace('~', "~0").replace('/', "~1");
    SettingsProblem { pointer: format!("{pointer}/{escaped}"), problem: format!("unknown setting `{name}`{remedy}") }
}

/// Names of the properties that the part of `schema` at `url` declares.
fn known_names<'s>(schema: &'s Value, url: &str) -> Vec<&'s str> {
    let pointer = url.split_once('#').map_or("", |(_, pointer)| pointer);
    let properties = schema.pointer(pointer).and_then(|part| part.get("properties")).and_then(Value::as_object);
    properties.map(|names| names.keys().map(String::as_str).collect()).unwrap_or_default()
}
