//! The concurrency key of a session that would write in a folder which somebody named.

use super::settings;
use crate::error::Result;
use crate::model::settings::{TIER_1_PROFILE, TIER_2_PROFILE, TIER_3_PROFILE};
use crate::model::{Kind, NewJob, Profile, SessionRequest, Setting};
use rusqlite::Connection;
use std::borrow::Cow;

/// The job, with the key of the folder in which it writes if it is a session and names no key of its own.
pub(in crate::store) fn with<'a>(conn: &Connection, job: &'a NewJob) -> Result<Cow<'a, NewJob>> {
    if job.kind != Kind::AGENT_SESSION || job.concurrency_key.is_some() {
        return Ok(Cow::Borrowed(job));
    }
    let request = serde_json::from_str::<SessionRequest>(job.payload.as_str()).ok();
    let request = request.filter(|request| request.working_dir.is_some());
    let Some(request) = request else { return Ok(Cow::Borrowed(job)) };
    let key = request.folder_key(profile(conn, &request)?);
    Ok(match key {
        Some(key) => Cow::Owned(NewJob { concurrency_key: Some(key), ..job.clone() }),
        None => Cow::Borrowed(job),
    })
}

/// What the agent of a session may do that is asked for now.
pub(in crate::store) fn profile(conn: &Connection, request: &SessionRequest) -> Result<Profile> {
    request.profile().map_or_else(|| of_tier(conn, request.tier()), Ok)
}

/// What agents of a tier may do, as the settings have it now.
fn of_tier(conn: &Connection, tier: u8) -> Result<Profile> {
    let setting = match tier {
        1 => TIER_1_PROFILE,
        2 => TIER_2_PROFILE,
        _ => TIER_3_PROFILE,
    };
    let word = Setting::text(&setting.of(&settings::read(conn, &[setting.key])?));
    Ok(word.parse().unwrap_or(Profile::ReadOnly))
}
