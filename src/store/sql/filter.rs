//! A filter as SQL: conditions on a row of `jobs` with bound values; no text of a filter ever becomes SQL.

use super::bulk_jobs;
use crate::model::{
    Compare, Condition, Filter, Kind, Mark, OVERDUE_AFTER, PathStep, Queue, ScheduleName, Status,
    Timestamp,
};
use crate::store::sqlite::dialect::{self, Step};
use rusqlite::types::Value;
use std::fmt::Write as _;

/// The time that stands for a job's status: when it ended, or started, or was made.
const OWN_TIME: &str =
    "coalesce(finished_at, CASE WHEN status = 'running' THEN started_at ELSE created_at END)";

/// Conditions for a WHERE, and the values of their parameters.
pub(super) struct Conditions {
    /// Empty, or begins with ` AND `.
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    /// The lowest and the highest id that can fit, if the filter names ids: they are few, and each is looked up.
    pub(super) ids: Option<(i64, i64)>,
    /// Tags of which the job has one, where only jobs that are not over can fit.
    pub(super) open_tags: Option<Vec<String>>,
    /// Batches of which the job is in one.
    pub(super) batches: Option<Vec<i64>>,
    /// Acts on many jobs of which one changed the job, or made it.
    pub(super) bulks: Option<Vec<i64>>,
    /// Whether only jobs that failed can fit: these have an index.
    pub(super) is_for_failed: bool,
}

/// The conditions of a filter at `now`; the statement has `taken` parameters of its own, `?1` and so on.
pub(super) fn conditions(filter: &Filter, now: Timestamp, taken: usize) -> Conditions {
    built(filter, now, Builder::new(taken, false))
}

/// The same, where a text may also be in the answer of a session's agent.
#[cfg(feature = "agents")]
pub(super) fn conditions_on_sessions(filter: &Filter, now: Timestamp, taken: usize) -> Conditions {
    built(filter, now, Builder::new(taken, true))
}

fn built(filter: &Filter, now: Timestamp, mut builder: Builder) -> Conditions {
    let mut sql = String::new();
    let (mut ids, mut batches, mut bulks) = (None, None, None);
    builder.only_still_failed = filter.terms().iter().any(|term| {
        let still = [Mark::StillFailed];
        !term.negated && matches!(&term.condition, Condition::Is(marks) if marks[..] == still)
    });
    for term in filter.terms() {
        if let (Condition::Batch(named), false) = (&term.condition, term.negated) {
            batches = Some(named.clone());
        }
        if let (Condition::Bulk(named), false) = (&term.condition, term.negated) {
            bulks = Some(named.clone());
        }
        if let (Condition::Id(named), false) = (&term.condition, term.negated) {
            write!(sql, " AND {}", builder.ids(named)).expect("a String takes every write");
            let (lowest, highest) = ids.unwrap_or((1, i64::MAX));
            let least = named.iter().copied().min().unwrap_or(i64::MAX);
            let most = named.iter().copied().max().unwrap_or(0);
            ids = Some((least.max(lowest), most.min(highest)));
            continue;
        }
        let condition = builder.condition(&term.condition, now);
        // What is NULL does not fit, and so fits the opposite.
        let wanted = if term.negated { "IS NOT TRUE" } else { "IS TRUE" };
        write!(sql, " AND ({condition}) {wanted}").expect("a String takes every write");
    }
    let open_tags = filter.open_tags().map(<[String]>::to_vec);
    let is_named = ids.is_some() || batches.is_some() || bulks.is_some();
    let is_for_failed = filter.asked_status() == Some(Status::Failed) && !is_named;
    if is_for_failed {
        sql.push_str(" AND status = 'failed'");
    }
    Conditions { sql, values: builder.values, ids, open_tags, batches, bulks, is_for_failed }
}

impl Conditions {
    /// The table in which jobs that fit are looked for by their ids.
    pub(super) fn table(&self) -> String {
        if self.is_for_failed {
            return dialect::by_index("jobs", "jobs_failed");
        }
        dialect::by_id("jobs")
    }

    /// The same in a statement over the ids from `?2` to below `?1`: jobs are found by their tags where those are kept.
    pub(super) fn in_window(mut self, taken: usize) -> Self {
        if let Some(tags) = &self.open_tags {
            self.values.push(Value::from(serde_json::json!(tags).to_string()));
            let tags = taken + self.values.len();
            let by_tag = format!(
                " AND id IN (
                     SELECT t.job_id
                     FROM ({}) w
                     JOIN job_tags t ON t.tag = w.value
                     WHERE t.job_id >= ?2 AND t.job_id < ?1)",
                dialect::members(&format!("?{tags}"))
            );
            self.sql.push_str(&by_tag);
        }
        self
    }
}

struct Builder {
    taken: usize,
    values: Vec<Value>,
    /// Whether a text is looked for in the answers of sessions too.
    in_answers: bool,
    /// Whether only jobs are asked for that are still failed.
    only_still_failed: bool,
}

impl Builder {
    fn new(taken: usize, in_answers: bool) -> Self {
        Self { taken, values: Vec::new(), in_answers, only_still_failed: false }
    }

    /// Binds a value; answers its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.taken + self.values.len())
    }

    fn bind_text(&mut self, text: &str) -> String {
        self.bind(text.to_owned())
    }

    fn condition(&mut self, condition: &Condition, now: Timestamp) -> String {
        match condition {
            Condition::Status(values) => {
                self.one_of("status", values.iter().map(|value| value.as_str()))
            }
            Condition::Kind(values) => self.one_of("kind", values.iter().map(Kind::as_str)),
            Condition::Queue(values) => self.one_of("queue", values.iter().map(Queue::as_str)),
            Condition::Trigger(values) => {
                self.one_of("trigger", values.iter().map(|value| value.as_str()))
            }
            Condition::ErrorCode(codes) => {
                let codes: Vec<_> = codes.iter().map(|code| code.to_ascii_lowercase()).collect();
                self.one_of("lower(error_code)", codes.iter().map(String::as_str))
            }
            Condition::ErrorGroup(fingerprints) => {
                let wanted = self.one_of("fingerprint", fingerprints.iter().map(String::as_str));
                // Together they mean: it ended with this error, and nobody has run it again.
                let still = if self.only_still_failed { " AND still_failed = 1" } else { "" };
                format!(
                    "EXISTS (SELECT 1 FROM job_attempts WHERE job_id = jobs.id AND {wanted}{still})"
                )
            }
            Condition::Tag(tags) => {
                let wanted = self.one_of("value", tags.iter().map(String::as_str));
                let readable = "CASE WHEN json_valid(tags) THEN tags END";
                format!("EXISTS (SELECT 1 FROM ({}) t WHERE {wanted})", dialect::members(readable))
            }
            Condition::Id(ids) => self.ids(ids),
            Condition::Batch(ids) => any(ids, |id| format!("batch_id = {}", self.bind(*id))),
            Condition::Bulk(ids) => {
                let of = self.bind(serde_json::json!(ids).to_string());
                format!("id IN ({})", bulk_jobs::query(&of))
            }
            Condition::Schedule(names) => {
                let wanted = self.one_of("name", names.iter().map(ScheduleName::as_str));
                format!("schedule_id IN (SELECT id FROM job_schedules WHERE {wanted})")
            }
            Condition::Key(keys) => any(keys, |key| self.key(key)),
            Condition::ErrorText(texts) => any(texts, |text| self.says("error", text)),
            Condition::Payload(path, values) => any(values, |value| self.field(path, value)),
            Condition::Since(moment) => {
                format!("{OWN_TIME} >= {}", self.bind(moment.at(now).millis()))
            }
            Condition::Before(moment) => {
                format!("{OWN_TIME} < {}", self.bind(moment.at(now).millis()))
            }
            Condition::Attempt(how, count) => {
                format!("attempt {} {}", sign(*how), self.bind(i64::from(*count)))
            }
            Condition::Took(how, length) => {
                let now = self.bind(now.millis());
                let length = self.bind(length.millis());
                let sign = sign(*how);
                format!(
                    "coalesce(finished_at, CASE WHEN status = 'running' THEN {now} END) - started_at {sign} {length}"
                )
            }
            Condition::Waited(how, length) => {
                let now = self.bind(now.millis());
                let length = self.bind(length.millis());
                let sign = sign(*how);
                // A job that started before its time has waited for nothing.
                let waited = format!("coalesce(started_at, finished_at, {now}) - run_at");
                format!("CASE WHEN {waited} < 0 THEN 0 ELSE {waited} END {sign} {length}")
            }
            Condition::Is(marks) => any(marks, |mark| self.mark(*mark, now)),
            Condition::Text(text) => self.text(text),
        }
    }

    fn ids(&mut self, ids: &[i64]) -> String {
        let ids: Vec<_> = ids.iter().map(|id| self.bind(*id)).collect();
        format!("id IN ({})", ids.join(", "))
    }

    fn one_of<'a>(&mut self, column: &str, values: impl Iterator<Item = &'a str>) -> String {
        let values: Vec<_> = values.map(|value| self.bind_text(value)).collect();
        format!("{column} IN ({})", values.join(", "))
    }

    /// A unique key with a window is stored with the number of its window.
    fn key(&mut self, key: &str) -> String {
        let windowed = self.bind(format!("{key}#"));
        let key = self.bind_text(key);
        format!(
            "unique_key = {key} OR concurrency_key = {key}
             OR (unique_window_ms IS NOT NULL AND rtrim(rtrim(unique_key, '0123456789'), '-') = {windowed})"
        )
    }

    /// Upper and lower case are alike in ASCII.
    fn says(&mut self, column: &str, text: &str) -> String {
        let text = self.bind_text(text);
        dialect::contains(&format!("lower({column})"), &format!("lower({text})"))
    }

    fn text(&mut self, text: &str) -> String {
        let mut sql = format!("{} OR {}", self.says("error", text), self.says("payload", text));
        // JSON writes quotes and backslashes in another way.
        let written = serde_json::Value::from(text).to_string();
        let inner = &written[1..written.len() - 1];
        if inner != text {
            write!(sql, " OR {}", self.says("payload", inner)).expect("a String takes every write");
        }
        if self.in_answers {
            let says = self.says("s.response", text);
            write!(
                sql,
                " OR EXISTS (SELECT 1 FROM sessions s WHERE s.job_id = jobs.id AND {says})"
            )
            .expect("a String takes every write");
        }
        sql
    }

    /// A field that is this text, or this number, or `true`, `false`, `null`, or this JSON.
    fn field(&mut self, path: &[PathStep], value: &str) -> String {
        let steps = path.iter().map(|step| match step {
            PathStep::Field(name) => Step::Field(name),
            PathStep::Element(place) => Step::Element(*place),
        });
        let path = self.bind(dialect::path(steps));
        let text = self.bind_text(value);
        let mut sql = dialect::member_is("payload", &path, &text);
        if let Some(number) = value.parse().ok().filter(|number: &f64| number.is_finite()) {
            let number = self.bind(number);
            sql += " OR ";
            sql += &dialect::member_is_number("payload", &path, &number);
        }
        sql
    }

    fn mark(&mut self, mark: Mark, now: Timestamp) -> String {
        match mark {
            Mark::Overdue => {
                let late = now.millis().saturating_sub(OVERDUE_AFTER.as_millis() as i64);
                let late = self.bind(late);
                format!("(status = 'queued' OR status = 'scheduled') AND run_at < {late}")
            }
            Mark::Warning => "status = 'completed' AND error_code IS NOT NULL".into(),
            // The job that ran it again may be removed by now; its last attempt knows of it.
            Mark::Retried => {
                "EXISTS (SELECT 1 FROM jobs r WHERE r.parent_id = jobs.id AND r.trigger = 'retry')
                 OR (status = 'failed' AND (
                     SELECT still_failed
                     FROM job_attempts
                     WHERE job_id = jobs.id
                     ORDER BY epoch DESC
                     LIMIT 1) = 0)"
                    .into()
            }
            Mark::StillFailed => {
                "status = 'failed'
                 AND EXISTS (SELECT 1 FROM job_attempts WHERE job_id = jobs.id AND still_failed = 1)"
                    .into()
            }
        }
    }
}

fn any<T>(values: &[T], sql: impl FnMut(&T) -> String) -> String {
    values.iter().map(sql).map(|sql| format!("({sql})")).collect::<Vec<_>>().join(" OR ")
}

fn sign(how: Compare) -> &'static str {
    match how {
        Compare::Equal => "=",
        Compare::Above => ">",
        Compare::Below => "<",
    }
}
