//! Which record is meant and what must hold of it, as requests say it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::problem::{self, Problem};
use crate::domain::id::{self, LeaseId};
use crate::domain::resource::{Expect, ResourceKey};

/// What a write may say in its query instead of its body.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct WriteParams {
    /// Only if the record is at this revision; 0: only if there is none.
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    pub(super) if_match_rev: Option<u64>,
    /// A lease that has to be held now.
    #[param(min_length = 1, max_length = 128)]
    pub(super) lease_id: Option<String>,
    /// Who writes, in the writer's own words; the principal without.
    #[param(min_length = 1, max_length = 256)]
    pub(super) updated_by: Option<String>,
}

/// The key of a request, which may stand in two places if they say the same.
///
/// # Errors
/// 422 naming `key`.
pub(super) fn one_key(in_path: Option<&str>, in_body: Option<&str>) -> Result<ResourceKey, Problem> {
    match (in_path, in_body) {
        (Some(path), Some(body)) if path != body => {
            Err(Problem::field("key", format!("key: is `{body}`, and the path has `{path}`; leave one out")))
        }
        (Some(key), _) | (None, Some(key)) => key_of("key", key),
        (None, None) => Err(Problem::field("key", "key: is missing; `project/NAME` is the shortest kind of key")),
    }
}

/// A key.
///
/// # Errors
/// 422 naming `field`.
pub(in crate::http) fn key_of(field: &str, text: &str) -> Result<ResourceKey, Problem> {
    ResourceKey::parse(text).map_err(|error| Problem::field(field, format!("{field}: `{text}` {error}")))
}

/// A lease's id.
///
/// # Errors
/// 422 naming `field`.
pub(super) fn lease_id(field: &str, given: Option<String>) -> Result<Option<LeaseId>, Problem> {
    match given {
        None => Ok(None),
        Some(text) if id::check(&text).is_ok() => Ok(Some(LeaseId::new(text))),
        Some(_) => Err(Problem::field(field, format!("{field}: is no lease's id; `POST /leases` answers one"))),
    }
}

/// What may be said in the query or in the body, if they do not say different things.
///
/// # Errors
/// 422 naming `field`.
pub(super) fn said_once(field: &str, query: Option<String>, body: Option<String>) -> Result<Option<String>, Problem> {
    match (query, body) {
        (Some(query), Some(body)) if query != body => {
            let detail = format!("{field}: is `{body}`, and the query has `{query}`; leave one out");
            Err(Problem::field(field, detail))
        }
        (query, body) => Ok(body.or(query)),
    }
}

/// What must hold of a record, said in headers, the query and the body; where it is said twice it has
/// to be the same.
///
/// # Errors
/// 400 naming a header, 422 naming `if_match_rev`.
pub(in crate::http) fn expectation(
    headers: &HeaderMap,
    query: Option<u64>,
    body: Option<u64>,
) -> Result<Expect, Problem> {
    let mut said: Vec<(&str, Expect)> = Vec::new();
    said.extend(query.map(|rev| ("the query's if_match_rev", Expect::from_rev(Some(rev)))));
    said.extend(body.map(|rev| ("if_match_rev", Expect::from_rev(Some(rev)))));
    if let Some(text) = only(headers, &header::IF_MATCH)? {
        let expect = if text == "*" { Expect::Present } else { Expect::from_rev(Some(revision(text)?)) };
        said.push(("If-Match", expect));
    }
    if let Some(text) = only(headers, &header::IF_NONE_MATCH)? {
        if text != "*" {
            let detail = "If-None-Match: a write takes `*` alone, for a record that must not be there yet";
            return Err(Problem::new(problem::MALFORMED_REQUEST, detail).with("field", "If-None-Match"));
        }
        said.push(("If-None-Match", Expect::Absent));
    }
    let Some((first, expect)) = said.first().copied() else { return Ok(Expect::Anything) };
    if let Some((other, _)) = said.iter().find(|(_, other)| *other != expect) {
        let detail = format!("{other}: expects something else than {first}; say it once");
        return Err(Problem::field("if_match_rev", detail));
    }
    if let Expect::Revision(rev) = expect
        && i64::try_from(rev).is_err()
    {
        return Err(Problem::field("if_match_rev", format!("if_match_rev: is {rev}; no revision is that large")));
    }
    Ok(expect)
}

/// The revision in an `If-Match`.
fn revision(text: &str) -> Result<u64, Problem> {
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).ok_or_else(|| {
        let detail = format!("If-Match: is `{text}`; one revision in quotes, as ETag has it: `\"7\"`, or `*`");
        Problem::new(problem::MALFORMED_REQUEST, detail).with("field", "If-Match")
    })
}

/// The one value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if let (Ok(text), None) = (value.to_str(), values.next()) {
        return Ok(Some(text.trim()));
    }
    let name = if *name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
    let detail = format!("{name}: has to stand once, in visible ASCII");
    Err(Problem::new(problem::MALFORMED_REQUEST, detail).with("field", name))
}

/// Whether whoever reads has this revision already (RFC 9110 section 13.1.2, by weak comparison).
pub(super) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = lists.flat_map(|list| list.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag)
}

/// The entity tag of a revision.
pub(in crate::http) fn etag(rev: u64) -> HeaderValue {
    // Digits between quotes are always a header's value.
    HeaderValue::from_str(&format!("\"{rev}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}
