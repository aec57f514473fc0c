//! What an operator can set.
//!
//! Owns the defaults and the ranges; `manifest.json` tells the same to the host and to people, and
//! a test compares the two. Never reads a mission's budgets: [`crate::header`] does.

use serde::Deserialize;

/// What happens to a mission when one of its items has failed for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnItemFailure {
    /// The mission fails at once.
    #[default]
    FailMission,
    /// Items that do not depend on it go on; the mission fails when nothing can move any more.
    Continue,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Answers a planner may give before the mission fails.
    pub(crate) planner_max_attempts: u32,
    /// Open runs of one mission; its budget may lower it.
    pub(crate) max_parallel_runs: u32,
    /// Finished runs of one item; the mission's budget may lower it.
    pub(crate) max_attempts: u32,
    /// Milliseconds before the first retry.
    pub(crate) retry_backoff_ms: u64,
    /// The most milliseconds before a retry.
    pub(crate) retry_backoff_max_ms: u64,
    /// Requests for one gate's verdict on one attempt while the gate cannot decide.
    pub(crate) gate_max_errors: u32,
    /// What one item's failure means.
    pub(crate) on_item_failure: OnItemFailure,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            planner_max_attempts: 3,
            max_parallel_runs: 4,
            max_attempts: 3,
            retry_backoff_ms: 1000,
            retry_backoff_max_ms: 60_000,
            gate_max_errors: 3,
            on_item_failure: OnItemFailure::FailMission,
        }
    }
}

impl Settings {
    /// The settings bound to this call.
    pub(crate) fn bound() -> Result<Self, String> {
        sluice_plugin::settings::parse::<Self>()?.checked()
    }

    /// Settings as JSON text.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        sluice_plugin::settings::parse_text::<Self>(text)?.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let ranges = [
            ("planner_max_attempts", u64::from(self.planner_max_attempts), 1, 100),
            ("max_parallel_runs", u64::from(self.max_parallel_runs), 1, 500),
            ("max_attempts", u64::from(self.max_attempts), 1, 1000),
            ("retry_backoff_ms", self.retry_backoff_ms, 0, 86_400_000),
            ("retry_backoff_max_ms", self.retry_backoff_max_ms, 0, 86_400_000),
            ("gate_max_errors", u64::from(self.gate_max_errors), 1, 100),
        ];
        for (member, value, least, most) in ranges {
            if value < least || value > most {
                return Err(format!("settings member `{member}`: {value} is not within {least} and {most}"));
            }
        }
        if self.retry_backoff_max_ms < self.retry_backoff_ms {
            return Err(format!(
                "settings member `retry_backoff_max_ms`: {} is less than `retry_backoff_ms` ({})",
                self.retry_backoff_max_ms, self.retry_backoff_ms
            ));
        }
        Ok(self)
    }

    /// Milliseconds to wait after the `count`th failure, from 1: doubled each time, up to the
    /// most.
    pub(crate) fn backoff_ms(&self, count: u32) -> u64 {
        let factor = 1_u64.checked_shl(count.saturating_sub(1)).unwrap_or(u64::MAX);
        self.retry_backoff_ms.saturating_mul(factor).min(self.retry_backoff_max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_manifest_tells_the_same_defaults_and_ranges() {
        let manifest: Value = serde_json::from_str(include_str!("../manifest.json")).unwrap();
        let properties = manifest["settings_schema"]["properties"].as_object().unwrap();
        let defaults: serde_json::Map<String, Value> =
            properties.iter().map(|(name, property)| (name.clone(), property["default"].clone())).collect();
        assert_eq!(Settings::read(&Value::Object(defaults.clone()).to_string()).unwrap(), Settings::default());
        assert_eq!(defaults.len(), 7, "each setting stands in the manifest");
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{name}");
            for bound in ["minimum", "maximum"] {
                let Some(value) = property[bound].as_u64() else { continue };
                let most = serde_json::json!({"retry_backoff_max_ms": 86_400_000});
                let mut inside = most.clone();
                inside[name] = value.into();
                let is_pair = name.starts_with("retry_backoff_max") && bound == "minimum";
                assert!(is_pair || Settings::read(&inside.to_string()).is_ok(), "{inside}");
                let outside = if bound == "minimum" { value.checked_sub(1) } else { value.checked_add(1) };
                let Some(outside) = outside else { continue };
                let mut beyond = most;
                beyond[name] = outside.into();
                let error = Settings::read(&beyond.to_string()).unwrap_err();
                assert!(error.contains(name.as_str()), "{error}");
            }
        }
    }

    #[test]
    fn what_a_schema_cannot_say_is_checked() {
        let error = Settings::read(r#"{"retry_backoff_ms": 5000, "retry_backoff_max_ms": 4999}"#).unwrap_err();
        assert!(error.contains("`retry_backoff_max_ms`"), "{error}");
        assert!(Settings::read(r#"{"on_item_failure": "ignore"}"#).unwrap_err().contains("on_item_failure"));
        assert!(Settings::read(r#"{"max_parallel": 2}"#).unwrap_err().contains("max_parallel"));
    }

    #[test]
    fn back_off_doubles_up_to_the_most() {
        let settings = Settings::default();
        let delays: Vec<u64> = [1, 2, 3, 7, 64, 65, u32::MAX].map(|count| settings.backoff_ms(count)).to_vec();
        assert_eq!(delays, [1000, 2000, 4000, 60_000, 60_000, 60_000, 60_000]);
    }
}
