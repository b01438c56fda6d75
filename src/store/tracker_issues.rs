//! The tracker's issues, people's and ours, as they were read.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{Actor, IssueHome, Marker, RemoteKind, Timestamp, TrackerNews, TrackerReading};

impl Store {
    /// How far the issues of a repository were read.
    pub async fn tracker_reading(&self, home: IssueHome) -> Result<TrackerReading> {
        let read = move |c: &_| sql::tracker_issues::reading(c, &home);
        self.db.read("read how far the tracker's issues were read", read).await
    }

    /// The numbers of the issues there that are open as far as is known.
    pub async fn open_tracker_issues(&self, home: IssueHome) -> Result<Vec<i64>> {
        let read = move |c: &_| sql::tracker_issues::open_numbers(c, &home);
        self.db.read("read which issues are open", read).await
    }

    /// Of these markers, those whose issue is filed there as far as is known, with its number.
    pub async fn filed_markers(
        &self,
        home: IssueHome,
        markers: Vec<Marker>,
    ) -> Result<Vec<(Marker, i64)>> {
        let read = move |c: &_| sql::tracker_issues::filed(c, &home, &markers);
        self.db.read("read which markers are known", read).await
    }

    /// Takes over issues as they are at the tracker; answers how many changed that a scan has made or met. An issue that
    /// is to be opened again there, or was since the tracker was asked, stays as it is here.
    pub async fn take_tracker_news(
        &self,
        kind: RemoteKind,
        home: IssueHome,
        news: TrackerNews,
        now: Timestamp,
    ) -> Result<u64> {
        let take = move |tx: &Tx<'_>, now| {
            let actor = Actor { name: "tracker".into(), remote: None };
            core::tracker_issues::take(tx, kind, &home, &news, &actor, now)
        };
        self.db.rule("take over the tracker's issues", now, take).await
    }

    /// Remembers that the tracker refused to answer, and why.
    pub async fn tracker_refused(
        &self,
        home: IssueHome,
        why: String,
        now: Timestamp,
    ) -> Result<()> {
        let refused = move |tx: &Tx<'_>, now| sql::tracker_issues::refused(tx, &home, &why, now);
        self.db.rule("remember that the tracker refused", now, refused).await
    }

    /// Has every open issue read the next time, because one of them seems to be gone.
    pub async fn doubt_tracker_issues(&self, home: IssueHome, now: Timestamp) -> Result<()> {
        let doubt = move |tx: &Tx<'_>, _| sql::tracker_issues::doubt(tx, &home);
        self.db.rule("have the tracker's issues read", now, doubt).await
    }
}
