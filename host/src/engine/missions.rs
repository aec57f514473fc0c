//! Creates missions and takes what people and programs tell them.

use std::sync::Arc;

use serde_json::{Map, Value};

use sluice_api::mission::{MissionAnswer, MissionCreated, MissionRequest};

use super::advance::add_receipt;
use super::error::conflict_or_storage;
use super::told::LogWriter;
use super::{Advanced, Engine, EngineError};
use crate::domain::event::{HistoryEntry, Input, InputKind, NewLogEvent};
use crate::domain::id::{EventId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::mission::{Bindings, Mission};
use crate::domain::receipt::ReceiptKey;
use crate::domain::time::Timestamp;
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// A mission to be created.
pub struct NewMission {
    /// Whose it will be.
    pub workspace_id: WorkspaceId,
    /// What was asked for.
    pub request: MissionRequest,
    /// The components it is pinned to.
    pub bindings: Bindings,
    /// Whether it starts at once.
    pub start: bool,
    /// Who asks.
    pub actor: String,
    /// What the caller calls this write, when it named it.
    pub receipt: Option<ReceiptKey>,
}

/// A mission that is yet to be committed.
pub(super) struct MadeMission {
    pub(super) mission: Mission,
    pub(super) guard: Guard,
    pub(super) writes: Vec<Write>,
    pub(super) events: Vec<NewLogEvent>,
}

/// Which mission is made, and what it is pinned to, which its id may decide.
#[derive(Clone, Copy)]
pub(super) struct Pinned<'p> {
    pub(super) id: &'p MissionId,
    pub(super) bindings: &'p Bindings,
}

/// Something a client tells a mission.
pub struct NewEvent {
    /// What happened.
    pub kind: InputKind,
    /// The particulars.
    pub data: Map<String, Value>,
    /// Only if the mission is at this revision.
    pub if_revision: Option<u64>,
    /// What the caller calls this write, when it named it.
    pub receipt: Option<ReceiptKey>,
}

impl Engine {
    /// Creates a mission. It is durable when this answers, before any component was called: its
    /// reducer judges it as the first event of its history, and may fail it.
    ///
    /// # Errors
    /// [`EngineError::Field`] naming the member at fault; storage.
    pub async fn create_mission(&self, new: NewMission) -> Result<Mission, EngineError> {
        let (mission, unit) = self.mission_unit(&self.new_mission_id(), new)?;
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(mission)
    }

    /// An id for a mission.
    pub(super) fn new_mission_id(&self) -> MissionId {
        MissionId::new(self.new_id(MissionId::PREFIX))
    }

    /// A mission, and the unit that creates it.
    ///
    /// # Errors
    /// The member of the request at fault.
    pub(super) fn mission_unit(&self, id: &MissionId, new: NewMission) -> Result<(Mission, Unit), wire::FieldError> {
        let now = self.now();
        let NewMission { workspace_id, request, bindings, start, actor, receipt } = new;
        let made = self.made_mission(&workspace_id, request, Pinned { id, bindings: &bindings }, start, &actor, now)?;
        let MadeMission { mission, guard, writes, events } = made;
        let mut unit = Unit { guards: vec![guard], writes, events, ..Unit::default() };
        if let Some(key) = &receipt {
            let answer = MissionAnswer { mission: wire::mission_view(&mission) };
            add_receipt(&mut unit, key, 201, &answer, now);
        }
        Ok((mission, unit))
    }

    /// A mission as it is before its first event, with everything that its creation writes and tells.
    ///
    /// # Errors
    /// The member of `request` at fault.
    pub(super) fn made_mission(
        &self,
        workspace_id: &WorkspaceId,
        mut request: MissionRequest,
        Pinned { id, bindings }: Pinned<'_>,
        start: bool,
        actor: &str,
        now: Timestamp,
    ) -> Result<MadeMission, wire::FieldError> {
        wire::check_request(&mut request, || self.new_id(WorkItemId::PREFIX))?;
        let created = MissionCreated { request, bindings: wire::bindings_view(bindings) };
        let (mission, items) = wire::created_mission(&created, workspace_id, id, actor, now)?;
        let mut log = LogWriter::new(self, &mission, actor, now);
        log.mission_created(items.len());
        let mut writes = vec![Write::Mission(mission.clone())];
        writes.extend(items.into_iter().map(|item| Write::WorkItem(Arc::new(item))));
        let created = wire::json_of(&created);
        writes.push(Write::Input(self.host_input(&mission, InputKind::MissionCreated, created, actor)));
        if start {
            let input = self.host_input(&mission, InputKind::MissionStarted, Json::empty_object(), actor);
            writes.push(Write::Input(input));
        }
        Ok(MadeMission { guard: Guard::mission(id, None), mission, writes, events: log.into_events() })
    }

    /// Tells a mission something and answers once it is applied.
    ///
    /// `data` is the event without its `type`; `work_item_id` and `run_id` are read from it.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for kinds only the host makes (`EVENT_NOT_YOURS`) and whatever the
    /// rules refuse.
    pub async fn post_event(
        &self,
        workspace_id: &WorkspaceId,
        mission_id: &MissionId,
        kind: InputKind,
        data: Map<String, Value>,
        actor: &str,
    ) -> Result<Advanced, EngineError> {
        let found = self.parts.store.mission(workspace_id, mission_id).await?;
        let mission = found.ok_or_else(|| EngineError::NotFound { what: "mission", id: mission_id.to_string() })?;
        self.post_event_if(&mission, NewEvent { kind, data, if_revision: None, receipt: None }, actor).await
    }

    /// The same, with everything a client may say of its event.
    ///
    /// # Errors
    /// As [`Self::post_event`]; [`EngineError::Revision`] when the mission is at another revision
    /// than the client names.
    pub async fn post_event_if(&self, mission: &Mission, new: NewEvent, actor: &str) -> Result<Advanced, EngineError> {
        let NewEvent { kind, data, if_revision, receipt } = new;
        if !may_be_posted(kind) {
            let message = format!("only the host tells a mission `{kind}`");
            return Err(EngineError::Refused(crate::domain::rules::Refusal::new("EVENT_NOT_YOURS", message)));
        }
        self.check_may_change(mission, kind).await?;
        let text_of = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut input = self.host_input(mission, kind, wire::json_of(&data), actor);
        input.work_item_id = text_of("work_item_id").map(WorkItemId::new);
        input.run_id = text_of("run_id").map(RunId::new);
        self.catch_up(&mission.id).await?;
        self.advance_if(input, false, if_revision, receipt).await
    }

    /// Applies whatever waits in the mission's inbox, in order.
    ///
    /// # Errors
    /// The first that failed for a reason that may pass; it and those behind it stay.
    pub async fn catch_up(&self, mission_id: &MissionId) -> Result<usize, EngineError> {
        const PAGE: u32 = 100;
        let mut applied = 0;
        loop {
            let waiting = self.parts.store.inbox_of(mission_id, PAGE).await?;
            if waiting.is_empty() {
                return Ok(applied);
            }
            for input in waiting {
                match self.advance(input, true).await {
                    Ok(_) | Err(EngineError::Refused(_) | EngineError::Conflict(_)) => applied += 1,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Applies what waits for the mission, and tells what the newest event that is `sought` led to.
    /// For whoever did something whose input went by the inbox, and wants to see what came of it.
    /// Without commands when no such event is among the newest: it was applied long ago, or it was
    /// an answer that a run waits for and not its mission's reducer. What was done is done then
    /// too, so that this is no failure.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    pub async fn advanced_by(
        &self,
        mission: &Mission,
        sought: impl Fn(&HistoryEntry) -> bool,
    ) -> Result<Advanced, EngineError> {
        const LOOKED_AT: u64 = 200;
        self.catch_up(&mission.id).await?;
        let store = &self.parts.store;
        let now = store.mission(&mission.workspace_id, &mission.id).await?;
        let now = now.ok_or_else(|| EngineError::NotFound { what: "mission", id: mission.id.to_string() })?;
        // What was sought came after the mission was looked at, unless it had been applied before.
        let after = mission.revision.min(now.revision.saturating_sub(LOOKED_AT)).checked_sub(1);
        let entries = store.history(&mission.id, after, 1_000).await?;
        let entry = entries.iter().rev().find(|entry| sought(entry));
        Ok(Advanced { mission: now, commands: entry.map_or_else(Vec::new, |entry| wire::entry_view(entry).commands) })
    }

    /// An input of the host's making, for the inbox.
    pub(super) fn host_input(&self, mission: &Mission, kind: InputKind, data: Json, actor: &str) -> Input {
        Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: mission.workspace_id.clone(),
            mission_id: mission.id.clone(),
            kind,
            work_item_id: None,
            run_id: None,
            data,
            occurred_at: self.now(),
            actor: actor.to_owned(),
        }
    }
}

/// Kinds that somebody outside may post; the others follow from something the host did itself.
fn may_be_posted(kind: InputKind) -> bool {
    matches!(
        kind,
        InputKind::MissionStarted
            | InputKind::MissionPaused
            | InputKind::MissionResumed
            | InputKind::MissionCanceled
            | InputKind::RunStarted
            | InputKind::TimerFired
            | InputKind::ToolObserved
            | InputKind::ResourceChanged
            | InputKind::WorkItemsProposed
    )
}
