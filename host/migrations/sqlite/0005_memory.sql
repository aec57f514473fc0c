-- Governed memory: records, what makes them one, how they are counted and found.
-- STRICT, and no foreign keys, as in the tables before.

-- Records. Whatever is text in them has been scrubbed.
CREATE TABLE memories (
    -- Its place in the index of words.
    no INTEGER PRIMARY KEY,
    -- Its id.
    id TEXT NOT NULL,
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The organisation the host serves.
    org TEXT NOT NULL,
    -- The project.
    project_id TEXT NOT NULL,
    -- session, project, team or curated.
    tier TEXT NOT NULL,
    -- The session; empty but for the tier session.
    session_id TEXT NOT NULL,
    -- The principal it belongs to.
    owner TEXT NOT NULL,
    -- private, shared or demoted.
    visibility TEXT NOT NULL,
    -- What its words begin with in the index; empty when it is not in it.
    scope TEXT NOT NULL,
    -- fact, note or solution_capsule.
    kind TEXT NOT NULL,
    -- trusted or untrusted.
    trust TEXT NOT NULL,
    -- When it was stored. Milliseconds since the Unix epoch.
    created_at_ms INTEGER NOT NULL,
    -- When it was last changed, or put again. Milliseconds since the Unix epoch.
    updated_at_ms INTEGER NOT NULL,
    -- When it is gone by itself. Milliseconds since the Unix epoch.
    expires_at_ms INTEGER,
    -- Guards every write.
    revision INTEGER NOT NULL,
    -- Length of its text, in bytes.
    bytes INTEGER NOT NULL,
    -- JSON array of texts.
    tags TEXT NOT NULL,
    -- A word of the author's.
    classification TEXT NOT NULL,
    -- JSON object: the author's own.
    metadata TEXT NOT NULL,
    -- Where it came from, in the author's words.
    source TEXT,
    -- user, agent, run, event or promotion.
    source_type TEXT NOT NULL,
    -- The run that wrote it.
    run_id TEXT,
    -- The tool whose answer it was.
    tool TEXT,
    -- SHA-256 of its text, folded.
    content_digest TEXT NOT NULL,
    -- The record it was promoted from.
    origin TEXT,
    -- passed or redacted.
    scrub_status TEXT NOT NULL,
    -- JSON array of pairs: how often each kind was found.
    scrub_counts TEXT NOT NULL,
    -- Digest of the component that looked.
    scrubber TEXT NOT NULL,
    -- The approval it was stored under.
    approval_id TEXT,
    -- What it says.
    text TEXT NOT NULL,
    UNIQUE (id)
) STRICT;
-- Serves lists of what somebody may read, newest first, and finding one of them.
CREATE INDEX memories_by_scope ON memories (workspace_id, scope, created_at_ms, id) WHERE scope <> '';
-- Serves the list of everything a workspace has, newest first.
CREATE INDEX memories_by_workspace ON memories (workspace_id, created_at_ms, id);
-- Serves the sweep: what ends next.
CREATE INDEX memories_ending ON memories (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- Which record has which content: guards a scope against having one twice.
CREATE TABLE memory_contents (
    -- SHA-256 of the scope's fields and the content's digest.
    key TEXT NOT NULL,
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- The record.
    memory_id TEXT NOT NULL,
    PRIMARY KEY (key)
) STRICT;

-- What the scopes count, for ranking within each. A scope without records has no row.
CREATE TABLE memory_scopes (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- What its words begin with in the index.
    scope TEXT NOT NULL,
    -- The organisation the host serves.
    org TEXT NOT NULL,
    -- The project.
    project_id TEXT NOT NULL,
    -- session, project, team or curated.
    tier TEXT NOT NULL,
    -- The session; empty but for the tier session.
    session_id TEXT NOT NULL,
    -- Who alone sees its records; empty when they are shared.
    owner TEXT NOT NULL,
    -- Records.
    records INTEGER NOT NULL,
    -- Words of all of them together.
    words INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, scope)
) STRICT;

-- Vectors that callers gave to records.
CREATE TABLE memory_vectors (
    -- The record.
    memory_id TEXT NOT NULL,
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- How many numbers it has.
    numbers INTEGER NOT NULL,
    -- Two hexadecimal digits for each number, of -127 to 127.
    vector TEXT NOT NULL,
    PRIMARY KEY (memory_id)
) STRICT;

-- The index of words of each workspace is a table of its own, memory_fts_NO, made with the first record:
-- what one workspace writes cannot change what another finds.
CREATE TABLE memory_indexes (
    -- The number in the table's name.
    no INTEGER PRIMARY KEY,
    -- Whose.
    workspace_id TEXT NOT NULL UNIQUE
) STRICT;
