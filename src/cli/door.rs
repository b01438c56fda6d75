//! `sqlite3 [-json|-csv|-header] FILE "SELECT …"`: what the program is when it is called by that name.
//!
//! A scan's agent finds it first on its PATH and uses it as it would the stock shell, which can be talked into running
//! programs and reading and writing files even with `-safe -readonly`. Here are no dot commands that do anything.

use super::output;
use crate::error::{Code, Error, Result};
use crate::store::door;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The name under which the program is the door.
const NAME: &str = "sqlite3";
/// How long a question may take; a good one on a whole snapshot takes a tenth of a second.
const TIME: Duration = Duration::from_secs(10);
/// How much longer the process may live: a single step of SQLite can outlast the time without seeing that it is over.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most rows of an answer: an agent that wants more should count.
const MAX_ROWS: usize = 1_000;
/// The most bytes of an answer: more would push the agent's own task out of its sight.
const MAX_BYTES: usize = 256 * 1024;
/// The most bytes of a question.
const MAX_SQL: u64 = 64 * 1024;
/// The most address space of the process: this program, and what one question may sort.
#[cfg(target_os = "linux")]
const MAX_MEMORY: u64 = 1024 * 1024 * 1024;

/// The arguments, if the program was called by the door's name.
pub(super) fn called() -> Option<impl Iterator<Item = OsString>> {
    let mut arguments = std::env::args_os();
    let name = arguments.next()?;
    (Path::new(&name).file_name() == Some(OsStr::new(NAME))).then_some(arguments)
}

/// Answers one question; 0 answered, 1 refused.
#[expect(clippy::print_stderr, reason = "the door speaks like the shell that it stands for")]
pub(super) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut answer = Answer::default();
    let done = Question::read(arguments).and_then(|question| {
        bound_memory()?;
        answer = question.ask()?;
        Ok(())
    });
    match done.and_then(|()| answer.print()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// Values with `|` between them.
    #[default]
    List,
    Csv,
    Json,
}

/// A question to the door.
#[derive(Debug)]
struct Question {
    file: PathBuf,
    sql: String,
    format: Format,
    has_header: bool,
}

impl Question {
    fn read(arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let (mut format, mut has_header, mut words) = (Format::List, false, Vec::new());
        for argument in arguments {
            let text = argument.to_string_lossy();
            match text.strip_prefix("--").or_else(|| text.strip_prefix('-')) {
                None => words.push(argument),
                Some("json") => format = Format::Json,
                Some("csv") => format = Format::Csv,
                Some("list") => format = Format::List,
                Some("header") => has_header = true,
                Some("noheader") => has_header = false,
                // This is how it always is.
                Some("readonly" | "safe" | "batch" | "bail") => {}
                Some(_) => {
                    let known =
                        "known are -json, -csv, -list, -header, -noheader, -readonly, -safe";
                    return Err(refused(format!("the option {text} is not known here; {known}")));
                }
            }
        }
        let mut words = words.into_iter();
        let file = words.next().ok_or_else(|| refused("no FILE is named"))?.into();
        let sql = match (words.next(), words.next()) {
            (Some(sql), None) => sql.to_string_lossy().into_owned(),
            (None, _) => standard_input()?,
            (Some(_), Some(_)) => return Err(refused("one statement at a time, please")),
        };
        Ok(Self { file, sql: statement(sql.trim())?, format, has_header })
    }

    /// Asks on a thread of its own, so that the process ends in time even if SQLite is busy.
    fn ask(self) -> Result<Answer> {
        let (done, answered) = mpsc::channel();
        thread::spawn(move || {
            let mut answer = Answer::default();
            let asked = door::ask(&self.file, &self.sql, TIME, |columns, values| {
                answer.add(self.format, self.has_header, columns, &values)
            });
            answer.close(self.format);
            answer.failure = asked.err();
            done.send(answer)
        });
        answered.recv_timeout(TIME + PATIENCE).map_err(|_| {
            refused(format!("its {} s are over; narrow the query", TIME.as_secs()))
                .because("one step took longer")
        })
    }
}

fn standard_input() -> Result<String> {
    let mut sql = String::new();
    let read = std::io::stdin().take(MAX_SQL + 1).read_to_string(&mut sql);
    read.map_err(|error| refused("read the statement").because(error))?;
    if sql.len() as u64 > MAX_SQL {
        return Err(refused(format!("a statement has at most {MAX_SQL} bytes")));
    }
    Ok(sql)
}

/// The SQL of what was asked: `.tables` and `.schema` are questions too.
fn statement(asked: &str) -> Result<String> {
    let mut words = asked.split_whitespace();
    let (command, name, more) = (words.next(), words.next(), words.next());
    let own = "name NOT LIKE 'sqlite~_%' ESCAPE '~'";
    match (command, name, more) {
        (Some(".tables"), None, _) => Ok(format!(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND {own} ORDER BY name"
        )),
        (Some(".schema"), None, _) => {
            Ok(format!("SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND {own}"))
        }
        (Some(".schema"), Some(name), None) => Ok(format!(
            "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name = '{}'",
            name.trim_matches(['\'', '"', ';']).replace('\'', "''")
        )),
        (Some(command), ..) if command.starts_with('.') => Err(refused(format!(
            "{command} is no command here; ask one SELECT, or .tables, or .schema"
        ))),
        _ => Ok(asked.to_owned()),
    }
}

/// An answer as it will be printed.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    rows: usize,
    /// The note on what was left out.
    cut: Option<&'static str>,
    /// Why it ends early.
    failure: Option<Error>,
}

impl Answer {
    fn add(
        &mut self,
        format: Format,
        has_header: bool,
        columns: &[String],
        values: &[Value],
    ) -> ControlFlow<()> {
        let mut line = String::new();
        if self.rows == 0 && has_header && format != Format::Json {
            line = row(format, columns.iter().map(|name| cell(format, name)));
        }
        line += &match format {
            Format::Json => object(columns, values),
            Format::List | Format::Csv => {
                row(format, values.iter().map(|value| plain(format, value)))
            }
        };
        if self.rows == MAX_ROWS {
            self.cut = Some("only the first 1,000 rows are shown");
        } else if self.text.len() + line.len() > MAX_BYTES {
            self.cut = Some("only the rows that fit into 256 KB are shown");
        }
        if self.cut.is_some() {
            return ControlFlow::Break(());
        }
        if format == Format::Json {
            self.text.push_str(if self.rows == 0 { "[" } else { ",\n" });
        }
        self.text.push_str(&line);
        self.rows += 1;
        ControlFlow::Continue(())
    }

    fn close(&mut self, format: Format) {
        if format == Format::Json && self.rows > 0 {
            self.text.push_str("]\n");
        }
    }

    fn print(self) -> Result<()> {
        if let Some(text) = self.text.strip_suffix('\n') {
            output::line(text)?;
        }
        if let Some(cut) = self.cut {
            output::note(&format!("{cut}; narrow the query by WHERE, LIMIT, GROUP BY or substr()"));
        }
        self.failure.map_or(Ok(()), Err)
    }
}

/// A line of values.
fn row(format: Format, cells: impl Iterator<Item = String>) -> String {
    let between = if format == Format::Csv { "," } else { "|" };
    cells.collect::<Vec<_>>().join(between) + "\n"
}

fn plain(format: Format, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cell(format, text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn cell(format: Format, text: &str) -> String {
    if format == Format::Csv && text.contains([',', '"', '\'', '\n', '\r', ' ']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// A row as the stock shell writes it: names in their order, also those that come twice.
fn object(columns: &[String], values: &[Value]) -> String {
    let pairs = columns.iter().zip(values);
    let pairs = pairs.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Code::AgentDoor, why)
}

#[cfg(target_os = "linux")]
fn bound_memory() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::As).maximum.map_or(MAX_MEMORY, |most| most.min(MAX_MEMORY));
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, limit).map_err(|error| refused("bound its memory").because(error))
}

#[cfg(not(target_os = "linux"))]
fn bound_memory() -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(arguments: &[&str]) -> Result<Question> {
        Question::read(arguments.iter().map(OsString::from))
    }

    fn printed(format: Format, has_header: bool, rows: &[Vec<Value>]) -> Answer {
        let columns = ["a".to_owned(), "b".to_owned()];
        let mut answer = Answer::default();
        for values in rows {
            if answer.add(format, has_header, &columns, values).is_break() {
                break;
            }
        }
        answer.close(format);
        answer
    }

    #[test]
    fn options_stand_anywhere_with_one_dash_or_two() {
        let question = read(&["-safe", "x.db", "--json", "SELECT 1", "-readonly"]).unwrap();
        assert_eq!((question.file, question.sql), ("x.db".into(), "SELECT 1".to_owned()));
        assert_eq!((question.format, question.has_header), (Format::Json, false));
        assert!(read(&["-csv", "-header", "x.db", "SELECT 1"]).unwrap().has_header);
    }

    #[test]
    fn other_options_commands_and_second_statements_are_refused_in_a_sentence() {
        for (arguments, word) in [
            (&["-cmd", ".shell id", "x.db", "SELECT 1"][..], "-cmd is not known"),
            (&["-init", "rc", "x.db", "SELECT 1"], "-init is not known"),
            (&["x.db", ".shell id"], ".shell is no command"),
            (&["x.db", ".schema logs x"], ".schema is no command"),
            (&["x.db", "SELECT 1", "SELECT 2"], "one statement"),
            (&[], "no FILE"),
        ] {
            let error = read(arguments).unwrap_err();
            assert_eq!(error.code(), Code::AgentDoor);
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn tables_and_schema_are_questions_and_a_quote_stays_in_its_name() {
        assert!(read(&["x.db", ".tables"]).unwrap().sql.starts_with("SELECT name FROM"));
        let sql = read(&["x.db", ".schema l'ogs"]).unwrap().sql;
        assert!(sql.ends_with("tbl_name = 'l''ogs'"), "{sql}");
    }

    #[test]
    fn an_answer_is_written_as_the_stock_shell_writes_it() {
        let rows = [vec![json!(1), json!("x, \"y\"")], vec![Value::Null, json!(2.5)]];
        let text = |format, has_header| printed(format, has_header, &rows).text;
        assert_eq!(text(Format::List, false), "1|x, \"y\"\n|2.5\n");
        assert_eq!(text(Format::Csv, true), "a,b\n1,\"x, \"\"y\"\"\"\n,2.5\n");
        let objects = "[{\"a\":1,\"b\":\"x, \\\"y\\\"\"},\n{\"a\":null,\"b\":2.5}]\n";
        assert_eq!(text(Format::Json, true), objects);
        assert_eq!(printed(Format::Json, false, &[]).text, "");
    }

    #[test]
    fn an_answer_that_is_cut_is_whole_rows_and_says_so() {
        let many = vec![vec![json!(1), json!(2)]; MAX_ROWS + 1];
        let answer = printed(Format::Json, false, &many);
        assert_eq!(serde_json::from_str::<Vec<Value>>(&answer.text).unwrap().len(), MAX_ROWS);
        assert!(answer.cut.unwrap().contains("1,000 rows"));
        assert_eq!(printed(Format::List, false, &many[1..]).cut, None);

        let long = vec![vec![json!("x".repeat(100_000)), json!(2)]; 3];
        let answer = printed(Format::Json, false, &long);
        assert_eq!(serde_json::from_str::<Vec<Value>>(&answer.text).unwrap().len(), 2);
        assert!(answer.cut.unwrap().contains("256 KB"));
    }
}
