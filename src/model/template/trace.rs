//! Stack traces: which line says what is wrong, which error it was, and which source file it names.
//!
//! Python, Java, JavaScript, .NET, Go, Ruby and Rust are read by the shape of their lines; a text without a frame is
//! no trace and is left alone.

use super::Reads;

/// What a message is about.
pub(super) struct Telling<'a> {
    /// The line that says it.
    pub(super) line: &'a str,
    /// What the trace below adds: ` (KeyError in importer.py)`, ` in calendar.js`, or nothing.
    pub(super) fault: String,
}

/// Longest name of an error or of a source file that is believed, in bytes.
const MAX_NAME: usize = 60;

/// Endings of source files.
const SUFFIXES: &[&str] = &[
    "rs", "py", "js", "mjs", "ts", "tsx", "jsx", "go", "java", "kt", "rb", "php", "c", "cc", "cpp",
    "h", "cs", "swift", "ex", "scala", "sql", "sh",
];

/// Finds the telling line: the first that is not blank, or, where that one only opens a traceback or a panic, the
/// line with its message.
pub(super) fn telling(message: &str, reads: Reads) -> Telling<'_> {
    let first = first_line(message);
    let rest = message[offset(message, first) + first.len()..].lines();
    let plain = |line| Telling { line, fault: String::new() };
    if let Some(said) = said_by_object(first, reads) {
        return plain(said);
    }
    if let Some(panic) = Panic::read(first) {
        let next = || rest.clone().find(|line| !line.trim().is_empty());
        let line = panic.message.or_else(next).unwrap_or(first);
        return Telling { line, fault: fault(line, None, panic.file) };
    }
    if !has_frames(message) {
        return plain(first);
    }
    let error = rest.clone().filter_map(error_name).next_back();
    if is_traceback(first) {
        let Some((line, _)) = error else {
            return plain(first);
        };
        return Telling { line, fault: fault(line, None, innermost(message, line)) };
    }
    if let Some(panic) = rest.clone().find_map(Panic::read) {
        return Telling { line: first, fault: fault(first, Some("panic"), panic.file) };
    }
    let (from, name) = error.map_or((first, None), |(line, name)| (line, Some(name)));
    Telling { line: first, fault: fault(first, name, innermost(message, from)) }
}

/// Whether a text holds a stack trace.
pub(crate) fn has_trace(message: &str) -> bool {
    message.contains("panicked at ") || message.contains("stack backtrace:") || has_frames(message)
}

/// Places in source files that a line names, as file and line: `src/cart.rs:42:7`, `(Cart.java:7)`, and Python's
/// `File "x.py", line 3`. A host with a port is none, for its last part is no source suffix.
pub(crate) fn places(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let python = line.trim_start().strip_prefix("File \"").and_then(|rest| {
        let (file, rest) = rest.split_once("\", line ")?;
        Some((file, leading_digits(rest)))
    });
    let words = line.split(|c: char| c.is_whitespace() || "()[]\"'`,;".contains(c));
    python.into_iter().chain(words.filter_map(place))
}

fn place(word: &str) -> Option<(&str, &str)> {
    let (file, rest) = word.split_once(':')?;
    let (stem, suffix) = file.rsplit_once('.')?;
    let line = leading_digits(rest);
    (!stem.is_empty() && SUFFIXES.contains(&suffix) && !line.is_empty()).then_some((file, line))
}

/// Whether a word is the name of a source file.
pub(crate) fn is_source_file(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && SUFFIXES.contains(&end))
}

fn leading_digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

/// The part of a line that is a JSON object which says what happened, as it stands there.
fn said_by_object(line: &str, reads: Reads) -> Option<&str> {
    let said = reads(line)?;
    let first = first_line(&said).trim();
    let written = serde_json::to_string(first).ok()?;
    let at = line.find(&written[1..written.len() - 1]).filter(|_| !first.is_empty())?;
    Some(&line[at..at + written.len() - 2])
}

fn first_line(message: &str) -> &str {
    message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// Where a line that was cut out of a text begins in it.
fn offset(text: &str, line: &str) -> usize {
    text.find(line).unwrap_or(0)
}

/// The opening line of a Rust panic, in the form of today or of before 1.73.
struct Panic<'a> {
    message: Option<&'a str>,
    file: Option<&'a str>,
}

impl<'a> Panic<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let rest = line.trim_start().strip_prefix("thread '")?;
        let (_, rest) = rest.split_once("' panicked at ")?;
        let old = rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', "));
        Some(Self {
            message: old.map(|(message, _)| message),
            file: places(rest).last().map(|(file, _)| base(file)),
        })
    }
}

fn is_traceback(line: &str) -> bool {
    line.trim_start().starts_with("Traceback (most recent call last)")
}

fn has_frames(message: &str) -> bool {
    let mut lines = message.lines();
    lines.next().is_some_and(is_traceback) || lines.any(is_frame)
}

fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    let indented = text.len() < line.len();
    is_traceback(line)
        || (indented && text.starts_with("at ") && text.contains(['(', ':', '/']))
        || (indented && text.starts_with("File \"") && text.contains("\", line "))
        || (indented && text.starts_with("from ") && text.contains(":in "))
        || (text.starts_with("goroutine ") && text.ends_with("]:"))
        || Panic::read(line).is_some()
}

/// `KeyError: 'x'`, `java.io.IOException`, `Caused by: a.b.C: text`: the line from the error on, and the error's name.
fn error_name(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("Caused by: ").unwrap_or(line);
    let full = line.split_once(':').map_or(line, |(name, _)| name).trim_end();
    let name = full.rsplit(['.', '$']).next().unwrap_or(full);
    let fits = full.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && (4..=MAX_NAME).contains(&name.len());
    fits.then_some((line, name))
}

/// The file of the frame in which the error arose: Python names it last, everybody else first.
fn innermost<'a>(message: &'a str, error: &str) -> Option<&'a str> {
    let frames =
        |text: &'a str| text.lines().filter(|line| is_frame(line) || line.starts_with('\t'));
    let file = |line| places(line).next().map(|(file, _)| base(file));
    let python = |line: &&str| line.trim_start().starts_with("File \"");
    frames(message)
        .filter(python)
        .filter_map(file)
        .next_back()
        .or_else(|| frames(&message[offset(message, error)..]).find_map(file))
}

fn base(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// What is put behind the line; an error that the line names itself is not said twice.
fn fault(line: &str, error: Option<&str>, file: Option<&str>) -> String {
    let error = error.filter(|name| !line.contains(name));
    let file = file.filter(|name| name.len() <= MAX_NAME);
    match (error, file) {
        (Some(error), Some(file)) => format!(" ({error} in {file})"),
        (Some(error), None) => format!(" ({error})"),
        (None, Some(file)) => format!(" in {file}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> String {
        let telling = telling(message, |_| None);
        format!("{}{}", telling.line, telling.fault)
    }

    #[test]
    fn the_line_with_the_message_is_found_in_traces_of_many_languages() {
        for (message, expected) in [
            ("\n  cart 5 broke\r\n  see x.rs:3", "  cart 5 broke"),
            (
                "Traceback (most recent call last):\n  File \"/a/b.py\", line 3, in f\n    x\nKeyError: 'x'\n",
                "KeyError: 'x' in b.py",
            ),
            (
                "import failed\nTraceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError\n\n\
                 During handling of the above exception, another exception occurred:\n\n\
                 Traceback (most recent call last):\n  File \"b.py\", line 9, in g\napp.errors.ImportFailed: row 7",
                "import failed (ImportFailed in b.py)",
            ),
            (
                "charge failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:7)\n\
                 Caused by: java.io.IOException: reset\n\tat a.D.e(D.java:9)\n\t... 3 more",
                "charge failed (IOException in D.java)",
            ),
            (
                "TypeError: x is undefined\n    at render (/app/dist/cart.js:12:7)\n    at /app/index.js:1:1",
                "TypeError: x is undefined in cart.js",
            ),
            (
                "thread 'a-1' panicked at src/total.rs:88:17:\nattempt to subtract with overflow",
                "attempt to subtract with overflow in total.rs",
            ),
            ("thread 'main' panicked at 'no entry', src/map.rs:3:9", "no entry in map.rs"),
            (
                "no total\nthread 'a' panicked at src/total.rs:88:17:\noverflow",
                "no total (panic in total.rs)",
            ),
            (
                "panic: nil map\n\ngoroutine 1 [running]:\nmain.f()\n\t/go/a/sync.go:77 +0x1d",
                "panic: nil map in sync.go",
            ),
            ("Traceback (most recent call last):", "Traceback (most recent call last):"),
            ("", ""),
        ] {
            assert_eq!(told(message), expected, "{message}");
        }
    }

    #[test]
    fn lines_that_only_follow_are_no_trace() {
        for message in ["bad\nSelect: 1", "bad\nat once", "bad\n  from here\n  File x"] {
            assert_eq!(told(message), "bad");
            assert!(!has_trace(message));
        }
    }
}
