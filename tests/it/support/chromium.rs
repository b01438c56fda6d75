//! A real Chromium, headless, driven over the `DevTools` protocol: <https://chromedevtools.github.io/devtools-protocol/>.
//!
//! It speaks through a pair of pipes, so it needs no port and no driver, and ends with whoever holds them: also when a
//! test is killed. Whatever a page complains of (console errors, uncaught exceptions, failed requests, refusals of the
//! content security policy) fails the test at its end unless the test took it.

mod link;

use super::STUCK;
use data_encoding::BASE64;
use link::{Link, Tab};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Names under which Chromium is installed; the first has no windows of its own, which take as long as the pages do.
const NAMES: [&str; 4] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
/// Moves our pipes to the descriptors that Chromium speaks on: 3 and 4.
const EXEC: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
const FLAGS: [&str; 11] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
];
/// How long Chromium may take to end once its pipe is closed; it takes a third of a second.
const END: Duration = Duration::from_secs(10);

/// A running Chromium. Dropped, it ends, and the test fails if a page complained.
pub struct Chromium {
    child: Child,
    link: Arc<Link>,
    reader: Option<JoinHandle<()>>,
    _profile: TempDir,
}

/// A tab in a browser context of its own: it shares no cookie with the others.
pub struct Page {
    link: Arc<Link>,
    session: String,
}

impl Chromium {
    /// Starts one; `None` where none is installed, and the test is then skipped.
    pub fn start() -> Option<Self> {
        let Some(program) = installed() else {
            super::skipped("it needs Chromium (Debian: apt-get install chromium-headless-shell)");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", EXEC])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = child.stdout.take().unwrap();
        let link = Arc::new(Link::new(child.stdin.take().unwrap()));
        let reading = Arc::clone(&link);
        let reader = thread::spawn(move || reading.read(answers));
        Some(Self { child, link, reader: Some(reader), _profile: profile })
    }

    /// A new tab of somebody else, 1280 by 900.
    pub fn page(&self) -> Page {
        let ask = |method, options: Value| self.link.ask(None, method, &options).unwrap();
        let context = ask("Target.createBrowserContext", json!({}));
        let context = &context["browserContextId"];
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = &ask("Target.createTarget", target)["targetId"];
        let attach = json!({"targetId": target, "flatten": true});
        let session =
            ask("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        let page = Page { link: Arc::clone(&self.link), session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.ask(&format!("{domain}.enable"), json!({}));
        }
        // Every tab believes that it is the one in front: none is throttled or hidden.
        page.ask("Emulation.setFocusEmulationEnabled", json!({"enabled": true}));
        page.viewport(1280, 900);
        page
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let complaints: Vec<String> = if thread::panicking() {
            Vec::new()
        } else {
            let take = |session: String| {
                let page = Page { link: Arc::clone(&self.link), session };
                page.complaints()
            };
            self.link.sessions().into_iter().flat_map(take).collect()
        };
        if !self.link.close(END) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
        drop(self.reader.take().map(JoinHandle::join));
        assert!(complaints.is_empty(), "pages complained: {complaints:#?}");
    }
}

impl Page {
    /// Goes to an address and waits until it is loaded.
    pub fn open(&self, url: &str) {
        let before = self.with(|tab| tab.loads);
        let gone = self.ask("Page.navigate", json!({"url": url}));
        assert!(gone.get("errorText").is_none(), "{url}: {gone}");
        self.loaded(before);
    }

    /// Loads the page again.
    pub fn reload(&self) {
        let before = self.with(|tab| tab.loads);
        self.ask("Page.reload", json!({}));
        self.loaded(before);
    }

    /// The value of a JavaScript expression; a promise is awaited.
    pub fn eval(&self, js: &str) -> Value {
        self.evaluate(js).unwrap()
    }

    /// Waits until a JavaScript expression is true, over as many documents as it takes, and answers its value. The
    /// page looks whenever its document changes, and often in between. Without scripts it is looked at once a load.
    pub fn wait(&self, condition: &str) -> Value {
        let watched = format!(
            "new Promise(done => {{
                const look = () => {{
                    const found = {condition};
                    if (found) {{ clearInterval(timer); changes.disconnect(); done(found); }}
                }};
                const changes = new MutationObserver(look), timer = setInterval(look, 20);
                changes.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});
                look();
            }})"
        );
        let begun = Instant::now();
        while begun.elapsed() < STUCK {
            let (loads, scripts_off) = self.with(|tab| (tab.loads, tab.scripts_off));
            // An error is a document that went away while it was asked: the next one is asked.
            match self.evaluate(if scripts_off { condition } else { &watched }) {
                Ok(Value::Bool(false) | Value::Null) => self.loaded(loads),
                Ok(found) => return found,
                Err(_) => {}
            }
        }
        let said = self.with(|tab| std::mem::take(&mut tab.complaints));
        let shown = self.evaluate("document.body?.innerText");
        panic!(
            "waited in vain for {condition}; the page complains of {said:#?} and shows {shown:?}"
        );
    }

    /// Waits until a text stands in the part of the page that a selector names.
    pub fn wait_text(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.wait(&format!("!!document.querySelector({selector})?.innerText.includes({text})"));
    }

    /// Clicks with the mouse on what a person would hit there.
    pub fn click(&self, selector: &str) {
        self.hold(selector, || {});
    }

    /// Moves the mouse onto what a person would hit there.
    pub fn point(&self, selector: &str) {
        let at = self.place(selector);
        let mouse = json!({"type": "mouseMoved", "x": at[0], "y": at[1], "buttons": 0});
        self.ask("Input.dispatchMouseEvent", mouse);
    }

    /// Where a person would hit an element, once it is in sight.
    fn place(&self, selector: &str) -> Value {
        let selector = json!(selector);
        self.wait(&format!(
            "(() => {{
                const target = document.querySelector({selector});
                target?.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const box = target?.getBoundingClientRect();
                const at = box && [box.x + box.width / 2, box.y + box.height / 2];
                return at && target.contains(document.elementFromPoint(...at)) && at;
            }})()"
        ))
    }

    /// The same as [`Page::click`], with the button held down while something happens.
    pub fn hold(&self, selector: &str, happens: impl FnOnce()) {
        let at = self.place(selector);
        let mouse = |kind: &str, held: u32| {
            let mouse = json!({
                "type": kind, "x": at[0], "y": at[1],
                "button": "left", "buttons": held, "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", mouse);
        };
        mouse("mouseMoved", 0);
        mouse("mousePressed", 1);
        happens();
        mouse("mouseReleased", 0);
    }

    /// Lets the page go on for some milliseconds.
    pub fn pass(&self, ms: u32) {
        self.eval(&format!("new Promise(done => setTimeout(done, {ms}, 0))"));
    }

    /// Clicks into a field and types a text.
    pub fn fill(&self, selector: &str, text: &str) {
        self.click(selector);
        self.ask("Input.insertText", json!({"text": text}));
    }

    /// Presses a key that writes, such as `g`, or `Escape`.
    pub fn press(&self, key: &str) {
        let (text, code) = match key {
            "Escape" => ("", 27),
            "Enter" => ("\r", 13),
            _ => (key, 0),
        };
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let key =
                json!({"type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code});
            self.ask("Input.dispatchKeyEvent", key);
        }
    }

    /// Sets the size of the window; below 500 it is a phone's.
    pub fn viewport(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// Prefers `light` or `dark`.
    pub fn scheme(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.ask("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Runs no script of the pages from now on. [`Page::eval`] still works: promises and timers do not.
    pub fn scripts_off(&self) {
        self.with(|tab| tab.scripts_off = true);
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    }

    /// Writes the whole page as a PNG.
    pub fn screenshot(&self, file: &Path) {
        let sizes = self.ask("Page.getLayoutMetrics", json!({}));
        let mut clip = sizes["cssContentSize"].clone();
        clip["scale"] = 1.into();
        let options = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.ask("Page.captureScreenshot", options);
        let png = BASE64.decode(answer["data"].as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(file, png).unwrap();
    }

    /// Takes what the page complained of since the last time. The test's end then knows nothing of it.
    pub fn complaints(&self) -> Vec<String> {
        // What the page said before it answers this has arrived before the answer.
        self.eval("0");
        self.with(|tab| std::mem::take(&mut tab.complaints))
    }

    fn evaluate(&self, js: &str) -> Result<Value, String> {
        let options = json!({
            "expression": js, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let answer = self.link.ask(Some(&self.session), "Runtime.evaluate", &options)?;
        assert!(answer.get("exceptionDetails").is_none(), "{js}: {answer}");
        Ok(answer["result"]["value"].clone())
    }

    #[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for it")]
    fn ask(&self, method: &str, options: Value) -> Value {
        self.link.ask(Some(&self.session), method, &options).unwrap()
    }

    fn loaded(&self, before: u64) {
        self.link.loaded(&self.session, before);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Tab) -> T) -> T {
        self.link.with(&self.session, act)
    }
}

fn installed() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let known = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    named.into_iter().chain(known).find(|program| program.is_file())
}
