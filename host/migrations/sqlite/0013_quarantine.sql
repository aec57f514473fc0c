-- Quarantine: components that failed too often are called no more in a workspace until it binds something anew.

-- JSON object of the store's own: when that is, and which components it befell under this revision.
ALTER TABLE workspaces ADD COLUMN quarantine TEXT NOT NULL DEFAULT '{}';
