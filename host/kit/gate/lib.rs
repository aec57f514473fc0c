//! {{name}}: a gate that refuses work whose artifacts hold a forbidden word.
//!
//! A gate is asked once for each attempt. It reads the artifacts and nothing else, and answers `pass`, `fail` with
//! findings, or `needs_human`. An error is for the operator and never lets work pass.

use std::io::{BufRead, BufReader};

use serde::Deserialize;
use sluice_plugin::gate::{ArtifactReader, ArtifactSource, Finding, Gate, GateInput, Outcome, Severity, Verdict};
use sluice_plugin::{log, settings};

/// Findings that are told; the rest is counted.
const FINDINGS_MAX: usize = 100;

/// What an operator can say; the schema in `manifest.json` describes the same.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    forbidden: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { forbidden: vec!["FIXME".to_owned()] }
    }
}

/// The gate.
pub struct ForbiddenWords;

impl Gate for ForbiddenWords {
    fn evaluate(input: &GateInput, artifacts: &dyn ArtifactSource) -> Result<Verdict, String> {
        let settings: Settings = settings::parse()?;
        let (mut findings, mut found) = (Vec::new(), 0_usize);
        for artifact in &input.artifacts {
            let mut lines = BufReader::new(ArtifactReader::new(artifacts, &artifact.id));
            let (mut line, mut number) = (Vec::new(), 0_u32);
            while lines.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
                number = number.saturating_add(1);
                if let Some(word) = settings.forbidden.iter().find(|word| holds(&line, word)) {
                    found += 1;
                    if findings.len() < FINDINGS_MAX {
                        let message = format!("the line holds the forbidden word {word:?}");
                        let finding = Finding::new("forbidden-word", Severity::Error, message);
                        findings.push(finding.at(artifact.name.as_str(), Some(number)));
                    }
                }
                line.clear();
            }
        }
        log::info(&format!("{} artifacts, {found} forbidden words", input.artifacts.len()));
        let outcome = if found == 0 { Outcome::Pass } else { Outcome::Fail };
        let mut verdict = Verdict::new(outcome, format!("{found} lines with a forbidden word"));
        verdict.data = serde_json::json!({"found": found}).to_string();
        verdict.findings = findings;
        Ok(verdict)
    }

    fn check_settings(text: &str) -> Result<(), String> {
        let settings: Settings = settings::parse_text(text)?;
        if settings.forbidden.iter().any(String::is_empty) {
            return Err("settings member `forbidden`: a word cannot be empty".to_owned());
        }
        Ok(())
    }
}

fn holds(line: &[u8], word: &str) -> bool {
    line.windows(word.len().max(1)).any(|window| window == word.as_bytes())
}

sluice_plugin::export_gate!(ForbiddenWords);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::{MemoryArtifacts, set_settings};

    #[test]
    fn a_forbidden_word_fails_with_its_line() {
        set_settings("{}");
        let mut artifacts = MemoryArtifacts::new();
        artifacts.add("diff", "change.diff", "text/x-diff", "+one\n+two FIXME\n");
        let verdict = ForbiddenWords::evaluate(&artifacts.input("review"), &artifacts).unwrap();
        assert_eq!((verdict.outcome, verdict.findings[0].line), (Outcome::Fail, Some(2)));
    }

    #[test]
    fn words_come_from_the_settings() {
        set_settings(r#"{"forbidden": ["dbg!"]}"#);
        let mut artifacts = MemoryArtifacts::new();
        artifacts.add("diff", "change.diff", "text/x-diff", "+two FIXME\n");
        let verdict = ForbiddenWords::evaluate(&artifacts.input("review"), &artifacts).unwrap();
        assert_eq!(verdict.outcome, Outcome::Pass);
        assert!(ForbiddenWords::check_settings(r#"{"forbidden": [""]}"#).is_err());
    }
}
