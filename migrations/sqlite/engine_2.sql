-- The second step of the component `engine`.

-- The lists of jobs that failed and of those that were cancelled, in the order in which they ended. They are few among the jobs that are
-- over: a job that completes is in neither, so its end writes no entry more.
CREATE INDEX jobs_failed_at ON jobs (finished_at, id) WHERE status = 'failed';
CREATE INDEX jobs_cancelled_at ON jobs (finished_at, id) WHERE status = 'cancelled';

-- The jobs that run another one again, by that one. Only a job that a person runs again writes an entry.
CREATE INDEX jobs_retries ON jobs (parent_id, id) WHERE trigger = 'retry';

-- Who set the limit of an operator, and when. NULL: it is older than these columns, or there is none.
ALTER TABLE job_queues ADD COLUMN limit_by TEXT;
ALTER TABLE job_queues ADD COLUMN limit_at INTEGER;

-- The queries that people keep under a name, each for themselves; of one person and list at most 20.
CREATE TABLE job_views (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  owner      TEXT NOT NULL CHECK (length(owner) BETWEEN 1 AND 200),
  page       TEXT NOT NULL CHECK (page = 'jobs' OR page = 'sessions'),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  query      TEXT NOT NULL CHECK (length(query) BETWEEN 1 AND 2000),
  created_at INTEGER NOT NULL,
  UNIQUE (owner, page, name)
) STRICT;
