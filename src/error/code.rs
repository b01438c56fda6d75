//! Every error code of the program, with its title, its usual cause and what to do about it.
//!
//! A code is `AREA-TOPIC-NNN` and never changes its meaning once released. Warnings and errors reach the log only
//! through [`warn_coded!`](crate::warn_coded) and [`error_coded!`](crate::error_coded), so that each line begins with `[CODE]`.
//!
//! The registry sits on the lowest layer, because [`Error`](super::Error) carries a code and every layer may log.

use super::Class;
use super::registry::codes;

codes! {
    StoreIo: Unavailable = "STORE-IO-001", "The database could not be read or written",
        "The disk, the file's permissions or the file system refused an operation.", "Check that the data directory exists, belongs to this user and that its disk works.";
    StoreForeign: Damaged = "STORE-FILE-001", "The file is not a Lamplighter database",
        "The path names a file of another program.", "Name another file, or move this one away; it was left as it is.";
    StoreNewer: Damaged = "STORE-FILE-002", "The database is of a newer version",
        "A newer lamplighter has migrated this file.", "Use that newer version. To go back, end the server and put the copy that the newer version made before it migrated in the place of the file.";
    StoreOlder: Damaged = "STORE-FILE-003", "The database is of an older version",
        "This lamplighter is newer than the file; only `serve` migrates.", "Start `lamplighter serve` once; it migrates after an automatic backup. An application opens its file with `OpenMode::Migrate`, or runs the new migrations of `schema::engine()`.";
    StorePragma: Internal = "STORE-FILE-004", "The database refused a safety setting",
        "The file system does not offer what SQLite's WAL mode needs, as network file systems do not.", "Put the data directory on a local disk.";
    StoreFirst: Damaged = "STORE-FILE-005", "The database was made by Lamplighter 0.1.0",
        "Version 0.1.0 had other tables, and no version migrates them.", "Use a new data directory: name one with `--data-dir`, or give the old one another name. The old files were left as they are, and version 0.1.0 still reads them.";
    StoreUnfit: Damaged = "STORE-FILE-006", "The application's database lacks a setting that jobs need",
        "Its journal mode is not WAL, or its encoding is not UTF-8.", "Run `PRAGMA journal_mode = WAL` on the file once, while no other program has it open. A database in UTF-16 must be copied into a new one.";
    StoreLost: Damaged = "STORE-FILE-007", "The database file is missing, empty or cut off",
        "Somebody or something removed the file, emptied it or cut its end off. The files beside it, or its own header, show that there was more.", "Put the file back, or a copy of it that was made earlier; docs/operations.md says how. To begin with an empty database, move the files that the message names to another folder first. Nothing was changed.";
    StoreDamaged: Damaged = "STORE-FILE-008", "The database file is damaged",
        "Pages of the file are not what was written there: the disk failed, another program wrote into the file, or files of two databases were mixed.", "Keep the files as they are, and put a copy that was made earlier in their place; docs/operations.md says how. Nothing was written to them.";
    StoreReplaced: Damaged = "STORE-FILE-009", "The database file was removed, replaced or cut off while it was open",
        "Somebody deleted, renamed, replaced or shortened the file or its write-ahead log while a server or a program had it open.", "End every process that has the file open. Put the files back together, or a copy that was made earlier; docs/operations.md says how. Then start the server again.";
    StoreNamesTaken: Damaged = "STORE-TABLE-001", "Names that the job tables need are taken",
        "The database has tables, indexes, triggers or views of another program with these names.", "Rename what the message lists, or keep the jobs in a file of their own. Nothing was written.";
    StoreTablesDiffer: Damaged = "STORE-TABLE-002", "The job tables are not those of this version",
        "A table was dropped or changed, or another build of Lamplighter made the tables.", "Use the Lamplighter that made the tables, or restore a copy of the file. Nothing was written.";
    StoreBusy: Busy = "STORE-BUSY-001", "The database is held by another program",
        "Another process keeps a write transaction open.", "End the transaction of the other program, or try again later; nothing was saved.";
    StoreInUse: Busy = "STORE-BUSY-002", "A process works on the data directory",
        "A server, or a program of yours, leads there or has a database open.", "End it, then try again; nothing was changed.";
    StoreBackup: Damaged = "STORE-BACKUP-001", "The folder is no backup that this version can restore",
        "It is no backup, a file of it is missing or was changed since, or a newer version made it.", "Read in the message which file it is. Name the folder of a whole backup; for one of a newer version use that version. Nothing was changed.";
    StoreFull: Unavailable = "STORE-FULL-001", "The disk is full",
        "No room was found for a write.", "Free some space; nothing acknowledged is lost and writes resume by themselves.";
    StoreOutcomeUnknown: Unknown = "STORE-COMMIT-001", "It is unknown whether the write was saved",
        "The commit itself failed, so the write may or may not be on disk.", "Look whether the change is there before you repeat it.";
    StoreLeaseLost: Conflict = "STORE-LEASE-001", "The lease was lost; nothing was written",
        "The job was rescued, cancelled or claimed again since this worker claimed it.", "You need to do nothing: the newer run of the job counts.";
    StoreConstraint: Internal = "STORE-RULE-001", "The database refused a row that breaks its rules",
        "A CHECK, a unique index or a guard trigger refused the row.", "Nothing was changed. The server's log or the command's output names the rule; if the values were right, report a bug.";
    StoreCorrupt: Damaged = "STORE-ROW-001", "A stored row cannot be read",
        "Another program wrote a value that this version does not know, or a value was damaged inside itself, which SQLite does not see.", "Correct the row that the server's log names.";
    StoreClosed: Unavailable = "STORE-STOP-001", "The database is closed",
        "The server is stopping, or its writer has ended after an error it could not mend.", "Start the server again; nothing acknowledged is lost.";
    StoreWalLarge: Internal = "STORE-WAL-001", "The write-ahead log is growing",
        "A program keeps a read transaction open. Until it ends, nothing that was written since can be moved into the database.", "End the transaction of that program; the write-ahead log then shrinks within seconds.";
    StoreWalFull: Busy = "STORE-WAL-002", "The write-ahead log is at its limit",
        "A program kept a read transaction open while gigabytes were written.", "End the transaction of that program; writes then resume by themselves. Nothing was saved, and reads work.";
    StoreCheckpoint: Internal = "STORE-WAL-003", "The write-ahead log could not be moved into the database",
        "The disk is full, or refused the write.", "Read the cause in the message. Nothing acknowledged is lost, and the server tries again.";
    StoreCounts: Internal = "STORE-COUNT-001", "Counts of jobs differed from the rows",
        "Lamplighter has a bug, or another program changed rows of jobs that were counted.", "The server has corrected the counts. If no other program writes to the database, report the message as a bug.";
    StoreWatch: Internal = "STORE-WATCH-001", "Changes by other programs are noticed late",
        "The kernel refused to watch the database file, or a look at the jobs failed.", "Read the cause in the message. For the kernel's watch, raise fs.inotify.max_user_instances; until then the server looks every 250 ms. A look that failed is made again after a second.";
    StoreChanged: Internal = "STORE-WATCH-002", "Another program changed what only the engine writes",
        "A program wrote to the database by itself, or a value was damaged inside itself, which SQLite does not see.", "You need to do nothing: the message says what was set right. Find the program that writes to the database.";
    StoreInspect: Internal = "STORE-LOOK-001", "The pages of the database could not all be looked at",
        "The file is damaged, or reading it failed.", "Read the cause in the message. The look is made again after a day, and at the next start.";
    ModelInvalid: Invalid = "JOB-VALUE-001", "A value is not valid",
        "A name, a number or a text does not fit its rule.", "Give a value that fits the rule; nothing was changed.";
    QueueFull: TooMany = "JOB-LIMIT-001", "Too many jobs of this kind are waiting",
        "The limit of waiting jobs is reached.", "Wait until some of them have run, then try again; the new job was not saved.";
    JobTooLarge: TooLarge = "JOB-SIZE-001", "The request is too large",
        "A payload has more than 256 KiB, the prompt of a session more than 200 KiB, or a text more than its form takes.", "Put the text of a job into a file, and name the file instead; make any other text shorter.";
    JobUnknown: NotFound = "JOB-ID-001", "There is no such job",
        "The id is wrong, or the job was removed.", "`lamplighter jobs list` shows the jobs, and `lamplighter sessions list` those that are sessions.";
    JobNotFinal: Conflict = "JOB-ID-002", "The job is not over yet",
        "Only a job that is completed, failed or cancelled can be run again or deleted.", "Wait for the end of the job, or cancel it first.";
    JobNotWaiting: Conflict = "JOB-ID-003", "The job does not wait any more",
        "Only a waiting job can be made due or changed; this one runs or is over.", "Cancel the job while it runs, or run it again when it is over.";
    JobFinal: Conflict = "JOB-ID-004", "The job is over already",
        "Only a job that waits or runs can be cancelled; this one has ended.", "`lamplighter jobs show` says how the job ended; a job that is over can be run again or deleted.";
    JobAfterUnknown: Invalid = "JOB-AFTER-001", "A job to run after does not exist",
        "The id is wrong, or the job was removed.", "Name jobs that `lamplighter jobs list` shows; nothing was saved.";
    BatchUnknown: NotFound = "JOB-BATCH-001", "There is no such batch",
        "The id is wrong, or the batch was removed.", "`lamplighter batches list` shows the batches.";
    BatchOver: Conflict = "JOB-BATCH-002", "The batch takes no more jobs",
        "The batch was closed and its jobs are over, it was cancelled, or it has a million jobs.", "Such a batch stays as it is: put further jobs into a new one. Nothing was saved.";
    JobErrorUnknown: NotFound = "JOB-ERROR-001", "There is no such error",
        "No attempt of a job has failed with it, or it was last seen too long ago: the 10,000 errors that were seen last are kept.", "The page Errors lists those that were seen in the last 30 days.";
    Overtaken: Conflict = "WEB-FORM-001", "Somebody else has changed this since you were shown it",
        "The form was opened before that change.", "Look at it as it is now, then save again. Nothing was changed.";
    BulkChanged: Conflict = "JOB-BULK-001", "More jobs fit than were shown",
        "Between the preview and the click further jobs came to fit the query.", "Look at the new preview, then confirm it. Nothing was changed.";
    FilterInvalid: Invalid = "JOB-QUERY-001", "The query cannot be read",
        "The query has an unknown word, or a word has a value that it does not take.", "Correct the query at the column that the message names; put a text that you search for in quotes.";
    IdempotencyConflict: Conflict = "JOB-KEY-001", "The idempotency key belongs to another request",
        "A request with this key but another body was sent before.", "Send the same body to get the first job, or take a new key for a new job.";
    JobWaitOver: TimeUp = "JOB-WAIT-001", "The job is not over yet, and the time to wait for it is",
        "The job waits for its turn, or its work takes longer than the time that was given.", "Wait again, with more time; the job goes on. `lamplighter jobs why ID` says what holds it.";
    JobTimedOut: Internal = "JOB-TIME-001", "A job ran out of time",
        "The handler did not answer within the time limit of the job.", "Find out what the handler was doing; raise the time limit if the work really takes that long.";
    JobIdle: Internal = "JOB-TIME-002", "A job showed no sign of life",
        "The handler reported nothing for longer than the idle limit of its kind.", "Find out what the handler was waiting for; raise the idle limit if such a silence is normal.";
    QueueUnknown: NotFound = "QUEUE-NAME-001", "There is no such queue",
        "No job, kind or setting names this queue.", "`lamplighter queues list` shows the queues.";
    KindUnknown: NotFound = "JOB-KIND-001", "There is no such kind",
        "No running process handles this kind, and there is no job of it.", "The page Kinds lists the kinds whose jobs ended; start the program that handles the kind if the name is right.";
    ScheduleUnknown: NotFound = "SCHED-NAME-001", "There is no such schedule",
        "The name is wrong, or the schedule was removed.", "`lamplighter schedules list` shows the schedules.";
    ScheduleExists: Conflict = "SCHED-NAME-002", "There is a schedule of this name",
        "Another schedule has the name already.", "Choose another name, or change the existing schedule with `lamplighter schedules edit`.";
    ScheduleReserved: Conflict = "SCHED-NAME-003", "This schedule belongs to the settings",
        "The schedule of self-monitoring follows the settings.", "Use `lamplighter settings set self_monitoring.cadence` or `self_monitoring.enabled`.";
    ScheduleUnreadable: Conflict = "SCHED-RULE-001", "A stored schedule cannot be read",
        "Another program wrote a rule, a kind or a policy that this version does not know.", "Give the schedule a kind and a rule with `lamplighter schedules edit`. Until then it makes no jobs; the other schedules go on.";
    ScheduleOver: Invalid = "SCHED-RULE-002", "The rule has no occurrence to come",
        "The instant of the rule is past, or its date never comes.", "Choose a rule that occurs in the future.";
    ScheduleLimit: Conflict = "SCHED-LIMIT-001", "There are too many schedules",
        "The limit of 1,000 schedules is reached.", "Remove some schedules, or let one job do the work of several.";
    HandlerFailed: Internal = "JOB-RUN-001", "A job's handler answered with an error",
        "What the handler works with failed, or it was given something it cannot use.", "Read the cause in the message; the job is tried again while it has attempts left.";
    HandlerPanicked: Internal = "JOB-RUN-002", "A job's handler panicked",
        "The handler of this kind has a bug.", "Report the error of the job to the author of the handler; the server goes on.";
    PoisonPill: Internal = "JOB-RUN-003", "A job was ended because the server died each time it ran",
        "The server's process died several times while this job ran.", "Find out what the job does to the server, then run it again.";
    Interrupted: Internal = "JOB-RUN-004", "A job was interrupted",
        "The process that ran the job stopped or died, and its kind must not run twice.", "Run the job again if its work is still needed.";
    EngineSettle: Internal = "ENGINE-WRITE-001", "The end of a job could not be saved yet",
        "The database refused the write.", "The server tries again every second; the message names the cause.";
    EnginePoll: Internal = "ENGINE-POLL-001", "The poller could not look for work",
        "The database refused the read or the write.", "The server tries again every second; the message names the cause.";
    EnginePrune: Internal = "ENGINE-PRUNE-001", "Old jobs or log rows could not be removed",
        "The database refused, or was busy for too long.", "Read the cause in the message; the server tries again every minute.";
    EngineReplaced: Conflict = "ENGINE-LEAD-001", "Another process leads the engine now",
        "The lock file was deleted, or this process stood still while another one took over.", "You need to do nothing: this process goes on working, and the other one leads.";
    EngineHung: Internal = "ENGINE-LEAD-002", "A server that hung was killed",
        "A signal stopped the process, or handlers blocked all of its threads: for 30 seconds it gave no sign of life.", "Find out what held the process up. Its jobs run in another process.";
    EngineHangs: Internal = "ENGINE-LEAD-003", "A server hangs and cannot be killed",
        "The process belongs to another user or container, or the system is not Linux.", "Kill that process by hand. Its jobs run in another process.";
    EngineLost: Conflict = "ENGINE-LEASE-001", "This process was judged lost; its jobs run elsewhere",
        "The process stood still for 30 seconds: a signal or a debugger stopped it, handlers blocked all of its threads, the database refused its writes, or another program changed what the process had registered.", "You need to do nothing: the process has ended its handlers and works on under a new name. Find out what held it up.";
    EngineBuried: Internal = "ENGINE-LEASE-002", "A process stood still and was judged lost",
        "The process did not say for 30 seconds that it is alive.", "Its jobs run again in another process. If it goes on, it works on by itself; if it hangs, end it and start it again.";
    EngineClock: Internal = "ENGINE-CLOCK-001", "The clock was set back",
        "The machine's clock was ahead for a time; what was written then lies in the future.", "You need to do nothing: schedules count from now on, and what was due stays due. If the clock is wrong now, set it right.";
    EngineSweep: Internal = "ENGINE-SWEEP-001", "What a lost process has left could not be cleared",
        "Processes that a lost worker had started could not be ended.", "The jobs of that worker wait until they are; the engine tries again every second. The message names the cause.";
    EngineKinds: Internal = "ENGINE-KIND-001", "Two processes have registered different rules for a kind",
        "Processes of two versions of a program, or of two programs, run the same kind.", "The newest registration holds. Start both processes from the same version.";
    EngineLimits: Internal = "ENGINE-KIND-002", "Two processes have registered different limits for a queue",
        "Processes of two versions of a program, or of two programs, limit the same queue.", "The newest registration holds. Start both processes from the same version, or set the limit with `lamplighter queues limit`, which holds for all.";
    LogInput: Missing = "LOGS-INPUT-001", "The log file cannot be read",
        "It is a folder, or the disk or the pipe refused to read on.", "Name a log file, or remove the cause that the message names and import the log again: what was read is not imported a second time.";
    LogNoText: Invalid = "LOGS-INPUT-002", "The file is not a log in text",
        "The file begins with bytes that are not text, as archives, databases and programs do.", "Bring the log into text as the message says. Text packed with gzip, zstd or bzip2 is read as it is.";
    LogDamaged: Damaged = "LOGS-INPUT-003", "A packed log is damaged or cut short",
        "The file was not copied or written to its end, or the disk changed it.", "Get a whole copy of the file and import that one: what could be read is imported, and is not imported a second time.";
    LogTableUnread: Missing = "LOGS-DB-001", "The log database of another program cannot be opened",
        "The file that `monitoring.log_db` names is not there, is no SQLite database, or may not be read by the server's user.", "Name the file of a SQLite database by its absolute path, and let the server's user read it and enter the folders above it. The next scan tries again.";
    LogTableShape: Unconfigured = "LOGS-DB-002", "The log database of another program lacks something",
        "It has no table of the name, the table has other columns, or its levels are words or numbers that nobody knows.", "Name the table by log_table under [monitoring] in lamplighter.toml, its columns under [monitoring.log_columns], and its levels under [monitoring.log_levels]; then start the server again. The message says what is missing.";
    LogTableApart: Unavailable = "LOGS-DB-003", "The newest rows of a log database cannot be reached",
        "Its write-ahead log lies beside it without an index, as after a copy or a crash, and the server's user cannot make one that the owner could use.", "Let its program run, or open the database once as its owner: sqlite3 FILE 'SELECT count(*) FROM sqlite_schema'. Then scan again.";
    LogTableSlow: Busy = "LOGS-DB-004", "A log database answers too slowly",
        "A question to it takes longer than five seconds, for which a transaction of ours may be open there.", "You need to do nothing if the machine was busy: the next scan goes on. If it comes again, give the table a column of growing numbers that is its INTEGER PRIMARY KEY.";
    LogFollow: Internal = "LOGS-FOLLOW-001", "A log that is followed cannot be read",
        "The server's user may not read the file, or the disk or the log database refused an operation.", "Let the server's user read the file, or remove the cause that the message names. The server tries again by itself and goes on where it stopped.";
    LogMissing: Missing = "LOGS-FOLLOW-002", "A log that is named is not followed",
        "No file is at the path, or none fits the pattern, or more than a hundred do.", "Correct the path in [[log_source]] if it is wrong. If the program has not begun its log yet, you need to do nothing: the server reads it from its start when it comes. Of more than a hundred files, name fewer by a narrower pattern.";
    LogJournal: Internal = "LOGS-JOURNAL-001", "The journal cannot be followed",
        "The program journalctl is not installed, or it ended with an error.", "Install systemd's journalctl and add the server's user to the group systemd-journal, or remove the [[log_source]] from the configuration.";
    LogWrite: Internal = "LOGS-WRITE-001", "Log lines could not be saved",
        "The log database refused the write.", "Remove the cause that the message names; the lines are on standard error too.";
    LogDropped: Internal = "LOGS-DROP-001", "Log lines were dropped",
        "Log lines came faster than the log database could take them.", "You need to do nothing if this is rare. If it is frequent, set `log.level` to `warn`.";
    LogBusy: TooMany = "LOGS-LIMIT-001", "Too many requests with logs are read at once",
        "Two requests of OpenTelemetry's protocol are being read, or log rows are being grouped for two pages, and others wait.", "Load the page again in a few seconds. A sender of logs tries again by itself after the time that the answer names.";
    ScanWatermark: Internal = "SCAN-MARK-001", "A scan reads the log from its start again",
        "The log database ends before the last row that an earlier scan examined: somebody replaced it or removed its newest rows.", "You need to do nothing: known problems are not filed again.";
    ScanReply: Internal = "SCAN-REPLY-001", "The agent's answer cannot be read",
        "The model did not answer with the JSON object that it was asked for.", "The message shows how the answer begins. Scan again, or choose a stronger model.";
    ScanAgent: Internal = "SCAN-REPLY-002", "The agent could not analyse the log",
        "The agent says so itself.", "Read in the message what the agent says, then scan again.";
    ScanHeld: Internal = "SCAN-HOLD-001", "No agent is asked for a scan for six hours",
        "The last three scans by the agent failed, and each was paid for.", "Read the sessions of these scans, remove the cause, then press Run Now: the agent is asked again.";
    IssueUnknown: NotFound = "SCAN-ISSUE-001", "There is no such issue",
        "The id is wrong.", "The page Self-Monitoring lists the issues.";
    IssueElsewhere: Conflict = "SCAN-ISSUE-002", "The issue is one of another tracker",
        "An issue is opened and closed at the tracker where it is filed; the next scan reads its state there.", "Open or close the issue on its page at the tracker. You can mute it here.";
    ScanUnknown: NotFound = "SCAN-ID-001", "There is no such scan",
        "The id is wrong, it is the id of another job, or the scan was removed.", "`lamplighter scans list` shows the scans, and `lamplighter jobs show` shows jobs of every kind.";
    AgentStart: Internal = "AGENT-START-001", "A program could not be started",
        "The program is not installed, may not be run, or its folder is missing.", "Read the cause in the message. The user as whom agents run must be able to run the program and to enter the folders above it, and folders that the message names must be there and be writable.";
    AgentBox: Internal = "AGENT-BOX-001", "The sandbox cannot be used",
        "bwrap is not installed, or the system or container forbids what it needs.", "Install bubblewrap and allow user namespaces (sysctl user.max_user_namespaces; on Ubuntu kernel.apparmor_restrict_unprivileged_userns). The server notices within a minute; then run the job again. Only if you trust every prompt and log line that reaches an agent, write sandbox = \"none\" under [agent] in lamplighter.toml and start the server again.";
    AgentUnboxed: Internal = "AGENT-BOX-002", "Agents run without a sandbox",
        "`agent.sandbox` is `none`: an agent sees and may do what the server's user may, and its network is open.", "Remove agent.sandbox from lamplighter.toml, or the variable LAMPLIGHTER_AGENT_SANDBOX, and start the server again. Where bwrap cannot be used, let only prompts and logs reach agents that you trust.";
    AgentRoot: Internal = "AGENT-ROOT-001", "Agents run as root",
        "The server was started as root, and there is no other user for agents: in the sandbox they have root's files without root's powers, by profile `full` they have both.", "Make a user for them (useradd --system --no-create-home --shell /usr/sbin/nologin lamplighter-agent), or name one by `agent.uid`, then start the server again. Or start the server as a user of its own, to whom the data directory belongs.";
    AgentLend: Internal = "AGENT-LEND-001", "A working directory could not be lent to the user of agents, or not be given back whole",
        "The file system keeps no access control lists or refuses them, or a file has another name outside of the folder.", "Read the cause in the message. Let the user write there by the group or by its owner, or let the session work in another folder; give what stays with the user to its owner by chown. Then run the job again.";
    AgentWall: Internal = "AGENT-WALL-001", "The way to the model's service could not be opened",
        "The server could not make the socket, or the port, by which a run reaches the model's service.", "Read the cause in the message. Check that the data directory can be written and that the process may open more files.";
    AgentRefused: Invalid = "AGENT-WALL-002", "A run asked for something that the network wall does not let through",
        "A run reaches the model's service and the hosts of `agent.allow_hosts`, and nothing else.", "If the run needs the host, name it in `agent.allow_hosts` and start the server again.";
    AgentDoor: Internal = "AGENT-DOOR-001", "A query on a snapshot was refused",
        "The query is not a single SELECT on a scan's snapshot, or it is larger than allowed.", "Write one SELECT: sqlite3 [-json|-csv|-header] FILE \"SELECT …\"; narrow it by WHERE, LIMIT or GROUP BY.";
    AgentLost: Internal = "AGENT-LOST-001", "The process that supervised a run was killed",
        "A person killed it, or the kernel did because memory ran out.", "The server finds and ends every process of the run before the run counts as over. Run the job again if its work is still needed.";
    AgentTree: Internal = "AGENT-TREE-001", "Processes of a run cannot be ended",
        "The processes run under another user, or hang in the kernel.", "Free what they wait for, such as a file system that does not answer, or end them as their own user. Until then no other job with the same concurrency key starts; after that the server goes on by itself.";
    AgentSuspect: Internal = "AGENT-TREE-002", "An interrupted run may have left a process",
        "The process works in the folder of the run but has cleared its environment, so nothing proves that it belongs to the run.", "Look at what the process is, and end it by hand if it belongs to the run.";
    AgentValue: Invalid = "AGENT-VALUE-001", "A setting of the agent program is not valid",
        "A model, a session, a budget or a text does not fit the program's command line.", "Correct the value that the message names.";
    AgentFolder: Conflict = "AGENT-FOLDER-001", "Another session may write in the same folder",
        "Two sessions that may write share a folder, or one works in a folder of the other's.", "You need to do nothing: the session begins when the other one is over. Give each a git worktree of its own to have both at once.";
    AgentGiven: Invalid = "AGENT-FOLDER-002", "A working directory does not have what it is to give its sessions",
        "`[[agent.folder]]` names a `CLAUDE.md` or an MCP server that the folder does not have, or that cannot be used.", "Write what the message names into the folder, or take it out of `[[agent.folder]]` in lamplighter.toml and start the server again.";
    AgentPatch: NotFound = "AGENT-PATCH-001", "There is no patch of this session",
        "The session could only read, is not over yet, or its folder could not be compared, because the server was killed or for the reason that the message names.", "For a session that is not over, wait for its end. Where its changes are not known, look into its folder: `lamplighter sessions show` names the folder.";
    SessionNotOver: Conflict = "AGENT-RESUME-001", "The session cannot be continued",
        "The session is not over yet, its agent left nothing that could be continued, or the folder in which it worked or the files of its agent are gone.", "Wait for the end of the session, or start a new one.";
    AgentNotStarted: Internal = "AGENT-START-002", "The agent program refused to start",
        "The program does not know a flag, or the session that should be continued is gone.", "Read in the message what the program says. If it does not know a flag, install a version that is accepted; if the session to continue is gone, start a new one.";
    AgentMissing: Missing = "AGENT-START-003", "The agent program cannot be used",
        "The program is not installed, not on the server's PATH, or too old.", "Install it (npm install -g @anthropic-ai/claude-code), or name it with agent.command, then start the server again.";
    AgentPrompt: Invalid = "AGENT-PROMPT-001", "A prompt file cannot be read",
        "The folder `prompts` of the data directory has no file of this name, the file is not text, or it needs other values than were given.", "Write the file, name another prompt, or give the values that the message names with --set NAME=VALUE.";
    AgentAlarm: Internal = "AGENT-BUDGET-001", "Most of a budget is spent",
        "Runs of agents have spent four fifths of the budget of the day or the month.", "The page Sessions shows the spend by kind and schedule. Raise agent.budget_day_usd or agent.budget_month_usd, or run less; runs over the budget wait for its next period.";
    AgentHandOn: Internal = "AGENT-TIER-001", "A session could not be handed on",
        "The agent asked for the next tier, but the job could not be stored.", "Read the cause in the message, and start a session of the next tier by hand if it is needed.";
    AgentTranscript: Internal = "AGENT-RECORD-001", "A transcript could not be recorded",
        "The database refused a write while an agent ran.", "Read the error in the message, and free what it names. The run goes on, and saving is tried again: only what comes when 16 MiB wait is lost.";
    AgentEnd: Internal = "AGENT-RECORD-002", "The end of a run could not be recorded",
        "The database refused for five minutes to save how a run ended.", "Read the error in the message, and free what it names. The answer, the cost and the end of the run are missing; its transcript is kept. Run the job again if its work is still needed.";
    AgentKilled: Internal = "AGENT-RUN-001", "The agent program was killed",
        "The system ran out of memory, or somebody sent the program a signal.", "Read the system's log, then run the job again.";
    AgentNoReport: Internal = "AGENT-RUN-002", "The agent program ended without a report",
        "The program crashed, or it ended before the model answered.", "Read its last words in the message and the transcript, then run the job again.";
    AgentNothing: Internal = "AGENT-RUN-005", "The agent did nothing",
        "The program ended well before the model had its first turn: it took the prompt for something else, such as a command of its own.", "Read the transcript, word the prompt as a sentence, then run the job again.";
    AgentFailed: Internal = "AGENT-RUN-003", "The agent failed",
        "The program reports an error of its own.", "Read the transcript, then run the job again.";
    AgentInterrupted: Internal = "AGENT-RUN-004", "The agent was interrupted",
        "Somebody stopped the agent, or the server stopped or was killed while it ran.", "Run the job again if its work is still needed; the transcript is kept.";
    AgentAuthentication: Internal = "AGENT-AUTH-001", "The model's service refused the key or the login",
        "The key is missing, wrong or revoked, or the login has expired.", "Set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN from `claude setup-token`, for the server, and start the server again. The queue tries one run again every 15 minutes, and at once when you resume it.";
    AgentBilling: Internal = "AGENT-BILL-001", "The account of the model's service has no credit left",
        "The prepaid credit is used up.", "Buy credit. The queue tries one run again every 15 minutes, and at once when you resume it.";
    AgentLimited: TooMany = "AGENT-LIMIT-001", "The limit of the model's service is reached",
        "Requests or usage are limited for a time.", "You need to do nothing: the queue goes on when the limit is lifted, or at once when you resume it.";
    AgentTurns: TooMany = "AGENT-LIMIT-002", "The agent took all its turns",
        "The work needs more turns than the agent was given, or the agent repeats itself.", "Read the transcript, then continue the session, or raise `agent.max_turns` and run the job again.";
    AgentBudget: TooMany = "AGENT-LIMIT-003", "The agent used up its budget",
        "The work costs more than its budget.", "Read the transcript, then continue the session, or start it anew with a larger --budget; running the job again keeps the budget.";
    AgentOutput: TooMany = "AGENT-LIMIT-004", "The agent wrote too much",
        "A command that the agent ran prints without end.", "Read the transcript, and ask for less output.";
    AgentResources: TooMany = "AGENT-LIMIT-005", "The agent took too much of the machine",
        "A command that the agent ran used more memory, processes or room on a disk than a run may have.", "Read in the message what it was, and the end of the transcript. If the work needs that much, raise the limit in [agent.limits] of lamplighter.toml and start the server again, or free some room. Then run the job again.";
    AgentTimedOut: TooMany = "AGENT-TIME-001", "The agent took too long",
        "The work needs more time than the agent was given.", "Read the transcript, then continue the session, or raise `agent.max_minutes` and run the job again.";
    AgentIdle: TooMany = "AGENT-TIME-002", "The agent showed no sign of life",
        "A command that the agent ran waits for something that does not come, or the model's service does not answer.", "Read the end of the transcript. If the work is silent for that long, raise `agent.idle_minutes`. Then run the job again.";
    AgentRequest: Internal = "AGENT-API-001", "The model's service refused the request",
        "The model is not known, or the prompt is too long.", "Start the work anew with another --model or a shorter prompt, or change the tier's model in the settings and run the job again.";
    AgentService: Internal = "AGENT-API-002", "The model's service failed",
        "The service or the network is overloaded or down.", "Run the job again later.";
    AgentDenied: Forbidden = "AGENT-TOOLS-001", "A tool was not allowed",
        "The agent wanted to use a tool that its profile does not allow.", "If the work needs it, start it anew with a wider --profile.";
    AgentUnstructured: Internal = "AGENT-REPLY-001", "The agent gave no structured answer",
        "The model answered in prose, or its answer did not fit the schema.", "Run the job again, or choose a stronger model.";
    FilingDecided: Conflict = "TRACK-FILE-001", "This text does not wait for approval",
        "A person has approved or rejected it already.", "See which texts wait with `lamplighter approvals list` or on the page of approvals.";
    FilingChanged: Conflict = "TRACK-FILE-003", "This text was changed since you were shown it",
        "Somebody else has edited it.", "Read the text as it is now, and decide again.";
    FilingSent: Conflict = "TRACK-FILE-004", "It is too late to take this back",
        "What was approved was filed, or was on its way, before it was taken back.", "Close the issue if nobody is to work on it.";
    FilingUnknown: NotFound = "TRACK-FILE-002", "There is no such text for the tracker",
        "The id is wrong.", "See which texts wait with `lamplighter approvals list` or on the page of approvals.";
    RepositoryTaken: Conflict = "REPO-NAME-001", "A repository of this name or path is registered",
        "Somebody has added it before.", "Refresh the existing repository, or give the new one another name.";
    RepositoryUnknown: NotFound = "REPO-NAME-002", "There is no such repository",
        "The name is wrong, or it was removed.", "`lamplighter repos list` shows the repositories.";
    RepositoryPath: Invalid = "REPO-PATH-001", "The repository cannot be read",
        "There is no git repository at this path, or the server's user may not read it.", "Name the folder that holds `.git`, and see that the server's user may read it.";
    ConfigInvalid: Unconfigured = "CONFIG-VALUE-001", "The configuration is not valid",
        "A key is unknown or a value is out of its range.", "Correct the key that the message names; the message says what is allowed.";
    ConfigExposed: Unconfigured = "CONFIG-LISTEN-001", "This address would expose the server",
        "Anything but a loopback address needs a proxy with TLS in front and an admin account.", "Listen on 127.0.0.1, or set server.trusted_proxies and create the admin first.";
    ConfigDirectory: Unconfigured = "CONFIG-DIR-001", "There is no data directory to use",
        "Neither --data-dir, LAMPLIGHTER_DATA_DIR nor HOME is set, or the folder cannot be made.", "Name a folder with --data-dir.";
    ConfigNoData: Missing = "CONFIG-DIR-002", "There is no database in this data directory",
        "No server has run on this data directory yet, or you mean another one.", "Name the data directory of the server with --data-dir; the demo's is ~/.local/share/lamplighter-demo.";
    ConfigNoAccess: NoAccess = "CONFIG-DIR-003", "This user may not use the data directory",
        "The database, its folder or a folder above it belongs to another user.", "Run the command as the server's user.";
    ConfigNoFolder: Missing = "CONFIG-DIR-004", "The data directory is not a folder",
        "The path, or a part of it, names a file.", "Name the folder of the database with --data-dir.";
    ConfigWritable: Unconfigured = "CONFIG-MODE-001", "Others may write what only its owner should",
        "The group or others may write to the configuration file or the data directory, which name the programs that run.", "Take that right from them: `chmod go-w` and the path that the message names.";
    CliOutput: Unavailable = "CLI-OUTPUT-001", "The answer could not be written",
        "The disk is full, or the place where the answer goes refuses it.", "Send the answer to a place that can be written and has room. A change that the command was asked to make has been made.";
    CliInterrupted: Interrupted = "CLI-SIGNAL-001", "The command was interrupted",
        "Ctrl-C or another signal ended it before it was done.", "Start it again when you want its answer. Where it left something behind, its words name it.";
    DiskLost: Internal = "DISK-LOST-001", "Something that was acknowledged was lost or done twice",
        "The disk or the file system loses what it confirmed, another program changed the database of the torture, or Lamplighter has a bug.", "Keep no jobs on this disk. Run the command again with the same seed, and on another disk; if both fail, report the verdict as a bug.";
    DiskDoubtful: Unconfigured = "DISK-SYNC-001", "Nothing was lost, but the disk is none to trust",
        "The folder is not on a disk, its file system leaves syncs out or another machine serves it, or the disk confirms sooner than it can have written.", "Read the verdict, which says what speaks against the disk, and put the data directory on another one.";
    OutputTaken: Conflict = "CLI-OUTPUT-002", "A file of this name is there already",
        "A command never overwrites a file.", "Name a file that is not there yet, or remove the one that is.";
    InputMissing: NotFound = "INPUT-FILE-001", "The named file or folder is not there",
        "The path is wrong, or it is relative to another folder.", "Check the path that the message names.";
    InputNoAccess: NoAccess = "INPUT-FILE-002", "The named file may not be read",
        "The file or a folder above it belongs to another user.", "Give this user the right to read the file, or run the command as its owner.";
    WebServe: Internal = "WEB-SERVE-001", "The web server could not start",
        "The address is taken or not allowed.", "End the program that has the address, or choose another address with --listen.";
    WebInternal: Internal = "WEB-PAGE-001", "A page could not be made",
        "The database refused a read or a write.", "Read the server's log of the same time.";
    WebHost: Misdirected = "WEB-HOST-001", "The host name is not allowed",
        "The request's Host is not in the allow-list; a rebinding attack looks like this.", "Use http://127.0.0.1, or add the name to server.allowed_hosts.";
    WebPeer: Forbidden = "WEB-PEER-001", "This address may not ask",
        "A proxy is named, and the request came neither from it nor from this machine: it would be answered without TLS.", "Use the proxy's address; if this address is a proxy, name it in server.trusted_proxies.";
    WebCrossSite: Forbidden = "WEB-CSRF-001", "The request came from another site",
        "Neither Sec-Fetch-Site nor Origin says that our own page sent it.", "Use the page's own button; a script sends an Origin header that equals the server's address.";
    WebNotFound: NotFound = "WEB-PAGE-002", "There is no such page",
        "The address is wrong, or the thing it named is gone.", "Go back and choose from the navigation.";
    WebStreams: Busy = "WEB-LIVE-001", "Too many live pages are open",
        "Each open page holds a stream of events, and their number is limited.", "Close some pages. This page shows what was true when it was loaded.";
    WebMethod: Method = "WEB-METHOD-001", "The address does not take this method",
        "A form or a program used another method than the address has.", "Use the method that the Allow header names.";
    WebSlow: Unknown = "WEB-TIME-001", "The request took too long",
        "The database did not answer within 30 seconds.", "Look whether the change is there before you repeat it.";
    WebInput: Invalid = "WEB-INPUT-001", "A field of the form is not valid",
        "A field is missing, too long or not of its type.", "Correct the field that the message names.";
    AuthRequired: Unproven = "AUTH-LOGIN-001", "Sign in first",
        "There is no valid session.", "Sign in at /login.";
    AuthFailed: Unproven = "AUTH-LOGIN-002", "Wrong user name or password",
        "There is no such account, the password is wrong, or the account is disabled.", "Try again; `lamplighter users passwd NAME` sets a new password.";
    AuthThrottled: TooMany = "AUTH-LOGIN-003", "Too many attempts",
        "Several sign-ins failed in a row.", "Wait as long as the message says, then try again.";
    AuthBusy: TooMany = "AUTH-LOGIN-004", "Too many people sign in at once",
        "Passwords are checked two at a time, and the queue is full.", "Try again in a moment.";
    AuthStale: Unproven = "AUTH-LOGIN-005", "This needs a fresh sign-in",
        "The password was given more than five minutes ago.", "Give your password again, then repeat the change within five minutes.";
    AuthHost: Unproven = "AUTH-LOGIN-006", "These pages do not know you", "The program around them named nobody.", "Sign in there, then load the page again.";
    AuthSetupCode: Gone = "AUTH-SETUP-001", "This set-up link is not valid any more",
        "The link was used, it is older than 15 minutes, or the server was started again since.", "Start the server again: it prints a new link while there is no admin.";
    AuthPassword: Invalid = "AUTH-SETUP-002", "The password does not fit the rules",
        "It is shorter than 12 or longer than 128 characters, or too common.", "Choose another password.";
    AuthUnknown: NotFound = "AUTH-NAME-001", "There is no such account",
        "The name is wrong, or nobody has set up the admin yet.", "`lamplighter users list` shows the accounts; while there is no admin, `lamplighter serve` prints a link that sets one up.";
    AuthTaken: Conflict = "AUTH-NAME-002", "There is an account of this name",
        "Somebody has added it before.", "Choose another name, or change the existing account with `lamplighter users role` and `users passwd`.";
    AuthLoginUnknown: NotFound = "AUTH-NAME-003", "There is no such login",
        "It has ended, or the account never had one of this number.", "`lamplighter users logins NAME` and the page of the account show its logins.";
    AuthRole: Forbidden = "AUTH-ROLE-001", "Your role does not allow this",
        "The account's role is below what the action needs.", "Ask an admin to do it or to change your role.";
    AuthLastAdmin: Conflict = "AUTH-ROLE-002", "The last admin stays one",
        "Without an admin nobody could change settings, schedules or accounts on the pages.", "Make another account an admin first: `lamplighter users role NAME admin`.";
    AuthToken: Unproven = "AUTH-TOKEN-001", "This needs a token that counts",
        "No token came with the request, or it is misspelt, unknown, revoked or over, or its owner's account is disabled.", "Send `Authorization: Bearer lmp_…`; `lamplighter tokens create NAME` and the page of tokens make one.";
    AuthScope: Forbidden = "AUTH-TOKEN-002", "The token does not allow this",
        "The token lacks the scope, or it is for other kinds or queues.", "Use another token, or make one with what the message names.";
    AuthTokenUnknown: NotFound = "AUTH-TOKEN-003", "There is no such token",
        "The id is wrong, or the token was revoked.", "`lamplighter tokens list` and the page of tokens show the ids.";
    AuthTokenTaken: Conflict = "AUTH-TOKEN-004", "There is a token of this name",
        "Its owner has a token of the same name.", "Choose another name, or rotate or revoke the token that is there.";
    AuthTokenMany: TooMany = "AUTH-TOKEN-005", "This account has too many tokens",
        "An account has at most 100 tokens.", "Revoke tokens that nobody uses: their last use is listed.";
    AuthTokenRotated: Conflict = "AUTH-TOKEN-006", "The token was rotated less than a day ago",
        "Its text of before still counts, and programs may use it; another rotation would end it at once.", "Rotate the token after the time in the message; if its text is in wrong hands, revoke it and make another.";
    TrackerNoToken: Unconfigured = "TRACK-AUTH-001", "There is no token for the issue tracker",
        "GITHUB_TOKEN and `tracker.token_file` are empty or not set, or the file cannot be read or can be read by others.", "Set GITHUB_TOKEN, or let `tracker.token_file` name a file of mode 0600 that holds the token alone.";
    TrackerNoRepository: Unconfigured = "TRACK-REPO-001", "The repository of the issue tracker is not known",
        "`tracker.repository` is empty or not set, and the server's folder is no clone of a repository at `tracker.api_url`.", "Set `tracker.repository` to owner/name, or start the server in a clone of the repository.";
    TrackerUnauthorised: Internal = "TRACK-AUTH-002", "The issue tracker does not know the token",
        "The token has expired, was revoked, or was copied incompletely.", "Make a new token. The server reads `tracker.token_file` for every request; a new GITHUB_TOKEN needs a restart of the server.";
    TrackerForbidden: Internal = "TRACK-AUTH-003", "The token may not do this",
        "The token has no right to write issues in the repository, or the organisation has not approved it.", "Give the token read and write access to the issues of the repository.";
    TrackerLimited: Internal = "TRACK-LIMIT-001", "The issue tracker asks for fewer requests",
        "The token's hourly limit is used up, perhaps by other programs, or requests came too quickly.", "You need to do nothing: what waits is filed when the limit is over.";
    TrackerNotFound: Internal = "TRACK-FOUND-001", "The issue tracker knows no such repository or issue",
        "The repository's name is wrong, it was deleted, or the token cannot see it.", "Check `tracker.repository` and that the token has access to it.";
    TrackerGone: Internal = "TRACK-FOUND-002", "The issue is no longer on the issue tracker",
        "The issue was deleted, or the repository's issues are turned off.", "Turn the issues on in the repository's settings; a deleted issue stays deleted.";
    TrackerMoved: Internal = "TRACK-FOUND-003", "The repository or the issue has moved on the issue tracker",
        "The repository was renamed, or the issue was transferred; the token is not sent to another address.", "Set `tracker.repository` to the new name.";
    TrackerInvalid: Internal = "TRACK-INPUT-001", "The issue tracker does not take the values",
        "A value breaks one of its rules, which its answer names.", "Read the tracker's answer in the message; the server tries again by itself.";
    TrackerServer: Internal = "TRACK-SERVER-001", "The issue tracker fails at the moment",
        "The tracker answered with an error of its own.", "You need to do nothing: the server tries again. If the error lasts, look at the tracker's status page.";
    TrackerNetwork: Internal = "TRACK-NET-001", "The issue tracker could not be reached, or did not answer",
        "The network, a firewall or a proxy is in the way, or the answer took longer than 30 seconds.", "Check `tracker.api_url` and HTTPS_PROXY; the server tries again by itself.";
    TrackerMarker: Internal = "TRACK-MARK-001", "A random marker for an issue could not be made",
        "The system gave no random bytes.", "Try again; if it lasts, restart the machine.";
    TrackerGarbled: Internal = "TRACK-ANSWER-001", "The answer does not come from an issue tracker",
        "Something else answers at `tracker.api_url`, such as a proxy's sign-in page.", "Check `tracker.api_url` with curl.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn is_code(text: &str) -> bool {
        let parts: Vec<&str> = text.split('-').collect();
        let upper = |s: &str, most| {
            (2..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_uppercase())
        };
        matches!(parts[..], [area, topic, number]
            if upper(area, 6) && upper(topic, 8)
                && number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()))
    }

    #[test]
    fn every_code_is_well_formed_unique_and_explained() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(is_code(code.as_str()), "{code} is not AREA-TOPIC-NNN");
            assert!(seen.insert(code.as_str()), "{code} is registered twice");
            assert!(code.cause().ends_with('.') && code.remedy().ends_with('.'), "{code}");
        }
    }
}
