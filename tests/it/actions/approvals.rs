//! Actions on what waits to go to the tracker, face by face.

use super::queues::check;
use crate::support::faces::{Faces, Request, value};
use crate::support::foreign;
use lamplighter::Code;
use lamplighter::actions::approvals::{self, FilingEdit};
use lamplighter::model::{FilingId, FilingPick, FilingVerdict, Role};
use std::path::Path;

/// Three new issues that wait for approval, and one that is filed.
fn prepare(folder: &Path) {
    let sql = "
        INSERT INTO self_monitoring_issues (scan_id, tracker, number, title, body, classification, error_codes,
            source, template, source_files, evidence, occurrences, created_at, last_seen_at)
        SELECT 1, 'github', NULL, 'It broke ' || value, 'b', 'server_bug', '[]', 's', 't', '[]', '[]', 1, 1, 1
        FROM json_each('[1, 2, 3, 4]');
        INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, created_at, updated_at)
        SELECT id, 1, 'open', iif(id = 4, 'filed', 'awaiting_approval'), printf('%032x', id), 'It broke', 'b', 1, 1
        FROM self_monitoring_issues";
    foreign(folder).execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_tracker_is_decided_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let [yes, no, undo] = [FilingVerdict::Approve, FilingVerdict::Reject, FilingVerdict::TakeBack];
    for (id, verdict, says) in [
        (1, undo, Err(Code::FilingDecided)),
        (1, yes, Ok("Filing 1 is approved and goes to the tracker.")),
        (1, yes, Err(Code::FilingDecided)),
        (1, no, Err(Code::FilingDecided)),
        (2, no, Ok("Filing 2 is rejected and never goes to the tracker.")),
        (2, yes, Err(Code::FilingDecided)),
        (2, undo, Ok("Filing 2 waits for approval again.")),
        (1, undo, Ok("Filing 1 waits for approval again.")),
        (1, yes, Ok("Filing 1 is approved and goes to the tracker.")),
        (4, yes, Err(Code::FilingDecided)),
        (4, undo, Err(Code::FilingSent)),
        (999, yes, Err(Code::FilingUnknown)),
        (999, no, Err(Code::FilingUnknown)),
        (999, undo, Err(Code::FilingUnknown)),
    ] {
        let word = match verdict {
            FilingVerdict::Approve => "approve",
            FilingVerdict::Reject => "reject",
            FilingVerdict::TakeBack => "undo",
        };
        let (number, path) =
            (id.to_string(), format!("/admin/self-monitoring/approvals/{id}/{word}"));
        let cli = ["approvals", word, &number];
        let request = Request { cli: &cli, page: Some((&path, &[])) };
        let decide = async |store: &_, call: &_| {
            let picks = FilingPick::all([FilingId(id)]);
            Ok(value(&approvals::decide(store, call, picks, verdict).await?))
        };
        check(faces.ask(request, decide).await, says);
        for role in [Role::Viewer, Role::Operator] {
            assert_eq!(faces.refused_below(role, request.page, decide).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_tracker_is_edited_alike_by_function_and_page() {
    let mut faces = Faces::start(prepare).await;
    let (longest, long) = ("é".repeat(30_000), "é".repeat(30_001));
    let wide = "x".repeat(241);
    let edited = "Filing 3 has its new text and still waits for approval.";
    for (id, title, body, says) in [
        (3, "It broke again", "Look.\r\nIt broke.", Ok(edited)),
        (3, "It broke", longest.as_str(), Ok(edited)),
        (3, "It broke", &long, Err(Code::JobTooLarge)),
        (3, "It broke", " ", Err(Code::ModelInvalid)),
        (3, "", "Look.", Err(Code::ModelInvalid)),
        (3, "Two\nlines", "Look.", Err(Code::ModelInvalid)),
        (3, &wide, "Look.", Err(Code::ModelInvalid)),
        (4, "It broke", "Look.", Err(Code::FilingDecided)),
        (999, "It broke", "Look.", Err(Code::FilingUnknown)),
    ] {
        let path = format!("/admin/self-monitoring/approvals/{id}/edit");
        let form = [("title", title), ("body", body)];
        // No command edits: a text is written on its page.
        let request = Request { cli: &[], page: Some((&path, &form)) };
        let edit = async |store: &_, call: &_| {
            let (title, body) = (Some(title.to_owned()), body.to_owned());
            let request = FilingEdit { pick: FilingPick::of(FilingId(id)), title, body };
            Ok(value(&approvals::edit(store, call, request).await?))
        };
        check(faces.ask(request, edit).await, says);
        // The page does not read a form that it refuses: a long one breaks off.
        if body.len() < 1024 {
            let refused = faces.refused_below(Role::Operator, request.page, edit).await;
            assert_eq!(refused, Code::AuthRole);
        }
    }
}
