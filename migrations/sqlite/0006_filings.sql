-- What the tracker was told and answered, and how far its news were read.

ALTER TABLE filings ADD COLUMN labels TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels));
ALTER TABLE filings ADD COLUMN number INTEGER;    -- the issue's, once it is known
ALTER TABLE filings ADD COLUMN url TEXT;          -- the page of the issue or comment, once it is filed
ALTER TABLE filings ADD COLUMN sent_at INTEGER;   -- when it was last on its way
CREATE INDEX filings_of_scan ON filings (scan_id) WHERE state <> 'filed' AND state <> 'rejected';

-- Another repository counts from 1 again, so at a tracker it is the page that is one issue's alone.
DROP INDEX self_monitoring_issues_number;
CREATE UNIQUE INDEX self_monitoring_issues_number ON self_monitoring_issues (number) WHERE tracker = 'local';
CREATE UNIQUE INDEX self_monitoring_issues_url ON self_monitoring_issues (url);

-- What was read of a repository's issues is what had changed until then.
CREATE TABLE tracker_news (
  repository TEXT PRIMARY KEY,
  read_upto  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
