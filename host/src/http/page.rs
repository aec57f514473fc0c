//! Pages of lists: how many, and from where.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};

use super::problem::{self, Problem};
use crate::domain::id;

/// Entries of a page when nobody says how many.
pub(super) const LIMIT_DEFAULT: u32 = 100;
/// Most entries of a page.
pub(super) const LIMIT_MAX: u32 = 500;

/// Digits of the longest position: all such numbers fit into a signed 64-bit integer.
const POSITION_MAX_DIGITS: usize = 18;

/// Which part of a list whose entries are numbered.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

impl PageParams {
    /// How many entries, and behind which.
    ///
    /// # Errors
    /// 422 naming `limit`, 400 naming `cursor`.
    pub(super) fn read(&self) -> Result<(u32, Option<u64>), Problem> {
        Ok((limit(self.limit)?, cursor_position(self.cursor.as_deref())?))
    }
}

/// How many entries a page has.
///
/// # Errors
/// 422 naming `limit`.
pub(super) fn limit(given: Option<u32>) -> Result<u32, Problem> {
    match given.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        other => Err(Problem::field("limit", format!("limit: is {other}; 1 to {LIMIT_MAX}"))),
    }
}

/// A cursor that is the id of the last entry of the page before.
///
/// # Errors
/// 400 unless it could be such an id.
pub(super) fn cursor_id<'c>(given: Option<&'c str>, prefix: &str) -> Result<Option<&'c str>, Problem> {
    match given {
        None => Ok(None),
        Some(text) if text.len() > prefix.len() && text.starts_with(prefix) && id::check(text).is_ok() => {
            Ok(Some(text))
        }
        Some(_) => Err(invalid_cursor()),
    }
}

/// A cursor that is a position.
///
/// # Errors
/// 400 unless it is one.
pub(super) fn cursor_position(given: Option<&str>) -> Result<Option<u64>, Problem> {
    match given {
        None => Ok(None),
        // `parse` alone would take a sign.
        Some(text) if text.len() > POSITION_MAX_DIGITS || !text.bytes().all(|b| b.is_ascii_digit()) => {
            Err(invalid_cursor())
        }
        Some(text) => text.parse().map(Some).map_err(|_| invalid_cursor()),
    }
}

/// A cursor that this list never gave.
pub(super) fn invalid_cursor() -> Problem {
    Problem::new(problem::INVALID_CURSOR, "take `next_cursor` of the page before as it is").with("field", "cursor")
}

/// The cursor of the page after one that is full.
pub(super) fn next_cursor<T>(page: &[T], limit: u32, cursor: impl FnOnce(&T) -> String) -> Option<String> {
    if page.len() < limit as usize { None } else { page.last().map(cursor) }
}

/// One of an enumeration's words in a query.
///
/// # Errors
/// 422 naming `field`.
pub(super) fn word<T>(field: &str, given: Option<&str>) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr<Err = crate::domain::word::UnknownWord>,
{
    let Some(text) = given else { return Ok(None) };
    text.parse().map(Some).map_err(|error| Problem::field(field, format!("{field}: {error}")))
}

/// The schema of a parameter that takes one of an enumeration's words.
pub(super) fn words(words: impl IntoIterator<Item = &'static str>) -> Schema {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    Schema::Object(schema.enum_values(Some(words)).build())
}

/// An id in a query, which selects what belongs to that thing; one that nothing has selects
/// nothing.
///
/// # Errors
/// 422 naming `field` when no id can be like this.
pub(super) fn selector<'t>(field: &str, given: Option<&'t str>) -> Result<Option<&'t str>, Problem> {
    match given.map(|text| (text, id::check(text))) {
        None => Ok(None),
        Some((text, Ok(()))) => Ok(Some(text)),
        Some((_, Err(error))) => Err(Problem::field(field, format!("{field}: {error}"))),
    }
}

/// The one variable part of a path.
pub(super) struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong =
            || Problem::new(problem::MALFORMED_REQUEST, "the path is not percent-encoded UTF-8").with("field", "path");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        let value = params.iter().next().map(|(_, value)| value.to_owned());
        value.map(Self).ok_or_else(wrong)
    }
}

/// The two variable parts of a path.
pub(super) struct Segments(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong =
            || Problem::new(problem::MALFORMED_REQUEST, "the path is not percent-encoded UTF-8").with("field", "path");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| wrong())?;
        let mut values = params.iter().map(|(_, value)| value.to_owned());
        values.next().zip(values.next()).map(|(first, second)| Self(first, second)).ok_or_else(wrong)
    }
}
