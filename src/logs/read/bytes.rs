//! The bytes of a file as UTF-8: the byte order mark is obeyed, and UTF-16 is turned into UTF-8.
//!
//! What is neither stays as it is; the redactor puts replacement characters where a line is no UTF-8.

/// The most bytes that decide how a file is written.
pub(crate) const MAX_MARK: usize = 4;

/// How the text of a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// UTF-8, or anything else whose lines end with the byte of a line feed.
    Bytes,
    /// UTF-16 whose units begin with their lower byte.
    Little,
    /// UTF-16 whose units begin with their higher byte.
    Big,
}

/// What the beginning of a file says: the encoding and the length of the mark. `None` if more bytes are needed.
fn encoding(head: &[u8]) -> Option<(Encoding, usize)> {
    let plain = Some((Encoding::Bytes, 0));
    match *head {
        [0xef, 0xbb, 0xbf, ..] => Some((Encoding::Bytes, 3)),
        [0xff, 0xfe, ..] => Some((Encoding::Little, 2)),
        [0xfe, 0xff, ..] => Some((Encoding::Big, 2)),
        [] | [_] | [0xef, 0xbb] => None,
        // Without a mark, two ASCII letters of two bytes each tell UTF-16.
        [0, low, 0, next, ..] if low > 0 && next > 0 => Some((Encoding::Big, 0)),
        [low, 0, next, 0, ..] if low > 0 && next > 0 => Some((Encoding::Little, 0)),
        [0, low] | [low, 0] if low > 0 => None,
        [0, low, 0] | [low, 0, _] if low > 0 => None,
        _ => plain,
    }
}

/// Whether a file that begins with `head` is text: zero bytes stand in UTF-16 alone.
pub(crate) fn is_text(head: &[u8]) -> bool {
    let encoding = encoding(head).map_or(Encoding::Bytes, |(encoding, _)| encoding);
    encoding != Encoding::Bytes || !head.contains(&0)
}

/// Turns the bytes of a file, cut anywhere, into UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    encoding: Option<Encoding>,
    /// Bytes whose meaning depends on those to come: at most a mark, or the first half of a character.
    held: Vec<u8>,
}

impl Decoder {
    /// A decoder in the middle of a file that begins with `head`.
    pub(crate) fn within(head: &[u8]) -> Self {
        let encoding = encoding(head).map_or(Encoding::Bytes, |(encoding, _)| encoding);
        Self { encoding: Some(encoding), held: Vec::new() }
    }

    /// Takes the next piece, and gives each line or part of a line to `take`: its text with the line feed, and of how
    /// many bytes of the file it is made.
    pub(crate) fn push(&mut self, piece: &[u8], mut take: impl FnMut(&[u8], usize)) {
        if self.held.is_empty() && self.encoding == Some(Encoding::Bytes) {
            piece.split_inclusive(|b| *b == b'\n').for_each(|part| take(part, part.len()));
            return;
        }
        self.held.extend_from_slice(piece);
        let (encoding, mark) = match self.encoding {
            Some(encoding) => (encoding, 0),
            None => match encoding(&self.held) {
                Some(known) => known,
                None => return,
            },
        };
        self.encoding = Some(encoding);
        let bytes = std::mem::take(&mut self.held);
        self.held = decode(encoding, &bytes, mark, &mut take).to_vec();
    }

    /// The bytes that waited for others, at the end of a file.
    pub(crate) fn finish(&mut self, mut take: impl FnMut(&[u8], usize)) {
        let bytes = std::mem::take(&mut self.held);
        if bytes.is_empty() {
            return;
        }
        match self.encoding {
            None | Some(Encoding::Bytes) => {
                self.encoding = Some(Encoding::Bytes);
                decode(Encoding::Bytes, &bytes, 0, &mut take);
            }
            Some(Encoding::Little | Encoding::Big) => take("\u{fffd}".as_bytes(), bytes.len()),
        }
    }
}

/// Gives away the text of bytes, from the end of the mark on; answers the bytes that wait for others.
fn decode<'a>(
    encoding: Encoding,
    bytes: &'a [u8],
    mark: usize,
    take: &mut impl FnMut(&[u8], usize),
) -> &'a [u8] {
    if encoding == Encoding::Bytes {
        if mark > 0 {
            take(b"", mark);
        }
        bytes[mark..].split_inclusive(|b| *b == b'\n').for_each(|part| take(part, part.len()));
        return &[];
    }
    let unit = |pair: &[u8]| match encoding {
        Encoding::Big => u16::from_be_bytes([pair[0], pair[1]]),
        Encoding::Bytes | Encoding::Little => u16::from_le_bytes([pair[0], pair[1]]),
    };
    let mut whole = bytes.len() - (bytes.len() - mark) % 2;
    if whole > mark && (0xd800..0xdc00).contains(&unit(&bytes[whole - 2..whole])) {
        whole -= 2;
    }
    let (mut from, mut text) = (0, String::new());
    let units = bytes[mark..whole].chunks_exact(2).map(unit);
    let mut end = mark;
    for decoded in char::decode_utf16(units) {
        let c = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        // Half a pair, which is replaced, is as long as the character in its place.
        end += 2 * c.len_utf16();
        text.push(c);
        if c == '\n' {
            take(text.as_bytes(), end - from);
            text.clear();
            from = end;
        }
    }
    if end > from {
        take(text.as_bytes(), end - from);
    }
    &bytes[whole..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a file whose bytes come in pieces of this length, and how many bytes of it were told.
    fn read(bytes: &[u8], length: usize) -> (String, usize) {
        let (mut decoder, mut text, mut told) = (Decoder::default(), Vec::new(), 0);
        let mut take = |part: &[u8], from: usize| {
            text.extend_from_slice(part);
            told += from;
        };
        for piece in bytes.chunks(length) {
            decoder.push(piece, &mut take);
        }
        decoder.finish(&mut take);
        (String::from_utf8_lossy(&text).into_owned(), told)
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn text_in_every_encoding_is_the_same_however_its_bytes_are_cut() {
        let text = "Küche 1\r\nzwei 𝄞\n\nende";
        let mark = |text: &str| format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            mark(text).into_bytes(),
            utf16(&mark(text), u16::to_le_bytes),
            utf16(&mark(text), u16::to_be_bytes),
            utf16(text, u16::to_le_bytes),
            utf16(text, u16::to_be_bytes),
        ] {
            for length in 1..9 {
                assert_eq!(read(&bytes, length), (text.to_owned(), bytes.len()), "{bytes:?}");
            }
        }
    }

    #[test]
    fn short_and_strange_beginnings_are_read_as_bytes() {
        for bytes in [
            &b""[..],
            b"\n",
            b"a",
            b"ab",
            b"\xef",
            b"\xef\xbb",
            b"a\0",
            b"a\0b",
            b"\0\0\0a",
            b"a\0\0b",
        ] {
            for length in 1..5 {
                assert_eq!(read(bytes, length).0, String::from_utf8_lossy(bytes));
            }
        }
    }

    #[test]
    fn half_a_character_at_the_end_is_replaced() {
        for cut in [b"\xff\xfea\0b".as_slice(), b"\xff\xfea\0\x34\xd8", b"\xff\xfe\x34\xd8a\0"] {
            let (text, told) = read(cut, 3);
            assert!(text.contains('a') && text.contains('\u{fffd}'), "{text}");
            assert_eq!(told, cut.len());
        }
    }

    #[test]
    fn a_decoder_within_a_file_goes_by_how_the_file_begins() {
        let mut text = Vec::new();
        Decoder::within(b"\xff\xfea\0").push(b"b\0\n\0", |part, _| text.extend_from_slice(part));
        Decoder::within(b"ab").push(b"c\n", |part, _| text.extend_from_slice(part));
        assert_eq!(text, b"b\nc\n");
    }
}
