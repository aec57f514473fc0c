-- The server: credentials, the audit, receipts of named writes, and what approvals are bound to.

-- Credentials that somebody issued. A secret itself is never stored.
CREATE TABLE tokens (
    -- Its id, which is part of the token's text.
    id TEXT COLLATE "C" NOT NULL,
    -- Where it is good.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- What it is for, in its maker's words.
    name TEXT NOT NULL,
    -- Who it speaks for.
    principal TEXT COLLATE "C" NOT NULL,
    -- operator, member, agent or viewer.
    role TEXT NOT NULL,
    -- SHA-256 of its secret.
    secret_digest TEXT NOT NULL,
    -- SHA-256 of the secret before the last rotation.
    previous_digest TEXT,
    -- Until when that one is good. Milliseconds since the Unix epoch.
    previous_ends_at_ms BIGINT,
    -- Who made it.
    created_by TEXT NOT NULL,
    -- When it was made. Milliseconds since the Unix epoch.
    created_at_ms BIGINT NOT NULL,
    -- When it ends by itself. Milliseconds since the Unix epoch.
    expires_at_ms BIGINT,
    -- When it was last used, give or take a minute. Milliseconds since the Unix epoch.
    last_used_at_ms BIGINT,
    -- When somebody ended it. Milliseconds since the Unix epoch.
    revoked_at_ms BIGINT,
    -- Guards every write.
    revision BIGINT NOT NULL,
    PRIMARY KEY (id)
);
-- Serves the list of a workspace's tokens.
CREATE INDEX tokens_by_workspace ON tokens (workspace_id, id);

-- The audit: one chain over the whole database. Written once, never deleted.
CREATE TABLE audit (
    -- Place in the chain, from 1 without holes.
    seq BIGINT NOT NULL PRIMARY KEY,
    -- Where it happened.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    at_ms BIGINT NOT NULL,
    -- Who.
    actor TEXT NOT NULL,
    -- What, by the name of the action.
    action TEXT NOT NULL,
    -- On what.
    resource TEXT NOT NULL,
    -- done or denied.
    outcome TEXT NOT NULL,
    -- JSON object: the particulars.
    detail TEXT NOT NULL,
    -- Hash of the entry before it.
    previous_hash TEXT NOT NULL,
    -- SHA-256 over this entry and the hash before it.
    hash TEXT NOT NULL
);
-- Serves a workspace's audit, newest first.
CREATE INDEX audit_by_workspace ON audit (workspace_id, seq);

-- The audit's newest entry, in one row, so that a chain cut short at its end is noticed.
CREATE TABLE audit_head (
    -- Always 1.
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Its place; 0 before the first.
    seq BIGINT NOT NULL,
    -- Its hash; 64 zeros before the first.
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- What was answered to writes that their callers named. Deleted after a day.
CREATE TABLE receipts (
    -- Where.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- Who.
    principal TEXT COLLATE "C" NOT NULL,
    -- The caller's name for the write.
    key TEXT COLLATE "C" NOT NULL,
    -- Digest of method, path and body.
    request_digest TEXT NOT NULL,
    -- The HTTP status that was answered.
    status BIGINT NOT NULL,
    -- The body that was answered.
    answer TEXT NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, principal, key)
);
-- Serves the receipts to be deleted.
CREATE INDEX receipts_by_age ON receipts (created_at_ms);

-- Who made a mission; the same name that its creation's event has.
ALTER TABLE missions ADD COLUMN created_by TEXT NOT NULL DEFAULT 'user.local';

-- JSON object: work items for each status that any has.
ALTER TABLE missions ADD COLUMN item_counts TEXT NOT NULL DEFAULT '{}';
UPDATE missions SET item_counts = COALESCE((
    SELECT json_object_agg(status, n)::TEXT FROM (
        SELECT status, COUNT(*) AS n FROM work_items WHERE mission_id = missions.id GROUP BY status
    ) AS counted
), '{}');

-- The session a run belongs to, when its worker named one.
ALTER TABLE runs ADD COLUMN session_id TEXT COLLATE "C";
-- The principal that claimed it last.
ALTER TABLE runs ADD COLUMN worked_by TEXT;
-- SHA-256 of the secret of its last claim's run token; a worker inside the host has none.
ALTER TABLE runs ADD COLUMN token_digest TEXT;

-- The principal that claimed the run.
ALTER TABLE run_leases ADD COLUMN principal TEXT COLLATE "C" NOT NULL DEFAULT 'system.worker';
-- Milliseconds it lasts after each renewal.
ALTER TABLE run_leases ADD COLUMN lease_ms BIGINT NOT NULL DEFAULT 30000;
-- Serves the bound on how many runs one principal holds.
CREATE INDEX run_leases_by_principal ON run_leases (workspace_id, principal);

-- Serves the runs that may be claimed, mission by mission and without their rows; replaces an index
-- in the order of their age alone.
CREATE INDEX runs_waiting ON runs (workspace_id, mission_id, queued_at_ms, id, not_before_ms) WHERE status = 'queued';
DROP INDEX runs_queued;

-- The principal whose work or wish it is about.
ALTER TABLE approvals ADD COLUMN requested_by TEXT NOT NULL DEFAULT 'system.missions';
-- The run whose work it is about.
ALTER TABLE approvals ADD COLUMN run_id TEXT COLLATE "C";
-- JSON text in canonical form: exactly what is approved.
ALTER TABLE approvals ADD COLUMN content TEXT NOT NULL DEFAULT '{}';
-- SHA-256 of that text.
ALTER TABLE approvals ADD COLUMN content_digest TEXT COLLATE "C" NOT NULL
    DEFAULT '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
-- When what was approved was carried out. Milliseconds since the Unix epoch.
ALTER TABLE approvals ADD COLUMN used_at_ms BIGINT;
-- Serves finding the approval of an action that a run asks for again.
CREATE INDEX approvals_by_content ON approvals (workspace_id, run_id, content_digest) WHERE run_id IS NOT NULL;

-- Everything up to this seq was deleted by retention; 0 when nothing was.
ALTER TABLE log_head ADD COLUMN trimmed_seq BIGINT NOT NULL DEFAULT 0;
-- Serves retention: the events of a time.
CREATE INDEX events_by_age ON events (occurred_at_ms);
-- Serves what a run has left.
CREATE INDEX artifacts_by_run ON artifacts (run_id, id) WHERE run_id IS NOT NULL;
