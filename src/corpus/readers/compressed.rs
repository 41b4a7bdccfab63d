//! Files that were compressed as a whole, known by the endings of their names.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Compressed bytes read at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// True if the name says that a file was compressed.
pub(super) fn is_compressed(name: &str) -> bool {
    format_of(name).is_some()
}

/// What files start with that are compressed with one of the four, and the ending of their names.
const MAGICS: [(&[u8], &str); 4] =
    [(b"\x1f\x8b\x08", ".gz"), (b"BZh", ".bz2"), (b"\x28\xb5\x2f\xfd", ".zst"), (b"\xfd7zXZ\0", ".xz")];
/// What follows after BZh and a digit: words may start with these letters, too.
const BZIP2_BLOCK: &[u8] = b"1AY&SY";

/// The ending of the compression that a file starts like, in a form that [`decompressed`] takes as a name.
pub(crate) fn compression_of(start: &[u8]) -> Option<&'static str> {
    let (_, ending) = MAGICS.into_iter().find(|(magic, _)| start.starts_with(magic))?;
    let is_compressed = ending != ".bz2" || start.get(4..).is_some_and(|block| block.starts_with(BZIP2_BLOCK));
    is_compressed.then_some(ending)
}

/// The bytes as they were before compression: gzip, bzip2, Zstandard or xz if `name` ends in `.gz`, `.bz2`, `.zst` or
/// `.xz`, in whatever case; else as they are.
///
/// Members, streams and frames that follow each other are read as one. What is damaged, cut short, empty, or followed
/// by something else, is an error where it is read.
pub(crate) fn decompressed(bytes: Box<dyn Read + Send>, name: &str) -> Box<dyn Read + Send> {
    let Some((format, open)) = format_of(name) else { return bytes };
    let source = BufReader::with_capacity(BUFFER_BYTES, bytes);
    Box::new(Decompressed { format, state: State::New(source, open) })
}

fn format_of(name: &str) -> Option<(&'static str, Open)> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    Some(match ending.as_str() {
        "gz" => ("gzip", |bytes| Ok(Box::new(GzipMembers(Some(GzDecoder::new(bytes)))))),
        "bz2" => ("bzip2", |bytes| Ok(Box::new(MultiBzDecoder::new(bytes)))),
        "zst" => ("Zstandard", |bytes| Ok(Box::new(zstd::Decoder::with_buffer(bytes)?))),
        "xz" => ("xz", |bytes| {
            Ok(Box::new(XzDecoder::new_stream(bytes, Stream::new_stream_decoder(u64::MAX, CONCATENATED)?)))
        }),
        _ => return None,
    })
}

type Source = BufReader<Box<dyn Read + Send>>;
type Open = fn(Source) -> io::Result<Box<dyn Read + Send>>;

struct Decompressed {
    format: &'static str,
    state: State,
}

enum State {
    /// Not read yet, and so not known to be empty.
    New(Source, Open),
    Open(Box<dyn Read + Send>),
    Failed,
}

impl Decompressed {
    fn decoder(&mut self) -> io::Result<&mut Box<dyn Read + Send>> {
        if let State::New(source, _) = &mut self.state
            && source.fill_buf()?.is_empty()
        {
            // Each of the formats writes a header even for no data.
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::New(source, open) => State::Open(open(source)?),
            state => state,
        };
        match &mut self.state {
            State::Open(decoder) => Ok(decoder),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Says what was being decoded, and reads nothing more: what follows an error is not a corpus.
    fn failed(&mut self, error: &io::Error, advice: &str) -> io::Error {
        self.state = State::Failed;
        io::Error::new(error.kind(), format!("{} data: {error}.{advice}", self.format))
    }
}

impl Read for Decompressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = self.decoder().and_then(|decoder| decoder.read(out));
        result.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            // An error of the store is passed on as it is.
            _ if error.get_ref().is_some_and(|inner| inner.is::<crate::Error>()) => error,
            ErrorKind::UnexpectedEof => self.failed(&error, " The file was cut short; fetch or make it again."),
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                self.failed(&error, " If the file is damaged, fetch or make it again.")
            }
            _ => error,
        })
    }
}

/// Members of a gzip file; zero bytes may follow the last, as Python's `gzip` and gzip itself allow.
struct GzipMembers(Option<GzDecoder<Source>>);

impl Read for GzipMembers {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            skip_zeros(member.get_mut())?;
            let is_end = member.get_mut().fill_buf()?.is_empty();
            self.0 = self.0.take().filter(|_| !is_end).map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

fn skip_zeros(source: &mut Source) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        source.consume(zeros);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn read(bytes: &[u8], name: &str) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        decompressed(Box::new(Cursor::new(bytes.to_vec())), name).read_to_end(&mut text)?;
        Ok(text)
    }

    fn member(text: &[u8], name: &str) -> Vec<u8> {
        macro_rules! written {
            ($encoder:expr) => {{
                let mut encoder = $encoder;
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }};
        }
        match name {
            "a.gz" => written!(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default())),
            "a.BZ2" => written!(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default())),
            "a.xz" => written!(liblzma::write::XzEncoder::new(Vec::new(), 6)),
            _ => written!({
                // Without this there is no checksum; the zstd program adds it by default.
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder
            }),
        }
    }

    fn noise(bytes: u64) -> Vec<u8> {
        (0..bytes).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
    }

    const NAMES: [&str; 4] = ["a.gz", "a.BZ2", "a.Zst", "a.xz"];

    #[test]
    fn members_that_follow_each_other_are_one_text_and_another_name_is_left_alone() {
        let parts = [noise(300_000), Vec::new(), noise(7)];
        for name in NAMES {
            let bytes = parts.iter().map(|part| member(part, name)).collect::<Vec<_>>().concat();
            assert!(read(&bytes, name).unwrap() == parts.concat(), "{name}");
            assert!(read(&bytes, "a.txt").unwrap() == bytes);
        }
        let mut padded = member(b"text", "a.gz");
        padded.extend([0; 512]);
        assert_eq!(read(&padded, "a.gz").unwrap(), b"text");
    }

    #[test]
    fn what_is_cut_short_or_damaged_or_followed_by_something_else_is_an_error() {
        for name in NAMES {
            let (first, second) = (member(&noise(500), name), member(b"more words", name));
            let bytes = [first.as_slice(), &second].concat();
            for end in 0..bytes.len() {
                let text = read(&bytes[..end], name);
                assert_eq!(text.is_ok(), end == first.len(), "{name} cut to {end} of {}: {text:?}", bytes.len());
            }
            for at in first.len() / 2..first.len() {
                let mut damaged = first.clone();
                damaged[at] ^= 0x10;
                assert!(read(&damaged, name).is_err(), "{name} damaged at {at}");
            }
            assert!(read(&[first.as_slice(), b"rubbish"].concat(), name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_compressed_file_is_known_by_what_it_starts_with() {
        for name in NAMES {
            let ending = compression_of(&member(b"text", name)).unwrap();
            assert!(name.to_ascii_lowercase().ends_with(ending), "{name} {ending}");
        }
        for text in [&b""[..], b"text", b"\x1f\x8b", b"BZh", b"BZh1 0.5 0.5 0.5", b"\xfd7"] {
            assert_eq!(compression_of(text), None);
        }
    }

    #[test]
    fn nothing_is_read_after_an_error() {
        let mut bytes = member(&noise(500), "a.gz");
        bytes.extend(b"rubbish");
        let mut text = decompressed(Box::new(Cursor::new(bytes)), "a.gz");
        assert!(text.read_to_end(&mut Vec::new()).unwrap_err().to_string().starts_with("gzip data: "));
        assert!(text.read(&mut [0; 8]).is_err());
    }
}
