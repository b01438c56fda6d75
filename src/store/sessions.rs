//! Sessions: runs of agent programs, their transcripts, and what they cost.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, Budgets, Filter, Found, JobId, Lease, OpenRun, ParkedBy, Process, Queue, Reserve,
    RunSpent, Session, SessionChanges, SessionEnd, SessionMeter, SessionStart, Spend, Spent,
    Timestamp, TranscriptPiece,
};
use std::sync::Arc;

impl Store {
    /// One session: a job of kind `agent_session`, or any other that has begun a run of an agent program.
    pub async fn session(&self, id: JobId) -> Result<Option<Session>> {
        self.db.read("read a session", move |c| sql::sessions::get(c, id)).await
    }

    /// The newest sessions after the first `skip`, and how many there are.
    pub async fn sessions(&self, skip: u64, limit: usize) -> Result<(Vec<Session>, u64)> {
        self.db.read("list sessions", move |c| sql::sessions::list(c, skip, limit)).await
    }

    /// The newest sessions below the cursor that fit a filter, of those that one search looks through. A text of the filter
    /// may be in the prompt, in the answer or in the error.
    pub async fn find_sessions(
        &self,
        filter: Filter,
        before: Option<i64>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found<Session>> {
        let find = move |c: &_| sql::session_search::find(c, &filter, before, limit, now);
        self.db.read("search sessions", find).await
    }

    /// The newest session of a schedule that was done before this one, and what it answered.
    pub async fn last_answer(
        &self,
        schedule: i64,
        before: JobId,
    ) -> Result<Option<(JobId, String)>> {
        let read = move |c: &_| sql::session_search::last_answer(c, schedule, before);
        self.db.read("read a schedule's last answer", read).await
    }

    /// The session that runs, and the newest one that is over.
    pub async fn session_now(&self) -> Result<(Option<Session>, Option<Session>)> {
        self.db.read("read the sessions", sql::sessions::now).await
    }

    /// How many jobs start before this waiting one, those that run included.
    pub async fn sessions_ahead(&self, id: JobId) -> Result<u64> {
        self.db.read("count what is ahead", move |c| sql::sessions::ahead(c, id)).await
    }

    /// Writes that a run begins, before its program is started; answers the bytes and lines of transcript that earlier
    /// attempts have left.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the lease is not held any more, `AGENT-FOLDER-001` while another session may write in the
    /// folder; nothing is changed then (P9).
    pub async fn begin_session(
        &self,
        lease: Lease,
        start: SessionStart,
        now: Timestamp,
    ) -> Result<(u64, u64)> {
        let file = Arc::clone(self.db.file());
        let begin = move |tx: &Tx<'_>, now| core::sessions::begin(tx, &lease, &start, &file, now);
        self.db.rule("begin a session", now, begin).await
    }

    /// Writes which process a run is, and what keeps it from the rest of the machine: `bwrap` or `supervisor`, and as whom it
    /// works if not as the server's user.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn session_started(
        &self,
        lease: Lease,
        main: Option<Process>,
        isolation: &str,
    ) -> Result<()> {
        let isolation = isolation.to_owned();
        let started =
            move |tx: &Tx<'_>| sql::sessions::started(tx, &lease, main.as_ref(), &isolation);
        self.db.row("record a session's process", started).await
    }

    /// Writes the program's own id of a session, to go on with.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn name_session(&self, lease: Lease, cli_session_id: String) -> Result<()> {
        let name = move |tx: &Tx<'_>| sql::sessions::name(tx, &lease, &cli_session_id);
        self.db.row("record a session's id", name).await
    }

    /// Writes how far a run is, for people who watch it.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn meter_session(&self, lease: Lease, meter: SessionMeter) -> Result<()> {
        let write = move |tx: &Tx<'_>| sql::sessions::meter(tx, &lease, &meter);
        self.db.row("record how far a session is", write).await
    }

    /// Appends to a transcript; `dropped` bytes came after its limit.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn append_transcript(
        &self,
        lease: Lease,
        pieces: Vec<TranscriptPiece>,
        dropped: u64,
    ) -> Result<()> {
        let append = move |tx: &Tx<'_>| sql::transcript::append(tx, &lease, &pieces, dropped);
        self.db.row("record a transcript", append).await
    }

    /// Writes how a run ended and what it cost, in one transaction, once: a second call changes nothing. Answers the
    /// alarms that its cost raises, for people.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn finish_session(
        &self,
        lease: Lease,
        end: SessionEnd,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let finish = move |tx: &Tx<'_>, now| core::sessions::finish(tx, &lease, &end, now);
        self.db.rule("finish a session", now, finish).await
    }

    /// The pieces of a transcript from the one that holds byte `from` on, those that start within `most` bytes of it.
    pub async fn transcript(
        &self,
        id: JobId,
        from: u64,
        most: u64,
    ) -> Result<Vec<TranscriptPiece>> {
        let read = move |c: &_| sql::transcript::read(c, id, from, most);
        self.db.read("read a transcript", read).await
    }

    /// Keeps what a run has changed in its folder, and the patch of it.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn keep_changes(
        &self,
        lease: Lease,
        changes: SessionChanges,
        patch: String,
    ) -> Result<()> {
        let keep = move |tx: &Tx<'_>| sql::changes::keep(tx, &lease, &changes, &patch);
        self.db.row("record what a session has changed", keep).await
    }

    /// What a session has changed in its folder; `None` for one that may write nowhere, and until it is over.
    pub async fn session_changes(&self, id: JobId) -> Result<Option<SessionChanges>> {
        self.db.read("read what a session has changed", move |c| sql::changes::get(c, id)).await
    }

    /// The patch of what a session has changed.
    pub async fn session_patch(&self, id: JobId) -> Result<Option<String>> {
        self.db.read("read what a session has changed", move |c| sql::changes::patch(c, id)).await
    }

    /// The runs whose processes are not known to be gone.
    pub async fn open_runs(&self) -> Result<Vec<OpenRun>> {
        let file = Arc::clone(self.db.file());
        self.db.read("list the open runs", move |conn| sql::sessions::open_runs(conn, &file)).await
    }

    /// Writes that no process of an interrupted run is left and what it has changed, with the patch of it, and books what it has
    /// cost as far as is known. Answers the alarms that its cost raises, for people.
    pub async fn close_run(
        &self,
        run: OpenRun,
        spent: RunSpent,
        changes: Option<(SessionChanges, String)>,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let close = move |tx: &Tx<'_>, now| {
            core::sessions::close_run(tx, &run, &spent, changes.as_ref(), now)
        };
        self.db.rule("close a run", now, close).await
    }

    /// Which of these folders of runs belong to no session and no job any more.
    pub async fn orphaned_places(&self, places: Vec<String>) -> Result<Vec<String>> {
        let orphaned = move |c: &_| sql::sessions::orphaned_places(c, &places);
        self.db.read("look for orphaned folders", orphaned).await
    }

    /// Makes the sessions due that were put off until the agent program is looked for again: it is there.
    pub async fn wake_sessions(&self, actor: Actor, now: Timestamp) -> Result<()> {
        let wake = move |tx: &Tx<'_>, now| {
            core::park::lift(tx, ParkedBy::Snooze, Some(&Queue::AGENT), &actor, now)
        };
        self.db.rule("wake sessions", now, wake).await
    }

    /// What was spent today, this month, and today by this schedule; and the budgets.
    pub async fn spent(&self, schedule: Option<i64>, now: Timestamp) -> Result<(Spent, Budgets)> {
        let read = move |c: &_| Ok((sql::spend::spent(c, schedule, now)?, sql::spend::budgets(c)?));
        self.db.read("read the spend", read).await
    }

    /// Sets dollars aside for a run of a job until it is paid: as many as it `wanted`, and no more than other runs leave of
    /// the budgets; `schedule` is what the job's schedule may cost a day. A second call sets the amount anew.
    ///
    /// # Errors
    /// As [`Store::begin_session`].
    pub async fn reserve(
        &self,
        lease: Lease,
        wanted: f64,
        schedule: Option<f64>,
        now: Timestamp,
    ) -> Result<Reserve> {
        let of = (wanted, schedule);
        let reserve = move |tx: &Tx<'_>, now| core::sessions::reserve(tx, &lease, of, now);
        self.db.rule("reserve dollars for a run", now, reserve).await
    }

    /// What was spent since a day (days since 1970, UTC), by day, kind and schedule, newest first.
    pub async fn spend_since(&self, day: i64) -> Result<Vec<Spend>> {
        self.db.read("read the spend", move |c| sql::spend::since(c, day)).await
    }
}
