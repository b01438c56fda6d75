-- The rest of the engine: queues that pause, attempts, exact counts, idempotency keys, schedules, standing by.

-- Whether job_counts knows the row: set when the engine first admits it, so that a foreign insert is counted once.
ALTER TABLE jobs ADD COLUMN counted INTEGER NOT NULL DEFAULT 0 CHECK (counted = 0 OR counted = 1);

-- Exact counts per status, kind and queue ('' before admission), written in the commit that changes them. Not by
-- triggers: those would cost nearly half of the throughput.
CREATE TABLE job_counts (
  status TEXT NOT NULL,
  kind   TEXT NOT NULL,
  queue  TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (status, kind, queue)
) STRICT, WITHOUT ROWID;

-- The guard would refuse this on final rows; it is made anew below.
DROP TRIGGER jobs_guard_update;
UPDATE jobs SET counted = 1;
INSERT INTO job_counts (status, kind, queue, count)
SELECT status, kind, coalesce(queue, ''), count(*)
FROM jobs
GROUP BY status, kind, coalesce(queue, '');

CREATE TRIGGER jobs_guard_update BEFORE UPDATE ON jobs
WHEN OLD.finished_at IS NOT NULL OR OLD.status = 'completed' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
  OR NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.created_at IS NOT OLD.created_at
  OR NEW.schedule_id IS NOT OLD.schedule_id OR NEW.occurrence_at IS NOT OLD.occurrence_at
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
      OR NEW.schedule_id IS NOT OLD.schedule_id OR NEW.occurrence_at IS NOT OLD.occurrence_at
      THEN RAISE(ABORT, 'jobs: id, kind, created_at, schedule_id and occurrence_at never change')
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

CREATE TRIGGER jobs_guard_insert_counted BEFORE INSERT ON jobs
WHEN NEW.counted <> 0
BEGIN
  SELECT RAISE(ABORT, 'jobs: a new job is counted by the engine: leave counted to it');
END;

-- A job that was called up for a freed slot and leaves without it (cancelled, put off, of a kind nobody knows) passes
-- the call on. The next one is judged by admission again, so a call too many does no harm.
CREATE TRIGGER jobs_call_passed_on AFTER UPDATE OF blocked_by ON jobs
WHEN OLD.blocked_by = 'new' AND OLD.concurrency_key IS NOT NULL AND NEW.key_slot IS NULL
  AND NEW.blocked_by IS NOT 'new' AND NEW.blocked_by IS NOT 'key'
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

-- Attempts that are more than the plain path: all but the first when that one completed.
CREATE TABLE attempts (
  job_id     INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  epoch      INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  worker_id  TEXT,
  started_at INTEGER,
  ended_at   INTEGER NOT NULL,
  ended_as   TEXT NOT NULL,   -- completed, or the cause of its job_events row
  error      TEXT,
  error_code TEXT,
  PRIMARY KEY (job_id, epoch)
) STRICT, WITHOUT ROWID;

-- Queues somebody has spoken of: the engine with its own limit, an operator with another, or a pause.
CREATE TABLE queues (
  name           TEXT PRIMARY KEY
                 CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-z0-9_]*' AND NOT instr(name, char(0))),
  engine_limit   INTEGER CHECK (engine_limit BETWEEN 0 AND 10000),     -- of the program
  operator_limit INTEGER CHECK (operator_limit BETWEEN 0 AND 10000),   -- wins over it
  paused_at      INTEGER,
  paused_by      TEXT,
  pause_reason   TEXT,
  resume_at      INTEGER,   -- NULL: until somebody resumes it
  CHECK (paused_at IS NOT NULL OR (paused_by IS NULL AND pause_reason IS NULL AND resume_at IS NULL))
) STRICT, WITHOUT ROWID;

-- A client's key, the job it made, and a hash of what it asked for.
CREATE TABLE idempotency_keys (
  key        TEXT PRIMARY KEY CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 200),
  job_id     INTEGER NOT NULL,
  body_hash  TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Stored rules that make jobs.
CREATE TABLE schedules (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE
             CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-z0-9_]*' AND NOT instr(name, char(0))),
  rule       TEXT NOT NULL CHECK (json_valid(rule)),
  kind       TEXT NOT NULL,
  payload    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload) AND length(payload) <= 262144),
  queue      TEXT,
  priority   INTEGER CHECK (priority BETWEEN -100 AND 100),
  catch_up   TEXT NOT NULL DEFAULT 'once',
  overlap    TEXT NOT NULL DEFAULT 'queue_one',
  stagger_ms INTEGER NOT NULL DEFAULT 0 CHECK (stagger_ms >= 0),
  reserved   INTEGER NOT NULL DEFAULT 0 CHECK (reserved = 0 OR reserved = 1),   -- edited by settings only
  paused_at  INTEGER,
  paused_by  TEXT,
  cursor_at  INTEGER NOT NULL,   -- every occurrence up to here is decided
  last_at    INTEGER,            -- the newest that was decided, which a changed interval is counted from
  next_at    INTEGER,            -- the next one; NULL: there is none, or the row cannot be read
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT;
CREATE INDEX schedules_next ON schedules (next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;

-- What was decided about occurrences, kept for 90 days. No second row for one, so no second job (P16); what is pruned
-- lies behind the schedule's cursor, which never goes back. A row of merged or skipped ones stands for several.
CREATE TABLE schedule_decisions (
  schedule_id   INTEGER NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  occurrence_at INTEGER NOT NULL,
  decision      TEXT NOT NULL
                CHECK (decision = 'fired' OR decision = 'caught_up' OR decision = 'skipped' OR decision = 'merged'
                    OR decision = 'over_budget'),
  decided_at    INTEGER NOT NULL,
  job_id        INTEGER,
  detail        TEXT,
  PRIMARY KEY (schedule_id, occurrence_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_decisions_decided_at ON schedule_decisions (decided_at);   -- the pruner's order

-- The jobs of a schedule that are not over, for its overlap policy.
CREATE INDEX jobs_open_of_schedule ON jobs (schedule_id, status) WHERE schedule_id IS NOT NULL AND finished_at IS NULL;
-- The pruner's order, per kind.
CREATE INDEX jobs_final_of_kind ON jobs (kind, status, finished_at) WHERE finished_at IS NOT NULL;

-- Who may be killed when it hangs: a process is its pid and when it started.
ALTER TABLE workers ADD COLUMN process_start TEXT;
ALTER TABLE workers ADD COLUMN leads INTEGER NOT NULL DEFAULT 0 CHECK (leads = 0 OR leads = 1);
