//! Cases: what a component is called with, and what it should answer.
//!
//! A file `tests/golden/NAME.json` is one case: `{"input": {...}, "settings"?: {...}, "expected": {...}}`. An answer is as
//! expected when it has all that `expected` has; lists have to be of the same length. Members that are not named may be
//! anything, and `null` also stands for a member that is not there.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::KitError;

/// Largest file of a case, in bytes.
const CASE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most differences that are told of one case.
const DIFFERENCES_MAX: usize = 20;

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    /// The settings that are bound; none for those that every case has.
    pub settings: Option<Map<String, Value>>,
    /// What the component is called with.
    pub input: Value,
    /// What its answer has to hold.
    pub expected: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    input: Value,
    settings: Option<Map<String, Value>>,
    expected: Value,
}

/// The cases in `folder`, by name. None when there is no such directory.
///
/// # Errors
/// The file at fault, and why.
pub fn read_all(folder: &Path) -> Result<Vec<Case>, KitError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KitError::reading(folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(KitError::reading(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Case, KitError> {
    let size = fs::metadata(path).map_err(KitError::reading(path))?.len();
    if size > CASE_BYTES_MAX {
        return Err(KitError::content(path, format!("has {size} bytes; at most {CASE_BYTES_MAX} are allowed")));
    }
    let text = fs::read_to_string(path).map_err(KitError::reading(path))?;
    let written: Written = serde_json::from_str(&text).map_err(|error| KitError::content(path, error.to_string()))?;
    if written.expected.as_object().is_none_or(Map::is_empty) {
        return Err(KitError::content(path, "`expected` is no object with members, so that nothing could be wrong"));
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Case { name, settings: written.settings, input: written.input, expected: written.expected })
}

/// One place where an answer is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Unexpected {
    /// JSON pointer (RFC 6901) into the answer.
    pub pointer: String,
    /// What should stand there.
    pub expected: Value,
    /// What stands there; none when nothing does.
    pub found: Option<Value>,
}

impl std::fmt::Display for Unexpected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = self.found.as_ref().map_or_else(|| "missing".to_owned(), ToString::to_string);
        write!(f, "{}: is {found}, expected {}", self.pointer, self.expected)
    }
}

/// Where `found` is not as `expected` says; at most 20 places.
pub fn unexpected(expected: &Value, found: &Value) -> Vec<Unexpected> {
    let mut places = Vec::new();
    look(expected, Some(found), &mut String::new(), &mut places);
    places.truncate(DIFFERENCES_MAX);
    places
}

fn look(expected: &Value, found: Option<&Value>, pointer: &mut String, places: &mut Vec<Unexpected>) {
    if places.len() >= DIFFERENCES_MAX {
        return;
    }
    let length = pointer.len();
    match (expected, found) {
        (Value::Object(members), Some(Value::Object(there))) => {
            for (name, value) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                look(value, there.get(name), pointer, places);
                pointer.truncate(length);
            }
        }
        (Value::Array(values), Some(Value::Array(there))) if values.len() == there.len() => {
            for (index, (value, it)) in values.iter().zip(there).enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                look(value, Some(it), pointer, places);
                pointer.truncate(length);
            }
        }
        _ if is_same(expected, found) => {}
        _ => places.push(Unexpected { pointer: pointer.clone(), expected: expected.clone(), found: found.cloned() }),
    }
}

/// Numbers are the same however they are written: 1 is 1.0.
fn is_same(expected: &Value, found: Option<&Value>) -> bool {
    match (expected, found) {
        (Value::Null, None) => true,
        (Value::Number(a), Some(Value::Number(b))) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (expected, found) => Some(expected) == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(expected: &Value, found: &Value) -> Vec<String> {
        unexpected(expected, found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_named_may_be_anything() {
        let found = json!({"outcome": "fail", "findings": [{"rule": "a", "line": 2}], "data": {"found": 1}});
        assert_eq!(places(&json!({"outcome": "fail"}), &found), [""; 0]);
        assert_eq!(places(&json!({"findings": [{"line": 2.0}], "nothing": null}), &found), [""; 0]);
    }

    #[test]
    fn each_difference_is_told_with_its_place() {
        let found = json!({"outcome": "fail", "findings": [{"rule": "a", "line": 2}], "a/b": 1});
        assert_eq!(places(&json!({"outcome": "pass"}), &found), [r#"/outcome: is "fail", expected "pass""#]);
        assert_eq!(places(&json!({"findings": [{"line": 3}]}), &found), ["/findings/0/line: is 2, expected 3"]);
        assert_eq!(places(&json!({"findings": []}), &found).len(), 1, "lists are of the same length");
        assert_eq!(
            places(&json!({"a/b": 2, "c": 1}), &found),
            ["/a~1b: is 1, expected 2", "/c: is missing, expected 1"]
        );
    }
}
