//! Records to store: one of each kind, random in every field but those a test names.

use std::collections::BTreeMap;

use sluice::domain::approval::{Approval, ApprovalStatus};
use sluice::domain::artifact::{Artifact, ArtifactRef, Digest};
use sluice::domain::event::{Disposition, HistoryEntry, Input, InputKind, NewLogEvent};
use sluice::domain::gate::{
    Evaluation, EvaluationStatus, Finding, GateName, GateState, GateStatus, Outcome, Severity, Verdict,
};
use sluice::domain::id::{
    ApprovalId, ArtifactId, DeliveryId, EvaluationId, EventId, MemoryId, MissionId, OccurrenceId, RoutineId, RunId,
    VerdictId, WorkItemId, WorkspaceId,
};
use sluice::domain::json::Json;
use sluice::domain::memory::{
    MemoryKind, MemoryRecord, Partition, ScrubStatus, Scrubbed, SourceType, Tier, Trust, Visibility, content_digest,
};
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::plugin::Binding;
use sluice::domain::routine::{
    CreatorType, HistoryEvent, Misfire, Occurrence, OccurrenceState, Overlap, Routine, RoutineEntry, RoutineSettings,
    RoutineStatus, ScheduleSpec, Slot, Trigger,
};
use sluice::domain::run::{Lease, Run, RunKind, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::domain::timer::Timer;
use sluice::domain::webhook::{Delivery, DeliveryStatus, Secret, WebhookEndpoint};
use sluice::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};
use sluice::domain::workspace::Required;

use crate::random::Random;

/// The workspace of records whose workspace does not matter.
pub fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws_test")
}

fn digest(random: &mut Random) -> Digest {
    Digest::of(&random.number().to_le_bytes())
}

/// How many gates have to pass.
fn required(random: &mut Random) -> Required {
    *random.one_of(&[Required::All, Required::Any, Required::Quorum(2)])
}

fn binding(random: &mut Random) -> Binding {
    Binding { name: random.text(), version: random.text(), digest: digest(random), settings: random.json() }
}

fn artifact_ref(random: &mut Random) -> ArtifactRef {
    ArtifactRef { id: ArtifactId::new("art_x"), kind: random.text(), name: random.text(), digest: digest(random) }
}

fn work_item_id(random: &mut Random) -> WorkItemId {
    WorkItemId::new(format!("wi_{}", random.below(1000)))
}

/// A mission.
pub fn mission(random: &mut Random, id: &str) -> Mission {
    Mission {
        workspace_id: workspace(),
        id: MissionId::new(id),
        title: random.text(),
        goal: random.text(),
        status: *random.one_of(MissionStatus::ALL),
        phase: *random.one_of(Phase::ALL),
        reason: random.maybe(Random::text),
        success_criteria: random.json(),
        budgets: Budgets {
            max_steps: random.maybe(|_| u64::MAX),
            max_tool_calls: random.maybe(Random::number),
            max_duration_ms: random.maybe(Random::count),
            max_attempts: random.maybe(Random::small),
            max_parallel_runs: random.maybe(Random::small),
            max_interruptions: random.maybe(Random::small),
        },
        usage: Usage { steps: random.count(), tool_calls: random.count() },
        capabilities: random.json(),
        entrypoint: random.maybe(Random::text),
        metadata: random.json(),
        bindings: Bindings {
            reducer: binding(random),
            gates: GateName::ALL.iter().filter_map(|gate| random.maybe(|random| (*gate, binding(random)))).collect(),
            required: GateName::ALL
                .iter()
                .filter_map(|gate| random.maybe(|random| (*gate, required(random))))
                .collect(),
        },
        planner_attempts: random.small(),
        created_by: random.text(),
        counts: BTreeMap::from([(*random.one_of(WorkItemStatus::ALL), random.small())]),
        revision: random.count(),
        created_at: random.moment(),
        updated_at: random.moment(),
        started_at: random.maybe(Random::moment),
    }
}

/// A mission of this status at this revision.
pub fn mission_at(id: &str, status: MissionStatus, revision: u64) -> Mission {
    Mission { status, revision, ..mission(&mut Random::new(revision), id) }
}

/// A work item.
pub fn work_item(random: &mut Random, mission: &str, id: &str, position: u32) -> WorkItem {
    WorkItem {
        workspace_id: workspace(),
        mission_id: MissionId::new(mission),
        position,
        spec: WorkItemSpec {
            id: WorkItemId::new(id),
            title: random.text(),
            detail: random.maybe(Random::text),
            depends_on: random.few(work_item_id),
            assigned_agent: random.maybe(Random::text),
            skills: random.few(Random::text),
            action: random.maybe(Random::json),
            metadata: random.maybe(Random::json),
        },
        status: *random.one_of(WorkItemStatus::ALL),
        reason: random.maybe(Random::text),
        run_id: random.maybe(|_| RunId::new("run_x")),
        attempts: random.small(),
        artifacts: random.few(artifact_ref),
        gates: GateName::ALL
            .iter()
            .filter_map(|gate| {
                random.maybe(|random| {
                    let state = GateState {
                        status: *random.one_of(GateStatus::ALL),
                        evaluation_id: EvaluationId::new("evl_x"),
                        verdict_id: random.maybe(|_| VerdictId::new("ver_x")),
                        artifact_set: digest(random),
                        evaluations: random.small(),
                    };
                    (*gate, state)
                })
            })
            .collect(),
    }
}

/// A lease.
pub fn lease(random: &mut Random) -> Lease {
    Lease {
        worker: random.text(),
        principal: random.text(),
        host_id: random.text(),
        fence: random.count(),
        lease_ms: random.count(),
        expires_at: random.moment(),
    }
}

/// A run.
pub fn run(random: &mut Random, mission: &str, id: &str) -> Run {
    Run {
        workspace_id: workspace(),
        id: RunId::new(id),
        mission_id: MissionId::new(mission),
        work_item_id: random.maybe(work_item_id),
        session_id: random.maybe(Random::text),
        worked_by: random.maybe(Random::text),
        token_digest: random.maybe(digest),
        kind: *random.one_of(RunKind::ALL),
        attempt: random.small(),
        status: *random.one_of(RunStatus::ALL),
        prompt: random.text(),
        assigned_agent: random.maybe(Random::text),
        skills: random.few(Random::text),
        action: random.maybe(Random::json),
        not_before: random.maybe(Random::moment),
        lease: random.maybe(lease),
        fence: random.count(),
        interruptions: random.small(),
        cancel_requested: random.flag(),
        summary: random.maybe(Random::text),
        output: random.maybe(Random::text),
        artifacts: random.few(artifact_ref),
        queued_at: random.moment(),
        started_at: random.maybe(Random::moment),
        finished_at: random.maybe(Random::moment),
        revision: random.count(),
    }
}

/// A run that waits to be claimed since `queued_at_ms`.
pub fn queued_run(mission: &str, id: &str, queued_at_ms: u64) -> Run {
    Run {
        status: RunStatus::Queued,
        lease: None,
        not_before: None,
        queued_at: Timestamp(queued_at_ms),
        revision: 1,
        ..run(&mut Random::new(queued_at_ms), mission, id)
    }
}

/// An evaluation.
pub fn evaluation(random: &mut Random, mission: &str, id: &str) -> Evaluation {
    Evaluation {
        workspace_id: workspace(),
        id: EvaluationId::new(id),
        mission_id: MissionId::new(mission),
        work_item_id: work_item_id(random),
        run_id: RunId::new("run_x"),
        gate: *random.one_of(GateName::ALL),
        attempt: random.small(),
        artifact_set: digest(random),
        status: *random.one_of(EvaluationStatus::ALL),
        host_faults: random.small(),
        not_before: random.maybe(Random::moment),
        requested_at: random.moment(),
        revision: random.count(),
    }
}

/// A verdict.
pub fn verdict(random: &mut Random, mission: &str, id: &str) -> Verdict {
    Verdict {
        workspace_id: workspace(),
        id: VerdictId::new(id),
        evaluation_id: EvaluationId::new("evl_x"),
        mission_id: MissionId::new(mission),
        work_item_id: work_item_id(random),
        run_id: RunId::new("run_x"),
        gate: *random.one_of(GateName::ALL),
        attempt: random.small(),
        plugin: random.text(),
        plugin_digest: digest(random),
        artifact_set: digest(random),
        outcome: *random.one_of(Outcome::ALL),
        summary: random.text(),
        findings: random.few(|random| Finding {
            rule: random.text(),
            severity: *random.one_of(Severity::ALL),
            // Inside a document even U+0000 is only text.
            message: format!("{}\0", random.text()),
            path: random.maybe(Random::text),
            line: random.maybe(Random::small),
            data: random.json(),
        }),
        data: random.json(),
        given_at: random.moment(),
    }
}

/// An approval.
pub fn approval(random: &mut Random, mission: &str, id: &str) -> Approval {
    Approval {
        workspace_id: workspace(),
        id: ApprovalId::new(id),
        mission_id: random.maybe(|_| MissionId::new(mission)),
        work_item_id: random.maybe(work_item_id),
        kind: random.text(),
        gate: random.maybe(|random| *random.one_of(GateName::ALL)),
        verdict_id: random.maybe(|_| VerdictId::new("ver_x")),
        subject: digest(random),
        requested_by: random.text(),
        run_id: random.maybe(|_| RunId::new("run_x")),
        content: random.json(),
        content_digest: digest(random),
        used_at: random.maybe(Random::moment),
        summary: random.text(),
        data: random.json(),
        status: *random.one_of(ApprovalStatus::ALL),
        decided_by: random.maybe(Random::text),
        reason: random.maybe(Random::text),
        requested_at: random.moment(),
        decided_at: random.maybe(Random::moment),
        expires_at: random.maybe(Random::moment),
        revision: random.count(),
    }
}

/// A timer.
pub fn timer(random: &mut Random, mission: &str, key: &str) -> Timer {
    Timer {
        workspace_id: workspace(),
        mission_id: MissionId::new(mission),
        key: key.to_owned(),
        due_at: random.moment(),
        data: random.json(),
        revision: random.count(),
    }
}

/// An endpoint of webhooks.
pub fn webhook(random: &mut Random, name: &str) -> WebhookEndpoint {
    WebhookEndpoint {
        workspace_id: workspace(),
        name: name.to_owned(),
        url: random.text(),
        origin: random.text(),
        secret: Secret::stored(&random.text()),
        is_enabled: random.flag(),
        deleted_at: random.maybe(Random::moment),
        address_revision: random.count(),
        updated_by: random.text(),
        updated_at: random.moment(),
        revision: random.count(),
    }
}

/// A delivery to one.
pub fn delivery(random: &mut Random, id: &str) -> Delivery {
    Delivery {
        workspace_id: workspace(),
        id: DeliveryId::new(id),
        run_id: RunId::new("run_x"),
        mission_id: MissionId::new("mis_x"),
        work_item_id: random.maybe(work_item_id),
        endpoint: random.text(),
        address_revision: random.count(),
        body_digest: Digest::of(random.text().as_bytes()),
        body_bytes: random.count(),
        requested_by: random.text(),
        approval_id: random.maybe(|_| ApprovalId::new("apr_x")),
        status: *random.one_of(DeliveryStatus::ALL),
        attempts: random.small(),
        last_status: random.maybe(|random| u16::try_from(random.below(1_000)).unwrap_or_default()),
        last_error: random.maybe(Random::text),
        created_at: random.moment(),
        next_attempt_at: random.maybe(Random::moment),
        ended_at: random.maybe(Random::moment),
        revision: random.count(),
    }
}

/// An artifact's row.
pub fn artifact(random: &mut Random, mission: &str, id: &str) -> Artifact {
    Artifact {
        workspace_id: workspace(),
        id: ArtifactId::new(id),
        mission_id: MissionId::new(mission),
        work_item_id: random.maybe(work_item_id),
        run_id: random.maybe(|_| RunId::new("run_x")),
        kind: random.text(),
        name: random.text(),
        media_type: random.text(),
        size: random.count(),
        digest: digest(random),
        created_at: random.moment(),
    }
}

/// An input for an inbox.
pub fn input(random: &mut Random, mission: &str, id: &str) -> Input {
    Input {
        id: EventId::new(id),
        workspace_id: workspace(),
        mission_id: MissionId::new(mission),
        kind: *random.one_of(InputKind::ALL),
        work_item_id: random.maybe(work_item_id),
        run_id: random.maybe(|_| RunId::new("run_x")),
        data: random.json(),
        occurred_at: random.moment(),
        actor: random.text(),
    }
}

/// An entry of a history.
pub fn history_entry(random: &mut Random, mission: &str, seq: u64) -> HistoryEntry {
    HistoryEntry {
        workspace_id: workspace(),
        mission_id: MissionId::new(mission),
        seq,
        event_id: EventId::new(format!("evt_{seq}")),
        kind: *random.one_of(InputKind::ALL),
        work_item_id: random.maybe(work_item_id),
        run_id: random.maybe(|_| RunId::new("run_x")),
        data: random.json(),
        occurred_at: random.moment(),
        actor: random.text(),
        commands: random.json(),
        assigned_ids: random.json(),
        disposition: *random.one_of(Disposition::ALL),
        refusal: random.maybe(Random::json),
        reducer_digest: random.text(),
        fuel: random.count(),
    }
}

/// An event for the log.
pub fn log_event(random: &mut Random, id: &str) -> NewLogEvent {
    NewLogEvent {
        event_id: EventId::new(id),
        event_type: format!("test.{}", random.below(1000)),
        workspace_id: workspace(),
        session_id: random.maybe(Random::text),
        run_id: random.maybe(|_| RunId::new("run_x")),
        mission_id: random.maybe(|_| MissionId::new("mis_x")),
        resource_key: None,
        actor: random.text(),
        occurred_at: random.moment(),
        properties: random.json(),
    }
}

/// An event for the log that says nothing but its id.
pub fn plain_event(id: &str) -> NewLogEvent {
    NewLogEvent {
        event_id: EventId::new(id),
        event_type: "test.plain".to_owned(),
        workspace_id: workspace(),
        session_id: None,
        run_id: None,
        mission_id: None,
        resource_key: None,
        actor: "test".to_owned(),
        occurred_at: Timestamp(1),
        properties: Json::empty_object(),
    }
}

/// A record of memory that lies in `partition` and says `text`; of a session it is private, else shared.
pub fn memory(random: &mut Random, partition: Partition, id: &str, text: &str) -> MemoryRecord {
    let visibility = if partition.tier == Tier::Session { Visibility::Private } else { Visibility::Shared };
    MemoryRecord {
        id: MemoryId::new(id),
        partition,
        owner: "user.ada".to_owned(),
        visibility,
        kind: *random.one_of(MemoryKind::ALL),
        text: text.to_owned(),
        tags: Vec::new(),
        classification: random.text(),
        metadata: random.json(),
        source: random.maybe(Random::text),
        source_type: *random.one_of(SourceType::ALL),
        run_id: random.maybe(|_| RunId::new("run_x")),
        tool: random.maybe(Random::text),
        content_digest: content_digest(text),
        origin: random.maybe(|_| MemoryId::new("mem_origin")),
        scrub: Scrubbed {
            status: *random.one_of(ScrubStatus::ALL),
            counts: random.few(|random| (random.text(), random.small())),
            scrubber: digest(random),
        },
        approval_id: random.maybe(|_| ApprovalId::new("apr_x")),
        trust: *random.one_of(Trust::ALL),
        created_at: random.moment(),
        updated_at: random.moment(),
        expires_at: None,
        revision: 1,
    }
}

/// A shared note that a user put, and nothing was found in; made `at`.
pub fn plain_memory(partition: Partition, id: &str, text: String, at: Timestamp) -> MemoryRecord {
    MemoryRecord {
        id: MemoryId::new(id),
        partition,
        owner: "user.ada".to_owned(),
        visibility: Visibility::Shared,
        kind: MemoryKind::Note,
        content_digest: content_digest(&text),
        text,
        tags: vec!["bench".to_owned()],
        classification: "internal".to_owned(),
        metadata: Json::empty_object(),
        source: None,
        source_type: SourceType::User,
        run_id: None,
        tool: None,
        origin: None,
        scrub: Scrubbed { status: ScrubStatus::Passed, counts: Vec::new(), scrubber: Digest::of(b"scrubber") },
        approval_id: None,
        trust: Trust::Trusted,
        created_at: at,
        updated_at: at,
        expires_at: None,
        revision: 1,
    }
}

/// A routine.
pub fn routine(random: &mut Random, id: &str) -> Routine {
    let schedules = [
        ScheduleSpec::Cron { expression: random.text() },
        ScheduleSpec::Interval { every_ms: random.count(), anchor: random.maybe(Random::moment) },
        ScheduleSpec::Once { at: random.moment() },
    ];
    let misfires = [
        Misfire::Skip { grace_ms: random.count() },
        Misfire::RunOnce { window_ms: random.count() },
        Misfire::CatchUp { max_runs: random.small() },
    ];
    let overlaps = [
        Overlap::Skip,
        Overlap::Queue { max: random.small() },
        Overlap::Allow { max: random.small() },
        Overlap::CancelPrevious,
    ];
    let settings = RoutineSettings {
        name: random.text(),
        schedule: random.one_of(&schedules).clone(),
        timezone: random.text(),
        exclude: random.few(Random::text),
        jitter_ms: random.count(),
        starts_at: random.maybe(Random::moment),
        ends_at: random.maybe(Random::moment),
        misfire: *random.one_of(&misfires),
        overlap: *random.one_of(&overlaps),
        entrypoint: random.json(),
        args: random.json(),
        budgets: Budgets { max_steps: random.maybe(Random::count), ..Budgets::default() },
        capabilities: random.few(Random::text),
        requires_approval: random.flag(),
        external_integrations_allowed: random.flag(),
        pause_after_failures: random.maybe(Random::small),
    };
    Routine {
        workspace_id: workspace(),
        id: RoutineId::new(id),
        status: *random.one_of(RoutineStatus::ALL),
        status_reason: random.maybe(Random::text),
        settings,
        external_side_effects: random.flag(),
        template: random.maybe(digest),
        creator_type: *random.one_of(CreatorType::ALL),
        creator_id: random.text(),
        owner: random.text(),
        edition: random.count(),
        cursor: random.moment(),
        next_fire_at: random.maybe(Random::moment),
        last_fired_at: random.maybe(Random::moment),
        last_run: random.maybe(|random| OccurrenceId::new(random.text())),
        failures_in_a_row: random.small(),
        created_at: random.moment(),
        updated_at: random.moment(),
        revision: random.count(),
    }
}

/// An occurrence of a routine.
pub fn occurrence(random: &mut Random, routine: &str, id: &str) -> Occurrence {
    Occurrence {
        workspace_id: workspace(),
        routine_id: RoutineId::new(routine),
        slot: Slot::asked(&OccurrenceId::new(id)),
        id: OccurrenceId::new(id),
        scheduled_at: random.moment(),
        local: random.text(),
        zone: random.text(),
        tzdata: random.text(),
        trigger: *random.one_of(Trigger::ALL),
        state: *random.one_of(OccurrenceState::ALL),
        reason: random.maybe(Random::text),
        lateness_ms: random.count(),
        missed_count: random.maybe(Random::count),
        missed_since: random.maybe(Random::moment),
        edition: random.count(),
        template: random.maybe(digest),
        mission_id: random.maybe(|random| MissionId::new(random.text())),
        approval_id: random.maybe(|random| ApprovalId::new(random.text())),
        fired_at: random.moment(),
        started_at: random.maybe(Random::moment),
        finished_at: random.maybe(Random::moment),
        untold: random.flag(),
        revision: random.count(),
    }
}

/// A line of a routine's history.
pub fn routine_entry(random: &mut Random, routine: &str, id: &str) -> RoutineEntry {
    RoutineEntry {
        workspace_id: workspace(),
        routine_id: RoutineId::new(routine),
        id: EventId::new(id),
        event: *random.one_of(HistoryEvent::ALL),
        at: random.moment(),
        run_id: random.maybe(|random| OccurrenceId::new(random.text())),
        scheduled_at: random.maybe(Random::moment),
        trigger: random.maybe(|random| *random.one_of(Trigger::ALL)),
        actor: random.text(),
        detail: random.json(),
    }
}
