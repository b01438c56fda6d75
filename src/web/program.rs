//! The routes of what the program has besides the engine: sessions, scans and their issues, repositories, logs.

use super::route::Gate::{ByToken, Needs, Polled, Private};
use super::route::{Route, get, post, taking};
use super::self_monitoring::{
    change_issue, change_prompt, change_settings, configuration, issue, lists, page, prompt,
    refile, settings_page, status,
};
use crate::actions::{self, approvals, issues, kinds, prompts, repositories, scans, settings};
use crate::web;

/// The routes of sessions, repositories and logs.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        get(web::session_rows::PATH, Private, web::sessions::list),
        get(web::session_rows::PART_PATH, Polled, web::sessions::list),
        get(web::session::PAGE_PATH, Private, web::session::page),
        get(web::session::PART_PATH, Polled, web::session::page),
        get(web::session::FOLLOW_UP_PATH, Polled, web::session::follow_up),
        get(web::session_file::PATH, Private, web::session_file::transcript),
        get(web::session_file::PATCH_PATH, Private, web::session_file::patch),
        get(web::stream::PATH, Polled, web::stream::stream),
        taking(
            web::trigger::MAX_BODY_BYTES,
            post(web::trigger::PATH, Needs(kinds::ASK_FOR_SESSION), web::trigger::trigger),
        ),
        get(web::repositories::PATH, Private, web::repositories::list),
        get(web::repositories::PART_PATH, Polled, web::repositories::list),
        post(web::repositories::PATH, Needs(repositories::ADD), web::repositories::add),
        post(
            web::repositories::REFRESH_PATH,
            Needs(repositories::REFRESH),
            web::repositories::refresh,
        ),
        post(
            web::repositories::REMOVE_PATH,
            Needs(repositories::REMOVE),
            web::repositories::remove,
        ),
        get(web::logs::PATH, Private, web::logs::list),
        get(web::logs::PART_PATH, Polled, web::logs::list),
        get(web::logs::EXPORT_PATH, Private, web::logs::export),
        get(web::settings::groups::AGENTS_PATH, Private, web::settings::groups::agents),
        get(web::settings::groups::TRACKER_PATH, Private, web::settings::groups::tracker),
        get(web::log_sources::PATH, Private, web::log_sources::page),
        get(web::log_sources::PART_PATH, Polled, web::log_sources::page),
    ];
    routes.extend(of_self_monitoring());
    routes
}

/// What programs ask for with a token besides what the engine answers.
pub(super) fn routes_by_token() -> Vec<Route> {
    vec![taking(web::otlp::MAX_BODY_BYTES, post(web::otlp::PATH, ByToken, web::otlp::receive))]
}

/// The routes of the Self-Monitoring page: its scans, their settings, and the issues that they file.
fn of_self_monitoring() -> Vec<Route> {
    vec![
        get(page::PATH, Private, page::page),
        get(configuration::PATH, Private, settings_page::page),
        get(lists::PATH, Polled, lists::lists),
        get(configuration::CADENCE_PATH, Polled, configuration::cadence),
        post(configuration::CHANGE_PATH, Needs(settings::CHANGE), change_settings::change),
        taking(
            change_prompt::MAX_BODY_BYTES,
            post(prompt::CHANGE_PATH, Needs(prompts::CHANGE), change_prompt::change),
        ),
        post(refile::PATH, Needs(actions::refile::ACCEPT), refile::accept),
        post(refile::LEAVE_PATH, Needs(actions::refile::LEAVE), refile::leave),
        get(issue::PATH, Private, issue::page),
        get(issue::PART_PATH, Polled, issue::page),
        post(change_issue::PATH, Needs(issues::CHANGE), change_issue::change),
        get(status::PATH, Polled, status::status),
        get(web::approvals::PATH, Private, web::approvals::page),
        get(web::approvals::PART_PATH, Polled, web::approvals::page),
        post(web::approvals::APPROVE_PATH, Needs(approvals::APPROVE), web::approvals::approve),
        post(web::approvals::REJECT_PATH, Needs(approvals::REJECT), web::approvals::reject),
        post(web::approvals::UNDO_PATH, Needs(approvals::TAKE_BACK), web::approvals::undo),
        post(
            web::approvals::DECIDE_PATH,
            Needs(approvals::APPROVE),
            web::approvals::decide_several,
        ),
        taking(
            web::approvals::MAX_BODY_BYTES,
            post(web::approvals::EDIT_PATH, Needs(approvals::EDIT), web::approvals::edit),
        ),
        post(status::RUN_NOW_PATH, Needs(scans::RUN), status::run_now),
        post(status::DRY_RUN_PATH, Needs(scans::RUN), status::dry_run),
    ]
}
