//! Another reducer for a mission that is there, by the name somebody gives it.

use super::host::Host;
use super::problem::{self, Problem};
use crate::domain::mission::Mission;
use crate::domain::plugin::{Binding, PluginKind};
use crate::engine::Selector;
use crate::plugins::BindError;

/// Another reducer, with the mission's settings; `field` is the member that names it. It is of the registry, comes
/// with the host, or was given to this process.
///
/// # Errors
/// 404 when none answers to the selector, 422 when one does and does not fit; both name `field`.
pub(super) async fn reducer(host: &Host, field: &str, selector: &str, mission: &Mission) -> Result<Binding, Problem> {
    let settings = &mission.bindings.reducer.settings;
    let found = host.engine.find_plugin(&Selector::parse(selector)).await?;
    if let Some(found) = &found {
        host.engine.have_component(&found.facts.digest).await?;
    }
    let selector = found.as_ref().map_or(selector, |found| found.facts.digest.as_str());
    let bound = tokio::task::block_in_place(|| {
        host.plugins.bind(selector, PluginKind::Reducer, settings).and_then(|binding| {
            host.plugins.check_binding(&binding)?;
            Ok(binding)
        })
    });
    bound.map_err(|error: BindError| {
        let kind = if matches!(error, BindError::Unknown { .. }) { problem::NOT_FOUND } else { problem::INVALID_FIELD };
        Problem::new(kind, format!("{field}: {error}")).with("field", field)
    })
}
