//! Parsed expressions, printed in a syntax.

use std::rc::Rc;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::Refusal;
use super::perl::{by_number, escape_perl};
use crate::language::fragment::{Fragment, Strength};
use crate::language::text::{has_letters, is_invisible};

/// How many ranges a character class may have and still be readable.
const RANGES: usize = 24;

/// How many cases a letter has at most.
const MOST_CASES: usize = 4;

/// How many alternatives an expression may fall into when its anchors are taken out.
const BRANCHES: usize = 64;

/// An expression in a syntax that covers the whole value.
pub(super) fn whole(tree: &Hir, syntax: &Syntax) -> Result<Rc<str>, Refusal> {
    if let Some(text) = between_edges(tree, syntax)? {
        return Ok(Rc::from(text));
    }
    let mut branches = Vec::new();
    for mut branch in split(tree)? {
        branch.retain(|part| !matches!(part.kind(), HirKind::Empty));
        let start = take_anchor(&mut branch, Look::Start);
        let end = take_anchor(&mut branch, Look::End);
        let mut text = String::new();
        // What is found somewhere has any text around it, which takes in a `.*` at that end.
        if !start {
            while branch.first().is_some_and(|part| is_dots(part)) {
                branch.remove(0);
            }
            text.push_str(syntax.any_text);
        }
        if !end {
            while branch.last().is_some_and(|part| is_dots(part)) {
                branch.pop();
            }
        }
        for part in &branch {
            text.push_str(&operand(part, syntax, CONCATENATION)?);
        }
        if (start || !branch.is_empty()) && !end {
            text.push_str(syntax.any_text);
        }
        branches.push(text);
    }
    Ok(Rc::from(branches.join("|")))
}

/// An expression that begins with `(?:^|x)` or ends with `(?:x|$)`: what is before the `x` may be left out together with
/// it, so that what is between is said once.
fn between_edges(tree: &Hir, syntax: &Syntax) -> Result<Option<String>, Refusal> {
    let HirKind::Concat(parts) = tree.kind() else { return Ok(None) };
    let [first, middle @ .., last] = parts.as_slice() else { return Ok(None) };
    let (before, after) = (asked_at_edge(first, Look::Start), asked_at_edge(last, Look::End));
    if (before.is_none() && after.is_none()) || middle.iter().any(has_anchors) {
        return Ok(None);
    }
    let one_of = |parts: &[&Hir]| match parts {
        [one] => operand(one, syntax, CONCATENATION),
        parts => {
            let parts = parts.iter().map(|part| print(part, syntax)).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("{}{})", syntax.group, parts.join("|")))
        }
    };
    let is = |part: &Hir, look: Look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    // What is found anywhere takes in a `.*` at that end.
    let found = |part: &Hir| if is_dots(part) { Ok(String::new()) } else { one_of(&[part]) };
    if (before.is_none() && !is(first, Look::Start) && has_anchors(first))
        || (after.is_none() && !is(last, Look::End) && has_anchors(last))
    {
        return Ok(None);
    }
    let mut text = String::new();
    match &before {
        Some(parts) => text.push_str(&format!("{}{}{})?", syntax.group, syntax.any_text, one_of(parts)?)),
        None if is(first, Look::Start) => {}
        None => text.push_str(&format!("{}{}", syntax.any_text, found(first)?)),
    }
    for part in middle {
        text.push_str(&operand(part, syntax, CONCATENATION)?);
    }
    match &after {
        Some(parts) => text.push_str(&format!("{}{}{})?", syntax.group, one_of(parts)?, syntax.any_text)),
        None if is(last, Look::End) => {}
        None => text.push_str(&format!("{}{}", found(last)?, syntax.any_text)),
    }
    Ok(Some(text))
}

/// What an edge such as `^|x` asks where it is not the anchor.
fn asked_at_edge(hir: &Hir, look: Look) -> Option<Vec<&Hir>> {
    match hir.kind() {
        HirKind::Capture(capture) => asked_at_edge(&capture.sub, look),
        HirKind::Alternation(parts) => {
            let (anchors, rest): (Vec<&Hir>, Vec<&Hir>) =
                parts.iter().partition(|part| matches!(part.kind(), HirKind::Look(found) if *found == look));
            (anchors.len() == 1 && !rest.iter().any(|part| has_anchors(part))).then_some(rest)
        }
        _ => None,
    }
}

fn has_anchors(hir: &Hir) -> bool {
    hir.properties().look_set().contains(Look::Start) || hir.properties().look_set().contains(Look::End)
}

/// Whether it is `.*`, with or without newlines.
fn is_dots(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.min == 0
                && repetition.max.is_none()
                && matches!(class_of(&repetition.sub), ClassOf::Any | ClassOf::Line)
        }
        HirKind::Capture(capture) => is_dots(&capture.sub),
        _ => false,
    }
}

/// The alternatives of an expression, each a sequence, so that every anchor stands at an end of one.
fn split(hir: &Hir) -> Result<Vec<Vec<&Hir>>, Refusal> {
    match hir.kind() {
        HirKind::Capture(capture) if has_anchors(hir) => split(&capture.sub),
        HirKind::Alternation(parts) if has_anchors(hir) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(split(part)?);
                if all.len() > BRANCHES {
                    return Err("its anchors stand in too many places".to_owned());
                }
            }
            Ok(all)
        }
        HirKind::Concat(parts) => {
            let mut all: Vec<Vec<&Hir>> = vec![Vec::new()];
            for part in parts {
                if !has_anchors(part) {
                    all.iter_mut().for_each(|branch| branch.push(part));
                    continue;
                }
                let tails = split(part)?;
                if all.len().saturating_mul(tails.len()) > BRANCHES {
                    return Err("its anchors stand in too many places".to_owned());
                }
                all = all
                    .iter()
                    .flat_map(|head| tails.iter().map(|tail| head.iter().chain(tail).copied().collect::<Vec<_>>()))
                    .collect();
            }
            Ok(all)
        }
        _ => Ok(vec![vec![hir]]),
    }
}

/// Takes the anchors off one end of a sequence; true if there was one.
fn take_anchor(parts: &mut Vec<&Hir>, look: Look) -> bool {
    let mut found = false;
    loop {
        let at = if look == Look::Start { 0 } else { parts.len().saturating_sub(1) };
        match parts.get(at).map(|part| part.kind()) {
            Some(HirKind::Look(here)) if *here == look => _ = parts.remove(at),
            _ => return found,
        }
        found = true;
    }
}

/// What differs between syntaxes printed from the parsed expression.
pub(super) struct Syntax {
    /// Any one character.
    any: &'static str,
    /// Any one character but a newline.
    line: &'static str,
    /// Any text.
    any_text: &'static str,
    /// The opening of a group that is no capture.
    group: &'static str,
    /// A literal character outside a class.
    escape: fn(char, &mut String),
    /// A literal character in a class.
    escape_in_class: fn(char, &mut String),
    /// An assertion, if the syntax has it.
    look: fn(Look) -> Option<&'static str>,
    /// Whether what is printed is read without the case of letters, but for what stands in `(?-i:…)`.
    folds: bool,
}

/// As PCRE reads it without `(*UCP)`: what a word is, is asked of ASCII.
pub(super) static PERL: Syntax = perl_syntax(perl_look, escape_in_perl_class, false);
/// The same where it is read without the case of letters.
pub(super) static FOLDED_PERL: Syntax = perl_syntax(perl_look, escape_in_perl_class, true);

/// As Python reads it: what a word is, is asked of every script. It has no `\z` before version 3.14.
pub(super) static PYTHON: Syntax = perl_syntax(python_look, escape_in_python_class, false);
/// The same where it is read without the case of letters.
pub(super) static FOLDED_PYTHON: Syntax = perl_syntax(python_look, escape_in_python_class, true);

fn perl_look(look: Look) -> Option<&'static str> {
    match look {
        Look::WordAscii => Some("\\b"),
        Look::WordAsciiNegate => Some("\\B"),
        Look::End => Some("\\z"),
        look => edge(look),
    }
}

fn python_look(look: Look) -> Option<&'static str> {
    match look {
        Look::WordUnicode => Some("\\b"),
        Look::WordUnicodeNegate => Some("\\B"),
        Look::End => Some("$"),
        look => edge(look),
    }
}

fn escape_in_python_class(c: char, out: &mut String) {
    if c.is_ascii() || c.is_control() { escape_in_perl_class(c, out) } else { out.push(c) }
}

fn edge(look: Look) -> Option<&'static str> {
    match look {
        Look::Start => Some("^"),
        Look::StartLF => Some("(?m:^)"),
        Look::EndLF => Some("(?m:$)"),
        _ => None,
    }
}

fn escape_in_perl_class(c: char, out: &mut String) {
    match c {
        '-' | '\\' | '[' | ']' | '^' => out.extend(['\\', c]),
        '`' | '$' => escape_perl(c, out),
        c if c.is_control() || !c.is_ascii() => out.push_str(&by_number(c)),
        c => out.push(c),
    }
}

const fn perl_syntax(
    look: fn(Look) -> Option<&'static str>,
    escape_in_class: fn(char, &mut String),
    folds: bool,
) -> Syntax {
    Syntax {
        any: "(?s:.)",
        line: ".",
        any_text: "(?s:.)*",
        group: "(?:",
        escape: escape_perl,
        escape_in_class,
        look,
        folds,
    }
}

pub(super) static LUCENE: Syntax = Syntax {
    any: ".",
    line: "[^\n]",
    any_text: ".*",
    group: "(",
    escape: |c, out| {
        if c.is_ascii_punctuation() && !matches!(c, '/' | '-' | '_' | ',' | '=' | ':' | ';' | '\'' | '%' | '!') {
            out.push('\\');
        }
        out.push(c);
    },
    escape_in_class: |c, out| {
        if matches!(c, '-' | '\\' | '[' | ']' | '^' | '"' | '&') {
            out.push('\\');
        }
        out.push(c);
    },
    look: |_| None,
    folds: false,
};

pub(super) static POSIX: Syntax =
    posix_syntax(|c, out| posix(c, out, visible), |c, out| posix_in_class(c, out, visible));

/// The same in fewer bytes: every character is written as it is.
pub(super) static SHORT_POSIX: Syntax =
    posix_syntax(|c, out| posix(c, out, |c, out| out.push(c)), |c, out| posix_in_class(c, out, |c, out| out.push(c)));

const fn posix_syntax(escape: fn(char, &mut String), escape_in_class: fn(char, &mut String)) -> Syntax {
    Syntax {
        any: "(.|\n)",
        line: ".",
        any_text: "(.|\n)*",
        group: "(",
        escape,
        escape_in_class,
        look: |_| None,
        folds: false,
    }
}

/// A class instead of a backslash, which the string around it would double.
fn posix(c: char, out: &mut String, plain: fn(char, &mut String)) {
    match c {
        '.' | '+' | '*' | '?' | '(' | ')' | '|' | '{' | '}' | '$' | '[' => out.extend(['[', c, ']']),
        '^' | '\\' | ']' => out.extend(['\\', c]),
        c => plain(c, out),
    }
}

fn posix_in_class(c: char, out: &mut String, plain: fn(char, &mut String)) {
    if matches!(c, '-' | '\\' | '[' | ']' | '^') {
        out.push('\\');
    }
    plain(c, out);
}

/// A character, by its number where YAML could not show it in a block of text.
fn visible(c: char, out: &mut String) {
    if is_invisible(c) && !c.is_ascii() { out.push_str(&by_number(c)) } else { out.push(c) }
}

const ALTERNATION: Strength = Strength(1);
const CONCATENATION: Strength = Strength(2);
const REPETITION: Strength = Strength(3);

pub(super) fn print(hir: &Hir, syntax: &Syntax) -> Result<String, Refusal> {
    Ok(fragment(hir, syntax)?.into_text())
}

/// The expression as an operand of something that binds this strongly.
fn operand(hir: &Hir, syntax: &Syntax, around: Strength) -> Result<String, Refusal> {
    let inner = fragment(hir, syntax)?;
    let group = inner.strength() < around || (around == REPETITION && inner.strength() == REPETITION);
    Ok(if group { format!("{}{})", syntax.group, inner.into_text()) } else { inner.into_text() })
}

fn fragment(hir: &Hir, syntax: &Syntax) -> Result<Fragment, Refusal> {
    Ok(match hir.kind() {
        HirKind::Empty => Fragment::atom("()"),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| "it looks at bytes that are no text".to_owned())?;
            let mut out = String::new();
            text.chars().for_each(|c| (syntax.escape)(c, &mut out));
            let one = text.chars().count() == 1;
            if syntax.folds && has_letters(text) {
                Fragment::atom(with_case(&out))
            } else if one {
                Fragment::atom(out)
            } else {
                Fragment::new(out, CONCATENATION)
            }
        }
        HirKind::Class(_) => Fragment::atom(class(hir, syntax)?),
        HirKind::Look(look) => match (syntax.look)(*look) {
            Some(text) => Fragment::atom(text),
            None => return Err("it has an anchor or a word boundary that the syntax lacks".to_owned()),
        },
        HirKind::Repetition(repetition) => {
            let times = match (repetition.min, repetition.max) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (min, None) => format!("{{{min},}}"),
                (min, Some(max)) if min == max => format!("{{{min}}}"),
                (min, Some(max)) => format!("{{{min},{max}}}"),
            };
            Fragment::new(format!("{}{times}", operand(&repetition.sub, syntax, REPETITION)?), REPETITION)
        }
        HirKind::Capture(capture) => fragment(&capture.sub, syntax)?,
        HirKind::Concat(parts) => {
            let parts = parts.iter().map(|part| operand(part, syntax, CONCATENATION)).collect::<Result<String, _>>()?;
            Fragment::new(parts, CONCATENATION)
        }
        HirKind::Alternation(parts) => {
            let parts = parts.iter().map(|part| print(part, syntax)).collect::<Result<Vec<_>, _>>()?;
            Fragment::new(parts.join("|"), ALTERNATION)
        }
    })
}

enum ClassOf {
    Any,
    Line,
    Ranges(Vec<(char, char)>),
    Bytes,
}

fn class_of(hir: &Hir) -> ClassOf {
    let HirKind::Class(class) = hir.kind() else { return ClassOf::Bytes };
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) if class.is_ascii() => {
            class.iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
        Class::Bytes(_) => return ClassOf::Bytes,
    };
    match ranges.as_slice() {
        [('\0', char::MAX)] => ClassOf::Any,
        [('\0', '\t'), ('\u{b}', char::MAX)] => ClassOf::Line,
        _ => ClassOf::Ranges(ranges),
    }
}

fn class(hir: &Hir, syntax: &Syntax) -> Result<String, Refusal> {
    let ranges = match class_of(hir) {
        ClassOf::Any => return Ok(syntax.any.to_owned()),
        ClassOf::Line => return Ok(syntax.line.to_owned()),
        ClassOf::Bytes => return Err("it looks at bytes that are no text".to_owned()),
        ClassOf::Ranges(ranges) if ranges.is_empty() => return Err("a class in it is empty".to_owned()),
        ClassOf::Ranges(ranges) => ranges,
    };
    let rest = complement(&ranges);
    let negated = ranges.last().is_some_and(|(_, end)| *end == char::MAX) && !rest.is_empty();
    let shown = if negated { rest } else { ranges };
    match fewest(&shown).filter(|_| syntax.folds) {
        Some(fewest) => match fewest.as_slice() {
            [(one, end)] if one == end && !negated => {
                let mut out = String::new();
                (syntax.escape)(*one, &mut out);
                Ok(out)
            }
            fewest => bracketed(fewest, negated, syntax),
        },
        None if syntax.folds => bracketed(&shown, negated, syntax).map(|class| with_case(&class)),
        None => bracketed(&shown, negated, syntax),
    }
}

fn bracketed(ranges: &[(char, char)], negated: bool, syntax: &Syntax) -> Result<String, Refusal> {
    if ranges.len() > RANGES {
        return Err(r"`\d`, `\w`, `\s` and `\p` stand for the letters and digits of every script; `[0-9]` and the like can be said"
            .to_owned());
    }
    let mut out = String::from(if negated { "[^" } else { "[" });
    for (start, end) in ranges {
        (syntax.escape_in_class)(*start, &mut out);
        if start != end {
            if u32::from(*end) - u32::from(*start) > 1 {
                out.push('-');
            }
            (syntax.escape_in_class)(*end, &mut out);
        }
    }
    out.push(']');
    Ok(out)
}

/// What does not ignore case among what does.
fn with_case(text: &str) -> String {
    format!("(?-i:{text})")
}

/// Of characters that are all there with their other cases, those that stand for all; `None` if some case is missing.
fn fewest(ranges: &[(char, char)]) -> Option<Vec<(char, char)>> {
    let class = |ranges: &[(char, char)]| {
        ClassUnicode::new(ranges.iter().map(|(start, end)| ClassUnicodeRange::new(*start, *end)))
    };
    let folded = |class: &ClassUnicode| {
        let mut folded = class.clone();
        folded.try_case_fold_simple().ok().map(|()| folded)
    };
    let all = class(ranges);
    if folded(&all)? != all {
        return None;
    }
    let capitals = class(&[('A', 'Z'), ('\u{17f}', '\u{17f}'), ('\u{212a}', '\u{212a}')]);
    let mut small = all.clone();
    small.difference(&capitals);
    let one = small.iter().flat_map(|range| range.start()..=range.end()).take(MOST_CASES);
    let mut one = one.map(|c| class(&[(c, c)]));
    let chosen = one.find(|one| folded(one).as_ref() == Some(&all));
    let chosen = chosen.unwrap_or(if folded(&small)? == all { small } else { all });
    Some(chosen.iter().map(|range| (range.start(), range.end())).collect())
}

/// The characters outside sorted, separate ranges.
fn complement(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let before = |c: char| (0..u32::from(c)).rev().find_map(char::from_u32);
    let after = |c: char| (u32::from(c) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
    let mut rest = Vec::new();
    let mut next = Some('\0');
    for (start, end) in ranges {
        if let (Some(from), Some(to)) = (next, before(*start))
            && from <= to
        {
            rest.push((from, to));
        }
        next = after(*end);
    }
    rest.extend(next.map(|from| (from, char::MAX)));
    rest
}
