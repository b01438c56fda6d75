//! What is packed, as it was before: gzip, zstd and bzip2 are recognised by their first bytes, whatever a file is called.
//!
//! Archives that were written one behind the other, as `cat` and log rotation make them, are read to the end of the last.

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
    Bzip2,
}

/// The most bytes that tell it.
const MAX_MAGIC: usize = 10;

impl Packing {
    fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            // A frame, or one to be passed over, with which some programs begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // The number of the block's size and the digits of pi tell it from a text that begins with "BZh".
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90] => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

/// An input as it was before it was packed, and how it is packed.
pub(super) fn unpacked<'a>(
    mut input: impl Read + Send + 'a,
) -> io::Result<(Packing, Box<dyn Read + Send + 'a>)> {
    let mut magic = Vec::with_capacity(MAX_MAGIC);
    (&mut input).take(MAX_MAGIC as u64).read_to_end(&mut magic)?;
    let packing = Packing::of(&magic);
    let whole = BufReader::with_capacity(64 * 1024, Cursor::new(magic).chain(input));
    Ok((
        packing,
        match packing {
            Packing::None => Box::new(whole),
            Packing::Gzip => Box::new(MultiGzDecoder::new(whole)),
            Packing::Zstd => {
                Box::new(Zstd { input: whole, decoder: FrameDecoder::new(), within: false })
            }
            Packing::Bzip2 => Box::new(MultiBzDecoder::new(whole)),
        },
    ))
}

/// The frames of zstd, one behind the other.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    /// A frame has begun and is not read to its end.
    within: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Begins the next frame; `false` at the end of the input.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let passed = io::copy(&mut (&mut self.input).take(length), &mut io::sink())?;
                    if passed < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let next = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, next).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.within = false;
            let stated = self.decoder.get_checksum_from_data();
            if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
                return Err(io::Error::other("its checksum is not that of its text"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(packed: &[u8]) -> (Packing, Vec<u8>, io::Result<usize>) {
        let (packing, mut reader) = unpacked(packed).unwrap();
        let mut text = Vec::new();
        let ended = reader.read_to_end(&mut text);
        (packing, text, ended)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut packer = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn archives_one_behind_the_other_are_read_whole() {
        let (first, second) = (b"one line\n".repeat(9_000), b"another\n".repeat(20_000));
        let text = [first.as_slice(), &second].concat();
        for (packing, pack) in [
            (Packing::Gzip, gzip as fn(&[u8]) -> Vec<u8>),
            (Packing::Zstd, zstd),
            (Packing::Bzip2, bzip2),
        ] {
            let two = [pack(&first), pack(b""), pack(&second)].concat();
            let (found, unpacked, ended) = read(&two);
            assert_eq!((found, ended.ok()), (packing, Some(text.len())), "{packing:?}");
            assert!(unpacked == text, "{packing:?}");
        }
        // Frames that hold no text may stand anywhere between those that do.
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&first)].concat();
        assert!(read(&[skipped.as_slice(), &skipped].concat()).1 == first.repeat(2));
    }

    #[test]
    fn of_what_is_cut_short_the_text_before_comes_and_then_an_error() {
        let mut random = fastrand::Rng::with_seed(7);
        let text: String = (0..200_000).map(|_| random.alphanumeric()).collect();
        for pack in [gzip as fn(&[u8]) -> Vec<u8>, zstd, bzip2] {
            let whole = pack(text.as_bytes());
            let (packing, part, ended) = read(&whole[..whole.len() - 9]);
            assert!(ended.is_err(), "{packing:?}");
            assert!(text.as_bytes().starts_with(&part), "{packing:?}");
            let two = [whole.as_slice(), &whole[..whole.len() / 2]].concat();
            let (_, part, ended) = read(&two);
            assert!(ended.is_err() && part.starts_with(text.as_bytes()), "{packing:?}");
        }
    }

    #[test]
    fn text_that_begins_like_an_archive_is_text() {
        for text in [&b"BZh9 is how bzip2 begins\n"[..], b"\x1f\x8b", b"", b"(\xb5", b"P*M"] {
            let (packing, read, ended) = read(text);
            assert_eq!((packing, ended.ok()), (Packing::None, Some(text.len())));
            assert_eq!(read, text);
        }
    }
}
