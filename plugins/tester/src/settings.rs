//! What an operator can say about tests.
//!
//! Owns the defaults and what a JSON Schema cannot judge. `manifest.json` holds the same members
//! with the same defaults; a test compares them.

use serde::{Deserialize, Serialize};
use sluice_rules::{Globs, Level};

/// Most suites that may be required; each is one bit of a mask.
pub(crate) const REQUIRED_MAX: usize = 64;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The least number of tests that must have run, skipped ones not counted.
    pub(crate) min_tests: u64,
    /// The most tests that may fail.
    pub(crate) max_failures: u64,
    /// The most tests that may be skipped; none means any number.
    pub(crate) max_skipped: Option<u64>,
    /// Suites that must have run and passed: names or globs.
    pub(crate) required_suites: Globs,
    /// The least share of lines covered, in percent; none means that coverage is not required.
    pub(crate) min_line_coverage: Option<f64>,
    /// The least share of branches covered, in percent.
    pub(crate) min_branch_coverage: Option<f64>,
    /// How much a test matters that failed and then passed.
    pub(crate) flaky_severity: Level,
    /// The most seconds all tests may take together.
    pub(crate) max_duration_s: Option<f64>,
    /// Kinds of artifacts that are reports and nothing else.
    pub(crate) report_kinds: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let kinds = ["test_report", "test-report", "test_results", "junit", "tap", "coverage"];
        Self {
            min_tests: 1,
            max_failures: 0,
            max_skipped: None,
            required_suites: Globs::default(),
            min_line_coverage: None,
            min_branch_coverage: None,
            flaky_severity: Level::Warning,
            max_duration_s: None,
            report_kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        }
    }
}

impl Settings {
    /// Judges what the schema cannot.
    ///
    /// # Errors
    ///
    /// A sentence naming the member at fault.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (member, percent) in
            [("min_line_coverage", self.min_line_coverage), ("min_branch_coverage", self.min_branch_coverage)]
        {
            if percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
                return Err(format!("`{member}` must lie between 0 and 100 percent"));
            }
        }
        if self.max_duration_s.is_some_and(|seconds| !(seconds.is_finite() && seconds > 0.0)) {
            return Err("`max_duration_s` must be a positive number of seconds".to_owned());
        }
        if self.required_suites.iter().count() > REQUIRED_MAX {
            return Err(format!("`required_suites` holds more than {REQUIRED_MAX} suites"));
        }
        if self.report_kinds.iter().any(|kind| kind.trim().is_empty()) {
            return Err("`report_kinds` holds an empty kind".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use sluice_plugin::settings::parse_text;

    #[test]
    fn the_manifest_has_the_same_members_and_defaults() {
        let manifest: serde_json::Value = serde_json::from_str(include_str!("../manifest.json")).unwrap();
        let schema = &manifest["settings_schema"];
        assert_eq!(schema["additionalProperties"], false);
        let mut defaults = serde_json::Map::new();
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].as_str().is_some_and(|text| text.len() > 20), "{name}");
            defaults.insert(name.clone(), property["default"].clone());
        }
        assert_eq!(serde_json::Value::Object(defaults), serde_json::to_value(Settings::default()).unwrap());
    }

    #[test]
    fn what_the_schema_cannot_see_is_refused_by_name() {
        Settings::default().check().unwrap();
        let many: Vec<String> = (0..65).map(|i| format!("\"s{i}\"")).collect();
        for (settings, part) in [
            (r#"{"min_line_coverage":101}"#.to_owned(), "`min_line_coverage`"),
            (r#"{"min_branch_coverage":-1}"#.to_owned(), "`min_branch_coverage`"),
            (r#"{"max_duration_s":0}"#.to_owned(), "`max_duration_s`"),
            (r#"{"report_kinds":[""]}"#.to_owned(), "`report_kinds`"),
            (format!(r#"{{"required_suites":[{}]}}"#, many.join(",")), "`required_suites`"),
        ] {
            let message = parse_text::<Settings>(&settings).unwrap().check().unwrap_err();
            assert!(message.contains(part), "{settings}: {message}");
        }
        assert!(parse_text::<Settings>(r#"{"required_suites":["["]}"#).unwrap_err().contains("required_suites"));
    }
}
