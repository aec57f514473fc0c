-- Shadows: components that decide beside the ones that count, without effect, and what became of that.
-- STRICT, and no foreign keys, as in the tables before.

-- A component in shadow, counted on all hosts together. Counted anew when its settings change, or what it decides
-- beside.
CREATE TABLE shadows (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- What it decides: reducer, review, test or scrubber.
    role TEXT NOT NULL,
    -- SHA-256 of its bytes.
    digest TEXT NOT NULL,
    -- Its name and version.
    plugin TEXT NOT NULL,
    -- SHA-256 of its settings and of what it decides beside.
    terms TEXT NOT NULL,
    -- The workspace's revision since which is counted.
    since_revision INTEGER NOT NULL,
    -- Since when. Milliseconds since the Unix epoch.
    since_ms INTEGER NOT NULL,
    -- When it was counted last. Milliseconds since the Unix epoch.
    updated_at_ms INTEGER NOT NULL,
    -- Decided the same.
    same INTEGER NOT NULL,
    -- Decided differently.
    different INTEGER NOT NULL,
    -- Failed, where what decided did not.
    failed INTEGER NOT NULL,
    -- Of these, took more than twice the fuel of what decided.
    slower INTEGER NOT NULL,
    -- Was never asked.
    dropped INTEGER NOT NULL,
    -- Guards every write.
    revision INTEGER NOT NULL,
    -- Serves the list.
    PRIMARY KEY (workspace_id, role, digest)
) STRICT;

-- What was decided differently in shadow; of each component the newest are kept.
CREATE TABLE shadow_differences (
    -- Whose.
    workspace_id TEXT NOT NULL,
    -- Its id, which sorts by time.
    id TEXT NOT NULL,
    -- What the component decides: reducer, review, test or scrubber.
    role TEXT NOT NULL,
    -- SHA-256 of its bytes.
    digest TEXT NOT NULL,
    -- When it was found. Milliseconds since the Unix epoch.
    at_ms INTEGER NOT NULL,
    -- different, or failed.
    outcome TEXT NOT NULL,
    -- The mission; none of texts.
    mission_id TEXT,
    -- The event's place in the mission's history, of reducers.
    seq INTEGER,
    -- The work item, of gates.
    work_item_id TEXT,
    -- The verdict, of gates.
    verdict_id TEXT,
    -- The event's type, the stage, or the text's kind.
    kind TEXT NOT NULL,
    -- JSON object: what was decided. Of texts only kinds and counts.
    decided TEXT NOT NULL,
    -- JSON object: what the component decides.
    candidate TEXT NOT NULL,
    -- Serves the list.
    PRIMARY KEY (workspace_id, id)
) STRICT;
-- Serves the list of one role, and whoever deletes the oldest of a component.
CREATE INDEX shadow_differences_by_role ON shadow_differences (workspace_id, role, digest, id);
