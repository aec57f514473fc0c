//! Finds components: by digest, by name and version, by name.

use crate::domain::artifact::Digest;
use crate::domain::plugin::{PluginFacts, RegisteredPlugin};
use crate::domain::workspace::WorkspaceRevision;
use crate::engine::{Engine, EngineError};

/// Most versions of a name that are looked at.
const VERSIONS_MAX: u32 = 1_000;

/// How somebody names a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By its bytes.
    Digest(Digest),
    /// By name and version.
    Version(String, String),
    /// By name: the newest version.
    Name(String),
}

impl Selector {
    /// Reads a digest, `name@version` or a name.
    pub fn parse(text: &str) -> Self {
        if let Some(digest) = Digest::parse(text) {
            return Self::Digest(digest);
        }
        match text.split_once('@') {
            Some((name, version)) => Self::Version(name.to_owned(), version.to_owned()),
            None => Self::Name(text.to_owned()),
        }
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest(digest) => f.write_str(digest.as_str()),
            Self::Version(name, version) => write!(f, "{name}@{version}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPlugin {
    /// What it says of itself.
    pub facts: PluginFacts,
    /// Its row; none for one that comes with the host.
    pub registered: Option<RegisteredPlugin>,
}

impl From<RegisteredPlugin> for FoundPlugin {
    fn from(plugin: RegisteredPlugin) -> Self {
        Self { facts: plugin.facts.clone(), registered: Some(plugin) }
    }
}

impl Engine {
    /// The component that `selector` names, if there is one.
    ///
    /// # Errors
    /// Storage.
    pub async fn find_plugin(&self, selector: &Selector) -> Result<Option<FoundPlugin>, EngineError> {
        let store = &self.parts.store;
        let own = |is_it: &dyn Fn(&PluginFacts) -> bool| {
            let found = self.parts.plugins.built_in().into_iter().find(|facts| is_it(facts));
            found.map(|facts| FoundPlugin { facts, registered: None })
        };
        match selector {
            Selector::Digest(digest) => match own(&|facts| facts.digest == *digest) {
                Some(found) => Ok(Some(found)),
                None => Ok(store.plugin_by_digest(digest).await?.map(FoundPlugin::from)),
            },
            Selector::Version(name, version) => match own(&|facts| facts.name == *name && facts.version == *version) {
                Some(found) => Ok(Some(found)),
                None => Ok(store.plugin(name, version).await?.map(FoundPlugin::from)),
            },
            Selector::Name(name) => Ok(self.plugin_versions(name).await?.into_iter().next()),
        }
    }

    /// The versions of a name, the newest first; at most a thousand.
    ///
    /// # Errors
    /// Storage.
    pub async fn plugin_versions(&self, name: &str) -> Result<Vec<FoundPlugin>, EngineError> {
        let rows = self.parts.store.plugin_versions(name, VERSIONS_MAX).await?;
        let mut found: Vec<FoundPlugin> = rows.into_iter().map(FoundPlugin::from).collect();
        let own = self.parts.plugins.built_in().into_iter().filter(|facts| facts.name == name);
        found.extend(own.map(|facts| FoundPlugin { facts, registered: None }));
        let version = |found: &FoundPlugin| semver::Version::parse(&found.facts.version).ok();
        found.sort_by(|a, b| version(b).cmp(&version(a)).then_with(|| a.facts.digest.cmp(&b.facts.digest)));
        Ok(found)
    }

    /// The registry by name and version, what comes with the host included: at most `limit` components, after
    /// `after`.
    ///
    /// # Errors
    /// Storage.
    pub async fn plugins(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<FoundPlugin>, EngineError> {
        let rows = self.parts.store.plugins(after, limit).await?;
        let mut found: Vec<FoundPlugin> = rows.into_iter().map(FoundPlugin::from).collect();
        let own = self.parts.plugins.built_in().into_iter();
        let own = own.filter(|facts| after.is_none_or(|after| (facts.name.as_str(), facts.version.as_str()) > after));
        found.extend(own.map(|facts| FoundPlugin { facts, registered: None }));
        found.sort_by(|a, b| (&a.facts.name, &a.facts.version).cmp(&(&b.facts.name, &b.facts.version)));
        found.truncate(limit as usize);
        Ok(found)
    }

    /// The workspaces that bind a component now; at most `limit`.
    ///
    /// # Errors
    /// Storage.
    pub async fn workspaces_binding(&self, digest: &Digest, limit: u32) -> Result<Vec<WorkspaceRevision>, EngineError> {
        Ok(self.parts.store.workspaces_binding(digest, limit).await?)
    }
}
