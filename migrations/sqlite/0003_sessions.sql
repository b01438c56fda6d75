-- Agent sessions: what a run of an agent program was, its transcript, and what runs have cost.

-- A run of an agent program, of whatever kind its job is. Status, times and trigger are the job's; see sessions_full.
CREATE TABLE sessions (
  job_id             INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  tier               INTEGER NOT NULL DEFAULT 1 CHECK (tier BETWEEN 1 AND 3),
  profile            TEXT NOT NULL,
  model              TEXT,               -- as asked for, then as the program resolved it
  prompt_file        TEXT,
  prompt_text        TEXT,               -- NULL for a prompt file
  continues_id       INTEGER,            -- the session that this one goes on with
  working_dir        TEXT NOT NULL,
  place              TEXT NOT NULL,      -- the folder of its files, in the data directory's `jobs`
  isolation          TEXT,               -- bwrap or supervisor
  agent_version      TEXT,
  cli_session_id     TEXT,
  exit_code          INTEGER,
  ending             TEXT,               -- done, denied, budget, …
  response           TEXT,
  structured         TEXT CHECK (structured IS NULL OR json_valid(structured)),
  cost_usd           REAL,               -- of all its attempts
  num_turns          INTEGER,
  duration_ms        INTEGER,
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  transcript_bytes   INTEGER NOT NULL DEFAULT 0,
  transcript_lines   INTEGER NOT NULL DEFAULT 0,
  transcript_dropped INTEGER NOT NULL DEFAULT 0,   -- bytes that came after the limit
  began_at           INTEGER NOT NULL,
  ended_at           INTEGER,
  -- what its processes are found by after a crash, until they are known to be gone
  marker             TEXT,
  main_pid           INTEGER,
  main_start         TEXT
) STRICT;

CREATE INDEX sessions_open ON sessions (job_id) WHERE marker IS NOT NULL;
CREATE INDEX sessions_place ON sessions (place);

-- The lines that a run printed, secrets removed, in pieces that end at the end of a line or at their limit of 64 KiB.
CREATE TABLE transcript_pieces (
  job_id     INTEGER NOT NULL REFERENCES sessions (job_id) ON DELETE CASCADE,
  start      INTEGER NOT NULL,   -- bytes before it
  first_line INTEGER NOT NULL,   -- lines that end before it
  at         INTEGER NOT NULL,
  bytes      BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 65536)
) STRICT;

CREATE UNIQUE INDEX transcript_pieces_start ON transcript_pieces (job_id, start);

-- What runs have cost, by day (UTC, days since 1970), kind and schedule (0: none). Outlives the jobs.
CREATE TABLE spend (
  day         INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  schedule_id INTEGER NOT NULL,
  cost_usd    REAL NOT NULL,
  runs        INTEGER NOT NULL,
  PRIMARY KEY (day, kind, schedule_id)
) STRICT, WITHOUT ROWID;

-- The session list.
CREATE INDEX jobs_sessions ON jobs (id) WHERE kind = 'agent_session';

-- Sessions with all that is known of them, waiting ones included.
CREATE VIEW sessions_full AS
SELECT j.id AS id,
  j.kind AS kind,
  coalesce(s.tier, j.payload ->> '$.tier', 1) AS tier,
  coalesce(s.model, j.payload ->> '$.model') AS model,
  coalesce(s.prompt_file, j.payload ->> '$.prompt_file') AS prompt_file,
  j.status AS status,
  j.started_at AS started_at,
  j.finished_at AS ended_at,
  s.exit_code AS exit_code,
  s.response AS response,
  s.cost_usd AS cost_usd,
  s.num_turns AS num_turns,
  s.duration_ms AS duration_ms,
  s.input_tokens AS input_tokens,
  s.output_tokens AS output_tokens,
  j.trigger AS trigger,
  coalesce(s.prompt_text, j.payload ->> '$.prompt') AS prompt_text,
  s.cli_session_id AS cli_session_id,
  s.working_dir AS working_dir,
  s.profile AS profile,
  s.ending AS ending,
  coalesce(s.continues_id, j.payload ->> '$.continues') AS continues_id,
  j.parent_id AS parent_id,
  j.error AS error,
  j.error_code AS error_code,
  j.created_at AS created_at
FROM jobs j LEFT JOIN sessions s ON s.job_id = j.id
WHERE j.kind = 'agent_session' OR s.job_id IS NOT NULL;
