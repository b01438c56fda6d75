-- Repositories of this machine that an agent describes.

CREATE TABLE repositories (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  name         TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
  path         TEXT NOT NULL UNIQUE,
  description  TEXT CHECK (description IS NULL OR json_valid(description)),
  described_by TEXT CHECK (described_by = 'agent' OR described_by = 'files'),
  described_at INTEGER,
  job_id       INTEGER,   -- the job that described it last, or is to
  added_at     INTEGER NOT NULL,
  CHECK ((description IS NULL) = (described_by IS NULL) AND (description IS NULL) = (described_at IS NULL))
) STRICT;
