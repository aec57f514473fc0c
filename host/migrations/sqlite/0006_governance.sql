-- What governs memory beside its records: questions that no mission asks, and finding entries of the audit.

-- A column cannot lose its NOT NULL in place: its values move into one that never had it.
DROP INDEX approvals_by_mission;
ALTER TABLE approvals RENAME COLUMN mission_id TO asking_mission_id;
-- The mission that asks; null for a question that none does.
ALTER TABLE approvals ADD COLUMN mission_id TEXT;
UPDATE approvals SET mission_id = asking_mission_id;
ALTER TABLE approvals DROP COLUMN asking_mission_id;
-- Serves a mission's approvals.
CREATE INDEX approvals_by_mission ON approvals (mission_id, id) WHERE mission_id IS NOT NULL;
-- Serves the questions about promotions of one record.
CREATE INDEX approvals_by_promoted ON approvals (workspace_id, subject, id) WHERE kind = 'memory_promotion';

-- Serves the audit of memory, newest first.
CREATE INDEX audit_of_memory ON audit (workspace_id, seq) WHERE action >= 'memory.' AND action < 'memory/';
-- Serves the audit of one record.
CREATE INDEX audit_of_record ON audit (workspace_id, resource, seq)
    WHERE action >= 'memory.' AND action < 'memory/';
-- Serves the audit of memory of one run.
CREATE INDEX audit_of_run ON audit (workspace_id, (jsonb(detail) ->> 'run_id'), seq)
    WHERE action >= 'memory.' AND action < 'memory/';

-- Serves whoever looks for what is remembered and names no project.
CREATE INDEX memory_scopes_by_owner ON memory_scopes (workspace_id, owner, tier);
