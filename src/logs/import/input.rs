//! What is imported: a file, or what a pipe brings.

use super::packed::{self, Packing};
use crate::error::{Code, Error, Result};
use crate::model::Timestamp;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Endings of the names of packed files.
const PACKED: [&str; 8] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".bzip2", ".Z", ".xz"];

/// A log to be imported.
#[expect(missing_debug_implementations, reason = "what it reads from has none")]
pub struct Input {
    /// What it is called where somebody reads of it.
    pub(super) name: String,
    /// The source of rows whose lines name none.
    pub(super) source: String,
    /// The instant of rows whose lines have none.
    pub(super) time: Timestamp,
    pub(super) packing: Packing,
    pub(super) text: Box<dyn Read + Send>,
    /// Bytes as they lie in the file; `None`: nobody knows yet.
    pub(super) length: Option<u64>,
    pub(super) read: Arc<AtomicU64>,
}

impl Input {
    /// A file.
    ///
    /// # Errors
    /// `INPUT-FILE-001` if there is none, `-002` if this user may not read it, `LOGS-INPUT-001` if it cannot be read for another
    /// reason.
    pub fn file(path: &Path, now: Timestamp) -> Result<Self> {
        let failed = |error: io::Error| {
            let code = Code::of_input(error.kind(), Code::LogInput);
            Error::new(code, format!("open {}", path.display())).because(error)
        };
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if about.is_dir() {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder");
            return Err(failed(error));
        }
        let length = about.is_file().then_some(about.len());
        let (name, time) = (path.display().to_string(), written(&about).unwrap_or(now));
        Self::open(name, source_of(path), file, time, length).map_err(failed)
    }

    /// Standard input. Its rows are of the source `stdin` unless another is named.
    ///
    /// # Errors
    /// `LOGS-INPUT-001` if it cannot be read.
    pub fn stdin(now: Timestamp) -> Result<Self> {
        let (name, source) = ("standard input".to_owned(), "stdin".to_owned());
        Self::open(name, source, io::stdin(), now, None)
            .map_err(|error| Error::new(Code::LogInput, "read standard input").because(error))
    }

    fn open(
        name: String,
        source: String,
        bytes: impl Read + Send + 'static,
        time: Timestamp,
        length: Option<u64>,
    ) -> io::Result<Self> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { bytes, read: Arc::clone(&read) };
        let (packing, text) = packed::unpacked(counted)?;
        Ok(Self { name, source, time, packing, text, length, read })
    }

    /// What it is called where somebody reads of it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn written(about: &Metadata) -> Option<Timestamp> {
    let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(since.as_millis() as i64))
}

/// What rows are named after: `app` for `app.log`, `app.log.2.gz` and `app.log-20261121.zst`.
fn source_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut name = &*name;
    for ending in PACKED {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    let count = |b: char| b.is_ascii_digit() || matches!(b, '-' | '_' | '.' | 'T' | ':');
    let rotated = name.trim_end_matches(count);
    let is_count = name[rotated.len()..].starts_with(['.', '-', '_']);
    if is_count && rotated.contains('.') {
        name = rotated;
    }
    let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "import".into())
}

/// Counts what is read of the file.
struct Counted<R> {
    bytes: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_after_the_log_and_not_after_its_rotation() {
        for (name, source) in [
            ("app.log", "app"),
            ("/var/log/app.log.2.gz", "app"),
            ("app.log-20261121.zst", "app"),
            ("app.log.2026-11-21_05", "app"),
            ("syslog", "syslog"),
            ("syslog.1", "syslog"),
            ("v2.log", "v2"),
            ("2026-11-21", "2026-11-21"),
            ("shop.json.bz2", "shop"),
        ] {
            assert_eq!(source_of(Path::new(name)), source, "{name}");
        }
    }
}
