//! The configured tracker: its settings, whether it can be used, and what a scan's acts are made of for it.

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::settings::{APPROVAL, DAY_CAP, SCAN_CAP, SERVER_NAME};
use crate::model::{
    ApiUrl, Caps, Classification, Finding, Fingerprint, IssueHome, IssueId, IssueMark, JobId,
    KnownIssue, NewIssue, OpenElsewhere, Posting, REQUEST_LIMIT, Remark, RemoteKind, Repository,
    Setting, Tracker, Visibility,
};
use crate::store::Store;
use crate::tracker::{self, Client, Options, Report, TokenSource, repository_of};
use crate::warn_coded;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How long the answer holds that a repository is public or private.
const BELIEVED: Duration = Duration::from_mins(5);

/// The tracker of a server. Clones share it.
#[derive(Clone, Debug, Default)]
pub enum Tracking {
    /// The issue list of our own database; nothing has to be configured.
    #[default]
    Local,
    /// A tracker elsewhere.
    Remote(Arc<Remote>),
}

/// A tracker elsewhere.
pub struct Remote {
    kind: RemoteKind,
    api_url: ApiUrl,
    repository: Option<Repository>,
    token: TokenSource,
    folder: PathBuf,
    clock: Clock,
    /// The repository, once it is known; it does not change then.
    found: OnceLock<Site>,
    visibility: Mutex<Option<(Visibility, Duration)>>,
}

/// A repository at a tracker.
pub(super) struct Site {
    /// Where its issues can be seen.
    pub(super) home: IssueHome,
    pub(super) repository: Repository,
    pub(super) client: Client,
    /// When this process has read its issues last, by the clock's uptime.
    read_at: Mutex<Option<Duration>>,
}

impl Site {
    pub(super) fn read_at(&self) -> Option<Duration> {
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn was_read(&self, at: Duration) {
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Tracking {
    /// A tracker of this kind at this address. Without a repository it is the one that `folder` was cloned from.
    pub fn remote_of(
        kind: RemoteKind,
        api_url: ApiUrl,
        repository: Option<Repository>,
        token: TokenSource,
        folder: PathBuf,
        clock: Clock,
    ) -> Self {
        let (found, visibility) = (OnceLock::new(), Mutex::default());
        Self::Remote(Arc::new(Remote {
            kind,
            api_url,
            repository,
            token,
            folder,
            clock,
            found,
            visibility,
        }))
    }

    /// Whether self-monitoring is configured, as things are now.
    ///
    /// # Errors
    /// `TRACK-AUTH-001` without a token, `TRACK-REPO-001` without a repository.
    pub fn check(&self) -> Result<()> {
        self.remote().map(drop)
    }

    /// The repository with its client; `None` for the local tracker.
    pub(super) fn remote(&self) -> Result<Option<&Site>> {
        let Self::Remote(remote) = self else { return Ok(None) };
        remote.token.check()?;
        match remote.site() {
            Some(site) => Ok(Some(site)),
            None => Err(Error::new(Code::TrackerNoRepository, "find the issues' repository")),
        }
    }

    /// Where issues can be seen, whether or not there is a token by now.
    pub(super) fn home(&self) -> IssueHome {
        match self {
            Self::Local => IssueHome::local(),
            Self::Remote(remote) => {
                remote.site().map_or_else(IssueHome::unknown, |site| site.home.clone())
            }
        }
    }

    /// Where the acts of a scan go, by the settings as they are now.
    pub(super) async fn destination(&self, store: &Store) -> Result<Destination> {
        let Self::Remote(remote) = self else { return Ok(Destination::default()) };
        let keys = [APPROVAL.key, SCAN_CAP.key, DAY_CAP.key, SERVER_NAME.key];
        let set = store.settings(keys).await?;
        // Unless it is known who can read them, everybody can. A token that is gone by now costs no second scan.
        let audience = match self.remote() {
            Ok(Some(site)) => remote.visibility(&site.client).await,
            Ok(None) | Err(_) => None,
        };
        let audience = audience.unwrap_or(Visibility::Public);
        let approval = match APPROVAL.of(&set).as_str() {
            Some("always") => true,
            Some("never") => false,
            _ => audience == Visibility::Public,
        };
        let number = |setting: &Setting| setting.of(&set).as_u64().unwrap_or_default();
        Ok(Destination {
            tracker: Tracker::Remote { kind: remote.kind, approval },
            home: self.home(),
            audience,
            server: Setting::text(&SERVER_NAME.of(&set)),
            caps: Caps { scan: number(&SCAN_CAP), day: number(&DAY_CAP) },
        })
    }
}

impl Remote {
    fn site(&self) -> Option<&Site> {
        if self.found.get().is_none() {
            let host = self.api_url.web_host();
            let repository =
                self.repository.clone().or_else(|| repository_of(&self.folder, host))?;
            let home = IssueHome::at(&self.api_url, &repository);
            let options = Options {
                api_url: self.api_url.clone(),
                repository: repository.clone(),
                token: self.token.clone(),
                limit: REQUEST_LIMIT,
            };
            let client = Client::new(self.kind, options, self.clock.clone());
            // Another task may have been quicker, with the same answer.
            drop(self.found.set(Site { home, repository, client, read_at: Mutex::default() }));
        }
        self.found.get()
    }

    async fn visibility(&self, client: &Client) -> Option<Visibility> {
        let now = self.clock.uptime();
        let seen = *self.visibility.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((visibility, at)) = seen
            && now.saturating_sub(at) < BELIEVED
        {
            return Some(visibility);
        }
        match client.visibility().await {
            Ok(visibility) => {
                let mut seen = self.visibility.lock().unwrap_or_else(PoisonError::into_inner);
                *seen = Some((visibility, now));
                Some(visibility)
            }
            Err(failure) => {
                warn_coded!(failure.reason.code(), "ask who can read the issues: {failure}");
                None
            }
        }
    }
}

/// Where the acts of a scan go.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) tracker: Tracker,
    /// Where issues can be seen there.
    pub(super) home: IssueHome,
    pub(super) caps: Caps,
    /// Who can read them there.
    audience: Visibility,
    server: String,
}

/// The local tracker.
impl Default for Destination {
    fn default() -> Self {
        let (tracker, audience) = (Tracker::Local, Visibility::Private);
        let home = IssueHome::local();
        Self { tracker, home, caps: Caps::default(), audience, server: String::new() }
    }
}

impl Destination {
    /// Each new issue with what is said of it.
    pub(super) fn openings(
        &self,
        scan: JobId,
        new_issues: Vec<NewIssue>,
        known: &[KnownIssue],
    ) -> Result<Vec<(NewIssue, Posting)>> {
        let page = |id: IssueId| known.iter().find(|issue| issue.id == id)?.url.as_deref();
        let opening = |new: NewIssue| {
            let posting = self.opening(scan, &new, new.follows.and_then(page))?;
            Ok((new, posting))
        };
        new_issues.into_iter().map(opening).collect()
    }

    /// Each remark with what is said of it.
    pub(super) fn comments(
        &self,
        scan: JobId,
        remarks: Vec<Remark>,
    ) -> Result<Vec<(Remark, Posting)>> {
        let comment = |remark: Remark| {
            let posting = self.remark(scan, &remark)?;
            Ok((remark, posting))
        };
        remarks.into_iter().map(comment).collect()
    }

    fn opening(&self, scan: JobId, new: &NewIssue, follows: Option<&str>) -> Result<Posting> {
        let Finding { classification, title, body, error_codes, .. } = &new.finding;
        let code = error_codes.first().map(String::as_str);
        Ok(Posting {
            title: tracker::title(*classification, code, title, self.audience),
            labels: labels(*classification),
            ..self.posting(scan, body, (error_codes, &new.fingerprints), follows)?
        })
    }

    /// What is said of a problem that is open at another home.
    pub(super) fn again(&self, problem: &OpenElsewhere) -> Result<Posting> {
        let OpenElsewhere { scan, is_inert, error_codes, fingerprints, url, .. } = problem;
        let class = problem.classification.unwrap_or(Classification::ServerBug);
        let summary = problem.summary();
        // A text is made inert once, or its escapes would be shown.
        let summary = if *is_inert { tracker::undone(&summary) } else { summary };
        // Where everybody reads, nothing is said of the place where it was before.
        let before = url.as_deref().filter(|_| self.audience == Visibility::Private);
        let code = error_codes.first().map(String::as_str);
        Ok(Posting {
            title: tracker::title(class, code, problem.own_title(), self.audience),
            labels: labels(class),
            ..self.posting(*scan, &summary, (error_codes, fingerprints), before)?
        })
    }

    fn remark(&self, scan: JobId, remark: &Remark) -> Result<Posting> {
        if self.tracker == Tracker::Local {
            let body = remark.body.clone();
            return Ok(Posting { body, ..self.posting(scan, "", (&[], &[]), None)? });
        }
        self.posting(scan, &remark.body, (&[], &[]), None)
    }

    fn posting(
        &self,
        scan: JobId,
        summary: &str,
        (error_codes, fingerprints): (&[String], &[Fingerprint]),
        follows: Option<&str>,
    ) -> Result<Posting> {
        let marker = tracker::new_marker()?;
        let mark = IssueMark { marker: marker.clone(), fingerprints: fingerprints.to_vec() };
        let (server, audience) = (self.server.as_str(), self.audience);
        let report = Report { server, scan, summary, follows, error_codes, audience, mark: &mark };
        let body = tracker::body(&report);
        Ok(Posting { marker, title: String::new(), body, labels: Vec::new() })
    }
}

/// The labels of an issue about a class of problems.
fn labels(classification: Classification) -> Vec<String> {
    ["self-monitoring", label(classification)].map(str::to_owned).into()
}

const fn label(classification: Classification) -> &'static str {
    match classification {
        Classification::ServerBug => "bug",
        Classification::ClientMisuse => "client-misuse",
        Classification::DocumentationGap => "documentation",
    }
}
