//! Expressions in Perl's syntax, found somewhere in a value: patterns, and the author's text with the few signs changed
//! that Perl reads otherwise.

use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::Hir;

use super::tree::{FOLDED_PERL, FOLDED_PYTHON, PERL, PYTHON, print};
use super::{Refusal, faulty};
use crate::logic::expression::Expression;
use crate::logic::{Glob, Piece};

pub(super) fn perl_glob(glob: &Glob, end: &str) -> String {
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

pub(super) fn perl_path(path: &str, below: bool, end: &str) -> String {
    perl_paths(&[path], below, false, end)
}

/// Paths in Perl's syntax, of which a value is one; `/` only alone. `below`: or lies below one. `end` and `fold` as for
/// [`perl`].
pub(in crate::language) fn perl_paths(paths: &[&str], below: bool, fold: bool, end: &str) -> String {
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
pub(super) fn escape_perl(c: char, out: &mut String) {
    match c {
        '`' | '$' => out.push_str(&by_number(c)),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() => out.push_str(&by_number(c)),
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '#' => out.extend(['\\', c]),
        c => out.push(c),
    }
}

/// A character by its number, as short as it goes: Python knows two digits only.
pub(super) fn by_number(c: char) -> String {
    match u32::from(c) {
        number @ ..=0xFF => format!("\\x{number:02x}"),
        number => format!("\\x{{{number:x}}}"),
    }
}

/// What an expression says, in Perl's syntax. With `fold`, it is of an expression that was read so, and is read so.
pub(super) fn perl_tree(tree: &Hir, fold: bool, end: &str) -> Result<String, Refusal> {
    let syntax = match (is_python(end), fold) {
        (false, false) => &PERL,
        (false, true) => &FOLDED_PERL,
        (true, false) => &PYTHON,
        (true, true) => &FOLDED_PYTHON,
    };
    print(tree, syntax)
}

/// Whether it is Python that reads it, whose `$` is taken for the end (`Flavor::Sigma`). For it `\d`, `\w`, `\s` and `\b`
/// know the letters, digits and blanks of every script; for PCRE they do not.
fn is_python(end: &str) -> bool {
    end == "$"
}

/// The author's text with the few signs changed that Perl reads otherwise; none if more of it is read otherwise. `read`
/// is what it says.
pub(super) fn perl_text(source: &str, end: &str, read: &Expression) -> Result<Option<String>, Refusal> {
    let ends = |at: &usize| (*at, at + 1, end.to_owned());
    let edits = match &read.ends {
        Some(places) => places.iter().map(ends).collect(),
        None => {
            let tree = ast::parse::ParserBuilder::new().nest_limit(100).build().parse(source);
            let tree = tree.map_err(|_| faulty(source))?;
            let multi_line = source.contains("(?") && has_flag(&tree, ast::Flag::MultiLine);
            let mut edits = Edits { end, multi_line, list: Vec::new() };
            if !edits.visit(&tree) {
                return Ok(None);
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
    Ok(Some(out))
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
            Ast::ClassPerl(_) => self.is_python(),
            // Python takes these before everything else only.
            Ast::Flags(set) => self.flags(&set.flags) && (!self.is_python() || set.span.start.offset == 0),
            Ast::Literal(literal) => self.literal(literal),
            Ast::Assertion(assertion) => match assertion.kind {
                ast::AssertionKind::EndLine if self.multi_line => self.end == "$",
                ast::AssertionKind::EndLine | ast::AssertionKind::EndText => {
                    self.replace(&assertion.span, self.end.to_owned());
                    true
                }
                ast::AssertionKind::StartLine | ast::AssertionKind::StartText => true,
                ast::AssertionKind::WordBoundary | ast::AssertionKind::NotWordBoundary => self.is_python(),
                _ => false,
            },
            Ast::ClassUnicode(class) => self.unicode(class),
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

    fn is_python(&self) -> bool {
        is_python(self.end)
    }

    /// `\pL` and `\p{Lu}`, which Perl knows by the same names, and Python does not.
    fn unicode(&self, class: &ast::ClassUnicode) -> bool {
        !self.is_python()
            && match &class.kind {
                ast::ClassUnicodeKind::OneLetter(_) => true,
                ast::ClassUnicodeKind::Named(name) => {
                    name.len() <= 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) && !class.negated
                }
                ast::ClassUnicodeKind::NamedValue { .. } => false,
            }
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
        let is_number = match literal.kind {
            ast::LiteralKind::HexFixed(_) | ast::LiteralKind::HexBrace(_) | ast::LiteralKind::Octal => true,
            ast::LiteralKind::Special(ast::SpecialLiteralKind::VerticalTab | ast::SpecialLiteralKind::Bell) => true,
            ast::LiteralKind::Special(_) => false,
            _ => c.is_control() || (!self.is_python() && matches!(c, '`' | '$')),
        };
        if is_number {
            self.replace(&literal.span, if self.is_python() && c > '\u{ff}' { c.to_string() } else { by_number(c) });
        } else if literal.kind == ast::LiteralKind::Superfluous && !c.is_ascii_punctuation() {
            return false;
        } else if literal.kind == ast::LiteralKind::Verbatim && matches!(c, ']' | '}' | '{') {
            self.replace(&literal.span, format!("\\{c}"));
        }
        true
    }

    fn class_item(&mut self, item: &ast::ClassSetItem) -> bool {
        match item {
            ast::ClassSetItem::Empty(_) => true,
            ast::ClassSetItem::Ascii(_) => !self.is_python(),
            ast::ClassSetItem::Perl(_) => self.is_python(),
            ast::ClassSetItem::Literal(literal) => self.literal(literal),
            ast::ClassSetItem::Range(range) => self.literal(&range.start) && self.literal(&range.end),
            ast::ClassSetItem::Unicode(class) => self.unicode(class),
            ast::ClassSetItem::Bracketed(_) => false,
            ast::ClassSetItem::Union(union) => union.items.iter().all(|item| self.class_item(item)),
        }
    }

    fn replace(&mut self, span: &ast::Span, text: String) {
        self.list.push((span.start.offset, span.end.offset, text));
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
