//! Rows of `self_monitoring_issues`.

use super::templates::hours_of_issues;
use crate::error::Result;
use crate::model::{
    DuplicateOf, Filing, Fingerprint, Issue, IssueHome, IssueId, IssueOrder, IssueState, JobId,
    KnownIssue, NewIssue, Quiet, Timestamp, Tracker,
};
use crate::store::sqlite::dialect;
use crate::store::sqlite::error::unreadable;
use crate::store::sqlite::row::{optional_text, page, parsed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The most open and muted issues with which findings are compared word by word: years of them.
const MAX_COMPARED: usize = 2_000;

const COLUMNS: &str = "id, number, url, title, body, classification, error_codes, occurrences, scan_id, \
    created_at, last_seen_at, state, state_reason, closed_at, muted_at IS NOT NULL, author, duplicate_of, \
    (SELECT state FROM filings WHERE issue_id = self_monitoring_issues.id AND act = 'close'), \
    (SELECT error FROM filings WHERE issue_id = self_monitoring_issues.id AND act = 'close'), evidence";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Issue> {
    let state = state(row, 11)?;
    let duplicate_of = match row.get(16)? {
        Some(number) => Some(DuplicateOf {
            number,
            closing: parsed(row, 17, |text| text.parse().ok())?,
            is_open: state == IssueState::Open,
            why: optional_text(row, 18)?,
        }),
        None => None,
    };
    Ok(Issue {
        id: IssueId(row.get(0)?),
        number: row.get(1)?,
        url: optional_text(row, 2)?,
        title: text(row, 3)?,
        body: text(row, 4)?,
        classification: parsed(row, 5, |text| text.parse().ok())?,
        author: optional_text(row, 15)?,
        error_codes: texts(row, 6)?,
        evidence: serde_json::from_str(&text(row, 19)?).map_err(|_| unreadable(19, "list"))?,
        occurrences: row.get::<_, i64>(7)? as u64,
        scan_id: row.get::<_, Option<i64>>(8)?.map(JobId),
        created_at: Timestamp::from_millis(row.get(9)?),
        last_seen_at: Timestamp::from_millis(row.get(10)?),
        state,
        muted: row.get(14)?,
        duplicate_of,
    })
}

/// The columns that [`known_from_row`] reads, of `self_monitoring_issues i`. A number is that of the home in force alone.
fn known_columns() -> String {
    format!(
        "id, CASE WHEN home = :home THEN number END, title, last_seen_at, error_codes, source, template,
         (SELECT {} FROM self_monitoring_issue_fingerprints WHERE issue_id = i.id),
         state, state_reason, closed_at, muted_at, url, author IS NULL,
         (SELECT {} FROM self_monitoring_issue_templates WHERE issue_id = i.id)",
        dialect::list_of("fingerprint"),
        dialect::list_of("template_id")
    )
}

fn known_from_row(row: &Row<'_>) -> rusqlite::Result<KnownIssue> {
    let state = state(row, 8)?;
    let muted_at = row.get::<_, Option<i64>>(11)?.map(Timestamp::from_millis);
    let set_aside = match state {
        IssueState::NotPlanned { closed_at } => muted_at.or(Some(closed_at)),
        IssueState::Open | IssueState::Completed { .. } => muted_at,
    };
    let templates = serde_json::from_str(&text(row, 14)?);
    Ok(KnownIssue {
        id: IssueId(row.get(0)?),
        number: row.get(1)?,
        url: optional_text(row, 12)?,
        title: text(row, 2)?,
        last_seen_at: Timestamp::from_millis(row.get(3)?),
        error_codes: texts(row, 4)?,
        source: text(row, 5)?,
        template: text(row, 6)?,
        fingerprints: texts(row, 7)?.into_iter().map(Fingerprint::from_hex).collect(),
        state,
        muted: muted_at.is_some(),
        ours: row.get(13)?,
        templates: templates.map_err(|_| unreadable(14, "list"))?,
        quiet: set_aside.map(|since| Quiet { since, ..Quiet::default() }),
    })
}

/// The state, its reason and its instant, from three columns that begin at this one.
pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<IssueState> {
    let closed_at = row.get::<_, Option<i64>>(column + 2)?.map(Timestamp::from_millis);
    match (optional_text(row, column + 1)?.as_deref(), closed_at) {
        (None, None) => Ok(IssueState::Open),
        (Some("completed"), Some(closed_at)) => Ok(IssueState::Completed { closed_at }),
        (Some("not_planned"), Some(closed_at)) => Ok(IssueState::NotPlanned { closed_at }),
        _ => Err(unreadable(column, "state of an issue")),
    }
}

/// A column that holds a JSON list of texts.
pub(super) fn texts(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text = text(row, column)?;
    serde_json::from_str(&text).map_err(|_| unreadable(column, "list"))
}

/// The issues of any state that share an error code or a fingerprint with one of these findings, and the newest that are
/// open or muted, or show one of these templates; oldest first. An issue is known where it can be seen; what is muted is no problem anywhere; and what was
/// closed as a duplicate is known by the issue that has stayed.
pub(in crate::store) fn known(
    conn: &Connection,
    home: &IssueHome,
    codes: &[String],
    (fingerprints, templates): (&[Fingerprint], &[i64]),
) -> Result<Vec<KnownIssue>> {
    let sql = format!(
        "SELECT {}
         FROM self_monitoring_issues i
         WHERE (home = :home OR muted_at IS NOT NULL) AND gone_at IS NULL
         AND (duplicate_of IS NULL OR state = 'open') AND id IN (
             SELECT issue_id
             FROM self_monitoring_issue_codes
             WHERE code IN ({})
             UNION
             SELECT issue_id
             FROM self_monitoring_issue_fingerprints
             WHERE fingerprint IN ({})
             UNION
             SELECT issue_id
             FROM self_monitoring_issue_templates
             WHERE template_id IN ({})
             UNION
             SELECT id
             FROM (
                 SELECT id
                 FROM self_monitoring_issues
                 WHERE home = :home AND state = 'open' OR muted_at IS NOT NULL
                 ORDER BY id DESC
                 LIMIT {MAX_COMPARED}) newest)
         ORDER BY id",
        known_columns(),
        dialect::members(":codes"),
        dialect::members(":fingerprints"),
        dialect::members(":templates")
    );
    let fingerprints: Vec<&str> = fingerprints.iter().map(Fingerprint::as_str).collect();
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":home": home.as_str(),
        ":codes": serde_json::json!(codes).to_string(),
        ":fingerprints": serde_json::json!(fingerprints).to_string(),
        ":templates": serde_json::json!(templates).to_string(),
    };
    let rows = statement.query_map(params, known_from_row)?;
    with_quiet(conn, rows.collect::<rusqlite::Result<_>>()?)
}

/// Says how often what was set aside was met before and after.
fn with_quiet(conn: &Connection, mut issues: Vec<KnownIssue>) -> Result<Vec<KnownIssue>> {
    let aside = issues.iter().filter(|issue| issue.quiet.is_some()).map(|issue| issue.id);
    let hours = hours_of_issues(conn, &aside.collect::<Vec<_>>(), Timestamp::default())?;
    for issue in &mut issues {
        if let (Some(quiet), Some(hours)) = (&mut issue.quiet, hours.get(&issue.id)) {
            *quiet = Quiet::new(quiet.since, hours);
        }
    }
    Ok(issues)
}

/// The newest issues of a home that are open or were met after an instant, oldest first.
pub(in crate::store) fn recent(
    conn: &Connection,
    home: &IssueHome,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<KnownIssue>> {
    let sql = format!(
        "SELECT {}
         FROM self_monitoring_issues i
         WHERE home = :home AND gone_at IS NULL
         AND (state = 'open' OR last_seen_at > :since AND duplicate_of IS NULL)
         ORDER BY id DESC
         LIMIT :limit",
        known_columns()
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {
        ":home": home.as_str(), ":since": since.millis(), ":limit": limit as i64,
    };
    let rows = statement.query_map(params, known_from_row)?;
    let mut newest_first = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    newest_first.reverse();
    Ok(newest_first)
}

/// Stores a finding as an issue. With the local tracker, the stored issue is filed and has its number.
pub(in crate::store) fn insert(
    conn: &Connection,
    scan: JobId,
    (tracker, home): (Tracker, &IssueHome),
    new: &NewIssue,
    now: Timestamp,
) -> Result<IssueId> {
    const SQL: &str = "
        INSERT INTO self_monitoring_issues (
            scan_id, tracker, home, number, title, body, classification, error_codes, source, template, source_files,
            evidence, occurrences, follows, created_at, last_seen_at)
        VALUES (
            :scan, :tracker, :home,
            CASE WHEN :tracker = 'local'
                THEN (SELECT coalesce(max(number), 0) + 1 FROM self_monitoring_issues WHERE tracker = 'local')
            END,
            :title, :body, :classification, :codes, :source, :template, :source_files,
            :evidence, :occurrences, :follows, :now, :now)
        RETURNING id";
    const CODE: &str = "
        INSERT INTO self_monitoring_issue_codes (code, issue_id)
        VALUES (:code, :issue)
        ON CONFLICT DO NOTHING";
    const PRINT: &str = "
        INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open, marked)
        VALUES (:fingerprint, :issue, :home, 1, 1)";
    let finding = &new.finding;
    let params = named_params! {
        ":scan": scan.0,
        ":tracker": tracker.as_str(),
        ":home": home.as_str(),
        ":title": finding.issue_title(),
        ":body": finding.body,
        ":classification": finding.classification.as_str(),
        ":codes": serde_json::json!(finding.error_codes).to_string(),
        ":source": finding.source,
        ":template": finding.template,
        ":source_files": serde_json::json!(finding.source_files).to_string(),
        ":evidence": serde_json::json!(finding.evidence).to_string(),
        ":occurrences": finding.occurrences as i64,
        ":follows": new.follows.map(|issue| issue.0),
        ":now": now.millis(),
    };
    let issue: i64 = conn.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
    for code in &finding.error_codes {
        conn.prepare_cached(CODE)?.execute(named_params! {":code": code, ":issue": issue})?;
    }
    for fingerprint in &new.fingerprints {
        let params = named_params! {
            ":fingerprint": fingerprint.as_str(), ":issue": issue, ":home": home.as_str(),
        };
        conn.prepare_cached(PRINT)?.execute(params)?;
    }
    Ok(IssueId(issue))
}

/// Gives an issue further fingerprints. One that another open issue has stays with that one.
pub(in crate::store) fn add_fingerprints(
    conn: &Connection,
    issue: IssueId,
    fingerprints: &[Fingerprint],
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open)
        SELECT :fingerprint, id, home, CASE WHEN state = 'open' THEN 1 ELSE 0 END
        FROM self_monitoring_issues
        WHERE id = :issue
        ON CONFLICT DO NOTHING";
    for fingerprint in fingerprints {
        let params = named_params! {":fingerprint": fingerprint.as_str(), ":issue": issue.0};
        conn.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(())
}

/// Mutes an issue, which stays muted since it first was; answers whether it is there.
pub(in crate::store) fn mute(conn: &Connection, id: IssueId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET muted_at = coalesce(muted_at, :now)
        WHERE id = :id";
    let params = named_params! {":now": now.millis(), ":id": id.0};
    Ok(conn.prepare_cached(SQL)?.execute(params)? == 1)
}

/// Unmutes an issue; answers whether it is there.
pub(in crate::store) fn unmute(conn: &Connection, id: IssueId) -> Result<bool> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET muted_at = NULL
        WHERE id = :id";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})? == 1)
}

/// Gives the issue that a filing has opened its number and page.
pub(in crate::store) fn set_place(conn: &Connection, filing: &Filing) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET number = :number, url = :url
        WHERE id = (SELECT issue_id FROM filings WHERE id = :id)";
    let params = named_params! {":number": filing.number, ":url": filing.url, ":id": filing.id.0};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Closes an open issue that is not at the tracker, as not planned.
pub(in crate::store) fn close_unfiled(
    conn: &Connection,
    id: IssueId,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET state = 'closed', state_reason = 'not_planned', closed_at = :now
        WHERE id = :id AND state = 'open' AND number IS NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":now": now.millis(), ":id": id.0})?;
    Ok(())
}

/// Opens an issue again that is not at the tracker and was closed by the rejection of its text.
pub(in crate::store) fn reopen_unfiled(conn: &Connection, id: IssueId) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET state = 'open', state_reason = NULL, closed_at = NULL
        WHERE id = :id AND state = 'closed' AND state_reason = 'not_planned' AND number IS NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": id.0})?;
    Ok(())
}

/// Writes the state of an issue; answers whether it is there. A closed one that is opened again counts as an open one for
/// its fingerprints, by a trigger of the schema.
pub(in crate::store) fn set_state(
    conn: &Connection,
    id: IssueId,
    state: IssueState,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET state = :state, state_reason = :reason, closed_at = :closed_at
        WHERE id = :id";
    let (word, reason, closed_at) = match state {
        IssueState::Open => ("open", None, None),
        IssueState::Completed { closed_at } => ("closed", Some("completed"), Some(closed_at)),
        IssueState::NotPlanned { closed_at } => ("closed", Some("not_planned"), Some(closed_at)),
    };
    let changed = conn.prepare_cached(SQL)?.execute(named_params! {
        ":state": word,
        ":reason": reason,
        ":closed_at": closed_at.map(Timestamp::millis),
        ":id": id.0,
    })?;
    Ok(changed == 1)
}

/// Counts further rows of an issue that is already there. A person's issue is listed from now on, as one that this scan met.
pub(in crate::store) fn seen_again(
    conn: &Connection,
    scan: JobId,
    (issue, rows): (IssueId, u64),
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE self_monitoring_issues
        SET occurrences = occurrences + :rows, last_seen_at = :now, scan_id = coalesce(scan_id, :scan)
        WHERE id = :id";
    let params = named_params! {
        ":id": issue.0, ":rows": rows as i64, ":now": now.millis(), ":scan": scan.0,
    };
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// One issue.
pub(in crate::store) fn find(conn: &Connection, id: IssueId) -> Result<Option<Issue>> {
    let sql = format!("SELECT {COLUMNS} FROM self_monitoring_issues WHERE id = :id");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row(named_params! {":id": id.0}, from_row).optional()?)
}

/// The issues that a scan was the first to find, oldest first. A person's is none of them.
pub(in crate::store) fn of_scan(conn: &Connection, scan: JobId) -> Result<Vec<Issue>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM self_monitoring_issues WHERE scan_id = :scan AND author IS NULL ORDER BY id"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(named_params! {":scan": scan.0}, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The issues after the first `skip` in an order, and how many there are: ours, and those of people that a scan has met.
pub(in crate::store) fn list(
    conn: &Connection,
    order: IssueOrder,
    (skip, limit): (u64, usize),
) -> Result<(Vec<Issue>, u64)> {
    const COUNT: &str = "
        SELECT count(*)
        FROM self_monitoring_issues
        WHERE author IS NULL OR scan_id IS NOT NULL";
    let by = match order {
        IssueOrder::Newest => "id DESC",
        IssueOrder::Occurrences => "occurrences DESC, id DESC",
        IssueOrder::LastSeen => "last_seen_at DESC, id DESC",
    };
    // The ids are sorted alone: the texts of all issues would be much to carry.
    let sql = format!(
        "SELECT {COLUMNS}
         FROM self_monitoring_issues
         WHERE id IN (
             SELECT id
             FROM self_monitoring_issues
             WHERE author IS NULL OR scan_id IS NOT NULL
             ORDER BY {by}
             LIMIT :limit OFFSET :skip)
         ORDER BY {by}"
    );
    page(conn, (COUNT, &sql), (skip, limit), from_row)
}
