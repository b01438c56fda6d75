//! `[[agent.folder]]`: working directories that give their sessions `CLAUDE.md` and MCP servers.

use crate::error::{Code, Error, Result};
use crate::model::{AgentFolder, is_mcp_server};
use serde::Deserialize;
use std::path::PathBuf;

/// Most folders: at each session they are compared with where it works.
const MAX_FOLDERS: usize = 100;
/// Most servers of a folder: each is a process beside each run.
const MAX_SERVERS: usize = 20;

/// A section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderFile {
    path: PathBuf,
    #[serde(default)]
    claude_md: bool,
    #[serde(default)]
    mcp_servers: Vec<String>,
}

/// The folders, checked. `is_boxed` says whether agents are put into the sandbox.
///
/// # Errors
/// `CONFIG-VALUE-001` with what is allowed.
pub(super) fn folders(written: Vec<FolderFile>, is_boxed: bool) -> Result<Vec<AgentFolder>> {
    let refused =
        |what: &str| Error::new(Code::ConfigInvalid, format!("read [[agent.folder]]: {what}"));
    if written.len() > MAX_FOLDERS {
        return Err(refused(&format!("more than {MAX_FOLDERS}")));
    }
    let mut folders: Vec<AgentFolder> = Vec::with_capacity(written.len());
    for FolderFile { path, claude_md, mcp_servers } in written {
        let refused = |what: &str| refused(&format!("{}: {what}", path.display()));
        if !path.is_absolute() {
            return Err(refused("path is an absolute path"));
        }
        if folders.iter().any(|known| known.path == path) {
            return Err(refused("it is there twice"));
        }
        if !claude_md && mcp_servers.is_empty() {
            return Err(refused("it gives nothing: set claude_md = true, or name mcp_servers"));
        }
        if mcp_servers.len() > MAX_SERVERS {
            return Err(refused(&format!("more than {MAX_SERVERS} mcp_servers")));
        }
        for (at, name) in mcp_servers.iter().enumerate() {
            if !is_mcp_server(name) {
                let what = format!(
                    "{name:?} names no MCP server: 1 to 64 letters, digits, - and _ are allowed, no two _ in a row and none at the ends"
                );
                return Err(refused(&what));
            }
            if mcp_servers[..at].contains(name) {
                return Err(refused(&format!("mcp_servers has {name:?} twice")));
            }
        }
        if !mcp_servers.is_empty() && !is_boxed {
            let what = "mcp_servers needs the sandbox, and agent.sandbox is \"none\": whoever may write .mcp.json would run \
                programs as the server's user";
            return Err(refused(what));
        }
        folders.push(AgentFolder { path, claude_md, mcp_servers });
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_boxed: bool) -> Result<Vec<AgentFolder>> {
        #[derive(Deserialize)]
        struct Sections {
            folder: Vec<FolderFile>,
        }
        let read = toml::from_str::<Sections>(text);
        folders(
            read.map_err(|error| Error::new(Code::ConfigInvalid, error.to_string()))?.folder,
            is_boxed,
        )
    }

    #[test]
    fn a_folder_says_what_it_gives() {
        let text = "[[folder]]\npath = '/srv/shop'\nclaude_md = true\nmcp_servers = ['db', 'docs']\n\
            [[folder]]\npath = '/srv/mail'\nclaude_md = true";
        let read = read(text, true).unwrap();
        assert_eq!(read[0].mcp_servers, ["db", "docs"]);
        let mail =
            AgentFolder { path: "/srv/mail".into(), claude_md: true, mcp_servers: Vec::new() };
        assert_eq!(read[1], mail);
    }

    #[test]
    fn what_gives_nothing_or_too_much_is_refused_with_what_is_allowed() {
        for (text, says) in [
            ("path = 'srv'\nclaude_md = true", "srv: path is an absolute path"),
            ("path = '/srv'", "/srv: it gives nothing: set claude_md = true"),
            ("path = '/srv'\nclaude_md = false", "it gives nothing"),
            ("path = '/srv'\nmcp_servers = ['a b']", "\"a b\" names no MCP server"),
            ("path = '/srv'\nmcp_servers = ['a__b']", "\"a__b\" names no MCP server"),
            ("path = '/srv'\nmcp_servers = ['a', 'a']", "has \"a\" twice"),
            ("path = '/srv'\nhooks = true", "unknown field `hooks`"),
            (
                "path = '/srv'\nclaude_md = true\n[[folder]]\npath = '/srv'\nclaude_md = true",
                "/srv: it is there twice",
            ),
        ] {
            let error = read(&format!("[[folder]]\n{text}"), true).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn no_server_is_given_where_there_is_no_sandbox_but_a_text_is() {
        let error = read("[[folder]]\npath = '/srv'\nmcp_servers = ['db']", false).unwrap_err();
        assert!(error.to_string().contains("agent.sandbox is \"none\""), "{error}");
        assert_eq!(read("[[folder]]\npath = '/srv'\nclaude_md = true", false).unwrap().len(), 1);
    }
}
