//! What jobs did over time: series, sums and what is usual, from figures that are kept as the jobs end.

use super::Store;
use super::sql;
use crate::error::Result;
use crate::model::{
    FiguresOf, FiguresStep, JobFigures, JobFiguresRow, JobSeries, Timestamp, UsualFigures,
    time_zone,
};
#[cfg(feature = "web")]
use crate::model::{Kind, Queue, SplitBy, SplitSeries};
#[cfg(feature = "web")]
use std::collections::BTreeMap;
use std::time::Duration;

/// Days back that are looked at for what is usual.
const USUAL_DAYS: u32 = 14;
const DAY: Duration = Duration::from_hours(24);

impl Store {
    /// What jobs did in a range of time, in steps: those of [`FiguresStep::of`] unless others are asked for. Days, and the
    /// beginnings of all other steps, are those of the time zone of this name of the IANA.
    ///
    /// Exact for what the engine and people did, as far back as figures are kept; what other programs wrote into the table
    /// is not in it.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if there is no such zone.
    pub async fn job_series(
        &self,
        of: FiguresOf,
        (from, until): (Timestamp, Timestamp),
        step: Option<FiguresStep>,
        zone: &str,
    ) -> Result<JobSeries> {
        let step = step.unwrap_or_else(|| FiguresStep::of(from, until));
        let ends = step.ends(from, until, time_zone(zone)?);
        let (ends, rows) = self.series_rows(of, step, ends).await?;
        Ok(JobSeries::of(step, &ends, &rows))
    }

    /// The same of all jobs, told apart by status, kind or queue.
    ///
    /// # Errors
    /// As [`Store::job_series`].
    #[cfg(feature = "web")]
    pub async fn split_series(
        &self,
        by: SplitBy,
        (from, until): (Timestamp, Timestamp),
        step: FiguresStep,
        zone: &str,
    ) -> Result<SplitSeries> {
        let ends = step.ends(from, until, time_zone(zone)?);
        let (ends, rows) = self.series_rows(FiguresOf::default(), step, ends).await?;
        Ok(SplitSeries::of(JobSeries::of(step, &ends, &rows), by, &rows))
    }

    /// The series of each kind of which a job started or ended in the range: just what [`Store::job_series`] tells of the kind.
    ///
    /// # Errors
    /// As [`Store::job_series`].
    #[cfg(feature = "web")]
    pub async fn series_by_kind(
        &self,
        of: FiguresOf,
        span: (Timestamp, Timestamp),
        step: FiguresStep,
        zone: &str,
    ) -> Result<BTreeMap<Kind, JobSeries>> {
        self.series_by((of, |row| Some(row.kind.clone())), span, step, zone).await
    }

    /// The same of each queue.
    ///
    /// # Errors
    /// As [`Store::job_series`].
    #[cfg(feature = "web")]
    pub async fn series_by_queue(
        &self,
        span: (Timestamp, Timestamp),
        step: FiguresStep,
        zone: &str,
    ) -> Result<BTreeMap<Queue, JobSeries>> {
        self.series_by((FiguresOf::default(), |row| row.queue.clone()), span, step, zone).await
    }

    #[cfg(feature = "web")]
    async fn series_by<K: Ord>(
        &self,
        (of, key): (FiguresOf, fn(&JobFiguresRow) -> Option<K>),
        (from, until): (Timestamp, Timestamp),
        step: FiguresStep,
        zone: &str,
    ) -> Result<BTreeMap<K, JobSeries>> {
        let ends = step.ends(from, until, time_zone(zone)?);
        let (ends, rows) = self.series_rows(of, step, ends).await?;
        let mut rows_of = BTreeMap::<K, Vec<JobFiguresRow>>::new();
        for row in rows {
            if let Some(key) = key(&row) {
                rows_of.entry(key).or_default().push(row);
            }
        }
        let series = |(key, rows): (K, Vec<_>)| (key, JobSeries::of(step, &ends, &rows));
        let all = rows_of.into_iter().map(series);
        Ok(all.filter(|(_, series)| series.total() != JobFigures::default()).collect())
    }

    /// The rows of which a series with these ends is made, and the ends.
    async fn series_rows(
        &self,
        of: FiguresOf,
        step: FiguresStep,
        ends: Vec<Timestamp>,
    ) -> Result<(Vec<Timestamp>, Vec<JobFiguresRow>)> {
        let read = move |conn: &_| {
            let (Some(first), Some(last)) = (ends.first(), ends.last()) else {
                return Ok((ends, Vec::new()));
            };
            let rows = match step {
                FiguresStep::Minutes(_) => sql::stats::minutes(conn, &of, (*first, *last))?,
                FiguresStep::Hours(_) | FiguresStep::Days => {
                    // A row is of the step in which its middle lies.
                    sql::stats::hours(conn, &of, (first.minus(DAY / 2), *last))?
                }
            };
            Ok((ends, rows))
        };
        self.db.read("read what jobs did", read).await
    }

    /// What jobs did in a range of time, for each kind and queue: to the minute within the last two days, to the hour
    /// within the last thirty, before that to the day. Costs the same however many jobs there are.
    pub async fn job_figures(
        &self,
        of: FiguresOf,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<JobFiguresRow>> {
        let range = move |conn: &_| sql::stats::range(conn, &of, (from, until));
        let rows = self.db.read("read what jobs did", range).await?;
        Ok(JobFiguresRow::together(rows, (from, until)))
    }

    /// What jobs usually do in the 24 hours up to this time of the day: the median of the last fourteen days before.
    pub async fn usual_figures(&self, of: FiguresOf, now: Timestamp) -> Result<UsualFigures> {
        let until = now.hour();
        let from = until.minus(DAY * (USUAL_DAYS + 1));
        let hours = move |conn: &_| sql::stats::hours(conn, &of, (from, until.minus(DAY)));
        let rows = self.db.read("read what jobs usually do", hours).await?;
        let mut days = vec![JobFigures::default(); USUAL_DAYS as usize];
        for row in rows {
            let day = row.at.since(from).as_secs() / DAY.as_secs();
            if let Some(sum) = usize::try_from(day).ok().and_then(|day| days.get_mut(day)) {
                sum.merge(&row.figures);
            }
        }
        Ok(UsualFigures::of(&days))
    }
}
