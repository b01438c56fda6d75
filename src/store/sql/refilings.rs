//! Rows of `issue_refilings`, and the problems that are open at another home than the one where issues are filed now.

use super::issues::texts;
use crate::error::Result;
use crate::model::{
    Fingerprint, IssueHome, IssueId, JobId, OpenElsewhere, RefileOffer, Timestamp, Tracker,
};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row::parsed;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The issues of the home in force by which the problem of the issue `i` is known there, by a code or a fingerprint.
const KNOWN: &str = "
    SELECT o.id
    FROM self_monitoring_issue_codes a
        JOIN self_monitoring_issue_codes b ON b.code = a.code
        JOIN self_monitoring_issues o ON o.id = b.issue_id
    WHERE a.issue_id = i.id AND o.home = :home AND o.gone_at IS NULL
    UNION ALL
    SELECT o.id
    FROM self_monitoring_issue_fingerprints a
        JOIN self_monitoring_issue_fingerprints b ON b.fingerprint = a.fingerprint
        JOIN self_monitoring_issues o ON o.id = b.issue_id
    WHERE a.issue_id = i.id AND o.home = :home AND o.gone_at IS NULL";

/// The problems of ours that are open at another home and are not known at this one, except for duplicates and for those that
/// a person leaves where they are.
fn elsewhere() -> String {
    format!(
        "FROM self_monitoring_issues i
         WHERE i.home <> :home AND i.state = 'open' AND i.author IS NULL AND i.muted_at IS NULL AND i.scan_id IS NOT NULL
         AND i.duplicate_of IS NULL
         AND i.id > coalesce((SELECT left_upto FROM issue_refilings WHERE home = :home), 0)
         AND NOT EXISTS ({KNOWN})"
    )
}

/// What can be filed at this home.
pub(in crate::store) fn offer(conn: &Connection, home: &IssueHome) -> Result<RefileOffer> {
    const ASKED: &str = "
        SELECT asked_at IS NOT NULL
        FROM issue_refilings
        WHERE home = :home";
    let sql = format!("SELECT i.home, count(*) {} GROUP BY i.home ORDER BY i.home", elsewhere());
    let params = named_params! {":home": home.as_str()};
    let from_row =
        |row: &Row<'_>| Ok((IssueHome::from_stored(row.get(0)?), row.get::<_, i64>(1)? as u64));
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_map(params, from_row)?;
    let found: Vec<(IssueHome, u64)> = found.collect::<rusqlite::Result<_>>()?;
    let asked = conn.prepare_cached(ASKED)?.query_row(params, |row| row.get(0)).optional()?;
    Ok(RefileOffer {
        home: home.clone(),
        problems: found.iter().map(|(_, number)| number).sum(),
        from: found.into_iter().map(|(from, _)| from).collect(),
        accepted: asked.unwrap_or(false),
    })
}

/// The problems that can be filed at this home, oldest first.
pub(in crate::store) fn open(conn: &Connection, home: &IssueHome) -> Result<Vec<OpenElsewhere>> {
    let sql = format!(
        "SELECT i.id, i.scan_id, i.title, i.body,
             coalesce((SELECT analyzer FROM self_monitoring_scans WHERE job_id = i.scan_id), '') <> 'builtin',
             i.classification, i.error_codes,
             (SELECT {} FROM self_monitoring_issue_fingerprints WHERE issue_id = i.id AND marked = 1), i.url
         {}
         ORDER BY i.id",
        dialect::list_of("fingerprint"),
        elsewhere()
    );
    let from_row = |row: &Row<'_>| {
        Ok(OpenElsewhere {
            id: IssueId(row.get(0)?),
            scan: JobId(row.get(1)?),
            title: row.get(2)?,
            body: row.get(3)?,
            is_inert: row.get(4)?,
            classification: parsed(row, 5, |text| text.parse().ok())?,
            error_codes: texts(row, 6)?,
            fingerprints: texts(row, 7)?.into_iter().map(Fingerprint::from_hex).collect(),
            url: row.get(8)?,
        })
    };
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(named_params! {":home": home.as_str()}, from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Remembers that a person wants what is open elsewhere to be filed at this home, also what was left there before.
pub(in crate::store) fn ask(conn: &Connection, home: &IssueHome, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        INSERT INTO issue_refilings (home, asked_at)
        VALUES (:home, :now)
        ON CONFLICT (home) DO UPDATE SET left_upto = 0, asked_at = excluded.asked_at";
    let params = named_params! {":home": home.as_str(), ":now": now.millis()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Remembers that a person leaves what is open elsewhere where it is.
pub(in crate::store) fn leave(conn: &Connection, home: &IssueHome) -> Result<()> {
    const SQL: &str = "
        INSERT INTO issue_refilings (home, left_upto)
        SELECT :home, coalesce(max(id), 0)
        FROM self_monitoring_issues
        WHERE true
        ON CONFLICT (home) DO UPDATE SET left_upto = excluded.left_upto, asked_at = NULL";
    conn.prepare_cached(SQL)?.execute(named_params! {":home": home.as_str()})?;
    Ok(())
}

/// Remembers that nothing is to be filed again at this home any more.
pub(in crate::store) fn done(conn: &Connection, home: &IssueHome) -> Result<()> {
    const SQL: &str = "
        UPDATE issue_refilings
        SET asked_at = NULL
        WHERE home = :home";
    conn.prepare_cached(SQL)?.execute(named_params! {":home": home.as_str()})?;
    Ok(())
}

/// The issue at this home that the problem is known by, the oldest of several.
pub(in crate::store) fn known(
    conn: &Connection,
    home: &IssueHome,
    id: IssueId,
) -> Result<Option<IssueId>> {
    let sql = format!(
        "SELECT k.id FROM self_monitoring_issues k, self_monitoring_issues i
         WHERE i.id = :id AND k.id IN ({KNOWN}) ORDER BY k.id LIMIT 1"
    );
    let params = named_params! {":home": home.as_str(), ":id": id.0};
    Ok(conn.prepare_cached(&sql)?.query_row(params, |row| row.get(0).map(IssueId)).optional()?)
}

/// Stores an issue of another home as one that is to be filed at this home, too. With the local tracker, it is filed and has its
/// number.
pub(in crate::store) fn copy(
    conn: &Connection,
    (tracker, home): (Tracker, &IssueHome),
    id: IssueId,
    now: Timestamp,
) -> Result<IssueId> {
    const ISSUE: &str = "
        INSERT INTO self_monitoring_issues (
            scan_id, tracker, home, number, title, body, classification, error_codes, source, template, source_files,
            evidence, occurrences, follows, created_at, last_seen_at)
        SELECT scan_id, :tracker, :home,
            CASE WHEN :tracker = 'local'
                THEN (SELECT coalesce(max(number), 0) + 1 FROM self_monitoring_issues WHERE tracker = 'local')
            END,
            title, body, classification, error_codes, source, template, source_files,
            evidence, occurrences, id, :now, last_seen_at
        FROM self_monitoring_issues
        WHERE id = :id
        RETURNING id";
    const CODES: &str = "
        INSERT INTO self_monitoring_issue_codes (code, issue_id)
        SELECT code, :to
        FROM self_monitoring_issue_codes
        WHERE issue_id = :id";
    const PRINTS: &str = "
        INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open, marked)
        SELECT fingerprint, :to, :home, 1, marked
        FROM self_monitoring_issue_fingerprints
        WHERE issue_id = :id";
    let params = named_params! {
        ":tracker": tracker.as_str(), ":home": home.as_str(), ":now": now.millis(), ":id": id.0,
    };
    let to: i64 = conn.prepare_cached(ISSUE)?.query_row(params, |row| row.get(0))?;
    conn.prepare_cached(CODES)?.execute(named_params! {":to": to, ":id": id.0})?;
    let params = named_params! {":to": to, ":home": home.as_str(), ":id": id.0};
    conn.prepare_cached(PRINTS)?.execute(params)?;
    Ok(IssueId(to))
}
