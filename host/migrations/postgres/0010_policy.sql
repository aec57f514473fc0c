-- Policy: what a workspace's operators wrote of who may do what, and what was decided lately.

-- Revisions of workspaces' policies. Written once and kept; the newest of a workspace holds.
CREATE TABLE policies (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- Counts changes from 1.
    revision BIGINT NOT NULL,
    -- enforce, or observe when what the policies deny is only told.
    mode TEXT NOT NULL,
    -- Policies of the host that hold beside these: observe-only, read-only, reviewed-egress or open.
    preset TEXT,
    -- JSON object: texts by name, and the links of templates.
    source TEXT NOT NULL,
    -- Why, in the author's words.
    note TEXT,
    -- The revision that this one went back to.
    rolled_back_to BIGINT,
    -- The principal that wrote it.
    changed_by TEXT NOT NULL,
    -- When it was written. Milliseconds since the Unix epoch.
    changed_at_ms BIGINT NOT NULL,
    -- Serves the question for the newest, and the history.
    PRIMARY KEY (workspace_id, revision)
);

-- Decisions that were recorded, so that a policy can be tried on them before it holds. Of those that
-- allowed and of those that denied, each question is kept once in a while; the oldest are deleted.
CREATE TABLE policy_decisions (
    -- Whose.
    workspace_id TEXT COLLATE "C" NOT NULL,
    -- Its id, which sorts by time.
    id TEXT COLLATE "C" NOT NULL,
    -- When it was decided. Milliseconds since the Unix epoch.
    at_ms BIGINT NOT NULL,
    -- JSON object: what was asked.
    request TEXT NOT NULL,
    -- allowed, approval_required or denied.
    effect TEXT NOT NULL,
    -- JSON array of texts: the policies that decided.
    policies TEXT NOT NULL,
    -- Serves the newest and the oldest of a workspace.
    PRIMARY KEY (workspace_id, id)
);
