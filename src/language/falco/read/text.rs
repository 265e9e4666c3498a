//! Falco's patterns on text, as logic's: globs, regular expressions in RE2's POSIX syntax, paths, and the sets of
//! texts that a transformer or a negation leaves.

use std::collections::BTreeMap;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use crate::logic::expression::{LARGEST, Unusable, is_usable};
use crate::logic::{Glob, Pattern, Piece};

/// A glob as `fnmatch` reads it: `*`, `?` and escapes. Its bracket sets and extended patterns are refused.
pub(super) fn glob(text: &str) -> Result<Glob, String> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(c, '?' | '*' | '+' | '@' | '!') && chars.peek() == Some(&'(') {
            return Err(format!("extended patterns such as `{c}(…)` are not supported in globs"));
        }
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '[' => return Err("bracket sets are not supported in globs: escape the bracket or use regex".into()),
            '\\' => match chars.next() {
                Some(c) => Piece::Literal(c.to_string()),
                None => return Err("the glob ends in a backslash".into()),
            },
            c => Piece::Literal(c.to_string()),
        });
    }
    Ok(Glob::new(pieces))
}

/// A path and what lies below it, component by component.
pub(super) fn path(text: &str) -> Result<Pattern, String> {
    if !text.starts_with('/') {
        return Err("`pmatch` is read with absolute paths only".into());
    }
    if text.contains(['*', '?', '[', '\\']) {
        return Err("wildcards in `pmatch` are not supported".into());
    }
    let mut regex = String::from("^");
    for component in text.split('/').filter(|component| !component.is_empty()) {
        regex.push_str("/+");
        regex_syntax::escape_into(component, &mut regex);
    }
    regex.push_str(if regex.len() == 1 { "/(?s:.)*$" } else { "(?:/(?s:.)*)?$" });
    Ok(Pattern::Regex(regex))
}

/// A regular expression over the whole value.
pub(super) fn regex(source: &str) -> Result<String, String> {
    let (body, lines) = posix(source)?;
    let regex = if lines { format!(r"\A(?:(?m:{body}))\z") } else { format!("^(?:{body})$") };
    match is_usable(&regex, LARGEST) {
        Ok(()) => Ok(regex),
        Err(Unusable::TooLarge) => Err("the expression is too large".into()),
        Err(Unusable::Faulty(_)) => Err("the expression is not valid".into()),
    }
}

/// RE2's POSIX syntax in that of the `regex` crate, and whether it asks where lines begin or end.
fn posix(source: &str) -> Result<(String, bool), String> {
    let mut out = String::new();
    let mut lines = false;
    let mut chars = source.chars().peekable();
    let mut repeated = false;
    let mut depth = 0_usize;
    while let Some(c) = chars.next() {
        let was_repeated = std::mem::take(&mut repeated);
        match c {
            '\\' => escape(&mut chars, &mut out)?,
            '[' => class(&mut chars, &mut out)?,
            '(' if chars.peek() == Some(&'?') => return Err("`(?` is not allowed in POSIX syntax".into()),
            '(' => {
                depth += 1;
                if depth > 60 {
                    return Err("the groups are nested too deeply".into());
                }
                out.push_str("(?:");
            }
            ')' => {
                depth = depth.saturating_sub(1);
                out.push(')');
            }
            '*' | '+' | '?' => {
                if was_repeated {
                    return Err(format!("`{c}` repeats a repetition"));
                }
                repeated = true;
                out.push(c);
            }
            '{' => {
                let mut ahead = chars.clone();
                let bounds: String = ahead.by_ref().take_while(|c| *c != '}').take(12).collect();
                let (least, most) = bounds.split_once(',').unwrap_or((&bounds, ""));
                let is_count = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                if is_count(least) && (most.is_empty() || is_count(most)) {
                    if was_repeated {
                        return Err("`{` repeats a repetition".into());
                    }
                    if [least, most].iter().any(|n| !n.is_empty() && !n.parse::<u32>().is_ok_and(|n| n <= 1000)) {
                        return Err("a repetition counts to 1000 at most".into());
                    }
                    chars = ahead;
                    repeated = true;
                    out.push_str(&format!("{{{bounds}}}"));
                } else {
                    out.push_str(r"\{");
                }
            }
            '^' | '$' => {
                lines = true;
                out.push(c);
            }
            // A newline is what `.` is not, there and here.
            '.' | '|' => out.push(c),
            c => regex_syntax::escape_into(c.encode_utf8(&mut [0; 4]), &mut out),
        }
    }
    Ok((out, lines))
}

const UNCLOSED: &str = "the bracket is not closed";

/// What the `regex` crate takes for a sign within brackets.
const CLASS_SIGNS: [char; 7] = ['\\', '[', ']', '^', '-', '&', '~'];

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

fn escape(chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    match chars.next() {
        None => Err("the expression ends in a backslash".into()),
        Some(c @ ('a' | 'f' | 'n' | 'r' | 't' | 'v')) => {
            out.push('\\');
            out.push(c);
            Ok(())
        }
        Some('x') => {
            let digits: String = if chars.next_if_eq(&'{').is_some() {
                chars.by_ref().take_while(|c| *c != '}').collect()
            } else {
                let two: String = chars.by_ref().take(2).collect();
                if two.len() < 2 { String::new() } else { two }
            };
            let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let number = u32::from_str_radix(&digits, 16).ok().filter(|_| is_number).and_then(char::from_u32);
            let number = number.ok_or(r"`\x` is followed by two hexadecimal digits, or by some in braces")?;
            out.push_str(&format!(r"\x{{{:X}}}", u32::from(number)));
            Ok(())
        }
        Some(c) if c.is_ascii_punctuation() => {
            regex_syntax::escape_into(c.encode_utf8(&mut [0; 4]), out);
            Ok(())
        }
        Some(c) => Err(format!(r"`\{c}` is not allowed in POSIX syntax")),
    }
}

/// A bracketed class. A dash stands for itself at the ends of the class alone; RE2 refuses it elsewhere.
fn class(chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let c = chars.next().ok_or(UNCLOSED)?;
        if c == ']' && !first {
            break;
        }
        if c == '-' && !first && chars.peek() != Some(&']') {
            return Err("a dash within a class stands between two characters".into());
        }
        first = false;
        let is_class = c == '[' && chars.peek() == Some(&':');
        member(c, chars, out)?;
        let mut ahead = chars.clone();
        if is_class || ahead.next() != Some('-') || ahead.peek() == Some(&']') {
            continue;
        }
        *chars = ahead;
        out.push('-');
        let last = chars.next().ok_or(UNCLOSED)?;
        if last == '[' && chars.peek() == Some(&':') {
            return Err("a range does not end in a class".into());
        }
        member(last, chars, out)?;
    }
    out.push(']');
    Ok(())
}

/// A character or a named class of a bracketed class, from `c` on.
fn member(c: char, chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    match c {
        '[' if chars.peek() == Some(&':') => {
            let mut ahead = chars.clone();
            ahead.next();
            let name: String = ahead.by_ref().take_while(|c| *c != ':').take(12).collect();
            let known = [
                "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
                "upper", "word", "xdigit",
            ];
            if !known.contains(&name.trim_start_matches('^')) || ahead.next() != Some(']') {
                return Err(format!("unknown class `[:{name}:]`"));
            }
            *chars = ahead;
            out.push_str(&format!("[:{name}:]"));
        }
        '\\' => match chars.next_if(|c| CLASS_SIGNS.contains(c)) {
            Some(sign) => out.extend(['\\', sign]),
            None => escape(chars, out)?,
        },
        c => {
            if CLASS_SIGNS.contains(&c) {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(())
}

/// A regular expression for the texts that are none of `texts`.
pub(super) fn none_of(texts: &[&str]) -> Pattern {
    #[derive(Default)]
    struct Node {
        ends: bool,
        next: BTreeMap<char, Node>,
    }
    // Written flat, one alternative for each place where a text can leave the tree: nested as deep as the texts are
    // long, the expression would go beyond what the regular expression compiler takes.
    fn write(node: &Node, before: &str, out: &mut Vec<String>) {
        if !node.ends {
            out.push(before.to_owned());
        }
        if node.next.is_empty() {
            out.push(format!("{before}.+"));
        } else {
            let mut class = String::new();
            for c in node.next.keys() {
                if CLASS_SIGNS.contains(c) {
                    class.push('\\');
                }
                class.push(*c);
            }
            out.push(format!("{before}[^{class}].*"));
        }
        for (c, child) in &node.next {
            write(child, &format!("{before}{}", regex_syntax::escape(c.encode_utf8(&mut [0; 4]))), out);
        }
    }
    let mut root = Node::default();
    for text in texts {
        text.chars().fold(&mut root, |node, c| node.next.entry(c).or_default()).ends = true;
    }
    let mut alternatives = Vec::new();
    write(&root, "", &mut alternatives);
    Pattern::Regex(format!("^(?s:{})$", alternatives.join("|")))
}

/// Which case a transformer turns letters into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    Lower,
    Upper,
}

impl Transform {
    fn apply(self, c: char) -> char {
        match self {
            Transform::Lower => c.to_ascii_lowercase(),
            Transform::Upper => c.to_ascii_uppercase(),
        }
    }

    /// True if no transformed text holds a letter that `text` asks for.
    pub fn excludes(self, text: &str) -> bool {
        text.chars().any(|c| self.apply(c) != c)
    }

    /// The expression that matches what becomes a match of `source` when its letters are transformed.
    pub fn before(self, source: &str) -> Result<String, String> {
        let hir = regex_syntax::parse(source).map_err(|_| "the expression is not valid".to_owned())?;
        Ok(self.hir(&hir).to_string())
    }

    fn hir(self, hir: &Hir) -> Hir {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => hir.clone(),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => Hir::concat(
                    text.chars()
                        .map(|c| Hir::class(self.class(&ClassUnicode::new([ClassUnicodeRange::new(c, c)]))))
                        .collect(),
                ),
                Err(_) => Hir::fail(),
            },
            HirKind::Class(Class::Unicode(class)) => Hir::class(self.class(class)),
            HirKind::Class(Class::Bytes(_)) => hir.clone(),
            HirKind::Repetition(repetition) => {
                let mut repetition = repetition.clone();
                repetition.sub = Box::new(self.hir(&repetition.sub));
                Hir::repetition(repetition)
            }
            HirKind::Capture(capture) => self.hir(&capture.sub),
            HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| self.hir(part)).collect()),
            HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(|part| self.hir(part)).collect()),
        }
    }

    /// The characters that the transformer turns into one of `class`. The long s and the Kelvin sign go with `s`
    /// and `k`, as in [`Case::Insensitive`].
    fn class(self, class: &ClassUnicode) -> Class {
        let holds = |c: char| class.iter().any(|range| range.start() <= c && c <= range.end());
        let lost = match self {
            Transform::Lower => ClassUnicodeRange::new('A', 'Z'),
            Transform::Upper => ClassUnicodeRange::new('a', 'z'),
        };
        let others = [ClassUnicodeRange::new('ſ', 'ſ'), ClassUnicodeRange::new('\u{212a}', '\u{212a}')];
        let mut before = class.clone();
        before.difference(&ClassUnicode::new([lost].into_iter().chain(others)));
        for lower in 'a'..='z' {
            if holds(self.apply(lower)) {
                let letters = [lower, lower.to_ascii_uppercase()].into_iter().chain(match lower {
                    's' => Some('ſ'),
                    'k' => Some('\u{212a}'),
                    _ => None,
                });
                before.union(&ClassUnicode::new(letters.map(|c| ClassUnicodeRange::new(c, c))));
            }
        }
        Class::Unicode(before)
    }
}
