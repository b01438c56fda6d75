//! Components: pure functions from data to markup that several pages share, one file for each thing they show.

mod card;
mod job;
mod list;
mod live;
mod notice;
mod scan;
mod schedule;
mod session;
mod session_form;
mod spend;
mod status;
mod text;
mod time;

pub(super) use card::{card, confirm, dialog, empty, text_card};
pub(super) use job::{attempts, job_sentence};
pub(super) use list::{numbered_pager, pager, table};
pub(super) use live::live;
pub(super) use notice::{paused_notice, problem_notice, said_notice, stopped_notice};
pub(super) use scan::scan_lines;
pub(super) use schedule::{
    STRIP, UPCOMING, decision_strip, decision_word, schedule_badge, schedule_buttons,
    schedule_state,
};
pub(super) use session::{
    headline, session_cost, session_model, session_state, session_tier, trigger_badge,
};
pub(super) use session_form::{continue_form, session_form};
pub(super) use spend::spend_lines;
pub(super) use status::{Step, badge, level_badge, status_word, timeline};
pub(super) use text::{folded, known, pretty, size, usd};
pub(super) use time::{elapsed, exact, when, when_known};
