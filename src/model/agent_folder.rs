//! Folders that give the sessions which work in them more than a prompt, and what a session was given.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Longest name of an MCP server.
const MAX_SERVER_NAME: usize = 64;
/// Digits of a hash that people are shown: enough to tell two versions of a file apart.
const SHORT_HASH: usize = 12;

/// A working directory whose `CLAUDE.md` and MCP servers the operator lets its sessions have (`[[agent.folder]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFolder {
    /// The folder itself, not those in it.
    pub path: PathBuf,
    /// Whether its `CLAUDE.md` is put into the system prompt.
    pub claude_md: bool,
    /// The servers of its `.mcp.json`, by name, whose tools the agent may use.
    pub mcp_servers: Vec<String>,
}

/// Whether the agent program takes a text as the name of an MCP server and as a part of the names of its tools.
pub fn is_mcp_server(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    // Two of them part the server's name from the tool's.
    let parts = name.contains("__") || name.starts_with('_') || name.ends_with('_');
    (1..=MAX_SERVER_NAME).contains(&name.len()) && name.chars().all(fits) && !parts
}

/// What a session was given by its working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderGiven {
    /// The `CLAUDE.md` that stood in its system prompt.
    pub claude_md: Option<GivenFile>,
    /// The MCP servers, by name.
    pub mcp_servers: Vec<String>,
    /// The MCP servers that it was not given, because it worked without a sandbox.
    pub mcp_servers_withheld: Vec<String>,
}

/// A file as it was when a session was given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFile {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl FolderGiven {
    /// Whether the folder gave nothing and withheld nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The same in one line.
    pub fn sentence(&self) -> String {
        let file = self.claude_md.as_ref().map(|file| {
            let hash = file.sha256.get(..SHORT_HASH).unwrap_or(&file.sha256);
            format!("CLAUDE.md ({} bytes, SHA-256 {hash})", file.bytes)
        });
        let servers = |names: &[String]| match names {
            [] => None,
            [one] => Some(format!("the MCP server {one}")),
            several => Some(format!("the MCP servers {}", several.join(", "))),
        };
        let withheld = servers(&self.mcp_servers_withheld)
            .map(|names| format!("without a sandbox not {names}"));
        let parts = [file, servers(&self.mcp_servers), withheld];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_server_is_one_that_the_names_of_its_tools_can_begin_with() {
        for name in ["db", "my-server_2", "A", &"x".repeat(64)] {
            assert!(is_mcp_server(name), "{name}");
        }
        for name in ["", "a__b", "_a", "a_", "a b", "a,b", "a(b)", "*", "ü", &"x".repeat(65)] {
            assert!(!is_mcp_server(name), "{name}");
        }
    }

    #[test]
    fn what_was_given_is_said_in_one_line() {
        let file = GivenFile { bytes: 12, sha256: "0123456789abcdef".into() };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let given = FolderGiven {
            claude_md: Some(file),
            mcp_servers: names(&["db", "docs"]),
            ..FolderGiven::default()
        };
        let said = "CLAUDE.md (12 bytes, SHA-256 0123456789ab); the MCP servers db, docs";
        assert_eq!(given.sentence(), said);
        let withheld =
            FolderGiven { mcp_servers_withheld: names(&["db"]), ..FolderGiven::default() };
        assert_eq!(withheld.sentence(), "without a sandbox not the MCP server db");
        assert!(FolderGiven::default().is_nothing() && !withheld.is_nothing());
    }
}
