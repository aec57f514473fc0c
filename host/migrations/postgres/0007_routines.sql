-- Routines: what happens again and again, each time it did, and what is told of it.

-- Routines. A row goes when its routine is deleted; its occurrences and its history stay.
CREATE TABLE routines (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- Its id, unique within the workspace.
    id TEXT COLLATE "C" NOT NULL,
    -- One line for people.
    name TEXT NOT NULL,
    -- enabled, disabled or paused.
    status TEXT NOT NULL,
    -- Why it stands there.
    status_reason TEXT,
    -- JSON object: when, as it was written.
    schedule TEXT NOT NULL,
    -- IANA name of the zone it is written for.
    timezone TEXT NOT NULL,
    -- JSON array of texts: dates without occurrences.
    exclude TEXT NOT NULL,
    -- Longest delay after the written time, in milliseconds.
    jitter_ms BIGINT NOT NULL,
    -- Nothing before this. Milliseconds since the Unix epoch.
    starts_at_ms BIGINT,
    -- Nothing after this. Milliseconds since the Unix epoch.
    ends_at_ms BIGINT,
    -- JSON object: what becomes of missed occurrences.
    misfire TEXT NOT NULL,
    -- JSON object: what becomes of occurrences that would overlap.
    overlap TEXT NOT NULL,
    -- JSON: what is done.
    entrypoint TEXT NOT NULL,
    -- JSON object: with what.
    args TEXT NOT NULL,
    -- JSON object: limits of each occurrence's mission.
    budgets TEXT NOT NULL,
    -- JSON array of texts: what its runs ask to be allowed.
    capabilities TEXT NOT NULL,
    -- Whether a person approves each occurrence that has external side effects.
    requires_approval BOOLEAN NOT NULL,
    -- Whether it may have external side effects.
    external_integrations_allowed BOOLEAN NOT NULL,
    -- Whether it has; computed when its settings are saved.
    external_side_effects BOOLEAN NOT NULL,
    -- It pauses after this many failures in a row.
    pause_after_failures BIGINT,
    -- user or agent.
    creator_type TEXT NOT NULL,
    -- The principal that made it.
    creator_id TEXT COLLATE "C" NOT NULL,
    -- Counts changes of its settings.
    edition BIGINT NOT NULL,
    -- Occurrences up to this written instant are dealt with. Milliseconds since the Unix epoch.
    cursor_ms BIGINT NOT NULL,
    -- When it fires next. Milliseconds since the Unix epoch.
    next_fire_at_ms BIGINT,
    -- The written instant of the occurrence that fired last. Milliseconds since the Unix epoch.
    last_fired_at_ms BIGINT,
    -- The id of that occurrence.
    last_run TEXT COLLATE "C",
    -- Failures since the last success.
    failures_in_a_row BIGINT NOT NULL,
    -- When it was made. Milliseconds since the Unix epoch.
    created_at_ms BIGINT NOT NULL,
    -- When settings or status last changed. Milliseconds since the Unix epoch.
    updated_at_ms BIGINT NOT NULL,
    -- Guards every write.
    revision BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
-- Serves the loop that fires: what is due, earliest first, and when the next is.
CREATE INDEX routines_due ON routines (next_fire_at_ms) WHERE status = 'enabled' AND next_fire_at_ms IS NOT NULL;

-- Occurrences of routines: that a row of a slot is there is what makes it fire once.
CREATE TABLE occurrences (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- The routine, which may be gone.
    routine_id TEXT COLLATE "C" NOT NULL,
    -- Its place within the routine: s:INSTANT of the schedule, b:INSTANT of a backfill, n:ID asked for.
    slot TEXT COLLATE "C" NOT NULL,
    -- Its id.
    id TEXT COLLATE "C" NOT NULL,
    -- The instant it is written for. Milliseconds since the Unix epoch.
    scheduled_at_ms BIGINT NOT NULL,
    -- That instant on the zone's wall clock, RFC 3339.
    local_time TEXT NOT NULL,
    -- IANA name of the zone.
    zone TEXT NOT NULL,
    -- Version of the tz database.
    tzdata TEXT NOT NULL,
    -- schedule, catch_up, run_now or backfill.
    triggered_by TEXT NOT NULL,
    -- queued, approval_required, running, paused, succeeded, failed, canceled, skipped, missed, blocked or denied.
    state TEXT NOT NULL,
    -- Why it stands there.
    reason TEXT,
    -- From when it was due until it was dealt with, in milliseconds.
    lateness_ms BIGINT NOT NULL,
    -- How many missed occurrences it stands for.
    missed_count BIGINT,
    -- The instant of the first of them. Milliseconds since the Unix epoch.
    missed_since_ms BIGINT,
    -- The edition of the routine it fired under.
    edition BIGINT NOT NULL,
    -- The mission that does its work.
    mission_id TEXT COLLATE "C",
    -- The question it waits, or waited, for.
    approval_id TEXT COLLATE "C",
    -- When it was dealt with. Milliseconds since the Unix epoch.
    fired_at_ms BIGINT NOT NULL,
    -- When its mission began. Milliseconds since the Unix epoch.
    started_at_ms BIGINT,
    -- When it was over. Milliseconds since the Unix epoch.
    finished_at_ms BIGINT,
    -- Whether it is not over yet.
    is_open BOOLEAN NOT NULL,
    -- Whether it is over and its routine has yet to hear of it.
    untold BOOLEAN NOT NULL,
    -- Guards every write.
    revision BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, routine_id, slot)
);
-- Serves lookups by id, and lists of a workspace's occurrences, newest first.
CREATE UNIQUE INDEX occurrences_by_id ON occurrences (workspace_id, id);
-- Serves lists of a routine's occurrences, newest first.
CREATE INDEX occurrences_by_routine ON occurrences (workspace_id, routine_id, id);
-- Serves the question what an occurrence that is due would overlap.
CREATE INDEX occurrences_open ON occurrences (routine_id) WHERE is_open;
-- Serves the loop that tells routines how their occurrences ended.
CREATE INDEX occurrences_untold ON occurrences (finished_at_ms) WHERE untold;
-- Serves missions that begin or end: whose occurrence that is.
CREATE INDEX occurrences_by_mission ON occurrences (mission_id) WHERE mission_id IS NOT NULL;

-- What happened to routines. Written once.
CREATE TABLE routine_history (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- The routine.
    routine_id TEXT COLLATE "C" NOT NULL,
    -- Its id; sorts by when it was made.
    id TEXT COLLATE "C" NOT NULL,
    -- created, updated, deleted, fired, approval_required, blocked, missed or finished.
    event TEXT NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    at_ms BIGINT NOT NULL,
    -- The occurrence it is about.
    run_id TEXT COLLATE "C",
    -- The instant that is written for. Milliseconds since the Unix epoch.
    scheduled_at_ms BIGINT,
    -- Why that is there.
    triggered_by TEXT,
    -- Who caused it.
    actor TEXT NOT NULL,
    -- JSON object: the particulars.
    detail TEXT NOT NULL,
    PRIMARY KEY (workspace_id, routine_id, id)
);
