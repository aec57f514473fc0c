//! JSON Schemas: compiled once, then asked about values.
//!
//! A schema has to be complete in itself: compiling one reads nothing, neither files nor other
//! hosts. Who may set one, and what it is about, is its user's.

use std::error::Error;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

/// Name a schema is compiled under; it is never fetched.
const SCHEMA_URL: &str = "urn:sluice:schema";

/// Most problems that are told at once.
const PROBLEMS_MAX: usize = 20;

/// One thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// JSON pointer (RFC 6901) to the value at fault; empty for the value as a whole.
    pub pointer: String,
    /// What is wrong.
    pub problem: String,
    /// The name at fault when there is a member that the schema does not know.
    pub unknown: Option<UnknownName>,
}

/// A member that a schema does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// Its name.
    pub name: String,
    /// The names the schema has in its place.
    pub known: Vec<String>,
}

/// A schema, ready to judge.
pub struct JsonSchema {
    text: Value,
    schemas: Schemas,
    index: SchemaIndex,
}

impl std::fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JsonSchema").field(&self.text).finish()
    }
}

impl JsonSchema {
    /// Compiles a schema; without a `$schema` of its own it is one of draft 2020-12.
    ///
    /// # Errors
    /// Why it is none, or needs something from elsewhere.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.use_loader(Box::new(NothingElsewhere));
        compiler.add_resource(SCHEMA_URL, schema.clone()).map_err(|error| error.to_string())?;
        let mut schemas = Schemas::new();
        let index = compiler.compile(SCHEMA_URL, &mut schemas).map_err(|error| format!("{error:#}"))?;
        Ok(Self { text: schema.clone(), schemas, index })
    }

    /// Judges a value.
    ///
    /// # Errors
    /// What is wrong, at most 20 problems and at least one.
    pub fn judge(&self, value: &Value) -> Result<(), Vec<SchemaProblem>> {
        let Err(error) = self.schemas.validate(value, self.index) else { return Ok(()) };
        let mut problems = Vec::new();
        collect(&error, &self.text, &mut problems);
        problems.truncate(PROBLEMS_MAX);
        Err(problems)
    }
}

/// Refuses references to other documents: a schema never makes the host read anything.
struct NothingElsewhere;

impl UrlLoader for NothingElsewhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("the schema refers to {url}; it has to be complete in itself").into())
    }
}

/// Puts the leaves of an error tree into `problems`: they name values, the rest only keywords.
fn collect(error: &ValidationError<'_, '_>, schema: &Value, problems: &mut Vec<SchemaProblem>) {
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
            kind => problems.push(SchemaProblem { pointer, problem: kind.to_string(), unknown: None }),
        }
    }
    for cause in &error.causes {
        collect(cause, schema, problems);
    }
}

fn unknown(pointer: &str, name: &str, known: &[&str]) -> SchemaProblem {
    let escaped = name.replace('~', "~0").replace('/', "~1");
    let known = known.iter().map(|name| (*name).to_owned()).collect();
    SchemaProblem {
        pointer: format!("{pointer}/{escaped}"),
        problem: format!("unknown member `{name}`"),
        unknown: Some(UnknownName { name: name.to_owned(), known }),
    }
}

/// Names of the properties that the part of `schema` at `url` declares.
fn known_names<'s>(schema: &'s Value, url: &str) -> Vec<&'s str> {
    let pointer = url.split_once('#').map_or("", |(_, pointer)| pointer);
    let properties = schema.pointer(pointer).and_then(|part| part.get("properties")).and_then(Value::as_object);
    properties.map(|names| names.keys().map(String::as_str).collect()).unwrap_or_default()
}
