-- Webhooks: where runs may post to, and what is posted there.
-- STRICT, and no foreign keys, as in the tables before.

-- Endpoints by name. A deleted one keeps its row, so that its revisions never begin again.
CREATE TABLE webhooks (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- Its name, unique within the workspace.
    name TEXT NOT NULL,
    -- Where to; empty once it is deleted.
    url TEXT NOT NULL,
    -- Scheme, host and port of the address.
    origin TEXT NOT NULL,
    -- What deliveries are signed with, as text; empty once it is deleted.
    secret TEXT NOT NULL,
    -- Whether anything is delivered.
    is_enabled INTEGER NOT NULL,
    -- When it was deleted. Milliseconds since the Unix epoch.
    deleted_at_ms INTEGER,
    -- The revision that set the address.
    address_revision INTEGER NOT NULL,
    -- The principal that wrote it last.
    updated_by TEXT NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    updated_at_ms INTEGER NOT NULL,
    -- Guards every write.
    revision INTEGER NOT NULL,
    -- Serves the list.
    PRIMARY KEY (workspace_id, name)
) STRICT;

-- What was allowed to be posted, and how that goes.
CREATE TABLE deliveries (
    -- Its id; receivers know it by this at every attempt.
    id TEXT PRIMARY KEY,
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The run that asked.
    run_id TEXT NOT NULL,
    -- Its mission.
    mission_id TEXT NOT NULL,
    -- The work item it worked on.
    work_item_id TEXT,
    -- The endpoint's name.
    endpoint TEXT NOT NULL,
    -- The revision of the endpoint's address that was allowed.
    address_revision INTEGER NOT NULL,
    -- SHA-256 of what is posted.
    body_digest TEXT NOT NULL,
    -- Its length.
    body_bytes INTEGER NOT NULL,
    -- The principal that wished it.
    requested_by TEXT NOT NULL,
    -- The yes it stands on, where policy wanted one.
    approval_id TEXT,
    -- pending, delivered or failed.
    status TEXT NOT NULL,
    -- Attempts begun.
    attempts INTEGER NOT NULL,
    -- The status of the newest answer.
    last_status INTEGER,
    -- What went wrong at the newest attempt.
    last_error TEXT,
    -- When it was allowed. Milliseconds since the Unix epoch.
    created_at_ms INTEGER NOT NULL,
    -- When it is attempted next; nothing once it is over. Milliseconds since the Unix epoch.
    next_attempt_at_ms INTEGER,
    -- When it was over. Milliseconds since the Unix epoch.
    ended_at_ms INTEGER,
    -- Guards every write.
    revision INTEGER NOT NULL
) STRICT;
-- Serves the loop that looks for what is due.
CREATE INDEX deliveries_due ON deliveries (next_attempt_at_ms, id) WHERE status = 'pending';
-- Serves a workspace's list.
CREATE INDEX deliveries_by_workspace ON deliveries (workspace_id, id);
-- Serves a run's list, and the count of what of it is pending.
CREATE INDEX deliveries_by_run ON deliveries (run_id, id);
-- Serves the deletion of what was over long ago.
CREATE INDEX deliveries_over ON deliveries (ended_at_ms, id) WHERE status <> 'pending';

-- What is posted, apart from how that goes: written once, and read for attempts alone.
CREATE TABLE delivery_bodies (
    -- The delivery's id.
    id TEXT PRIMARY KEY,
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- JSON in canonical form.
    body TEXT NOT NULL
) STRICT;
