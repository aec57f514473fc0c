//! The types of the log's events: every word that may stand in an event's `type`.
//!
//! Whatever writes to the log takes its type from here, so that this list is complete by
//! construction; `specs/SDK_CONTRACTS.md` is checked against it.

use super::word::words;

words! {
    /// What an event of the log tells.
    EventType {
        /// A mission was made.
        MissionCreated = "mission.created",
        /// A mission was told something; its history is one longer.
        MissionUpdated = "mission.updated",
        /// A mission succeeded.
        MissionCompleted = "mission.completed",
        /// A mission failed.
        MissionFailed = "mission.failed",
        /// A mission was canceled.
        MissionCanceled = "mission.canceled",
        /// A reducer wants something to be known.
        MissionNotice = "mission.notice",
        /// A work item was added or moved.
        WorkItemUpdated = "mission.work_item.updated",
        /// A work item has to be done again.
        WorkItemReworkRequested = "mission.work_item.rework_requested",
        /// A work item is done.
        WorkItemCompleted = "mission.work_item.completed",
        /// A run waits for a worker.
        RunQueued = "session.run.queued",
        /// A worker took a run.
        RunClaimed = "session.run.claimed",
        /// A worker began a run.
        RunStarted = "session.run.started",
        /// A worker told how far a run is.
        RunProgress = "session.run.progress",
        /// A run lost its worker.
        RunInterrupted = "session.run.interrupted",
        /// A run ended.
        RunFinished = "session.run.finished",
        /// A run said or did something.
        PartUpdated = "message.part.updated",
        /// A shared resource has another value.
        ResourceUpdated = "resource.updated",
        /// A shared resource is gone.
        ResourceDeleted = "resource.deleted",
        /// Somebody wants something to be remembered.
        MemoryWriteAttempted = "memory.write.attempted",
        /// It is remembered.
        MemoryWriteSucceeded = "memory.write.succeeded",
        /// It is not: the scrubber blocked it, or it was known already.
        MemoryWriteSkipped = "memory.write.skipped",
        /// Somebody searched what is remembered.
        MemorySearchPerformed = "memory.search.performed",
        /// A run was told of what is remembered.
        MemoryContextInjected = "memory.context.injected",
        /// A record was promoted.
        MemoryPromoted = "memory.promoted",
        /// A record is found no more.
        MemoryDemoted = "memory.demoted",
        /// A record is gone.
        MemoryDeleted = "memory.deleted",
        /// The scrubber blocked a promotion.
        MemoryPromotionBlocked = "memory.promotion_blocked",
        /// A gate was asked.
        GateRequested = "gate.requested",
        /// A gate passed.
        GatePassed = "gate.passed",
        /// A gate failed.
        GateFailed = "gate.failed",
        /// A gate leaves it to a person.
        GateNeedsHuman = "gate.needs_human",
        /// A gate could not judge, which is never a pass.
        GateError = "gate.error",
        /// A question waits for a person.
        ApprovalRequested = "approval.requested",
        /// A person said yes.
        ApprovalGranted = "approval.granted",
        /// A person said no.
        ApprovalDenied = "approval.denied",
        /// Nobody answered in time.
        ApprovalExpired = "approval.expired",
        /// A webhook's receiver took what a run was allowed to send.
        ActionDelivered = "action.delivered",
        /// What a run was allowed to send was given up.
        ActionFailed = "action.failed",
        /// A routine was made.
        RoutineCreated = "routine.created",
        /// A routine, or how it stands, changed.
        RoutineUpdated = "routine.updated",
        /// A routine was deleted.
        RoutineDeleted = "routine.deleted",
        /// A routine fired.
        RoutineFired = "routine.fired",
        /// An occurrence of a routine waits for a person.
        RoutineApprovalRequired = "routine.approval_required",
        /// An occurrence of a routine may not reach the outside world.
        RoutineBlocked = "routine.blocked",
        /// Occurrences of a routine were dropped.
        RoutineMissed = "routine.missed",
        /// A workspace has another policy.
        PolicyUpdated = "policy.updated",
        /// Somebody was denied something, or would have been.
        PolicyDenied = "policy.denied",
        /// A component came into the registry.
        PluginInstalled = "plugin.installed",
        /// A workspace binds other components.
        PluginActivated = "plugin.activated",
        /// A component was refused, or failed.
        PluginFailed = "plugin.failed",
        /// A component left the registry.
        PluginRemoved = "plugin.removed",
    }
}
