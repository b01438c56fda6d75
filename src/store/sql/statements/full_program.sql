-- What the program's own tables hold in a file in which much has happened.
INSERT INTO users (id, username, password_hash, role, created_at) VALUES (1, 'ada', 'x', 'admin', 0);
INSERT INTO logins (id_hash, user_id, remote, browser, created_at, used_at) SELECT 'h' || value, 1, '', '', 0, 0 FROM generated WHERE value <= 300;
INSERT INTO tokens (id, user_id, name, hash, scopes, created_at, renewed_at) SELECT 't' || value, 1, 't' || value, 'h' || value, 'read', 0, 0 FROM generated WHERE value <= 300;
INSERT INTO sessions (job_id, profile, working_dir, place, began_at, marker)
  SELECT id, 'default', '/w', 'p' || id, 0, CASE WHEN status = 'running' THEN 'm' || id END FROM jobs WHERE kind = 'agent_session' AND started_at IS NOT NULL;
INSERT INTO transcript_pieces (job_id, start, first_line, at, bytes)
  SELECT s.job_id, n.value, 0, 0, x'20' FROM sessions s, generated n WHERE n.value <= 4;
INSERT INTO session_changes (job_id, changes, patch) SELECT job_id, '{}', '' FROM sessions;
INSERT INTO self_monitoring_scans (job_id, log, log_id_start, log_id_end, rows_examined, issues_created, duplicates_skipped, analyzer, committed_at)
  SELECT id, 'log', 0, 1, 1, 0, 0, 'built-in', 0 FROM jobs WHERE kind = 'self_monitoring' AND status = 'completed';
INSERT INTO self_monitoring_issues (id, scan_id, tracker, number, state, state_reason, closed_at, title, body, error_codes, source, template, evidence,
    occurrences, created_at, last_seen_at)
  SELECT value, value, 'local', value, CASE WHEN value % 3 THEN 'closed' ELSE 'open' END, CASE WHEN value % 3 THEN 'completed' END,
    CASE WHEN value % 3 THEN value END, 't', 'b', '[]', 's', 't', '[]', 1, value, value
  FROM generated WHERE value <= 5000;
INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, open) SELECT 'f' || id, id, state = 'open' FROM self_monitoring_issues;
INSERT INTO self_monitoring_issue_codes (code, issue_id) SELECT 'SHOP-PAY-' || (id % 40), id FROM self_monitoring_issues;
INSERT INTO log_templates (id, log, source, origin, text, grown, first_seen, last_seen)
  SELECT value, 'log', 's', 'o' || value, 't', 0, 0, value FROM generated WHERE value <= 8000;
INSERT INTO log_template_hours (template_id, hour, count) SELECT t.id, n.value, 1 FROM log_templates t, generated n WHERE n.value <= 3;
INSERT INTO self_monitoring_issue_templates (issue_id, template_id) SELECT id, id FROM self_monitoring_issues;
INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, created_at, updated_at)
  SELECT id, id, 'open', CASE WHEN id % 100 THEN 'filed' ELSE 'pending' END, printf('%016x', id), 't', 'b', 0, 0 FROM self_monitoring_issues;
