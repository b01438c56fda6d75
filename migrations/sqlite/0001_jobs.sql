-- The whole of lamplighter.db in its first version. Must run on SQLite 3.40; instants are ms since 1970 UTC.
--
-- A plain INSERT INTO jobs(kind, payload) VALUES ('x', '{}') from any program is a correct enqueue: the row is queued,
-- blocked by 'new', and the poller admits it. Conditions on status are OR chains: IN ('…') in a CHECK or a guard
-- costs a third of the throughput.

CREATE TABLE jobs (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
  -- GLOB and length() stop at a NUL, instr() does not
  kind                TEXT NOT NULL
                      CHECK (length(kind) BETWEEN 1 AND 64 AND kind NOT GLOB '*[^a-z0-9_]*'
                          AND NOT instr(kind, char(0))),
  queue               TEXT
                      CHECK (length(queue) BETWEEN 1 AND 64 AND queue NOT GLOB '*[^a-z0-9_]*'
                          AND NOT instr(queue, char(0))),
  priority            INTEGER CHECK (priority BETWEEN -100 AND 100),
  status              TEXT NOT NULL DEFAULT 'queued'
                      CHECK (status = 'scheduled' OR status = 'queued' OR status = 'running'
                          OR status = 'completed' OR status = 'failed' OR status = 'cancelled'),
  payload             TEXT NOT NULL DEFAULT '{}'
                      CHECK (json_valid(payload) AND length(payload) <= 262144),
  trigger             TEXT NOT NULL DEFAULT 'api'
                      CHECK (trigger = 'manual' OR trigger = 'scheduled' OR trigger = 'api'
                          OR trigger = 'retry' OR trigger = 'parent'),
  attempt             INTEGER NOT NULL DEFAULT 0 CHECK (attempt BETWEEN 0 AND 1000000),
  max_attempts        INTEGER CHECK (max_attempts BETWEEN 1 AND 1000000),
  interrupted         INTEGER NOT NULL DEFAULT 0 CHECK (interrupted BETWEEN 0 AND 1000000),
  on_interrupt        TEXT CHECK (on_interrupt = 'retry' OR on_interrupt = 'fail'),
  epoch               INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  worker_id           TEXT CHECK (length(CAST(worker_id AS BLOB)) BETWEEN 1 AND 200),
  unique_key          TEXT CHECK (length(CAST(unique_key AS BLOB)) BETWEEN 1 AND 200),
  unique_window_ms    INTEGER CHECK (unique_window_ms IS NULL OR (unique_window_ms > 0 AND unique_key IS NOT NULL)),
  concurrency_key     TEXT CHECK (length(CAST(concurrency_key AS BLOB)) BETWEEN 1 AND 200),
  key_slot            INTEGER CHECK (key_slot BETWEEN 0 AND 10000),
  -- ready time + priority * 10 minutes: one integer that orders and ages; set on what can start now, on nothing else
  claim_order         INTEGER,
  blocked_by          TEXT DEFAULT 'new'
                      CHECK (blocked_by = 'new' OR blocked_by = 'kind' OR blocked_by = 'key'
                          OR blocked_by = 'constraint'),
  run_at              INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  created_at          INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  started_at          INTEGER,
  finished_at         INTEGER,
  timeout_ms          INTEGER CHECK (timeout_ms > 0),
  cancel_requested_at INTEGER,
  schedule_id         INTEGER,
  occurrence_at       INTEGER,
  parent_id           INTEGER,
  correlation_id      TEXT CHECK (length(CAST(correlation_id AS BLOB)) BETWEEN 1 AND 200),   -- of the request that made the job
  progress            TEXT,
  result              TEXT CHECK (result IS NULL OR json_valid(result)),
  error               TEXT,
  error_code          TEXT,

  CHECK ((worker_id IS NOT NULL) = (status = 'running')),
  CHECK (status <> 'running' OR (epoch > 0 AND attempt > 0 AND started_at IS NOT NULL)),
  CHECK ((status <> 'completed' AND status <> 'failed') OR started_at IS NOT NULL),
  CHECK ((finished_at IS NOT NULL) = (status = 'completed' OR status = 'failed' OR status = 'cancelled')),
  CHECK (blocked_by IS NULL OR status = 'queued' OR status = 'scheduled'),
  CHECK ((claim_order IS NOT NULL) = (status = 'queued' AND blocked_by IS NULL)),
  CHECK (claim_order IS NULL OR (queue IS NOT NULL AND priority IS NOT NULL AND max_attempts IS NOT NULL)),
  -- whoever holds a concurrency key, ready or running, holds one of its slots
  CHECK ((key_slot IS NOT NULL)
       = (concurrency_key IS NOT NULL AND (status = 'running' OR claim_order IS NOT NULL)))
) STRICT;

-- What can start now, in its order: a claim costs the same whatever else the table holds.
CREATE INDEX jobs_claim ON jobs (queue, claim_order, id) WHERE claim_order IS NOT NULL;
-- What waits for something, each in the order it is asked for. (run_at + priority * 600000 is claim_order to be.)
CREATE INDEX jobs_new ON jobs (id) WHERE blocked_by = 'new';
CREATE INDEX jobs_blocked_by_kind ON jobs (kind, id) WHERE blocked_by = 'kind' OR blocked_by = 'constraint';
CREATE INDEX jobs_blocked_by_key ON jobs (concurrency_key, run_at + priority * 600000, id) WHERE blocked_by = 'key';
CREATE INDEX jobs_scheduled ON jobs (run_at, id) WHERE status = 'scheduled' AND blocked_by IS NULL;
CREATE INDEX jobs_running ON jobs (worker_id, id) WHERE status = 'running';
CREATE INDEX jobs_final ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;
-- A key's limit: a slot is held by one job at a time, and nobody runs without a slot (see the CHECK).
CREATE UNIQUE INDEX jobs_key_slot ON jobs (concurrency_key, key_slot) WHERE key_slot IS NOT NULL;
-- One scan at a time, by the schema itself.
CREATE UNIQUE INDEX jobs_one_running_self_monitoring ON jobs (kind)
  WHERE kind = 'self_monitoring' AND status = 'running';
-- One holder of a unique key: while it is not final, or, with a window, for ever.
CREATE UNIQUE INDEX jobs_unique_key ON jobs (kind, unique_key)
  WHERE unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL);
-- The scan history, and the scans that are not over.
CREATE INDEX jobs_scans ON jobs (id) WHERE kind = 'self_monitoring';
CREATE INDEX jobs_open_scans ON jobs (status, id) WHERE kind = 'self_monitoring' AND finished_at IS NULL;
CREATE INDEX jobs_ended_scans ON jobs (finished_at, id) WHERE kind = 'self_monitoring' AND finished_at IS NOT NULL;

-- The status machine. The EXISTS conditions refuse what OR REPLACE would otherwise delete without asking; IS NOT takes
-- part in OR REPLACE's other habit, NULL turned into the default.
CREATE TRIGGER jobs_guard_insert BEFORE INSERT ON jobs
WHEN NEW.id <> -1   -- what a row without an explicit id has here
  OR (NEW.status <> 'queued' AND NEW.status <> 'scheduled')
  OR NEW.blocked_by IS NOT 'new'
  OR NEW.claim_order IS NOT NULL OR NEW.key_slot IS NOT NULL
  OR NEW.attempt <> 0 OR NEW.epoch <> 0 OR NEW.interrupted <> 0 OR NEW.started_at IS NOT NULL
  OR (NEW.unique_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM jobs
        WHERE kind = NEW.kind AND unique_key = NEW.unique_key
          AND unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL)))
BEGIN
  SELECT CASE
    WHEN NEW.id <> -1
      THEN RAISE(ABORT, 'jobs: ids are given by the database; a job is never replaced')
    WHEN NEW.status <> 'queued' AND NEW.status <> 'scheduled'
      THEN RAISE(ABORT, 'jobs: a new job is queued or scheduled')
    WHEN NEW.unique_key IS NOT NULL AND NEW.blocked_by IS 'new' AND NEW.claim_order IS NULL
      AND NEW.key_slot IS NULL AND NEW.attempt = 0 AND NEW.epoch = 0 AND NEW.interrupted = 0
      AND NEW.started_at IS NULL
      THEN RAISE(ABORT, 'jobs: another job holds this unique key')
    ELSE RAISE(ABORT, 'jobs: a new job is admitted by the engine: leave blocked_by, claim_order, key_slot, attempt, epoch, interrupted and started_at to it')
  END;
END;

CREATE TRIGGER jobs_guard_update BEFORE UPDATE ON jobs
WHEN OLD.finished_at IS NOT NULL OR OLD.status = 'completed' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
  OR NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.created_at IS NOT OLD.created_at
  OR (NEW.epoch IS NOT OLD.epoch AND (
        NEW.epoch IS NULL OR OLD.status <> 'queued' OR NEW.status <> 'running' OR NEW.epoch <> OLD.epoch + 1))
  OR (OLD.status = 'queued' AND NEW.status = 'running' AND NEW.epoch IS OLD.epoch)
  OR (OLD.status = 'scheduled'
      AND NEW.status <> 'scheduled' AND NEW.status <> 'queued' AND NEW.status <> 'cancelled')
  OR (OLD.status = 'queued' AND (NEW.status = 'completed' OR NEW.status = 'failed'))
  OR (OLD.status <> 'running' AND NEW.status = 'running' AND NEW.kind = 'self_monitoring' AND EXISTS (
        SELECT 1 FROM jobs WHERE kind = 'self_monitoring' AND status = 'running'))
  OR (NEW.key_slot IS NOT NULL AND (OLD.key_slot IS NOT NEW.key_slot OR OLD.concurrency_key IS NOT NEW.concurrency_key)
      AND EXISTS (
        SELECT 1 FROM jobs
        WHERE concurrency_key = NEW.concurrency_key AND key_slot = NEW.key_slot AND key_slot IS NOT NULL
          AND id <> NEW.id))
  OR (NEW.unique_key IS NOT NULL AND OLD.unique_key IS NOT NEW.unique_key AND EXISTS (
        SELECT 1 FROM jobs
        WHERE kind = NEW.kind AND unique_key = NEW.unique_key
          AND unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL)
          AND id <> NEW.id))
BEGIN
  SELECT CASE
    WHEN OLD.finished_at IS NOT NULL OR OLD.status = 'completed' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
      THEN RAISE(ABORT, 'jobs: a final job never changes')
    WHEN NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.created_at IS NOT OLD.created_at
      THEN RAISE(ABORT, 'jobs: id, kind and created_at never change')
    WHEN OLD.status = 'scheduled' AND NEW.status <> 'scheduled' AND NEW.status <> 'queued'
      AND NEW.status <> 'cancelled'
      THEN RAISE(ABORT, 'jobs: scheduled leads to queued or cancelled')
    WHEN OLD.status = 'queued' AND (NEW.status = 'completed' OR NEW.status = 'failed')
      THEN RAISE(ABORT, 'jobs: queued leads to running, scheduled or cancelled')
    WHEN NEW.epoch IS NOT OLD.epoch AND (
        NEW.epoch IS NULL OR OLD.status <> 'queued' OR NEW.status <> 'running' OR NEW.epoch <> OLD.epoch + 1)
      THEN RAISE(ABORT, 'jobs: the epoch grows by one with each claim, and with nothing else')
    WHEN OLD.status = 'queued' AND NEW.status = 'running' AND NEW.epoch IS OLD.epoch
      THEN RAISE(ABORT, 'jobs: the epoch grows by one with each claim, and with nothing else')
    WHEN NEW.status = 'running' AND OLD.status <> 'running' AND NEW.kind = 'self_monitoring'
      THEN RAISE(ABORT, 'jobs: one self_monitoring job runs at a time')
    ELSE RAISE(ABORT, 'jobs: another job holds this key')
  END;
END;

-- A slot that is given back, by whomever and for whatever reason, lets the next job that waits for the key be admitted.
CREATE TRIGGER jobs_key_freed AFTER UPDATE OF key_slot ON jobs
WHEN OLD.key_slot IS NOT NULL AND NEW.key_slot IS NULL
BEGIN
  UPDATE jobs
  SET blocked_by = 'new'
  WHERE id = (
    SELECT id
    FROM jobs
    WHERE concurrency_key = OLD.concurrency_key AND blocked_by = 'key'
    ORDER BY run_at + priority * 600000, id
    LIMIT 1);
END;

CREATE TRIGGER jobs_guard_delete BEFORE DELETE ON jobs
WHEN OLD.finished_at IS NULL
BEGIN
  SELECT RAISE(ABORT, 'jobs: only a final job may be deleted');
END;

-- Every step of a job outside the plain path.
CREATE TABLE job_events (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  at          INTEGER NOT NULL,
  from_status TEXT,
  to_status   TEXT NOT NULL,
  cause       TEXT NOT NULL,
  actor       TEXT NOT NULL,
  detail      TEXT
) STRICT;
CREATE INDEX job_events_job ON job_events (job_id, id);

-- Processes that claim.
CREATE TABLE workers (
  id           TEXT PRIMARY KEY,
  pid          INTEGER NOT NULL,
  version      TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What an operator changes while the server runs.
CREATE TABLE settings (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL CHECK (json_valid(value)),
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each log database was scanned.
CREATE TABLE log_watermarks (
  log         TEXT PRIMARY KEY,   -- the identity of the file
  last_log_id INTEGER NOT NULL CHECK (last_log_id >= 0),
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a scan did; status, times, trigger and error are its job's. Written by the scan's one commit.
CREATE TABLE self_monitoring_scans (
  job_id                         INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  log                            TEXT NOT NULL,
  log_id_start                   INTEGER NOT NULL,
  log_id_end                     INTEGER NOT NULL,
  rows_examined                  INTEGER NOT NULL,
  issues_created                 INTEGER NOT NULL,
  duplicates_skipped             INTEGER NOT NULL,
  potential_duplicates_commented INTEGER NOT NULL DEFAULT 0,
  analyzer                       TEXT NOT NULL,
  model                          TEXT,
  cost_usd                       REAL,
  committed_at                   INTEGER NOT NULL
) STRICT;

CREATE TABLE self_monitoring_issues (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  scan_id        INTEGER NOT NULL,
  tracker        TEXT NOT NULL CHECK (tracker = 'local' OR tracker = 'github'),
  number         INTEGER NOT NULL,
  url            TEXT,
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state = 'open' OR state = 'closed'),
  title          TEXT NOT NULL,
  body           TEXT NOT NULL,
  classification TEXT NOT NULL CHECK (classification = 'server_bug' OR classification = 'client_misuse'
                                   OR classification = 'documentation_gap'),
  error_codes    TEXT NOT NULL CHECK (json_valid(error_codes)),
  source         TEXT NOT NULL,
  template       TEXT NOT NULL,
  fingerprint    TEXT NOT NULL,
  evidence       TEXT NOT NULL CHECK (json_valid(evidence)),   -- log row ids
  occurrences    INTEGER NOT NULL,
  created_at     INTEGER NOT NULL,
  last_seen_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX self_monitoring_issues_number ON self_monitoring_issues (tracker, number);
-- At most one open issue per fingerprint (tier 2).
CREATE UNIQUE INDEX self_monitoring_issues_fingerprint ON self_monitoring_issues (fingerprint)
  WHERE state = 'open';
-- Exact error codes of issues (tier 1).
CREATE TABLE self_monitoring_issue_codes (
  code     TEXT NOT NULL,
  issue_id INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  PRIMARY KEY (code, issue_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  username      TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
  password_hash TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role = 'viewer' OR role = 'operator' OR role = 'admin'),
  created_at    INTEGER NOT NULL
) STRICT;

-- Signed-in browsers; the id itself is only in the cookie.
CREATE TABLE logins (
  id_hash    TEXT PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  remote     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The one-time link of the first admin; at most one row.
CREATE TABLE setup_codes (
  code_hash  TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change by a person: who, what, before, after, from where.
CREATE TABLE audit_log (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  remote  TEXT,
  action  TEXT NOT NULL,
  subject TEXT,
  before  TEXT,
  after   TEXT
) STRICT;
