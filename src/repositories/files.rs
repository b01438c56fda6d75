//! Describes a repository plainly from its files while there is no agent program.

use crate::files;
use crate::model::Description;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files that are looked at: what a repository is written in shows in the first ones.
const MAX_FILES: usize = 20_000;
/// How deep folders are walked.
const MAX_DEPTH: usize = 8;
/// Read of a README at most, in bytes.
const MAX_README: u64 = 64 * 1024;
/// Longest summary, in bytes.
const MAX_SUMMARY: usize = 1_000;
/// Languages that are named.
const MAX_LANGUAGES: usize = 6;

/// Endings of files and the languages they tell.
const LANGUAGES: [(&str, &str); 22] = [
    ("rs", "Rust"),
    ("py", "Python"),
    ("go", "Go"),
    ("js", "JavaScript"),
    ("ts", "TypeScript"),
    ("tsx", "TypeScript"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("c", "C"),
    ("h", "C"),
    ("cpp", "C++"),
    ("cc", "C++"),
    ("cs", "C#"),
    ("rb", "Ruby"),
    ("php", "PHP"),
    ("swift", "Swift"),
    ("scala", "Scala"),
    ("ex", "Elixir"),
    ("sh", "Shell"),
    ("sql", "SQL"),
    ("html", "HTML"),
    ("css", "CSS"),
];
/// Files at the top that tell a tool.
const MANIFESTS: [(&str, &str); 10] = [
    ("Cargo.toml", "Cargo"),
    ("package.json", "npm"),
    ("pyproject.toml", "Python packaging"),
    ("requirements.txt", "pip"),
    ("go.mod", "Go modules"),
    ("pom.xml", "Maven"),
    ("build.gradle", "Gradle"),
    ("Dockerfile", "Docker"),
    ("docker-compose.yml", "Docker Compose"),
    ("Makefile", "Make"),
];
/// Folders of other people's files.
const FOREIGN: [&str; 5] = [".git", "node_modules", "target", "vendor", "dist"];

/// Describes the repository at `root`. What cannot be read is left out.
pub(super) fn describe(root: &Path) -> Description {
    let mut counts = BTreeMap::new();
    let mut left = MAX_FILES;
    count(root, MAX_DEPTH, &mut left, &mut counts);
    let mut languages: Vec<_> = counts.into_iter().collect();
    languages.sort_by_key(|(language, files)| (std::cmp::Reverse(*files), *language));
    let languages = languages.into_iter().take(MAX_LANGUAGES).map(|(language, _)| language);
    let tools = MANIFESTS.iter().filter(|(file, _)| root.join(file).is_file());
    let technologies = languages.chain(tools.map(|(_, tool)| *tool)).map(str::to_owned).collect();
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let summary = readme(root).unwrap_or_else(|| format!("No README of {name} says what it is."));
    Description { summary, technologies, ..Description::default() }
}

fn count(
    folder: &Path,
    depth: usize,
    left: &mut usize,
    counts: &mut BTreeMap<&'static str, usize>,
) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Links are not followed: they may lead out of the repository, or round in it.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 && !FOREIGN.contains(&name.as_str()) => {
                count(&entry.path(), depth - 1, left, counts);
            }
            Ok(kind) if kind.is_file() => {
                let ending = name.rsplit_once('.').map(|(_, ending)| ending);
                let language = LANGUAGES.iter().find(|(known, _)| Some(*known) == ending);
                if let Some((_, language)) = language {
                    *counts.entry(*language).or_default() += 1;
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The first paragraph of prose in the README.
fn readme(root: &Path) -> Option<String> {
    let names = ["README.md", "README.rst", "README.txt", "README", "readme.md"];
    // A link may lead anywhere.
    let is_file = |path: &PathBuf| path.symlink_metadata().is_ok_and(|file| file.is_file());
    let path = names.iter().map(|name| root.join(name)).find(is_file)?;
    let mut bytes = Vec::new();
    files::open_unlinked(&path).ok()?.take(MAX_README).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let is_prose = |paragraph: &&str| {
        paragraph.trim_start().starts_with(|c: char| c.is_alphanumeric())
            && paragraph.split_whitespace().count() > 4
    };
    let text = text.replace("\r\n", "\n");
    let paragraph = text.split("\n\n").find(is_prose)?;
    let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(words[..words.floor_char_boundary(MAX_SUMMARY)].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_described_by_its_readme_its_languages_and_its_tools() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "README.md",
            "# Lamp\r\n\r\n[badge](x)\r\n\r\nA lamp that is lit\r\nat dusk, every day.\r\n",
        );
        write("Cargo.toml", "");
        write("src/a.rs", "");
        write("src/b.rs", "");
        write("tools/c.py", "");
        write("node_modules/x/y.js", "");
        let description = describe(folder.path());
        assert_eq!(description.summary, "A lamp that is lit at dusk, every day.");
        assert_eq!(description.technologies, ["Rust", "Python", "Cargo"]);
        assert!(describe(Path::new("/nowhere/at/all")).technologies.is_empty());
        let shop = folder.path().join("shop");
        write("shop/README.md", "# Shop\n");
        assert_eq!(describe(&shop).summary, "No README of shop says what it is.");
    }
}
