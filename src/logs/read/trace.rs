//! Lines of stack traces and crash reports that stand at the start of a line, in every common language.

/// What a trace that is open expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Open {
    /// Nothing: no trace is open.
    #[default]
    Nothing,
    /// The line that says what was wrong, which is not indented, is still to come: Python, Rust, Node.
    LastLine,
    /// Frames at the start of the line follow: Go.
    Frames,
    /// A report of the kernel.
    Kernel,
    /// It is closed; a further one that it led to may follow.
    Closed,
}

const TRACEBACK: &str = "Traceback (most recent call last)";
/// The beginnings of lines that only a crash writes.
const OPENS: [&str; 9] = [
    TRACEBACK,
    "panic: ",
    "Exception in thread ",
    "Unhandled exception",
    "Unhandled Exception",
    "terminate called ",
    "** (",
    "PHP Fatal error:  Uncaught ",
    "Fatal Python error: ",
];
/// The beginnings of lines that only a trace has.
const CERTAIN: [&str; 19] = [
    "Caused by",
    "Suppressed: ",
    "stack backtrace:",
    "note: run with `RUST_BACKTRACE",
    "During handling of the above",
    "The above exception was",
    "Stack trace:",
    "[stacktrace]",
    "created by ",
    "[signal ",
    "Aborted (core dumped)",
    "--- End of ",
    "---> ",
    "Current thread 0x",
    "Thread 0x",
    "Call Trace:",
    "Backtrace:",
    "stacktrace:",
    "Stacktrace:",
];
/// The beginnings of lines that go on with a trace where there is one.
const PERHAPS: [&str; 8] = [
    "... ",
    "#0 ",
    "exit status ",
    "Node.js v",
    "thrown in ",
    "SUMMARY: ",
    "Function: &",
    "Initial Call: ",
];
/// The beginnings of a report of the kernel.
const KERNEL: [&str; 6] = [
    "BUG: ",
    "Oops: ",
    "Oops[",
    "------------[ cut here ]",
    "Unable to handle kernel ",
    "general protection fault",
];
/// And of its other lines.
const KERNEL_LINES: [&str; 28] = [
    "#PF",
    "Oops",
    "CPU: ",
    "RIP: ",
    "RSP: ",
    "RAX: ",
    "RDX: ",
    "RBP: ",
    "R10: ",
    "R13: ",
    "FS: ",
    "CS: ",
    "CR2: ",
    "DR0: ",
    "DR3: ",
    "PKRU: ",
    "PGD ",
    "Code: ",
    "Call Trace:",
    "Call trace:",
    "Modules linked in:",
    "Hardware name:",
    "Workqueue: ",
    "Tainted: ",
    "<",
    "---[ end ",
    "? ",
    "WARNING: CPU: ",
];

/// Whether the line begins what only a crash writes.
pub(super) fn opens(line: &str) -> bool {
    let line = line.trim_start();
    OPENS.iter().any(|start| line.starts_with(start))
        || is_panic(line)
        || is_goroutine(line)
        || sanitizer(line)
}

/// A panic of Rust, in the form of today or of before 1.73.
fn is_panic(line: &str) -> bool {
    line.contains(" panicked at ") && (line.ends_with(':') || line.starts_with("thread '"))
}

fn is_goroutine(line: &str) -> bool {
    line.starts_with("goroutine ") && line.ends_with("]:")
}

/// `==4711==ERROR: AddressSanitizer: `
fn sanitizer(line: &str) -> bool {
    line.starts_with("==") && line.contains("==ERROR: ")
}

/// What the trace that the line begins or is a part of expects then.
pub(super) fn expects(line: &str) -> Option<Open> {
    let line = line.trim_start();
    if line.starts_with(TRACEBACK) || (is_panic(line) && line.ends_with(':')) {
        return Some(Open::LastLine);
    }
    if line.starts_with("panic: ") || is_goroutine(line) {
        return Some(Open::Frames);
    }
    KERNEL.iter().any(|start| line.starts_with(start)).then_some(Open::Kernel)
}

/// Whether a line at the start of the line goes on with the trace before it, if there is one.
pub(super) fn continues(line: &str) -> bool {
    PERHAPS.iter().any(|start| line.starts_with(start)) || is_certain(line)
}

/// Whether only a trace has such a line.
pub(super) fn is_certain(line: &str) -> bool {
    CERTAIN.iter().any(|start| line.starts_with(start)) || is_numbered(line) || is_place(line)
}

/// `    at Cart.get (a.js:1)`, a frame that is indented.
pub(super) fn is_frame(line: &str) -> bool {
    line.starts_with([' ', '\t']) && line.trim_start().starts_with("at ")
}

/// Whether a further trace belongs to the one before.
pub(super) fn leads_on(line: &str) -> bool {
    line.starts_with("During handling of the above") || line.starts_with("The above exception was")
}

/// `#1 /srv/a.php(3): f()`, `#1 {main}`
fn is_numbered(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('#') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
        && (rest[digits..].starts_with(" /")
            || rest[digits..].starts_with(" {main}")
            || rest[digits..].starts_with(" 0x"))
}

/// `app/models/cart.rb:7:in`, a frame of Ruby.
fn is_place(line: &str) -> bool {
    let Some((file, rest)) = line.split_once(':') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && !file.contains(' ') && rest[digits..].starts_with(":in ")
}

/// A frame of Go: `main.main()`, `net/http.(*conn).serve(0x1)`, `created by main.start`.
pub(super) fn is_go(line: &str) -> bool {
    is_goroutine(line)
        || line.starts_with("created by ")
        || line.starts_with("[signal ")
        || (line.ends_with(')') && line.contains('.') && line.contains('(') && !line.contains(' '))
        || (line.ends_with(')') && line.contains("(0x"))
        || line == "..."
}

/// A line of the kernel's report.
pub(super) fn is_kernel(line: &str) -> bool {
    line.starts_with(' ')
        || KERNEL_LINES.iter().any(|start| line.starts_with(start))
        || line.split(' ').any(|word| word.contains("+0x") && word.contains("/0x"))
}

/// The end of the kernel's report.
pub(super) fn ends_kernel(line: &str) -> bool {
    line.starts_with("---[ end ")
}

/// `java.io.IOException: closed`, `KeyError: 1`, `TypeError`, `ActionController::RoutingError (no route):`, and the
/// line that Node and Ruby put before it: `/srv/a.js:10`.
pub(super) fn is_exception(line: &str) -> bool {
    let end = line.find([' ', '(']).unwrap_or(line.len());
    let (token, rest) = line.split_at(end);
    let name = token.trim_end_matches(':');
    let last = name.rsplit(['.', ':', '$', '/', '\\']).next().unwrap_or(name);
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b".:_$/\\".contains(&b));
    let is_error = last.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Throwable", "Failure", "Fault"]
            .iter()
            .any(|end| last.ends_with(end));
    let shaped = token.len() > name.len()
        || rest.is_empty()
        || rest.starts_with(" (")
        || rest.starts_with(" [");
    (fits && is_error && shaped) || is_script(line)
}

/// `/srv/app/a.js:10`, alone in its line.
fn is_script(line: &str) -> bool {
    let place = line.strip_prefix("file://").unwrap_or(line);
    let parts = place.rsplit_once(':');
    place.starts_with('/')
        && parts.is_some_and(|(file, number)| {
            !file.contains(' ')
                && file.contains('.')
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        })
}
