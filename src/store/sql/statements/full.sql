-- A file in which much has happened: 60,000 jobs, nine of ten of them over, and what belongs to them. The triggers are away meanwhile.
INSERT INTO job_workers (id, pid, version, started_at, heartbeat_at, lost_at)
  SELECT 'worker-' || value, value, '0.2.0', 0, 0, CASE WHEN value > 4 THEN 1 END FROM generated WHERE value <= 9;
INSERT INTO job_kinds (worker_id, kind, rules, registered_at)
  SELECT w.id, k.value, '{}', 1 FROM job_workers w, json_each('["plain","keyed","rated","metered","agent_session","self_monitoring"]') k;
INSERT INTO job_limits (worker_id, queue, engine_limit, registered_at) SELECT id, 'plain', 8, 1 FROM job_workers;
INSERT INTO job_queues (name, engine_limit) SELECT 'queue_' || value, 8 FROM generated WHERE value <= 20;
INSERT INTO job_settings (key, value, updated_at, updated_by) SELECT 'setting.' || value, '1', 0, 'cli' FROM generated WHERE value <= 30;
INSERT INTO job_schedules (id, name, rule, kind, cursor_at, next_at, created_at, updated_at, updated_by)
  SELECT value, 'schedule_' || value, '{}', 'plain', 0, value * 1000, 0, 0, 'cli' FROM generated WHERE value <= 200;
INSERT INTO job_batches (id, name, total, open, completed, first_job, last_job, held, created_at, finished_at)
  SELECT value, 'batch', 20, value % 50 = 0, 20 - (value % 50 = 0), value * 20 - 19, value * 20, 0, 0, CASE WHEN value % 50 <> 0 THEN value END
  FROM generated WHERE value <= 2000;

WITH state (i, kind, place) AS (
  SELECT value,
    CASE value % 20 WHEN 0 THEN 'agent_session' WHEN 1 THEN 'self_monitoring' WHEN 2 THEN 'metered' WHEN 3 THEN 'rated' WHEN 4 THEN 'keyed' ELSE 'plain' END,
    CASE
      WHEN value * 7919 % 1000 < 850 THEN 'completed'
      WHEN value * 7919 % 1000 < 890 THEN 'failed'
      WHEN value * 7919 % 1000 < 900 THEN 'cancelled'
      WHEN value * 7919 % 1000 < 920 THEN 'admission'
      WHEN value * 7919 % 1000 < 940 THEN 'handler'
      WHEN value * 7919 % 1000 < 950 THEN 'key'
      WHEN value * 7919 % 1000 < 960 THEN 'rate'
      WHEN value * 7919 % 1000 < 970 THEN 'after'
      WHEN value * 7919 % 1000 < 985 THEN 'scheduled'
      WHEN value * 7919 % 1000 < 995 OR value % 20 = 1 THEN 'ready'
      ELSE 'running' END
  FROM generated)
INSERT INTO jobs (id, kind, queue, priority, status, payload, attempt, max_attempts, epoch, worker_id, unique_key, concurrency_key,
    claim_order, waits_for, parked_by, rate_key, rate_ms, counted, run_at, created_at, started_at, finished_at, schedule_id, occurrence_at,
    parent_id, batch_id, tags, error, error_code)
  SELECT i, kind, 'queue_' || (i % 20 + 1), 0,
    CASE WHEN place IN ('admission', 'handler', 'key', 'rate', 'after', 'ready') THEN 'queued' ELSE place END,
    '{"number":' || i || '}', place IN ('completed', 'failed', 'running'), 3, place IN ('completed', 'failed', 'running'),
    CASE place WHEN 'running' THEN 'worker-' || (i % 4 + 1) END,
    CASE WHEN i % 10 = 0 THEN 'unique-' || i END,
    CASE WHEN place = 'key' THEN 'key-' || (i % 40) END,
    CASE place WHEN 'ready' THEN i END,
    CASE WHEN place IN ('admission', 'handler', 'key', 'rate', 'after') THEN place END,
    CASE WHEN place = 'scheduled' THEN CASE i % 4 WHEN 0 THEN 'retry' WHEN 1 THEN 'budget' WHEN 2 THEN 'limit' ELSE 'delay' END END,
    CASE WHEN place = 'rate' THEN 'rate-' || (i % 9) END, CASE WHEN place = 'rate' THEN 20000 END,
    place <> 'admission', i * 1000, i * 1000,
    CASE WHEN place IN ('completed', 'failed', 'running') THEN i * 1000 END,
    CASE WHEN place IN ('completed', 'failed', 'cancelled') THEN i * 1000 + 500 END,
    CASE WHEN i % 9 = 0 THEN i % 200 + 1 END, CASE WHEN i % 9 = 0 THEN i * 1000 END,
    CASE WHEN i % 11 = 0 THEN i - 1 END, CASE WHEN i <= 40000 THEN (i + 19) / 20 END,
    CASE WHEN i % 5 = 0 THEN '["tag-' || (i % 70) || '"]' END,
    CASE WHEN place = 'failed' THEN 'no' END, CASE WHEN place = 'failed' THEN 'SHOP-PAY-001' END
  FROM state;
UPDATE jobs SET concurrency_key = 'slot-' || id, key_slot = 0 WHERE kind = 'keyed' AND (status = 'running' OR claim_order IS NOT NULL);

INSERT INTO job_events (job_id, sequence, at, to_status, cause, actor)
  SELECT j.id, s.value, 0, 'queued', 'retry', 'engine' FROM jobs j, generated s WHERE j.id % 4 = 0 AND s.value <= 3;
INSERT INTO job_errors (fingerprint, kind, code, title, first_at, last_at, failures)
  SELECT 'e' || value, 'plain', 'SHOP-PAY-001', 'no', value, value * 1000, 9 FROM generated WHERE value <= 9000;
INSERT INTO job_error_hours (fingerprint, hour, failures)
  SELECT 'e' || value, h.hour * 3600000, 3 FROM generated, (SELECT 1 AS hour UNION ALL SELECT 2 UNION ALL SELECT 3) h WHERE value <= 9000;
INSERT INTO job_attempts (job_id, epoch, attempt, ended_at, ended_as, fingerprint, still_failed)
  SELECT j.id, s.value, s.value, 0, 'failed', 'e' || (j.id % 9000), s.value - 1 FROM jobs j, generated s WHERE j.id % 4 = 0 AND s.value <= 2;
INSERT INTO job_after (job_id, after_id, ended_as)
  SELECT id, id - s.value, CASE WHEN finished_at IS NOT NULL OR s.value = 2 THEN 'completed' END
  FROM jobs, generated s WHERE id > 2 AND s.value <= 2 AND (waits_for = 'after' OR id % 30 = 0);
INSERT INTO job_tags (tag, job_id) SELECT tags ->> 0, id FROM jobs WHERE tags IS NOT NULL AND finished_at IS NULL;
INSERT INTO job_rates (job_id, epoch, kind, key, free_at, length_ms) SELECT id, 1, kind, 'rate-' || (id % 9), id, 20000 FROM jobs WHERE kind = 'rated' AND id < 5000;
INSERT INTO job_ended (id, ended_as) SELECT value, 'completed' FROM generated WHERE value <= 300;
INSERT INTO job_counts (status, kind, queue, count) SELECT status, kind, queue, count(*) FROM jobs WHERE counted = 1 GROUP BY 1, 2, 3;
INSERT INTO job_stats (minutes, at, kind, queue, completed, failed, cancelled, retried, waits, runs)
  SELECT l.minutes, s.value * l.minutes * 60000, 'plain', 'q' || (s.value % 7), 3, 1, 0, 1, '{"12":4}', '{"30":5}'
  FROM generated s, (SELECT 1 AS minutes UNION ALL SELECT 60 UNION ALL SELECT 1440) l WHERE s.value <= 3000;
INSERT INTO job_decisions (schedule_id, occurrence_at, decision, decided_at, job_id)
  SELECT schedule_id, occurrence_at, 'fired', occurrence_at, id FROM jobs WHERE schedule_id IS NOT NULL;
INSERT INTO job_keys (key, job_id, body_hash, created_at) SELECT 'key-' || value, value, 'x', value FROM generated WHERE value <= 9000;
INSERT INTO job_spend (day, kind, schedule_id, cost_usd, runs) SELECT value, 'agent_session', 0, 1.5, 3 FROM generated WHERE value <= 400;
INSERT INTO job_reserves (job_id, schedule_id, usd) SELECT id, 0, 1.0 FROM jobs WHERE status = 'running' AND kind = 'agent_session';
INSERT INTO job_audit (at, actor, action, subject) SELECT value, 'ada', 'cancel job', value FROM generated WHERE value <= 20000;
