//! How the report comes about.
//!
//! Owns the promise that a scrubbed text is clean: cutting one stretch can bring together what was
//! apart, so the result is looked at again until nothing is found; a text that never comes clean is
//! blocked. Never puts anything of the text into the report.

use crate::finder::Finder;
use crate::settings::{Policy, Settings};
use crate::span::{Span, apply, carry_back, merge};
use sluice_plugin::scrubber::{Redaction, ScrubReport};
use sluice_plugin::serde_json::{Value, from_str, json};
use std::collections::BTreeMap;

/// Most redactions in one report (`wit/scrubber-0.1/types.wit`).
const REDACTIONS_MAX: usize = 10_000;

/// How far from a cut matchers look, in bytes; most look a fifth as far.
const AROUND_BYTES: usize = 512;

/// How often a scrubbed text is looked at again. Each round finds what the cuts of the one before
/// brought together; three suffice for everything seen in tests.
const ROUNDS_MAX: usize = 6;

/// Looks for what must not travel in `text`; `data` tells the tier it is bound for.
///
/// # Errors
///
/// A pattern of the settings does not compile.
pub(crate) fn scrub(settings: &Settings, text: &str, data: &str) -> Result<ScrubReport, String> {
    let data: Value = from_str(data).unwrap_or_default();
    let policy = settings.policy(data["tier"].as_str().unwrap_or_default());
    let finder = Finder::new(&policy)?;
    let mut spans = finder.find(text);
    // What nothing was cut from is as clean as it was found.
    let mut is_clean = spans.is_empty();
    // Nor need a text be looked at again that is blocked for what was found already.
    is_clean |= spans.len() > REDACTIONS_MAX;
    for _ in 0..ROUNDS_MAX {
        if is_clean {
            break;
        }
        let later = found_again(&finder, text, &spans);
        if later.is_empty() {
            is_clean = true;
            continue;
        }
        let mut all = carry_back(&spans, later);
        all.append(&mut spans);
        spans = merge(all);
    }
    Ok(report(&policy, spans, is_clean))
}

/// What is found in the text without `spans`, which are sorted and disjoint: near the cuts, because
/// nothing else has changed.
fn found_again(finder: &Finder<'_>, text: &str, spans: &[Span]) -> Vec<Span> {
    let scrubbed = apply(text, spans);
    let mut later = Vec::new();
    for (from, to) in regions(&scrubbed, spans) {
        let found = finder.find(&scrubbed[from..to]);
        later.extend(found.into_iter().map(|span| Span { start: span.start + from, end: span.end + from, ..span }));
    }
    later
}

/// The stretches of the scrubbed text around its cuts, up to the ends of their lines where those
/// are near; joined where they touch.
fn regions(scrubbed: &str, spans: &[Span]) -> Vec<(usize, usize)> {
    let bytes = scrubbed.as_bytes();
    let mut regions: Vec<(usize, usize)> = Vec::new();
    let (mut done, mut at) = (0, 0);
    for span in spans {
        let start = at + (span.start - done);
        let end = start + span.replacement().len();
        (done, at) = (span.end, end);
        let reach = |from: usize| {
            bytes[from.saturating_sub(AROUND_BYTES)..from]
                .iter()
                .rposition(|&b| b == b'\n')
                .map(|back| from.saturating_sub(AROUND_BYTES) + back + 1)
        };
        let near = start.saturating_sub(AROUND_BYTES);
        let from = scrubbed.floor_char_boundary(reach(near).unwrap_or(near.saturating_sub(AROUND_BYTES)));
        let far = (end + AROUND_BYTES).min(bytes.len());
        let to = (far + AROUND_BYTES).min(bytes.len());
        let to = scrubbed.ceil_char_boundary(bytes[far..to].iter().position(|&b| b == b'\n').map_or(to, |on| far + on));
        match regions.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => regions.push((from, to)),
        }
    }
    regions
}

fn report(policy: &Policy<'_>, mut spans: Vec<Span>, is_clean: bool) -> ScrubReport {
    let total = spans.len();
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for span in &spans {
        *by_kind.entry(span.kind.as_ref()).or_default() += 1;
    }
    let blocking = by_kind.keys().find(|kind| policy.blocks(kind));
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
