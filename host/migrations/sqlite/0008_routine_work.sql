-- Routines: whose they are, whatever their makers call themselves, and which text of a template they carry out.

-- The principal whose it is: who made it, or the agent that a user made it for.
ALTER TABLE routines ADD COLUMN owner TEXT NOT NULL DEFAULT '';
UPDATE routines SET owner = creator_id;
-- SHA-256 of the template that its entrypoint named when it was saved; null: it names none.
ALTER TABLE routines ADD COLUMN template_digest TEXT;
-- SHA-256 of the template that its mission was made of.
ALTER TABLE occurrences ADD COLUMN template_digest TEXT;
