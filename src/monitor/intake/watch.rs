//! Notices by inotify, where there is one, that something happened to a file or to the folder that it is in.

use std::path::Path;
use std::time::Duration;

/// The events of a file's folder; none where the system has none to give.
#[cfg(target_os = "linux")]
pub(super) struct Events(Option<inotify::EventStream<[u8; 4096]>>);

#[cfg(target_os = "linux")]
impl Events {
    pub(super) fn around(file: &Path) -> Self {
        use inotify::{Inotify, WatchMask};
        let happens =
            WatchMask::MODIFY | WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::DELETE;
        let folder = file.parent().unwrap_or(file);
        let watch = || -> std::io::Result<_> {
            let inotify = Inotify::init()?;
            inotify.watches().add(folder, happens)?;
            inotify.into_event_stream([0; 4096])
        };
        Self(watch().ok())
    }

    /// Returns after an event, at the latest after `period`. Cancel safe.
    pub(super) async fn wait(&mut self, period: Duration) {
        use futures_util::StreamExt;
        let event = async {
            match &mut self.0 {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        if let Ok(None | Some(Err(_))) = tokio::time::timeout(period, event).await {
            self.0 = None;
        }
    }
}

/// There is no watch; the period alone serves.
#[cfg(not(target_os = "linux"))]
pub(super) struct Events;

#[cfg(not(target_os = "linux"))]
impl Events {
    pub(super) fn around(_file: &Path) -> Self {
        Self
    }

    pub(super) async fn wait(&mut self, period: Duration) {
        tokio::time::sleep(period).await;
    }
}
