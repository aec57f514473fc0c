-- Shared resources: records with revisions, leases with fencing tokens, and where readers of the log are.
-- STRICT, and no foreign keys, as in the tables before.

-- Keys of shared resources and how they stand. A row stays when its record goes, so that revisions
-- never restart.
CREATE TABLE resources (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The key.
    key TEXT NOT NULL,
    -- The newest revision. Guards every write.
    rev INTEGER NOT NULL,
    -- Whether there is a record, unless it has ended.
    living INTEGER NOT NULL,
    -- When the record ends by itself; 0 when it was taken away, nothing when it lasts,
    -- 9223372036854775807 when only the host writes it. Milliseconds since the Unix epoch.
    ends_at_ms INTEGER,
    -- Length of the value, in bytes.
    bytes INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, key)
) STRICT;
-- Serves lists: the keys that have a record, whatever was deleted between them.
CREATE INDEX resources_living ON resources (workspace_id, key, rev, ends_at_ms, bytes) WHERE living;
-- Serves expiry: what ends next, and nothing that does not end.
CREATE INDEX resources_ending ON resources (ends_at_ms) WHERE ends_at_ms > 0;

-- What each revision said. The newest of a key is its record; older ones are history, a limited number
-- of them. Written once.
CREATE TABLE resource_revisions (
    -- Whose key.
    workspace_id TEXT NOT NULL,
    -- The key.
    key TEXT NOT NULL,
    -- Which revision.
    rev INTEGER NOT NULL,
    -- updated, deleted or expired.
    kind TEXT NOT NULL,
    -- JSON text; nothing when the record was taken away.
    value TEXT,
    -- When. Milliseconds since the Unix epoch.
    updated_at_ms INTEGER NOT NULL,
    -- Who, in the writer's words.
    updated_by TEXT NOT NULL,
    -- The principal that did it.
    actor TEXT NOT NULL,
    -- How long it was given, in milliseconds.
    ttl_ms INTEGER,
    -- When it ends by itself. Milliseconds since the Unix epoch.
    expires_at_ms INTEGER,
    -- The lease whose claim it shows.
    claim_of TEXT,
    PRIMARY KEY (workspace_id, key, rev)
) STRICT;

-- JSON Schemas that values have to fit, by the beginning of their keys.
CREATE TABLE resource_schemas (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- Guards every change of them, and every write of a value that was judged by them.
    revision INTEGER NOT NULL,
    -- JSON object: the schema for each beginning of keys.
    schemas TEXT NOT NULL,
    PRIMARY KEY (workspace_id)
) STRICT;

-- Named leases. A row stays when its lease ends, so that fencing tokens never restart.
CREATE TABLE leases (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The name.
    name TEXT NOT NULL,
    -- The id of the newest holding.
    id TEXT NOT NULL,
    -- Who holds it, in the holder's words.
    owner TEXT NOT NULL,
    -- The principal that took it.
    principal TEXT NOT NULL,
    -- Counts holdings. Guards every write.
    fencing_token INTEGER NOT NULL,
    -- Milliseconds it lasts from each renewal.
    ttl_ms INTEGER NOT NULL,
    -- When it was taken. Milliseconds since the Unix epoch.
    acquired_at_ms INTEGER NOT NULL,
    -- When it ends unless it is renewed. Milliseconds since the Unix epoch.
    expires_at_ms INTEGER NOT NULL,
    -- Until when it is held for whoever asks: as before, and 0 when it was given back or ended.
    held_until_ms INTEGER NOT NULL,
    -- held, released or expired.
    state TEXT NOT NULL,
    -- Holdings in a row that followed one that had run out.
    retries INTEGER NOT NULL,
    -- The resource that shows who holds it.
    claim_key TEXT,
    PRIMARY KEY (workspace_id, name)
) STRICT;
-- Serves finding a lease by what its holder has.
CREATE UNIQUE INDEX leases_by_id ON leases (id);
-- Serves the leases that run out and have somebody to tell.
CREATE INDEX leases_ending ON leases (held_until_ms) WHERE claim_key IS NOT NULL AND held_until_ms > 0;

-- How far the host's own readers of the log are.
CREATE TABLE log_cursors (
    -- Which reader.
    name TEXT NOT NULL,
    -- The newest event it has dealt with. Guards every move.
    seq INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT;

-- What the status indexer knows of each session.
CREATE TABLE session_status (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The session.
    session_id TEXT NOT NULL,
    -- JSON object: its runs, the newest last.
    state TEXT NOT NULL,
    -- Counts changes.
    revision INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, session_id)
) STRICT;

-- The shared resource an event is about.
ALTER TABLE events ADD COLUMN resource_key TEXT;
-- Serves followers of resources that are behind.
CREATE INDEX events_of_resources ON events (workspace_id, seq) WHERE resource_key IS NOT NULL;
