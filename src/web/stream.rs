//! A session's transcript as a stream of events: first the lines that are there, then each new line.
//!
//! A stream holds no connection to the database while it waits. It reads the next lines only when its client has taken
//! the last ones, so that even a slow client costs no more memory than one batch.

use super::app::App;
use super::caller::Signed;
use super::extract::{Id, Query};
use super::live::KEEP_ALIVE;
use super::named::SessionId;
use super::problem::{Problem, logged};
use super::transcript::{self, Entry, Extent};
use crate::actions::sessions;
use crate::error::{Code, Result};
use crate::heavy::heavy;
use crate::model::JobId;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

pub(super) const PATH: &str = "/sessions/{id}/stream";
/// How many bytes of transcript a stream reads at once.
const BATCH: u64 = 64 * 1024;
/// The time between two looks of one stream. The runner writes four times a second.
const AT_MOST_EVERY: Duration = Duration::from_millis(200);
/// How often the login of an open stream is checked (S19).
const CHECK: Duration = Duration::from_mins(1);

/// The address's query.
#[derive(Deserialize)]
pub(super) struct StreamQuery {
    /// The byte after the last line that the caller has. The header `Last-Event-ID` takes precedence.
    after: Option<u64>,
    /// `html` asks for rows of the page; anything else asks for text.
    #[serde(rename = "as")]
    form: Option<String>,
}

/// A client that follows a transcript.
pub(super) struct Tail {
    pub(super) app: App,
    pub(super) id: JobId,
    /// The login of the client. `None` if the host names it.
    pub(super) login_hash: Option<String>,
    pub(super) html: bool,
    /// The byte after the last line that was read.
    pub(super) at: u64,
    /// How many lines end before that byte.
    pub(super) lines: u64,
    pub(super) ready: VecDeque<Event>,
    pub(super) ended: bool,
    pub(super) changes: watch::Receiver<u64>,
    /// When the client's login is checked again.
    pub(super) check_at: Instant,
    pub(super) _place: OwnedSemaphorePermit,
}

/// GET `/sessions/{id}/stream`: sends one event for each line, whose id is the byte after the line, and `event: done`
/// when no more lines will come.
pub(super) async fn stream(
    State(app): State<App>,
    who: Signed,
    Id(SessionId(id)): Id<SessionId>,
    Query(asked): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let html = match asked.form.as_deref() {
        Some("html") => true,
        Some("text") | None => false,
        Some(_) => return Err(Problem::input("A stream is of text or html.")),
    };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = last.or(asked.after).unwrap_or(0);
    // This is before the first look, so that no change is missed.
    let changes = app.web.store.changes();
    let session = sessions::existing(&app.web.store, id).await?;
    let place = Arc::clone(&app.tails).try_acquire_owned();
    let place = place.map_err(|_| Problem::of(Code::WebStreams))?;
    let bytes = Extent::of(&session).bytes;
    let at = match after.min(bytes) {
        all if all == bytes => all,
        some => transcript::line_start(&app.web.store, id, some).await?,
    };
    let tail = Tail {
        app,
        id,
        login_hash: who.login.map(|login| login.hash),
        html,
        at,
        lines: 0,
        ready: VecDeque::from([Event::default().retry(Duration::from_secs(1))]),
        ended: false,
        changes,
        check_at: Instant::now() + CHECK,
        _place: place,
    };
    Ok(Sse::new(stream::unfold(tail, next).fuse())
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Waits for the next event. An error ends the stream, and its client opens another one.
pub(super) async fn next(mut tail: Tail) -> Option<(Result<Event, Infallible>, Tail)> {
    loop {
        if let Some(event) = tail.ready.pop_front() {
            return Some((Ok(event), tail));
        }
        if tail.ended || !logged(tail.may_go_on().await)? {
            return None;
        }
        tail.changes.borrow_and_update();
        if logged(tail.look().await)? {
            continue;
        }
        tokio::time::sleep(AT_MOST_EVERY).await;
        tokio::select! {
            change = tail.changes.changed() => change.ok()?,
            () = tokio::time::sleep_until(tail.check_at) => {}
        }
    }
}

impl Tail {
    /// Reads the lines that have come, and answers whether there were any.
    async fn look(&mut self) -> Result<bool> {
        let store = &self.app.web.store;
        // The state is read before the lines. If the session is over here, all of its lines are there below.
        let extent = match store.session(self.id).await? {
            Some(session) => Extent::of(&session),
            None => Extent { over: true, ..Extent::default() },
        };
        if extent.bytes > self.at && (extent.over || extent.lines > self.lines) {
            let part = transcript::read(store, self.id, self.at, BATCH, extent).await?;
            let (lines, end, html) = (part.lines, part.end, self.html);
            let events = move || part.entries.iter().map(|entry| event(entry, html)).collect();
            let events: Vec<_> = heavy((end - self.at) as usize, events).await;
            self.ready.extend(events);
            self.lines = lines;
            if end > self.at {
                self.at = end;
                return Ok(true);
            }
        }
        if extent.over {
            self.ready.push_back(Event::default().event("done").data("done"));
            self.ended = true;
        }
        Ok(self.ended)
    }

    /// Whether the client's login is still valid. Where the host names the client, the stream ends, and the client opens
    /// another one, for which the host is asked.
    async fn may_go_on(&mut self) -> Result<bool> {
        if Instant::now() < self.check_at {
            return Ok(true);
        }
        self.check_at = Instant::now() + CHECK;
        let Some(hash) = self.login_hash.clone() else { return Ok(false) };
        let now = self.app.web.clock.now();
        Ok(self.app.web.store.login_by_id(hash, false, now).await?.is_some())
    }
}

fn event(entry: &Entry, html: bool) -> Event {
    let event = Event::default().id(entry.end.to_string());
    if html { event.data(entry.rows().into_string()) } else { event.data(entry.text()) }
}
