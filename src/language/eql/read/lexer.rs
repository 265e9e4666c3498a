//! EQL's tokens.

use crate::language::ReadError;

/// A token and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub offset: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A keyword or the name of a field or function; a trailing `~` belongs to it.
    Name(String),
    /// A field name of which some part is in backticks, so no keyword.
    Quoted(String),
    /// A string.
    Text(String),
    /// A number as written.
    Number(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

const SIGNS: [&str; 22] =
    ["==", "!=", "<=", ">=", "!:", "<", ">", ":", "=", "(", ")", ",", "?", "|", "[", "]", "+", "-", "*", "/", "%", "~"];

/// Cuts a query into tokens; comments are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ReadError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let offset = text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(found) };
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or("");
            continue;
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            let Some(end) = comment.find("*/") else { return fault(offset, "the comment is not closed") };
            rest = comment.get(end + 2..).unwrap_or("");
            continue;
        }
        let (kind, length) = if let Some(raw) = rest.strip_prefix("\"\"\"") {
            raw_string(raw, offset)?
        } else if first == '"' {
            string(rest, offset)?
        } else if first == '\'' {
            return fault(offset, "strings are written in double quotes");
        } else if rest.starts_with("?\"") || rest.starts_with("?'") {
            return fault(offset, "raw strings are written \"\"\"so\"\"\"");
        } else if first.is_ascii_digit() || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())) {
            number(rest)
        } else if is_name_start(first) || first == '`' {
            name(rest, offset)?
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Kind::Sign(sign), sign.len())
        } else {
            return fault(offset, format!("unexpected character `{first}`"));
        };
        found.push(Token { kind, offset });
        rest = rest.get(length..).unwrap_or("");
    }
}

fn fault<T>(offset: usize, reason: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError { offset, reason: reason.into() })
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '@'
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A name with its dots, such as `process.name`, `endsWith~` or ``kubernetes.`odd-name` ``.
fn name(text: &str, offset: usize) -> Result<(Kind, usize), ReadError> {
    let mut name = String::new();
    let mut quoted = false;
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix('`') {
            quoted = true;
            let mut end = 0;
            loop {
                let Some(tail) = inner.get(end..).filter(|tail| tail.contains('`')) else {
                    return fault(offset, "the backtick is not closed");
                };
                let stop = end + tail.find('`').unwrap_or(0);
                name.push_str(inner.get(end..stop).unwrap_or(""));
                end = stop + 1;
                if !inner.get(end..).unwrap_or("").starts_with('`') {
                    break;
                }
                name.push('`');
                end += 1;
            }
            rest = inner.get(end..).unwrap_or("");
        } else {
            let begin = rest.chars().next().filter(|c| is_name_start(*c)).map_or(0, char::len_utf8);
            if begin == 0 {
                return fault(offset + text.len() - rest.len(), "expected the next part of the name");
            }
            let tail = rest.get(begin..).unwrap_or("");
            let end = tail.find(|c| !is_name_part(c)).map_or(rest.len(), |end| begin + end);
            let (part, tail) = rest.split_at(end);
            name.push_str(part);
            rest = tail;
        }
        match rest.strip_prefix('.') {
            Some(tail) => {
                name.push('.');
                rest = tail;
            }
            None => break,
        }
    }
    if !quoted && rest.starts_with('~') && !name.contains('.') {
        name.push('~');
        rest = rest.get(1..).unwrap_or("");
    }
    let length = text.len() - rest.len();
    Ok((if quoted { Kind::Quoted(name) } else { Kind::Name(name) }, length))
}

fn number(text: &str) -> (Kind, usize) {
    let digits = |from: usize| from + text.get(from..).unwrap_or("").bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text.get(end..).unwrap_or("").starts_with('.') {
        end = digits(end + 1);
    }
    let exponent = text.get(end..).unwrap_or("");
    if let Some(tail) = exponent.strip_prefix(['e', 'E']) {
        let sign = usize::from(tail.starts_with(['+', '-']));
        let stop = digits(end + 1 + sign);
        if stop > end + 1 + sign {
            end = stop;
        }
    }
    (Kind::Number(text.get(..end).unwrap_or("").to_owned()), end)
}

/// `"""…"""`: no escapes, and up to two quotes at the very end belong to the text.
fn raw_string(raw: &str, offset: usize) -> Result<(Kind, usize), ReadError> {
    let Some(mut end) = raw.find("\"\"\"") else { return fault(offset, "the string is not closed") };
    let mut extra = 0;
    while extra < 2 && raw.get(end + 3..).unwrap_or("").starts_with('"') {
        end += 1;
        extra += 1;
    }
    Ok((Kind::Text(raw.get(..end).unwrap_or("").to_owned()), 3 + end + 3))
}

fn string(text: &str, offset: usize) -> Result<(Kind, usize), ReadError> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Kind::Text(value), at + 1)),
            '\n' | '\r' => return fault(offset + at, "a string ends on its own line"),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('b') => value.push('\u{8}'),
                Some('t') => value.push('\t'),
                Some('n') => value.push('\n'),
                Some('f') => value.push('\u{c}'),
                Some('r') => value.push('\r'),
                Some(c @ ('"' | '\'' | '\\')) => value.push(c),
                Some('u') => {
                    let tail = text.get(at + 2..).unwrap_or("");
                    let code =
                        tail.strip_prefix('{').and_then(|tail| tail.split_once('}')).map(|(code, _)| code).filter(
                            |code| (2..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_hexdigit()),
                        );
                    let Some(c) = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32)
                    else {
                        return fault(offset + at, "`\\u` is followed by the number of a character: `\\u{1f525}`");
                    };
                    value.push(c);
                    for _ in 0..code.map_or(0, str::len) + 2 {
                        chars.next();
                    }
                }
                _ => return fault(offset + at, "unknown escape"),
            },
            c => value.push(c),
        }
    }
    fault(offset, "the string is not closed")
}
