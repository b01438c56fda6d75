-- The component `program`: what `lamplighter serve` keeps beside the engine's tables (people, sessions, repositories,
-- scans and issues). Needs the component `engine`. Must run on SQLite 3.40; instants are ms since 1970 UTC.

-- One scan at a time, by the schema itself.
CREATE UNIQUE INDEX jobs_one_running_self_monitoring ON jobs (kind)
  WHERE kind = 'self_monitoring' AND status = 'running';
-- OR REPLACE would otherwise delete the scan that runs.
CREATE TRIGGER jobs_guard_one_running_self_monitoring BEFORE UPDATE OF status ON jobs
WHEN NEW.kind = 'self_monitoring' AND NEW.status = 'running' AND OLD.status <> 'running' AND EXISTS (
  SELECT 1 FROM jobs WHERE kind = 'self_monitoring' AND status = 'running')
BEGIN
  SELECT RAISE(ABORT, 'jobs: one self_monitoring job runs at a time');
END;
-- The scan history, and the scans that are not over.
CREATE INDEX jobs_scans ON jobs (id) WHERE kind = 'self_monitoring';
CREATE INDEX jobs_open_scans ON jobs (status, id) WHERE kind = 'self_monitoring' AND finished_at IS NULL;
CREATE INDEX jobs_ended_scans ON jobs (finished_at, id) WHERE kind = 'self_monitoring' AND finished_at IS NOT NULL;
-- The jobs that file findings, and are not over.
CREATE INDEX jobs_open_filings ON jobs (status) WHERE kind = 'file_findings' AND finished_at IS NULL;
-- The session list.
CREATE INDEX jobs_sessions ON jobs (id) WHERE kind = 'agent_session';

CREATE TABLE users (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  username      TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 64),
  password_hash TEXT NOT NULL,
  passwords     INTEGER NOT NULL DEFAULT 1,   -- how many it has had: a sign-in fails if it changes meanwhile
  role          TEXT NOT NULL CHECK (role = 'viewer' OR role = 'operator' OR role = 'admin'),
  created_at    INTEGER NOT NULL,
  signed_in_at  INTEGER,   -- the last time
  disabled_at   INTEGER    -- nobody signs in to it until this is NULL again
) STRICT;

-- Signed-in browsers; what opens a page is only in the cookie, and its hash here.
CREATE TABLE logins (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,   -- by which people name it
  id_hash    TEXT NOT NULL UNIQUE,
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  remote     TEXT NOT NULL,
  browser    TEXT NOT NULL,   -- as it calls itself, in a few words
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX logins_user ON logins (user_id);

-- What programs show instead of a password. The text is shown once; its hash is here.
CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,   -- the eight characters of the text by which people name it
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  hash       TEXT NOT NULL UNIQUE,
  old_hash   TEXT UNIQUE,        -- of the text before the last rotation, which counts until old_until
  old_until  INTEGER,
  scopes     TEXT NOT NULL,      -- words with commas between them
  kinds      TEXT,               -- the only ones that it is for, with commas between them
  queues     TEXT,
  created_at INTEGER NOT NULL,
  renewed_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at    INTEGER,
  UNIQUE (user_id, name)
) STRICT, WITHOUT ROWID;

-- The one-time link of the first admin; at most one row.
CREATE TABLE setup_codes (
  code_hash  TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

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
  note               TEXT,               -- what a person should know of a run that ended well
  cost_usd           REAL,               -- of all its attempts
  cost_at_least      INTEGER NOT NULL DEFAULT 0,   -- whether they may have cost more
  cost_before        REAL NOT NULL DEFAULT 0,      -- of the runs that its last attempt resumes
  given              TEXT CHECK (given IS NULL OR json_valid(given)),   -- by its folder: CLAUDE.md, MCP servers
  answer_of          INTEGER,            -- the session of its schedule whose answer it was given
  refused            TEXT CHECK (refused IS NULL OR json_valid(refused)),   -- what the network wall has refused, and how often
  num_turns          INTEGER,
  counts_at_least    INTEGER NOT NULL DEFAULT 0,   -- whether turns and tokens may have been more
  duration_ms        INTEGER,
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  meter              TEXT CHECK (meter IS NULL OR json_valid(meter)),   -- of the attempt that runs: how far it is, how far it may go
  transcript_bytes   INTEGER NOT NULL DEFAULT 0,
  transcript_from    INTEGER NOT NULL DEFAULT 0,   -- bytes that were there when its last attempt began
  transcript_lines   INTEGER NOT NULL DEFAULT 0,
  transcript_dropped INTEGER NOT NULL DEFAULT 0,   -- bytes that came after the limit
  began_at           INTEGER NOT NULL,
  ended_at           INTEGER,
  -- what its processes are found by after a crash, until they are known to be gone
  marker             TEXT,
  main_pid           INTEGER,
  main_start         TEXT,
  file               TEXT                -- the database's place when it began: a copy of the database touches none of them
) STRICT;

CREATE INDEX sessions_open ON sessions (job_id) WHERE marker IS NOT NULL;
CREATE INDEX sessions_place ON sessions (place);

-- What a run has changed in the folder in which it worked: a list for people, and the patch, secrets removed.
CREATE TABLE session_changes (
  job_id  INTEGER PRIMARY KEY REFERENCES sessions (job_id) ON DELETE CASCADE,
  changes TEXT NOT NULL CHECK (json_valid(changes)),
  patch   TEXT NOT NULL
) STRICT;

-- The lines that a run printed, secrets removed, in pieces that end at the end of a line or at their limit of 64 KiB.
CREATE TABLE transcript_pieces (
  job_id     INTEGER NOT NULL REFERENCES sessions (job_id) ON DELETE CASCADE,
  start      INTEGER NOT NULL,   -- bytes before it
  first_line INTEGER NOT NULL,   -- lines that end before it
  at         INTEGER NOT NULL,
  bytes      BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 65536)
) STRICT;

CREATE UNIQUE INDEX transcript_pieces_start ON transcript_pieces (job_id, start);

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
  s.cost_at_least AS cost_at_least,
  s.num_turns AS num_turns,
  s.counts_at_least AS counts_at_least,
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

-- How far each log database was scanned.
CREATE TABLE log_watermarks (
  log         TEXT PRIMARY KEY,   -- the identity of the file
  last_log_id INTEGER NOT NULL CHECK (last_log_id >= 0),
  last_row    TEXT,   -- of another program's log, a digest of that row: a copy and a file in its place are told apart by it
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
  reopened                       INTEGER NOT NULL DEFAULT 0,
  rejected                       INTEGER NOT NULL DEFAULT 0,
  rejections                     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(rejections)),   -- why, a list of texts
  analyzer                       TEXT NOT NULL,
  fallback                       TEXT,   -- why the built-in analyzer took the agent's place
  model                          TEXT,
  cost_usd                       REAL,
  duplicates_kept                TEXT,   -- why it has closed no duplicates at the tracker, if there were some
  committed_at                   INTEGER NOT NULL
) STRICT;

-- The issues that scans made, and those that were read at the tracker: people's, and those of other servers.
-- A number is the tracker's, so an issue that is still to be filed has none.
CREATE TABLE self_monitoring_issues (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  scan_id        INTEGER,   -- the scan that made it or met it first; NULL: it was only read at the tracker
  tracker        TEXT NOT NULL CHECK (tracker = 'local' OR tracker = 'github'),
  home           TEXT NOT NULL DEFAULT 'local',   -- where it can be seen: 'local', or 'github.com/owner/name' in lower case
  author         TEXT,      -- the person whose issue it is; NULL: ours
  number         INTEGER,   -- NULL: not yet filed
  url            TEXT,
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state = 'open' OR state = 'closed'),
  state_reason   TEXT CHECK (state_reason = 'completed' OR state_reason = 'not_planned'),
  closed_at      INTEGER,
  gone_at        INTEGER,   -- the tracker has it no longer: it was deleted or moved away there, and nothing is known by it
  muted_at       INTEGER,   -- not a problem: whatever belongs to it is skipped
  title          TEXT NOT NULL,
  body           TEXT NOT NULL,
  classification TEXT CHECK (classification = 'server_bug' OR classification = 'client_misuse'
                          OR classification = 'documentation_gap'),   -- NULL: its title says none
  error_codes    TEXT NOT NULL CHECK (json_valid(error_codes)),
  source         TEXT NOT NULL,
  template       TEXT NOT NULL,
  source_files   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(source_files)),
  evidence       TEXT NOT NULL CHECK (json_valid(evidence)),   -- log row ids
  occurrences    INTEGER NOT NULL,
  follows        INTEGER,   -- the issue that the same problem had before: closed as not planned, or open at another home
  duplicate_of   INTEGER,   -- the number of the older issue that has its fingerprint and stays, once a server has closed it
                            -- for that or was to; what became of it is in the act 'close' of filings
  created_at     INTEGER NOT NULL,
  last_seen_at   INTEGER NOT NULL,
  CHECK (tracker <> 'local' OR number IS NOT NULL),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (state_reason IS NOT NULL))
) STRICT;
-- Another repository counts from 1 again, so at a tracker it is the page that is one issue's alone.
CREATE UNIQUE INDEX self_monitoring_issues_number ON self_monitoring_issues (number) WHERE tracker = 'local';
CREATE UNIQUE INDEX self_monitoring_issues_url ON self_monitoring_issues (url);
CREATE UNIQUE INDEX self_monitoring_issues_at_home ON self_monitoring_issues (home, number) WHERE number IS NOT NULL;

-- What tier 2 recognises an issue by: its template's fingerprint, its structural one, and those of findings that turned
-- out to be the same.
CREATE TABLE self_monitoring_issue_fingerprints (
  fingerprint TEXT NOT NULL,
  issue_id    INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  home        TEXT NOT NULL DEFAULT 'local',   -- the issue's
  open        INTEGER NOT NULL CHECK (open = 0 OR open = 1),   -- follows the issue's state
  marked      INTEGER NOT NULL DEFAULT 0 CHECK (marked = 0 OR marked = 1),   -- it stands in the mark of the issue's body
  PRIMARY KEY (fingerprint, issue_id)
) STRICT, WITHOUT ROWID;
-- At most one open issue per fingerprint where it can be seen.
CREATE UNIQUE INDEX self_monitoring_issue_fingerprints_open ON self_monitoring_issue_fingerprints (fingerprint, home)
  WHERE open = 1;
CREATE INDEX self_monitoring_issue_fingerprints_issue ON self_monitoring_issue_fingerprints (issue_id);
-- An issue that is opened again while a newer one has its fingerprint leaves it to that one.
CREATE TRIGGER self_monitoring_issues_state AFTER UPDATE OF state ON self_monitoring_issues
WHEN NEW.state <> OLD.state
BEGIN
  UPDATE OR IGNORE self_monitoring_issue_fingerprints
  SET open = (NEW.state = 'open')
  WHERE issue_id = NEW.id;
END;

-- What scans group the grave rows of logs by. A template is known by its id and its first text, whatever becomes of its text.
CREATE TABLE log_templates (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  log        TEXT NOT NULL,   -- identity of the log database
  source     TEXT NOT NULL,   -- of its rows
  origin     TEXT NOT NULL,   -- its text when it was first seen, of which a fingerprint is made
  text       TEXT NOT NULL,   -- its text now, with a wildcard for each value; two templates that turned out to be one have the same
  grown      INTEGER NOT NULL CHECK (grown = 0 OR grown = 1),   -- it was made of several texts
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_templates_origin ON log_templates (log, source, origin);
CREATE INDEX log_templates_seen ON log_templates (log, last_seen);
CREATE INDEX log_templates_last_seen ON log_templates (last_seen);

-- How many rows of a template each hour had.
CREATE TABLE log_template_hours (
  template_id INTEGER NOT NULL REFERENCES log_templates (id) ON DELETE CASCADE,
  hour        INTEGER NOT NULL,   -- when it begins
  count       INTEGER NOT NULL,
  PRIMARY KEY (template_id, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_template_hours_hour ON log_template_hours (hour);

-- Which templates the rows of an issue belonged to.
CREATE TABLE self_monitoring_issue_templates (
  issue_id    INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  template_id INTEGER NOT NULL REFERENCES log_templates (id) ON DELETE CASCADE,
  PRIMARY KEY (issue_id, template_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX self_monitoring_issue_templates_template ON self_monitoring_issue_templates (template_id);

-- Exact error codes of issues (tier 1).
CREATE TABLE self_monitoring_issue_codes (
  code     TEXT NOT NULL,
  issue_id INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  PRIMARY KEY (code, issue_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX self_monitoring_issue_codes_issue ON self_monitoring_issue_codes (issue_id);

-- Acts at the tracker, one row each, written with the scan that decides them. Those of the local tracker are done by
-- their row; of its issues only comments and reopenings have one.
CREATE TABLE filings (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id   INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  scan_id    INTEGER NOT NULL,
  act        TEXT NOT NULL CHECK (act = 'open' OR act = 'comment' OR act = 'reopen' OR act = 'close'),
  state      TEXT NOT NULL CHECK (state = 'pending' OR state = 'sending' OR state = 'filed' OR state = 'failed'
                               OR state = 'awaiting_approval' OR state = 'rejected'),
  marker     TEXT NOT NULL UNIQUE
             CHECK (length(marker) BETWEEN 16 AND 64 AND marker NOT GLOB '*[^0-9a-f]*'),   -- recognised at the tracker
  title      TEXT,   -- of act open
  body       TEXT NOT NULL,
  labels     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels)),
  number     INTEGER,   -- the issue's, once it is known
  url        TEXT,      -- the page of the issue or comment, once it is filed
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  sent_at    INTEGER,   -- when it was last on its way
  error      TEXT,
  decided_at INTEGER,   -- when a person approved or rejected it
  decided_by TEXT,
  CHECK ((act = 'open') = (title IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX filings_open ON filings (issue_id) WHERE act = 'open';   -- no issue is opened twice
CREATE UNIQUE INDEX filings_close ON filings (issue_id) WHERE act = 'close';   -- nor closed as a duplicate
CREATE INDEX filings_issue ON filings (issue_id, id);
CREATE INDEX filings_unfinished ON filings (id) WHERE state <> 'filed' AND state <> 'rejected';
CREATE INDEX filings_to_approve ON filings (id) WHERE state = 'awaiting_approval';
CREATE INDEX filings_of_scan ON filings (scan_id, state);
CREATE INDEX filings_rejected ON filings (decided_at) WHERE state = 'rejected';

-- Every scan, whatever its status, with what it did and what became of its findings at the tracker.
CREATE VIEW self_monitoring_scans_full AS
SELECT j.id AS id,
  j.status AS status,
  j.trigger AS trigger,
  j.created_at AS created_at,
  j.started_at AS started_at,
  j.finished_at AS finished_at,
  j.error AS error,
  j.error_code AS error_code,
  coalesce(j.payload ->> '$.dry_run', 0) AS dry_run,
  s.log AS log,
  s.log_id_start AS log_id_start,
  s.log_id_end AS log_id_end,
  s.rows_examined AS rows_examined,
  s.issues_created AS issues_created,
  s.duplicates_skipped AS duplicates_skipped,
  s.potential_duplicates_commented AS potential_duplicates_commented,
  s.reopened AS reopened,
  s.rejected AS rejected,
  (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'filed') AS acts_filed,
  (SELECT count(*) FROM filings f WHERE f.scan_id = j.id AND f.state = 'awaiting_approval') AS acts_awaiting_approval,
  (SELECT count(*) FROM filings f WHERE f.scan_id = j.id
    AND (f.state = 'pending' OR f.state = 'sending' OR f.state = 'failed')) AS acts_waiting,
  s.analyzer AS analyzer,
  s.fallback AS fallback,
  s.model AS model,
  s.cost_usd AS cost_usd,
  s.committed_at AS committed_at
FROM jobs j LEFT JOIN self_monitoring_scans s ON s.job_id = j.id
WHERE j.kind = 'self_monitoring';

-- What people have decided about the problems that are open at another home than the one where issues are filed now.
CREATE TABLE issue_refilings (
  home      TEXT PRIMARY KEY,             -- where issues are filed now
  left_upto INTEGER NOT NULL DEFAULT 0,   -- issues up to this id stay where they are
  asked_at  INTEGER                       -- since when a person wants the others filed at the home too; NULL: it is done, or nobody does
) STRICT, WITHOUT ROWID;

-- How far the issues of a repository were read at its tracker.
CREATE TABLE tracker_news (
  home      TEXT PRIMARY KEY,
  newest    INTEGER,   -- the last change that was seen, by the tracker's clock
  etag      TEXT,      -- what the tracker calls its answer about what changed since then
  read_at   INTEGER,   -- when it answered last
  full_at   INTEGER,   -- when every open issue was read last
  failed_at INTEGER,   -- when it refused last, if it did since it answered
  error     TEXT,      -- why
  CHECK ((failed_at IS NULL) = (error IS NULL))
) STRICT, WITHOUT ROWID;
