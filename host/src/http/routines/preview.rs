//! `POST /routines/preview`: what a schedule means, before it is saved.

use axum::Json as JsonAnswer;
use axum::extract::State;

use sluice_api::schedule::{PreviewAnswer, PreviewRequest};

use super::super::host::Shared;
use super::super::json::Body;
use super::super::problem::Problem;
use crate::domain::time::Timestamp;
use crate::wire::{self, ScheduleTerms};

/// Fires shown when nobody says how many.
const COUNT_DEFAULT: u32 = 5;
/// Most fires shown.
const COUNT_MAX: u32 = 100;

/// See when a schedule fires
///
/// The next fires in its zone and in UTC, what a clock change does to each, and what the schedule means
/// in words. `never` is true for one that does not fire within fifty years. Nothing is saved.
#[utoipa::path(
    post, path = "/routines/preview", tag = "routines", request_body = PreviewRequest,
    responses((status = 200, description = "What it means", body = PreviewAnswer))
)]
pub(in crate::http) async fn preview(
    State(host): State<Shared>,
    Body(body): Body<PreviewRequest>,
) -> Result<JsonAnswer<PreviewAnswer>, Problem> {
    let now = host.engine.clock().now();
    let count = match body.count.unwrap_or(COUNT_DEFAULT) {
        count @ 1..=COUNT_MAX => count,
        other => return Err(Problem::field("count", format!("count: is {other}; 1 to {COUNT_MAX}"))),
    };
    let terms = ScheduleTerms {
        schedule: &body.schedule,
        timezone: body.timezone.as_deref(),
        exclude: &body.exclude,
        starts_at_ms: body.starts_at_ms,
        ends_at_ms: body.ends_at_ms,
    };
    let schedule = wire::read_schedule(terms, now)?;
    let after = body.after_ms.map_or(now, Timestamp);
    Ok(JsonAnswer(wire::preview_answer(&schedule, after, count as usize)))
}
