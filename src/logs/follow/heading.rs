//! The last header before a place in a log of columns, which says what the columns behind it are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What a header begins with, at the start of a line.
const HEADER: &[u8] = b"#Fields: ";
/// Bytes looked through at a time, and in all, backwards: a day of a busy server.
const PIECE: u64 = 256 * 1024;
const MAX_LOOKED: u64 = 256 * 1024 * 1024;
/// Longest header.
const MAX_HEADER: usize = 16 * 1024;

/// The header that stands last before `offset`; `None` if there is none near.
pub(super) fn before(file: &File, offset: u64) -> io::Result<Option<String>> {
    let (mut end, mut looked) = (offset, 0);
    while end > 0 && looked < MAX_LOOKED {
        let start = end.saturating_sub(PIECE);
        // A header may begin in one piece and end in the next.
        let mut piece = vec![0; (offset.min(end + MAX_HEADER as u64) - start) as usize];
        file.read_exact_at(&mut piece, start)?;
        if let Some(at) = last(&piece, start == 0) {
            let line = &piece[at..(at + MAX_HEADER).min(piece.len())];
            let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
            return Ok(Some(String::from_utf8_lossy(line).into_owned()));
        }
        looked += end - start;
        end = start;
    }
    Ok(None)
}

/// Where the last header of a piece begins.
fn last(piece: &[u8], is_start: bool) -> Option<usize> {
    let begins = |at: &usize| {
        (*at > 0 && piece[at - 1] == b'\n' || *at == 0 && is_start)
            && piece[*at..].starts_with(HEADER)
    };
    (0..piece.len().saturating_sub(HEADER.len())).rev().find(begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_header_before_the_place_is_found_across_pieces() {
        let mut file = tempfile::tempfile().unwrap();
        let lines = "2026-11-21 05:29:51 GET / 200\n".repeat(20_000);
        let text = format!("#Fields: a b\n{lines}x #Fields: no\n#Fields: b c\n{lines}#Fields: d");
        file.write_all(text.as_bytes()).unwrap();
        let found = |offset: usize| before(&file, offset as u64).unwrap();
        let second = text.find("#Fields: b c").unwrap();
        assert_eq!(found(0), None);
        assert_eq!(found(second).as_deref(), Some("#Fields: a b"));
        assert_eq!(found(second + 13).as_deref(), Some("#Fields: b c"));
        assert_eq!(found(text.len() - 10).as_deref(), Some("#Fields: b c"));
        for cut in 0..40 {
            let at = text.len() - 10 - cut * 16_411;
            let wanted = if at > second + 13 { "#Fields: b c" } else { "#Fields: a b" };
            assert_eq!(found(at).as_deref(), Some(wanted));
        }
    }
}
