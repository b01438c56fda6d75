-- The component `engine`: jobs and what the engine keeps about them. Its tables are `jobs` and names that begin with
-- `job_`, for it may stand in an application's own database. Must run on SQLite 3.40; instants are ms since 1970 UTC.
--
-- A plain INSERT INTO jobs(kind, payload) VALUES ('x', '{}') from any program is a correct enqueue: the row is queued and
-- waits for 'admission', which the poller gives it. Conditions on status are OR chains: IN ('…') in a CHECK or a guard
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
  -- what stands between the job and a claim, apart from its time; NULL: nothing
  waits_for           TEXT DEFAULT 'admission'
                      CHECK (waits_for = 'admission' OR waits_for = 'handler' OR waits_for = 'key'
                          OR waits_for = 'rate' OR waits_for = 'after' OR waits_for = 'constraint'),
  -- what put a scheduled job off; NULL: its maker chose that instant; delay: its maker wanted it so much after created_at
  parked_by           TEXT
                      CHECK (parked_by = 'limit' OR parked_by = 'budget' OR parked_by = 'retry'
                          OR parked_by = 'snooze' OR parked_by = 'delay'),
  -- the jobs among which it counts for its kind's rate, while it has a place or waits for one; NULL: the kind has no rate
  rate_key            TEXT,
  rate_ms             INTEGER CHECK (rate_ms > 0),   -- how long its start counts
  -- whether job_counts knows the row: set at its first admission or with its first place, so that a foreign insert is counted once
  counted             INTEGER NOT NULL DEFAULT 0 CHECK (counted = 0 OR counted = 1),
  run_at              INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  created_at          INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  started_at          INTEGER,
  finished_at         INTEGER,
  timeout_ms          INTEGER CHECK (timeout_ms > 0),
  cancel_requested_at INTEGER,
  schedule_id         INTEGER,
  occurrence_at       INTEGER,
  parent_id           INTEGER,
  batch_id            INTEGER,   -- never changes
  correlation_id      TEXT CHECK (length(CAST(correlation_id AS BLOB)) BETWEEN 1 AND 200),   -- of the request that made the job
  tags                TEXT
                      CHECK (tags IS NULL OR (json_valid(tags) AND json_type(tags) = 'array'
                          AND json_array_length(tags) BETWEEN 1 AND 10)),
  progress            TEXT,
  result              TEXT CHECK (result IS NULL OR json_valid(result)),
  error               TEXT,
  error_code          TEXT,

  CHECK ((worker_id IS NOT NULL) = (status = 'running')),
  CHECK (status <> 'running' OR (epoch > 0 AND attempt > 0 AND started_at IS NOT NULL)),
  CHECK ((status <> 'completed' AND status <> 'failed') OR started_at IS NOT NULL),
  CHECK ((finished_at IS NOT NULL) = (status = 'completed' OR status = 'failed' OR status = 'cancelled')),
  CHECK (waits_for IS NULL OR status = 'queued' OR status = 'scheduled'),
  CHECK ((claim_order IS NOT NULL) = (status = 'queued' AND waits_for IS NULL)),
  CHECK (claim_order IS NULL OR (queue IS NOT NULL AND priority IS NOT NULL AND max_attempts IS NOT NULL)),
  CHECK ((rate_key IS NULL) = (rate_ms IS NULL)),
  -- a job that holds a concurrency key, ready or running, holds one of its slots
  CHECK ((key_slot IS NOT NULL)
       = (concurrency_key IS NOT NULL AND (status = 'running' OR claim_order IS NOT NULL)))
) STRICT;

-- What can start now, in its order, a line for each kind of a queue: a claim costs the same whatever else the table holds,
-- the jobs that only other processes can run included.
CREATE INDEX jobs_claim ON jobs (queue, kind, claim_order, id) WHERE claim_order IS NOT NULL;
-- What waits for something, each in the order it is asked for. (run_at + priority * 600000 is claim_order to be.)
CREATE INDEX jobs_waits_for_admission ON jobs (id) WHERE waits_for = 'admission';
CREATE INDEX jobs_waits_for_handler ON jobs (kind, id) WHERE waits_for = 'handler' OR waits_for = 'constraint';
CREATE INDEX jobs_waits_for_key ON jobs (concurrency_key, run_at + priority * 600000, id) WHERE waits_for = 'key';
CREATE INDEX jobs_waits_for_rate ON jobs (kind, rate_key, run_at + priority * 600000, id) WHERE waits_for = 'rate';
CREATE INDEX jobs_scheduled ON jobs (run_at, id) WHERE status = 'scheduled' AND waits_for IS NULL;
-- What has been put off, for the end of what did that.
CREATE INDEX jobs_parked ON jobs (parked_by, run_at, id) WHERE parked_by IS NOT NULL;
CREATE INDEX jobs_running ON jobs (queue, worker_id, id) WHERE status = 'running';
CREATE INDEX jobs_final ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;
-- What failed is looked for again and again, and is little of what is over.
CREATE INDEX jobs_failed ON jobs (id) WHERE status = 'failed';
-- The pruner's order, per kind.
CREATE INDEX jobs_final_of_kind ON jobs (kind, status, finished_at) WHERE finished_at IS NOT NULL;
-- A key's limit: a slot is held by one job at a time, and nobody runs without a slot (see the CHECK).
CREATE UNIQUE INDEX jobs_key_slot ON jobs (concurrency_key, key_slot) WHERE key_slot IS NOT NULL;
-- One holder of a unique key: while it is not final, or, with a window, for ever.
CREATE UNIQUE INDEX jobs_unique_key ON jobs (kind, unique_key)
  WHERE unique_key IS NOT NULL AND (finished_at IS NULL OR unique_window_ms IS NOT NULL);
-- The jobs of a schedule that are not over, for its overlap policy.
CREATE INDEX jobs_open_of_schedule ON jobs (schedule_id, status) WHERE schedule_id IS NOT NULL AND finished_at IS NULL;

-- The status machine. The EXISTS conditions refuse what OR REPLACE would otherwise delete without asking; IS NOT takes
-- part in OR REPLACE's other habit, NULL turned into the default.
CREATE TRIGGER jobs_guard_insert BEFORE INSERT ON jobs
WHEN NEW.id <> -1   -- what a row without an explicit id has here
  OR (NEW.status <> 'queued' AND NEW.status <> 'scheduled')
  -- a plain job may have its place from the beginning: that is the engine's to give, with the count
  OR (NEW.waits_for IS NOT 'admission' OR NEW.claim_order IS NOT NULL OR NEW.counted IS NOT 0)
    AND (NEW.waits_for IS NOT NULL OR NEW.claim_order IS NULL OR NEW.counted IS NOT 1 OR NEW.on_interrupt IS NULL
        OR NEW.status <> 'queued' OR NEW.concurrency_key IS NOT NULL OR NEW.unique_key IS NOT NULL
        OR NEW.parked_by IS NOT NULL OR NEW.batch_id IS NOT NULL)
  OR NEW.key_slot IS NOT NULL OR NEW.parked_by <> 'delay'
  OR NEW.rate_key IS NOT NULL OR NEW.rate_ms IS NOT NULL
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
    WHEN NEW.counted <> 0 AND NEW.claim_order IS NULL
      THEN RAISE(ABORT, 'jobs: a new job is counted by the engine: leave counted to it')
    WHEN NEW.unique_key IS NOT NULL AND NEW.waits_for IS 'admission' AND NEW.claim_order IS NULL
      AND NEW.key_slot IS NULL AND coalesce(NEW.parked_by, 'delay') = 'delay' AND NEW.rate_key IS NULL AND NEW.attempt = 0 AND NEW.epoch = 0 AND NEW.interrupted = 0
      AND NEW.started_at IS NULL
      THEN RAISE(ABORT, 'jobs: another job holds this unique key')
    ELSE RAISE(ABORT, 'jobs: a new job is admitted by the engine: leave waits_for, parked_by, claim_order, key_slot, rate_key, attempt, epoch, interrupted and started_at to it')
  END;
END;

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
    ELSE RAISE(ABORT, 'jobs: another job holds this key')
  END;
END;

CREATE TRIGGER jobs_guard_delete BEFORE DELETE ON jobs
WHEN OLD.finished_at IS NULL
BEGIN
  SELECT RAISE(ABORT, 'jobs: only a final job may be deleted');
END;

-- A slot that is given back, for whatever reason, lets the next job that waits for the key be admitted.
CREATE TRIGGER jobs_key_freed AFTER UPDATE OF key_slot ON jobs
WHEN OLD.key_slot IS NOT NULL AND NEW.key_slot IS NULL
BEGIN
  UPDATE jobs
  SET waits_for = 'admission'
  WHERE id = (
    SELECT id
    FROM jobs
    WHERE concurrency_key = OLD.concurrency_key AND waits_for = 'key'
    ORDER BY run_at + priority * 600000, id
    LIMIT 1);
END;

-- A job that was called up for a freed slot and leaves without it (cancelled, put off, of a kind nobody knows) passes
-- the call on. The next one is judged by admission again, so a call too many does no harm.
CREATE TRIGGER jobs_call_passed_on AFTER UPDATE OF waits_for ON jobs
WHEN OLD.waits_for = 'admission' AND OLD.concurrency_key IS NOT NULL AND NEW.key_slot IS NULL
  AND NEW.waits_for IS NOT 'admission' AND NEW.waits_for IS NOT 'key'
BEGIN
  UPDATE jobs
  SET waits_for = 'admission'
  WHERE id = (
    SELECT id
    FROM jobs
    WHERE concurrency_key = OLD.concurrency_key AND waits_for = 'key'
    ORDER BY run_at + priority * 600000, id
    LIMIT 1);
END;

-- What is used of the rates of kinds: a row for each place that a job of such a kind has in the claim order, and for each
-- start until it counts no more. Admission gives no place while a rate is used up.
CREATE TABLE job_rates (
  job_id    INTEGER NOT NULL,
  epoch     INTEGER NOT NULL,   -- of the start
  kind      TEXT NOT NULL,
  key       TEXT NOT NULL,      -- rate_key of the job
  free_at   INTEGER,            -- when the start counts no more; NULL: it has not started
  length_ms INTEGER,            -- how long it counts: it was made so long before free_at
  PRIMARY KEY (job_id, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_rates_used ON job_rates (kind, key, free_at);
CREATE INDEX job_rates_free_at ON job_rates (free_at) WHERE free_at IS NOT NULL;

CREATE TRIGGER jobs_rate_held AFTER UPDATE OF claim_order ON jobs
WHEN NEW.rate_key IS NOT NULL AND NEW.claim_order IS NOT NULL AND OLD.claim_order IS NULL
BEGIN
  INSERT INTO job_rates (job_id, epoch, kind, key)
  VALUES (NEW.id, NEW.epoch + 1, NEW.kind, NEW.rate_key);
END;

-- A place becomes a start, or is given back.
CREATE TRIGGER jobs_rate_used AFTER UPDATE OF claim_order ON jobs
WHEN OLD.rate_key IS NOT NULL AND OLD.claim_order IS NOT NULL AND NEW.claim_order IS NULL
BEGIN
  UPDATE job_rates
  SET free_at = NEW.started_at + OLD.rate_ms, length_ms = OLD.rate_ms
  WHERE job_id = NEW.id AND epoch = OLD.epoch + 1 AND NEW.status = 'running';
  DELETE FROM job_rates
  WHERE job_id = NEW.id AND epoch = OLD.epoch + 1 AND free_at IS NULL;
END;

-- What is used no more lets the next job of these be admitted.
CREATE TRIGGER job_rates_freed AFTER DELETE ON job_rates
BEGIN
  UPDATE jobs
  SET waits_for = 'admission'
  WHERE id = (
    SELECT id
    FROM jobs
    WHERE kind = OLD.kind AND rate_key = OLD.key AND waits_for = 'rate'
    ORDER BY run_at + priority * 600000, id
    LIMIT 1);
END;

-- A job that was called up for that and leaves without a place passes the call on; so does one that is edited, for it is
-- admitted anew as a job that nobody called.
CREATE TRIGGER jobs_rate_passed_on AFTER UPDATE OF waits_for ON jobs
WHEN OLD.waits_for = 'admission' AND OLD.rate_key IS NOT NULL AND NEW.claim_order IS NULL
  AND NEW.waits_for IS NOT 'rate' AND (NEW.waits_for IS NOT 'admission' OR NEW.rate_key IS NULL)
BEGIN
  UPDATE jobs
  SET waits_for = 'admission'
  WHERE id = (
    SELECT id
    FROM jobs
    WHERE kind = OLD.kind AND rate_key = OLD.rate_key AND waits_for = 'rate'
    ORDER BY run_at + priority * 600000, id
    LIMIT 1);
END;

-- The earlier jobs that a job runs after: being earlier, they make no circle. While one of them is open, the job waits for
-- 'after'. If one did not complete, the job is cancelled, unless it runs anyway.
CREATE TABLE job_after (
  job_id   INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  after_id INTEGER NOT NULL CHECK (after_id > 0 AND after_id < job_id),
  anyway   INTEGER NOT NULL DEFAULT 0 CHECK (anyway = 0 OR anyway = 1),
  ended_as TEXT CHECK (ended_as = 'completed' OR ended_as = 'failed' OR ended_as = 'cancelled'),   -- kept when that job is removed
  PRIMARY KEY (job_id, after_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_after_of ON job_after (after_id, ended_as);

CREATE TRIGGER job_after_guard_insert BEFORE INSERT ON job_after
WHEN NEW.ended_as IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.after_id)
  OR NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.job_id AND waits_for = 'admission' AND counted = 0)
  OR (SELECT count(*) FROM job_after WHERE job_id = NEW.job_id) >= 100
BEGIN
  SELECT RAISE(ABORT, 'job_after: a new job may run after 100 jobs that exist; name them in its own transaction');
END;

CREATE TRIGGER job_after_of_ended AFTER INSERT ON job_after
WHEN EXISTS (SELECT 1 FROM jobs WHERE id = NEW.after_id AND finished_at IS NOT NULL)
BEGIN
  UPDATE job_after
  SET ended_as = (SELECT status FROM jobs WHERE id = NEW.after_id)
  WHERE job_id = NEW.job_id AND after_id = NEW.after_id;
END;

-- Jobs that have ended while others waited for their end: the poller tells those, in slices.
CREATE TABLE job_ended (
  id       INTEGER PRIMARY KEY,
  ended_as TEXT NOT NULL
) STRICT;

CREATE TRIGGER jobs_ended AFTER UPDATE OF finished_at ON jobs
WHEN NEW.finished_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM job_after WHERE after_id = NEW.id AND ended_as IS NULL)
BEGIN
  INSERT INTO job_ended (id, ended_as) VALUES (NEW.id, NEW.status);
END;

-- The tags of the jobs that are not over, so that those are found by a tag. (What is over is found by looking through it.)
CREATE TABLE job_tags (
  tag    TEXT NOT NULL CHECK (length(CAST(tag AS BLOB)) BETWEEN 1 AND 64),
  job_id INTEGER NOT NULL,
  PRIMARY KEY (tag, job_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_tagged AFTER INSERT ON jobs
WHEN NEW.tags IS NOT NULL
BEGIN
  INSERT INTO job_tags (tag, job_id)
  SELECT CASE type WHEN 'text' THEN value END, NEW.id FROM json_each(NEW.tags);
END;

CREATE TRIGGER jobs_tags_stay BEFORE UPDATE OF tags ON jobs
WHEN NEW.tags IS NOT OLD.tags
BEGIN
  SELECT RAISE(ABORT, 'jobs: the tags of a job never change');
END;

CREATE TRIGGER jobs_tags_over AFTER UPDATE OF finished_at ON jobs
WHEN OLD.tags IS NOT NULL AND NEW.finished_at IS NOT NULL
BEGIN
  DELETE FROM job_tags
  WHERE job_id = OLD.id AND tag IN (SELECT value FROM json_each(OLD.tags));
END;

-- Jobs that are counted together, and a job that is made when the last of them is over.
CREATE TABLE job_batches (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  name        TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 200),
  total       INTEGER NOT NULL DEFAULT 0 CHECK (total BETWEEN 0 AND 1000000),
  open        INTEGER NOT NULL DEFAULT 0 CHECK (open >= 0),
  completed   INTEGER NOT NULL DEFAULT 0,
  failed      INTEGER NOT NULL DEFAULT 0,
  cancelled   INTEGER NOT NULL DEFAULT 0,
  first_job   INTEGER,                             -- its jobs are looked for from here
  last_job    INTEGER,                             -- to here
  then_job    TEXT CHECK (then_job IS NULL OR json_valid(then_job)),   -- what is to be made
  then_id     INTEGER,                             -- what was made
  held        INTEGER NOT NULL DEFAULT 1 CHECK (held = 0 OR held = 1),   -- 1: more jobs are to come
  created_at  INTEGER NOT NULL,
  cancelled_at INTEGER,                            -- it takes no more jobs
  finished_at INTEGER,
  CHECK (total = open + completed + failed + cancelled),
  CHECK (finished_at IS NULL OR (open = 0 AND held = 0))
) STRICT;
CREATE INDEX job_batches_due ON job_batches (id) WHERE open = 0 AND held = 0 AND finished_at IS NULL;
CREATE INDEX job_batches_finished ON job_batches (finished_at) WHERE finished_at IS NOT NULL;   -- the pruner's order
CREATE INDEX job_batches_then ON job_batches (then_id) WHERE then_id IS NOT NULL;
CREATE INDEX jobs_open_of_batch ON jobs (batch_id, id) WHERE batch_id IS NOT NULL AND finished_at IS NULL;

CREATE TRIGGER jobs_batch_guard_insert BEFORE INSERT ON jobs
WHEN NEW.batch_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM job_batches WHERE id = NEW.batch_id AND finished_at IS NULL AND cancelled_at IS NULL AND total < 1000000)
BEGIN
  SELECT RAISE(ABORT, 'jobs: this batch is finished, cancelled, full or not there');
END;

CREATE TRIGGER jobs_batch_guard_update BEFORE UPDATE OF batch_id ON jobs
WHEN NEW.batch_id IS NOT OLD.batch_id
BEGIN
  SELECT RAISE(ABORT, 'jobs: batch_id never changes');
END;

CREATE TRIGGER jobs_batch_joined AFTER INSERT ON jobs
WHEN NEW.batch_id IS NOT NULL
BEGIN
  UPDATE job_batches
  SET total = total + 1, open = open + 1, first_job = coalesce(first_job, NEW.id), last_job = NEW.id
  WHERE id = NEW.batch_id;
END;

CREATE TRIGGER jobs_batch_left AFTER UPDATE OF finished_at ON jobs
WHEN NEW.finished_at IS NOT NULL AND NEW.batch_id IS NOT NULL
BEGIN
  UPDATE job_batches
  SET open = open - 1,
      completed = completed + (NEW.status = 'completed'),
      failed = failed + (NEW.status = 'failed'),
      cancelled = cancelled + (NEW.status = 'cancelled')
  WHERE id = NEW.batch_id;
END;

-- Every step of a job outside the plain path.
CREATE TABLE job_events (
  job_id      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  sequence    INTEGER NOT NULL,   -- counts within the job, from 1
  at          INTEGER NOT NULL,
  from_status TEXT,
  to_status   TEXT NOT NULL,
  cause       TEXT NOT NULL,
  actor       TEXT NOT NULL,
  detail      TEXT,
  PRIMARY KEY (job_id, sequence)
) STRICT, WITHOUT ROWID;

-- A job that is put off every second for a month would have millions of steps: the first 100 and the newest 400 are kept.
CREATE TRIGGER job_events_bounded AFTER INSERT ON job_events
WHEN NEW.sequence > 500
BEGIN
  DELETE FROM job_events WHERE job_id = NEW.job_id AND sequence = NEW.sequence - 400;
END;

-- Attempts that are more than the plain path: all but the first when that one completed.
CREATE TABLE job_attempts (
  job_id     INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  epoch      INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  worker_id  TEXT,
  started_at INTEGER,
  ended_at   INTEGER NOT NULL,
  ended_as   TEXT NOT NULL,   -- completed, or the cause of its job_events row
  error      TEXT,
  error_code TEXT,
  fingerprint  TEXT,      -- of the error, see job_errors
  still_failed INTEGER,   -- 1: it ended its job as failed, and nobody has run that again
  PRIMARY KEY (job_id, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_attempts_fingerprint ON job_attempts (fingerprint, job_id) WHERE fingerprint IS NOT NULL;
CREATE INDEX job_attempts_still_failed ON job_attempts (fingerprint, job_id) WHERE still_failed = 1;

CREATE TRIGGER job_attempts_bounded AFTER INSERT ON job_attempts
WHEN NEW.epoch > 500
BEGIN
  DELETE FROM job_attempts WHERE job_id = NEW.job_id AND epoch = NEW.epoch - 400;
END;

-- Exact counts per status, kind and queue ('' before admission), written in the commit that changes them. Not by
-- triggers: those would cost nearly half of the throughput.
CREATE TABLE job_counts (
  status TEXT NOT NULL,
  kind   TEXT NOT NULL,
  queue  TEXT NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (status, kind, queue)
) STRICT, WITHOUT ROWID;

-- What jobs did, by kind and queue ('' before admission), in each minute, hour and day: written in the commit that changes
-- it, so that it is exact for all that the engine and people do. A status that another program writes is not in it. An end
-- is counted in its minute and in its hour; minutes are kept for 48 hours, and hours that are 30 days old become days (UTC),
-- which are kept for 400.
CREATE TABLE job_stats (
  minutes   INTEGER NOT NULL CHECK (minutes = 1 OR minutes = 60 OR minutes = 1440),   -- how long it was
  at        INTEGER NOT NULL,                                                         -- when it began
  kind      TEXT NOT NULL
            CHECK (length(kind) BETWEEN 1 AND 64 AND kind NOT GLOB '*[^a-z0-9_]*' AND NOT instr(kind, char(0))),
  queue     TEXT NOT NULL
            CHECK (length(queue) <= 64 AND queue NOT GLOB '*[^a-z0-9_]*' AND NOT instr(queue, char(0))),
  completed INTEGER NOT NULL CHECK (completed BETWEEN 0 AND 1000000000000),
  failed    INTEGER NOT NULL CHECK (failed BETWEEN 0 AND 1000000000000),
  cancelled INTEGER NOT NULL CHECK (cancelled BETWEEN 0 AND 1000000000000),
  retried   INTEGER NOT NULL CHECK (retried BETWEEN 0 AND 1000000000000),   -- attempts that failed and are followed by another
  -- How many took how long, {bucket: how many}: bucket n has what took from 2^((n-1)/4) ms to 2^(n/4), 0 what took less than 1.
  -- The writer adds to these texts, so that one that is no JSON object would stop everybody.
  waits     TEXT NOT NULL CHECK (json_valid(waits) AND json_type(waits) = 'object'),   -- from when a job was due to its start
  runs      TEXT NOT NULL CHECK (json_valid(runs) AND json_type(runs) = 'object'),     -- of attempts that completed or failed
  PRIMARY KEY (minutes, at, kind, queue)
) STRICT, WITHOUT ROWID;

-- The errors of jobs, by a fingerprint of their kind, their code and their text without its values: counted in the commit
-- of the attempt's end. Those that were met last are kept, 10,000 of them, and their hours for 30 days.
CREATE TABLE job_errors (
  fingerprint TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  code        TEXT NOT NULL,
  title       TEXT NOT NULL,      -- for people, with words for the values
  first_at    INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  failures    INTEGER NOT NULL,   -- attempts, ever
  muted_by    TEXT,
  muted_until INTEGER             -- NULL: until it is unmuted
) STRICT, WITHOUT ROWID;
CREATE INDEX job_errors_last_at ON job_errors (last_at);
CREATE TABLE job_error_hours (
  fingerprint TEXT NOT NULL REFERENCES job_errors (fingerprint) ON DELETE CASCADE,
  hour        INTEGER NOT NULL,   -- when it began
  failures    INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_error_hours_hour ON job_error_hours (hour, failures);

-- Queues somebody has spoken of: the engine with its own limit, an operator with another, or a pause.
CREATE TABLE job_queues (
  name           TEXT PRIMARY KEY
                 CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-z0-9_]*' AND NOT instr(name, char(0))),
  engine_limit   INTEGER CHECK (engine_limit BETWEEN 0 AND 10000),     -- of the programs, by job_limits
  operator_limit INTEGER CHECK (operator_limit BETWEEN 0 AND 10000),   -- wins over it
  paused_at      INTEGER,
  paused_by      TEXT,
  pause_reason   TEXT,
  resume_at      INTEGER,   -- NULL: until somebody resumes it
  CHECK (paused_at IS NOT NULL OR (paused_by IS NULL AND pause_reason IS NULL AND resume_at IS NULL))
) STRICT, WITHOUT ROWID;

-- Processes with an engine. A row is a lease: while it is there and not lost, what runs in its name is its own.
CREATE TABLE job_workers (
  id            TEXT PRIMARY KEY,
  -- who may be killed when it hangs: a process is its pid and when it started
  pid           INTEGER NOT NULL,
  process_start TEXT,
  file          TEXT,                                            -- the database's own place: a row of another one came with a copy
  version       TEXT NOT NULL,
  is_server     INTEGER NOT NULL DEFAULT 0 CHECK (is_server = 0 OR is_server = 1),
  slots         INTEGER NOT NULL DEFAULT 0 CHECK (slots >= 0),   -- jobs of a queue that it runs at once
  started_at    INTEGER NOT NULL,
  heartbeat_at  INTEGER NOT NULL,
  beat          INTEGER NOT NULL DEFAULT 0 CHECK (beat >= 0),    -- grows while it lives; a lease is judged by it
  lease_until   INTEGER,                                         -- for people; decides nothing
  lost_at       INTEGER,                                         -- when it was judged dead
  -- What it says of itself, since no other process can know it: written with its heartbeat. A statement that the
  -- heartbeat is part of must not fail for a fact, so its length is bounded by who writes it.
  facts         TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(facts))
) STRICT, WITHOUT ROWID;

-- The process that leads: at most one, and its number grows with each change, so that a write of an earlier one is known.
CREATE TABLE job_leader (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  epoch     INTEGER NOT NULL CHECK (epoch >= 0),
  worker_id TEXT
) STRICT;
INSERT INTO job_leader (id, epoch) VALUES (1, 0);

-- The kinds that a process has handlers for, with the rules that it was built with.
CREATE TABLE job_kinds (
  worker_id     TEXT NOT NULL REFERENCES job_workers (id) ON DELETE CASCADE,
  kind          TEXT NOT NULL,
  rules         TEXT NOT NULL CHECK (json_valid(rules)),
  registered_at INTEGER NOT NULL,
  PRIMARY KEY (worker_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_kinds_kind ON job_kinds (kind, registered_at);

-- The limits of queues that a process was built with: the newest of those that are not lost holds.
CREATE TABLE job_limits (
  worker_id     TEXT NOT NULL REFERENCES job_workers (id) ON DELETE CASCADE,
  queue         TEXT NOT NULL,
  engine_limit  INTEGER NOT NULL CHECK (engine_limit BETWEEN 0 AND 10000),
  registered_at INTEGER NOT NULL,
  PRIMARY KEY (worker_id, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_limits_queue ON job_limits (queue, registered_at);

-- Stored rules that make jobs.
CREATE TABLE job_schedules (
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
CREATE INDEX job_schedules_next ON job_schedules (next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;

-- What was decided about occurrences, kept for 90 days. No second row for one, so no second job (P16); what is pruned
-- lies behind the schedule's cursor, which never goes back. A row of merged or skipped ones stands for several.
CREATE TABLE job_decisions (
  schedule_id   INTEGER NOT NULL REFERENCES job_schedules (id) ON DELETE CASCADE,
  occurrence_at INTEGER NOT NULL,
  decision      TEXT NOT NULL
                CHECK (decision = 'fired' OR decision = 'caught_up' OR decision = 'skipped' OR decision = 'merged'
                    OR decision = 'over_budget'),
  decided_at    INTEGER NOT NULL,
  job_id        INTEGER,
  detail        TEXT,
  PRIMARY KEY (schedule_id, occurrence_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_decisions_decided_at ON job_decisions (decided_at);   -- the pruner's order

-- A client's idempotency key, the job it made, and a hash of what it asked for.
CREATE TABLE job_keys (
  key        TEXT PRIMARY KEY CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 200),
  job_id     INTEGER NOT NULL,
  body_hash  TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_keys_created_at ON job_keys (created_at);

-- What runs have cost, by day (UTC, days since 1970), kind and schedule (0: none). Outlives the jobs.
CREATE TABLE job_spend (
  day         INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  schedule_id INTEGER NOT NULL,
  cost_usd    REAL NOT NULL,
  runs        INTEGER NOT NULL,
  at_least    INTEGER NOT NULL DEFAULT 0,   -- those of them that may have cost more
  PRIMARY KEY (day, kind, schedule_id)
) STRICT, WITHOUT ROWID;

-- What running jobs may still spend of the budgets, until their runs are paid. The row of a job that does not run counts
-- for nothing.
CREATE TABLE job_reserves (
  job_id      INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  schedule_id INTEGER NOT NULL,
  usd         REAL NOT NULL CHECK (usd > 0)
) STRICT;

-- What an operator changes while the engine runs.
CREATE TABLE job_settings (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL CHECK (json_valid(value)),
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change by a person: who, what, before, after, from where.
CREATE TABLE job_audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  remote  TEXT,
  action  TEXT NOT NULL,
  subject TEXT,
  before  TEXT,
  after   TEXT
) STRICT;

-- The audit log only grows. An explicit id could replace a row, or put one among those of the past.
CREATE TRIGGER job_audit_guard_insert BEFORE INSERT ON job_audit
WHEN NEW.id <> -1
BEGIN
  SELECT RAISE(ABORT, 'job_audit: ids are given by the database; a row of the audit log is never replaced');
END;
CREATE TRIGGER job_audit_guard_update BEFORE UPDATE ON job_audit
BEGIN
  SELECT RAISE(ABORT, 'job_audit: a row of the audit log never changes');
END;
CREATE TRIGGER job_audit_guard_delete BEFORE DELETE ON job_audit
BEGIN
  SELECT RAISE(ABORT, 'job_audit: a row of the audit log is never deleted');
END;
