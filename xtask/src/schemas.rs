//! Compares two JSON Schemas, as OpenAPI 3.1 has them: what a request may hold must not become
//! less, and what an answer holds must not become less either.
//!
//! It owns the words of JSON Schema that this API's document uses: types, enumerations, limits,
//! patterns, properties, items, references, `allOf`, `oneOf` and `anyOf`. It never judges whether
//! a schema is a good one. Whose parts are compared is told in [`openapi`](crate::openapi).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Which way what a schema describes travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// To the host: it must go on to take what it took.
    Request,
    /// From the host: it must go on to tell what it told.
    Answer,
}

/// Limits from below and from above.
const LOWER: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const UPPER: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const TYPES: [&str; 6] = ["array", "boolean", "null", "number", "object", "string"];

/// Two documents, and what was found to be breaking between them.
pub(crate) struct Comparison<'d> {
    old: &'d Value,
    new: &'d Value,
    /// References being compared, so that a type which holds itself ends.
    open: BTreeSet<(String, String, Direction)>,
    /// What breaks, one a line.
    pub(crate) problems: Vec<String>,
}

/// One schema with its parts (`allOf`) put together.
#[derive(Default)]
struct Flat {
    members: Map<String, Value>,
    properties: BTreeMap<String, Value>,
    required: BTreeSet<String>,
}

impl<'d> Comparison<'d> {
    pub(crate) fn new(old: &'d Value, new: &'d Value) -> Self {
        Self { old, new, open: BTreeSet::new(), problems: Vec::new() }
    }

    /// What stands in the frozen document, its reference followed.
    pub(crate) fn frozen(&self, value: &Value) -> Value {
        follow(self.old, value)
    }

    /// What stands in the present document, its reference followed.
    pub(crate) fn present(&self, value: &Value) -> Value {
        follow(self.new, value)
    }

    /// Compares two schemas that describe the same `place`.
    pub(crate) fn compare(&mut self, place: &str, old: &Value, new: &Value, direction: Direction) {
        let key = (reference(old), reference(new), direction);
        let is_named = !key.0.is_empty() && !key.1.is_empty();
        if is_named && !self.open.insert(key.clone()) {
            return;
        }
        let (olds, news) = (alternatives(self.old, old), alternatives(self.new, new));
        self.compare_types(place, &olds, &news, direction);
        for old in olds.iter().filter(|old| types(old) != set(["null"])) {
            self.compare_with_any(place, old, &news, direction);
        }
        if is_named {
            self.open.remove(&key);
        }
    }

    fn compare_types(&mut self, place: &str, olds: &[Flat], news: &[Flat], direction: Direction) {
        let all = |flats: &[Flat]| flats.iter().flat_map(types).collect::<BTreeSet<_>>();
        let (was, is) = (all(olds), all(news));
        let still_fits = match direction {
            Direction::Request => was.is_subset(&is),
            Direction::Answer => is.is_subset(&was),
        };
        if !still_fits {
            self.problems.push(format!("{place}: was {} and is {}", words(&was), words(&is)));
        }
    }

    /// One alternative of the old schema has to have its like among the new ones.
    fn compare_with_any(&mut self, place: &str, old: &Flat, news: &[Flat], direction: Direction) {
        let mut least: Option<Vec<String>> = None;
        for new in news.iter().filter(|new| !types(new).is_disjoint(&types(old))) {
            let before = self.problems.len();
            self.compare_flat(place, old, new, direction);
            let found = self.problems.split_off(before);
            if least.as_ref().is_none_or(|least| found.len() < least.len()) {
                least = Some(found);
            }
        }
        // That a type is missing altogether was told with the types.
        self.problems.extend(least.unwrap_or_default());
    }

    fn compare_flat(&mut self, place: &str, old: &Flat, new: &Flat, direction: Direction) {
        if direction == Direction::Request {
            self.compare_limits(place, old, new);
            self.compare_words(place, old, new);
        }
        self.compare_properties(place, old, new, direction);
        for (member, mark) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let (Some(old), Some(new)) = (object(old, member), object(new, member)) {
                self.compare(&format!("{place}{mark}"), &old, &new, direction);
            }
        }
    }

    fn compare_limits(&mut self, place: &str, old: &Flat, new: &Flat) {
        let narrowed = |was: Option<f64>, is: f64, is_lower: bool| match was {
            None => true,
            Some(was) => (is_lower && is > was) || (!is_lower && is < was),
        };
        for (name, is_lower) in LOWER.map(|name| (name, true)).into_iter().chain(UPPER.map(|name| (name, false))) {
            let number = |flat: &Flat| flat.members.get(name).and_then(Value::as_f64);
            if number(new).is_some_and(|is| narrowed(number(old), is, is_lower)) {
                self.changed(place, name, old, new);
            }
        }
        let pattern = new.members.get("pattern");
        if pattern.is_some() && pattern != old.members.get("pattern") {
            self.changed(place, "pattern", old, new);
        }
    }

    fn changed(&mut self, place: &str, name: &str, old: &Flat, new: &Flat) {
        let text = |flat: &Flat| flat.members.get(name).map_or_else(|| "none".to_owned(), Value::to_string);
        self.problems.push(format!("{place}: `{name}` was {} and is {}", text(old), text(new)));
    }

    fn compare_words(&mut self, place: &str, old: &Flat, new: &Flat) {
        let list = |flat: &Flat| flat.members.get("enum").and_then(Value::as_array).cloned();
        match (list(old), list(new)) {
            (_, None) => {}
            (None, Some(_)) => self.problems.push(format!("{place}: takes only certain values now")),
            (Some(old), Some(new)) => {
                for word in old.iter().filter(|word| !new.contains(word)) {
                    self.problems.push(format!("{place}: {word} is no longer taken"));
                }
            }
        }
    }

    fn compare_properties(&mut self, place: &str, old: &Flat, new: &Flat, direction: Direction) {
        for (name, schema) in &old.properties {
            let place = format!("{place}.{name}");
            match (new.properties.get(name), direction) {
                (Some(now), _) => self.compare(&place, schema, now, direction),
                (None, Direction::Request) => self.problems.push(format!("{place}: is no longer taken")),
                (None, Direction::Answer) => self.problems.push(format!("{place}: is gone")),
            }
        }
        let (left, right, text) = match direction {
            Direction::Request => (&new.required, &old.required, "is now required"),
            Direction::Answer => (&old.required, &new.required, "may now be missing"),
        };
        // What is gone altogether was told above.
        for name in left.difference(right).filter(|name| new.properties.contains_key(*name)) {
            self.problems.push(format!("{place}.{name}: {text}"));
        }
        let is_closed = |flat: &Flat| flat.members.get("additionalProperties") == Some(&Value::Bool(false));
        if direction == Direction::Request && is_closed(new) && !is_closed(old) {
            self.problems.push(format!("{place}: takes no other members any more"));
        }
    }
}

fn reference(schema: &Value) -> String {
    schema["$ref"].as_str().unwrap_or_default().to_owned()
}

fn follow(document: &Value, value: &Value) -> Value {
    let mut value = value;
    // A reference to a reference to ... ends somewhere, unless the document is broken.
    for _ in 0..8 {
        let Some(pointer) = value["$ref"].as_str().and_then(|text| text.strip_prefix('#')) else { break };
        value = document.pointer(pointer).unwrap_or(&Value::Null);
    }
    value.clone()
}

/// The schemas one of which has to hold.
fn alternatives(document: &Value, schema: &Value) -> Vec<Flat> {
    let schema = follow(document, schema);
    let listed = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].as_array());
    if let Some(list) = listed {
        return list.iter().flat_map(|schema| alternatives(document, schema)).collect();
    }
    let mut flat = Flat::default();
    put_together(document, &schema, &mut flat);
    vec![flat]
}

fn put_together(document: &Value, schema: &Value, flat: &mut Flat) {
    let schema = follow(document, schema);
    let Some(members) = schema.as_object() else { return };
    for (name, value) in members {
        match name.as_str() {
            "allOf" => {
                for part in value.as_array().into_iter().flatten() {
                    put_together(document, part, flat);
                }
            }
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                flat.properties.extend(properties.map(|(name, schema)| (name.clone(), schema.clone())));
            }
            "required" => {
                let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                flat.required.extend(names.map(str::to_owned));
            }
            _ => drop(flat.members.insert(name.clone(), value.clone())),
        }
    }
}

/// The types a schema allows; all of them when it names none.
fn types(flat: &Flat) -> BTreeSet<String> {
    match flat.members.get("type") {
        Some(Value::String(name)) => set([name]),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ if !flat.properties.is_empty() => set(["object"]),
        _ => set(TYPES).into_iter().chain(["integer".to_owned()]).collect(),
    }
}

fn set<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

fn words(types: &BTreeSet<String>) -> String {
    if types.len() > TYPES.len() {
        return "anything".to_owned();
    }
    types.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

fn object(flat: &Flat, member: &str) -> Option<Value> {
    flat.members.get(member).filter(|value| value.is_object()).cloned()
}
