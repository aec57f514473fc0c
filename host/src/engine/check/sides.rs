//! What two decisions are compared by, and how each side of a difference is told: the same for a check on what is
//! recorded and for a shadow beside what decides. Nothing of a text that is scrubbed is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use sluice_api::command::CommandView;

use crate::domain::gate::{Finding, Verdict};
use crate::engine::memory::is_kind;
use crate::engine::ports::{Judgement, ScrubReport};
use crate::wire;

/// Longest side of a difference, in bytes of JSON.
const SIDE_MAX_BYTES: usize = 16 * 1024;
/// Findings that a side of a difference tells.
const FINDINGS_TOLD: usize = 50;

/// A side of a difference, unless it is too long to be told.
pub(in crate::engine) fn bounded(side: Value) -> Value {
    let bytes = side.to_string().len();
    if bytes <= SIDE_MAX_BYTES { side } else { json!({"omitted_bytes": bytes}) }
}

/// Whether something took more than twice the fuel that it took then. Nothing is known of what took none.
pub(in crate::engine) fn is_slower(then: u64, now: u64) -> bool {
    then > 0 && now > then.saturating_mul(2)
}

/// What one reducer decided, as it is told.
pub(in crate::engine) fn commands_side(commands: &[CommandView], refusal: Option<Value>) -> Value {
    let mut side = json!({ "commands": commands });
    if let Some(refusal) = refusal {
        side["refusal"] = refusal;
    }
    side
}

/// The fuel that the verdict took; 0 when nothing tells.
pub(in crate::engine) fn fuel_of(verdict: &Verdict) -> u64 {
    wire::value_of(&verdict.data)["call"]["fuel"].as_u64().unwrap_or(0)
}

/// Whether a gate decides what was decided.
pub(in crate::engine) fn judged_same(judgement: &Judgement, verdict: &Verdict) -> bool {
    judgement.outcome == verdict.outcome && places(&judgement.findings) == places(&verdict.findings)
}

/// What findings are compared by: rule and file, each as often as it was found.
fn places(findings: &[Finding]) -> BTreeMap<(&str, Option<&str>), usize> {
    let mut places = BTreeMap::new();
    for finding in findings {
        *places.entry((finding.rule.as_str(), finding.path.as_deref())).or_default() += 1;
    }
    places
}

/// A verdict, as a difference tells it.
pub(in crate::engine) fn verdict_side(outcome: &str, summary: &str, findings: &[Finding]) -> Value {
    let told: Vec<Value> = findings
        .iter()
        .take(FINDINGS_TOLD)
        .map(|finding| json!({"rule": finding.rule, "path": finding.path, "severity": finding.severity.as_str()}))
        .collect();
    let mut side = json!({"outcome": outcome, "summary": summary, "findings": told});
    if findings.len() > FINDINGS_TOLD {
        side["finding_count"] = json!(findings.len());
    }
    side
}

/// How often a scrubber found what; `None` when what it calls a kind is no name, and could be the text.
pub(in crate::engine) fn found(report: &ScrubReport) -> Option<BTreeMap<&str, u32>> {
    let mut kinds = BTreeMap::new();
    for redaction in &report.redactions {
        if !is_kind(&redaction.kind) {
            return None;
        }
        *kinds.entry(redaction.kind.as_str()).or_default() += 1;
    }
    Some(kinds)
}

/// What a scrubber made of a text, as a difference tells it.
pub(in crate::engine) fn text_side<'k>(status: &str, counts: impl Iterator<Item = (&'k str, u32)>) -> Value {
    let findings: Vec<Value> = counts.map(|(kind, count)| json!({"kind": kind, "count": count})).collect();
    json!({"status": status, "findings": findings})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gate::Severity;
    use crate::domain::json::Json;

    #[test]
    fn findings_are_the_same_by_rule_and_file_however_they_are_worded() {
        let finding = |rule: &str, path: Option<&str>, message: &str| Finding {
            rule: rule.to_owned(),
            severity: Severity::Error,
            message: message.to_owned(),
            path: path.map(str::to_owned),
            line: None,
            data: Json::empty_object(),
        };
        let (a, b) = (finding("secret", Some("a"), "one"), finding("secret", Some("b"), "two"));
        let reworded = finding("secret", Some("a"), "three");
        assert_eq!(places(&[a.clone(), b.clone()]), places(&[b.clone(), reworded]));
        assert_ne!(places(&[a.clone(), a.clone()]), places(std::slice::from_ref(&a)), "as often");
        assert_ne!(places(&[a]), places(&[b]));
    }

    #[test]
    fn a_side_is_told_up_to_its_limit() {
        let fits = json!("x".repeat(SIDE_MAX_BYTES - 2));
        assert_eq!(bounded(fits.clone()), fits);
        let over = json!("x".repeat(SIDE_MAX_BYTES - 1));
        assert_eq!(bounded(over), json!({"omitted_bytes": SIDE_MAX_BYTES + 1}));
    }
}
