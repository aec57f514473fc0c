//! Calls the scrubber and makes of its answer what is kept of a text.
//!
//! A scrubber only points; the text is cut here. One that fails, in whatever way, blocks. What it
//! says in words is never passed on: a faulty one could put the text itself there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::fingerprint::FingerprintKey;
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::memory::{MemoryKind, ScrubStatus, Scrubbed, Tier};
use crate::domain::plugin::Binding;
use crate::engine::ports::{Redaction, ScrubReport};
use crate::engine::shadow::AskedText;
use crate::engine::{Engine, EngineError};
use crate::wire;

/// Longest kind of a finding, in bytes.
const KIND_MAX_BYTES: usize = 60;
/// Longest replacement that is taken over, in bytes.
const REPLACEMENT_MAX_BYTES: usize = 80;
/// Most fingerprints the audit keeps of one text.
const FINGERPRINTS_MAX: usize = 20;

/// Where a text is bound for: what a scrubber is told beside it.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'d> {
    /// The workspace, whose scrubber it is.
    pub workspace_id: &'d WorkspaceId,
    /// The tier.
    pub tier: Tier,
    /// How confidential its author takes it to be.
    pub classification: &'d str,
    /// What it is.
    pub kind: MemoryKind,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: String,
    /// First byte of it in the given text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// How sure the scrubber is, 0 to 1.
    pub confidence: f32,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrubResult {
    /// How it came out.
    pub status: ScrubStatus,
    /// The text that may be kept; empty when none may.
    pub text: String,
    /// What was found, by start.
    pub findings: Vec<Finding>,
    /// Why it is blocked.
    pub reason: Option<String>,
    /// The scrubber, as people know it.
    pub plugin: String,
    /// The scrubber.
    pub digest: Digest,
    /// Keyed fingerprints of what was found, with their kinds; at most 20.
    pub fingerprints: Vec<(String, String)>,
}

impl ScrubResult {
    /// What is remembered of it.
    pub(super) fn summary(&self) -> Scrubbed {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(&finding.kind).or_default() += 1;
        }
        let counts = counts.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
        Scrubbed { status: self.status, counts, scrubber: self.digest.clone() }
    }

    /// What the audit keeps of it.
    pub(super) fn audited(&self) -> Value {
        let counts = self.summary().counts;
        let fingerprints = self.fingerprints.iter().map(|(kind, print)| json!({"kind": kind, "fingerprint": print}));
        json!({
            "status": self.status.as_str(),
            "plugin": self.plugin,
            "digest": self.digest.as_str(),
            "findings": counts.iter().map(|(kind, count)| json!({"kind": kind, "count": count})).collect::<Vec<_>>(),
            "fingerprints": fingerprints.collect::<Vec<_>>(),
            "reason": self.reason,
        })
    }
}

impl Engine {
    /// What the workspace's scrubber makes of a text. Nothing is kept of it.
    ///
    /// # Errors
    /// Storage, and when this process is going down; a scrubber that fails has blocked the text.
    pub async fn scrub(&self, text: &str, to: Destination<'_>) -> Result<ScrubResult, EngineError> {
        let bound = self.bound(to.workspace_id).await?;
        if let Err(unsigned) = bound.check_signed() {
            tracing::warn!(workspace_id = %to.workspace_id, %unsigned, "a text is blocked");
            return Ok(blocked(&nobody(), "a component of the workspace is not signed as it has to be".to_owned()));
        }
        let Some(binding) = bound.scrubber.clone() else {
            return Ok(blocked(&nobody(), "no scrubber is bound, and nothing is kept unscrubbed".to_owned()));
        };
        if let Err(error) = self.have_component(&binding.digest).await {
            tracing::warn!(plugin = binding.label(), %error, "a scrubber cannot be called; its text is blocked");
            return Ok(blocked(&binding, "the scrubber failed (host_fault)".to_owned()));
        }
        let data = wire::json_of(&json!({
            "tier": to.tier.as_str(),
            "classification": to.classification,
            "kind": to.kind.as_str(),
        }));
        let (plugins, called_with, given) = (Arc::clone(&self.parts.plugins), binding.clone(), text.to_owned());
        let told = data.clone();
        let called =
            tokio::task::spawn_blocking(move || plugins.scrub(&called_with, &given, &data)).await.map_err(|error| {
                EngineError::HostFault(if error.is_panic() { "a scrubber's call" } else { "ending" }.to_owned())
            })?;
        let fuel = match &called {
            Ok(report) => report.report.fuel,
            Err(failed) => failed.report.fuel,
        };
        let result = match called {
            Ok(report) => scrubbed(&report, text, &binding, &self.parts.options.memory.fingerprints),
            Err(failed) => {
                // Its message may hold words of the guest's, and they may be the text.
                tracing::warn!(
                    plugin = binding.label(),
                    kind = failed.failure.kind(),
                    "a scrubber failed; its text is blocked"
                );
                blocked(&binding, format!("the scrubber failed ({})", failed.failure.kind()))
            }
        };
        self.shadow_text(&bound, || AskedText {
            text: text.to_owned(),
            data: told,
            kind: to.kind,
            result: result.clone(),
            fuel,
        });
        Ok(result)
    }
}

/// Stands for the scrubber where there is none.
fn nobody() -> Binding {
    Binding {
        name: "none".to_owned(),
        version: "0".to_owned(),
        digest: Digest::of(b""),
        settings: crate::domain::json::Json::empty_object(),
    }
}

fn blocked(binding: &Binding, reason: String) -> ScrubResult {
    ScrubResult {
        status: ScrubStatus::Blocked,
        text: String::new(),
        findings: Vec::new(),
        reason: Some(reason),
        plugin: binding.label(),
        digest: binding.digest.clone(),
        fingerprints: Vec::new(),
    }
}

/// What a scrubber's report makes of `text`. Its redactions are sorted, disjoint and on boundaries of
/// characters already.
pub(in crate::engine) fn scrubbed(
    report: &ScrubReport,
    text: &str,
    binding: &Binding,
    key: &FingerprintKey,
) -> ScrubResult {
    if report.redactions.iter().any(|redaction| !is_kind(&redaction.kind)) {
        return blocked(binding, "the scrubber failed (its kinds are no names)".to_owned());
    }
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    let mut fingerprints = Vec::new();
    for redaction in &report.redactions {
        let (Some(before), Some(cut)) = (text.get(at..redaction.start), text.get(redaction.start..redaction.end))
        else {
            return blocked(binding, "the scrubber failed (its spans do not fit the text)".to_owned());
        };
        kept.push_str(before);
        kept.push_str(&replacement(redaction, cut));
        at = redaction.end;
        let print = (redaction.kind.clone(), key.of(&redaction.kind, cut));
        if fingerprints.len() < FINGERPRINTS_MAX && !fingerprints.contains(&print) {
            fingerprints.push(print);
        }
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    let findings = report.redactions.iter().map(|redaction| Finding {
        kind: redaction.kind.clone(),
        start: redaction.start,
        end: redaction.end,
        confidence: redaction.confidence,
    });
    let status = match (report.blocked, report.redactions.is_empty()) {
        (true, _) => ScrubStatus::Blocked,
        (false, false) => ScrubStatus::Redacted,
        (false, true) => ScrubStatus::Passed,
    };
    let is_blocked = status == ScrubStatus::Blocked;
    ScrubResult {
        status,
        text: if is_blocked { String::new() } else { kept },
        findings: findings.collect(),
        reason: is_blocked.then(|| "the scrubber's settings block texts with what was found".to_owned()),
        plugin: binding.label(),
        digest: binding.digest.clone(),
        fingerprints,
    }
}

/// Whether a kind is a name, and nothing that could carry a text.
pub(in crate::engine) fn is_kind(kind: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    (1..=KIND_MAX_BYTES).contains(&kind.len()) && kind.bytes().all(is_name)
}

/// What stands in place of `cut`: what the scrubber says, unless that could be `cut` itself.
fn replacement(redaction: &Redaction, cut: &str) -> String {
    let given = redaction.replacement.as_str();
    let inner = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_plain = inner.is_some_and(|inner| {
        inner.len() <= REPLACEMENT_MAX_BYTES
            && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":_.-".contains(&byte))
            && !inner.contains(cut.trim())
    });
    if is_plain { given.to_owned() } else { format!("[REDACTED:{}]", redaction.kind) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::Json;
    use crate::engine::ports::CallReport;

    fn made(text: &str, redactions: &[(&str, usize, usize, &str)], is_blocked: bool) -> ScrubResult {
        let redactions = redactions.iter().map(|(kind, start, end, replacement)| Redaction {
            kind: (*kind).to_owned(),
            start: *start,
            end: *end,
            confidence: 1.0,
            replacement: (*replacement).to_owned(),
        });
        let report = ScrubReport {
            blocked: is_blocked,
            summary: text.to_owned(),
            redactions: redactions.collect(),
            data: Json::empty_object(),
            report: CallReport::default(),
        };
        let binding = Binding {
            name: "s".to_owned(),
            version: "1".to_owned(),
            digest: Digest::of(b"s"),
            settings: Json::empty_object(),
        };
        scrubbed(&report, text, &binding, &FingerprintKey::random())
    }

    #[test]
    fn what_is_pointed_at_is_cut_and_nothing_else() {
        let text = "mail a@b.example, key hunter22!";
        let result = made(text, &[("email", 5, 16, "[REDACTED:email]"), ("password", 22, 30, "hunter22")], false);
        assert_eq!(result.text, "mail [REDACTED:email], key [REDACTED:password]!");
        assert_eq!(result.status, ScrubStatus::Redacted);
        assert_eq!(result.summary().counts, [("email".to_owned(), 1), ("password".to_owned(), 1)]);
        assert_eq!(result.fingerprints.len(), 2);
        assert_eq!((made(text, &[], false).text.as_str(), made(text, &[], false).status), (text, ScrubStatus::Passed));
    }

    #[test]
    fn a_scrubber_cannot_hand_the_text_on_by_another_way() {
        let text = "key hunter22";
        for (kind, replacement) in [("password", "[hunter22]"), ("password", ""), ("password", "[a b]")] {
            assert_eq!(made(text, &[(kind, 4, 12, replacement)], false).text, "key [REDACTED:password]");
        }
        for (redactions, is_blocked) in
            [(&[("Key hunter22", 4, 12, "")][..], false), (&[], true), (&[("k", 4, 13, "")], false)]
        {
            let result = made(text, redactions, is_blocked);
            assert_eq!((result.status, result.text.as_str()), (ScrubStatus::Blocked, ""));
            assert!(!format!("{result:?}").contains("hunter22"), "{result:?}");
        }
    }
}
