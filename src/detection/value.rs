//! Values of tests: text with wildcards, regular expressions, paths, networks.

use std::ops::Range;

use ipnet::IpNet;

use crate::logic::expression::{Unusable, is_usable};
use crate::logic::{Glob, Pattern, Piece};

/// What is wrong with a value: bytes of it, the message, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which bytes of the value.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
    /// A better value, where there is one.
    pub instead: Option<String>,
    /// True if the value is a regular expression outside of what can be decided.
    pub beyond: bool,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: help.into(), instead: None, beyond: false }
    }
}

/// Text with Sigma's wildcards: `*` and `?`, taken literally after a backslash; a backslash before another one is one
/// backslash, before anything else itself.
pub fn glob(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut letters = text.chars().peekable();
    // `\$` at the beginning is the text `$`, where `$name` would be a list.
    if text.starts_with("\\$") {
        letters.next();
    }
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => literal.push(escaped),
                None => literal.push('\\'),
            },
            '*' | '?' => {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(if letter == '*' { Piece::Any } else { Piece::One });
            }
            other => literal.push(other),
        }
    }
    pieces.push(Piece::Literal(literal));
    pieces
}

/// A pattern of text, open at either end.
pub fn text(text: &str, open_start: bool, open_end: bool) -> Pattern {
    let any = |open: bool| open.then_some(Piece::Any);
    Pattern::Glob(Glob::new(any(open_start).into_iter().chain(glob(text)).chain(any(open_end))))
}

/// A regular expression, checked.
pub fn regex(source: &str, multi_line: bool, dot_all: bool) -> Result<Pattern, Fault> {
    use regex_syntax::ast::ErrorKind;
    let mut flags = String::new();
    flags.extend(multi_line.then_some('m'));
    flags.extend(dot_all.then_some('s'));
    let whole = if flags.is_empty() { source.to_owned() } else { format!("(?{flags}:{source})") };
    let all = 0..source.len();
    if source.is_empty() {
        return Err(Fault::new(
            all,
            "the regular expression is empty",
            "an empty expression is found in every text; use `exists`",
        ));
    }
    if source.len() > 4096 {
        return Err(Fault::new(
            all,
            "the regular expression is longer than 4096 characters",
            "split it, or use a list",
        ));
    }
    match regex_syntax::Parser::new().parse(source) {
        Ok(_) => {}
        Err(regex_syntax::Error::Parse(error)) => {
            let range = error.span().start.offset..error.span().end.offset.max(error.span().start.offset + 1);
            let range = range.start.min(source.len())..range.end.min(source.len());
            let mut fault = match error.kind() {
                ErrorKind::UnsupportedLookAround => Fault::new(
                    range,
                    "look-around cannot be used in a regular expression",
                    "write what must be there as one selection and what must not as another: `a and not b`",
                ),
                ErrorKind::UnsupportedBackreference => Fault::new(
                    range,
                    "a back-reference cannot be used in a regular expression",
                    "write out the alternatives; to compare two fields there is `fieldref`",
                ),
                kind => Fault::new(
                    range,
                    format!("invalid regular expression: {kind}"),
                    "the syntax is RE2's, as in Go and Rust",
                ),
            };
            fault.beyond =
                matches!(error.kind(), ErrorKind::UnsupportedLookAround | ErrorKind::UnsupportedBackreference);
            return Err(fault);
        }
        Err(regex_syntax::Error::Translate(error)) => {
            let range = error.span().start.offset..error.span().end.offset;
            let message = format!("invalid regular expression: {}", error.kind());
            return Err(Fault::new(range, message, "the syntax is RE2's, as in Go and Rust"));
        }
        Err(error) => return Err(Fault::new(all, format!("invalid regular expression: {error}"), "")),
    }
    // The expression becomes part of larger ones, so it has to stay itself between parentheses.
    match is_usable(&format!("(?:{whole})"), 4 << 20) {
        Ok(()) => Ok(Pattern::Regex(whole)),
        Err(Unusable::TooLarge) => Err(Fault::new(
            all,
            "the regular expression is too large",
            "repetitions multiply: `(a{100}){100}` is ten thousand; use smaller bounds",
        )),
        Err(Unusable::Faulty(_)) => Err(Fault::new(
            all,
            "the regular expression cannot stand in parentheses",
            "a comment in `(?x)` swallows what follows it; write the expression without comments",
        )),
    }
}

/// An absolute path in its shortest spelling.
pub fn path(text: &str, below: bool) -> Result<Pattern, Fault> {
    let text = text.strip_prefix('\\').filter(|rest| rest.starts_with('$')).unwrap_or(text);
    let all = 0..text.len();
    if !text.starts_with('/') {
        let help = "a path begins with `/`; for part of one use `contains` or `endswith`";
        return Err(Fault::new(all, "the path is not absolute", help));
    }
    if let Some(at) = text.find(['*', '?']) {
        let help = "`path` and `under` compare paths segment by segment; with wildcards use the bare field or `re`";
        return Err(Fault::new(at..at + 1, "the path holds a wildcard", help));
    }
    let mut segments = Vec::new();
    for segment in text.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                let at = text.find("..").unwrap_or(0);
                return Err(Fault::new(at..at + 2, "the path goes up with `..`", "write the path that is meant"));
            }
            segment => segments.push(segment),
        }
    }
    Ok(Pattern::Path { path: format!("/{}", segments.join("/")), below })
}

/// A network, or a lone address as the network of it alone.
pub fn network(text: &str) -> Result<IpNet, Fault> {
    let all = 0..text.len();
    let help = "a network is an address and the number of its leading bits: `10.0.0.0/8`, `fd00::/8`";
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => match text.parse::<std::net::IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => return Err(Fault::new(all, format!("`{text}` is no network"), help)),
        },
    };
    if network.trunc() != network {
        let instead = network.trunc().to_string();
        let mut fault =
            Fault::new(all, format!("the address goes on after the first {} bits", network.prefix_len()), "");
        fault.help = format!("the network that it lies in is `{instead}`");
        fault.instead = Some(instead);
        return Err(fault);
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> String {
        text(source, false, false).to_string()
    }

    #[test]
    fn wildcards_are_escaped_as_in_sigma() {
        assert_eq!(shown("a*b?"), "a*b?");
        assert_eq!(Glob::new(glob(r"a\*b")), Glob::equals("a*b"));
        assert_eq!(Glob::new(glob(r"C:\Windows")), Glob::equals(r"C:\Windows"));
        assert_eq!(Glob::new(glob(r"a\\")), Glob::equals(r"a\"));
        assert_eq!(Glob::new(glob(r"a\\*")), Glob::starts_with(r"a\"));
        assert_eq!(Glob::new(glob(r"\$HOME")), Glob::equals("$HOME"));
    }

    #[test]
    fn expressions_outside_of_regular_languages_are_refused_where_they_are() {
        let fault = regex("ab(?!c)", false, false).expect_err("look-ahead");
        assert!(fault.beyond && fault.range.start == 2, "{fault:?}");
        let fault = regex("a(b", false, false).expect_err("an open group");
        assert!(!fault.beyond && fault.range.start == 1, "{fault:?}");
        assert!(regex("(?x)a # b", false, false).is_err());
        assert!(regex("((a{500}){500}){500}", false, false).is_err());
        assert_eq!(regex("a.b", false, true), Ok(Pattern::Regex("(?s:a.b)".into())));
    }

    #[test]
    fn paths_are_absolute_and_short() {
        assert_eq!(path("/etc//./x/", true), Ok(Pattern::Path { path: "/etc/x".into(), below: true }));
        assert_eq!(path("/", true), Ok(Pattern::Path { path: "/".into(), below: true }));
        for wrong in ["etc", "/etc/*", "/etc/../x", ""] {
            assert!(path(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_have_no_bits_beyond_their_length() {
        assert!(network("10.0.0.0/8").is_ok() && network("::1").is_ok());
        assert_eq!(network("10.0.0.5/8").expect_err("host bits").instead.as_deref(), Some("10.0.0.0/8"));
        assert!(network("10.0.0.0/33").is_err() && network("x").is_err());
    }
}
