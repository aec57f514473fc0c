-- Sessions that workers named.

-- Serves the question whether a session is one of the host's own runs. Most runs are their own
-- session and have no entry.
CREATE INDEX runs_by_session ON runs (workspace_id, session_id) WHERE session_id IS NOT NULL;
