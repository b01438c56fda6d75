-- How far each source that is followed has been read, changed in the transaction that adds its rows.

CREATE TABLE log_positions (
  source     TEXT PRIMARY KEY,
  position   TEXT NOT NULL CHECK (json_valid(position)),
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) STRICT;
