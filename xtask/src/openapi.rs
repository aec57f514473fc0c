//! Compares `specs/openapi.json` with the copy of what was released, and refuses what would break
//! clients that are out there.
//!
//! It owns the rules of growth of the HTTP contract: what was asked before is still understood,
//! and what was answered before is still in the answer. Additions are fine. It never touches the
//! frozen copy: a release replaces it by hand. How two schemas compare is told in
//! [`schemas`](crate::schemas).

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::schemas::{Comparison, Direction};

/// Methods an operation may have, as OpenAPI spells them.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Compares the document in `root` with its frozen copy.
///
/// # Errors
/// Every breaking edit, one a line.
pub fn check(root: &Path) -> Result<()> {
    let frozen = load(&root.join("specs/frozen/openapi.json"))?;
    let problems = compare(&frozen, &load(&root.join("specs/openapi.json"))?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "`specs/openapi.json` no longer serves clients of the released API:\n  {}\n\
         Keep what was promised and add beside it (specs/SDK_CONTRACTS.md).",
        problems.join("\n  ")
    )
}

fn load(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("failed to read {} as JSON", path.display()))
}

/// What is breaking in `present`, as a client of `frozen` would meet it.
#[must_use]
pub fn compare(frozen: &Value, present: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, item) in members(&frozen["paths"]) {
        for method in METHODS {
            let Some(old) = item.get(method) else { continue };
            let name = format!("{} {path}", method.to_uppercase());
            match present["paths"].get(path).and_then(|item| item.get(method)) {
                None => problems.push(format!("`{name}` is gone")),
                Some(new) => {
                    let mut comparison = Comparison::new(frozen, present);
                    compare_operation(&name, old, new, &mut comparison);
                    problems.append(&mut comparison.problems);
                }
            }
        }
    }
    problems
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn compare_operation(name: &str, old: &Value, new: &Value, comparison: &mut Comparison<'_>) {
    compare_credentials(name, &old["security"], &new["security"], comparison);
    compare_parameters(name, &old["parameters"], &new["parameters"], comparison);
    compare_body(name, &old["requestBody"], &new["requestBody"], comparison);
    for (status, answer) in members(&old["responses"]) {
        let place = format!("{name} -> {status}");
        match new["responses"].get(status) {
            None => comparison.problems.push(format!("`{place}` is gone")),
            Some(now) => {
                let (answer, now) = (comparison.frozen(answer), comparison.present(now));
                compare_content(&place, &answer["content"], &now["content"], Direction::Answer, comparison);
            }
        }
    }
}

/// Each entry is one way to be let in; none at all lets everybody in.
fn compare_credentials(name: &str, old: &Value, new: &Value, comparison: &mut Comparison<'_>) {
    let ways = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (old, new) = (ways(old), ways(new));
    if new.is_empty() {
        return;
    }
    if old.is_empty() {
        comparison.problems.push(format!("`{name}` now wants a credential"));
    }
    for way in old.iter().filter(|way| !new.contains(way)) {
        comparison.problems.push(format!("`{name}` no longer takes the credential {way}"));
    }
}

fn compare_parameters(name: &str, old: &Value, new: &Value, comparison: &mut Comparison<'_>) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (old, new) = (list(old), list(new));
    let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
    let is_required = |parameter: &Value| parameter["required"].as_bool().unwrap_or_default();
    let title = |parameter: &Value| {
        let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
        format!("{name}: {} `{}`", text("in"), text("name"))
    };
    for parameter in &old {
        match new.iter().find(|other| same(parameter, other)) {
            None => comparison.problems.push(format!("{} is gone", title(parameter))),
            Some(now) => {
                let place = title(parameter);
                comparison.compare(&place, &parameter["schema"], &now["schema"], Direction::Request);
            }
        }
    }
    for parameter in new.iter().filter(|parameter| is_required(parameter)) {
        if !old.iter().any(|other| same(parameter, other) && is_required(other)) {
            comparison.problems.push(format!("{} is now required", title(parameter)));
        }
    }
}

fn compare_body(name: &str, old: &Value, new: &Value, comparison: &mut Comparison<'_>) {
    let place = format!("{name} body");
    let is_required = |body: &Value| body["required"].as_bool().unwrap_or_default();
    if is_required(new) && !is_required(old) {
        comparison.problems.push(format!("{place}: is now required"));
    }
    compare_content(&place, &old["content"], &new["content"], Direction::Request, comparison);
}

fn compare_content(place: &str, old: &Value, new: &Value, direction: Direction, comparison: &mut Comparison<'_>) {
    for (media_type, content) in members(old) {
        match new.get(media_type) {
            None => comparison.problems.push(format!("{place}: `{media_type}` is gone")),
            Some(now) => comparison.compare(place, &content["schema"], &now["schema"], direction),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn released() -> Value {
        json!({
            "paths": {"/things/{id}": {
                "get": {
                    "security": [{"bearer": []}, {"ticket": []}],
                    "parameters": [
                        {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 500}},
                    ],
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                        "404": {"$ref": "#/components/responses/Problem"},
                    },
                },
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {
                        "type": "object", "required": ["name"], "additionalProperties": false,
                        "properties": {
                            "name": {"type": "string", "maxLength": 100},
                            "kind": {"type": "string", "enum": ["one", "two"]},
                            "parts": {"type": "array", "maxItems": 9, "items": {"$ref": "#/components/schemas/Part"}},
                            "note": {"oneOf": [{"type": "null"}, {"type": "string"}]},
                        },
                    }}}},
                    "responses": {"201": {}},
                },
            }},
            "components": {
                "schemas": {
                    "Thing": {
                        "type": "object", "required": ["id", "parts"],
                        "properties": {
                            "id": {"type": "string"},
                            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                            "next": {"$ref": "#/components/schemas/Thing"},
                        },
                    },
                    "Part": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 0}}},
                },
                "responses": {"Problem": {"content": {"application/problem+json": {"schema": {
                    "type": "object", "required": ["code"], "properties": {"code": {"type": "string"}},
                }}}}},
            },
        })
    }

    const GET: &str = "/paths/~1things~1{id}/get";
    const BODY: &str = "/paths/~1things~1{id}/post/requestBody/content/application~1json/schema";
    const THING: &str = "/components/schemas/Thing";

    /// Puts `value` where `pointer` points to, or takes what is there away.
    fn edited(pointer: &str, value: Option<Value>) -> Vec<String> {
        let mut document = released();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let name = name.replace("~1", "/");
        match (document.pointer_mut(parent).expect("the case edits something"), value) {
            (Value::Object(members), Some(value)) => drop(members.insert(name, value)),
            (Value::Object(members), None) => drop(members.remove(&name).expect("the case removes something")),
            (Value::Array(items), Some(value)) => items.push(value),
            (Value::Array(items), None) => drop(items.remove(name.parse().expect("an index"))),
            _ => panic!("{parent} holds nothing"),
        }
        compare(&released(), &document)
    }

    #[test]
    fn additions_break_nobody() {
        assert_eq!(compare(&released(), &released()), Vec::<String>::new());
        let string = json!({"type": "string"});
        let additions = [
            ("/paths/~1new".to_owned(), json!({"get": {"responses": {"200": {}}}})),
            (format!("{GET}/responses/429"), json!({})),
            (format!("{GET}/parameters/-"), json!({"name": "after", "in": "query", "schema": string})),
            (format!("{GET}/security/-"), json!({"cookie": []})),
            (format!("{THING}/properties/colour"), string.clone()),
            (format!("{THING}/required/-"), json!("next")),
            (format!("{BODY}/properties/colour"), string.clone()),
            (format!("{BODY}/properties/name/maxLength"), json!(200)),
            (format!("{BODY}/properties/kind/enum/-"), json!("three")),
            (format!("{BODY}/properties/note/oneOf/-"), json!({"type": "integer"})),
            (format!("{BODY}/properties/name/type"), json!(["string", "null"])),
            (format!("{BODY}/additionalProperties"), json!(true)),
        ];
        for (pointer, value) in additions {
            assert_eq!(edited(&pointer, Some(value)), Vec::<String>::new(), "{pointer}");
        }
        for pointer in ["/required/0", "/properties/name/maxLength", "/properties/parts/maxItems"] {
            assert_eq!(edited(&format!("{BODY}{pointer}"), None), Vec::<String>::new(), "{pointer}");
        }
    }

    #[test]
    fn what_breaks_a_client_is_named() {
        let string = json!({"type": "string"});
        let get = "GET /things/{id}";
        let body = "POST /things/{id} body";
        let cases = [
            ("/paths/~1things~1{id}".to_owned(), None, format!("`{get}` is gone")),
            (GET.to_owned(), None, format!("`{get}` is gone")),
            (format!("{GET}/responses/200"), None, format!("`{get} -> 200` is gone")),
            (format!("{GET}/security/1"), None, format!("`{get}` no longer takes the credential {{\"ticket\":[]}}")),
            (format!("{GET}/parameters/1"), None, format!("{get}: query `limit` is gone")),
            (
                format!("{GET}/parameters/1/schema/maximum"),
                Some(json!(100)),
                format!("{get}: query `limit`: `maximum` was 500 and is 100"),
            ),
            (
                format!("{GET}/parameters/-"),
                Some(json!({"name": "k", "in": "header", "required": true, "schema": string})),
                format!("{get}: header `k` is now required"),
            ),
            (format!("{THING}/properties/id"), None, format!("{get} -> 200.id: is gone")),
            (
                format!("{THING}/properties/id/type"),
                Some(json!("integer")),
                format!("{get} -> 200.id: was string and is integer"),
            ),
            (
                format!("{THING}/properties/id/type"),
                Some(json!(["string", "null"])),
                format!("{get} -> 200.id: was string and is null or string"),
            ),
            (format!("{THING}/required/0"), None, format!("{get} -> 200.id: may now be missing")),
            (
                "/components/schemas/Part/properties/size".to_owned(),
                None,
                format!("{get} -> 200.parts[].size: is gone"),
            ),
            (
                "/components/schemas/Part/properties/size/minimum".to_owned(),
                Some(json!(1)),
                format!("{body}.parts[].size: `minimum` was 0 and is 1"),
            ),
            (
                "/components/responses/Problem/content/application~1problem+json".to_owned(),
                None,
                format!("{get} -> 404: `application/problem+json` is gone"),
            ),
            (format!("{BODY}/required/-"), Some(json!("kind")), format!("{body}.kind: is now required")),
            (format!("{BODY}/properties/kind"), None, format!("{body}.kind: is no longer taken")),
            (format!("{BODY}/properties/kind/enum/1"), None, format!("{body}.kind: \"two\" is no longer taken")),
            (
                format!("{BODY}/properties/name/maxLength"),
                Some(json!(50)),
                format!("{body}.name: `maxLength` was 100 and is 50"),
            ),
            (
                format!("{BODY}/properties/name/minLength"),
                Some(json!(1)),
                format!("{body}.name: `minLength` was none and is 1"),
            ),
            (
                format!("{BODY}/properties/name/pattern"),
                Some(json!("^a")),
                format!("{body}.name: `pattern` was none and is \"^a\""),
            ),
            (format!("{BODY}/properties/note/oneOf/0"), None, format!("{body}.note: was null or string and is string")),
            (
                "/paths/~1things~1{id}/post/requestBody/required".to_owned(),
                Some(json!(true)),
                format!("{body}: is now required"),
            ),
            (
                "/paths/~1things~1{id}/post/security".to_owned(),
                Some(json!([{"bearer": []}])),
                "`POST /things/{id}` now wants a credential".to_owned(),
            ),
        ];
        for (pointer, value, expected) in cases {
            let found = edited(&pointer, value);
            assert!(found.contains(&expected), "{pointer}: expected {expected:?} in {found:#?}");
        }
    }

    #[test]
    fn the_api_serves_what_was_released() {
        check(&crate::root()).unwrap();
    }
}
