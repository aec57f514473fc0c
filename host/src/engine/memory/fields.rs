//! What stands beside a text (tags, source, metadata, names of projects and sessions) is scrubbed
//! like the text itself: written onto one sheet, scrubbed at once, and read back from there.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::scrub::{Destination, Finding, ScrubResult};
use crate::domain::artifact::Digest;
use crate::domain::memory::ScrubStatus;
use crate::engine::{Engine, EngineError};
use crate::wire::FieldError;

/// Names remembered as clean; more of them are forgotten together and scrubbed again.
const NAMES_MAX: usize = 10_000;

/// Names that a scrubber left alone: most puts come with the same few. What is not clean is never
/// here.
#[derive(Default)]
pub(in crate::engine) struct CleanNames(Mutex<HashSet<(String, String)>>);

impl CleanNames {
    fn holds(&self, scrubber: &str, name: &str) -> bool {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.contains(&(scrubber.to_owned(), name.to_owned()))
    }

    fn add(&self, scrubber: &str, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert((scrubber.to_owned(), name.to_owned()));
    }
}

/// What stands beside a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    /// Names that are kept as they are or not at all, each with the member it came in.
    pub(super) names: Vec<(&'static str, String)>,
    /// Texts that may be cut, each with its member.
    pub(super) texts: Vec<(&'static str, String)>,
    /// The tags.
    pub(super) tags: Vec<String>,
    /// The metadata.
    pub(super) metadata: Map<String, Value>,
}

impl Engine {
    /// Scrubs what stands beside a text; the answer says what was found when anything was.
    ///
    /// # Errors
    /// [`EngineError::Field`] for a name that would have to be cut.
    pub(super) async fn scrub_fields(
        &self,
        fields: &mut Fields,
        to: Destination<'_>,
    ) -> Result<Option<ScrubResult>, EngineError> {
        let bound = self.bound(to.workspace_id).await?;
        // Other settings let other names pass.
        let scrubber =
            bound.scrubber.as_ref().map(|binding| format!("{}{}", binding.digest, binding.settings.as_str()));
        let scrubber = Digest::of(scrubber.unwrap_or_default().as_bytes());
        let scrubber = scrubber.as_str();
        let clean = &self.parts.clean_names;
        let is_new = |name: &(&str, String)| !clean.holds(scrubber, &name.1);
        let names: Vec<(&'static str, String)> = fields.names.iter().filter(|name| is_new(name)).cloned().collect();
        let mut sheet = Sheet::default();
        for (_, name) in &names {
            sheet.value(name);
        }
        for (member, text) in &fields.texts {
            sheet.named(member, text);
        }
        for tag in &fields.tags {
            sheet.value(tag);
        }
        sheet.members(&fields.metadata);
        if sheet.places.is_empty() {
            return Ok(None);
        }
        let result = self.scrub(&sheet.text, to).await?;
        if result.status == ScrubStatus::Blocked {
            return Ok(Some(result));
        }
        let mut read = Read { sheet: &sheet, findings: &result.findings, next: 0 };
        for (member, name) in &names {
            if read.value().is_some() {
                let message = "holds what the scrubber cuts from texts; a name is kept whole or not at all";
                return Err(FieldError::new(*member, message).into());
            }
            clean.add(scrubber, name);
        }
        let texts = fields.texts.iter_mut().map(|(_, text)| text);
        for text in texts.chain(fields.tags.iter_mut()) {
            if let Some(cut) = read.value() {
                *text = cut;
            }
        }
        fields.metadata = read.members(std::mem::take(&mut fields.metadata));
        Ok((result.status != ScrubStatus::Passed).then_some(result))
    }
}

/// Values one below the other, and where each stands. A line is left free between two, so that no
/// scrubber takes the next for the rest of a secret that was broken over lines.
#[derive(Debug, Default)]
struct Sheet {
    text: String,
    places: Vec<(usize, usize)>,
}

impl Sheet {
    fn value(&mut self, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.places.push((start, self.text.len()));
        self.text.push_str("\n\n");
    }

    fn named(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        self.text.push_str(": ");
        self.value(value);
    }

    fn members(&mut self, members: &Map<String, Value>) {
        for (name, value) in members {
            // The name is a value of its own, and what tells about the one beside it.
            let start = self.text.len();
            self.text.push_str(name);
            self.places.push((start, self.text.len()));
            self.text.push_str(": ");
            self.json(value);
        }
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => self.text.push('\n'),
            Value::Number(number) => self.value(&number.to_string()),
            Value::String(text) => self.value(text),
            Value::Array(items) => {
                for item in items {
                    self.json(item);
                }
            }
            Value::Object(members) => {
                self.text.push('\n');
                self.members(members);
            }
        }
    }
}

/// Reads a sheet back, in the order it was written.
struct Read<'r> {
    sheet: &'r Sheet,
    findings: &'r [Finding],
    next: usize,
}

impl Read<'_> {
    /// The next value as far as it may be kept; none when it may be as it was.
    fn value(&mut self) -> Option<String> {
        let (start, end) = *self.sheet.places.get(self.next)?;
        self.next += 1;
        let mut kept = String::new();
        let mut at = start;
        for finding in self.findings.iter().filter(|finding| finding.start < end && finding.end > start) {
            kept.push_str(&self.sheet.text[at..finding.start.max(at)]);
            kept.push_str("[REDACTED:");
            kept.push_str(&finding.kind);
            kept.push(']');
            at = finding.end.min(end);
        }
        if at == start {
            return None;
        }
        kept.push_str(&self.sheet.text[at..end]);
        Some(kept)
    }

    fn members(&mut self, members: Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in members {
            let name = self.value().unwrap_or(name);
            let value = self.json(value);
            kept.insert(name, value);
        }
        kept
    }

    fn json(&mut self, value: Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value,
            Value::Number(_) | Value::String(_) => self.value().map_or(value, Value::String),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.json(item)).collect()),
            Value::Object(members) => Value::Object(self.members(members)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_found_is_cut_where_it_stands() {
        let given = json!({"a": "one", "s": {"b": true, "k2": ["x", 42, "secret"]}, "z": "last"});
        let members = given.as_object().cloned().unwrap_or_default();
        let mut sheet = Sheet::default();
        sheet.value("tag");
        sheet.members(&members);
        assert_eq!(sheet.text, "tag\n\na: one\n\ns: \nb: \nk2: x\n\n42\n\nsecret\n\nz: last\n\n");
        let finding = |from: &str, to: &str| {
            let start = sheet.text.find(from).unwrap();
            Finding { kind: "k".to_owned(), start, end: sheet.text.find(to).unwrap() + to.len(), confidence: 1.0 }
        };
        let findings = [finding("tag", "tag"), finding("2\n\nse", "cret")];
        let mut read = Read { sheet: &sheet, findings: &findings, next: 0 };
        assert_eq!(read.value().as_deref(), Some("[REDACTED:k]"));
        let kept = read.members(members.clone());
        let wanted = json!({"a": "one", "s": {"k2": ["x", "4[REDACTED:k]", "[REDACTED:k]"], "b": true}, "z": "last"});
        assert_eq!(Value::Object(kept), wanted);
        let mut untouched = Read { sheet: &sheet, findings: &[], next: 1 };
        assert_eq!(Value::Object(untouched.members(members)), given);
    }
}
