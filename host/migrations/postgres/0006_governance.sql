-- What governs memory beside its records: questions that no mission asks, and finding entries of the audit.

-- The mission that asks; null for a question that none does.
ALTER TABLE approvals ALTER COLUMN mission_id DROP NOT NULL;
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
