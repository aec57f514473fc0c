-- What of a routine is not over is asked for by workspace and routine, as everything else of it is: where a
-- database has not counted its rows yet, it looks them up by two names and not by one.
DROP INDEX occurrences_open;
-- Serves firing: what of a routine is not over yet.
CREATE INDEX occurrences_open ON occurrences (workspace_id, routine_id) WHERE is_open;
