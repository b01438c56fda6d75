//! What must hold of a database that a crash left: what was acknowledged is there, and nothing is half done.

use crate::support::has_exact_figures;
use lamplighter::model::NewJob;
use lamplighter::store::{OpenMode, Store};
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use tokio::runtime::Runtime;

/// What the process had acknowledged before the crash.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// The numbers that jobs carry, by id.
    jobs: BTreeMap<i64, i64>,
    /// How many jobs each group has that was stored in one call.
    groups: BTreeMap<i64, usize>,
    /// How jobs ended.
    ended: BTreeMap<i64, String>,
}

impl Acknowledged {
    /// What stands in a folder.
    pub(super) fn of(folder: &Path) -> Self {
        let mut said = Self::default();
        said.take(&std::fs::read_to_string(folder.join(super::SAID)).unwrap_or_default());
        said
    }

    /// Takes what the process wrote behind what it had written before, a line each.
    pub(super) fn take(&mut self, text: &str) {
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["enqueued", id, number] => {
                    self.jobs.insert(id.parse().unwrap(), number.parse().unwrap());
                }
                ["group", group, jobs] => {
                    self.groups.insert(group.parse().unwrap(), jobs.parse().unwrap());
                }
                ["ended", id, status] => {
                    self.ended.insert(id.parse().unwrap(), status.to_owned());
                }
                _ => panic!("acknowledged: {line}"),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.groups.len() + self.ended.len()
    }

    /// Opens the store of a folder and looks whether everything acknowledged is there, no call is half done, no key is held
    /// twice, the counts are right, the file is whole, nothing half-made lies beside it, and a job can be stored.
    pub(super) fn holds(&self, folder: &Path, runtime: &Runtime) -> Result<(), String> {
        let store = Store::open(&folder.join("lamplighter.db"), OpenMode::Migrate);
        let store = store.map_err(|error| format!("it does not open: {error}"))?;
        let wrong = runtime.block_on(store.recount());
        let wrong = wrong.map_err(|error| format!("it cannot be counted: {error}"))?;
        if !wrong.is_empty() {
            return Err(format!("counts are wrong: {wrong:?}"));
        }
        self.look(folder).map_err(|error| format!("it cannot be read: {error}"))??;
        let stored =
            runtime.block_on(store.enqueue(NewJob::new(super::kind("late")), super::now()));
        stored.map_err(|error| format!("it takes no job: {error}"))?;
        drop(store);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names = names.map(|name| name.into_string().unwrap());
        names
            .find(|name| name.contains(".new"))
            .map_or(Ok(()), |name| Err(format!("{name} is left")))
    }

    fn look(&self, folder: &Path) -> rusqlite::Result<Result<(), String>> {
        let conn = Connection::open_with_flags(
            folder.join("lamplighter.db"),
            OpenFlags::SQLITE_OPEN_READ_ONLY,
        )?;
        let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if !has_exact_figures(&conn)? {
            return Ok(Err("an end is not in the figures once".into()));
        }
        if whole != "ok" {
            return Ok(Err(format!("it is damaged: {whole}")));
        }
        let mut found = Found::default();
        let mut statement = conn.prepare(
            "SELECT id, status, concurrency_key, payload ->> 'number', payload ->> 'group' FROM jobs",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, status): (i64, String) = (row.get(0)?, row.get(1)?);
            if let Some(key) = row.get::<_, Option<String>>(2)?.filter(|_| status == "running") {
                *found.running.entry(key).or_default() += 1;
            }
            if let Some(group) = row.get(4)? {
                *found.groups.entry(group).or_default() += 1;
            }
            found.jobs.insert(id, (row.get(3)?, status));
        }
        Ok(self.compare(&found))
    }

    fn compare(&self, found: &Found) -> Result<(), String> {
        for (id, number) in &self.jobs {
            match found.jobs.get(id) {
                Some((held, _)) if held == number => {}
                Some((held, _)) => return Err(format!("job {id} is {held}, not {number}")),
                None => return Err(format!("job {id} is lost")),
            }
        }
        for (id, wanted) in &self.ended {
            match found.jobs.get(id) {
                Some((_, status)) if status == wanted => {}
                is => return Err(format!("job {id} was {wanted} and is {is:?}")),
            }
        }
        for (group, wanted) in &self.groups {
            let jobs = found.groups.get(group).copied().unwrap_or_default();
            if jobs != *wanted {
                return Err(format!("group {group} had {wanted} jobs and has {jobs}"));
            }
        }
        // A group of which nobody was told is there or not. Each group's number says how large it is.
        for (group, jobs) in &found.groups {
            if super::size_of(*group) != *jobs {
                return Err(format!("group {group} has {jobs} jobs of {}", super::size_of(*group)));
            }
        }
        match found.running.iter().find(|(_, running)| **running > 1) {
            Some((key, running)) => Err(format!("{running} jobs of the key {key} run")),
            None => Ok(()),
        }
    }
}

#[derive(Default)]
struct Found {
    /// The number and the status, by id.
    jobs: HashMap<i64, (i64, String)>,
    groups: HashMap<i64, usize>,
    /// Running jobs by key.
    running: HashMap<String, usize>,
}
