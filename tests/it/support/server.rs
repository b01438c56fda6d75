//! The real program as a child process, and a browser to use it.

use lamplighter::Code;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The password of `admin` in every test.
pub const PASSWORD: &str = "lantern and wick 42";

/// A running `lamplighter serve`; dropped, it is killed. However it ends, every warning and error that it logged must
/// begin with a registered code.
pub struct Server {
    child: Child,
    data: PathBuf,
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// The path of the one-time link, if one was printed.
    pub setup: Option<String>,
}

impl Server {
    /// Starts the program on a data directory, with an admin.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, Some(PASSWORD))
    }

    /// Starts the program; without a password it prints the one-time link.
    pub fn start_with(data: &Path, arguments: &[&str], password: Option<&str>) -> Self {
        Self::launch(data, &mut program(data), arguments, password)
    }

    /// Starts the program with an environment of the caller's, and with an admin.
    pub fn start_in(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = program(data);
        command.envs(environment.iter().copied());
        Self::launch(data, &mut command, &[], Some(PASSWORD))
    }

    /// Starts this command as a server whose data is there.
    pub fn launch(
        data: &Path,
        command: &mut Command,
        arguments: &[&str],
        password: Option<&str>,
    ) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        if let Some(password) = password {
            command.env("LAMPLIGHTER_ADMIN_PASSWORD", password);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().expect("the server says where it is");
        let url = first.split_once(" on ").expect("an address").1.to_owned();
        let mut setup = None;
        for line in lines {
            if let Some(link) = line.trim().strip_prefix(&url) {
                setup = Some(link.to_owned());
            }
            if setup.is_some() || line.contains("LAMPLIGHTER_ADMIN_PASSWORD") {
                break;
            }
            // With an admin from before nothing more is said.
            if password.is_some() && line.starts_with("Data directory") && has_admin(data) {
                break;
            }
        }
        Self { child, data: data.to_owned(), url, setup }
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process, for a test that sends it signals of its own.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit code, once it has ended by itself.
    pub fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        // A test that fails already has its own reason.
        if !std::thread::panicking() {
            let lines = uncoded(&self.data);
            assert!(lines.is_empty(), "logged without a registered [CODE] in front: {lines:#?}");
        }
    }
}

/// The warnings and errors in the log of a data directory that our own program logged without a registered code.
/// Rows of the demo and of imported files have other sources.
pub fn uncoded(data: &Path) -> Vec<String> {
    let path = data.join("logs.db");
    if !path.exists() {
        return Vec::new();
    }
    // Read only: the file must look as the server left it.
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = "SELECT message FROM logs WHERE level IN ('WARNING', 'ERROR', 'CRITICAL')
               AND source LIKE 'lamplighter%' ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let coded =
        |line: &String| Code::ALL.iter().any(|code| line.starts_with(&format!("[{code}] ")));
    rows.map(Result::unwrap).filter(|line| !coded(line)).collect()
}

fn has_admin(data: &Path) -> bool {
    let conn = rusqlite::Connection::open(data.join("lamplighter.db")).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    conn.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0)).unwrap() > 0
}

/// The program on a data directory, with an empty home.
pub fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplighter"));
    command.env_clear().env("HOME", data).arg("--data-dir").arg(data);
    command
}

/// Somebody's browser: keeps its cookie, follows no redirect by itself.
#[derive(Clone)]
pub struct Browser {
    agent: ureq::Agent,
    url: String,
    cookie: Option<String>,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

impl Browser {
    /// A browser without a session.
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(super::STUCK));
        Self { agent: config.build().into(), url: url.to_owned(), cookie: None }
    }

    /// A browser in which `admin` is signed in.
    pub fn signed_in(url: &str) -> Self {
        Self::signed_in_as("admin", url)
    }

    /// A browser in which this account is signed in.
    pub fn signed_in_as(name: &str, url: &str) -> Self {
        let mut browser = Self::new(url);
        let answer = browser.post("/login", &[("username", name), ("password", PASSWORD)], &[]);
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    /// The same browser at another address: that of a copy, which knows its cookie.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The status and the text of a page of a server that may be ending; `None`: nothing answers.
    pub fn try_answer(&mut self, path: &str) -> Option<(u16, String)> {
        let cookie = self.cookie.clone().unwrap_or_default();
        let request = self.agent.get(format!("{}{path}", self.url)).header("Cookie", cookie);
        let mut answer = request.call().ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
    }

    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let answer = request.call().unwrap();
        self.taken(answer)
    }

    /// Posts a form as our own page would.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if !headers.iter().any(|(name, _)| *name == "Sec-Fetch-Site") {
            request = request.header("Sec-Fetch-Site", "same-origin");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let answer = request.send_form(form.iter().copied()).unwrap();
        self.taken(answer)
    }

    /// Presses Run Now and answers the scan's id.
    pub fn run_now(&mut self) -> i64 {
        let answer =
            self.post("/admin/self-monitoring/run-now", &[], &[("Accept", "application/json")]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["status"], "queued");
        body["scan_id"].as_str().unwrap().parse().unwrap()
    }

    /// Presses Run Now at a server that may be ending: the status of the answer, if there is one.
    pub fn try_run_now(&mut self) -> Option<u16> {
        let mut request = self.agent.post(format!("{}/admin/self-monitoring/run-now", self.url));
        request =
            request.header("Sec-Fetch-Site", "same-origin").header("Accept", "application/json");
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        request.send_form([("", ""); 0]).ok().map(|answer| answer.status().as_u16())
    }

    fn taken(&mut self, mut answer: ureq::http::Response<ureq::Body>) -> Answer {
        let header =
            |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (cookie, location) = (header("set-cookie"), header("location"));
        if let Some(cookie) = cookie {
            self.cookie = cookie.split(';').next().map(ToOwned::to_owned);
        }
        Answer {
            status: answer.status().as_u16(),
            location,
            body: answer.body_mut().read_to_string().unwrap(),
        }
    }
}
