//! Components: pure functions from data to markup that several pages share, one file for each thing they show.

mod account;
mod attempts;
mod batch;
mod card;
mod change;
mod error_rows;
mod field;
mod gates;
#[cfg(feature = "monitor")]
mod issue;
mod job;
mod job_as;
mod job_rows;
mod lane;
mod list;
mod live;
#[cfg(feature = "monitor")]
mod log_picture;
mod notice;
mod plot;
#[cfg(feature = "monitor")]
mod rendered;
#[cfg(feature = "monitor")]
mod scan;
mod schedule;
#[cfg(feature = "monitor")]
mod session;
#[cfg(feature = "monitor")]
mod session_form;
mod spark;
#[cfg(feature = "monitor")]
mod spend;
mod status;
mod tabs;
mod text;
mod throughput;
mod tile;
mod time;

pub(super) use account::{logins_card, password_fields, settings_tabs};
pub(super) use attempts::attempts_in_time;
pub(super) use batch::{batch_badge, batch_bar};
pub(super) use card::{
    card, confirm, confirm_stop, copy_button, dialog, empty, main_run_form, run_form, text_card,
};
pub(super) use change::changed;
pub(super) use error_rows::{error_bars, error_lines, error_marks, error_rows, retry_button};
pub(super) use field::{choice_field, field, text_field};
pub(super) use gates::gates;
#[cfg(feature = "monitor")]
pub(super) use issue::{
    class_badge, is_web_link, issue_number, issue_state, issue_steps, issue_trend,
};
pub(super) use job::{attempts, job_sentence};
pub(super) use job_as::job_as;
pub(super) use job_rows::{RowFacts, job_rows};
pub(super) use lane::{AHEAD, Lane, lanes};
pub(super) use list::{numbered_pager, pager, table};
pub(super) use live::live;
#[cfg(feature = "monitor")]
pub(super) use log_picture::log_picture;
#[cfg(feature = "monitor")]
pub(super) use notice::said_notice;
pub(super) use notice::{Tone, notice, password_question, problem_notice, stopped_notice};
#[cfg(feature = "monitor")]
pub(super) use plot::{DayBar, day_bars};
#[cfg(feature = "monitor")]
pub(super) use rendered::rendered;
#[cfg(feature = "monitor")]
pub(super) use scan::scan_lines;
pub(super) use schedule::{
    STRIP, UPCOMING, decision_word, outcome_strip, run_states, schedule_badge, schedule_buttons,
    schedule_state, strip_legend,
};
#[cfg(feature = "monitor")]
pub(super) use session::{
    first_sentence, headline, session_cost, session_mark, session_meters, session_model,
    session_state, session_tier, session_turns, told_cost, told_turns, trigger_badge,
};
#[cfg(feature = "monitor")]
pub(super) use session_form::{continue_form, session_form};
pub(super) use spark::{Measure, meter, sparkline};
#[cfg(feature = "monitor")]
pub(super) use spend::{spend_lines, spent_meter};
#[cfg(feature = "monitor")]
pub(super) use status::level_badge;
pub(super) use status::{Step, badge, pill, status_icon, status_word, timeline};
pub(super) use tabs::{QueryBox, Way, facets, query_box, tabs};
#[cfg(feature = "monitor")]
pub(super) use text::known;
#[cfg(feature = "monitor")]
pub(super) use text::{VALUE, values_marked};
pub(super) use text::{as_typed, capital, coded, folded, pretty, separated, size};
pub(super) use throughput::Throughput;
pub(super) use tile::{NeedRow, Tile, grouped, needs_card, tiles};
pub(super) use time::{about, elapsed, length, when, when_exactly, when_known};
