//! What is no log in text, with what to do about it.

use crate::logs::read::Decoder;

/// In a hundred bytes of a text so many are controls at most, besides those of typewriters and terminals. Zeros do not count: they are the
/// holes that a power cut leaves in a file.
const MAX_CONTROLS: usize = 3;
/// Where the name of tar's format stands.
const TAR: std::ops::Range<usize> = 257..262;

/// Why the beginning of an input is not that of a text, in words behind the input's name; `None` if it may be one.
pub(super) fn no_text(head: &[u8]) -> Option<String> {
    let known = known(head);
    if known.is_some() {
        return known;
    }
    let (mut bytes, mut controls) = (0, 0);
    let count = |part: &[u8], _: usize| {
        for byte in part {
            bytes += usize::from(*byte != 0);
            controls +=
                usize::from(matches!(byte, 1..=7 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f));
        }
    };
    let mut decoder = Decoder::default();
    decoder.push(head, count);
    if bytes == 0 && !head.is_empty() {
        return Some("holds nothing but zeros".into());
    }
    (controls * 100 > bytes * MAX_CONTROLS)
        .then(|| "holds bytes that are not text; write it as text, one entry on each line".into())
}

/// Forms that are recognised by their first bytes.
fn known(head: &[u8]) -> Option<String> {
    let through = |form: &str, command: &str| {
        format!("is {form}; run `{command} | lamplighter logs import --source NAME -`")
    };
    let text = match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => through("packed with xz", "xz -dc FILE"),
        [0x04, 0x22, 0x4d, 0x18, ..] => through("packed with lz4", "lz4 -dc FILE"),
        [0x1f, 0x9d, ..] => through("packed with compress", "uncompress -c FILE"),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => through("a zip archive", "unzip -p FILE"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => through("a 7z archive", "7z x -so FILE"),
        _ if head.starts_with(b"SQLite format 3\0") => {
            "is a SQLite database; have its table scanned where it lies: name the file by `log_db` under [monitoring] in lamplighter.toml".into()
        }
        _ if head.starts_with(b"LPKSHHRH") => {
            through("a journal of systemd", "journalctl -o json --file FILE")
        }
        _ if head.starts_with(b"ElfFile\0") => {
            "is an event log of Windows; write it as text there: `wevtutil qe FILE /lf:true /f:text`".into()
        }
        _ if head.get(TAR) == Some(b"ustar") => through("a tar archive", "tar -xOf FILE"),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_encoding_are_taken_and_bytes_are_not() {
        let wide = "\u{feff}Datenbank ist zu\r\n".encode_utf16().flat_map(u16::to_le_bytes);
        let wide: Vec<u8> = wide.collect();
        let cyrillic: Vec<u8> = (0xc0..=0xff).chain(*b" ERROR 1\n").collect();
        let coloured = b"\x1b[31mERROR\x1b[0m x\n".repeat(9);
        let hole = [vec![0; 4_000], b"2026-11-21 05:29:51 ERROR no\n".to_vec()].concat();
        for text in [&wide, &cyrillic, &coloured, &hole, &b"b\x08bold\n".to_vec()] {
            assert_eq!(no_text(text), None, "{:?}", String::from_utf8_lossy(text));
        }
        assert_eq!(no_text(b""), None);
        let mut random = fastrand::Rng::with_seed(3);
        let noise: Vec<u8> = (0..64 * 1024).map(|_| random.u8(..)).collect();
        for bytes in [&noise[..], &[0; 500], b"\x7fELF\x02\x01\x01\0\0\0\0\0\x03\0\x3e\0\x01"] {
            assert!(no_text(bytes).is_some());
        }
        for (head, says) in [
            (&b"\xfd7zXZ\0\0\x04"[..], "xz -dc FILE | lamplighter logs import"),
            (b"SQLite format 3\0\x10", "log_db"),
            (b"PK\x03\x04\x14", "unzip -p"),
        ] {
            assert!(no_text(head).unwrap().contains(says), "{says}");
        }
    }
}
