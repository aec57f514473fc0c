//! Which components a mission made over HTTP is pinned to: the built-in ones, until workspaces
//! bind their own.

use super::problem::{self, Problem};
use crate::domain::mission::{Bindings, Mission};
use crate::domain::plugin::{Binding, PluginKind};
use crate::engine::EngineError;
use crate::engine::ports::Plugins as _;
use crate::plugins::{BindError, PluginHost};

/// The built-in reducer and gates with their settings' defaults.
///
/// # Errors
/// Only when this binary lacks a component it was built with.
pub(super) fn standard(plugins: &PluginHost) -> Result<Bindings, Problem> {
    plugins.standard_bindings().map_err(|error| EngineError::HostFault(error).into())
}

/// Another reducer, with the mission's settings; `field` is the member that names it.
///
/// # Errors
/// 404 when none answers to the selector, 422 when one does and does not fit; both name `field`.
pub(super) fn reducer(
    plugins: &PluginHost,
    field: &str,
    selector: &str,
    mission: &Mission,
) -> Result<Binding, Problem> {
    let settings = &mission.bindings.reducer.settings;
    let bound = tokio::task::block_in_place(|| {
        plugins.bind(selector, PluginKind::Reducer, settings).and_then(|binding| {
            plugins.check_binding(&binding)?;
            Ok(binding)
        })
    });
    bound.map_err(|error: BindError| {
        let kind = if matches!(error, BindError::Unknown { .. }) { problem::NOT_FOUND } else { problem::INVALID_FIELD };
        Problem::new(kind, format!("{field}: {error}")).with("field", field)
    })
}
