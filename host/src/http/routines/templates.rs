//! `GET /routines/templates`: routines to start from.

use std::sync::OnceLock;

use axum::Json as JsonAnswer;

use sluice_api::routine::{RoutineTemplate, RoutineTemplateList};

/// Each in a file of its own.
const FILES: [&str; 4] = [
    include_str!("templates/daily-digest.json"),
    include_str!("templates/inbox-triage.json"),
    include_str!("templates/nightly-tests.json"),
    include_str!("templates/weekly-report.json"),
];

fn all() -> &'static [RoutineTemplate] {
    static TEMPLATES: OnceLock<Vec<RoutineTemplate>> = OnceLock::new();
    // A test reads each of them.
    TEMPLATES.get_or_init(|| FILES.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
}

/// List templates
///
/// Routines to start from, by name: change what should be different and make them with `POST /routines`.
#[utoipa::path(
    get, path = "/routines/templates", tag = "routines", operation_id = "templates",
    responses((status = 200, description = "The templates", body = RoutineTemplateList))
)]
pub(in crate::http) async fn list() -> JsonAnswer<RoutineTemplateList> {
    let templates = all().to_vec();
    JsonAnswer(RoutineTemplateList { count: templates.len(), templates })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::routine::check_id;
    use crate::domain::time::Timestamp;
    use crate::wire;

    #[test]
    fn every_template_is_a_routine_under_its_own_name() {
        assert_eq!(all().len(), FILES.len());
        assert!(all().is_sorted_by_key(|template| &template.name));
        for template in all() {
            assert_eq!(check_id(&template.name), Ok(()), "{}", template.name);
            let settings = wire::settings_of(template.routine.clone(), Timestamp(0));
            let settings = settings.unwrap_or_else(|error| panic!("{}: {error}", template.name));
            assert!(settings.requires_approval && !settings.external_integrations_allowed, "{}", template.name);
        }
    }
}
