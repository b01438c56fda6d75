//! The three faces of one action: the function itself, the pages as a program meets them, and the command line. Each works
//! on a data directory of its own that was prepared alike, so that their answers can be compared.

use super::server::{Browser, PASSWORD, program};
use super::{now, open};
use lamplighter::Code;
use lamplighter::actions::people::Password;
use lamplighter::actions::{Answer, Call};
use lamplighter::clock::Clock;
use lamplighter::error::{Class, Error};
use lamplighter::model::{Actor, Role};
use lamplighter::monitor::Tracking;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Web};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a face answered, in one form.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The value with its sentence and notes.
    Done(Value),
    /// The refusal: its code and its sentence.
    Refused(Code, String),
}

/// A request as each face takes it.
pub struct Request<'a> {
    /// The arguments of the command line.
    pub cli: &'a [&'a str],
    /// The address and the form of the page; `None`: no page does this yet.
    pub page: Option<(&'a str, &'a [(&'a str, &'a str)])>,
}

/// Three data directories, and a server of pages on one of them. No engine runs on any.
pub struct Faces {
    function: (TempDir, Store),
    page: (TempDir, Store),
    cli: TempDir,
    browser: Browser,
    _pages: JoinSet<()>,
    _leading: watch::Sender<bool>,
}

impl Faces {
    /// Prepares three data directories alike.
    pub async fn start(prepare: impl Fn(&Path)) -> Self {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        for folder in &folders {
            let store = open(folder.path());
            let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
            store.create_first_admin(hash, Actor::cli(), now()).await.unwrap();
            prepare(folder.path());
        }
        let [function, page, cli] = folders;
        let function = (open(function.path()), function);
        let page = (open(page.path()), page);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (leading, receiver) = watch::channel(false);
        let web = Web {
            store: page.0.clone(),
            logs: LogStore::open(&page.1.path().join("logs.db"), OpenMode::Migrate).unwrap(),
            clock: Clock::system(),
            options: Options::default(),
            leading: receiver,
            agents: None,
            tracking: Tracking::Local,
            demo: false,
        };
        let mut pages = JoinSet::new();
        pages.spawn(async move {
            web::serve(listener, web, CancellationToken::new()).await.unwrap();
        });
        let browser = tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap();
        Self {
            function: (function.1, function.0),
            page: (page.1, page.0),
            cli,
            browser,
            _pages: pages,
            _leading: leading,
        }
    }

    /// Asks every face for the same, and answers what all of them said. `act` is the function: it does what the page has no
    /// button for too, so that the three directories stay alike.
    pub async fn ask(
        &mut self,
        request: Request<'_>,
        act: impl AsyncFn(&Store, &Call) -> Result<Value, Error>,
    ) -> Told {
        let call = Call::by_owner(now());
        let function = told(act(&self.function.1, &call).await);
        let page = match request.page {
            Some((path, form)) => self.ask_page(path, form).await,
            None => told(act(&self.page.1, &call).await),
        };
        let cli = self.ask_cli(request.cli);
        assert_eq!(page, function, "the page and the function, {:?}", request.page);
        assert_eq!(cli, function, "the command line and the function, {:?}", request.cli);
        function
    }

    /// What the function refuses to somebody of a lower role.
    pub async fn refused_below(
        &self,
        role: Role,
        act: impl AsyncFn(&Store, &Call) -> Result<Value, Error>,
    ) -> Code {
        let mut call = Call::by_owner(now());
        call.who.role = role;
        act(&self.function.1, &call).await.unwrap_err().code()
    }

    async fn ask_page(&self, path: &str, form: &[(&str, &str)]) -> Told {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let (path, form) = (path.to_owned(), form.iter().map(owned).collect::<Vec<_>>());
        let mut browser = self.browser.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let form: Vec<_> =
                form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            browser.post(&path, &form, &[("Accept", "application/json")])
        });
        let answer = asked.await.unwrap();
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        if answer.status == 200 {
            return Told::Done(still(body));
        }
        let code = code(body["code"].as_str().unwrap());
        assert_eq!(answer.status, code.class().http_status(), "{body}");
        let detail = body["detail"].as_str().unwrap();
        let sentence = detail.strip_suffix(code.remedy()).unwrap().trim_end();
        Told::Refused(code, sentence.to_owned())
    }

    fn ask_cli(&self, arguments: &[&str]) -> Told {
        let asked = program(self.cli.path()).arg("--json").args(arguments).output().unwrap();
        let (out, err) = (text(asked.stdout), text(asked.stderr));
        if asked.status.success() {
            return Told::Done(still(serde_json::from_str(&out).expect(&err)));
        }
        let line = err.lines().find_map(|line| line.strip_prefix("lamplighter: [")).expect(&err);
        let (word, said) = line.split_once("] ").unwrap();
        let code = code(word);
        let exit = asked.status.code();
        assert_eq!(exit, Some(i32::from(code.class().exit_code())), "{arguments:?}: {err}");
        Told::Refused(code, said.to_owned())
    }
}

/// An action's answer as a value.
pub fn value<T: Serialize>(answer: &Answer<T>) -> Value {
    serde_json::to_value(answer.as_wire()).unwrap()
}

fn told(answer: Result<Value, Error>) -> Told {
    match answer {
        Ok(value) => Told::Done(still(value)),
        Err(error) => {
            assert!(error.class() != Class::Internal, "{error}");
            Told::Refused(error.code(), error.sentence())
        }
    }
}

/// What differs by face: when it was asked, and by whom.
const BY_FACE: [&str; 5] = ["created_at", "started_at", "finished_at", "at", "by"];

/// A value without what differs by face.
fn still(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !BY_FACE.contains(&name.as_str()));
        members.values_mut().for_each(|member| *member = still(member.take()));
    }
    value
}

fn code(word: &str) -> Code {
    *Code::ALL.iter().find(|code| code.as_str() == word).expect(word)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
