//! The supervisor: one process per run, which owns the run's tree and is gone only after it.

use super::command::Running;
use super::course::{Bounds, Course};
use super::making::Making;
use super::pipes::{Happening, Pipes};
use super::table::{self, Table};
use super::wall::inside::Called;
use super::watch::{self, Watch};
use super::wire::{self, Order, Started};
use super::{Ended, Exit, Reason, command};
use crate::error::{Code, Error, Result, ignore};
use crate::model::Process;
use rustix::io::Errno;
use rustix::process::{self, Pid, Signal, WaitOptions, WaitStatus};
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// How long after the first KILL a process counts as one that cannot be ended.
const LINGERS: Duration = Duration::from_secs(3);

/// Makes this process a supervisor: it takes an order from standard input, reports on standard output, and returns when no
/// process of the run is left.
///
/// A process that does nothing else calls this from its main thread, on a runtime that drives that thread (`block_on`),
/// because it changes how the whole process treats signals and children.
///
/// In a sandbox the same subcommand is called with more words, and then opens the way through the network wall.
pub async fn supervise() -> Result<()> {
    if let Some(called) = Called::of(std::env::args_os()) {
        return called.act().await;
    }
    let failed = |error| Error::new(Code::AgentStart, "become a supervisor").because(error);
    let mut ears = Ears::open().map_err(failed)?;
    become_supervisor().map_err(failed)?;
    let mut pipes = Pipes::open().map_err(failed)?;
    let Some((wire::ORDER, order)) = pipes.receive().await? else { return Ok(()) };
    let Some((wire::STDIN, input)) = pipes.receive().await? else { return Ok(()) };
    let order: Order = wire::read_json(&order)?;
    match Supervised::start(&order, input, &mut pipes) {
        Ok(supervised) => supervised.run(&mut pipes, &mut ears).await,
        Err(error) => pipes.send(&wire::frame(wire::FAILED, error.to_string().as_bytes())),
    }
    pipes.flush().await;
    Ok(())
}

/// What the kernel tells a supervisor.
struct Ears {
    /// A child has ended.
    children: Signals,
    asked: Asked,
}

/// Somebody asks a supervisor to end.
struct Asked {
    terminate: Signals,
    interrupt: Signals,
    hangup: Signals,
}

impl Ears {
    fn open() -> io::Result<Self> {
        Ok(Self {
            children: signal(SignalKind::child())?,
            asked: Asked {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            },
        })
    }
}

impl Asked {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

fn become_supervisor() -> io::Result<()> {
    // The parent of the server may have left descriptors open; a run must not inherit them.
    close_fds::set_fds_cloexec(3, &[]);
    match process::setsid() {
        // The process leads its group already: a person has typed the subcommand.
        Ok(_) | Err(Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    process::set_child_subreaper(Some(process::getpid()))?;
    // The second sign that the server is gone; the end of the pipe is the first.
    process::set_parent_process_death_signal(Some(Signal::TERM))?;
    Table::read().map(drop)
}

/// A run, as its supervisor sees it.
struct Supervised {
    main: Process,
    wrapped: bool,
    exit: Option<Exit>,
    /// The sandbox, until it is made.
    making: Making,
    course: Course,
    /// Lines with these texts are no sign of life.
    heartbeats: Vec<String>,
    watch: Watch,
    /// What outlived the main process.
    leftovers: HashSet<(u32, u64)>,
    /// What the last KILL has met.
    killed: HashSet<(u32, u64)>,
    /// What lives after the last KILL was sent.
    alive: HashSet<(u32, u64)>,
    /// When the first KILL was sent.
    killed_at: Option<Instant>,
    /// Whether it was told that processes live on.
    is_told: bool,
}

impl Supervised {
    fn start(order: &Order, input: Vec<u8>, pipes: &mut Pipes) -> io::Result<Self> {
        watch::limit(order.resources)?;
        let started = watch::first_to_go(|| command::child(order))?;
        let Running { mut child, stdout, stderr } = started;
        let main = table::process(child.id());
        if let Err(error) = pipes.connect(child.stdin.take(), (stdout, stderr), input) {
            child.kill()?;
            return Err(error);
        }
        let Order { wall, idle, output, grace, wrapped, .. } = *order;
        let now = Instant::now();
        let course = Course::new(Bounds { wall, idle, output, grace }, now);
        let temporary = order.env.get("TMPDIR").map(PathBuf::from);
        let folders = [order.working_dir.clone()].into_iter().chain(temporary).collect();
        let watch = Watch::new(order.resources, folders, now);
        let supervised = Self {
            main,
            wrapped,
            exit: None,
            making: Making::begin(!wrapped),
            course,
            heartbeats: order.heartbeats.clone(),
            watch,
            leftovers: HashSet::new(),
            killed: HashSet::new(),
            alive: HashSet::new(),
            killed_at: None,
            is_told: false,
        };
        if supervised.making.is_made() {
            supervised.begun(pipes);
        }
        Ok(supervised)
    }

    /// The run's program has begun: what comes on both its pipes is its own.
    fn begun(&self, pipes: &mut Pipes) {
        pipes.hear_stdout();
        let Process { pid, start } = self.main.clone();
        pipes.send(&wire::json_frame(wire::STARTED, &Started { pid, start }));
    }

    /// Waits for the end of the run, or brings it about.
    async fn run(mut self, pipes: &mut Pipes, ears: &mut Ears) {
        loop {
            let was_full = pipes.is_full();
            let wake = self.course.next().into();
            let look = self.watch.next().into();
            // The order matters: a flood of output must not hide the other events.
            let told = tokio::select! {
                biased;
                _ = ears.children.recv() => {
                    let (told, any_left) = self.reap();
                    if !any_left {
                        break;
                    }
                    told
                }
                () = ears.asked.recv() => self.course.end(Reason::Stopped, Instant::now()),
                () = tokio::time::sleep_until(wake) => {
                    self.excuse(was_full);
                    self.course.on_time(Instant::now())
                }
                () = tokio::time::sleep_until(look) => {
                    let now = Instant::now();
                    self.watch.on_time(now).and_then(|reason| self.course.kill(reason, now))
                }
                happening = pipes.next() => {
                    self.excuse(was_full);
                    self.happened(happening, pipes)
                }
            };
            if let Some(told) = told {
                self.signal(told);
                self.tell_lingering(pipes);
            }
        }
        while let Some((letter, bytes)) = pipes.rest().await {
            self.deliver(letter, &bytes, pipes);
            pipes.flush().await;
        }
        if self.making.is_made() {
            pipes.send(&wire::json_frame(wire::ENDED, &self.ended()));
        } else {
            pipes.send(&wire::frame(wire::FAILED, self.making.why_not(self.exit).as_bytes()));
        }
    }

    /// Leaves the time in which nobody took the output out of the idle time.
    fn excuse(&mut self, was_full: bool) {
        if was_full {
            self.course.blocked(Instant::now());
        }
    }

    fn happened(&mut self, happening: Happening, pipes: &mut Pipes) -> Option<Signal> {
        match happening {
            Happening::Stop => self.course.end(Reason::Stopped, Instant::now()),
            Happening::ServerGone => self.course.end(Reason::ServerGone, Instant::now()),
            Happening::Output(letter, bytes) => self.deliver(letter, &bytes, pipes),
            Happening::Moved => None,
        }
    }

    fn deliver(&mut self, letter: u8, bytes: &[u8], pipes: &mut Pipes) -> Option<Signal> {
        let mut bytes = bytes;
        if !self.making.is_made() {
            bytes = self.making.hear(bytes)?;
            self.begun(pipes);
        }
        let is_sign = is_sign(bytes, &self.heartbeats);
        let (allowed, told) = self.course.output(bytes.len(), is_sign, Instant::now());
        if allowed > 0 {
            pipes.send(&wire::frame(letter, &bytes[..allowed]));
        }
        told
    }

    /// Asks every child that has ended how it did. Answers what to send to the others, and whether there are any.
    fn reap(&mut self) -> (Option<Signal>, bool) {
        let mut told = None;
        loop {
            match process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid.as_raw_pid().cast_unsigned() == self.main.pid => {
                    self.exit = exit(status);
                    told = self.course.main_ended(Instant::now());
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return (told, true),
                Err(_) => return (None, false),
            }
        }
    }

    /// Sends a signal to every process of the tree; INT to the program alone.
    ///
    /// A child of this process keeps its number until this process asks how it ended, and this process does not ask
    /// while it signals. So the number of a child that leads its group surely names that group.
    fn signal(&mut self, signal: Signal) {
        if signal == Signal::KILL {
            self.killed_at.get_or_insert_with(Instant::now);
            self.kill_main();
        }
        // If `/proc` cannot be read now, the next look comes with the KILL or its repetition.
        let Ok(table) = Table::read() else { return };
        let own = std::process::id();
        let (mut hit, mut alive) = (HashSet::new(), HashSet::new());
        // The first process inside is `bwrap`, which ignores INT and TERM; its children come after it.
        let mut has_met = false;
        let program = self.program(&table);
        for entry in table.descendants([own]) {
            // The end of `bwrap` would end those inside before they had their grace.
            let is_wrapper = self.wrapped && entry.pid == self.main.pid;
            if is_wrapper && signal != Signal::KILL {
                continue;
            }
            if signal == Signal::INT {
                if program.contains(&entry.group) && entry.signal(signal).unwrap_or(false) {
                    has_met |= !entry.is_over && (!self.wrapped || entry.parent != self.main.pid);
                }
                continue;
            }
            if entry.parent == own && entry.group == entry.pid {
                // The signal goes to the whole group at once, so it also hits what the group forks meanwhile. An empty group is no error.
                let group = i32::try_from(entry.pid).ok().and_then(Pid::from_raw);
                group.and_then(|group| process::kill_process_group(group, signal).ok());
            }
            if !entry.is_over {
                alive.insert((entry.pid, entry.start));
            }
            // A process that cannot be signalled now gets the next KILL.
            if entry.signal(signal).unwrap_or(false) && !entry.is_over {
                hit.insert((entry.pid, entry.start));
                let is_inside = entry.parent != self.main.pid && entry.pid != self.main.pid;
                has_met |= !self.wrapped || is_inside;
            }
        }
        if signal != Signal::KILL && !has_met && self.exit.is_none() {
            self.course.met_nobody(Instant::now());
        }
        if self.is_leftover() {
            self.leftovers.extend(&hit);
        }
        if signal == Signal::KILL {
            // If the tree is there but the table shows no process of it, the processes fork faster than the table is read.
            if alive.is_empty() || !hit.is_subset(&self.killed) {
                self.course.met_new(Instant::now());
            }
            (self.killed, self.alive) = (hit, alive);
        }
    }

    /// Says once which processes live on although they were killed seconds ago: they hang in the kernel, or are another
    /// user's.
    fn tell_lingering(&mut self, pipes: &mut Pipes) {
        let is_late = self.killed_at.is_some_and(|at| at.elapsed() >= LINGERS);
        if is_late && !self.alive.is_empty() && !self.is_told {
            self.is_told = true;
            let pids: Vec<u32> = self.alive.iter().map(|(pid, _)| *pid).collect();
            pipes.send(&wire::json_frame(wire::LINGERING, &pids));
        }
    }

    /// Kills the main process with its group, before the table is read: that takes long while processes fork without end,
    /// and most of them are of this group, or end with `bwrap`.
    ///
    /// Until this process has asked how the main one ended, its number names nobody else.
    fn kill_main(&self) {
        let main = i32::try_from(self.main.pid).ok().and_then(Pid::from_raw);
        if let Some(main) = main.filter(|_| self.exit.is_none()) {
            let killed = process::kill_process_group(main, Signal::KILL);
            let killed = killed.or_else(|_| process::kill_process(main, Signal::KILL));
            ignore(killed, "what the table shows is killed after this");
        }
    }

    /// The groups of the program, to which a terminal would send INT. Its tools have groups of their own, so that the
    /// program learns of the interrupt first.
    fn program(&self, table: &Table) -> HashSet<u32> {
        if !self.wrapped {
            return HashSet::from([self.main.pid]);
        }
        // Outside is `bwrap`, inside `bwrap` again as the first process, and the program is the child of that.
        let children = |parents: &[u32]| {
            let children = table.all().filter(|entry| parents.contains(&entry.parent));
            children.map(|entry| (entry.pid, entry.group)).unzip::<u32, u32, Vec<_>, HashSet<_>>()
        };
        let (inner, _) = children(&[self.main.pid]);
        children(&inner).1
    }

    fn is_leftover(&self) -> bool {
        !self.wrapped && self.course.reason() == Some(Reason::Exited)
    }

    fn ended(&self) -> Ended {
        let reason = match self.course.reason() {
            None | Some(Reason::Exited) if self.exit.is_some_and(wrote_too_large_a_file) => {
                Reason::DiskLimit
            }
            reason => reason.unwrap_or(Reason::Exited),
        };
        Ended {
            exit: self.exit,
            reason,
            leftovers: self.leftovers.len() as u32,
            wall: self.course.age(Instant::now()),
            cpu: table::children_cpu(),
        }
    }
}

/// Whether the program ended by the signal with which the kernel refuses to let a file grow; in the sandbox `bwrap` tells it
/// as a shell does.
fn wrote_too_large_a_file(exit: Exit) -> bool {
    let signal = Signal::XFSZ.as_raw();
    exit == Exit::Signal(signal) || exit == Exit::Code(128 + signal)
}

fn exit(status: WaitStatus) -> Option<Exit> {
    let code = status.exit_status().map(Exit::Code);
    code.or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Whether this output shows that the program goes on, rather than that it waits. A program writes a line at once.
fn is_sign(bytes: &[u8], heartbeats: &[String]) -> bool {
    let is_heartbeat = |line: &[u8]| {
        heartbeats.iter().any(|text| line.windows(text.len()).any(|piece| piece == text.as_bytes()))
    };
    heartbeats.is_empty()
        || bytes.split(|byte| *byte == b'\n').any(|line| !line.is_empty() && !is_heartbeat(line))
}
