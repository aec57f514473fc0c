//! How the report comes about.
//!
//! Owns the promise that a scrubbed text is clean: cutting one stretch can bring together what was
//! apart, so the result is looked at again until nothing is found; a text that never comes clean is
//! blocked. Never puts anything of the text into the report.

use crate::settings::Settings;
use crate::span::{Span, apply, carry_back, merge};
use crate::{network, personal};
use regex_lite::Regex;
use sluice_plugin::scrubber::{Redaction, ScrubReport};
use sluice_plugin::serde_json::json;
use sluice_secrets::Options;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most redactions in one report (`wit/scrubber-0.1/types.wit`).
const REDACTIONS_MAX: usize = 10_000;

/// How often a scrubbed text is looked at again. Each round finds what the cuts of the one before
/// brought together; three suffice for everything seen in tests.
const ROUNDS_MAX: usize = 6;

/// What is put in place of a redaction starts so; nothing is looked for inside of it.
const REPLACEMENT_OPENING: &str = "[redacted:";

/// Looks for what must not travel in `text`.
///
/// # Errors
///
/// A pattern of the settings does not compile.
pub(crate) fn scrub(settings: &Settings, text: &str) -> Result<ScrubReport, String> {
    let finder = Finder::new(settings)?;
    let mut spans = finder.find(text);
    let mut is_clean = false;
    for _ in 0..ROUNDS_MAX {
        let later = finder.find(&apply(text, &spans));
        if later.is_empty() {
            is_clean = true;
            break;
        }
        let mut all = carry_back(&spans, later);
        all.append(&mut spans);
        spans = merge(all);
    }
    Ok(report(settings, spans, is_clean))
}

fn report(settings: &Settings, mut spans: Vec<Span>, is_clean: bool) -> ScrubReport {
    let total = spans.len();
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for span in &spans {
        *by_kind.entry(span.kind.as_ref()).or_default() += 1;
    }
    let blocking = by_kind.keys().find(|kind| settings.block_kinds.iter().any(|blocked| blocked == *kind));
    let reason = if let Some(kind) = blocking {
        Some(format!("blocked: the text holds {kind}, which must not be stored at all"))
    } else if total > REDACTIONS_MAX {
        Some(format!("blocked: {total} redactions are needed, more than {REDACTIONS_MAX}"))
    } else if is_clean {
        None
    } else {
        Some("blocked: redacting keeps bringing up more to redact".to_owned())
    };
    let kinds: Vec<String> = by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let found =
        if kinds.is_empty() { "nothing to redact".to_owned() } else { format!("redacted: {}", kinds.join(", ")) };
    let data = json!({"redactions": total, "by_kind": by_kind, "omitted": total.saturating_sub(REDACTIONS_MAX)});
    let data = data.to_string();
    spans.truncate(REDACTIONS_MAX);
    ScrubReport {
        blocked: reason.is_some(),
        summary: reason.unwrap_or(found),
        redactions: spans.iter().map(redaction).collect(),
        data,
    }
}

fn redaction(span: &Span) -> Redaction {
    // A text has at most 1 MiB; beyond 4 GiB the host refuses the report.
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Redaction {
        kind: span.kind.clone().into_owned(),
        start: offset(span.start),
        end: offset(span.end),
        confidence: span.confidence,
        replacement: span.replacement(),
    }
}

/// Adds what it finds in the text.
type Find = fn(&str, &mut Vec<Span>);

/// The kinds of personal data and who looks for them.
const PERSONAL: [(&str, Find); 6] = [
    ("email", personal::emails),
    ("phone", personal::phones),
    ("credit_card", personal::cards),
    ("iban", personal::ibans),
    ("ipv4", network::ipv4),
    ("ipv6", network::ipv6),
];

/// Everything that looks for something, ready for use.
struct Finder<'s> {
    settings: &'s Settings,
    patterns: Vec<(&'s str, f32, Regex)>,
}

impl<'s> Finder<'s> {
    fn new(settings: &'s Settings) -> Result<Self, String> {
        let patterns = settings
            .custom_patterns
            .iter()
            .filter(|custom| settings.wants(&custom.kind))
            .map(|custom| match custom.compile() {
                Ok(regex) => Ok((custom.kind.as_str(), custom.confidence, regex)),
                Err(error) => Err(format!("settings member `custom_patterns`: {}: {error}", custom.kind)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { settings, patterns })
    }

    /// Everything found, sorted and disjoint.
    fn find(&self, text: &str) -> Vec<Span> {
        let mut found = self.secrets(text);
        for (_, find) in PERSONAL.iter().filter(|(kind, _)| self.settings.wants(kind)) {
            find(text, &mut found);
        }
        for (kind, confidence, regex) in &self.patterns {
            let spans = regex.find_iter(text).filter(|one| !one.is_empty()).map(|one| Span {
                start: one.start(),
                end: one.end(),
                kind: Cow::Owned((*kind).to_owned()),
                confidence: *confidence,
            });
            found.extend(spans);
        }
        found.retain(|span| self.must_go(text, span));
        merge(found)
    }

    fn secrets(&self, text: &str) -> Vec<Span> {
        let options = Options { min_entropy: self.settings.min_entropy, guess: self.settings.wants("generic_secret") };
        sluice_secrets::find(text.as_bytes(), &options)
            .into_iter()
            .filter(|found| self.settings.wants(found.kind.name()))
            .map(|found| Span {
                start: found.start,
                end: found.end,
                kind: found.kind.name().into(),
                confidence: found.confidence,
            })
            .collect()
    }

    /// Not what the operator allows, and not what stands for something redacted before.
    fn must_go(&self, text: &str, span: &Span) -> bool {
        let found = &text[span.start..span.end];
        let is_replacement =
            found.starts_with(REPLACEMENT_OPENING) && found.ends_with(']') && found.matches('[').count() == 1;
        !is_replacement && !self.settings.allow.iter().any(|allowed| allowed == found)
    }
}
