-- The spine: missions, their work, gates, timers and histories, and the log of events.
--
-- STRICT: a column holds what its type says. There are no foreign keys; the writer's guards see whole
-- batches, and retention deletes whole missions.

-- Missions' headers.
CREATE TABLE missions (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- One line for people.
    title TEXT NOT NULL,
    -- What is to be achieved, in words.
    goal TEXT NOT NULL,
    -- draft, running, paused, succeeded, failed or canceled.
    status TEXT NOT NULL,
    -- planning, working or summarizing.
    phase TEXT NOT NULL,
    -- Why it is paused, failed or canceled.
    reason TEXT,
    -- JSON array of texts.
    success_criteria TEXT NOT NULL,
    -- JSON object of the store's own: its limits.
    budgets TEXT NOT NULL,
    -- Runs started.
    steps INTEGER NOT NULL,
    -- Tool calls observed.
    tool_calls INTEGER NOT NULL,
    -- JSON array: what its runs ask to be allowed.
    capabilities TEXT NOT NULL,
    -- Template it was made from.
    entrypoint TEXT,
    -- JSON object: the author's own.
    metadata TEXT NOT NULL,
    -- JSON object of the store's own: the components it is pinned to.
    bindings TEXT NOT NULL,
    -- Planner runs that finished.
    planner_attempts INTEGER NOT NULL,
    -- Grows by one with each event of its history; guards every write.
    revision INTEGER NOT NULL,
    -- When it was created. Milliseconds since the Unix epoch.
    created_at_ms INTEGER NOT NULL,
    -- When its history last grew. Milliseconds since the Unix epoch.
    updated_at_ms INTEGER NOT NULL,
    -- When it was first started. Milliseconds since the Unix epoch.
    started_at_ms INTEGER,
    PRIMARY KEY (id)
) STRICT;
-- Serves the list of a workspace's missions, newest first.
CREATE INDEX missions_by_workspace ON missions (workspace_id, id);
-- Serves the same list by status.
CREATE INDEX missions_by_status ON missions (workspace_id, status, id);
-- Serves the missions that are not at their end.
CREATE INDEX missions_open ON missions (workspace_id, id) WHERE status IN ('draft', 'running', 'paused');

-- Work items. Their mission's revision guards them.
CREATE TABLE work_items (
    -- The mission it belongs to.
    mission_id TEXT NOT NULL,
    -- Unique within the mission.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- Order of addition, from 0 without holes.
    position INTEGER NOT NULL,
    -- One line for people.
    title TEXT NOT NULL,
    -- What is to be done, in words.
    detail TEXT,
    -- JSON array of ids: what has to be done first.
    depends_on TEXT NOT NULL,
    -- Only this agent may claim its runs.
    assigned_agent TEXT,
    -- JSON array of texts: what a worker needs.
    skills TEXT NOT NULL,
    -- JSON object: how a worker does it.
    action TEXT,
    -- JSON object: the author's own.
    metadata TEXT,
    -- todo, in_progress, blocked, review, test, rework, done, failed or canceled.
    status TEXT NOT NULL,
    -- Why it stands there.
    reason TEXT,
    -- The run that works on it, or the last one that did.
    run_id TEXT,
    -- Runs that finished.
    attempts INTEGER NOT NULL,
    -- JSON array of the store's own: what the last succeeded run left.
    artifacts TEXT NOT NULL,
    -- JSON array of the store's own: how the gates stand.
    gates TEXT NOT NULL,
    PRIMARY KEY (mission_id, id)
) STRICT;
-- Serves the pages of a mission's items; no position is taken twice.
CREATE UNIQUE INDEX work_items_by_position ON work_items (mission_id, position);

-- Runs, without their leases.
CREATE TABLE runs (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The mission it serves.
    mission_id TEXT NOT NULL,
    -- The work item; none for a planner's run.
    work_item_id TEXT,
    -- work or planner.
    kind TEXT NOT NULL,
    -- Which attempt it is, from 1.
    attempt INTEGER NOT NULL,
    -- queued, running, succeeded, failed or canceled.
    status TEXT NOT NULL,
    -- What is to be done, in words.
    prompt TEXT NOT NULL,
    -- Only this agent may claim it.
    assigned_agent TEXT,
    -- JSON array of texts: what a worker needs.
    skills TEXT NOT NULL,
    -- JSON object: how a worker does it.
    action TEXT,
    -- Not to be claimed before. Milliseconds since the Unix epoch.
    not_before_ms INTEGER,
    -- Claims so far.
    fence INTEGER NOT NULL,
    -- Times it lost its worker.
    interruptions INTEGER NOT NULL,
    -- Somebody wants its worker to stop.
    cancel_requested INTEGER NOT NULL,
    -- One line from its worker at the end.
    summary TEXT,
    -- The worker's answer in full.
    output TEXT,
    -- JSON array of the store's own: what it left.
    artifacts TEXT NOT NULL,
    -- When it was queued first. Milliseconds since the Unix epoch.
    queued_at_ms INTEGER NOT NULL,
    -- When a worker first claimed it. Milliseconds since the Unix epoch.
    started_at_ms INTEGER,
    -- When it reached a final status. Milliseconds since the Unix epoch.
    finished_at_ms INTEGER,
    -- Guards every write.
    revision INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
-- Serves the list of a workspace's runs.
CREATE INDEX runs_by_workspace ON runs (workspace_id, id);
-- Serves a mission's runs and its board.
CREATE INDEX runs_by_mission ON runs (mission_id, id);
-- Serves the runs that may be claimed.
CREATE INDEX runs_queued ON runs (workspace_id, queued_at_ms) WHERE status = 'queued';
-- Serves their fairness: how many runs of a mission are going.
CREATE INDEX runs_running ON runs (mission_id) WHERE status = 'running';

-- Workers' holds on runs. A run without a row is held by nobody.
CREATE TABLE run_leases (
    -- The run.
    run_id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- Who holds it, in the worker's own words.
    worker TEXT NOT NULL,
    -- The host process that granted it.
    host_id TEXT NOT NULL,
    -- Grows by one with each claim of the run; guards every renewal.
    fence INTEGER NOT NULL,
    -- When it ends unless renewed. Milliseconds since the Unix epoch.
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (run_id)
) STRICT;
-- Serves the leases that have ended.
CREATE INDEX run_leases_by_end ON run_leases (expires_at_ms);
-- Serves the leases of a host that starts again.
CREATE INDEX run_leases_by_host ON run_leases (host_id);

-- Requests for a gate's verdict.
CREATE TABLE evaluations (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The mission.
    mission_id TEXT NOT NULL,
    -- The work item.
    work_item_id TEXT NOT NULL,
    -- The run whose artifacts are judged.
    run_id TEXT NOT NULL,
    -- review or test.
    gate TEXT NOT NULL,
    -- The attempt.
    attempt INTEGER NOT NULL,
    -- Digest of what is judged.
    artifact_set TEXT NOT NULL,
    -- pending, answered or canceled.
    status TEXT NOT NULL,
    -- Times the host failed to evaluate it through a fault of its own.
    host_faults INTEGER NOT NULL,
    -- Not to be evaluated before. Milliseconds since the Unix epoch.
    not_before_ms INTEGER,
    -- When it was asked for. Milliseconds since the Unix epoch.
    requested_at_ms INTEGER NOT NULL,
    -- Guards every write.
    revision INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
-- Serves the evaluations to be made, the longest asked first.
CREATE INDEX evaluations_pending ON evaluations (requested_at_ms, id) WHERE status = 'pending';
-- Serves a mission's pending evaluations.
CREATE INDEX evaluations_pending_by_mission ON evaluations (mission_id) WHERE status = 'pending';

-- Gates' answers. Written once.
CREATE TABLE verdicts (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The request it answers.
    evaluation_id TEXT NOT NULL,
    -- The mission.
    mission_id TEXT NOT NULL,
    -- The work item.
    work_item_id TEXT NOT NULL,
    -- The run whose artifacts were judged.
    run_id TEXT NOT NULL,
    -- review or test.
    gate TEXT NOT NULL,
    -- The attempt.
    attempt INTEGER NOT NULL,
    -- The plugin that judged, name@version.
    plugin TEXT NOT NULL,
    -- The digest of its component.
    plugin_digest TEXT NOT NULL,
    -- Digest of what was judged.
    artifact_set TEXT NOT NULL,
    -- pass, fail, needs_human or error.
    outcome TEXT NOT NULL,
    -- One line.
    summary TEXT NOT NULL,
    -- JSON array of the store's own: the observations.
    findings TEXT NOT NULL,
    -- JSON object: numbers for programs, and the plugin's log.
    data TEXT NOT NULL,
    -- When it was given. Milliseconds since the Unix epoch.
    given_at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
-- Serves a mission's verdicts in their order.
CREATE INDEX verdicts_by_mission ON verdicts (mission_id, id);
-- Serves a work item's verdicts in their order.
CREATE INDEX verdicts_by_work_item ON verdicts (mission_id, work_item_id, id);

-- Questions only a person may answer.
CREATE TABLE approvals (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The mission that asks.
    mission_id TEXT NOT NULL,
    -- The work item it is about.
    work_item_id TEXT,
    -- gate, or a kind of the reducer's own.
    kind TEXT NOT NULL,
    -- The gate it overrides.
    gate TEXT,
    -- The verdict it answers.
    verdict_id TEXT,
    -- Digest of what is approved.
    subject TEXT NOT NULL,
    -- One line for the person who answers.
    summary TEXT NOT NULL,
    -- JSON object: what the reducer added.
    data TEXT NOT NULL,
    -- pending, granted, denied or expired.
    status TEXT NOT NULL,
    -- Who answered.
    decided_by TEXT,
    -- What they said.
    reason TEXT,
    -- When it was asked. Milliseconds since the Unix epoch.
    requested_at_ms INTEGER NOT NULL,
    -- When it was answered. Milliseconds since the Unix epoch.
    decided_at_ms INTEGER,
    -- When it expires unanswered. Milliseconds since the Unix epoch.
    expires_at_ms INTEGER,
    -- Guards every write.
    revision INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
-- Serves the list of a workspace's approvals.
CREATE INDEX approvals_by_workspace ON approvals (workspace_id, status, id);
-- Serves a mission's approvals.
CREATE INDEX approvals_by_mission ON approvals (mission_id, id);
-- Serves the approvals that nobody answered in time.
CREATE INDEX approvals_expiring ON approvals (expires_at_ms) WHERE status = 'pending';

-- Timers. The row is gone once the timer has fired.
CREATE TABLE timers (
    -- The mission.
    mission_id TEXT NOT NULL,
    -- The reducer's name for it.
    key TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- When it fires, or soon after. Milliseconds since the Unix epoch.
    due_at_ms INTEGER NOT NULL,
    -- JSON object: handed back with timer_fired.
    data TEXT NOT NULL,
    -- Guards every write.
    revision INTEGER NOT NULL,
    PRIMARY KEY (mission_id, key)
) STRICT;
-- Serves the due timers, and when the next one is due.
CREATE INDEX timers_by_due ON timers (due_at_ms);

-- What runs and reducers left behind; the content is a blob. Written once.
CREATE TABLE artifacts (
    -- Its id.
    id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The mission it belongs to.
    mission_id TEXT NOT NULL,
    -- The work item, when it came from one.
    work_item_id TEXT,
    -- The run, when a run left it.
    run_id TEXT,
    -- What it is.
    kind TEXT NOT NULL,
    -- File name, without a path.
    name TEXT NOT NULL,
    -- Media type (RFC 6838).
    media_type TEXT NOT NULL,
    -- Length in bytes.
    size INTEGER NOT NULL,
    -- The content's digest.
    digest TEXT NOT NULL,
    -- When it was left. Milliseconds since the Unix epoch.
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT;
-- Serves a mission's artifacts in their order.
CREATE INDEX artifacts_by_mission ON artifacts (mission_id, id);
-- Serves a work item's artifacts in their order.
CREATE INDEX artifacts_by_work_item ON artifacts (mission_id, work_item_id, id) WHERE work_item_id IS NOT NULL;

-- Inputs that the host made and no reducer has seen yet.
CREATE TABLE inbox (
    -- Its id; sorts by when it was made.
    event_id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The mission.
    mission_id TEXT NOT NULL,
    -- What happened.
    kind TEXT NOT NULL,
    -- The item it is about.
    work_item_id TEXT,
    -- The run it is about.
    run_id TEXT,
    -- JSON object: the particulars.
    data TEXT NOT NULL,
    -- When it was recorded. Milliseconds since the Unix epoch.
    occurred_at_ms INTEGER NOT NULL,
    -- Who caused it.
    actor TEXT NOT NULL,
    PRIMARY KEY (event_id)
) STRICT;
-- Serves a mission's queue, and hopping from one mission's queue to the next.
CREATE INDEX inbox_by_mission ON inbox (mission_id, event_id);

-- What missions were told and what became of it. Written once.
CREATE TABLE history (
    -- The mission.
    mission_id TEXT NOT NULL,
    -- Position, from 0 without holes.
    seq INTEGER NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- The input's id.
    event_id TEXT NOT NULL,
    -- The input's kind, or mission_created.
    kind TEXT NOT NULL,
    -- The item it is about.
    work_item_id TEXT,
    -- The run it is about.
    run_id TEXT,
    -- JSON object: the particulars.
    data TEXT NOT NULL,
    -- When it was recorded. Milliseconds since the Unix epoch.
    occurred_at_ms INTEGER NOT NULL,
    -- Who caused it.
    actor TEXT NOT NULL,
    -- JSON array: the commands in the order issued.
    commands TEXT NOT NULL,
    -- JSON array of texts: the ids the host chose while applying them.
    assigned_ids TEXT NOT NULL,
    -- applied or refused.
    disposition TEXT NOT NULL,
    -- JSON object: why it was refused.
    refusal TEXT,
    -- Digest of the reducer that was called.
    reducer_digest TEXT NOT NULL,
    -- Fuel the call used.
    fuel INTEGER NOT NULL,
    PRIMARY KEY (mission_id, seq)
) STRICT;

-- The log. Written once; only retention deletes, oldest first.
CREATE TABLE events (
    -- Place in the database's one order, without holes.
    seq INTEGER NOT NULL PRIMARY KEY,
    -- Its id.
    event_id TEXT NOT NULL,
    -- Whose it is.
    workspace_id TEXT NOT NULL,
    -- Dotted type.
    event_type TEXT NOT NULL,
    -- The session it belongs to.
    session_id TEXT,
    -- The run it is about.
    run_id TEXT,
    -- The mission it is about.
    mission_id TEXT,
    -- Who caused it.
    actor TEXT NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    occurred_at_ms INTEGER NOT NULL,
    -- JSON object.
    properties TEXT NOT NULL,
    UNIQUE (event_id)
) STRICT;
-- Serves following a workspace's log.
CREATE INDEX events_by_workspace ON events (workspace_id, seq);
-- Serves following one mission.
CREATE INDEX events_by_mission ON events (workspace_id, mission_id, seq) WHERE mission_id IS NOT NULL;
-- Serves following one run.
CREATE INDEX events_by_run ON events (workspace_id, run_id, seq) WHERE run_id IS NOT NULL;
-- Serves following one session.
CREATE INDEX events_by_session ON events (workspace_id, session_id, seq) WHERE session_id IS NOT NULL;

-- The log's newest seq, in one row: it goes on from there whatever retention deletes.
CREATE TABLE log_head (
    -- Always 1.
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The newest seq; 0 before the first event.
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO log_head (id, seq) VALUES (1, 0);

-- Artifacts' contents are files beside the database; on PostgreSQL they are a table, blobs.
