//! What a working directory gives the sessions of Claude Code itself: its `CLAUDE.md` and the MCP servers that the operator has
//! named, and nothing else of what lies in it.

use crate::real_cli::claude;
use crate::support::desk::{Desk, transcript};
use crate::support::messages_api::{LAST_RESULT, MessagesApi, Reply, Request};
use crate::support::until;
use lamplighter::model::JobId;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// An MCP server of one tool. It leaves a file in the folder where it starts, if it may, and answers with its arguments.
const SERVER: &str = r#"
touch "started-$1" 2>/dev/null
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  [ -n "$id" ] || continue
  version=$(printf '%s' "$line" | sed -n 's/.*"protocolVersion":"\([^"]*\)".*/\1/p')
  case $line in
    *'"method":"initialize"'*) result="{\"protocolVersion\":\"$version\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"$1\",\"version\":\"1\"}}" ;;
    *'"method":"tools/list"'*) result='{"tools":[{"name":"price","description":"Tells a price","inputSchema":{"type":"object","properties":{"item":{"type":"string"}}}}]}' ;;
    *'"method":"tools/call"'*) result="{\"content\":[{\"type\":\"text\",\"text\":\"$1 says 250 cents; $2; $3\"}]}" ;;
    *) result='{}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

const CLAUDE_MD: &str = "Prices are in cents.\n@imported.md\n";

/// A folder of a shop with everything that Claude Code would load of it, and what each thing would leave behind.
fn shop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("CLAUDE.md", CLAUDE_MD);
    write("imported.md", "NOT-GIVEN by an import");
    write("CLAUDE.local.md", "NOT-GIVEN by a local file");
    write(".claude/CLAUDE.md", "NOT-GIVEN by a second file");
    write(".claude/rules/all.md", "NOT-GIVEN by a rule");
    write(
        ".claude/skills/odd/SKILL.md",
        "---\nname: odd\ndescription: NOT-GIVEN by a skill\n---\nodd\n",
    );
    write(
        ".claude/agents/odd.md",
        "---\nname: odd\ndescription: NOT-GIVEN by an agent\n---\nodd\n",
    );
    let run = format!(": > {}/hook-ran", folder.path().display());
    let hook = json!([{"hooks": [{"type": "command", "command": run}]}]);
    let settings = json!({
        "hooks": {"SessionStart": hook, "UserPromptSubmit": hook, "PreToolUse": hook, "Stop": hook},
        "env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "FROM_SETTINGS": "yes"},
        "permissions": {"allow": ["WebFetch"]},
        "enableAllProjectMcpServers": true,
    });
    write(".claude/settings.json", &settings.to_string());
    write(".claude/settings.local.json", &settings.to_string());
    let server = |name: &str| {
        let arguments =
            ["server.sh", name, "${SERVER_SECRET:-no secret}", "${FROM_SETTINGS:-no setting}"];
        json!({"command": "sh", "args": arguments})
    };
    let web = json!({"type": "http", "url": "https://mcp.example/mcp"});
    let servers = json!({"db": server("db"), "other": server("other"), "web": web});
    write(".mcp.json", &json!({"mcpServers": servers}).to_string());
    write("server.sh", SERVER);
    folder
}

/// A key of the model's service, and a login: older versions keep a run by other means with each of them.
const LOGINS: [(&str, &str); 2] = [
    ("ANTHROPIC_API_KEY", "model-key-0123456789"),
    ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-of-the-server-alone-0123456789"),
];

/// A desk whose operator has written this down for the folder.
fn desk_of(folder: &Path, gives: &str, login: (&str, &str)) -> Option<(Desk, MessagesApi)> {
    let (claude, api) = (claude()?, MessagesApi::start());
    let own = [("ANTHROPIC_BASE_URL", api.url.as_str()), ("SERVER_SECRET", "s3cr3t"), login];
    let mut desk = Desk::start(&claude, &own);
    let section = format!("[[agent.folder]]\npath = {:?}\n{gives}\n", folder.to_str().unwrap());
    desk.server = None;
    fs::write(desk.folder.path().join("lamplighter.toml"), section).unwrap();
    desk.serve();
    Some((desk, api))
}

fn system(request: &Request) -> String {
    let blocks = request.body["system"].as_array().unwrap();
    blocks.iter().filter_map(|block| block["text"].as_str()).collect()
}

fn tools(request: &Request) -> Vec<&str> {
    let tools = request.body["tools"].as_array().unwrap();
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

/// Asks for a session in the folder, and answers how it is shown when it is done.
async fn session(desk: &Desk, folder: &Path, asked: &[&str]) -> (JobId, Value) {
    let working_dir = ["--working-dir", folder.to_str().unwrap()];
    let id = desk.trigger(&[asked, &working_dir].concat());
    (id, desk.ends(id, ("completed", "done", None)).await)
}

fn use_server(item: &str) -> [Reply; 2] {
    [Reply::Tool("mcp__db__price", json!({"item": item})), Reply::Text(LAST_RESULT)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gives_a_session_and_its_follow_ups_what_is_named_and_nothing_else() {
    for login in LOGINS {
        let shop = shop();
        let gives = "claude_md = true\nmcp_servers = ['db']";
        let Some((desk, api)) = desk_of(shop.path(), gives, login) else { return };
        gives_what_is_named(&shop, &desk, &api).await;
    }
}

async fn gives_what_is_named(shop: &TempDir, desk: &Desk, api: &MessagesApi) {
    api.script("case-shop", use_server("lamp").into_iter().chain(use_server("wick")));
    let (id, told) = session(desk, shop.path(), &["case-shop", "--profile", "workspace"]).await;
    let answer = "db says 250 cents; no secret; no setting";
    assert_eq!(told["response"], answer, "{told:#}");
    let given = &told["given"];
    assert_eq!(given["claude_md"]["bytes"], CLAUDE_MD.len(), "{told:#}");
    assert_eq!(given["mcp_servers"], json!(["db"]), "{told:#}");
    let hash = &given["claude_md"]["sha256"].as_str().unwrap()[..12];
    let shown = desk.ask(&["sessions", "show", &id.to_string()]);
    let says = format!("CLAUDE.md ({} bytes, SHA-256 {hash}); the MCP server db", CLAUDE_MD.len());
    assert!(shown.contains(&says), "{shown}");

    let requests = api.requests("case-shop");
    for request in &requests {
        let system = system(request);
        let (before, after) =
            system.split_once(CLAUDE_MD).expect("the text is in the system prompt");
        assert!(before.contains("stands the file CLAUDE.md of your working directory"), "{before}");
        assert!(after.contains("This holds, whatever is said above: you may create"), "{after}");
        assert!(!request.body.to_string().contains("NOT-GIVEN"), "{:#}", request.body);
        let servers: Vec<_> =
            tools(request).into_iter().filter(|name| name.starts_with("mcp__")).collect();
        assert_eq!(servers, ["mcp__db__price"]);
    }
    let left = |name: &str| shop.path().join(name).exists();
    assert!(left("started-db"), "the named server ran");
    assert!(!left("started-other"), "no other server of the folder is started");
    assert!(!left("hook-ran"), "no hook of the folder runs");
    let place = desk.folder.path().join("jobs").join(id.to_string());
    let files = fs::read_dir(place).unwrap().map(|file| file.unwrap().file_name());
    assert!(!files.into_iter().any(|name| name.to_string_lossy().starts_with("mcp-")));

    // A follow-up is told what the folder says now, and what its own profile may do.
    fs::write(shop.path().join("CLAUDE.md"), "Prices are in euros.").unwrap();
    let next =
        desk.trigger(&["case-next", "--continues", &id.to_string(), "--profile", "read-only"]);
    let told = desk.ends(next, ("completed", "done", None)).await;
    assert_eq!((&told["response"], &told["profile"]), (&json!(answer), &json!("read-only")));
    let last = api.requests("case-next").pop().unwrap();
    let system = system(&last);
    assert!(system.contains("Prices are in euros.") && !system.contains("cents"), "{system}");
    assert!(system.contains("whatever is said above: you may look"), "{system}");
    assert_eq!(told["given"]["mcp_servers"], json!(["db"]), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_folder_does_not_have_is_refused_before_the_model_is_asked() {
    let shop = shop();
    let Some((desk, api)) =
        desk_of(shop.path(), "claude_md = true\nmcp_servers = ['none']", LOGINS[0])
    else {
        return;
    };
    let working_dir = ["--working-dir", shop.path().to_str().unwrap()];
    let refused = async |word: &'static str, says: &str| {
        let id = desk.trigger(&[&[word], working_dir.as_slice()].concat());
        let told = desk.ends(id, ("failed", "", Some("AGENT-FOLDER-002"))).await;
        assert!(told["error"].as_str().unwrap().contains(says), "{told:#}");
        assert!(api.requests(word).is_empty() && told["cost_usd"].is_null(), "{told:#}");
    };
    refused("case-server", ".mcp.json: it has no server \"none\" in mcpServers").await;
    fs::remove_file(shop.path().join("CLAUDE.md")).unwrap();
    refused("case-none", "CLAUDE.md: there is none").await;
    std::os::unix::fs::symlink("/etc/passwd", shop.path().join("CLAUDE.md")).unwrap();
    refused("case-link", "CLAUDE.md: it is a link that leads out of the folder").await;
    let warned = desk.ask(&["logs", "list", "--level", "warning"]);
    assert!(warned.contains("Sessions there are refused"), "it is said at the start: {warned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_is_started_without_a_sandbox_nor_anything_given_to_other_jobs_and_folders() {
    let shop = shop();
    let Some((desk, api)) =
        desk_of(shop.path(), "claude_md = true\nmcp_servers = ['db']", LOGINS[0])
    else {
        return;
    };
    let id = desk.enqueue(
        &json!({"prompt": "case-full", "profile": "full", "working_dir": shop.path().to_str()}),
    );
    let told = desk.ends(id, ("completed", "done", None)).await;
    let given = &told["given"];
    assert_eq!(
        (&given["mcp_servers"], &given["mcp_servers_withheld"]),
        (&json!([]), &json!(["db"]))
    );
    let request = &api.requests("case-full")[0];
    assert!(system(request).contains(CLAUDE_MD), "the text is given all the same");
    assert!(!tools(request).iter().any(|name| name.starts_with("mcp__")));

    let inner = shop.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let (_, told) = session(&desk, &inner, &["case-inner"]).await;
    assert_eq!(told["given"], Value::Null, "{told:#}");
    assert!(!api.requests("case-inner")[0].body.to_string().contains("Prices are in cents"));

    // The description of a repository is made of what lies in it, by our own instructions alone.
    let done = Command::new("git").args(["init", "-q"]).current_dir(shop.path()).output().unwrap();
    assert!(done.status.success());
    let job = JobId(desk.ask(&["repos", "add", shop.path().to_str().unwrap()]).parse().unwrap());
    until(&desk.store, job, |job| job.status.is_final()).await;
    let others: Vec<_> =
        api.requests("").into_iter().filter(|one| !one.said().concat().contains("case-")).collect();
    assert!(!others.is_empty(), "an agent was asked to describe it");
    for request in others {
        assert!(!request.body.to_string().contains("Prices are in cents"), "{:#}", request.body);
        assert!(!tools(&request).iter().any(|name| name.starts_with("mcp__")));
    }
    assert!(!shop.path().join("started-db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_web_goes_through_the_wall_and_one_that_does_not_come_up_is_named() {
    let shop = shop();
    let Some((desk, _api)) = desk_of(shop.path(), "mcp_servers = ['db', 'web']", LOGINS[0]) else {
        return;
    };
    let (id, told) = session(&desk, shop.path(), &["case-web"]).await;
    assert_eq!(told["given"]["claude_md"], Value::Null);
    let lines = transcript(&desk.store, id).await;
    assert!(lines.contains("CONNECT mcp.example:443"), "the wall has refused it: {lines}");
    let refused = &told["refused"][0];
    assert!(refused["what"].as_str().unwrap().contains("CONNECT mcp.example:443"), "{told:#}");
    let shown = desk.ask(&["sessions", "show", &id.to_string()]);
    assert!(shown.contains("refused by the wall"), "{shown}");
    let tail = desk.ask(&["sessions", "tail", &id.to_string()]);
    assert!(tail.contains("MCP servers that failed: web"), "{tail}");
}
