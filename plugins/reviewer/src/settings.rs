//! What an operator can say about a review.
//!
//! Owns the defaults and what a JSON Schema cannot judge. `manifest.json` holds the same members
//! with the same defaults; a test compares them.

use crate::rule::{FIXED, GROUPS, RULES};
use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sluice_rules::{Globs, Level};
use sluice_secrets::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Most patterns of an operator's own.
const CUSTOM_PATTERNS_MAX: usize = 64;

/// Largest compiled form of one pattern, in bytes.
const PATTERN_SIZE_MAX_BYTES: usize = 256 * 1024;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether an attempt without a diff fails.
    pub require_diff: bool,
    /// The least severity that fails the gate.
    pub fail_severity: Level,
    /// Rules (`secrets/jwt`) and groups (`unicode`) that are switched off.
    pub disabled: Vec<String>,
    /// Severities of rules and groups, in place of their own.
    pub severities: BTreeMap<String, Level>,
    /// Entropy in bits per byte from which a value given to a telling name counts as a secret.
    pub secrets_min_entropy: f32,
    /// Values that are no secrets, such as the example keys of a vendor's documentation.
    pub secrets_allow: Vec<String>,
    /// Paths in which secrets are not looked for.
    pub secrets_ignore_paths: Globs,
    /// A comment that lets a line's secrets pass; empty means that there is none.
    pub allow_comment: String,
    /// Paths that must not be touched.
    pub forbidden_paths: Globs,
    /// Paths whose change a person has to decide on.
    pub needs_human_paths: Globs,
    /// Most files a change may touch; none means any number.
    pub max_files: Option<u64>,
    /// Most lines a change may add and remove; none means any number.
    pub max_lines: Option<u64>,
    /// Paths that do not count for size: generated files.
    pub size_ignore_paths: Globs,
    /// Paths that hold code.
    pub code_paths: Globs,
    /// Paths that hold tests.
    pub test_paths: Globs,
    /// Texts in added lines or hunk headings that show that tests changed inside a code file.
    pub test_markers: Vec<String>,
    /// The operator's own patterns.
    pub custom_patterns: Vec<CustomPattern>,
}

/// A pattern that added lines and text artifacts are searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomPattern {
    /// The rule's name will be `custom/<name>`: lower case, digits, `-`, `_`, `.`.
    pub name: String,
    /// A regular expression without look-around and back-references.
    pub pattern: String,
    /// What the finding says.
    pub message: String,
    /// How much it matters.
    #[serde(default = "CustomPattern::default_severity")]
    pub severity: Level,
    /// Where it applies; empty means everywhere.
    #[serde(default)]
    pub paths: Globs,
}

impl CustomPattern {
    fn default_severity() -> Level {
        Level::Error
    }

    pub(crate) fn compile(&self) -> Result<Regex, regex_lite::Error> {
        RegexBuilder::new(&self.pattern).size_limit(PATTERN_SIZE_MAX_BYTES).build()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            require_diff: true,
            fail_severity: Level::Error,
            disabled: Vec::new(),
            severities: BTreeMap::new(),
            secrets_min_entropy: 3.0,
            secrets_allow: Vec::new(),
            secrets_ignore_paths: Globs::default(),
            allow_comment: String::new(),
            forbidden_paths: built_in(FORBIDDEN_PATHS),
            needs_human_paths: Globs::default(),
            max_files: Some(200),
            max_lines: Some(5_000),
            size_ignore_paths: built_in(GENERATED_PATHS),
            code_paths: built_in(CODE_PATHS),
            test_paths: built_in(TEST_PATHS),
            test_markers: TEST_MARKERS.iter().map(|&marker| marker.to_owned()).collect(),
            custom_patterns: Vec::new(),
        }
    }
}

impl Settings {
    /// Judges what the schema cannot.
    ///
    /// # Errors
    ///
    /// A sentence naming the member at fault.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=8.0).contains(&self.secrets_min_entropy) {
            return Err("`secrets_min_entropy` must lie between 0 and 8 bits per byte".to_owned());
        }
        if !self.allow_comment.is_empty() && self.allow_comment.trim().len() < 4 {
            return Err("`allow_comment` must be at least four characters, or it allows nearly every line".to_owned());
        }
        for name in &self.disabled {
            self.check_rule_name(name, "disabled")?;
            if FIXED.contains(&name.as_str()) {
                return Err(format!("`disabled`: the rule {name} guards the review itself and stays on"));
            }
        }
        for name in self.severities.keys() {
            self.check_rule_name(name, "severities")?;
        }
        if let Some(marker) = self.test_markers.iter().find(|marker| marker.trim().is_empty()) {
            return Err(format!("`test_markers` holds {marker:?}, which every line contains"));
        }
        self.check_custom_patterns()
    }

    fn check_rule_name(&self, name: &str, member: &str) -> Result<(), String> {
        let is_known = RULES.iter().any(|(rule, _)| *rule == name)
            || GROUPS.contains(&name)
            || name.strip_prefix("secrets/").is_some_and(|kind| Kind::from_name(kind).is_some())
            || name.strip_prefix("custom/").is_some_and(|own| self.custom_patterns.iter().any(|p| p.name == own));
        if is_known { Ok(()) } else { Err(format!("`{member}`: there is no rule or group {name:?}")) }
    }

    fn check_custom_patterns(&self) -> Result<(), String> {
        if self.custom_patterns.len() > CUSTOM_PATTERNS_MAX {
            return Err(format!("`custom_patterns` holds more than {CUSTOM_PATTERNS_MAX} patterns"));
        }
        let mut names = BTreeSet::new();
        for (index, custom) in self.custom_patterns.iter().enumerate() {
            let member = format!("`custom_patterns[{index}]`");
            let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
            if custom.name.is_empty() || custom.name.len() > 80 || !custom.name.bytes().all(is_name) {
                return Err(format!("{member}.name must be 1 to 80 of: lower case, digits, `-`, `_`, `.`"));
            }
            if !names.insert(&custom.name) {
                return Err(format!("{member}.name {:?} is used twice", custom.name));
            }
            let regex = custom.compile().map_err(|error| format!("{member}.pattern: {error}"))?;
            if regex.is_match("") {
                return Err(format!("{member}.pattern matches the empty text, hence every line"));
            }
        }
        Ok(())
    }
}

fn built_in(patterns: &[&str]) -> Globs {
    // Unwrap safety: the lists below are fixed; a test compiles each of them.
    #[expect(clippy::unwrap_used, reason = "see the line above")]
    Globs::new(patterns).unwrap()
}

const FORBIDDEN_PATHS: &[&str] = &[
    ".env",
    ".env.local",
    ".env.production",
    "*.pem",
    "*.p12",
    "*.pfx",
    "*.key",
    "*.keystore",
    "*.jks",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    ".pgpass",
    ".htpasswd",
    "**/.git/**",
    "**/.ssh/**",
    "**/.aws/credentials",
    "**/.gnupg/**",
];

const GENERATED_PATHS: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "*.snap",
    "*.min.js",
];

const CODE_PATHS: &[&str] =
    &["*.{rs,go,py,rb,php,java,kt,scala,cs,swift,c,cc,cpp,h,hpp,js,jsx,mjs,ts,tsx,ex,exs,erl,hs,ml,lua,sh}"];

const TEST_PATHS: &[&str] = &[
    "**/{test,tests,__tests__,spec,specs,testing}/**",
    "**/src/test/**",
    "*_test.*",
    "*_tests.*",
    "test_*.*",
    "tests.rs",
    "*.{test,spec}.*",
    "*_spec.*",
    "*Test.{java,kt,cs,scala,swift,php}",
    "*Tests.{java,kt,cs,scala,swift}",
    "conftest.py",
    "*.{snap,t,bats}",
];

const TEST_MARKERS: &[&str] = &["#[test]", "#[tokio::test", "#[cfg(test)]", "mod tests", "#[rstest", "proptest!"];

#[cfg(test)]
mod tests {
    use super::Settings;
    use sluice_plugin::settings::parse_text;

    fn refusal(settings: &str) -> String {
        parse_text::<Settings>(settings).unwrap().check().unwrap_err()
    }

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
    fn the_defaults_are_accepted() {
        Settings::default().check().unwrap();
        parse_text::<Settings>(
            r#"{"custom_patterns":[{"name":"no-print","pattern":"println!","message":"use the log"}]}"#,
        )
        .unwrap()
        .check()
        .unwrap();
    }

    #[test]
    fn what_the_schema_cannot_see_is_refused_by_name() {
        for (settings, part) in [
            (r#"{"secrets_min_entropy":9}"#, "`secrets_min_entropy`"),
            (r#"{"disabled":["secrets/nothing"]}"#, "secrets/nothing"),
            (r#"{"disabled":["paths/traversal"]}"#, "paths/traversal"),
            (r#"{"severities":{"nothing":"info"}}"#, "`severities`"),
            (r#"{"allow_comment":"x"}"#, "`allow_comment`"),
            (r#"{"test_markers":[" "]}"#, "`test_markers`"),
            (r#"{"custom_patterns":[{"name":"a","pattern":"(","message":"m"}]}"#, "`custom_patterns[0]`.pattern"),
            (r#"{"custom_patterns":[{"name":"a","pattern":"x*","message":"m"}]}"#, "every line"),
            (r#"{"custom_patterns":[{"name":"A b","pattern":"x","message":"m"}]}"#, "`custom_patterns[0]`.name"),
        ] {
            let message = refusal(settings);
            assert!(message.contains(part), "{settings}: {message}");
        }
        let error = parse_text::<Settings>(r#"{"forbidden_paths":["a","["]}"#).unwrap_err();
        assert!(error.contains("forbidden_paths"), "{error}");
    }
}
