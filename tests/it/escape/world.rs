//! A data directory and everything around it that an agent must not reach, with a random text in each file.

use crate::support::{foreign, now, store};
use lamplighter::model::{Kind, NewJob};
use lamplighter::store::door::SNAPSHOT_ID;
use rusqlite::Connection;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use tempfile::TempDir;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_lamplighter");

/// Where other people's files are: temporary ones, homes, running programs, shared memory.
const PLACES: [(&str, &str); 4] =
    [("tmp", "/tmp"), ("vartmp", "/var/tmp"), ("run", "/run"), ("shm", "/dev/shm")];
/// Where a file that a line has made would lie.
const SYSTEM: [&str; 8] = ["/", "/etc", "/usr", "/usr/local/bin", "/var", "/opt", "/srv", "/dev"];

/// What a line has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Harm {
    /// Something from outside is in its output or in the job's folder.
    pub(super) read: bool,
    /// Something outside was changed, made, removed or ended.
    pub(super) written: bool,
    /// A secret of the server's environment is in its output.
    pub(super) secret: bool,
}

pub(super) struct World {
    /// Folders by the name that lines call them by; the data directory is `data`.
    folders: BTreeMap<&'static str, TempDir>,
    pub(super) snapshot: PathBuf,
    pub(super) model_key: String,
    /// In every file outside, and what a line prints that has reached something without a text.
    canary: String,
    secret: String,
    /// The name of files that lines make.
    mark: String,
    victim: Child,
    jobs: Cell<u32>,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl World {
    pub(super) async fn new(secret: &str) -> Self {
        let canary = random();
        let mut folders = BTreeMap::new();
        let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
        let data = env!("CARGO_TARGET_TMPDIR");
        for (name, place) in PLACES.into_iter().chain([("home", &*home), ("data", data)]) {
            // Not every place may be written by everybody; a line about it then looks at another one.
            let folder = tempfile::tempdir_in(place).or_else(|_| tempfile::tempdir()).unwrap();
            fs::write(folder.path().join("secret.txt"), &canary).unwrap();
            folders.insert(name, folder);
        }
        let data = folders["data"].path();
        fs::create_dir_all(data.join("jobs/other")).unwrap();
        fs::write(data.join("jobs/other/secret.txt"), &canary).unwrap();
        job_database(&data.join("lamplighter.db"), &canary).await;
        let snapshot = data.join("snapshots/scan.db");
        fs::create_dir(data.join("snapshots")).unwrap();
        let conn = Connection::open(&snapshot).unwrap();
        conn.pragma_update(None, "application_id", SNAPSHOT_ID).unwrap();
        let sql = "CREATE TABLE logs (id INTEGER PRIMARY KEY, message TEXT);
                   INSERT INTO logs VALUES (1, 'a row of the snapshot')";
        conn.execute_batch(sql).unwrap();
        conn.close().unwrap();
        let victim = Command::new("sleep").arg("600").spawn().unwrap();
        let mut world = Self {
            folders,
            snapshot,
            model_key: random(),
            canary,
            secret: secret.to_owned(),
            mark: format!("lamplighter-escape-{}", random()),
            victim,
            jobs: Cell::new(0),
            before: BTreeMap::new(),
        };
        world.before = world.files();
        world
    }

    pub(super) fn data(&self) -> &Path {
        self.folders["data"].path()
    }

    /// The folder of the next job, which is not there yet.
    pub(super) fn new_job(&self) -> PathBuf {
        self.jobs.set(self.jobs.get() + 1);
        self.data().join(format!("jobs/{}", self.jobs.get()))
    }

    /// A line with the names of this world in it.
    pub(super) fn fill(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, folder) in &self.folders {
            line = line.replace(&format!("{{{name}}}"), &folder.path().display().to_string());
        }
        let device = fs::read_dir("/dev").unwrap().filter_map(Result::ok);
        let mut device = device
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_block_device()))
            .map(|entry| entry.path().display().to_string());
        line.replace("{snapshot}", &self.snapshot.display().to_string())
            .replace("{program}", PROGRAM)
            .replace("{mark}", &self.mark)
            .replace("{canary}", &self.canary)
            .replace("{server}", &std::process::id().to_string())
            .replace("{victim}", &self.victim.id().to_string())
            .replace("{device}", &device.next().unwrap_or_else(|| "/dev/sda".to_owned()))
    }

    /// What a line has done; what it has ended is started anew, and what it has changed counts once.
    pub(super) fn harm(&mut self, printed: &str, job: &Path) -> Harm {
        let left = walk(job).into_values().any(|bytes| contains(&bytes, &self.canary));
        let files = self.files();
        let is_changed = files != std::mem::replace(&mut self.before, files.clone());
        let is_ended = self.victim.try_wait().unwrap().is_some();
        if is_ended {
            self.victim = Command::new("sleep").arg("600").spawn().unwrap();
        }
        let mut made = false;
        for folder in SYSTEM {
            made |= fs::remove_file(Path::new(folder).join(&self.mark)).is_ok();
        }
        Harm {
            read: left || printed.contains(&self.canary),
            written: is_changed || is_ended || made,
            secret: printed.contains(&self.secret),
        }
    }

    /// Waits until a victim that was killed has ended: the signal is sent a moment before.
    pub(super) async fn victim_has_ended(&mut self) {
        while self.victim.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    }

    /// Everything outside, but for the folders of the jobs.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files: BTreeMap<_, _> =
            self.folders.values().flat_map(|folder| walk(folder.path())).collect();
        let jobs = self.data().join("jobs");
        let own = |path: &Path| {
            let name = path.strip_prefix(&jobs).ok().and_then(|path| path.components().next());
            name.is_some_and(|name| name.as_os_str().to_string_lossy().parse::<u32>().is_ok())
        };
        files.retain(|path, _| !own(path));
        files
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.victim.kill());
        drop(self.victim.wait());
    }
}

/// A job database as the server has it, with a text in a payload.
async fn job_database(path: &Path, canary: &str) {
    let (folder, store) = store();
    let job = NewJob::untyped(Kind::parse("good").unwrap(), &canary).unwrap();
    store.enqueue(job, now()).await.unwrap();
    drop(store);
    let conn = foreign(folder.path());
    conn.execute("VACUUM INTO ?1", [path.display().to_string()]).unwrap();
    assert!(contains(&fs::read(path).unwrap(), canary));
}

/// Whether the folder of a job holds what it held at the start.
pub(super) fn is_untouched(job: &Path) -> bool {
    let mut names: Vec<_> =
        fs::read_dir(job).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names == [".sqliterc", "bin", "link-data", "link-snapshot"]
}

/// Every file under a folder with its bytes, every folder and link with none. Links are not followed: the server must
/// not follow what an agent has left either.
fn walk(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(walk(&path));
        }
        let bytes = if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        found.insert(path, bytes);
    }
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A text that is nowhere else.
pub(super) fn random() -> String {
    (0..24).map(|_| fastrand::alphanumeric()).collect()
}
