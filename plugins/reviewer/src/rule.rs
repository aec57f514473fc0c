//! The names of the rules, their severities, and how a finding is reported.
//!
//! Owns which rules exist and how settings change or silence them. Never looks at content.

use crate::settings::Settings;
use sluice_plugin::gate::Finding;
use sluice_rules::{Findings, Level};
use std::collections::BTreeMap;

/// Rules without a variable part, with their severity unless settings say otherwise.
pub(crate) const RULES: &[(&str, Level)] = &[
    ("binary/artifact", Level::Info),
    ("binary/file", Level::Warning),
    ("conflict/markers", Level::Error),
    ("diff/malformed", Level::Error),
    ("diff/missing", Level::Error),
    ("mode/executable", Level::Info),
    ("mode/submodule", Level::Warning),
    ("mode/symlink", Level::Warning),
    ("mode/symlink-escape", Level::Critical),
    ("mode/unusual", Level::Warning),
    ("paths/forbidden", Level::Error),
    ("paths/needs-human", Level::Info),
    ("paths/traversal", Level::Critical),
    ("secrets/allowed", Level::Info),
    ("size/files", Level::Error),
    ("size/lines", Level::Error),
    ("tests/missing", Level::Warning),
    ("unicode/bidi", Level::Error),
    ("unicode/control", Level::Warning),
    ("unicode/zero-width", Level::Warning),
];

/// Rules that guard the review itself: an operator may not silence them or make them lighter than
/// what fails.
pub(crate) const FIXED: &[&str] = &["diff/malformed", "paths/traversal"];

/// The groups whose rules have a variable part: `secrets/<kind>`, `custom/<name>`.
pub(crate) const GROUPS: &[&str] =
    &["binary", "conflict", "custom", "mode", "paths", "secrets", "size", "tests", "unicode"];

/// Collects findings under the operator's settings.
pub(crate) struct Reporter<'s> {
    disabled: &'s [String],
    severities: &'s BTreeMap<String, Level>,
    fail_severity: Level,
    pub(crate) findings: Findings,
}

impl<'s> Reporter<'s> {
    pub(crate) fn new(settings: &'s Settings) -> Self {
        Self {
            disabled: &settings.disabled,
            severities: &settings.severities,
            fail_severity: settings.fail_severity,
            findings: Findings::default(),
        }
    }

    /// Whether `rule`, or its whole group, is switched off.
    pub(crate) fn is_disabled(&self, rule: &str) -> bool {
        !FIXED.contains(&rule) && self.disabled.iter().any(|name| name == rule || name == group(rule))
    }

    /// Adds a finding of `rule` unless it is switched off. `default` counts where neither the
    /// table nor the settings know the rule.
    pub(crate) fn report(&mut self, rule: &str, default: Level, message: String, path: &str, line: Option<u32>) {
        if self.is_disabled(rule) {
            return;
        }
        let known = RULES.iter().find(|(name, _)| *name == rule).map_or(default, |(_, level)| *level);
        let asked = self.severities.get(rule).or_else(|| self.severities.get(group(rule)));
        let mut level = asked.copied().unwrap_or(known);
        if FIXED.contains(&rule) {
            level = level.max(self.fail_severity);
        }
        let finding = Finding::new(rule, level.into(), message);
        self.findings.add(if path.is_empty() { finding } else { finding.at(path, line) });
    }
}

fn group(rule: &str) -> &str {
    rule.split('/').next().unwrap_or(rule)
}
