//! What a reducer is called with: a mission, and what happens to it, event by event.
//!
//! `{"mission": {...}, "gates"?: ["review"], "events"?: [{"kind", "work_item_id"?, "run_id"?, "data"?, "at_ms"?}]}`, where the
//! mission is written as `POST /mission` takes it. The reducer is called once for the creation and once for each event; what it
//! asks for is judged and carried out by the host's own rules, on a board in memory. Ids are the same each time: `run_1`,
//! `evl_1`, `apr_1`. What follows from the board need not be written: the run of an item that finished, the request that a
//! verdict answers, the approval that was granted.
//!
//! Nothing is recorded and nobody works: an event happens because it is written.

mod play;

pub use play::{Played, Step, play};

use serde::Deserialize;
use serde_json::{Map, Value};

use sluice_api::mission::MissionRequest;

use super::input::{self, InputError, MOMENT_MS};
use crate::domain::event::InputKind;
use crate::domain::gate::GateName;
use crate::domain::id::{RunId, WorkItemId};
use crate::domain::time::Timestamp;
use crate::wire;

/// Most events of one script.
const EVENTS_MAX: usize = 10_000;

/// Milliseconds between two events that do not say when they happen.
const STEP_MS: u64 = 1_000;

/// A mission and what happens to it.
#[derive(Debug, Clone)]
pub struct Script {
    request: MissionRequest,
    gates: Vec<GateName>,
    events: Vec<ScriptEvent>,
}

/// Something that happens.
#[derive(Debug, Clone)]
struct ScriptEvent {
    kind: InputKind,
    work_item_id: Option<WorkItemId>,
    run_id: Option<RunId>,
    data: Map<String, Value>,
    at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mission: MissionRequest,
    #[serde(default)]
    gates: Vec<String>,
    #[serde(default)]
    events: Vec<WrittenEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEvent {
    kind: String,
    work_item_id: Option<String>,
    run_id: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
    at_ms: Option<u64>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The member at fault.
    pub fn read(value: Value) -> Result<Self, InputError> {
        let Written { mission: mut request, gates, events } = input::read(value)?;
        let mut number = 0;
        let new_id = || {
            number += 1;
            format!("wi_{number}")
        };
        wire::check_request(&mut request, new_id).map_err(|error| InputError(format!("mission.{error}")))?;
        let gate = |(index, name): (usize, &String)| {
            name.parse::<GateName>().map_err(|error| InputError(format!("gates[{index}]: {error}")))
        };
        let gates = gates.iter().enumerate().map(gate).collect::<Result<Vec<GateName>, InputError>>()?;
        if events.len() > EVENTS_MAX {
            return Err(InputError(format!("events: {} are over the {EVENTS_MAX} of one script", events.len())));
        }
        let mut read = Vec::with_capacity(events.len());
        let mut at_ms = MOMENT_MS;
        for (index, event) in events.into_iter().enumerate() {
            at_ms = event.at_ms.unwrap_or_else(|| at_ms.saturating_add(STEP_MS));
            let wrong = |why: String| InputError(format!("events[{index}].kind: {why}"));
            let kind = event.kind.parse::<InputKind>().map_err(|error| wrong(error.to_string()))?;
            if matches!(kind, InputKind::MissionCreated | InputKind::ReducerChanged) {
                return Err(wrong(format!("{kind} is told by the host alone; begin with what comes after it")));
            }
            read.push(ScriptEvent {
                kind,
                work_item_id: event.work_item_id.map(WorkItemId::new),
                run_id: event.run_id.map(RunId::new),
                data: event.data,
                at: Timestamp(at_ms),
            });
        }
        Ok(Self { request, gates, events: read })
    }
}
