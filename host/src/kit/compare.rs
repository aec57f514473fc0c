//! One component against another: what an operator wants to know before one takes the other's place.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::plugins::Inspection;
use crate::wire;

/// One thing that is different.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `manifest`, `import`, `export` or `setting`.
    pub what: &'static str,
    /// Which member, interface or setting.
    pub name: String,
    /// What it was; none when it is new.
    pub old: Option<Value>,
    /// What it is; none when it is gone.
    pub new: Option<Value>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, name, old, new } = self;
        match (old, new) {
            (None, _) => write!(f, "+ {what} {name}"),
            (_, None) => write!(f, "- {what} {name}"),
            (Some(old), Some(new)) => write!(f, "~ {what} {name}: {old} -> {new}"),
        }
    }
}

/// What differs between two components.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Everything, in the order manifest, imports, exports, settings.
    pub changes: Vec<Change>,
    /// Settings that may be refused now although they did for the old one, each with the reason.
    pub breaking_settings: Vec<String>,
}

/// Compares two components.
pub fn compare(old: &Inspection, new: &Inspection) -> Comparison {
    let (was, is) = (&old.manifest, &new.manifest);
    let mut changes = Vec::new();
    let members = [
        ("name", &was.name, &is.name),
        ("version", &was.version, &is.version),
        ("contract", &was.contract, &is.contract),
        ("description", &was.description, &is.description),
    ];
    for (name, old, new) in members.into_iter().filter(|(_, old, new)| old != new) {
        changes.push(changed("manifest", name, old.as_str(), new.as_str()));
    }
    if was.kind != is.kind {
        changes.push(changed("manifest", "kind", was.kind.as_str(), is.kind.as_str()));
    }
    changes.extend(interfaces("import", &old.imports, &new.imports));
    changes.extend(interfaces("export", &old.exports, &new.exports));
    let (was, is) = (wire::value_of(&was.settings_schema), wire::value_of(&is.settings_schema));
    let (settings, breaking_settings) = schemas(&was, &is);
    changes.extend(settings);
    Comparison { changes, breaking_settings }
}

fn changed(what: &'static str, name: &str, old: &str, new: &str) -> Change {
    Change { what, name: name.to_owned(), old: Some(Value::from(old)), new: Some(Value::from(new)) }
}

fn interfaces(what: &'static str, old: &[String], new: &[String]) -> Vec<Change> {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) = (old.iter().collect(), new.iter().collect());
    let is_there = Some(Value::Bool(true));
    let gone = old.difference(&new).map(|name| (*name, is_there.clone(), None));
    let added = new.difference(&old).map(|name| (*name, None, is_there.clone()));
    gone.chain(added).map(|(name, old, new)| Change { what, name: name.clone(), old, new }).collect()
}

/// What differs between two schemas of settings, and which settings may be refused now.
fn schemas(old: &Value, new: &Value) -> (Vec<Change>, Vec<String>) {
    let none = Map::new();
    let properties = |schema: &Value| schema.get("properties").and_then(Value::as_object).unwrap_or(&none).clone();
    let required = |schema: &Value| -> BTreeSet<String> {
        let list = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect()
    };
    let (was, is) = (properties(old), properties(new));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let (mut changes, mut breaking) = (Vec::new(), Vec::new());
    for name in names {
        let (old, new) = (was.get(name), is.get(name));
        if old == new {
            continue;
        }
        changes.push(Change { what: "setting", name: name.clone(), old: old.cloned(), new: new.cloned() });
        match (old.map(rules_of), new.map(rules_of)) {
            (Some(_), None) => breaking.push(format!("{name}: is gone")),
            (Some(old), Some(new)) if old != new => breaking.push(format!("{name}: is judged by other rules")),
            _ => {}
        }
    }
    for name in required(new).difference(&required(old)) {
        breaking.push(format!("{name}: is required now"));
    }
    if without_settings(old) != without_settings(new) {
        let change = Change {
            what: "setting",
            name: "(all)".to_owned(),
            old: Some(without_settings(old)),
            new: Some(without_settings(new)),
        };
        changes.push(change);
        breaking.push("(all): are judged by other rules".to_owned());
    }
    (changes, breaking)
}

/// A setting's schema without what judges nothing.
fn rules_of(property: &Value) -> Value {
    let mut rules = property.clone();
    if let Some(members) = rules.as_object_mut() {
        for name in ["description", "default", "title", "examples"] {
            members.remove(name);
        }
    }
    rules
}

/// A schema without its settings, and without what judges nothing.
fn without_settings(schema: &Value) -> Value {
    let mut rest = schema.clone();
    if let Some(members) = rest.as_object_mut() {
        for name in ["properties", "required", "description", "title", "$schema", "$id", "examples", "default"] {
            members.remove(name);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_that_may_be_refused_are_told_from_those_that_may_not() {
        let object = |properties: Value, required: Value| json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required});
        let old =
            object(json!({"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "string"}}), json!([]));
        let new = object(
            json!({"a": {"type": "integer", "maximum": 3}, "c": {"type": "string", "description": "C."}, "d": {}}),
            json!(["d"]),
        );
        let (changes, breaking) = schemas(&old, &new);
        let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.contains(&"- setting b".to_owned()) && told.contains(&"+ setting d".to_owned()), "{told:?}");
        assert_eq!(breaking, ["a: is judged by other rules", "b: is gone", "d: is required now"]);
        assert_eq!(schemas(&old, &old), (Vec::new(), Vec::new()));
    }
}
