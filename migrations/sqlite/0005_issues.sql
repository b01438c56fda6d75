-- Issues as the three tiers of the de-duplication need them, and what is to be done at the tracker.

-- A number is the tracker's, so an issue that is still to be filed has none: the table is made anew. Its codes go with
-- it for a moment, for dropping the one would delete the other.
CREATE TABLE kept_codes (code TEXT NOT NULL, issue_id INTEGER NOT NULL) STRICT;
INSERT INTO kept_codes SELECT code, issue_id FROM self_monitoring_issue_codes;
DROP TABLE self_monitoring_issue_codes;

CREATE TABLE issues (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  scan_id        INTEGER NOT NULL,
  tracker        TEXT NOT NULL CHECK (tracker = 'local' OR tracker = 'github'),
  number         INTEGER,   -- NULL: not yet filed
  url            TEXT,
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state = 'open' OR state = 'closed'),
  state_reason   TEXT CHECK (state_reason = 'completed' OR state_reason = 'not_planned'),
  closed_at      INTEGER,
  muted_at       INTEGER,   -- not a problem: whatever belongs to it is skipped
  title          TEXT NOT NULL,
  body           TEXT NOT NULL,
  classification TEXT NOT NULL CHECK (classification = 'server_bug' OR classification = 'client_misuse'
                                   OR classification = 'documentation_gap'),
  error_codes    TEXT NOT NULL CHECK (json_valid(error_codes)),
  source         TEXT NOT NULL,
  template       TEXT NOT NULL,
  source_files   TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(source_files)),
  evidence       TEXT NOT NULL CHECK (json_valid(evidence)),   -- log row ids
  occurrences    INTEGER NOT NULL,
  follows        INTEGER,   -- the issue, closed as not planned, that the same problem had before
  created_at     INTEGER NOT NULL,
  last_seen_at   INTEGER NOT NULL,
  CHECK (tracker <> 'local' OR number IS NOT NULL),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (state_reason IS NOT NULL))
) STRICT;
INSERT INTO issues (
  id, scan_id, tracker, number, url, state, state_reason, closed_at, title, body, classification, error_codes, source,
  template, evidence, occurrences, created_at, last_seen_at)
SELECT
  id, scan_id, tracker, number, url, state, iif(state = 'closed', 'completed', NULL),
  iif(state = 'closed', last_seen_at, NULL), title, body, classification, error_codes, source, template, evidence,
  occurrences, created_at, last_seen_at
FROM self_monitoring_issues;

-- What tier 2 recognises an issue by: its template's fingerprint, its structural one, and those of findings that turned
-- out to be the same.
CREATE TABLE self_monitoring_issue_fingerprints (
  fingerprint TEXT NOT NULL,
  issue_id    INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  open        INTEGER NOT NULL CHECK (open = 0 OR open = 1),   -- follows the issue's state
  PRIMARY KEY (fingerprint, issue_id)
) STRICT, WITHOUT ROWID;
INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, open)
SELECT fingerprint, id, state = 'open'
FROM self_monitoring_issues;

DROP TABLE self_monitoring_issues;
ALTER TABLE issues RENAME TO self_monitoring_issues;
CREATE UNIQUE INDEX self_monitoring_issues_number ON self_monitoring_issues (tracker, number);

-- At most one open issue per fingerprint.
CREATE UNIQUE INDEX self_monitoring_issue_fingerprints_open ON self_monitoring_issue_fingerprints (fingerprint)
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

-- Exact error codes of issues (tier 1).
CREATE TABLE self_monitoring_issue_codes (
  code     TEXT NOT NULL,
  issue_id INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  PRIMARY KEY (code, issue_id)
) STRICT, WITHOUT ROWID;
INSERT INTO self_monitoring_issue_codes SELECT code, issue_id FROM kept_codes;
DROP TABLE kept_codes;

ALTER TABLE self_monitoring_scans ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE self_monitoring_scans ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
-- Why findings were rejected, a list of texts.
ALTER TABLE self_monitoring_scans ADD COLUMN rejections TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(rejections));

-- Acts at the tracker, one row each, written with the scan that decides them. Those of the local tracker are done by
-- their row; of its issues only comments and reopenings have one.
CREATE TABLE filings (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id   INTEGER NOT NULL REFERENCES self_monitoring_issues (id) ON DELETE CASCADE,
  scan_id    INTEGER NOT NULL,
  act        TEXT NOT NULL CHECK (act = 'open' OR act = 'comment' OR act = 'reopen'),
  state      TEXT NOT NULL CHECK (state = 'pending' OR state = 'sending' OR state = 'filed' OR state = 'failed'
                               OR state = 'awaiting_approval' OR state = 'rejected'),
  marker     TEXT NOT NULL UNIQUE
             CHECK (length(marker) BETWEEN 16 AND 64 AND marker NOT GLOB '*[^0-9a-f]*'),   -- recognised at the tracker
  title      TEXT,   -- of act open
  body       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  error      TEXT,
  CHECK ((act = 'open') = (title IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX filings_open ON filings (issue_id) WHERE act = 'open';   -- no issue is opened twice
CREATE INDEX filings_issue ON filings (issue_id, id);
CREATE INDEX filings_unfinished ON filings (id) WHERE state <> 'filed' AND state <> 'rejected';
