//! The verdict of a torture, in words for people: what was kept, what the figures are, and what can be said of the disk.

use super::Report;
use super::judge::Findings;
use super::remarks::{Remark, shown};
use crate::model::{counted, grouped};
use std::time::Duration;

/// Columns of a line: the width of a terminal that nobody has widened.
const WIDTH: usize = 80;
/// Where the text of a figure begins.
const FIGURE: usize = 13;
/// Losses and doubles that are shown.
const SHOWN: usize = 5;

/// What is to be thought of the queue on this disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nothing was lost or done twice, and nothing speaks against the disk.
    Kept,
    /// Nothing was lost or done twice, but the disk is one that loses what it confirmed when the power goes, or may be.
    NotProven,
    /// Something acknowledged was lost or done twice, or the database is damaged.
    Broken,
}

impl Ruling {
    /// The word for programs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::NotProven => "not_proven",
            Self::Broken => "broken",
        }
    }

    fn of(found: &Findings, full: &Findings, remarks: &[Remark]) -> Self {
        if !found.is_whole() || !full.is_whole() {
            Self::Broken
        } else if remarks.iter().any(|remark| remark.is_against) {
            Self::NotProven
        } else {
            Self::Kept
        }
    }
}

impl Report {
    /// What is to be thought of the queue on this disk.
    pub(crate) fn ruling(&self) -> Ruling {
        Ruling::of(&self.campaign.findings, &self.campaign.full, &self.remarks)
    }

    /// The sentence that says it.
    pub(crate) fn sentence(&self) -> String {
        let all = &self.campaign;
        match self.ruling() {
            Ruling::Kept => {
                "Kept: nothing that was acknowledged was lost or done twice, and nothing that can be seen of the disk speaks against it.".to_owned()
            }
            Ruling::NotProven => {
                "Not proven: no kill lost anything that was acknowledged or did it twice, but a power cut may on this disk.".to_owned()
            }
            Ruling::Broken => {
                let (lost, doubled) = (
                    all.findings.lost.len() + all.full.lost.len(),
                    all.findings.doubled.len() + all.full.doubled.len(),
                );
                let broken = all.findings.broken.len() + all.full.broken.len();
                format!("Broken: {lost} lost, {doubled} done twice, {broken} other faults. Do not trust this queue on this disk.")
            }
        }
    }

    /// The whole verdict, in lines of 80 columns at most.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = wrapped("", 0, &self.sentence());
        lines.push(String::new());
        for (name, text) in self.figures() {
            lines.extend(wrapped(&format!("  {name}"), FIGURE, &text));
        }
        let wrongs: Vec<&String> = self.wrongs().collect();
        if !wrongs.is_empty() {
            lines.extend([String::new(), "What is wrong:".to_owned()]);
            for wrong in wrongs.iter().take(SHOWN) {
                lines.extend(wrapped("  -", 4, wrong));
            }
            if wrongs.len() > SHOWN {
                lines.push(format!("  and {} more", wrongs.len() - SHOWN));
            }
        }
        lines.extend([
            String::new(),
            "What can be said of the disk, and how sure it is:".to_owned(),
        ]);
        for remark in &self.remarks {
            let mark = format!("  {}", remark.sure.as_str());
            lines.extend(wrapped(&mark, FIGURE, &remark.text));
        }
        lines
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        let (all, found, full) = (&self.campaign, &self.campaign.findings, &self.campaign.full);
        let syncs = self.disk.syncs;
        let held = if found.broken.is_empty() && full.broken.is_empty() {
            "every page, every index and every count is sound"
        } else {
            "not all is sound, as is said below"
        };
        vec![
            ("Folder", self.disk.folder.display().to_string()),
            ("Disk", self.disk_words()),
            (
                "Sync",
                format!(
                    "median {}, 99 of 100 below {}, worst {} ({})",
                    shown(syncs.median),
                    shown(syncs.most),
                    shown(syncs.worst),
                    counted(syncs.count as u64, "write"),
                ),
            ),
            (
                "Kills",
                format!(
                    "{} in {} of {}, seed {}",
                    counted(all.kills, "process"),
                    counted(all.rounds, "round"),
                    seconds(all.length),
                    self.seed
                ),
            ),
            (
                "Jobs",
                format!(
                    "{} acknowledged: {} told as completed, {} as cancelled",
                    grouped(found.enqueued),
                    grouped(found.completed),
                    grouped(found.cancelled)
                ),
            ),
            (
                "Kept",
                format!(
                    "{} lost, {} done twice, of {}",
                    found.lost.len(),
                    found.doubled.len(),
                    counted(found.runs, "run")
                ),
            ),
            (
                "Full disk",
                format!(
                    "{} acknowledged and kept, {} refused, {} of unknown outcome",
                    grouped(full.enqueued - full.lost.len() as u64),
                    grouped(full.refused),
                    grouped(full.unknown)
                ),
            ),
            ("Database", held.to_owned()),
        ]
    }

    fn disk_words(&self) -> String {
        let mount = self.disk.mount.as_ref();
        let mut words = mount.map_or_else(
            || "a file system that is not known".to_owned(),
            |mount| format!("{} on {}", mount.kind, mount.source),
        );
        if let Some(device) = &self.disk.device {
            let mut facts = vec![device.name.clone()];
            facts.extend(device.rotates.map(|rotates| {
                if rotates { "said to rotate" } else { "does not rotate" }.to_owned()
            }));
            facts.extend(device.write_cache.as_ref().map(|cache| format!("cache: {cache}")));
            facts.extend(device.is_virtual.then(|| "virtual".to_owned()));
            words = format!("{words}; {}", facts.join(", "));
        }
        let options = mount.map(|mount| mount.options.join(","));
        options.map_or_else(|| words.clone(), |options| format!("{words}; {options}"))
    }
}

/// `61 s`, `1 h 2 min`
fn seconds(length: Duration) -> String {
    let all = length.as_secs();
    match all {
        0..180 => format!("{all} s"),
        180..7_200 => format!("{} min", all / 60),
        _ => format!("{} h {} min", all / 3_600, all % 3_600 / 60),
    }
}

/// A text behind a mark, in lines of 80 columns at most; further lines begin where the text did. A word that is longer
/// stands on a line of its own.
fn wrapped(mark: &str, indent: usize, text: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), format!("{mark:<indent$}"));
    let mut begins = true;
    // The options of a mount are one long word, which may go on behind each comma.
    for part in text.split_inclusive([' ', ',']) {
        if !begins && line.chars().count() + part.trim_end().chars().count() > WIDTH {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent);
        }
        line.push_str(part);
        begins = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::campaign::Campaign;
    use super::super::disk::{Device, Disk, Syncs};
    use super::super::mounts::Mount;
    use super::super::remarks::remarks;
    use super::*;
    use crate::error::Code;
    use std::path::{Path, PathBuf};

    fn report(line: &str, median: u64, found: Findings) -> Report {
        let micros = Duration::from_micros;
        let syncs = Syncs {
            count: 200,
            median: micros(median),
            most: micros(median * 3),
            worst: micros(median * 10),
        };
        let write_cache = Some("write back".to_owned());
        let device =
            Device { name: "sda1".into(), rotates: Some(false), write_cache, is_virtual: false };
        let disk = Disk {
            folder: PathBuf::from("/var/lib/lamplighter"),
            mount: Mount::of(Path::new("/var/lib/lamplighter"), line),
            upper: None,
            device: Some(device).filter(|_| line.contains("/dev/")),
            syncs,
        };
        let full = Findings { enqueued: 17, refused: 19, unknown: 1, ..Findings::default() };
        let length = Duration::from_secs(61);
        let campaign = Campaign { rounds: 41, kills: 63, length, findings: found, full };
        Report { remarks: remarks(&disk), disk, campaign, seed: 7 }
    }

    const EXT4: &str = "27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro,data=ordered,commit=30,stripe=256,usrquota";
    const TMPFS: &str = "27 1 0:5 / / rw - tmpfs tmpfs rw,size=64k";

    fn whole() -> Findings {
        let counts =
            Findings { enqueued: 12_345, completed: 12_001, cancelled: 222, ..Findings::default() };
        Findings { runs: 12_950, ..counts }
    }

    #[test]
    fn a_verdict_fits_a_terminal_and_says_it_first() {
        let kept = report(EXT4, 3_100, whole());
        let lines = kept.lines();
        assert!(lines[0].starts_with("Kept: nothing that was acknowledged was lost"), "{lines:#?}");
        assert!((15..=25).contains(&lines.len()), "{}: {lines:#?}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        let text = lines.join("\n");
        for words in [
            "  Jobs       12,345 acknowledged: 12,001 told as completed, 222 as cancelled",
            "  Kept       0 lost, 0 done twice, of 12,950 runs",
            "  Kills      63 processes in 41 rounds of 61 s, seed 7",
            "  Sync       median 3.1 ms, 99 of 100 below 9.3 ms, worst 31 ms (200 writes)",
            "  Full disk  17 acknowledged and kept, 19 refused, 1 of unknown outcome",
            "commit=30",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("kills prove the program"), "{text}");
        assert!(kept.judged().is_ok());
    }

    #[test]
    fn what_is_in_memory_or_answers_too_soon_is_never_called_kept() {
        for doubted in [report(TMPFS, 300, whole()), report(EXT4, 2, whole())] {
            assert_eq!(doubted.ruling(), Ruling::NotProven);
            assert!(doubted.sentence().starts_with("Not proven: "));
            let error = doubted.judged().unwrap_err();
            assert_eq!((error.code(), error.class().exit_code()), (Code::DiskDoubtful, 78));
        }
    }

    #[test]
    fn a_loss_goes_before_everything_else_and_is_named() {
        let lost: Vec<String> =
            (1..=7).map(|n| format!("job {n} was acknowledged as stored and is gone")).collect();
        let doubled = vec!["job 9 must not run twice and did".to_owned()];
        for line in [EXT4, TMPFS] {
            let broken = report(
                line,
                3_100,
                Findings { lost: lost.clone(), doubled: doubled.clone(), ..whole() },
            );
            assert_eq!(broken.ruling(), Ruling::Broken);
            assert!(broken.sentence().starts_with("Broken: 7 lost, 1 done twice, 0 other"));
            let text = broken.lines().join("\n");
            assert!(text.contains("  - job 1 was acknowledged as stored and is gone"), "{text}");
            assert!(text.contains("  and 3 more"), "{text}");
            let error = broken.judged().unwrap_err();
            assert_eq!((error.code(), error.class().exit_code()), (Code::DiskLost, 1));
            assert!(error.to_string().contains("Seed 7; job 1 was"), "{error}");
        }
        let damaged = Findings { broken: vec!["STORE-FILE-008".into()], ..whole() };
        assert_eq!(report(EXT4, 3_100, damaged).ruling(), Ruling::Broken);
    }

    #[test]
    fn a_long_text_goes_on_where_it_began_and_a_word_that_is_too_long_stays_whole() {
        assert_eq!(wrapped("  A", 5, "b c"), ["  A  b c"]);
        let lines = wrapped("  A", 5, &format!("{} {} end", "x".repeat(70), "y".repeat(90)));
        assert_eq!(lines[1], format!("     {}", "y".repeat(90)));
        assert_eq!((lines.len(), lines[2].as_str()), (3, "     end"));
        assert_eq!(
            [61, 200, 7_300].map(|s| seconds(Duration::from_secs(s))),
            ["61 s", "3 min", "2 h 1 min"]
        );
    }
}
