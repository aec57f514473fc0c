//! JSON objects that cross the border: how the host writes them, and how it checks what comes.
//!
//! What plugins hand over as JSON is kept and parsed later by others. It is checked where it
//! enters, without building it: well-formed, an object, numbers in range, and no deeper than
//! what parsers with a recursion limit accept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::domain::json::Json;

/// Room an object gets at first: enough for most.
const USUAL_BYTES: usize = 512;

/// Writes one JSON object, member by member. Opaque JSON goes in as it is, without being parsed
/// and written again.
pub(super) struct Object {
    text: String,
}

impl Object {
    /// No members yet.
    pub(super) fn new() -> Self {
        let mut text = String::with_capacity(USUAL_BYTES);
        text.push('{');
        Self { text }
    }

    /// A member whose value is JSON text already.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.text.push_str(value);
    }

    /// A member that is opaque JSON.
    pub(super) fn json(&mut self, name: &str, value: &Json) {
        self.raw(name, value.as_str());
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        quote(&mut self.text, value);
    }

    /// A text that is left out when there is none.
    pub(super) fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member that is a whole number.
    pub(super) fn number(&mut self, name: &str, value: impl Into<u64>) {
        self.raw(name, &value.into().to_string());
    }

    /// A number that is left out when there is none.
    pub(super) fn optional_number(&mut self, name: &str, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    /// A member that is a list of texts.
    pub(super) fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        self.name(name);
        self.text.push('[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            quote(&mut self.text, value);
        }
        self.text.push(']');
    }

    /// Begins a member. Names are the host's own and need no escapes.
    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    /// The object.
    pub(super) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

/// Writes `text` as a JSON string (RFC 8259 section 7). Most texts need no escape.
fn quote(into: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        into.push_str(&serde_json::Value::from(text).to_string());
    } else {
        into.push('"');
        into.push_str(text);
        into.push('"');
    }
}

/// Takes `text` when it is one JSON object of at most 127 levels.
///
/// # Errors
/// A fragment that says what is wrong and where.
pub(super) fn check(text: String) -> Result<Json, String> {
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err("is not a JSON object".to_owned());
    }
    let mut parser = serde_json::Deserializer::from_str(&text);
    AnyValue
        .deserialize(&mut parser)
        .and_then(|()| parser.end())
        .map_err(|error| format!("is not valid JSON: {error}"))?;
    Ok(Json::from_valid(text))
}

/// Walks one value and keeps nothing of it.
struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(AnyValue)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(AnyValue)?.is_some() {
            members.next_value_seed(AnyValue)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_taken_as_they_are() {
        for good in ["{}", " {\"a\": [1, -2.5e3, null, true, {\"b\": \"\\u00e9\"}]}\n"] {
            assert_eq!(check(good.to_owned()).unwrap().as_str(), good);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (bad, says) in [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("null", "not a JSON object"),
            ("{", "not valid JSON: EOF"),
            ("{\"a\":1}}", "trailing characters"),
            ("{\"a\":01}", "not valid JSON"),
            ("{\"a\":1e999}", "out of range"),
            ("{\"a\":\"\\ud800\"}", "not valid JSON"),
            ("{'a':1}", "not valid JSON"),
        ] {
            let error = check(bad.to_owned()).unwrap_err();
            assert!(error.contains(says), "{bad:?} gave {error:?}");
        }
    }

    #[test]
    fn depth_is_limited_from_both_sides() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(check(nested(127)).is_ok());
        assert!(check(nested(128)).unwrap_err().contains("recursion limit"));
        assert!(check(nested(1_000_000)).unwrap_err().contains("recursion limit"));
    }
}
