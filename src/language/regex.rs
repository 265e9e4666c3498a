//! Regular expressions in the syntaxes of the languages. The author's are those of the `regex` crate, *found* in a
//! value; Perl's (Splunk, Sigma) are too, and the author's text stays as it is where it means the same there. Lucene's
//! and POSIX's match the **whole** value and are printed from the parsed expression.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::fields::FieldType;
use super::fragment::{Fragment, Strength};
use crate::logic::expression::{self, Expression};
use crate::logic::{ANY_CHARACTER, Glob, Pattern, Piece, TextSet};

/// Why an expression cannot be said, in words.
type Refusal = String;

/// How many ranges a character class may have and still be readable.
const RANGES: usize = 24;

/// How many alternatives an expression may fall into when its anchors are taken out.
const BRANCHES: usize = 64;

fn perl_glob(glob: &Glob, end: &str) -> String {
    let mut pieces = glob.pieces();
    let mut expression = String::new();
    match pieces {
        [Piece::Any, rest @ ..] => pieces = rest,
        _ => expression.push('^'),
    }
    let open_end = match pieces {
        [rest @ .., Piece::Any] => {
            pieces = rest;
            true
        }
        _ => false,
    };
    if pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_))) {
        expression.insert_str(0, "(?s)");
    }
    for piece in pieces {
        match piece {
            Piece::Any => expression.push_str(".*"),
            Piece::One => expression.push('.'),
            Piece::Literal(text) => text.chars().for_each(|c| escape_perl(c, &mut expression)),
        }
    }
    if !open_end {
        expression.push_str(end);
    }
    expression
}

fn perl_path(path: &str, below: bool, end: &str) -> String {
    perl_paths(&[path], below, false, end)
}

/// Paths in Perl's syntax, of which a value is one; `/` only alone. `below`: or lies below one. `end` and `fold` as for
/// [`perl`].
pub(super) fn perl_paths(paths: &[&str], below: bool, fold: bool, end: &str) -> String {
    const SLASHES: &str = r"/(?:\.?/)*";
    let escaped = |segment: &str| {
        let mut out = String::new();
        segment.chars().for_each(|c| escape_perl(c, &mut out));
        out
    };
    let tails: Vec<String> = paths
        .iter()
        .map(|path| {
            path.split('/').filter(|segment| !segment.is_empty()).map(escaped).collect::<Vec<_>>().join(SLASHES)
        })
        .collect();
    let fold = if fold { "(?i)" } else { "" };
    match (tails.as_slice(), below) {
        ([root], _) if root.is_empty() => format!(r"{fold}^{SLASHES}\.?{end}"),
        (tails, below) => {
            let path = match tails {
                [one] => one.clone(),
                many => format!("(?:{})", many.join("|")),
            };
            let rest = if below { format!("(?:/|{end})") } else { format!(r"(?:/\.?)*{end}") };
            format!("{fold}^{SLASHES}{path}{rest}")
        }
    }
}

/// A literal character. Backticks and dollars are written by number: Splunk knows the one for macros and the other
/// for tokens, and neither has another meaning in a class.
fn escape_perl(c: char, out: &mut String) {
    match c {
        '`' | '$' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() => out.push_str(&format!("\\x{{{:x}}}", u32::from(c))),
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '#' => out.extend(['\\', c]),
        c => out.push(c),
    }
}

fn faulty(source: &str) -> Refusal {
    format!("`{source}` is no regular expression")
}

/// The author's text with the few signs changed that Perl reads otherwise. `read` is what it says.
fn perl_text(source: &str, end: &str, read: &Expression) -> Result<String, Refusal> {
    let ends = |at: &usize| (*at, at + 1, end.to_owned());
    let edits = match &read.ends {
        Some(places) => places.iter().map(ends).collect(),
        None => {
            let tree = ast::parse::ParserBuilder::new().nest_limit(100).build().parse(source);
            let tree = tree.map_err(|_| faulty(source))?;
            let multi_line = source.contains("(?") && has_flag(&tree, ast::Flag::MultiLine);
            let mut edits = Edits { end, multi_line, list: Vec::new() };
            if !edits.visit(&tree) {
                return print(&read.tree, if edits.knows_scripts() { &PYTHON } else { &PERL });
            }
            edits.list.sort_by_key(|(from, _, _)| *from);
            edits.list
        }
    };
    let mut out = String::new();
    let mut at = 0;
    for (from, to, text) in &edits {
        out.push_str(source.get(at..*from).unwrap_or(""));
        out.push_str(text);
        at = *to;
    }
    out.push_str(source.get(at..).unwrap_or(""));
    Ok(out)
}

/// Changes to the author's text, as (from, to, replacement) in bytes.
struct Edits<'e> {
    end: &'e str,
    multi_line: bool,
    list: Vec<(usize, usize, String)>,
}

impl Edits<'_> {
    /// Whether all of the tree means the same in Perl, after the edits.
    fn visit(&mut self, tree: &Ast) -> bool {
        match tree {
            Ast::Empty(_) | Ast::Dot(_) => true,
            Ast::ClassPerl(_) => self.knows_scripts(),
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::EndLine if self.multi_line => self.end == "$",
                ast::AssertionKind::EndLine | ast::AssertionKind::EndText => {
                    self.replace(&assertion.span, self.end.to_owned());
                    true
                }
                ast::AssertionKind::StartLine | ast::AssertionKind::StartText => true,
                ast::AssertionKind::WordBoundary | ast::AssertionKind::NotWordBoundary => self.knows_scripts(),
                _ => false,
            },
            Ast::ClassUnicode(class) => plain_unicode(class),
            Ast::ClassBracketed(class) => match &class.kind {
                ast::ClassSet::Item(item) => self.class_item(item),
                ast::ClassSet::BinaryOp(_) => false,
            },
            Ast::Repetition(repetition) => self.visit(&repetition.ast),
            Ast::Group(group) => {
                let kind = match &group.kind {
                    ast::GroupKind::NonCapturing(flags) => self.flags(flags),
                    ast::GroupKind::CaptureIndex(_) => true,
                    ast::GroupKind::CaptureName { name, .. } => {
                        name.name.is_ascii() && !name.name.contains(['.', '[', ']'])
                    }
                };
                kind && self.visit(&group.ast)
            }
            Ast::Alternation(alternation) => alternation.asts.iter().all(|part| self.visit(part)),
            Ast::Concat(concat) => concat.asts.iter().all(|part| self.visit(part)),
        }
    }

    /// Whether `\d`, `\w`, `\s` and `\b` know the letters, digits and blanks of every script: for Python, whose `$`
    /// is the end, they do; for PCRE they do not.
    fn knows_scripts(&self) -> bool {
        self.end == "$"
    }

    fn flags(&self, flags: &ast::Flags) -> bool {
        flags.items.iter().all(|item| match item.kind {
            ast::FlagsItemKind::Negation => true,
            ast::FlagsItemKind::Flag(flag) => {
                matches!(flag, ast::Flag::CaseInsensitive | ast::Flag::MultiLine | ast::Flag::DotMatchesNewLine)
            }
        })
    }

    fn literal(&mut self, literal: &ast::Literal) -> bool {
        let c = literal.c;
        let by_number = match literal.kind {
            ast::LiteralKind::HexFixed(_) | ast::LiteralKind::HexBrace(_) | ast::LiteralKind::Octal => true,
            ast::LiteralKind::Special(ast::SpecialLiteralKind::VerticalTab | ast::SpecialLiteralKind::Bell) => true,
            ast::LiteralKind::Special(_) => false,
            _ => c.is_control() || (self.end != "$" && matches!(c, '`' | '$')),
        };
        if by_number {
            self.replace(&literal.span, format!("\\x{{{:x}}}", u32::from(c)));
        } else if literal.kind == ast::LiteralKind::Superfluous && !c.is_ascii_punctuation() {
            return false;
        } else if literal.kind == ast::LiteralKind::Verbatim && matches!(c, ']' | '}' | '{') {
            self.replace(&literal.span, format!("\\{c}"));
        }
        true
    }

    fn class_item(&mut self, item: &ast::ClassSetItem) -> bool {
        match item {
            ast::ClassSetItem::Empty(_) | ast::ClassSetItem::Ascii(_) => true,
            ast::ClassSetItem::Perl(_) => self.knows_scripts(),
            ast::ClassSetItem::Literal(literal) => self.literal(literal),
            ast::ClassSetItem::Range(range) => self.literal(&range.start) && self.literal(&range.end),
            ast::ClassSetItem::Unicode(class) => plain_unicode(class),
            ast::ClassSetItem::Bracketed(_) => false,
            ast::ClassSetItem::Union(union) => union.items.iter().all(|item| self.class_item(item)),
        }
    }

    fn replace(&mut self, span: &ast::Span, text: String) {
        self.list.push((span.start.offset, span.end.offset, text));
    }
}

/// `\pL` and `\p{Lu}`, which Perl knows by the same names.
fn plain_unicode(class: &ast::ClassUnicode) -> bool {
    match &class.kind {
        ast::ClassUnicodeKind::OneLetter(_) => true,
        ast::ClassUnicodeKind::Named(name) => {
            name.len() <= 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) && !class.negated
        }
        ast::ClassUnicodeKind::NamedValue { .. } => false,
    }
}

/// Whether a flag is set anywhere in the tree.
fn has_flag(tree: &Ast, flag: ast::Flag) -> bool {
    let set = |flags: &ast::Flags| flags.flag_state(flag) == Some(true);
    match tree {
        Ast::Flags(flags) => set(&flags.flags),
        Ast::Group(group) => {
            matches!(&group.kind, ast::GroupKind::NonCapturing(flags) if set(flags)) || has_flag(&group.ast, flag)
        }
        Ast::Repetition(repetition) => has_flag(&repetition.ast, flag),
        Ast::Alternation(alternation) => alternation.asts.iter().any(|part| has_flag(part, flag)),
        Ast::Concat(concat) => concat.asts.iter().any(|part| has_flag(part, flag)),
        _ => false,
    }
}

/// Expressions and tests that were read and printed before. Whether a condition can be said is asked part by part before
/// it is printed, and the rules of one detection have most of their expressions in common.
#[derive(Debug, Default)]
pub struct Expressions {
    patterns: RefCell<HashMap<Pattern, Known, RandomState>>,
    tests: RefCell<HashMap<(Asked, *const Pattern), PrintedTest, RandomState>>,
}

/// Where a set of patterns is to be printed, and how.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    /// The name of the dialect.
    pub dialect: &'static str,
    /// The field's name and type.
    pub field: String,
    pub kind: Option<FieldType>,
    /// Whether its negation is asked for.
    pub negate: bool,
}

/// A test of text as it was printed, or why it cannot be.
#[derive(Debug)]
struct PrintedTest {
    /// Keeps the patterns where they are: they are known by that.
    set: TextSet,
    text: Result<Fragment, Refusal>,
}

/// What is known of a pattern.
#[derive(Debug, Default)]
struct Known {
    /// The pattern as an expression: with the case of letters, and without.
    read: [Option<Result<Rc<Expression>, Refusal>>; 2],
    printed: Vec<Printed>,
}

/// An expression in one notation, or why it cannot be said there.
#[derive(Debug)]
struct Printed {
    notation: Notation,
    text: Result<Rc<str>, Refusal>,
}

/// A way to print expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Perl { fold: bool, end: &'static str },
    Lucene,
    Posix { fold: bool },
}

impl Expressions {
    /// A pattern in Perl's syntax, to be found somewhere in the value. `end` is the assertion for the end of the value:
    /// `$` also matches before a last newline in Perl, `\z` does not. `fold` ignores case.
    pub(super) fn perl(&self, pattern: &Pattern, fold: bool, end: &'static str) -> Result<Rc<str>, Refusal> {
        let with_case = |expression: String| match fold {
            true => Rc::from(format!("(?i){expression}")),
            false => Rc::from(expression),
        };
        match pattern {
            // Nothing is parsed for these.
            Pattern::Glob(glob) => Ok(with_case(perl_glob(glob, end))),
            Pattern::Path { path, below } => Ok(with_case(perl_path(path, *below, end))),
            Pattern::Regex(source) => self.remembered(pattern, Notation::Perl { fold, end }, |known| {
                Ok(with_case(perl_text(source, end, &*known.read(pattern, false)?)?))
            }),
        }
    }

    /// A pattern in Lucene's syntax, over the whole value.
    pub(super) fn lucene(&self, pattern: &Pattern) -> Result<Rc<str>, Refusal> {
        self.remembered(pattern, Notation::Lucene, |known| whole(&known.read(pattern, false)?.tree, &LUCENE))
    }

    /// A pattern in RE2's POSIX syntax, over the whole value. `fold` ignores case.
    pub(super) fn posix(&self, pattern: &Pattern, fold: bool) -> Result<Rc<str>, Refusal> {
        self.remembered(pattern, Notation::Posix { fold }, |known| whole(&known.read(pattern, fold)?.tree, &POSIX))
    }

    /// A test of text, printed unless it was before. Copies of a set, of which conditions are full, are one set here; sets
    /// that were made one by one are not.
    pub(super) fn test(
        &self,
        asked: Asked,
        set: &TextSet,
        print: impl FnOnce() -> Result<Fragment, Refusal>,
    ) -> Result<Fragment, Refusal> {
        let key = (asked, set.any.as_ptr());
        if let Some(known) = self.tests.borrow().get(&key).filter(|known| known.set.case == set.case) {
            return known.text.clone();
        }
        let text = print();
        self.tests.borrow_mut().insert(key, PrintedTest { set: set.clone(), text: text.clone() });
        text
    }

    /// A pattern as an expression that is found in a value, if it is one.
    pub(crate) fn read(&self, pattern: &Pattern) -> Option<Rc<Expression>> {
        let mut known = self.patterns.borrow_mut();
        known.entry(pattern.clone()).or_default().read(pattern, false).ok()
    }

    fn remembered(
        &self,
        pattern: &Pattern,
        notation: Notation,
        print: impl FnOnce(&mut Known) -> Result<Rc<str>, Refusal>,
    ) -> Result<Rc<str>, Refusal> {
        let mut all = self.patterns.borrow_mut();
        if !all.contains_key(pattern) {
            all.insert(pattern.clone(), Known::default());
        }
        let Some(known) = all.get_mut(pattern) else { return print(&mut Known::default()) };
        if let Some(printed) = known.printed.iter().find(|one| one.notation == notation) {
            return printed.text.clone();
        }
        let text = print(known);
        known.printed.push(Printed { notation, text: text.clone() });
        text
    }
}

impl Known {
    fn read(&mut self, pattern: &Pattern, fold: bool) -> Result<Rc<Expression>, Refusal> {
        let [sensitive, insensitive] = &mut self.read;
        let slot = if fold { insensitive } else { sensitive };
        slot.get_or_insert_with(|| {
            let of = |source: &str| expression::read(source, fold).map(Rc::new).map_err(|_| faulty(source));
            match pattern {
                Pattern::Regex(source) => of(source),
                pattern => of(&format!("^(?:{})$", pattern.to_regex(ANY_CHARACTER))),
            }
        })
        .clone()
    }
}

/// An expression in a syntax that covers the whole value.
fn whole(tree: &Hir, syntax: &Syntax) -> Result<Rc<str>, Refusal> {
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
    let has_anchors = |hir: &Hir| {
        hir.properties().look_set().contains(Look::Start) || hir.properties().look_set().contains(Look::End)
    };
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
struct Syntax {
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
}

/// As PCRE reads it without `(*UCP)`: what a word is, is asked of ASCII.
static PERL: Syntax = perl_syntax(|look| match look {
    Look::WordAscii => Some("\\b"),
    Look::WordAsciiNegate => Some("\\B"),
    look => edge(look),
});

/// As Python reads it: what a word is, is asked of every script.
static PYTHON: Syntax = perl_syntax(|look| match look {
    Look::WordUnicode => Some("\\b"),
    Look::WordUnicodeNegate => Some("\\B"),
    look => edge(look),
});

fn edge(look: Look) -> Option<&'static str> {
    match look {
        Look::Start => Some("^"),
        Look::End => Some("\\z"),
        Look::StartLF => Some("(?m:^)"),
        Look::EndLF => Some("(?m:$)"),
        _ => None,
    }
}

const fn perl_syntax(look: fn(Look) -> Option<&'static str>) -> Syntax {
    Syntax {
        any: "(?s:.)",
        line: ".",
        any_text: "(?s:.)*",
        group: "(?:",
        escape: escape_perl,
        escape_in_class: |c, out| match c {
            '-' | '\\' | '[' | ']' | '^' => out.extend(['\\', c]),
            '`' | '$' => escape_perl(c, out),
            c if c.is_control() || !c.is_ascii() => out.push_str(&format!("\\x{{{:x}}}", u32::from(c))),
            c => out.push(c),
        },
        look,
    }
}

static LUCENE: Syntax = Syntax {
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
};

static POSIX: Syntax = Syntax {
    any: "(.|\n)",
    line: ".",
    any_text: "(.|\n)*",
    group: "(",
    // A class instead of a backslash, which the string around it would double.
    escape: |c, out| match c {
        '.' | '+' | '*' | '?' | '(' | ')' | '|' | '{' | '}' | '$' | '[' => out.extend(['[', c, ']']),
        '^' | '\\' | ']' => out.extend(['\\', c]),
        c => out.push(c),
    },
    escape_in_class: |c, out| {
        if matches!(c, '-' | '\\' | '[' | ']' | '^') {
            out.push('\\');
        }
        out.push(c);
    },
    look: |_| None,
};

const ALTERNATION: Strength = Strength(1);
const CONCATENATION: Strength = Strength(2);
const REPETITION: Strength = Strength(3);

fn print(hir: &Hir, syntax: &Syntax) -> Result<String, Refusal> {
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
            if one { Fragment::atom(out) } else { Fragment::new(out, CONCATENATION) }
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
    let shown = if negated { &rest } else { &ranges };
    if shown.len() > RANGES {
        return Err(r"`\d`, `\w`, `\s` and `\p` stand for the letters and digits of every script; `[0-9]` and the like can be said"
            .to_owned());
    }
    let mut out = String::from(if negated { "[^" } else { "[" });
    for (start, end) in shown {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn perl(pattern: &Pattern, fold: bool, end: &'static str) -> Result<String, Refusal> {
        Expressions::default().perl(pattern, fold, end).map(|text| text.to_string())
    }

    fn lucene(pattern: &Pattern) -> Result<String, Refusal> {
        Expressions::default().lucene(pattern).map(|text| text.to_string())
    }

    fn posix(pattern: &Pattern, fold: bool) -> Result<String, Refusal> {
        Expressions::default().posix(pattern, fold).map(|text| text.to_string())
    }

    fn expression(source: &str) -> Pattern {
        Pattern::Regex(source.to_owned())
    }

    #[test]
    fn perl_keeps_the_authors_text_where_it_means_the_same() {
        for source in [r"\.docker\\", r"(?i)a[b-d]{2,}(?:x|y)+", "a.*b", r"\.\./"] {
            assert_eq!(perl(&expression(source), false, "\\z"), Ok(source.to_owned()));
        }
        for source in [r"x\bz", r"^/proc/\d+/mem", r"[\w.-]+@"] {
            assert_eq!(perl(&expression(source), false, "$"), Ok(source.to_owned()));
            assert!(perl(&expression(source), false, "\\z").is_err(), "PCRE knows ASCII only: {source}");
        }
        let blanks = r"a[\x{9}-\x{d} \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]";
        assert_eq!(perl(&expression(r"a\s"), false, "\\z").as_deref(), Ok(blanks));
        let changed = [
            ("a$", "a\\z"),
            (r"\$x\$", r"\x{24}x\x{24}"),
            ("a`b", r"a\x{60}b"),
            (r"\u0041", r"\x{41}"),
            ("[a-c&&b-d]", "[bc]"),
            ("}", r"\}"),
        ];
        for (source, expected) in changed {
            assert_eq!(perl(&expression(source), false, "\\z").as_deref(), Ok(expected), "{source}");
        }
        assert_eq!(perl(&expression(r"\$a$"), false, "$"), Ok(r"\$a$".to_owned()));
    }

    #[test]
    fn whole_value_syntaxes_have_any_text_around_what_is_found() {
        let cases = [
            ("b+", ".*b+.*", "(.|\n)*b+(.|\n)*"),
            ("^b", "b.*", "b(.|\n)*"),
            ("b$", ".*b", "(.|\n)*b"),
            ("^a|b$", "a.*|.*b", "a(.|\n)*|(.|\n)*b"),
            ("a|bc", ".*(a|bc).*", "(.|\n)*(a|bc)(.|\n)*"),
            ("(^|/)sh$", "sh|.*/sh", "sh|(.|\n)*/sh"),
            ("^a.*", "a.*", "a(.|\n)*"),
            ("^(?s:.*)$", ".*", "(.|\n)*"),
            (r"^\.x{2,3}$", r"\.x{2,3}", "[.]x{2,3}"),
            (r"^a@b#c$", r"a\@b\#c", "a@b#c"),
            (r"^[^/]+$", "[^/]+", "[^/]+"),
            ("^a.b$", "a[^\n]b", "a.b"),
            ("", ".*", "(.|\n)*"),
        ];
        for (source, in_lucene, in_posix) in cases {
            assert_eq!(lucene(&expression(source)).as_deref(), Ok(in_lucene), "{source}");
            assert_eq!(posix(&expression(source), false).as_deref(), Ok(in_posix), "{source}");
        }
        assert_eq!(posix(&expression("^a-1$"), true).as_deref(), Ok("[Aa]-1"));
        for source in [r"a\bc", r"\d+", "(?m)^a$"] {
            assert!(lucene(&expression(source)).is_err() && posix(&expression(source), false).is_err(), "{source}");
        }
    }

    /// What is printed for POSIX and Perl is also an expression of the `regex` crate that means the same.
    #[test]
    fn what_is_printed_means_the_same() {
        let patterns = [
            expression("^a|b+c$"),
            expression("(^|/)(sh|bash)( |$)"),
            expression("x.y"),
            Pattern::Path { path: "/etc/a.b".into(), below: true },
            Pattern::Path { path: "/etc".into(), below: false },
            Pattern::Path { path: "/".into(), below: true },
            Pattern::Glob(Glob::new([Piece::Literal("a.".into()), Piece::One, Piece::Any, Piece::Literal("$".into())])),
            Pattern::Glob(Glob::contains("b+")),
        ];
        let values = [
            "",
            "a",
            "abc",
            "bc",
            "bc\n",
            "/bin/sh",
            "sh -c",
            "zsh",
            "x\ny",
            "xzy",
            "/etc/a.b",
            "//etc/./a.b/c\nd",
            "/etc/axb",
            "/etc",
            "/etc/",
            "/etc//.",
            "/etcd",
            "/",
            "/.",
            "/x",
            "a.b$",
            "a.\nxx$",
            "a.$",
            "ab+c",
            "bbc",
        ];
        for pattern in &patterns {
            let set = crate::logic::TextSet::new(vec![pattern.clone()], crate::logic::Case::Sensitive);
            let found = ::regex::Regex::new(&perl(pattern, false, "\\z").expect("printed")).expect("an expression");
            let whole =
                ::regex::Regex::new(&format!("^(?:{})$", posix(pattern, false).expect("printed"))).expect("one");
            for value in values {
                let expected = set.is_match(value, false);
                assert_eq!(found.is_match(value), expected, "Perl, {pattern} of {value:?}");
                assert_eq!(whole.is_match(value), expected, "POSIX, {pattern} of {value:?}");
            }
        }
    }
}
