//! Appending whole logs to the log database, each of their events once.
//!
//! A log is known by its text (`known`): imported again, under another name, packed or through a pipe, it adds what is new. It is read in
//! slices, each stored in one transaction with the mark that says so, so that a killed import goes on where it was.

mod input;
mod known;
mod named;
mod packed;
mod refuse;
mod slices;

pub use input::Input;
pub use named::{named_logs, not_all};

use super::read::{Decoder, Defaults, Learned};
use super::stream::MAX_LEARNED;
use crate::error::{Code, Error, Result};
use crate::model::{Level, LogRules, Timestamp};
use crate::store::LogStore;
use known::{Known, start};
use packed::Packing;
use sha2::{Digest, Sha256};
use slices::{Batch, Slicer};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes read at a time.
const MAX_READ: usize = 256 * 1024;

/// How logs are imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The source of rows whose lines name none; `None`: the file's name without its endings.
    pub source: Option<String>,
    /// The zone of times that name none, as the IANA calls it; `None`: UTC.
    pub zone: Option<String>,
    /// A regular expression: a line that fits it begins an event, every other line goes on with the event before; `None`: the
    /// reader judges by what the lines are.
    pub begins: Option<String>,
    /// Imports what was imported before, too.
    pub again: bool,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that were stored.
    pub rows: u64,
    /// Those of each level, in the order of [`Level::ALL`].
    pub by_level: [u64; Level::ALL.len()],
    /// Lines with bytes that are not text. What could be read of them is in the rows.
    pub unread: u64,
    /// Rows of this log that were there before.
    pub known: u64,
    /// The name under which it was imported before.
    pub known_as: Option<String>,
    /// The import before was cut off; this one went on after what is known.
    pub was_cut_off: bool,
}

impl Imported {
    /// Rows of level warning or worse that were stored.
    pub fn grave(&self) -> u64 {
        let levels = Level::ALL.iter().zip(self.by_level);
        levels.filter(|(level, _)| **level >= Level::Warning).map(|(_, rows)| rows).sum()
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct ImportProgress {
    /// Rows that were stored.
    pub rows: u64,
    /// Bytes of the file that were read.
    pub read: u64,
    /// Bytes that it has; `None` for a pipe.
    pub length: Option<u64>,
}

/// Appends every event of `file` to `logs`, without the secrets in it, unless an earlier import has done so. UTF-8 and UTF-16 are
/// read, also packed; bytes that are neither become replacement characters, and their lines are counted; of a line over 1 MiB the rest is left out. A line
/// without a time gets the file's own.
///
/// # Errors
/// Those of [`Input::file`] and of [`import_input`].
pub async fn import(file: &Path, logs: &LogStore, now: Timestamp) -> Result<Imported> {
    let input = Input::file(file, now)?;
    let (imported, failed) = import_input(input, ImportOptions::default(), logs, |_| ()).await;
    failed.map_or(Ok(imported), Err)
}

/// The same for any input. What was stored before an error stays, and is told with it: the next import goes on there. Says after each piece
/// how far it is.
///
/// The errors are `JOB-VALUE-001` for a zone that there is not and for an expression that is none, `LOGS-INPUT-001` if the input cannot be read on, `-002` if it is not text, `-003` if it is packed
/// and damaged or cut short, and those of the log database.
pub async fn import_input(
    input: Input,
    options: ImportOptions,
    logs: &LogStore,
    progress: impl FnMut(ImportProgress) + Send + 'static,
) -> (Imported, Option<Error>) {
    let (logs, handle, name) = (logs.clone(), Handle::current(), input.name.clone());
    let run = move || {
        let Input { name, source, time, packing, text, length, read } = input;
        let rules = match LogRules::new(options.zone.as_deref(), options.begins.as_deref()) {
            Ok(rules) => rules,
            Err(error) => return (Imported::default(), Some(error)),
        };
        let source = options.source.unwrap_or(source);
        let defaults = Defaults::new(source, time.to_string()).ruled(rules);
        let log = Log { name, packing, text, defaults };
        let work = Import {
            store: Storing { logs, handle, again: options.again, pending: None },
            imported: Imported::default(),
            length,
            read,
            hash: Sha256::new(),
            failed: None,
        };
        work.run(log, progress)
    };
    match spawn_blocking(run).await {
        Ok(done) => done,
        Err(error) => {
            let failed = Error::new(Code::LogInput, format!("import {name}")).because(error);
            (Imported::default(), Some(failed))
        }
    }
}

/// A log whose text is to be read.
struct Log {
    name: String,
    packing: Packing,
    text: Box<dyn Read + Send>,
    defaults: Defaults,
}

/// A log that is being imported, on a thread that may wait.
struct Import {
    store: Storing,
    imported: Imported,
    length: Option<u64>,
    read: Arc<AtomicU64>,
    /// The text so far.
    hash: Sha256,
    /// What the database said while a piece was read.
    failed: Option<Error>,
}

/// How far a text is known.
enum Stage {
    /// All of it, so far.
    Known(Box<Known>),
    /// From here on it is new.
    New(Box<Slicer>),
}

impl Import {
    fn run(
        mut self,
        mut log: Log,
        mut progress: impl FnMut(ImportProgress),
    ) -> (Imported, Option<Error>) {
        let ended = self.import(&mut log, &mut progress);
        let stored = self.store.settle(&mut self.imported);
        (self.imported, ended.and(stored).err())
    }

    fn import(&mut self, log: &mut Log, progress: &mut impl FnMut(ImportProgress)) -> Result<()> {
        let mut piece = vec![0; MAX_READ];
        // The first piece is what the reader learns from.
        let (read, mut ended) = fill(&mut log.text, &mut piece, MAX_LEARNED);
        if let Some(why) = refuse::no_text(&piece[..read]) {
            return Err(Error::new(Code::LogNoText, format!("import {}: it {why}", log.name)));
        }
        let mut reading = self.begin(log, &piece[..read])?;
        let mut decoder = Decoder::default();
        let mut read = read;
        loop {
            decoder.push(&piece[..read], |part, _| self.part(&mut reading, part));
            self.failed.take().map_or(Ok(()), Err)?;
            let (rows, length) = (self.imported.rows, self.length);
            progress(ImportProgress { rows, read: self.read.load(Ordering::Relaxed), length });
            if ended.is_some() {
                break;
            }
            (read, ended) = fill(&mut log.text, &mut piece, 1);
        }
        decoder.finish(|part, _| self.part(&mut reading, part));
        self.failed.take().map_or(Ok(()), Err)?;
        self.finish(reading)?;
        match ended {
            Some(Err(error)) => Err(damaged(log, &self.imported, error)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    fn begin(&self, log: &Log, head: &[u8]) -> Result<Reading> {
        let learned = Learned::of(head, &log.defaults.timestamp);
        let start = start(&first_text(head));
        let next =
            if self.store.again { Vec::new() } else { self.store.slices_after(start.clone())? };
        Ok(Reading {
            stage: Stage::Known(Box::new(Known::new(start, next))),
            name: short(&log.name),
            defaults: log.defaults.clone(),
            learned,
        })
    }

    /// Takes a line or a part of one.
    fn part(&mut self, reading: &mut Reading, part: &[u8]) {
        if self.failed.is_some() || part.is_empty() {
            return;
        }
        self.hash.update(part);
        let done = match &mut reading.stage {
            Stage::Known(known) => {
                known.push(part, &self.hash);
                match known.passed() {
                    Some(digest) => self.store.slices_after(digest).map(|next| known.expect(next)),
                    None if known.is_over() => self.go_on(reading),
                    None => Ok(()),
                }
            }
            Stage::New(slicer) => {
                let batch = slicer.push(part, part.len() as u64, &self.hash);
                self.store.save(batch, &mut self.imported)
            }
        };
        self.failed = done.err();
    }

    /// Begins to read what is not known.
    fn go_on(&mut self, reading: &mut Reading) -> Result<()> {
        let Reading { stage, name, defaults, learned } = reading;
        let Stage::Known(known) = stage else { return Ok(()) };
        let empty = Known::new(String::new(), Vec::new());
        let known = std::mem::replace(&mut **known, empty);
        self.take_known(&known);
        self.imported.was_cut_off = known.was_cut_off();
        let base = known.into_base();
        let mut slicer = Slicer::new(&base, name.clone(), defaults.clone(), learned.clone());
        for part in base.held {
            let batch = slicer.push(&part.text, part.length, &part.hash);
            self.store.save(batch, &mut self.imported)?;
        }
        *stage = Stage::New(Box::new(slicer));
        Ok(())
    }

    fn take_known(&mut self, known: &Known) {
        self.imported.known = known.rows();
        self.imported.known_as = known.name().map(str::to_owned);
    }

    fn finish(&mut self, mut reading: Reading) -> Result<()> {
        if let Stage::Known(known) = &mut reading.stage {
            if known.is_whole() {
                let Stage::Known(known) = &reading.stage else { return Ok(()) };
                self.take_known(known);
                return Ok(());
            }
            self.go_on(&mut reading)?;
        }
        if let Stage::New(mut slicer) = reading.stage {
            let batch = slicer.finish();
            self.imported.known += slicer.known();
            self.imported.unread = slicer.unread();
            self.store.save(batch, &mut self.imported)?;
        }
        Ok(())
    }
}

/// A text that is being read.
struct Reading {
    stage: Stage,
    name: String,
    defaults: Defaults,
    learned: Learned,
}

/// The log database, which stores a batch while the next is read.
struct Storing {
    logs: LogStore,
    handle: Handle,
    again: bool,
    pending: Option<Pending>,
}

/// A batch on its way, with the rows of each level.
type Pending = (JoinHandle<Result<bool>>, [u64; Level::ALL.len()]);

impl Storing {
    fn slices_after(&self, digest: String) -> Result<Vec<crate::model::LogSlice>> {
        self.handle.block_on(self.logs.slices_after(digest))
    }

    /// Stores a batch once the one before it is stored.
    fn save(&mut self, batch: Option<Batch>, imported: &mut Imported) -> Result<()> {
        let Some(Batch { rows, slices }) = batch else { return Ok(()) };
        self.settle(imported)?;
        let mut by_level = [0; Level::ALL.len()];
        for row in &rows {
            by_level[row.level as usize] += 1;
        }
        let (logs, again) = (self.logs.clone(), self.again);
        let saving = async move { logs.append_slices(rows, slices, again).await };
        self.pending = Some((self.handle.spawn(saving), by_level));
        Ok(())
    }

    /// Waits for what is on its way.
    fn settle(&mut self, imported: &mut Imported) -> Result<()> {
        let Some((saving, by_level)) = self.pending.take() else { return Ok(()) };
        let rows: u64 = by_level.iter().sum();
        let failed =
            |error: Error| error.while_doing(&format!("import, after {} rows", imported.rows));
        let saved = self.handle.block_on(saving);
        let saved = saved.unwrap_or_else(|error| {
            Err(Error::new(Code::LogWrite, "store log rows").because(error))
        });
        if saved.map_err(failed)? {
            imported.rows += rows;
            for (all, rows) in imported.by_level.iter_mut().zip(by_level) {
                *all += rows;
            }
        } else {
            // Another process imports the same log and was here first.
            imported.known += rows;
        }
        Ok(())
    }
}

/// The beginning of a text, from which its first line is told.
fn first_text(head: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut decoder = Decoder::default();
    let mut take = |part: &[u8], _: usize| text.extend_from_slice(part);
    decoder.push(head, &mut take);
    decoder.finish(&mut take);
    text
}

/// The name of a file without its folders.
fn short(name: &str) -> String {
    let short = Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned());
    short.unwrap_or_else(|| name.to_owned())
}

fn damaged(log: &Log, imported: &Imported, error: io::Error) -> Error {
    let doing = format!("after {} rows, read {}", imported.rows, log.name);
    if log.packing == Packing::None {
        let code = Code::of_input(error.kind(), Code::LogInput);
        return Error::new(code, doing).because(error);
    }
    let doing = format!("{doing}, which is packed with {}", log.packing.as_str());
    Error::new(Code::LogDamaged, doing).because(error)
}

/// Reads a piece of at least so many bytes, unless the input ends, and says how it ended.
fn fill(input: &mut impl Read, piece: &mut [u8], least: usize) -> (usize, Option<io::Result<()>>) {
    let mut filled = 0;
    while filled < least.min(piece.len()) {
        match input.read(&mut piece[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => return (filled, Some(Ok(()))),
            Ok(read) => filled += read,
            Err(error) => return (filled, Some(Err(error))),
        }
    }
    (filled, None)
}
