//! What the registry learns of components, in the engine's words.

use std::sync::OnceLock;

use super::inspect::{self, Inspection};
use super::{ApartError, BindError, LoadError, builtin, child, host};
use crate::domain::plugin::{PluginFacts, PluginFailure};
use crate::engine::ports::{BindRefusal, PluginRefusal};

/// What was read off a component.
pub(super) fn facts(inspection: Inspection) -> PluginFacts {
    let Inspection { manifest, digest, size, imports, exports, .. } = inspection;
    PluginFacts {
        name: manifest.name,
        version: manifest.version,
        kind: manifest.kind,
        contract: manifest.contract,
        description: manifest.description,
        settings_schema: manifest.settings_schema,
        digest,
        size: size as u64,
        imports,
        exports,
    }
}

/// The components that come with the host.
pub(super) fn built_in() -> Vec<PluginFacts> {
    static FACTS: OnceLock<Vec<PluginFacts>> = OnceLock::new();
    let read = || builtin::BUILTINS.iter().filter_map(|(_, bytes)| inspect::inspect(bytes).ok()).map(facts).collect();
    FACTS.get_or_init(read).clone()
}

/// Why a component is not taken.
pub(super) fn refusal(error: &LoadError) -> PluginRefusal {
    let is_host_fault = matches!(error, LoadError::Apart(ApartError::Io { .. }));
    let stage = match error {
        LoadError::Apart(ApartError::Refused { stage, .. }) => stage.clone(),
        LoadError::Apart(_) => "compile".to_owned(),
        other => child::stage_of(other).to_owned(),
    };
    PluginRefusal { stage, message: host::with_cause(error), is_host_fault }
}

/// Why a component cannot be bound.
pub(super) fn bind_refusal(error: BindError) -> BindRefusal {
    match error {
        BindError::WrongKind { found, .. } => BindRefusal::WrongKind(found),
        BindError::Settings { problems, .. } => {
            BindRefusal::Settings(problems.into_iter().map(|problem| (problem.pointer, problem.problem)).collect())
        }
        BindError::Refused { reason, .. } => BindRefusal::Refused(reason),
        BindError::Check { source: PluginFailure::Host { message }, .. } => BindRefusal::HostFault(message),
        BindError::Check { source, .. } => BindRefusal::Refused(format!("its check of settings failed: {source}")),
        BindError::Load { source: LoadError::Apart(error @ ApartError::Io { .. }), .. } => {
            BindRefusal::HostFault(error.to_string())
        }
        BindError::Load { source, .. } => BindRefusal::Refused(host::with_cause(&source)),
        error @ BindError::Unknown { .. } => BindRefusal::HostFault(error.to_string()),
    }
}
