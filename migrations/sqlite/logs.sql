-- The component `logs`: the log store that scans read and other programs may read. Must run on SQLite 3.40.

CREATE TABLE logs (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp      TEXT NOT NULL,
  level          TEXT NOT NULL CHECK (level = 'DEBUG' OR level = 'INFO' OR level = 'WARNING'
                                   OR level = 'ERROR' OR level = 'CRITICAL'),
  source         TEXT NOT NULL,
  message        TEXT NOT NULL,
  correlation_id TEXT,
  user_id        TEXT,
  request_path   TEXT,
  extra_data     TEXT CHECK (extra_data IS NULL OR json_valid(extra_data)),
  created_at     INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) STRICT;
CREATE INDEX logs_timestamp ON logs (timestamp);
CREATE INDEX logs_level ON logs (level);
CREATE INDEX logs_source ON logs (source);
CREATE INDEX logs_correlation_id ON logs (correlation_id) WHERE correlation_id IS NOT NULL;

-- The name of this log, made once: a copy that was moved or restored is read on where it was, a new file from its start.
CREATE TABLE log_identity (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  name TEXT NOT NULL
) STRICT;
INSERT INTO log_identity (one, name) VALUES (1, lower(hex(randomblob(16))));

-- How far each source that is followed has been read, changed in the transaction that adds its rows.
CREATE TABLE log_positions (
  source     TEXT PRIMARY KEY,
  position   TEXT NOT NULL CHECK (json_valid(position)),
  -- Rows that came of it, lines that held what is no text, and when it moved last.
  row_count  INTEGER NOT NULL DEFAULT 0 CHECK (row_count >= 0),
  unread     INTEGER NOT NULL DEFAULT 0 CHECK (unread >= 0),
  moved_at   INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) STRICT;

-- What was imported, by its text, whatever its file is called and however it is packed: each slice is added in the transaction of its
-- rows. A text that begins with a chain of these is known that far. Some 200 bytes for a megabyte of text, kept until all that goes on
-- after it is older than rows are kept.
CREATE TABLE log_slices (
  after      TEXT NOT NULL,   -- what comes before: SHA-256 of the text up to here, or, at its start, what its first line says
  digest     TEXT NOT NULL,   -- SHA-256 of the text from its start to the end of this slice
  is_last    INTEGER NOT NULL CHECK (is_last IN (0, 1)),   -- the text ended here, perhaps within a line or an event
  length     INTEGER NOT NULL CHECK (length > 0),
  rows       INTEGER NOT NULL CHECK (rows >= 0),
  name       TEXT NOT NULL,   -- of the file
  carried    TEXT NOT NULL CHECK (json_valid(carried)),   -- what the reader of the next slice must know
  created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  PRIMARY KEY (after, digest, is_last)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_slices_digest ON log_slices (digest) WHERE is_last = 0;
