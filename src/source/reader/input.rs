//! What all readers read from: bytes, unpacked, with a look ahead and lines of bounded length.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr;

/// Lines longer than this are damage.
pub const MAX_LINE: usize = 16 << 20;
/// How far ahead recognition looks.
const PEEK: usize = 64 << 10;
const BUFFER: usize = 128 << 10;
/// So many bytes tell how something is packed.
const MAGIC: usize = 8;
/// What is packed so is told: its name, what unpacks it to the standard output, and how it begins.
const PACKED: [(&str, &str, &[u8]); 6] = [
    ("xz", "xz -dc", &[0xfd, b'7', b'z', b'X', b'Z', 0]),
    ("bzip2", "bzip2 -dc", b"BZh"),
    ("lz4", "lz4 -dc", &[0x04, 0x22, 0x4d, 0x18]),
    ("lzip", "lzip -dc", b"LZIP"),
    ("7-Zip", "7z x -so", &[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c]),
    ("ZIP", "unzip -p", &[b'P', b'K', 3, 4]),
];

/// An unpacked log.
pub struct Input {
    reader: BufReader<Unpacked>,
    line: u64,
}

/// What was looked at already, and what follows.
type Unpacked = io::Chain<io::Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// A line, or why there is none.
pub enum Line {
    /// The line without its end.
    Text,
    /// It is longer than [`MAX_LINE`], and was skipped.
    TooLong,
    /// There are no more.
    End,
}

impl Input {
    /// Unpacks gzip and zstd, and drops a byte order mark.
    ///
    /// # Errors
    /// If the beginning cannot be read, or is packed with what is not unpacked here: then of the kind `Unsupported`.
    pub fn new(mut from: Box<dyn Read + Send>) -> io::Result<Self> {
        let head = take(&mut from, MAGIC)?;
        if let Some((name, tool, _)) = PACKED.iter().find(|(_, _, magic)| head.starts_with(magic)) {
            let reason = format!(
                "it is packed with {name}, which is not unpacked here; pipe it in: `{tool} FILE | cresset … -`"
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let packed: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(from));
        let mut plain: Box<dyn Read + Send> = if gzip {
            Box::new(flate2::read::MultiGzDecoder::new(packed))
        } else if zstd {
            let mut decoder = zstd::stream::read::Decoder::new(packed)?;
            // 128 MiB is what zstd's own tool unpacks without being told.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        } else {
            packed
        };
        let mut head = take(&mut plain, PEEK)?;
        if head.starts_with(&[0xef, 0xbb, 0xbf]) {
            head.drain(..3);
        }
        Ok(Self { reader: BufReader::with_capacity(BUFFER, io::Cursor::new(head).chain(plain)), line: 0 })
    }

    /// The beginning of the log, without going on.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    /// Puts the next line into `line`. An error is final.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        self.append_line(line)
    }

    /// Puts the next line at the end of `text`. An error is final.
    pub fn append_line(&mut self, text: &mut Vec<u8>) -> io::Result<Line> {
        let start = text.len();
        let mut too_long = false;
        let mut any = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            any = true;
            let end = memchr(b'\n', buffer);
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            if text.len() - start + part.len() > MAX_LINE {
                too_long = true;
                text.truncate(start);
            } else if !too_long {
                text.extend_from_slice(part);
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(Line::End);
        }
        self.line += 1;
        if text.len() > start && text.last() == Some(&b'\r') {
            text.pop();
        }
        Ok(if too_long { Line::TooLong } else { Line::Text })
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// True if to read on may mean to wait.
    pub fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// All that is left, if it is no more than `limit` bytes.
    pub fn rest(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let bytes = take(&mut self.reader, limit + 1)?;
        Ok((bytes.len() <= limit).then_some(bytes))
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Up to `limit` bytes.
fn take(from: &mut impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(bytes: Vec<u8>) -> Vec<String> {
        let mut input = Input::new(Box::new(io::Cursor::new(bytes))).expect("readable");
        let mut line = Vec::new();
        let mut found = Vec::new();
        loop {
            match input.next_line(&mut line).expect("readable") {
                Line::Text => found.push(String::from_utf8_lossy(&line).into_owned()),
                Line::TooLong => found.push("too long".to_owned()),
                Line::End => return found,
            }
        }
    }

    #[test]
    fn packed_or_not_the_lines_are_the_same() {
        let text = b"one\r\ntwo\n\nfour".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).expect("writable");
        let zstd = zstd::encode_all(text.as_slice(), 1).expect("writable");
        let marked = [b"\xef\xbb\xbf".as_slice(), &text].concat();
        for packed in [text, gzip.finish().expect("writable"), zstd, marked] {
            assert_eq!(lines(packed), ["one", "two", "", "four"]);
        }
        assert_eq!(lines(Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let mut text = vec![b'x'; MAX_LINE + 1];
        text.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(text), ["too long", "next"]);
    }
}
