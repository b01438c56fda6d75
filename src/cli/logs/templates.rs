//! `lamplighter logs templates`: the templates of any text log.

use super::super::output;
use crate::error::{Code, Error, Result};
use crate::logs::LogReader;
use crate::model::Timestamp;
use crate::monitor::miner::{Miner, Template};
use crate::redact::redactor;
use crate::wire::LogTemplate;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// Bytes read at a time.
const MAX_READ: usize = 256 * 1024;
/// Bytes of a log's beginning from which it is learned what its events look like.
const MAX_HEAD: usize = 64 * 1024;
/// Events whose numbers are held back until it is known which templates are one, 16 MB of them. In a longer log the
/// events up to here are decided by themselves.
const MAX_HELD: usize = 4_000_000;
/// Longest template in the table, in characters; JSON has it whole.
const MAX_SHOWN: usize = 160;

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The log, read as `logs import` reads it; `-` reads standard input. Only the messages count
    file: PathBuf,
    /// Print the number of each event's template instead, in the order of the events
    #[arg(long)]
    assign: bool,
}

pub(in crate::cli) fn run(json: bool, arguments: &Arguments, now: Timestamp) -> Result<()> {
    let name = arguments.file.display();
    let unreadable = |error: io::Error| {
        let code = Code::of_input(error.kind(), Code::LogInput);
        Error::new(code, format!("read {name}")).because(error)
    };
    let mut input: Box<dyn Read> = if arguments.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&arguments.file).map_err(unreadable)?)
    };
    let (mut miner, mut held) = (Miner::new(), Vec::new());
    let mut piece = vec![0; MAX_READ];
    let read = fill(&mut input, &mut piece, MAX_HEAD).map_err(unreadable)?;
    let mut reader = LogReader::new("log", now, &piece[..read]);
    let mut rows = reader.push(&piece[..read]);
    loop {
        let read = fill(&mut input, &mut piece, 1).map_err(unreadable)?;
        if read == 0 {
            rows.extend(reader.finish());
        }
        for row in rows {
            let pushed = miner.push(&row.message);
            if arguments.assign {
                held.push(pushed);
                if held.len() == MAX_HELD && !assign(&mut miner, &mut held)? {
                    return Ok(());
                }
            }
        }
        if read == 0 {
            break;
        }
        rows = reader.push(&piece[..read]);
    }
    if arguments.assign {
        assign(&mut miner, &mut held)?;
    } else {
        miner.settle();
        show(&miner.templates(), json)?;
    }
    let gone = miner.forgotten();
    if gone.templates > 0 {
        let (templates, events) = (gone.templates, gone.lines);
        output::note(&format!(
            "the log has more different events than are kept at once: the {templates} least used templates, of {events} events, were forgotten"
        ));
    }
    Ok(())
}

/// Reads a piece of at least so many bytes, unless the log ends.
fn fill(input: &mut dyn Read, piece: &mut [u8], least: usize) -> io::Result<usize> {
    let mut filled = 0;
    while filled < least {
        match input.read(&mut piece[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) => break,
            read => filled += read?,
        }
    }
    Ok(filled)
}

/// Prints the numbers of the events held back; answers whether somebody still reads them.
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
