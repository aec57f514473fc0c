-- Plugins: the components that operators installed, and what workspaces bind.

-- Components of the registry. Their bytes lie among the blobs, under their digest.
CREATE TABLE plugins (
    -- Its name, from its manifest.
    name TEXT COLLATE "C" NOT NULL,
    -- Its version, from its manifest.
    version TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of its bytes.
    digest TEXT COLLATE "C" NOT NULL,
    -- reducer, gate or scrubber.
    kind TEXT NOT NULL,
    -- The contract it was built against.
    contract TEXT NOT NULL,
    -- One sentence for operators.
    description TEXT NOT NULL,
    -- JSON object: the schema of its settings.
    settings_schema TEXT NOT NULL,
    -- Its length in bytes.
    size BIGINT NOT NULL,
    -- JSON array of texts: what it imports.
    imports TEXT NOT NULL,
    -- JSON array of texts: what it exports.
    exports TEXT NOT NULL,
    -- JSON array of the store's own: who stands behind it.
    signatures TEXT NOT NULL,
    -- JSON object: what came of its first calls.
    self_test TEXT NOT NULL,
    -- The workspace of whoever installed it. It may be bound in others.
    installed_in TEXT COLLATE "C" NOT NULL,
    -- The principal that installed it.
    installed_by TEXT COLLATE "C" NOT NULL,
    -- When. Milliseconds since the Unix epoch.
    installed_at_ms BIGINT NOT NULL,
    -- Guards every write: it grows whenever somebody binds it.
    revision BIGINT NOT NULL,
    -- Serves the list.
    PRIMARY KEY (name, version)
);
-- Serves whoever names a component by its digest.
CREATE UNIQUE INDEX plugins_by_digest ON plugins (digest);

-- Revisions of what workspaces bind. Written once and kept; the newest of a workspace is in force.
CREATE TABLE workspaces (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- Counts changes from 1.
    revision BIGINT NOT NULL,
    -- JSON object of the store's own: the components that decide.
    bindings TEXT NOT NULL,
    -- Whether components have to be signed.
    require_signatures BOOLEAN NOT NULL,
    -- JSON array of texts: the public keys that are trusted.
    trusted_keys TEXT NOT NULL,
    -- Why, in the author's words.
    note TEXT,
    -- The revision that this one went back to.
    rolled_back_to BIGINT,
    -- The principal that wrote it.
    changed_by TEXT COLLATE "C" NOT NULL,
    -- When it was written. Milliseconds since the Unix epoch.
    changed_at_ms BIGINT NOT NULL,
    -- Serves the question for the newest, and the history.
    PRIMARY KEY (workspace_id, revision)
);
