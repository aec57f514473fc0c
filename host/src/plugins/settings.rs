//! Judges settings by the JSON Schema in a plugin's manifest, when they are bound and not when
//! they are used. What a schema cannot judge is left to the plugin's own check.

use serde_json::Value;

use crate::domain::json::Json;
use crate::wire::{JsonSchema, SchemaProblem, UnknownName};

/// Largest settings (`wit/plugin-0.1/settings.wit`), in bytes.
pub const SETTINGS_BYTES_MAX: usize = 256 * 1024;

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

/// Checks that `schema` is a JSON Schema that needs nothing from elsewhere.
///
/// # Errors
/// Why it is none.
pub(super) fn check_schema(schema: &Json) -> Result<(), String> {
    compiled(schema).map(|_| ())
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
    let schema = compiled(schema).map_err(whole)?;
    schema.judge(&value).map_err(|problems| problems.into_iter().map(told).collect())
}

fn compiled(schema: &Json) -> Result<JsonSchema, String> {
    let value: Value = serde_json::from_str(schema.as_str()).map_err(|error| error.to_string())?;
    JsonSchema::compile(&value)
}

fn told(SchemaProblem { pointer, problem, unknown }: SchemaProblem) -> SettingsProblem {
    let problem = unknown.map_or(problem, |unknown| remedy(&unknown));
    SettingsProblem { pointer, problem }
}

fn remedy(UnknownName { name, known }: &UnknownName) -> String {
    let nearest = known.iter().map(|k| (strsim::jaro_winkler(k, name), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    let remedy = match nearest {
        Some((likeness, nearest)) if likeness > 0.75 => format!("; did you mean `{nearest}`?"),
        Some(_) => format!("; known are {}", known.join(", ")),
        None => "; none are known here".to_owned(),
    };
    format!("unknown setting `{name}`{remedy}")
}
