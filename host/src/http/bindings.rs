//! Which components a mission made over HTTP is pinned to: the built-in ones, until workspaces
//! bind their own.

use super::problem::{self, Problem};
use crate::domain::gate::GateName;
use crate::domain::json::Json;
use crate::domain::mission::{Bindings, Mission};
use crate::domain::plugin::{Binding, PluginKind};
use crate::plugins::{BindError, PluginHost};

/// The built-in reducer and gates with their settings' defaults.
///
/// # Errors
/// Only when this binary lacks a component it was built with.
pub(super) fn standard(plugins: &PluginHost) -> Result<Bindings, Problem> {
    let bind =
        |name: &str, kind| plugins.bind(name, kind, &Json::empty_object()).map_err(|error| problem::internal(&error));
    Ok(Bindings {
        reducer: bind("mission-default", PluginKind::Reducer)?,
        gates: vec![
            (GateName::Review, bind("reviewer", PluginKind::Gate)?),
            (GateName::Test, bind("tester", PluginKind::Gate)?),
        ],
    })
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
