//! Finds the repository that a working copy belongs to, in git's own files read as text; nothing is run.

use crate::files;
use crate::model::Repository;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most of a git file that is read, in bytes; they have a few hundred.
const MAX_FILE: u64 = 1024 * 1024;
/// Folders looked at upwards from the given one; no tree is deeper.
const MAX_PARENTS: usize = 64;

/// The repository on `host` that the working copy around `folder` was cloned from: its `origin`, else its first remote
/// there.
pub fn repository_of(folder: &Path, host: &str) -> Option<Repository> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().take(MAX_PARENTS).map(|f| f.join(".git")).find(|f| f.exists())?;
    in_config(&read(&common(git)?.join("config"))?, host)
}

/// The folder with the configuration. A linked worktree's `.git` is a file that names its own folder, in which
/// `commondir` names the one it shares.
fn common(git: PathBuf) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git);
    }
    let text = read(&git)?;
    let own = git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
    match read(&own.join("commondir")) {
        Some(shared) => Some(own.join(shared.trim())),
        None => Some(own),
    }
}

fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    files::open(path).ok()?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn in_config(config: &str, host: &str) -> Option<Repository> {
    let mut first = None;
    let mut remote = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            let name = line.strip_prefix("[remote \"").and_then(|rest| rest.split_once("\"]"));
            remote = name.map(|(name, _)| name);
        } else if let (Some(name), Some((key, value))) = (remote, line.split_once('='))
            && key.trim().eq_ignore_ascii_case("url")
            && let Some(repository) = in_url(value.trim().trim_matches('"'), host)
        {
            if name == "origin" {
                return Some(repository);
            }
            first = first.or(Some(repository));
        }
    }
    first
}

/// `https://host/owner/name`, `ssh://git@host:port/owner/name`, `git@host:owner/name`, each with or without `.git`.
fn in_url(url: &str, host: &str) -> Option<Repository> {
    let (authority, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let known = ["https", "http", "ssh", "git", "git+ssh"];
            known.contains(&scheme.to_ascii_lowercase().as_str()).then_some(())?;
            let (authority, path) = rest.split_once('/')?;
            let bare = authority.rsplit_once(':').filter(|(_, port)| is_number(port));
            (bare.map_or(authority, |(name, _)| name), path)
        }
        None => url.split_once(':')?,
    };
    let name = authority.rsplit_once('@').map_or(authority, |(_, name)| name).to_ascii_lowercase();
    let name = ["www.", "ssh."].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(&name);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if name == host { path.parse().ok() } else { None }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const HOST: &str = "github.com";

    #[test]
    fn every_spelling_of_a_remote_is_understood() {
        for url in [
            "https://github.com/Ann/shop.git",
            "https://github.com/Ann/shop",
            "https://github.com/Ann/shop/",
            "https://ann:secret@GitHub.com:443/Ann/shop.git",
            "http://www.github.com/Ann/shop",
            "ssh://git@github.com/Ann/shop.git",
            "ssh://git@ssh.github.com:443/Ann/shop.git",
            "git://github.com/Ann/shop.git",
            "git@github.com:Ann/shop.git",
            "github.com:Ann/shop",
            "org-1@github.com:/Ann/shop.git",
        ] {
            assert_eq!(in_url(url, HOST).expect(url).as_str(), "Ann/shop");
        }
    }

    #[test]
    fn another_host_or_no_repository_is_none() {
        for url in [
            "https://gitlab.com/Ann/shop",
            "https://github.com.evil.example/Ann/shop",
            "https://github.com@evil.example/Ann/shop",
            "https://github.com/Ann",
            "https://github.com/Ann/shop/extra",
            "/srv/git/shop.git",
            "../shop",
            "file:///github.com/Ann/shop",
            "C:\\work\\shop",
            "",
        ] {
            assert_eq!(in_url(url, HOST), None, "{url}");
        }
    }

    #[test]
    fn origin_comes_first_and_other_sections_count_for_nothing() {
        let config = "[core]\n\turl = https://github.com/no/core\n\
            [remote \"fork\"]\n\turl = git@github.com:Ann/fork.git\n\
            [url \"x\"]\n\tinsteadOf = https://github.com/no/url\n\
            [remote \"origin\"]\n\tfetch = +refs/heads/*\n\tURL = \"https://github.com/Ann/shop\"\n";
        assert_eq!(in_config(config, HOST).unwrap().as_str(), "Ann/shop");
        let elsewhere = config.replace("github.com/Ann/shop", "gitlab.com/Ann/shop");
        assert_eq!(in_config(&elsewhere, HOST).unwrap().as_str(), "Ann/fork");
        assert_eq!(in_config("", HOST), None);
    }

    #[test]
    fn a_folder_inside_a_working_copy_or_a_linked_worktree_finds_it() {
        let root = tempfile::tempdir().unwrap();
        let (main, linked) = (root.path().join("main"), root.path().join("linked"));
        let own = main.join(".git/worktrees/linked");
        for folder in [main.join("src/deep"), own.clone(), linked.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(main.join(".git/config"), "[remote \"origin\"]\nurl=git@github.com:Ann/shop")
            .unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(linked.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        for folder in [main.clone(), main.join("src/deep"), linked] {
            let found = repository_of(&folder, HOST);
            assert_eq!(found.expect("a repository").as_str(), "Ann/shop", "{}", folder.display());
        }
        assert_eq!(repository_of(&root.path().join("none"), HOST), None);
    }
}
