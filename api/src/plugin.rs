//! Plugins of the registry: what they say of themselves, and who stands behind them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Somebody stands behind a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureView {
    /// The public key (Ed25519), 64 hexadecimal digits.
    pub key: String,
    /// The signature over `sha256:DIGEST`, 128 hexadecimal digits.
    pub signature: String,
    /// Who brought it.
    pub added_by: String,
    /// When. Milliseconds since the Unix epoch.
    pub added_at_ms: u64,
}

/// A plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginView {
    /// Its name, from its manifest.
    pub name: String,
    /// Its version, from its manifest.
    pub version: String,
    /// `reducer`, `gate` or `scrubber`.
    pub kind: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits: what missions are pinned to.
    pub digest: String,
    /// The contract it was built against.
    pub contract: String,
    /// One sentence for operators.
    pub description: String,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it comes with the host.
    pub built_in: bool,
    /// Who stands behind it.
    pub signatures: Vec<SignatureView>,
    /// Who installed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_by: Option<String>,
    /// When. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at_ms: Option<u64>,
}

/// A workspace that binds a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginUse {
    /// The workspace.
    pub workspace_id: String,
    /// The revision of what it binds.
    pub revision: u64,
    /// As what: `reducer`, `review`, `test` or `scrubber`.
    pub roles: Vec<String>,
}

/// A plugin, looked at closely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginDetail {
    /// The plugin.
    #[serde(flatten)]
    pub plugin: PluginView,
    /// The JSON Schema (2020-12) of its settings.
    pub settings_schema: Value,
    /// Names it imports.
    pub imports: Vec<String>,
    /// Names it exports.
    pub exports: Vec<String>,
    /// What came of its first calls, before anybody could bind it; null for what comes with the host.
    pub self_test: Value,
    /// The versions of this name, the newest first; at most 100.
    pub versions: Vec<PluginVersion>,
    /// The workspaces that bind it now; at most 100.
    pub bound_in: Vec<PluginUse>,
}

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginVersion {
    /// The version.
    pub version: String,
    /// SHA-256 of its bytes.
    pub digest: String,
}

/// A page of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginList {
    /// By name and version.
    pub items: Vec<PluginView>,
    /// How many these are.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A plugin was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginRemoved {
    /// Always true.
    pub ok: bool,
    /// SHA-256 of its bytes.
    pub digest: String,
}
