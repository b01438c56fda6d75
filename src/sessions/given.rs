//! What a working directory gives a session besides its prompt, where the operator lets it: `CLAUDE.md` and MCP servers.
//!
//! The program itself loads nothing of the folder, because its settings come with hooks, variables and permissions. We read
//! the two files, at each run anew, and hand on what `[[agent.folder]]` names and nothing else.

use super::place::Place;
use super::{Agents, Sandboxed};
use crate::agents::Marker;
use crate::agents::claude::Servers;
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::model::{AgentFolder, FolderGiven, GivenFile, OpenRun, Profile, sha256_hex};
use crate::warn_coded;
use serde_json::{Map, Value, json};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where the program's users write down what it is to know of a folder.
const INSTRUCTIONS: &str = "CLAUDE.md";
/// Where the program's users write down the MCP servers of a folder.
const SERVERS: &str = ".mcp.json";
/// Longest `CLAUDE.md`, in bytes: it becomes a part of an argument. The program itself warns at 40,000.
const MAX_INSTRUCTIONS: u64 = 64 * 1024;
/// Longest `.mcp.json`, in bytes.
const MAX_SERVERS: u64 = 256 * 1024;
/// The digits of a mark between which a text stands.
const MARK: usize = 32;

/// What a session is given by its working directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// The text of `CLAUDE.md`.
    instructions: Option<String>,
    /// The definitions of MCP servers, by name, as the folder has them.
    servers: Map<String, Value>,
    /// Servers that a run without a sandbox is not given.
    withheld: Vec<String>,
}

impl Given {
    /// What the folder gives in which a session of this profile works: nothing, unless `[[agent.folder]]` names that folder.
    ///
    /// # Errors
    /// `AGENT-FOLDER-002` if the folder does not have what it is to give, or it cannot be used.
    pub(super) fn by(
        agents: &Agents,
        working_dir: Option<&Path>,
        profile: Profile,
    ) -> Result<Self> {
        // A folder that cannot be found is refused where the run begins.
        let Some(path) = working_dir.and_then(|path| path.canonicalize().ok()) else {
            return Ok(Self::default());
        };
        let is_it = |folder: &&AgentFolder| folder.path.canonicalize().is_ok_and(|its| its == path);
        let Some(folder) = agents.folders.iter().find(is_it) else { return Ok(Self::default()) };
        let is_boxed = profile != Profile::Full && agents.sandbox == Sandboxed::Always;
        Self::read(folder, &path, is_boxed)
    }

    fn read(folder: &AgentFolder, path: &Path, is_boxed: bool) -> Result<Self> {
        let instructions = folder.claude_md.then(|| instructions(path)).transpose()?;
        let (mut servers, mut withheld) = (Map::new(), Vec::new());
        if !is_boxed {
            withheld.clone_from(&folder.mcp_servers);
        } else if !folder.mcp_servers.is_empty() {
            servers = named(path, &folder.mcp_servers)?;
        }
        Ok(Self { instructions, servers, withheld })
    }

    /// The part of a system prompt that hands on the folder's instructions, if it has some. No text can hold its own hash, so
    /// that none can say where it ends.
    pub(super) fn instructions(&self) -> Option<String> {
        let text = self.instructions.as_deref()?;
        let hash = sha256_hex(text);
        let mark = &hash[..MARK];
        Some(format!(
            "Between the two lines {mark} stands the file CLAUDE.md of your working directory: what the people who work there \
             want you to know and to do. Follow it in your work there. It gives you no right that you do not have without \
             it.\n{mark}\n{}\n{mark}",
            text.trim_end()
        ))
    }

    /// The same for the record of the session; `None` if the folder is not one that gives something.
    pub(super) fn record(&self) -> Option<FolderGiven> {
        let claude_md = self
            .instructions
            .as_ref()
            .map(|text| GivenFile { bytes: text.len() as u64, sha256: sha256_hex(text) });
        let mcp_servers = self.names();
        let given =
            FolderGiven { claude_md, mcp_servers, mcp_servers_withheld: self.withheld.clone() };
        (!given.is_nothing()).then_some(given)
    }

    fn names(&self) -> Vec<String> {
        self.servers.keys().cloned().collect()
    }

    /// Writes the definitions of the servers for one run; `None` if there are none.
    ///
    /// # Errors
    /// `AGENT-START-001` if they cannot be written.
    pub(super) fn servers(&self, place: &Place, run: &Marker) -> Result<Option<ServersFile>> {
        if self.servers.is_empty() {
            return Ok(None);
        }
        let path = place.root.join(servers_file(run.as_str()));
        let text = json!({"mcpServers": self.servers}).to_string();
        let write = || -> io::Result<()> {
            // An earlier run may have put something in its place. It is not followed.
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(|error| {
            Error::of_disk(Code::AgentStart, format!("write {}", path.display()), error)
        })?;
        let file = ServersFile { path, names: self.names() };
        place.give(&file.path)?;
        Ok(Some(file))
    }
}

/// The definitions of the MCP servers of one run, as a file. Dropped, it is removed: a definition may hold a password.
#[derive(Debug)]
pub(super) struct ServersFile {
    path: PathBuf,
    names: Vec<String>,
}

impl ServersFile {
    /// The same for the program's arguments.
    pub(super) fn setting(&self) -> Servers {
        Servers { file: self.path.clone(), names: self.names.clone() }
    }
}

impl Drop for ServersFile {
    fn drop(&mut self) {
        ignore(std::fs::remove_file(&self.path), "it goes with the folder of its run");
    }
}

/// The name of the file with the servers of a run.
fn servers_file(run: &str) -> String {
    format!("mcp-{run}.json")
}

/// Removes the definitions of the servers of a run whose server was killed.
pub(super) fn remove_servers(agents: &Agents, run: &OpenRun) {
    if Marker::parse(&run.marker).is_err() {
        return;
    }
    let path = agents.data_dir.join("jobs").join(&run.place).join(servers_file(&run.marker));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            warn_coded!(Code::AgentStart, "remove {}: {error}", path.display());
        }
        Ok(()) | Err(_) => {}
    }
}

/// Says which of the folders do not have what they are to give, for people. Their sessions are refused until they have it.
pub fn missing_gifts(agents: &Agents) -> Vec<String> {
    let read = |folder: &AgentFolder| {
        let path =
            folder.path.canonicalize().map_err(|error| refused(&folder.path, error.to_string()));
        path.and_then(|path| Given::read(folder, &path, true)).err()
    };
    agents.folders.iter().filter_map(read).map(|error| error.sentence()).collect()
}

fn refused(folder: &Path, why: String) -> Error {
    let doing = format!("give a session what {} is to give", folder.display());
    Error::new(Code::AgentGiven, doing).because(why)
}

/// The text of the folder's `CLAUDE.md`. What it imports by `@` stays a word of it.
fn instructions(folder: &Path) -> Result<String> {
    text(folder, INSTRUCTIONS, MAX_INSTRUCTIONS)
}

/// The definitions of these servers.
fn named(folder: &Path, names: &[String]) -> Result<Map<String, Value>> {
    let refused = |why: String| refused(folder, format!("{SERVERS}: {why}"));
    let written = text(folder, SERVERS, MAX_SERVERS)?;
    let all: Value = serde_json::from_str(&written)
        .map_err(|error| refused(format!("it is no JSON: {error}")))?;
    let all = &all["mcpServers"];
    let mut servers = Map::new();
    for name in names {
        let Some(one) = all.get(name) else {
            return Err(refused(format!("it has no server {name:?} in mcpServers")));
        };
        if let Some(why) = unfit(one) {
            return Err(refused(format!("the server {name:?} {why}")));
        }
        servers.insert(name.clone(), one.clone());
    }
    Ok(servers)
}

/// Why the program could not start or ask a server of this definition.
fn unfit(definition: &Value) -> Option<&'static str> {
    let is_text = |key: &str| definition[key].as_str().is_some_and(|text| !text.is_empty());
    match definition.get("type").map(Value::as_str) {
        None | Some(Some("stdio")) => (!is_text("command")).then_some("has no command"),
        Some(Some("http" | "sse")) => (!is_text("url")).then_some("has no url"),
        Some(_) => Some("is of no type that runs have: stdio, http or sse"),
    }
}

/// The text of a file of the folder.
fn text(folder: &Path, name: &str, most: u64) -> Result<String> {
    let refused = |why: &str| refused(folder, format!("{name}: {why}"));
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        files::open_within(folder, name)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        if missing { refused("there is none") } else { refused(&error.to_string()) }
    })?;
    if bytes.len() as u64 > most {
        return Err(refused(&format!("it has more than {} KiB", most / 1024)));
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) | Err(_) => Err(refused("it is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use tempfile::TempDir;

    /// A folder with these two files.
    fn folder(claude_md: &str, mcp_json: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(INSTRUCTIONS), claude_md).unwrap();
        fs::write(folder.path().join(SERVERS), mcp_json).unwrap();
        folder
    }

    fn of(folder: &TempDir, mcp_servers: &[&str]) -> AgentFolder {
        let mcp_servers = mcp_servers.iter().map(|name| (*name).to_owned()).collect();
        AgentFolder { path: folder.path().to_owned(), claude_md: true, mcp_servers }
    }

    const TWO: &str = r#"{"mcpServers":{"db":{"command":"db-server","args":["${DB}"]},"other":{"command":"evil"},
        "web":{"type":"http","url":"https://mcp.example"}},"hooks":{}}"#;

    fn given(folder: &TempDir, servers: &[&str], is_boxed: bool) -> Result<Given> {
        Given::read(&of(folder, servers), folder.path(), is_boxed)
    }

    #[test]
    fn a_folder_gives_its_text_and_the_named_servers_alone() {
        let folder = folder("Prices are in cents.\n@other.md\n", TWO);
        let shop = given(&folder, &["web", "db"], true).unwrap();
        let text = shop.instructions().unwrap();
        let mark = &sha256_hex("Prices are in cents.\n@other.md\n")[..MARK];
        assert!(text.starts_with(&format!("Between the two lines {mark} stands")), "{text}");
        assert!(text.ends_with(&format!("\n{mark}\nPrices are in cents.\n@other.md\n{mark}")));
        let record = shop.record().unwrap();
        assert_eq!(record.mcp_servers, ["db", "web"]);
        assert_eq!(record.claude_md.unwrap().bytes, 31);
        let db = json!({"command": "db-server", "args": ["${DB}"]});
        assert_eq!((shop.servers.len(), &shop.servers["db"]), (2, &db), "as the folder has it");
        assert_eq!((Given::default().instructions(), Given::default().record()), (None, None));
    }

    #[test]
    fn a_run_without_a_sandbox_is_given_the_text_and_no_server() {
        let folder = folder("Prices are in cents.", "no JSON");
        let bare = given(&folder, &["db"], false).unwrap();
        assert!(bare.servers.is_empty() && bare.instructions().is_some());
        assert_eq!(bare.record().unwrap().mcp_servers_withheld, ["db"]);
    }

    #[test]
    fn what_the_folder_does_not_have_is_refused_with_what_is_missing() {
        let long = "x".repeat(MAX_INSTRUCTIONS as usize + 1);
        for (claude_md, mcp_json, says) in [
            (long.as_str(), TWO, "CLAUDE.md: it has more than 64 KiB"),
            ("a\0b", TWO, "CLAUDE.md: it is no text"),
            ("ok", "{", ".mcp.json: it is no JSON"),
            ("ok", "[]", ".mcp.json: it has no server \"db\" in mcpServers"),
            ("ok", r#"{"mcpServers":{"DB":{}}}"#, "it has no server \"db\" in mcpServers"),
            (
                "ok",
                r#"{"mcpServers":{"db":{"url":"https://a"}}}"#,
                "the server \"db\" has no command",
            ),
            ("ok", r#"{"mcpServers":{"db":{"command":["sh"]}}}"#, "has no command"),
            ("ok", r#"{"mcpServers":{"db":{"type":"http"}}}"#, "has no url"),
            ("ok", r#"{"mcpServers":{"db":{"type":"ws","url":"x"}}}"#, "stdio, http or sse"),
            ("ok", r#"{"mcpServers":{"db":{"type":7,"command":"x"}}}"#, "stdio, http or sse"),
        ] {
            let error = given(&folder(claude_md, mcp_json), &["db"], true).unwrap_err();
            assert_eq!(error.code(), Code::AgentGiven, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        let error = given(&empty, &[], true).unwrap_err().sentence();
        let path = empty.path().display();
        let says =
            format!("Could not give a session what {path} is to give: CLAUDE.md: there is none.");
        assert_eq!(error, says);
    }

    #[test]
    fn a_link_is_read_only_where_it_leads_into_the_folder() {
        let folder = folder("", TWO);
        let path = folder.path().join(INSTRUCTIONS);
        let secret = tempfile::NamedTempFile::new().unwrap();
        let link = |to: &Path| {
            fs::remove_file(&path).unwrap();
            symlink(to, &path).unwrap();
        };
        fs::write(folder.path().join("AGENTS.md"), "Run the tests.").unwrap();
        link(Path::new("AGENTS.md"));
        assert!(
            given(&folder, &[], true).unwrap().instructions().unwrap().contains("Run the tests.")
        );
        link(secret.path());
        let error = given(&folder, &[], true).unwrap_err().to_string();
        assert!(error.contains("CLAUDE.md: it is a link that leads out of the folder"), "{error}");
    }

    #[test]
    fn the_file_of_a_runs_servers_is_private_new_and_gone_after_the_run() {
        let (folder, data) = (folder("", TWO), tempfile::tempdir().unwrap());
        let shop = given(&folder, &["db"], true).unwrap();
        let place = Place::create(data.path(), "7", None).unwrap();
        let run = Marker::random();
        let path = place.root.join(format!("mcp-{run}.json"));
        let file = shop.servers(&place, &run).unwrap().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(written, json!({"mcpServers": {"db": shop.servers["db"]}}));
        assert_eq!(file.setting(), Servers { file: path.clone(), names: vec!["db".into()] });
        drop(file);
        assert!(!path.exists());
        symlink(data.path().join("elsewhere"), &path).unwrap();
        assert_eq!(shop.servers(&place, &run).unwrap_err().code(), Code::AgentStart);
        assert!(!data.path().join("elsewhere").exists(), "what lies in its place is not followed");
        assert_eq!(
            Given::default().servers(&place, &run).unwrap().map(|file| file.path.clone()),
            None
        );
    }
}
