//! Reading bodies and queries strictly: what is not understood is refused, by name.
//!
//! A body is read in two steps: its text into a value, where duplicate members and depth are
//! found; and the value into its type, where the path of a wrong member is known.

use std::cell::Cell;
use std::fmt;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::exact::Exact;
use super::host::Shared;
use super::numbers::{self, Inexact};
use super::problem::{self, Problem};

/// A body of JSON, read as `T`.
pub(super) struct Body<T>(pub T);

/// A body of JSON that may be left out, or be `null`.
pub(super) struct OptionalBody<T>(pub T);

/// A query, read as `T`.
pub(super) struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        require_json(request.headers(), &["application/json"])?;
        let bytes = read_all(request).await?;
        Ok(Self(typed(value(&bytes, host.options.json_depth_max)?)?))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Shared> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read_all(request).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&headers, &["application/json"])?;
        match value(&bytes, host.options.json_depth_max)? {
            // Many clients write an absent body so.
            Value::Null => Ok(Self(T::default())),
            given => Ok(Self(typed(given)?)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        read_query(query).map(Self)
    }
}

/// Reads a query as `T`. A parameter without a value is refused: a script whose variable is empty
/// would otherwise be answered as if it had asked for everything.
pub(super) fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    if let Some((name, _)) = form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.is_empty()) {
        let detail = format!("query: `{name}` has no value; give one, or leave the parameter out");
        return Err(Problem::field(&name, detail));
    }
    let pairs = serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let message = in_plain_words(&error.inner().to_string());
        if let Some(unknown) = unknown_member(&message) {
            return Problem::new(problem::UNKNOWN_FIELD, format!("query: {message}")).with("field", unknown);
        }
        match path.as_str() {
            "." => Problem::new(problem::INVALID_FIELD, format!("query: {message}")).with("field", ""),
            field => Problem::field(field, format!("query: {field}: {message}")),
        }
    })
}

/// Refuses a body whose content type is none of `types`.
pub(super) fn require_json(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset_is_known = parts.all(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase();
        !parameter.starts_with("charset=") || matches!(&*parameter, "charset=utf-8" | "charset=\"utf-8\"")
    });
    if types.contains(&essence.as_str()) && charset_is_known {
        return Ok(());
    }
    let detail = format!("the content type is `{given}`; this route takes {}, in UTF-8", types.join(" or "));
    Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The whole body, which a layer has limited.
pub(super) async fn read_all(request: Request) -> Result<axum::body::Bytes, Problem> {
    use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
    axum::body::Bytes::from_request(request, &()).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => too_large(),
        other => {
            let text = other.body_text();
            if text.contains("length limit") {
                too_large()
            } else {
                Problem::new(problem::REQUEST_TIMEOUT, "the body broke off or paused for too long; nothing was done")
            }
        }
    })
}

fn too_large() -> Problem {
    Problem::new(problem::TOO_LARGE, "the body is larger than this route takes; the limit stands in /openapi.json")
}

/// Reads a value as `T`, and names the member at fault.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Exact(value)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let message = in_plain_words(&error.inner().to_string());
        if let Some(unknown) = unknown_member(&message) {
            // The path of an unknown member ends with it or with its parent.
            let field = match path.rsplit_once('.') {
                _ if path == unknown || path.ends_with(&format!(".{unknown}")) => path,
                _ if path.is_empty() => unknown,
                _ => format!("{path}.{unknown}"),
            };
            return Problem::new(problem::UNKNOWN_FIELD, format!("{field}: {message}")).with("field", field);
        }
        let field = match missing_member(&message) {
            Some(missing) if path.is_empty() => missing,
            Some(missing) => format!("{path}.{missing}"),
            None => path,
        };
        let detail = if field.is_empty() { message } else { format!("{field}: {message}") };
        Problem::field(&field, detail)
    })
}

/// What parsers say, without the names of this program's own types.
fn in_plain_words(message: &str) -> String {
    const WHOLE_NUMBER: &str = "a whole number from 0";
    match message {
        "invalid digit found in string" => return format!("is no number; {WHOLE_NUMBER} is expected"),
        "number too large to fit in target type" => return "is too large a number".to_owned(),
        _ => {}
    }
    let Some((before, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let (expected, rest) = expected.split_at(expected.find(" at ").unwrap_or(expected.len()));
    let plain = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => WHOLE_NUMBER,
        "i64" => "a whole number",
        "f64" | "f32" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{before}expected {plain}{rest}")
}

fn unknown_member(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    Some(rest.split('`').next().unwrap_or_default().to_owned())
}

fn missing_member(message: &str) -> Option<String> {
    let rest = message.strip_prefix("missing field `")?;
    Some(rest.split('`').next().unwrap_or_default().to_owned())
}

/// Reads JSON text; no member stands twice, nothing is nested deeper than `depth_max`, and no number
/// is changed.
pub(super) fn value(text: &[u8], depth_max: usize) -> Result<Value, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let doubtful = Cell::new(false);
    let strict = Strict { left: depth_max, doubtful: &doubtful };
    let read = strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    let is_out_of_range = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
    if (doubtful.get() || read.as_ref().is_err_and(is_out_of_range))
        && let Some(Inexact { path, literal }) = numbers::first_inexact(text)
    {
        let place = if path.is_empty() { "the body" } else { &path };
        let literal: String = literal.chars().take(LITERAL_SHOWN_MAX).collect();
        let detail = format!("{place}: {literal} fits neither 64 bits nor a double; send it as a text");
        return Err(Problem::field(&path, detail));
    }
    read.map_err(|error| {
        let message = error.to_string();
        if let Some(rest) = message.strip_prefix(TWICE) {
            let field = rest.split('`').next().unwrap_or_default().to_owned();
            return Problem::new(problem::DUPLICATE_KEY, format!("the member `{field}` stands twice in one object"))
                .with("field", field);
        }
        if message.starts_with(DEEP) || message.starts_with("recursion limit") {
            return Problem::new(problem::TOO_DEEP, format!("the body is nested more than {depth_max} deep"));
        }
        Problem::new(problem::MALFORMED_JSON, format!("the body is not JSON: {message}"))
    })
}

const TWICE: &str = "twice: `";
const DEEP: &str = "deep";

/// Characters of a number that a problem shows.
const LITERAL_SHOWN_MAX: usize = 40;

#[derive(Clone, Copy)]
struct Strict<'s> {
    /// Levels that may still come.
    left: usize,
    /// Set when a number may have been changed in reading.
    doubtful: &'s Cell<bool>,
}

impl Strict<'_> {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left, ..self }).ok_or_else(|| E::custom(DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value == 0.0 || value.abs() > EXACT_MAX {
            self.doubtful.set(true);
        }
        // A JSON Schema's `integer` admits 5.0, and clients of some languages write it so.
        #[expect(clippy::cast_possible_truncation, reason = "checked: integral and well within 64 bits")]
        if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
            return Ok(Value::from(value as i64));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("{TWICE}{name}`")));
            }
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

/// Up to here every integer is a `f64` (2^53).
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Outer {
        inner: Vec<Inner>,
        limit: Option<u32>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Inner {
        name: String,
    }

    fn refused(text: &str) -> (String, String) {
        let refused = value(text.as_bytes(), 64).and_then(typed::<Outer>).unwrap_err().document();
        let text = |name: &str| refused.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("code"), text("field"))
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("{", "MALFORMED_JSON", ""),
            ("{} x", "MALFORMED_JSON", ""),
            (r#"{"inner":[],"inner":[]}"#, "DUPLICATE_KEY", "inner"),
            (r#"{"inner":[{"name":"a","name":"b"}]}"#, "DUPLICATE_KEY", "name"),
            (r#"{"inner":[{"nam":"a"}]}"#, "UNKNOWN_FIELD", "inner[0].nam"),
            (r#"{"inner":[],"x":1}"#, "UNKNOWN_FIELD", "x"),
            (r#"{"inner":[{}]}"#, "INVALID_FIELD", "inner[0].name"),
            (r#"{"inner":[{"name":7}]}"#, "INVALID_FIELD", "inner[0].name"),
            ("{}", "INVALID_FIELD", "inner"),
            (r#"{"inner":[],"limit":-1}"#, "INVALID_FIELD", "limit"),
            (r#"{"inner":[],"limit":5.5}"#, "INVALID_FIELD", "limit"),
            ("[[],null]", "INVALID_FIELD", ""),
            (r#"{"inner":[{"name":"a"},["b"]]}"#, "INVALID_FIELD", "inner[1]"),
        ];
        for (text, code, field) in cases {
            assert_eq!(refused(text), (code.to_owned(), field.to_owned()), "{text}");
        }
        assert!(value(br#"{"inner":[],"limit":5.0}"#, 64).and_then(typed::<Outer>).is_ok());
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(value(nested(64).as_bytes(), 64).is_ok());
        assert_eq!(value(nested(65).as_bytes(), 64).unwrap_err().code(), "TOO_DEEP");
        assert_eq!(value(nested(5000).as_bytes(), 64).unwrap_err().code(), "TOO_DEEP");
    }
}
