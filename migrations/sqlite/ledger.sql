-- Which components a file has, and what made them: a row for each migration that was run. user_version and application_id
-- stay the application's. The first migration of every component begins with this.

CREATE TABLE IF NOT EXISTS job_schema (
  component  TEXT NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0),
  checksum   TEXT NOT NULL,   -- SHA-256 of the migration's text
  applied_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  PRIMARY KEY (component, version)
) STRICT, WITHOUT ROWID;
