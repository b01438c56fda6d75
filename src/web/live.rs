//! The stream of events that each page listens to. It says that something has changed; the page's parts then ask what.

use super::app::App;
use super::caller::Signed;
use super::nav;
use super::problem::Problem;
use crate::error::Code;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, watch};

pub(super) const PATH: &str = nav::EVENTS;
/// Changes closer together than this are one event: a busy queue must not make its watchers busy.
const AT_MOST_EVERY: Duration = Duration::from_millis(300);
/// How long a stream lives. The browser then opens another one, for which the login is checked again (S19).
const LIFE: Duration = Duration::from_mins(1);
/// How often a comment is sent, so that no proxy closes a quiet stream.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What one stream waits for.
struct Watch {
    jobs: watch::Receiver<u64>,
    /// The changes of the logs, if there are pages of them.
    logs: Option<watch::Receiver<u64>>,
    ends_at: tokio::time::Instant,
    stage: Stage,
    _place: OwnedSemaphorePermit,
}

/// Where a stream is in its life.
enum Stage {
    /// It is about to tell of what changed between the page and the stream.
    First,
    /// It waits for changes.
    Waiting,
    /// It has sent its last event.
    Ended,
}

/// GET `/events`: sends `event: change` at once and after every commit, of this program or another one, that changed
/// something. Sends `event: end` when the browser is to open another stream, so that it does not take the end for a
/// fault.
pub(super) async fn events(
    State(app): State<App>,
    _: Signed,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = Arc::clone(&app.streams).try_acquire_owned();
    let place = place.map_err(|_| Problem::of(Code::WebStreams))?;
    let watch = Watch {
        jobs: app.web.store.changes(),
        logs: app.web.log_changes(),
        ends_at: tokio::time::Instant::now() + LIFE,
        stage: Stage::First,
        _place: place,
    };
    let stream = stream::unfold(watch, next).fuse();
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Waits for the next change, or for ever if there is nothing that changes.
async fn changed(changes: Option<&mut watch::Receiver<u64>>) -> Result<(), RecvError> {
    match changes {
        Some(changes) => changes.changed().await,
        None => std::future::pending().await,
    }
}

async fn next(mut watch: Watch) -> Option<(Result<Event, Infallible>, Watch)> {
    let mut name = "change";
    match watch.stage {
        Stage::First => watch.stage = Stage::Waiting,
        Stage::Waiting => {
            tokio::time::sleep(AT_MOST_EVERY).await;
            tokio::select! {
                change = watch.jobs.changed() => change.ok()?,
                change = changed(watch.logs.as_mut()) => change.ok()?,
                () = tokio::time::sleep_until(watch.ends_at) => {
                    watch.stage = Stage::Ended;
                    name = "end";
                }
            }
        }
        Stage::Ended => return None,
    }
    watch.jobs.borrow_and_update();
    if let Some(logs) = &mut watch.logs {
        logs.borrow_and_update();
    }
    // A browser drops an event without data. A browser that lost the stream comes back after a second.
    let event = Event::default().event(name).data(name).retry(Duration::from_secs(1));
    Some((Ok(event), watch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_stream_that_has_lived_its_time_says_so_and_ends() {
        let (_jobs, jobs) = watch::channel(0);
        let (_logs, logs) = watch::channel(0);
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let ends_at = tokio::time::Instant::now();
        let watch = Watch { jobs, logs: Some(logs), ends_at, stage: Stage::Waiting, _place: place };
        let (event, watch) = next(watch).await.unwrap();
        assert!(format!("{event:?}").contains("event: end"), "{event:?}");
        assert!(next(watch).await.is_none());
    }
}
