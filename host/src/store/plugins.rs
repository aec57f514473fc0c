//! The registry's components; their bytes are blobs.

use serde::{Deserialize, Serialize};

use super::documents::{self, DocumentError};
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::domain::plugin::{PluginFacts, PluginSignature, RegisteredPlugin};
use crate::domain::time::Timestamp;

pub(super) static PLUGINS: Table = Table {
    name: "plugins",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("name"),
        text("version"),
        text("digest"),
        text("kind"),
        text("contract"),
        text("description"),
        text("settings_schema"),
        integer("size"),
        text("imports"),
        text("exports"),
        text("signatures"),
        text("self_test"),
        text("installed_in"),
        text("installed_by"),
        integer("installed_at_ms"),
        integer("revision"),
    ],
};

/// The row of `plugin`.
pub(super) fn row(plugin: &RegisteredPlugin) -> Result<Row, StorageError> {
    let facts = &plugin.facts;
    let mut row = RowWriter::new(&PLUGINS);
    row.text("name", &facts.name)
        .text("version", &facts.version)
        .text("digest", facts.digest.as_str())
        .text("kind", facts.kind.as_str())
        .text("contract", &facts.contract)
        .text("description", &facts.description)
        .text("settings_schema", facts.settings_schema.as_str())
        .integer("size", facts.size)
        .text("imports", &documents::write_texts(&facts.imports))
        .text("exports", &documents::write_texts(&facts.exports))
        .text("signatures", &write_signatures(&plugin.signatures))
        .text("self_test", plugin.self_test.as_str())
        .text("installed_in", plugin.installed_in.as_str())
        .text("installed_by", &plugin.installed_by)
        .moment("installed_at_ms", plugin.installed_at)
        .integer("revision", plugin.revision);
    row.finish()
}

impl Record for RegisteredPlugin {
    const SOURCE: Source = Source { from: "plugins", parts: &[("plugins", PLUGINS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let (name, version, digest) = (row.text("name")?, row.text("version")?, row.digest("digest")?);
        let facts = PluginFacts {
            name,
            version,
            digest,
            kind: row.word("kind")?,
            contract: row.text("contract")?,
            description: row.text("description")?,
            settings_schema: row.json("settings_schema")?,
            size: row.integer("size")?,
            imports: row.document("imports", documents::read_texts)?,
            exports: row.document("exports", documents::read_texts)?,
        };
        Ok(Self {
            facts,
            signatures: row.document("signatures", read_signatures)?,
            self_test: row.json("self_test")?,
            installed_in: WorkspaceId::new(row.text("installed_in")?),
            installed_by: row.text("installed_by")?,
            installed_at: row.moment("installed_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct SignatureDocument {
    key: String,
    signature: String,
    added_by: String,
    added_at_ms: u64,
}

fn write_signatures(signatures: &[PluginSignature]) -> String {
    let documents: Vec<_> = signatures
        .iter()
        .map(|signature| SignatureDocument {
            key: signature.key.clone(),
            signature: signature.signature.clone(),
            added_by: signature.added_by.clone(),
            added_at_ms: signature.added_at.as_millis(),
        })
        .collect();
    documents::write(&documents)
}

fn read_signatures(text: &str) -> Result<Vec<PluginSignature>, DocumentError> {
    let documents: Vec<SignatureDocument> = serde_json::from_str(text)?;
    let signature = |document: SignatureDocument| PluginSignature {
        key: document.key,
        signature: document.signature,
        added_by: document.added_by,
        added_at: Timestamp(document.added_at_ms),
    };
    Ok(documents.into_iter().map(signature).collect())
}

impl Store {
    /// The component of this name and version, if the registry has it.
    pub async fn plugin(&self, name: &str, version: &str) -> Result<Option<RegisteredPlugin>, StorageError> {
        self.one(Select::all().only("plugins.name = $", name).only("plugins.version = $", version)).await
    }

    /// The component of this digest, if the registry has it.
    pub async fn plugin_by_digest(&self, digest: &Digest) -> Result<Option<RegisteredPlugin>, StorageError> {
        self.one(Select::all().only("plugins.digest = $", digest.as_str())).await
    }

    /// The versions of a name, in the order of their text. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn plugin_versions(&self, name: &str, limit: u32) -> Result<Vec<RegisteredPlugin>, StorageError> {
        self.many(Select::all().only("plugins.name = $", name).page("plugins.version", limit)).await
    }

    /// The registry by name and version: at most `limit` (and [`super::PAGE_MAX`]) components, after `after`.
    pub async fn plugins(
        &self,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<RegisteredPlugin>, StorageError> {
        let mut select = Select::all();
        if let Some((name, version)) = after {
            select = select.only_with("(plugins.name, plugins.version) > ($, $)", [name.into(), version.into()]);
        }
        self.many(select.page("plugins.name, plugins.version", limit)).await
    }
}
