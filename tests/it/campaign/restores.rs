//! Backups that are made under load and restored elsewhere and in place, while a server, a program that embeds the engine,
//! agents and a tracker work.
//!
//! In each round both processes of the original work on jobs, on a schedule, on sessions of agents and on scans that file
//! issues. They are copied meanwhile and killed at a random moment. The copy must run once what waited, once more what may run
//! again, and nothing else; what the original told the tracker after the backup must be found there. Every second round the
//! kill comes while the backup is made, and the original goes on by itself beside its copy.

use super::installation::{Installation, World};
use super::{Form, pause};
use crate::support::server::program;
use crate::support::{foreign, until};
use lamplighter::model::Status;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// Kinds whose jobs must not run again where they were cut off.
const ONCE: [&str; 2] = ["once", "agent_session"];
/// Kinds of the server, whose runs are in no ledger.
const UNNOTED: [&str; 2] = ["self_monitoring", "file_findings"];

/// What was seen in the copies.
#[derive(Debug, Default)]
struct Told {
    /// Jobs that waited, or came later: each ran once.
    waited: usize,
    /// Jobs that ran when the backup was made, and ran once more.
    ran_again: usize,
    /// Jobs that ran then, must not run again, and failed.
    failed_once: usize,
    /// Jobs that were over, and stayed so.
    were_over: usize,
    /// Processes of the original that lived on while its copy worked.
    untouched: usize,
    /// Issues that were filed after the backup was made.
    filed_later: usize,
}

/// A job as its row has it. A session that was claimed and whose agent was not started yet has the status `claimed`.
#[derive(Debug)]
struct Row {
    kind: String,
    status: String,
    code: Option<String>,
    interrupted: i64,
    /// The number of a session.
    number: Option<String>,
}

fn rows(data: &Path) -> HashMap<i64, Row> {
    const SQL: &str = "
        SELECT id, kind, error_code, interrupted,
               CASE WHEN status = 'running' AND kind = 'agent_session'
                         AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.job_id = jobs.id)
                    THEN 'claimed' ELSE status END AS status,
               CASE kind WHEN 'agent_session' THEN json_extract(payload, '$.prompt') END AS prompt
        FROM jobs";
    let conn = foreign(data);
    let mut statement = conn.prepare(SQL).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let number: Option<String> = row.get("prompt")?;
        let number = number.map(|prompt| prompt.split(' ').next().unwrap().to_owned());
        let (kind, status, code) = (row.get("kind")?, row.get("status")?, row.get("error_code")?);
        let interrupted = row.get("interrupted")?;
        Ok((row.get("id")?, Row { kind, status, code, interrupted, number }))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// How often a word begins a line of a ledger, at this place of the line.
fn runs(ledger: &Path, begins: &str) -> HashMap<String, usize> {
    let mut runs = HashMap::new();
    for line in fs::read_to_string(ledger).unwrap_or_default().lines() {
        if let Some(rest) = line.strip_prefix(begins) {
            *runs.entry(rest.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
    }
    runs
}

fn db(data: &Path, arguments: &[&str]) -> String {
    let output = program(data).arg("db").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The original and its copies, round by round.
struct Campaign {
    world: World,
    told: Told,
}

impl Campaign {
    /// Restores a backup, starts on it, lets it work, and judges what it ran by what the backup had.
    async fn restored(&mut self, backup: &Path, data: &Path) -> Installation {
        db(data, &["restore", backup.to_str().unwrap()]);
        // What ran before in this place is another story.
        drop(fs::remove_file(data.join("ledger")));
        let before = rows(data);
        let copy = Installation::start(&mut self.world, data).await;
        copy.scan(&self.world).await;
        copy.until_over().await;
        let (after, ledger) = (rows(data), data.join("ledger"));
        let (programs, agents) = (runs(&ledger, "begin "), runs(&copy.agents, ""));
        for (id, is) in &after {
            let runs = match &is.number {
                Some(number) => agents.get(number),
                None => programs.get(&id.to_string()),
            };
            self.judge(*id, (before.get(id), is), runs.copied().unwrap_or_default());
        }
        assert!(before.keys().all(|id| after.contains_key(id)), "a job of the backup is missing");
        let doubled = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE schedule_id IS NOT NULL
                       GROUP BY schedule_id, occurrence_at HAVING count(*) > 1)";
        let doubled: i64 = foreign(data).query_row(doubled, [], |row| row.get(0)).unwrap();
        assert_eq!(doubled, 0, "an occurrence was made twice");
        assert!(db(data, &["check"]).contains("the counts of jobs are right"));
        self.world.check_issues();
        copy
    }

    /// Judges what became of a job in a copy, which ran it so often.
    fn judge(&mut self, id: i64, (was, is): (Option<&Row>, &Row), runs: usize) {
        let (what, told) =
            (format!("job {id}: {was:?} became {is:?}, {runs} runs"), &mut self.told);
        let once = usize::from(!UNNOTED.contains(&&*is.kind));
        match was.map_or("queued", |was| was.status.as_str()) {
            "completed" | "failed" | "cancelled" => {
                assert!(runs == 0 && was.unwrap().status == is.status, "{what}");
                told.were_over += 1;
            }
            "running" if ONCE.contains(&&*is.kind) => {
                assert_eq!((is.status.as_str(), runs), ("failed", 0), "{what}");
                assert_eq!(is.code.as_deref(), Some("JOB-RUN-004"), "{what}");
                told.failed_once += 1;
            }
            "running" => {
                assert_eq!(is.interrupted, was.unwrap().interrupted + 1, "{what}");
                assert!(is.status == "completed" && runs == once, "{what}");
                told.ran_again += 1;
            }
            _ if is.status != "completed" => {
                // The schedule made it just now.
                assert!(was.is_none() && runs <= 1, "{what}");
            }
            // Waiting, or claimed: it has not begun.
            _ => {
                assert_eq!(runs, once, "{what}");
                told.waited += 1;
            }
        }
    }

    /// Makes a backup while everything works. Where `is_killed`, the original is killed meanwhile, and started again.
    async fn backed_up(
        &mut self,
        mut original: Installation,
        backup: &Path,
        is_killed: bool,
    ) -> Installation {
        let (_, go_on, _) = original.hold(&mut self.world).await;
        original.has_problems(&mut self.world).await;
        original.load(&mut self.world).await;
        pause(self.world.moment()).await;
        let mut making = program(&original.data);
        making.args(["db", "backup"]).arg(backup).stdout(Stdio::null());
        let (mut making, issues) = (making.spawn().unwrap(), self.world.titles().len());
        if is_killed {
            pause(self.world.moment() / 10).await;
            let data = original.leave(true).await;
            original = Installation::start(&mut self.world, &data).await;
        }
        original.load(&mut self.world).await;
        assert!(making.wait().unwrap().success(), "the backup");
        fs::write(go_on, "").unwrap();
        original.until_over().await;
        self.told.filed_later += self.world.titles().len() - issues;
        original
    }

    /// Restores a backup while the original works, of which nothing is touched.
    async fn elsewhere(&mut self, original: &mut Installation, backup: &Path) {
        let (held, go_on, agent) = original.hold(&mut self.world).await;
        let pids = [original.server().id(), original.program().pid(), agent];
        let data = self.world.folder.join("elsewhere");
        let copy = self.restored(backup, &data).await;
        for pid in pids {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            assert!(!state.is_empty() && !state.contains(") Z "), "process {pid} of the original");
            self.told.untouched += 1;
        }
        copy.leave(false).await;
        fs::write(go_on, "").unwrap();
        // Its agent has lived through all that, and ends well.
        let ended = until(&original.store, held, |job| job.status.is_final()).await;
        assert_eq!(ended.status, Status::Completed, "{:?}", ended.error);
        fs::remove_dir_all(&data).unwrap();
    }

    async fn round(&mut self, original: Installation, round: usize) -> Installation {
        let backup = self.world.folder.join(format!("backup-{round}"));
        let mut original = self.backed_up(original, &backup, round % 2 == 1).await;
        self.elsewhere(&mut original, &backup).await;
        let issues = self.world.titles().len();
        original.has_problems(&mut self.world).await;
        original.load(&mut self.world).await;
        pause(self.world.moment()).await;
        let data = original.leave(true).await;
        self.told.filed_later += self.world.titles().len() - issues;
        let original = self.restored(&backup, &data).await;
        for entry in fs::read_dir(&data).unwrap().map(Result::unwrap) {
            if entry.file_name().to_str().unwrap().starts_with("replaced-") {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        fs::remove_dir_all(backup).unwrap();
        original
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_backups_under_load_restored_elsewhere_and_in_place_run_and_file_nothing_twice() {
    let rounds = if Form::of_this_run().is_long { 50 } else { 3 };
    let (folder, begun) = (tempfile::tempdir().unwrap(), Instant::now());
    let mut campaign = Campaign { world: World::new(folder.path()), told: Told::default() };
    let mut original = Installation::first(&mut campaign.world).await;
    for at in 0..rounds {
        original = campaign.round(original, at).await;
    }
    original.leave(false).await;
    let (told, restores, took) = (campaign.told, rounds * 2, begun.elapsed());
    println!("{rounds} rounds, {restores} restores in {took:?}, counts equal a recount: {told:#?}");
    println!("{} problems have one issue each", campaign.world.problems);
    assert!(told.ran_again > 0 && told.failed_once > 0, "jobs ran when the backups were made");
    assert!(told.filed_later > 0, "the backups knew every issue");
}
