//! Lucene's regular expressions, which `regex` takes, in the syntax of the `regex` crate.
//!
//! They match the whole value, `.` is any character, `^` and `$` are plain characters, text in double quotes is
//! literal, `@` is any text and `#` no text at all. Where case is ignored, single ASCII letters stand for both cases, in
//! brackets too; ranges, and all other letters, stand for themselves.

use crate::language::ascii;
use crate::logic::expression::{LARGEST, Unusable, is_usable};

/// How deep groups may nest.
const MAX_DEPTH: usize = 60;

/// The expression for the whole value, or why it cannot be had and at which byte of `source`. `fold` ignores case.
pub(super) fn translate(source: &str, fold: bool) -> Result<String, (usize, String)> {
    let mut out = String::from("^(?s:");
    let mut chars = source.char_indices().peekable();
    let mut depth = 0_usize;
    let mut stacked = 0_usize;
    // Whether a quantifier may follow.
    let mut repeatable = false;
    // Whether the alternative that is being read is still empty, and was since its group opened.
    let mut empty = true;
    while let Some((at, c)) = chars.next() {
        let fault = |reason: &str| Err((at, reason.to_owned()));
        let next = chars.peek().map(|(_, c)| *c);
        match c {
            '\\' => {
                let Some((_, escaped)) = chars.next() else { return fault("the expression ends in a backslash") };
                match escaped {
                    'd' => out.push_str("[0-9]"),
                    'D' => out.push_str("[^0-9]"),
                    'w' => out.push_str("[0-9A-Za-z_]"),
                    'W' => out.push_str("[^0-9A-Za-z_]"),
                    's' => out.push_str(r"[ \t\n\r]"),
                    'S' => out.push_str(r"[^ \t\n\r]"),
                    escaped => push_literal(&mut out, escaped, fold),
                }
                repeatable = true;
            }
            '"' => {
                out.push_str("(?:");
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, c)) => push_literal(&mut out, c, fold),
                        None => return fault("the quote is not closed"),
                    }
                }
                out.push(')');
                repeatable = true;
            }
            '.' => {
                out.push('.');
                repeatable = true;
            }
            '@' => {
                out.push_str("(?:.*)");
                repeatable = true;
            }
            '#' => {
                out.push_str(r"[^\s\S]");
                repeatable = true;
            }
            '&' | '~' | '<' => {
                return fault(
                    "intersection `&`, complement `~` and intervals `<1-9>` are not supported; escape the character if it is text",
                );
            }
            '(' if next == Some(')') => {
                chars.next();
                out.push_str("(?:)");
                repeatable = true;
            }
            '(' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return fault("the groups are nested too deeply");
                }
                out.push_str("(?:");
                repeatable = false;
                empty = true;
                continue;
            }
            ')' => {
                if depth == 0 || empty {
                    return fault(if empty { "an alternative is empty" } else { "a `)` without its `(`" });
                }
                depth -= 1;
                out.push(')');
                repeatable = true;
            }
            '|' => {
                if empty {
                    return fault("an alternative is empty");
                }
                out.push('|');
                repeatable = false;
                empty = true;
                continue;
            }
            '?' | '*' | '+' | '{' => {
                if !repeatable {
                    return fault("there is nothing to repeat");
                }
                // Lucene knows no lazy repetition: `a+?` repeats `a+` once or not at all.
                let inner = out.len();
                out.push(c);
                if c == '{' {
                    let mut bounds = String::new();
                    loop {
                        match chars.next() {
                            Some((_, '}')) => break,
                            Some((_, c)) if c.is_ascii_digit() || c == ',' => bounds.push(c),
                            _ => return fault("a repetition is written {2}, {2,} or {2,5}"),
                        }
                    }
                    let (least, most) = bounds.split_once(',').unwrap_or((&bounds, ""));
                    if !is_count(least) || !(most.is_empty() || is_count(most)) {
                        return fault("a repetition is written {2}, {2,} or {2,5}, and at most 1000");
                    }
                    out.push_str(&bounds);
                    out.push('}');
                }
                if matches!(chars.peek(), Some((_, '?' | '*' | '+' | '{'))) {
                    stacked += 1;
                    if stacked > MAX_DEPTH {
                        return fault("too many repetitions of repetitions");
                    }
                    let start = atom_start(&out, inner);
                    out.insert_str(start, "(?:");
                    out.push(')');
                }
            }
            '[' => {
                class(&mut chars, &mut out, fold).map_err(|reason| (at, reason))?;
                repeatable = true;
            }
            ']' | '}' | '>' | '^' | '$' => {
                push_literal(&mut out, c, fold);
                repeatable = true;
            }
            c => {
                push_literal(&mut out, c, fold);
                repeatable = true;
            }
        }
        empty = false;
    }
    if depth > 0 {
        return Err((source.len(), "a `(` without its `)`".into()));
    }
    if empty && !source.is_empty() {
        return Err((source.len(), "an alternative is empty".into()));
    }
    out.push_str(")$");
    match is_usable(&out, LARGEST) {
        Ok(()) => Ok(out),
        Err(Unusable::TooLarge) => Err((0, "the expression is too large".into())),
        Err(Unusable::Faulty(_)) => Err((0, "the expression is not valid".into())),
    }
}

fn is_count(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|count| count <= 1000)
}

fn push_literal(out: &mut String, c: char, fold: bool) {
    match ascii::equals_of(c).filter(|_| fold) {
        Some(equals) => out.extend(["[", equals, "]"]),
        None => regex_syntax::escape_into(c.encode_utf8(&mut [0; 4]), out),
    }
}

/// Where the atom begins that ends at `end` of an expression written by [`translate`].
fn atom_start(out: &str, end: usize) -> usize {
    let bytes = out.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let is_escaped = |i: usize| {
        let slashes = (0..i).rev().take_while(|&j| at(j) == b'\\').count();
        slashes % 2 == 1
    };
    let last = end.saturating_sub(1);
    if is_escaped(last) {
        return last - 1;
    }
    match at(last) {
        // Classes hold no bare bracket.
        b']' => (0..last).rev().find(|&i| at(i) == b'[' && !is_escaped(i)).unwrap_or(0),
        b')' => {
            let mut depth = 0_usize;
            let mut in_class = false;
            for i in (0..=last).rev() {
                if is_escaped(i) {
                    continue;
                }
                match at(i) {
                    b']' => in_class = true,
                    b'[' => in_class = false,
                    b')' if !in_class => depth += 1,
                    b'(' if !in_class => {
                        depth -= 1;
                        if depth == 0 {
                            return i;
                        }
                    }
                    _ => {}
                }
            }
            0
        }
        _ => out.get(..end).and_then(|text| text.char_indices().next_back()).map_or(0, |(i, _)| i),
    }
}

/// A bracketed class, after its `[`. A dash behind a character makes a range of it, whatever follows.
fn class(
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    out: &mut String,
    fold: bool,
) -> Result<(), String> {
    let mut next = || chars.next().map(|(_, c)| c).ok_or_else(|| "the bracket is not closed".to_owned());
    out.push('[');
    let mut c = next()?;
    if c == '^' {
        out.push('^');
        c = next()?;
    }
    let mut after = next()?;
    // The first sign is a character even if it is the bracket.
    loop {
        let is_escaped = c == '\\';
        if is_escaped {
            c = std::mem::replace(&mut after, next()?);
        }
        match c {
            'd' if is_escaped => out.push_str("0-9"),
            'w' if is_escaped => out.push_str("0-9A-Za-z_"),
            's' if is_escaped => out.push_str(r" \t\n\r"),
            'D' | 'W' | 'S' if is_escaped => {
                return Err("a negated class inside brackets is not supported".into());
            }
            first if after == '-' => {
                let mut last = next()?;
                if last == '\\' {
                    last = next()?;
                }
                if first > last {
                    return Err("a range in the expression is the wrong way round".into());
                }
                push_in_class(out, first, false);
                out.push('-');
                push_in_class(out, last, false);
                after = next()?;
            }
            c => push_in_class(out, c, fold),
        }
        if after == ']' {
            break;
        }
        c = std::mem::replace(&mut after, next()?);
    }
    out.push(']');
    Ok(())
}

fn push_in_class(out: &mut String, c: char, fold: bool) {
    if let Some(equals) = ascii::equals_of(c).filter(|_| fold) {
        out.push_str(equals);
        return;
    }
    if matches!(c, '\\' | '[' | ']' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(c);
}
