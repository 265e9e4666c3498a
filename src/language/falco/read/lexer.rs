//! The words of a Falco condition, as the engine's own parser takes them: it tries one kind of word after the other
//! at the place where it stands, so what a text is depends on where it is.

use crate::language::ReadError;

/// A text and how far it is read.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// A value as written.
pub(super) struct Value {
    /// What it stands for.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
    /// Where it begins.
    pub offset: usize,
}

/// The longest value that the engine takes, in bytes.
const MAX_VALUE: usize = 255;

pub(super) fn fault<T>(offset: usize, reason: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError { offset, reason: reason.into() })
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{8}' | '\r' | '\n')
}

/// What `[[:space:]]` is.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub fn offset(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub fn blanks(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(is_blank).len();
        self.at += length;
        length > 0
    }

    /// Takes exactly this text, whatever follows it.
    pub fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Takes a word that has to be followed by a blank.
    pub fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.rest().strip_prefix(wanted).is_some_and(|rest| rest.starts_with(is_space));
        if found {
            self.at += wanted.len();
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
        }
        found
    }

    fn take_while(&mut self, part: impl Fn(char) -> bool) -> Option<&'t str> {
        let rest = self.rest();
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).filter(|found| !found.is_empty())
    }

    /// A name without dots: of a macro, a list or a transformer.
    pub fn identifier(&mut self) -> Option<&'t str> {
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// A field's name, with its argument in brackets.
    pub fn field(&mut self) -> Result<Option<String>, ReadError> {
        let start = self.at;
        let mut parts = 0;
        let mut end = start;
        while self.identifier().is_some() {
            parts += 1;
            end = self.at;
            if !self.take(".") {
                break;
            }
        }
        if parts < 2 {
            self.at = start;
            return Ok(None);
        }
        self.at = end;
        let mut name = self.text.get(start..end).unwrap_or("").to_owned();
        if self.take("[") {
            let argument = match self.quoted()? {
                Some(value) => value.text,
                None => match self.take_while(|c| !matches!(c, '[' | ']' | '"' | '\'') && !is_space(c)) {
                    Some(bare) => bare.to_owned(),
                    None => return fault(self.at, "expected the field's argument"),
                },
            };
            if !self.take("]") {
                return fault(self.at, "expected `]`");
            }
            name = format!("{name}[{argument}]");
        }
        Ok(Some(name))
    }

    /// A value in quotes or a bare one.
    pub fn value(&mut self) -> Result<Option<Value>, ReadError> {
        let value = match self.quoted()? {
            Some(value) => value,
            None => {
                let offset = self.at;
                let bare = |c| !matches!(c, '(' | ')' | '"' | '\'' | '=' | ',') && !is_space(c);
                match self.take_while(bare) {
                    Some(text) => Value { text: text.to_owned(), quoted: false, offset },
                    None => return Ok(None),
                }
            }
        };
        if value.text.len() > MAX_VALUE {
            return fault(
                value.offset,
                format!("a value has at most {MAX_VALUE} bytes, this one {}", value.text.len()),
            );
        }
        Ok(Some(value))
    }

    fn quoted(&mut self) -> Result<Option<Value>, ReadError> {
        let offset = self.at;
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
        let inner = self.text.get(offset + 1..).unwrap_or("");
        // A quote after a backslash never ends the value, not even after two of them.
        let mut before = '\\';
        let mut end = None;
        for (i, c) in inner.char_indices() {
            if c == quote && (before != '\\' || i == 0) {
                end = Some(i);
                break;
            }
            before = c;
        }
        let Some(end) = end else {
            return fault(offset, "the quote is not closed (a backslash before the closing quote keeps it open)");
        };
        self.at = offset + 1 + end + 1;
        let text = unescape(inner.get(..end).unwrap_or(""), quote, offset + 1)?;
        Ok(Some(Value { text, quoted: true, offset }))
    }
}

/// The value of a quoted text.
fn unescape(raw: &str, quote: char, start: usize) -> Result<String, ReadError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let byte = match chars.next().map(|(_, c)| c) {
            Some('b') => 8,
            Some('f') => 12,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some(' ') => b' ',
            Some('\\') => b'\\',
            Some('/') => b'/',
            Some('"') if quote == '"' => b'"',
            Some('\'') if quote == '\'' => b'\'',
            Some('x') => {
                let digits = raw.get(at + 2..at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                    return fault(start + at, "`\\x` is followed by two hexadecimal digits");
                };
                chars.next();
                chars.next();
                byte
            }
            Some(c) => return fault(start + at, format!("unknown escape `\\{c}`")),
            None => return fault(start + at, "the value ends in a backslash"),
        };
        bytes.push(byte);
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => fault(start, "a value does not hold the zero byte"),
        Ok(text) => Ok(text),
        Err(_) => fault(start, "the value's bytes are no UTF-8 text"),
    }
}
