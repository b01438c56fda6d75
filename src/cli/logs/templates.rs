//! `lamplighter logs templates`: the templates of any text log.

use super::super::output;
use crate::error::{Code, Error, Result};
use crate::logs::json_message;
use crate::monitor::miner::{Miner, Template};
use crate::redact::redactor;
use crate::wire::LogTemplate;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

/// Bytes of a line that are read; the rest is passed over.
const MAX_LINE: usize = 64 * 1024;
/// Lines whose numbers are held back until it is known which templates are one, 16 MB of them. In a longer log the
/// lines up to here are decided by themselves.
const MAX_HELD: usize = 4_000_000;
/// Longest template in the table, in characters; JSON has it whole.
const MAX_SHOWN: usize = 160;

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The log; `-` reads standard input. Of a JSON line only the message counts
    file: PathBuf,
    /// Print the number of each line's template instead, in the order of the lines
    #[arg(long)]
    assign: bool,
}

pub(in crate::cli) fn run(json: bool, arguments: &Arguments) -> Result<()> {
    let name = arguments.file.display();
    let unreadable = |error: io::Error| {
        let code = Code::of_input(error.kind(), Code::LogInput);
        Error::new(code, format!("read {name}")).because(error)
    };
    let mut input: Box<dyn BufRead> = if arguments.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(&arguments.file).map_err(unreadable)?))
    };
    let (mut miner, mut held, mut line) = (Miner::new(), Vec::new(), Vec::new());
    while next_line(&mut input, &mut line).map_err(unreadable)? {
        let text = String::from_utf8_lossy(&line);
        let message = json_message(&text);
        let pushed = miner.push(message.as_deref().unwrap_or(&text));
        if arguments.assign {
            held.push(pushed);
            if held.len() == MAX_HELD && !assign(&mut miner, &mut held)? {
                return Ok(());
            }
        }
    }
    if arguments.assign {
        assign(&mut miner, &mut held)?;
    } else {
        miner.settle();
        show(&miner.templates(), json)?;
    }
    let gone = miner.forgotten();
    if gone.templates > 0 {
        let (templates, lines) = (gone.templates, gone.lines);
        output::note(&format!(
            "the log has more different lines than are kept at once: the {templates} least used templates, of {lines} lines, were forgotten"
        ));
    }
    Ok(())
}

/// Reads the next line without its line break, cut at the limit. `false` at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let read = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = read.iter().position(|b| *b == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        line.extend(&part[..part.len().min(MAX_LINE - line.len())]);
        let used = end.map_or(read.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Prints the numbers of the lines held back; answers whether somebody still reads them.
fn assign(miner: &mut Miner, held: &mut Vec<u32>) -> Result<bool> {
    miner.settle();
    let read = output::lines(held.drain(..).map(|pushed| miner.id(pushed)))?;
    miner.forget_lines();
    Ok(read)
}

fn show(templates: &[Template], json: bool) -> Result<()> {
    let text = |template: &Template| redactor().text(&template.text).into_owned();
    if json {
        return templates.iter().try_for_each(|template| {
            let Template { id, count, first, last, .. } = *template;
            output::json(&LogTemplate { id, template: text(template), count, first, last })
        });
    }
    let row = |template: &Template| {
        let Template { id, count, first, last, .. } = template;
        let mut row: Vec<_> = [count, first, last].iter().map(ToString::to_string).collect();
        row.insert(0, id.to_string());
        row.push(output::plain(&text(template), MAX_SHOWN));
        row
    };
    let rows: Vec<_> = templates.iter().map(row).collect();
    output::table(&["ID", "COUNT", "FIRST", "LAST", "TEMPLATE"], &rows)
}
