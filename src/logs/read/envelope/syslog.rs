//! The lines of syslog: RFC 3164, RFC 5424, what rsyslog and journalctl print, and Heroku's drains.

use super::{Envelope, Joins, Peeled, lane, without_uptime};
use crate::logs::read::level;
use crate::logs::read::time::{self, MONTHS, Moment, TimeFrame};
use crate::model::Level;
use serde_json::Map;
use std::borrow::Cow;

/// `<34>Nov 21 05:29:51 host su: text`, `<165>1 2026-11-21T05:29:51Z host app pid id - text`, `<3>text`.
pub(super) fn prioritized(line: &str, frame: TimeFrame) -> Option<Peeled<'_>> {
    let (number, rest) = line[1..].split_once('>')?;
    let digits =
        !number.is_empty() && number.len() < 4 && number.bytes().all(|b| b.is_ascii_digit());
    let priority: u64 = number.parse().ok().filter(|n| digits && *n < 192)?;
    let level = level::severity(priority % 8);
    if let Some(rest) = rest.strip_prefix("1 ") {
        return structured(rest, level);
    }
    let dated = time::leading(rest, frame);
    let peeled =
        dated.and_then(|(moment, end)| with_tag(rest[end..].strip_prefix(' ')?, moment, true));
    let mut peeled = match (peeled, dated) {
        (Some(peeled), _) => peeled,
        (None, Some((moment, end))) => {
            let envelope =
                Envelope { time: Some(moment), joins: Joins::Traces, ..Envelope::default() };
            Peeled::new(rest[end..].trim_start(), envelope)
        }
        (None, None) => Peeled::new(rest, Envelope::none()),
    };
    peeled.envelope.level = level;
    Some(peeled)
}

/// `83 <40>1 …`: the count of bytes in front of a message that came over TCP.
pub(super) fn counted(line: &str, frame: TimeFrame) -> Option<Peeled<'_>> {
    let (count, rest) = line.split_once(' ')?;
    let digits = count.len() < 6 && count.bytes().all(|b| b.is_ascii_digit());
    (digits && rest.starts_with('<')).then(|| prioritized(rest, frame)).flatten()
}

/// What stands behind the version: time, host, program, process, id, data, text.
fn structured(rest: &str, level: Option<Level>) -> Option<Peeled<'_>> {
    let mut parts = rest.splitn(6, ' ');
    let (at, _host, program, process, _id) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next().unwrap_or_default();
    let time = time::leading(at, TimeFrame::NONE).map(|(moment, _)| moment);
    (time.is_some() || at == "-").then_some(())?;
    let mut extra = Map::new();
    let text = if let Some(text) =
        rest.strip_prefix('-').filter(|text| text.is_empty() || text.starts_with(' '))
    {
        text
    } else if let Some(end) = data(rest) {
        extra.insert("structured_data".into(), rest[..end].into());
        &rest[end..]
    } else {
        // Heroku leaves the data out.
        rest
    };
    let text = text.strip_prefix(' ').unwrap_or(text).trim_start_matches('\u{feff}');
    let source = (program != "-").then_some(Cow::Borrowed(program));
    let envelope = Envelope {
        time,
        level,
        source,
        lane: lane(&[program, process]),
        joins: if process == "-" { Joins::Tabs } else { Joins::Traces },
        extra,
        ..Envelope::default()
    };
    Some(Peeled::new(text, envelope))
}

/// Where the structured data `[a b="c"][d]` ends.
fn data(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if open => quoted = !quoted,
            b'[' if !open => open = true,
            b']' if open && !quoted => {
                open = false;
                if text.as_bytes().get(at + 1) != Some(&b'[') {
                    return Some(at + 1);
                }
            }
            _ if !open => return None,
            _ => {}
        }
    }
    None
}

/// `Nov 21 05:29:51 host prog[pid]: text`
pub(super) fn dated(line: &str, frame: TimeFrame) -> Option<Peeled<'_>> {
    MONTHS.iter().any(|month| line.starts_with(month)).then_some(())?;
    let (moment, end) = time::leading(line, frame)?;
    let rest = line[end..].strip_prefix(' ')?;
    let mut peeled = with_tag(rest, moment, true)?;
    if peeled.envelope.source.as_deref() == Some("kernel")
        && let Cow::Borrowed(text) = peeled.text
    {
        peeled.text = Cow::Borrowed(without_uptime(text).unwrap_or(text));
    }
    Some(peeled)
}

/// The same behind a time of ISO 8601.
pub(super) fn tagged(rest: &str, moment: Moment) -> Option<Peeled<'_>> {
    with_tag(rest, moment, false).map(|mut peeled| {
        if let (Some("kernel"), Cow::Borrowed(text)) =
            (peeled.envelope.source.as_deref(), &peeled.text)
        {
            peeled.text = Cow::Borrowed(without_uptime(text).unwrap_or(text));
        }
        peeled
    })
}

/// Whether a word where a host or a program may stand is a level.
fn is_level(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphabetic()) && level::is_strong(word)
}

/// `host prog[pid]: text` and `prog[pid]: text`. Behind a time of ISO 8601 the pid is asked for, or that the program is the kernel, since
/// there any words with a colon may stand.
fn with_tag(rest: &str, moment: Moment, is_syslog: bool) -> Option<Peeled<'_>> {
    let own = rest.split(' ').next().filter(|word| word.ends_with("]:"));
    let tagged = if own.is_some() {
        rest
    } else {
        let (host, tagged) = rest.split_once(' ')?;
        // A program's own line, whose level stands behind its time.
        (!is_level(host)).then_some(tagged)?
    };
    if is_syslog && tagged.starts_with("last message repeated ") {
        return Some(Peeled::new(tagged, Envelope { time: Some(moment), ..Envelope::default() }));
    }
    let near = &tagged[..tagged.floor_char_boundary(128)];
    let (tag, text) = match near.split_once(": ") {
        Some((tag, _)) => (tag, &tagged[tag.len() + 2..]),
        None => (tagged.strip_suffix(':')?, ""),
    };
    let (program, process) = tag.split_once('[').unwrap_or((tag, ""));
    let process = process.strip_suffix(']').unwrap_or_default();
    let named = process.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let is_pid = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
    let asked =
        is_pid || (own.is_some() && !process.is_empty()) || is_syslog || program == "kernel";
    if program.is_empty()
        || program.contains([' ', '"', '='])
        || !named
        || !asked
        || (tag.contains('[') && process.is_empty())
        || (process.is_empty() && is_level(program))
    {
        return None;
    }
    let envelope = Envelope {
        time: Some(moment),
        source: Some(Cow::Borrowed(program)),
        lane: lane(&[program, process]),
        joins: if process.is_empty() && program != "kernel" { Joins::Tabs } else { Joins::Traces },
        ..Envelope::default()
    };
    // rsyslog writes a tab so.
    let text = text
        .strip_prefix("#011")
        .map_or(Cow::Borrowed(text), |rest| Cow::Owned(format!("\t{rest}")));
    Some(Peeled { text, envelope })
}
