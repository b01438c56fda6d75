//! The three faces of one action: the function itself, the pages as a program meets them, and the command line. Each works
//! on a data directory of its own that was prepared alike, so that their answers can be compared.

use super::server::{self, Browser, PASSWORD, program};
use super::{now, open};
use lamplighter::Code;
use lamplighter::actions::people::Password;
use lamplighter::actions::{Answer, Call};
use lamplighter::clock::Clock;
use lamplighter::error::{Class, Error};
use lamplighter::model::{Actor, Plan, Role, ScheduleName, Username};
use lamplighter::monitor::Tracking;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Program, Web};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
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
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The arguments of the command line; none: no command does this.
    pub cli: &'a [&'a str],
    /// The page; `None`: no page does this yet.
    pub page: Option<Page<'a>>,
}

/// The address of a page, and the form that it is sent.
pub type Page<'a> = (&'a str, &'a [(&'a str, &'a str)]);

/// Three data directories, and a server of pages on one of them. No engine runs on any.
pub struct Faces {
    function: (TempDir, Store),
    page: (TempDir, Store),
    cli: TempDir,
    /// Somebody of each role who is signed in.
    browsers: [(Role, Browser); 3],
    /// What the next commands read from their standard input.
    pub stdin: String,
    _pages: JoinSet<()>,
    _leading: watch::Sender<bool>,
}

impl Faces {
    /// Prepares three data directories alike.
    pub async fn start(prepare: impl Fn(&Path)) -> Self {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
        for folder in &folders {
            let store = open(folder.path());
            store.create_first_admin(hash.clone(), Actor::cli(), now()).await.unwrap();
            for role in [Role::Viewer, Role::Operator] {
                let name = Username::parse(role.as_str()).unwrap();
                store.add_account(name, role, hash.clone(), Actor::cli(), now()).await.unwrap();
            }
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
            clock: Clock::system(),
            options: Options::default(),
            leading: Some(receiver),
            program: Some(Program {
                logs: LogStore::open(&page.1.path().join("logs.db"), OpenMode::Migrate).unwrap(),
                scanned: None,
                agents: None,
                tracking: Tracking::Local,
                demo: false,
                log_sources: Vec::new(),
            }),
        };
        let mut pages = JoinSet::new();
        pages.spawn(async move {
            web::serve(listener, web, CancellationToken::new()).await.unwrap();
        });
        let roles = [Role::Viewer, Role::Operator, Role::Admin];
        let sign_in = move |role: Role| (role, Browser::signed_in_as(role.as_str(), &url));
        let browsers = tokio::task::spawn_blocking(move || roles.map(sign_in)).await.unwrap();
        Self {
            function: (function.1, function.0),
            page: (page.1, page.0),
            cli,
            browsers,
            stdin: String::new(),
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
            Some(page) => self.ask_page(Role::Admin, page).await,
            None => told(act(&self.page.1, &call).await),
        };
        let cli = match request.cli {
            [] => told(act(&open(self.cli.path()), &call).await),
            arguments => self.ask_cli(arguments),
        };
        assert_eq!(page, function, "the page and the function, {:?}", request.page);
        assert_eq!(cli, function, "the command line and the function, {:?}", request.cli);
        function
    }

    /// Looks at a thing by every face: the function, the page at this address, the command. Answers what all of them refused.
    pub async fn look(
        &self,
        (cli, path): (&[&str], &str),
        look: impl AsyncFn(&Store) -> Result<(), Error>,
    ) -> (Code, String) {
        let error = look(&self.function.1).await.unwrap_err();
        let function = (error.code(), error.sentence());
        let (mut browser, path) = (self.browser(Role::Admin), path.to_owned());
        let looked = tokio::task::spawn_blocking(move || {
            browser.get(&path, &[("Accept", "application/json")])
        });
        let page = answered(&looked.await.unwrap());
        let cli = self.ask_cli(cli);
        for (face, told) in [("page", page), ("command line", cli)] {
            assert_eq!(told, Told::Refused(function.0, function.1.clone()), "{face}");
        }
        function
    }

    /// Asks as somebody of a lower role, by the function and by the page if there is one, and answers how both refused it: the
    /// command line is the owner's. The role is named, and the sentence is one.
    pub async fn refused_below(
        &self,
        role: Role,
        page: Option<Page<'_>>,
        act: impl AsyncFn(&Store, &Call) -> Result<Value, Error>,
    ) -> Code {
        let mut call = Call::by_owner(now());
        call.who.role = role;
        let function = told(act(&self.function.1, &call).await);
        if let Some(page) = page {
            assert_eq!(self.ask_page(role, page).await, function, "{role:?}, {page:?}");
        }
        let Told::Refused(code, sentence) = function else { panic!("{role:?}: {function:?}") };
        let role = format!(": your role is {}, and this needs the role ", role.as_str());
        assert!(sentence.contains(&role), "{sentence}");
        code
    }

    /// The fields of the page that edits a schedule, as they are stored.
    pub async fn form_of_schedule(&self, name: &str) -> Vec<(&'static str, String)> {
        let stored = self.page.1.schedule(ScheduleName::parse(name).unwrap()).await.unwrap();
        let plan = stored.and_then(|schedule| schedule.plan.ok());
        let field = |read: fn(&Plan) -> String| plan.as_ref().map(read).unwrap_or_default();
        vec![
            ("rule", field(|plan| plan.rule.to_text())),
            ("kind", field(|plan| plan.kind.to_string())),
            ("payload", field(|plan| plan.payload.to_string())),
            (
                "queue",
                field(|plan| plan.queue.as_ref().map(ToString::to_string).unwrap_or_default()),
            ),
            ("priority", field(|plan| plan.priority.map(|of| of.to_string()).unwrap_or_default())),
            ("catch_up", field(|plan| plan.catch_up.to_string())),
            ("overlap", field(|plan| plan.overlap.to_string())),
            ("stagger", field(|plan| plan.stagger.as_secs().to_string())),
        ]
    }

    fn browser(&self, role: Role) -> Browser {
        let found = self.browsers.iter().find(|(of, _)| *of == role);
        found.expect("a browser of each role").1.clone()
    }

    async fn ask_page(&self, role: Role, (path, form): Page<'_>) -> Told {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let (path, form) = (path.to_owned(), form.iter().map(owned).collect::<Vec<_>>());
        let mut browser = self.browser(role);
        let asked = tokio::task::spawn_blocking(move || {
            let form: Vec<_> =
                form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            browser.post(&path, &form, &[("Accept", "application/json")])
        });
        answered(&asked.await.unwrap())
    }

    fn ask_cli(&self, arguments: &[&str]) -> Told {
        let mut command = program(self.cli.path());
        command.arg("--json").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut asked = command.stderr(Stdio::piped()).spawn().unwrap();
        // One that does not read it may have ended.
        drop(asked.stdin.take().unwrap().write_all(self.stdin.as_bytes()));
        let asked = asked.wait_with_output().unwrap();
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

/// What a page answered a program.
fn answered(answer: &server::Answer) -> Told {
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

/// What differs by face: when it was asked, and by whom.
const BY_FACE: [&str; 7] =
    ["created_at", "updated_at", "started_at", "finished_at", "at", "by", "updated_by"];

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
