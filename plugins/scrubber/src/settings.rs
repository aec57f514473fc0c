//! What an operator can say about scrubbing.
//!
//! Owns the defaults, the names of the kinds, and what a JSON Schema cannot judge. `manifest.json`
//! holds the same members with the same defaults; a test compares them.

use crate::personal;
use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sluice_secrets::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Names for all kinds of secrets and for all kinds of personal data together.
const SECRETS: &str = "secrets";
const PERSONAL: &str = "personal";

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
    /// What holds for texts bound for a tier, besides the above.
    pub(crate) tiers: BTreeMap<String, TierRules>,
    /// Values that may travel, exactly as they stand.
    pub(crate) allow: Vec<String>,
    /// Entropy in bits per byte from which a value given to a telling name counts as a secret.
    pub(crate) min_entropy: f32,
    /// The operator's own patterns.
    pub(crate) custom_patterns: Vec<CustomPattern>,
}

/// What one tier is stricter or laxer about.
#[expect(clippy::struct_field_names, reason = "the members of the settings are called so")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TierRules {
    /// Kinds that are not looked for.
    pub(crate) disabled_kinds: Vec<String>,
    /// Kinds that are looked for although `disabled_kinds` of all tiers names them.
    pub(crate) enabled_kinds: Vec<String>,
    /// Kinds that block the whole text.
    pub(crate) block_kinds: Vec<String>,
}

/// The settings as they hold for one tier.
pub(crate) struct Policy<'s> {
    pub(crate) settings: &'s Settings,
    tier: Option<&'s TierRules>,
    personal: BTreeSet<&'static str>,
}

impl Policy<'_> {
    /// Whether `kind` is looked for.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        let names = |kinds: &[String]| self.names(kinds, kind);
        let is_enabled = self.tier.is_some_and(|tier| names(&tier.enabled_kinds));
        is_enabled
            || !(names(&self.settings.disabled_kinds) || self.tier.is_some_and(|tier| names(&tier.disabled_kinds)))
    }

    /// Whether `kind` blocks the whole text.
    pub(crate) fn blocks(&self, kind: &str) -> bool {
        self.names(&self.settings.block_kinds, kind)
            || self.tier.is_some_and(|tier| self.names(&tier.block_kinds, kind))
    }

    fn names(&self, kinds: &[String], kind: &str) -> bool {
        let group = if self.personal.contains(kind) { PERSONAL } else { SECRETS };
        kinds.iter().any(|one| one == kind || one == group)
    }
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
            disabled_kinds: vec!["ipv4".to_owned(), "ipv6".to_owned(), "postal_address".to_owned()],
            block_kinds: Vec::new(),
            tiers: BTreeMap::new(),
            allow: Vec::new(),
            min_entropy: 3.0,
            custom_patterns: Vec::new(),
        }
    }
}

impl Settings {
    /// What holds for texts bound for `tier`.
    pub(crate) fn policy(&self, tier: &str) -> Policy<'_> {
        Policy { settings: self, tier: self.tiers.get(tier), personal: personal::kinds() }
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
        let policy = self.policy("");
        self.check_names(&policy, "disabled_kinds", &self.disabled_kinds)?;
        self.check_names(&policy, "block_kinds", &self.block_kinds)?;
        Self::check_blocking(&policy, "block_kinds", &self.block_kinds)?;
        for (tier, rules) in &self.tiers {
            let policy = self.policy(tier);
            let member = |name: &str| format!("tiers.{tier}.{name}");
            self.check_names(&policy, &member("disabled_kinds"), &rules.disabled_kinds)?;
            self.check_names(&policy, &member("enabled_kinds"), &rules.enabled_kinds)?;
            self.check_names(&policy, &member("block_kinds"), &rules.block_kinds)?;
            Self::check_blocking(&policy, &member("block_kinds"), &rules.block_kinds)?;
        }
        Ok(())
    }

    fn check_names(&self, policy: &Policy<'_>, member: &str, kinds: &[String]) -> Result<(), String> {
        let is_kind = |name: &str| {
            name == SECRETS
                || name == PERSONAL
                || policy.personal.contains(name)
                || Kind::from_name(name).is_some()
                || self.custom_patterns.iter().any(|custom| custom.kind == name)
        };
        match kinds.iter().find(|kind| !is_kind(kind)) {
            Some(kind) => Err(format!("`{member}`: there is no kind {kind:?}")),
            None => Ok(()),
        }
    }

    fn check_blocking(policy: &Policy<'_>, member: &str, kinds: &[String]) -> Result<(), String> {
        let is_group = |kind: &str| kind == SECRETS || kind == PERSONAL;
        match kinds.iter().find(|kind| !is_group(kind) && !policy.wants(kind)) {
            Some(kind) => Err(format!("`{member}`: {kind} is among `disabled_kinds`, so it would never block")),
            None => Ok(()),
        }
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
            if personal::kinds().contains(custom.kind.as_str()) || Kind::from_name(&custom.kind).is_some() {
                return Err(format!("{member}.kind: {} is a built-in kind", custom.kind));
            }
            if !kinds.insert(&custom.kind) {
                return Err(format!("{member}.kind {:?} is used twice", custom.kind));
            }
            if !(0.0..=1.0).contains(&custom.confidence) {
                return Err(format!("{member}.confidence must lie between 0 and 1"));
            }
            let regex = custom.compile().map_err(|error| format!("{member}.pattern: {error}"))?;
            let replacement = format!("[REDACTED:{}]", custom.kind);
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
            (r#"{"custom_patterns":[{"kind":"a","pattern":"[A-Z]+"}]}"#, "replacement"),
            (r#"{"tiers":{"team":{"block_kinds":["nothing"]}}}"#, "`tiers.team.block_kinds`"),
            (r#"{"tiers":{"team":{"block_kinds":["ipv4"]}}}"#, "never block"),
            (r#"{"custom_patterns":[{"kind":"a","pattern":"x1","confidence":2}]}"#, "confidence"),
        ] {
            let message = parse_text::<Settings>(settings).unwrap().check().unwrap_err();
            assert!(message.contains(part), "{settings}: {message}");
        }
    }
}
