//! A component's manifest: what it says of itself in a custom section, so that it can be judged
//! before it is compiled.

use serde::Deserialize;

use crate::domain::json::Json;
use crate::domain::plugin::PluginKind;

/// Name of the custom section that holds the manifest.
pub const SECTION: &str = "sluice:manifest";

/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// Contract versions this host speaks, the newest first.
pub const CONTRACTS: &[&str] = &["0.1"];

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// 1 to 64 characters of `a-z`, `0-9` and `-`.
    pub name: String,
    /// A version as Semantic Versioning 2.0 has it.
    pub version: String,
    /// What it decides.
    pub kind: PluginKind,
    /// The contract it was built against: one of [`CONTRACTS`].
    pub contract: String,
    /// One sentence for operators.
    pub description: String,
    /// JSON Schema (2020-12) of its settings.
    pub settings_schema: Json,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is none.
    #[error(
        "the component has no custom section `{SECTION}`; append the plugin's manifest.json as one (`sluice plugin build` does it)"
    )]
    Missing,
    /// There is more than one.
    #[error("the component has {count} custom sections `{SECTION}`; it must have one")]
    Several {
        /// How many.
        count: usize,
    },
    /// It is too large.
    #[error("the manifest has {bytes} bytes; at most {MANIFEST_BYTES_MAX} are allowed")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// It is not JSON of the manifest's shape.
    #[error("the manifest is not an object with name, version, kind, contract, description and settings_schema")]
    Malformed(#[source] serde_json::Error),
    /// A member has a value that cannot be used.
    #[error("the manifest's `{member}` is {found:?}; expected {expected}")]
    Member {
        /// The member.
        member: &'static str,
        /// What it is.
        found: String,
        /// What it should be, and what to do.
        expected: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    kind: String,
    contract: String,
    description: String,
    settings_schema: serde_json::Map<String, serde_json::Value>,
}

/// Reads a manifest.
///
/// # Errors
/// What is wrong with it and what to do about it.
pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(ManifestError::TooLarge { bytes: bytes.len() });
    }
    let raw: Raw = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
    let name_fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if raw.name.is_empty() || raw.name.len() > 64 || !raw.name.bytes().all(name_fits) {
        return Err(wrong("name", &raw.name, "1 to 64 characters of a-z, 0-9 and -".to_owned()));
    }
    if semver::Version::parse(&raw.version).is_err() {
        return Err(wrong("version", &raw.version, "a semantic version such as 1.2.3".to_owned()));
    }
    if !CONTRACTS.contains(&raw.contract.as_str()) {
        let expected = format!(
            "{}, which this host speaks; rebuild the plugin against that version of `wit/` or use another host",
            CONTRACTS.join(" or ")
        );
        return Err(wrong("contract", &raw.contract, expected));
    }
    let Ok(kind) = raw.kind.parse::<PluginKind>() else {
        let kinds: Vec<&str> = PluginKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(wrong("kind", &raw.kind, format!("one of {}", kinds.join(", "))));
    };
    Ok(Manifest {
        name: raw.name,
        version: raw.version,
        kind,
        contract: raw.contract,
        description: raw.description,
        settings_schema: Json::from_valid(serde_json::Value::Object(raw.settings_schema).to_string()),
    })
}

fn wrong(member: &'static str, found: &str, expected: String) -> ManifestError {
    let found = super::failure::cut(found, 100).to_owned();
    ManifestError::Member { member, found, expected }
}
