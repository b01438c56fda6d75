//! Gathers the front-end files that the binary embeds (feature `web`).
//!
//! They come from the package's own `assets/dist` if it is there, as in a published crate; else from a cache in the
//! target folder, named after the lock file's hash, which `npm ci --ignore-scripts` fills once. Nothing is ever written
//! into the source tree, and no build contacts anything once the cache is filled.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What is gathered: the package's path of each file, and its name here.
const FILES: &[(&str, &str)] = &[
    // The checks of the pages' tests; nothing embeds it.
    ("axe-core/axe.min.js", "axe.js"),
    ("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", "inter.woff2"),
    ("@fontsource-variable/inter/LICENSE", "inter-license.txt"),
    (
        "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
        "mono.woff2",
    ),
    ("@fontsource-variable/jetbrains-mono/LICENSE", "mono-license.txt"),
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("htmx-ext-sse/dist/sse.min.js", "sse.js"),
];

/// The folder of the icons in their package, and the icons that are embedded.
const ICONS: &str = "@tabler/icons/icons/outline";
const ICON_NAMES: &[&str] = &[
    "activity-heartbeat",
    "alert-circle",
    "alert-triangle",
    "ban",
    "calendar-clock",
    "check",
    "circle-check",
    "circle-dotted",
    "circle-half-2",
    "circle-x",
    "clock",
    "copy",
    "file-text",
    "filter",
    "git-branch",
    "git-pull-request",
    "info-circle",
    "inbox",
    "keyboard",
    "layout-dashboard",
    "list-details",
    "lock",
    "logout",
    "menu-2",
    "player-pause",
    "player-play",
    "plus",
    "robot",
    "search",
    "search-off",
    "settings",
    "stack-2",
    "sun-moon",
    "x",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets/package-lock.json");
    if env::var_os("CARGO_FEATURE_WEB").is_none() {
        return;
    }
    let assets =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("assets");
    let packed = assets.join("dist");
    let dist = if packed.is_dir() {
        // Named only where it is: Cargo takes an input that does not exist for changed, and compiles the crate anew each time.
        println!("cargo::rerun-if-changed=assets/dist");
        packed
    } else {
        cached(&assets)
    };
    println!("cargo::rustc-env=LAMPLIGHTER_ASSETS={}", dist.display());
}

/// The cache, filled if need be.
fn cached(assets: &Path) -> PathBuf {
    let lock = fs::read(assets.join("package-lock.json")).expect("read assets/package-lock.json");
    let mut hasher = DefaultHasher::new();
    (lock, FILES, ICON_NAMES).hash(&mut hasher);
    let dist = target_folder().join(format!("lamplighter-assets-{:016x}", hasher.finish()));
    if !dist.is_dir() {
        // Filled beside and renamed, so that a build that was cut off leaves no half-filled cache.
        let draft = dist.with_extension(format!("{}.new", std::process::id()));
        fill(assets, &draft);
        if fs::rename(&draft, &dist).is_err() {
            // Another build was quicker; its files are the same.
            assert!(dist.is_dir(), "could not move the front-end files to {}", dist.display());
            fs::remove_dir_all(&draft).expect("remove the draft of the front-end files");
        }
    }
    dist
}

/// The folder that Cargo marks as its own; it holds `OUT_DIR`.
fn target_folder() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let target = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(&out).to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a build script has no other module for it")]
fn fill(assets: &Path, draft: &Path) {
    let work = draft.join("npm");
    fs::create_dir_all(&work).expect("make a folder for the front-end packages");
    for file in ["package.json", "package-lock.json"] {
        fs::copy(assets.join(file), work.join(file)).expect("copy the lock file");
    }
    let npm = Command::new("npm")
        .args(["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&work)
        .output();
    match npm {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "\n\n`npm ci` could not fetch the front-end packages of the admin pages:\n{}\n\
             Check the network and run the build again, or build without the pages: --no-default-features\n",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!(
            "\n\nThe admin pages need npm once, to fetch their front-end packages ({error}).\n\
             Install Node.js 20 or later with npm (Debian: apt-get install npm), or build without the \
             pages: --no-default-features\n"
        ),
    }
    let icons =
        ICON_NAMES.iter().map(|name| (format!("{ICONS}/{name}.svg"), format!("icon-{name}.svg")));
    let files = FILES.iter().map(|(package, name)| ((*package).to_owned(), (*name).to_owned()));
    for (package, name) in files.chain(icons) {
        fs::copy(work.join("node_modules").join(&package), draft.join(name))
            .unwrap_or_else(|error| panic!("copy {package}: {error}"));
    }
    fs::remove_dir_all(&work).expect("remove the fetched packages");
}
