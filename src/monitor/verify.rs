//! The repository of the program whose log is examined: given to the agent to read, so that it can check what it finds.
//!
//! *Invariant:* a place that a finding names is kept only if that file of the repository has that line.

use crate::error::Result;
use crate::files;
use crate::model::Setting;
use crate::model::settings::SCAN_REPOSITORY;
use crate::redact::redactor;
use crate::store::Store;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The part of the prompt that asks to verify.
const ASKS: &str = include_str!("../../prompts/verify.md");
/// A longer file is no source that a person wrote, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Longest line that is shown, in characters.
const MAX_SHOWN: usize = 120;
/// Characters of a path with a meaning in the list of what the agent program may do.
const SPECIAL: &[char] = &[',', '(', ')', '*', '?', '[', ']', '{', '}', '!', '\\', '\n'];

/// A repository that a scan may check against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// What it is called here.
    pub name: String,
    /// Where it is, without links.
    pub path: PathBuf,
}

/// A line of the source that a finding names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePlace {
    /// The path of the file from the root of the repository, or the whole path.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
}

/// The repository that the settings name, or in a sentence why it cannot be given; `None` if they name none.
pub(super) async fn checkout(
    store: &Store,
    data_dir: &Path,
) -> Result<Option<std::result::Result<Checkout, String>>> {
    let set = store.settings([SCAN_REPOSITORY.key]).await?;
    let name = Setting::text(&SCAN_REPOSITORY.of(&set));
    if name.trim().is_empty() {
        return Ok(None);
    }
    let Some(repository) = store.repository(name.clone()).await? else {
        return Ok(Some(Err(format!(
            "no repository {name:?} is registered, so that nothing was verified"
        ))));
    };
    let fit = fit(&repository.path, data_dir);
    let checkout = fit.map(|path| Checkout { name: name.clone(), path });
    Ok(Some(checkout.map_err(|why| {
        format!("the repository {name:?} was not given to the agent, so that nothing was verified: {why}")
    })))
}

/// The real path of a folder that may be given.
fn fit(path: &Path, data_dir: &Path) -> std::result::Result<PathBuf, String> {
    let real = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    let data_dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_owned());
    let text = real.to_str().filter(|text| !text.contains(SPECIAL));
    if !real.is_dir() || real == Path::new("/") {
        Err(format!("{} is no folder of source", real.display()))
    } else if real.starts_with(&data_dir) {
        Err("it is in the server's own data directory".to_owned())
    } else if text.is_none() {
        Err(format!(
            "its path {} has characters that cannot be written for the agent program",
            real.display()
        ))
    } else {
        Ok(real)
    }
}

impl Checkout {
    /// What the prompt says of it.
    pub(super) fn asks(&self) -> String {
        // The name is a person's, and the path comes last, so that nothing of it is replaced again.
        ASKS.replacen("{name}", &self.name, 1).replacen("{path}", &self.path.to_string_lossy(), 1)
    }

    /// The places that are there, each with the text of its line as it may be shown; and how many are not.
    pub(super) fn verified(&self, places: &[CodePlace]) -> (Vec<(CodePlace, String)>, u64) {
        let found: Vec<_> = places.iter().filter_map(|place| self.line(place)).collect();
        let dropped = (places.len() - found.len()) as u64;
        (found, dropped)
    }

    fn line(&self, place: &CodePlace) -> Option<(CodePlace, String)> {
        let path = Path::new(&place.file);
        let name = path.strip_prefix(&self.path).unwrap_or(path).to_str()?;
        if Path::new(name).is_absolute() {
            return None;
        }
        let file = files::open_within(&self.path, name).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        let nth = usize::try_from(place.line.checked_sub(1)?).ok()?;
        // The end of the last line begins no further one.
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = text.split(|byte| *byte == b'\n').nth(nth)?;
        let text = String::from_utf8_lossy(line);
        let text = redactor().text(text.trim()).chars().take(MAX_SHOWN).collect();
        Some((CodePlace { file: name.to_owned(), line: place.line }, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_place_counts_only_if_that_file_of_the_repository_has_that_line() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("shop");
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(
            root.join("src/cart.rs"),
            "fn a() {\n    lost(); // password=hunter2hunter2\n}\n",
        )
        .unwrap();
        fs::write(folder.path().join("outside.rs"), "secret\n").unwrap();
        symlink(folder.path().join("outside.rs"), root.join("link.rs")).unwrap();
        let checkout = Checkout { name: "shop".into(), path: root.clone() };
        let whole = root.join("src/cart.rs").to_str().unwrap().to_owned();
        for (file, line, is_there) in [
            ("src/cart.rs", 1, true),
            ("./src/cart.rs", 3, true),
            (whole.as_str(), 2, true),
            ("src/cart.rs", 4, false),
            ("src/cart.rs", 0, false),
            ("src/none.rs", 1, false),
            ("src", 1, false),
            ("../outside.rs", 1, false),
            ("link.rs", 1, false),
            ("/etc/passwd", 1, false),
            ("", 1, false),
        ] {
            let (found, dropped) = checkout.verified(&[CodePlace { file: file.into(), line }]);
            assert_eq!((found.len() == 1, dropped == 0), (is_there, is_there), "{file}:{line}");
        }
        let (found, _) = checkout.verified(&[CodePlace { file: whole, line: 2 }]);
        assert_eq!(found[0].0.file, "src/cart.rs");
        assert!(
            found[0].1.starts_with("lost();") && !found[0].1.contains("hunter2"),
            "{}",
            found[0].1
        );
    }

    #[test]
    fn only_a_folder_outside_of_the_data_directory_is_given_and_the_prompt_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["data/inside", "shop", "sh,op"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::write(root.join("file"), "x").unwrap();
        let data = root.join("data");
        assert_eq!(fit(&root.join("shop"), &data), Ok(root.join("shop")));
        for bad in ["data", "data/inside", "sh,op", "file", "none"] {
            assert!(fit(&root.join(bad), &data).is_err(), "{bad}");
        }
        assert!(fit(Path::new("/"), &data).is_err());
        let asks = Checkout { name: "shop".into(), path: root.join("shop") }.asks();
        assert!(asks.contains(&format!("`shop` at `{}`", root.join("shop").display())), "{asks}");
        assert!(asks.contains("`{\"file\": …, \"line\": …}`"));
    }
}
