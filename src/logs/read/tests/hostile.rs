//! Texts that are made to hold the reader up.

use super::{one, rows};

/// Beginnings and middles of lines of all kinds, to be repeated and mixed.
pub(in crate::logs) const PIECES: &[&str] = &[
    "2026-11-21 05:29:51 ",
    "Nov 21 05:29:51 ",
    "[",
    "]",
    "<",
    "<34>",
    "<34>1 ",
    "(",
    "{",
    "}",
    "{\"a\":",
    "{\"log\":\"",
    "\"",
    "\\",
    "\" 404 ",
    "1/2/3/4/5 ",
    "TCP_MISS/",
    "TCP_",
    "a=",
    "a=1 ",
    "msg=\"",
    "level=",
    "ERROR ",
    "error: ",
    "ERROR:",
    "error[",
    "a.b ",
    "a.ERROR: ",
    "[core:error] ",
    "[1] ",
    "(1) ",
    "##[",
    "1234:M ",
    "E1121 05:29:51.1 ",
    "E, [",
    "=ERROR REPORT==== ",
    "1795238991 ",
    "9999999999999999999 ",
    "\u{1b}]a\u{1b}\\",
    "| ",
    "- ",
    "-- ",
    ": ",
    ":",
    "a | ",
    "web-1 | ",
    "[pod/",
    "[ 1.123456] ",
    "kern  :err   : ",
    "Traceback (most recent call last)",
    " panicked at ",
    "goroutine 1 [",
    "a.b(",
    "java.io.IOException: ",
    "#0 ",
    "#Fields: ",
    "BUG: ",
    "a,",
    "\"\",",
    ",ERROR,",
    "\u{1b}[",
    "\u{1b}]",
    "#033[",
    "\0",
    "\u{fffd}",
    "\r",
    "\t",
    " ",
    "failed ",
    "0 failed ",
    "exit code ",
    "A-B-001",
    "00O ",
    "stdout P ",
    "2026-11-21T05:29:51Z stdout P ",
    "2026-11-21T05:29:51Z stdout F ",
    "2026-11-21T05:29:51Z ",
    "ä",
    "1",
    "A",
    "z",
];

#[cfg(target_os = "linux")]
#[test]
fn time_grows_with_the_length_whatever_a_line_repeats() {
    for piece in PIECES {
        crate::growth::grows_with_its_length(piece, piece, |text| drop(one(text)));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn time_grows_with_the_length_whatever_lines_repeat() {
    for piece in PIECES.iter().step_by(3) {
        let lines = format!("{}\n  x\n", piece.repeat(200 / piece.len()));
        crate::growth::grows_with_its_length(piece, &lines, |text| drop(rows(text)));
    }
}
