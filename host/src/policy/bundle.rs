//! What comes with the host: the schema, the default policies, and the presets.

use std::sync::LazyLock;

use cedar_policy::{PolicySet, Schema};

use super::text::{Origin, read};
use crate::domain::policy::{PolicySource, Preset};

/// The schema, as text.
pub const SCHEMA_TEXT: &str = include_str!("../../../specs/policy/schema.cedarschema");
/// The default policies, as text.
pub const DEFAULT_TEXT: &str = include_str!("../../../specs/policy/default.cedar");

/// A preset's policies, as text.
pub fn preset_text(preset: Preset) -> &'static str {
    match preset {
        Preset::ObserveOnly => include_str!("../../../specs/policy/presets/observe-only.cedar"),
        Preset::ReadOnly => include_str!("../../../specs/policy/presets/read-only.cedar"),
        Preset::ReviewedEgress => include_str!("../../../specs/policy/presets/reviewed-egress.cedar"),
        Preset::Open => include_str!("../../../specs/policy/presets/open.cedar"),
    }
}

/// The schema. A test reads it, so that a host never fails by it.
pub(super) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // Unwrap safety: compiled in, and read by every test of this module.
    Schema::from_cedarschema_str(SCHEMA_TEXT).expect("the schema that comes with the host is one").0
});

/// The default policies.
pub(super) static DEFAULTS: LazyLock<PolicySet> = LazyLock::new(|| {
    // Unwrap safety: compiled in, and read by every test of this module.
    of_host(Origin::Default, "default", DEFAULT_TEXT).expect("the default policies are policies")
});

/// Policies that come with the host, checked like everybody's.
pub(super) fn of_host(origin: Origin, name: &str, text: &str) -> Result<PolicySet, super::TextProblems> {
    let source = PolicySource { policies: [(name.to_owned(), text.to_owned())].into(), ..PolicySource::default() };
    read(origin, &source)
}
