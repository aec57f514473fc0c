//! What an operator can say about scrubbing.
//!
//! Owns the defaults, the names of the kinds, and what a JSON Schema cannot judge. `manifest.json`
//! holds the same members with the same defaults; a test compares them.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sluice_secrets::Kind;
use std::collections::BTreeSet;

/// Kinds of personal data; the kinds of secrets stand in `sluice-secrets`.
pub(crate) const PERSONAL_KINDS: &[&str] = &["email", "phone", "credit_card", "iban", "ipv4", "ipv6"];

/// Most patterns of an operator's own, and the largest compiled form of one, in bytes.
const CUSTOM_PATTERNS_MAX: usize = 64;
const PATTERN_SIZE_MAX_BYTES: usize = 256 * 1024;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Kinds that are not looked for.
    pub(crate) disabled_kinds: Vec<String>,
    /// Kinds that block the whole text.
    pub(crate) block_kinds: Vec<String>,
    /// Values that may travel, exactly as they stand.
    pub(crate) allow: Vec<String>,
    /// Entropy in bits per byte from which a value given to a telling name counts as a secret.
    pub(crate) min_entropy: f32,
    /// The operator's own patterns.
    pub(crate) custom_patterns: Vec<CustomPattern>,
}

/// A pattern whose matches are redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomPattern {
    /// The kind of its redactions: lower case, digits, `_`.
    pub(crate) kind: String,
    /// A regular expression without look-around and back-references.
    pub(crate) pattern: String,
    /// How sure a match is, 0 to 1.
    #[serde(default = "CustomPattern::default_confidence")]
    pub(crate) confidence: f32,
}

impl CustomPattern {
    fn default_confidence() -> f32 {
        0.9
    }

    pub(crate) fn compile(&self) -> Result<Regex, regex_lite::Error> {
        RegexBuilder::new(&self.pattern).size_limit(PATTERN_SIZE_MAX_BYTES).build()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Logs and notes about machines are full of addresses that are no person's.
            disabled_kinds: vec!["ipv4".to_owned(), "ipv6".to_owned()],
            block_kinds: Vec::new(),
            allow: Vec::new(),
            min_entropy: 3.0,
            custom_patterns: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether `kind` is looked for.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        !self.disabled_kinds.iter().any(|disabled| disabled == kind)
    }

    /// Judges what the schema cannot.
    ///
    /// # Errors
    ///
    /// A sentence naming the member at fault.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(0.0..=8.0).contains(&self.min_entropy) {
            return Err("`min_entropy` must lie between 0 and 8 bits per byte".to_owned());
        }
        if self.allow.iter().any(|value| value.trim().is_empty()) {
            return Err("`allow` holds an empty value".to_owned());
        }
        self.check_custom_patterns()?;
        for (member, kinds) in [("disabled_kinds", &self.disabled_kinds), ("block_kinds", &self.block_kinds)] {
            if let Some(kind) = kinds.iter().find(|kind| !self.is_kind(kind)) {
                return Err(format!("`{member}`: there is no kind {kind:?}"));
            }
        }
        if let Some(kind) = self.block_kinds.iter().find(|kind| !self.wants(kind)) {
            return Err(format!("`block_kinds`: {kind} is among `disabled_kinds`, so it would never block"));
        }
        Ok(())
    }

    fn is_kind(&self, name: &str) -> bool {
        PERSONAL_KINDS.contains(&name)
            || Kind::from_name(name).is_some()
            || self.custom_patterns.iter().any(|custom| custom.kind == name)
    }

    fn check_custom_patterns(&self) -> Result<(), String> {
        if self.custom_patterns.len() > CUSTOM_PATTERNS_MAX {
            return Err(format!("`custom_patterns` holds more than {CUSTOM_PATTERNS_MAX} patterns"));
        }
        let mut kinds = BTreeSet::new();
        for (index, custom) in self.custom_patterns.iter().enumerate() {
            let member = format!("`custom_patterns[{index}]`");
            let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if custom.kind.is_empty() || custom.kind.len() > 60 || !custom.kind.bytes().all(is_name) {
                return Err(format!("{member}.kind must be 1 to 60 of: lower case, digits, `_`"));
            }
            if PERSONAL_KINDS.contains(&custom.kind.as_str()) || Kind::from_name(&custom.kind).is_some() {
                return Err(format!("{member}.kind: {} is a built-in kind", custom.kind));
            }
            if !kinds.insert(&custom.kind) {
                return Err(format!("{member}.kind {:?} is used twice", custom.kind));
            }
            if !(0.0..=1.0).contains(&custom.confidence) {
                return Err(format!("{member}.confidence must lie between 0 and 1"));
            }
            let regex = custom.compile().map_err(|error| format!("{member}.pattern: {error}"))?;
            let replacement = format!("[redacted:{}]", custom.kind);
            if regex.is_match("") || regex.is_match(&replacement) {
                return Err(format!("{member}.pattern matches the empty text or its own replacement"));
            }
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
        for (settings, part) in [
            (r#"{"min_entropy":9}"#, "`min_entropy`"),
            (r#"{"allow":[" "]}"#, "`allow`"),
            (r#"{"disabled_kinds":["nothing"]}"#, "`disabled_kinds`"),
            (r#"{"block_kinds":["ipv4"]}"#, "never block"),
            (r#"{"custom_patterns":[{"kind":"jwt","pattern":"x"}]}"#, "built-in"),
            (r#"{"custom_patterns":[{"kind":"a","pattern":"("}]}"#, "`custom_patterns[0]`.pattern"),
            (r#"{"custom_patterns":[{"kind":"a","pattern":"[a-z]+"}]}"#, "replacement"),
            (r#"{"custom_patterns":[{"kind":"a","pattern":"x1","confidence":2}]}"#, "confidence"),
        ] {
            let message = parse_text::<Settings>(settings).unwrap().check().unwrap_err();
            assert!(message.contains(part), "{settings}: {message}");
        }
    }
}
