//! The configured tracker: its settings, whether it can be used, and what a scan's acts are made of for it.

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::settings::{APPROVAL, DAY_CAP, SCAN_CAP, SERVER_NAME};
use crate::model::{
    ApiUrl, Caps, Classification, Finding, IssueId, JobId, KnownIssue, NewIssue, Posting,
    REQUEST_LIMIT, Remark, RemoteKind, Repository, Setting, Tracker, Visibility,
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
    found: OnceLock<(Repository, Client)>,
    visibility: Mutex<Option<(Visibility, Duration)>>,
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

    /// The repository and its client; `None` for the local tracker.
    pub(super) fn remote(&self) -> Result<Option<(&Repository, &Client)>> {
        let Self::Remote(remote) = self else { return Ok(None) };
        remote.token.check()?;
        if remote.found.get().is_none() {
            let repository = remote.repository.clone();
            let host = remote.api_url.web_host();
            let Some(repository) = repository.or_else(|| repository_of(&remote.folder, host))
            else {
                return Err(Error::new(Code::TrackerNoRepository, "find the issues' repository"));
            };
            let options = Options {
                api_url: remote.api_url.clone(),
                repository: repository.clone(),
                token: remote.token.clone(),
                limit: REQUEST_LIMIT,
            };
            let client = Client::new(remote.kind, options, remote.clock.clone());
            // Another task may have been quicker, with the same answer.
            drop(remote.found.set((repository, client)));
        }
        Ok(remote.found.get().map(|(repository, client)| (repository, client)))
    }

    /// Where the acts of a scan go, by the settings as they are now.
    pub(super) async fn destination(&self, store: &Store) -> Result<Destination> {
        let Self::Remote(remote) = self else { return Ok(Destination::default()) };
        let keys = [APPROVAL.key, SCAN_CAP.key, DAY_CAP.key, SERVER_NAME.key];
        let set = store.settings(keys).await?;
        // Unless it is known who can read them, everybody can. A token that is gone by now costs no second scan.
        let audience = match self.remote() {
            Ok(Some((_, client))) => remote.visibility(client).await,
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
            audience,
            server: Setting::text(&SERVER_NAME.of(&set)),
            caps: Caps { scan: number(&SCAN_CAP), day: number(&DAY_CAP) },
        })
    }
}

impl Remote {
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
    pub(super) caps: Caps,
    /// Who can read them there.
    audience: Visibility,
    server: String,
}

/// The local tracker.
impl Default for Destination {
    fn default() -> Self {
        let (tracker, audience) = (Tracker::Local, Visibility::Private);
        Self { tracker, caps: Caps::default(), audience, server: String::new() }
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
            let posting = self.opening(scan, &new.finding, new.follows.and_then(page))?;
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

    fn opening(&self, scan: JobId, finding: &Finding, follows: Option<&str>) -> Result<Posting> {
        let Finding { classification, title, body, error_codes, .. } = finding;
        let code = error_codes.first().map(String::as_str);
        Ok(Posting {
            title: tracker::title(*classification, code, title, self.audience),
            labels: ["self-monitoring", label(*classification)].map(str::to_owned).into(),
            ..self.posting(scan, body, error_codes, follows)?
        })
    }

    fn remark(&self, scan: JobId, remark: &Remark) -> Result<Posting> {
        if self.tracker == Tracker::Local {
            let body = remark.body.clone();
            return Ok(Posting { body, ..self.posting(scan, "", &[], None)? });
        }
        self.posting(scan, &remark.body, &[], None)
    }

    fn posting(
        &self,
        scan: JobId,
        summary: &str,
        error_codes: &[String],
        follows: Option<&str>,
    ) -> Result<Posting> {
        let marker = tracker::new_marker()?;
        let (server, audience) = (self.server.as_str(), self.audience);
        let report =
            Report { server, scan, summary, follows, error_codes, audience, marker: &marker };
        let body = tracker::body(&report);
        Ok(Posting { marker, title: String::new(), body, labels: Vec::new() })
    }
}

/// The label of a class of problems.
const fn label(classification: Classification) -> &'static str {
    match classification {
        Classification::ServerBug => "bug",
        Classification::ClientMisuse => "client-misuse",
        Classification::DocumentationGap => "documentation",
    }
}
