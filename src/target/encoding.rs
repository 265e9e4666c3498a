//! What finds, among texts that a source spells in another way, those that a pattern matches.
//!
//! A text is spelled character by character, so the spellings of what an expression matches are what the expression
//! matches whose characters are spelled so. What is left as it was written is what cannot begin or end within the
//! code of a character: no code has other signs than `%`, digits and the letters from `a` to `f`, and none has a `%`
//! where another begins.

use std::ops::Range;

use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::translate::Translator;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use crate::logic::{Encoding, Glob, Pattern, Piece, TextSet};

/// Any number of characters as they are spelled.
const ANY: &str = "(?:[^%]|%..)*";

/// What finds, among encoded texts, those that `set` matches; the error says why nothing does.
pub fn encode(encoding: Encoding, set: &TextSet) -> Result<TextSet, String> {
    let any = set.any.iter().map(|pattern| match pattern {
        Pattern::Glob(glob) => Ok(spelled_glob(encoding, glob)),
        Pattern::Path { path, below } => Ok(Pattern::Path { path: encoding.text(path).into_owned(), below: *below }),
        Pattern::Regex(source) => spelled_expression(encoding, source).map(Pattern::Regex),
    });
    Ok(TextSet::new(any.collect::<Result<_, _>>()?, set.case))
}

fn spelled_glob(encoding: Encoding, glob: &Glob) -> Pattern {
    let pieces = glob.pieces();
    let is_within_code = |pair: &[Piece]| match pair {
        [Piece::Any, Piece::Literal(text)] => text.starts_with(|c: char| c.is_ascii_hexdigit()),
        _ => false,
    };
    if !pieces.contains(&Piece::One) && !pieces.windows(2).any(is_within_code) {
        let spelled = pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => Piece::Literal(encoding.text(text).into_owned()),
            wildcard => wildcard.clone(),
        });
        return Pattern::Glob(Glob::new(spelled));
    }
    let (pieces, end) = match pieces {
        [pieces @ .., Piece::Any] => (pieces, ""),
        pieces => (pieces, "$"),
    };
    let mut expression = "^".to_owned();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => {
                expression.push_str(&regex_syntax::escape(&encoding.text(text)).replace(r"\-", "-"))
            }
            Piece::Any => match pieces.get(at..at + 2) {
                // A line feed is no sign that stands in an encoded text.
                Some(pair @ [_, Piece::Literal(_)]) if !is_within_code(pair) => expression.push_str(".*"),
                _ => expression.push_str(ANY),
            },
            Piece::One => {
                let codes = codes(encoding, &encoding.changed().collect::<Vec<_>>());
                expression.push_str(&format!("(?:[^%]|{codes})"));
            }
        }
    }
    expression.push_str(end);
    Pattern::Regex(expression)
}

fn spelled_expression(encoding: Encoding, source: &str) -> Result<String, String> {
    let refused = |_| format!("`{source}` is no regular expression");
    let tree = ast::parse::Parser::new().parse(source).map_err(refused)?;
    let mut speller = Speller { encoding, source, edits: Vec::new(), any_dot: false };
    let begins = speller.first(&tree)?;
    speller.spell(&tree, Next { in_code: false, is_empty: true })?;
    let mut spelled = source.to_owned();
    for (span, text) in speller.edits.into_iter().rev() {
        spelled.replace_range(span, &text);
    }
    // What is found anywhere may be found within a code.
    let is_found_in_code = begins.in_code && !begins.is_empty;
    Ok(if is_found_in_code { format!("^{ANY}(?:{spelled})") } else { spelled })
}

/// What may come next in a text.
#[derive(Clone, Copy)]
struct Next {
    /// A sign that a code has behind its first: from there on, what is found may be a part of a code.
    in_code: bool,
    /// Nothing, so that what comes after it counts, too.
    is_empty: bool,
}

impl Next {
    fn then(self, next: Self) -> Self {
        if !self.is_empty {
            return self;
        }
        Self { in_code: self.in_code || next.in_code, is_empty: next.is_empty }
    }

    fn or(self, other: Self) -> Self {
        Self { in_code: self.in_code || other.in_code, is_empty: self.is_empty || other.is_empty }
    }
}

/// Collects what has to stand elsewhere in an expression, in the order of the text.
struct Speller<'s> {
    encoding: Encoding,
    source: &'s str,
    edits: Vec<(Range<usize>, String)>,
    /// Whether a dot may be a line feed.
    any_dot: bool,
}

impl Speller<'_> {
    fn hir(&self, tree: &Ast) -> Result<Hir, String> {
        let refused = |_| format!("`{}` is no regular expression", self.source);
        Translator::new().translate(self.source, tree).map_err(refused)
    }

    /// What a text may begin with that an expression matches.
    fn first(&self, tree: &Ast) -> Result<Next, String> {
        Ok(first(&self.hir(tree)?))
    }

    /// The expression `tree`, behind which `next` comes.
    fn spell(&mut self, tree: &Ast, next: Next) -> Result<(), String> {
        match tree {
            Ast::Empty(_) => {}
            Ast::Literal(literal) => {
                if let Some(code) = self.encoding.code(literal.c) {
                    self.replace(literal.span, format!("(?:{code})"));
                }
            }
            Ast::Flags(set) => self.flag(&set.flags)?,
            Ast::Assertion(assertion) => self.assertion(assertion)?,
            Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => self.class(tree)?,
            Ast::Repetition(repetition) => {
                if !self.is_whole_codes(repetition, next)? {
                    let next = self.first(&repetition.ast)?.or(next);
                    self.spell(&repetition.ast, next)?;
                }
            }
            Ast::Group(group) => {
                let any_dot = self.any_dot;
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    self.flag(flags)?;
                }
                self.spell(&group.ast, next)?;
                self.any_dot = any_dot;
            }
            Ast::Alternation(parts) => {
                for part in &parts.asts {
                    self.spell(part, next)?;
                }
            }
            Ast::Concat(parts) => {
                let mut follows = vec![next];
                for part in parts.asts.iter().skip(1).rev() {
                    let next = follows.last().copied().unwrap_or(next);
                    follows.push(self.first(part)?.then(next));
                }
                for (part, next) in parts.asts.iter().zip(follows.into_iter().rev()) {
                    self.spell(part, next)?;
                }
            }
        }
        Ok(())
    }

    fn replace(&mut self, span: ast::Span, text: String) {
        self.edits.push((span.start.offset..span.end.offset, text));
    }

    fn flag(&mut self, flags: &ast::Flags) -> Result<(), String> {
        if let Some(is_set) = flags.flag_state(ast::Flag::DotMatchesNewLine) {
            self.any_dot = is_set;
        }
        let others = [ast::Flag::MultiLine, ast::Flag::CRLF];
        if others.into_iter().any(|flag| flags.flag_state(flag) == Some(true))
            || flags.flag_state(ast::Flag::Unicode) == Some(false)
        {
            return Err(self.cannot("lines and bytes"));
        }
        Ok(())
    }

    fn assertion(&self, assertion: &ast::Assertion) -> Result<(), String> {
        use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
        match assertion.kind {
            StartLine | StartText | EndLine | EndText => Ok(()),
            _ => Err(self.cannot("the edges of words")),
        }
    }

    fn cannot(&self, what: &str) -> String {
        format!("`{}` asks for {what}, which cannot be told where texts are encoded", self.source)
    }

    /// The characters of a class or a dot.
    fn characters(&self, tree: &Ast) -> Result<ClassUnicode, String> {
        Ok(match (tree, self.hir(tree)?.kind()) {
            (Ast::Dot(_), _) => {
                let mut class = ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]);
                if self.any_dot {
                    class = ClassUnicode::empty();
                }
                class.negate();
                class
            }
            (_, HirKind::Class(Class::Unicode(class))) => class.clone(),
            // A class of one character is read as a literal, one of none as what fails.
            (_, HirKind::Literal(literal)) => {
                let text = String::from_utf8_lossy(&literal.0);
                ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c)))
            }
            _ => ClassUnicode::empty(),
        })
    }

    /// Whether what is repeated stays as it is: any number of characters among which are all that are spelled in another
    /// way, and all signs of codes, up to where no code can go on.
    fn is_whole_codes(&self, repetition: &ast::Repetition, next: Next) -> Result<bool, String> {
        use ast::RepetitionKind::{OneOrMore, ZeroOrMore};
        if !matches!(repetition.op.kind, OneOrMore | ZeroOrMore) || next.in_code {
            return Ok(false);
        }
        let tree = match &*repetition.ast {
            Ast::Group(group) => match (&group.kind, &*group.ast) {
                (ast::GroupKind::NonCapturing(flags), Ast::Dot(_)) => {
                    return Ok(flags.flag_state(ast::Flag::DotMatchesNewLine) == Some(true));
                }
                _ => return Ok(false),
            },
            tree => tree,
        };
        if !matches!(tree, Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_)) {
            return Ok(false);
        }
        let characters = self.characters(tree)?;
        let signs = "%0123456789abcdef".chars().chain(self.encoding.changed());
        Ok(signs.into_iter().all(|c| has(&characters, c)))
    }

    /// A class of single characters: without those that are spelled in another way, and their codes beside it.
    fn class(&mut self, tree: &Ast) -> Result<(), String> {
        let characters = self.characters(tree)?;
        let signs: Vec<char> = self.encoding.changed().filter(|c| has(&characters, *c)).collect();
        if signs.is_empty() {
            return Ok(());
        }
        let codes = codes(self.encoding, &signs);
        let mut rest = characters;
        rest.difference(&ClassUnicode::new(self.encoding.changed().map(|c| ClassUnicodeRange::new(c, c))));
        let text = match rest.ranges().is_empty() {
            true => format!("(?:{codes})"),
            false => format!("(?:{}|{codes})", self.without_signs(tree, &signs, rest)?),
        };
        self.replace(*tree.span(), text);
        Ok(())
    }

    /// A class without a `%`, as it was written as far as that goes. Other signs never stand in a text as they are. What
    /// is excluded stays so: it is more where case is folded.
    fn without_signs(&self, tree: &Ast, signs: &[char], rest: ClassUnicode) -> Result<String, String> {
        let written = self.source.get(tree.span().start.offset..tree.span().end.offset).unwrap_or_default();
        if !signs.contains(&'%') {
            return Ok(self.kept(tree).unwrap_or_else(|| written.to_owned()));
        }
        Ok(match tree {
            Ast::Dot(_) => "[^%]".to_owned(),
            Ast::ClassPerl(class) if class.negated => format!("[^{}%]", written.to_lowercase()),
            Ast::ClassBracketed(class) if class.negated => {
                let items = written.strip_prefix("[^").unwrap_or_default();
                let escape = if items.starts_with([']', '-']) { "\\" } else { "" };
                format!("[^%{escape}{items}")
            }
            _ => match self.kept(tree).filter(|kept| is_same(kept, &rest)) {
                Some(kept) => kept,
                None if excludes(tree) => return Err(self.cannot("what is excluded from a class in it")),
                None => Hir::class(Class::Unicode(rest)).to_string(),
            },
        })
    }

    /// The items of a class without those that are single signs.
    fn kept(&self, tree: &Ast) -> Option<String> {
        let Ast::ClassBracketed(class) = tree else { return None };
        let ast::ClassSet::Item(item) = &class.kind else { return None };
        let items = match item {
            ast::ClassSetItem::Union(union) => union.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let is_sign = |item: &&ast::ClassSetItem| matches!(item, ast::ClassSetItem::Literal(literal) if self.encoding.changes(literal.c));
        if class.negated || !items.iter().any(|item| is_sign(&item)) {
            return None;
        }
        let kept = items.iter().filter(|item| !is_sign(item));
        let kept: String =
            kept.filter_map(|item| self.source.get(item.span().start.offset..item.span().end.offset)).collect();
        let escape = if kept.starts_with('^') { "\\" } else { "" };
        Some(format!("[{escape}{kept}]"))
    }
}

fn has(class: &ClassUnicode, c: char) -> bool {
    class.iter().any(|range| (range.start()..=range.end()).contains(&c))
}

/// Whether a class that is not negated itself has something that is, or is made of others.
fn excludes(tree: &Ast) -> bool {
    let excludes = |item: &ast::ClassSetItem| match item {
        ast::ClassSetItem::Empty(_) | ast::ClassSetItem::Literal(_) | ast::ClassSetItem::Range(_) => false,
        // It has both cases of a letter, or neither.
        ast::ClassSetItem::Perl(_) => false,
        ast::ClassSetItem::Ascii(class) => class.negated,
        ast::ClassSetItem::Unicode(class) => class.is_negated(),
        ast::ClassSetItem::Bracketed(_) | ast::ClassSetItem::Union(_) => true,
    };
    match tree {
        Ast::ClassUnicode(class) => class.is_negated(),
        Ast::ClassBracketed(class) => match &class.kind {
            ast::ClassSet::Item(ast::ClassSetItem::Union(union)) => union.items.iter().any(excludes),
            ast::ClassSet::Item(item) => excludes(item),
            ast::ClassSet::BinaryOp(_) => true,
        },
        _ => false,
    }
}

fn is_same(written: &str, class: &ClassUnicode) -> bool {
    regex_syntax::parse(written).is_ok_and(|hir| hir == Hir::class(Class::Unicode(class.clone())))
}

/// What a text may begin with that an expression matches.
fn first(tree: &Hir) -> Next {
    let none = Next { in_code: false, is_empty: true };
    match tree.kind() {
        HirKind::Empty => none,
        // Where a text begins, no code is open.
        HirKind::Look(Look::Start | Look::End) => Next { in_code: false, is_empty: false },
        HirKind::Look(_) => none,
        HirKind::Literal(literal) => {
            let in_code = literal.0.first().is_some_and(u8::is_ascii_hexdigit);
            Next { in_code, is_empty: literal.0.is_empty() }
        }
        HirKind::Class(class) => {
            let in_code = match class {
                Class::Unicode(class) => "0123456789abcdefABCDEF".chars().any(|c| has(class, c)),
                Class::Bytes(_) => true,
            };
            Next { in_code, is_empty: false }
        }
        HirKind::Repetition(repetition) => {
            let once = first(&repetition.sub);
            Next { is_empty: once.is_empty || repetition.min == 0, ..once }
        }
        HirKind::Capture(capture) => first(&capture.sub),
        HirKind::Concat(parts) => parts.iter().fold(none, |begin, part| begin.then(first(part))),
        HirKind::Alternation(parts) => {
            let each = parts.iter().map(first).reduce(Next::or);
            each.unwrap_or(Next { in_code: false, is_empty: false })
        }
    }
}

/// The codes of some characters, as an expression.
fn codes(encoding: Encoding, signs: &[char]) -> String {
    let Encoding::Percent = encoding;
    if signs.len() == encoding.changed().count() {
        // That of a byte order mark has three parts, of which none is taken for a code of its own.
        return "%(?:ef%bb%bf|[0127].)".to_owned();
    }
    let codes: Vec<String> = signs.iter().filter_map(|c| encoding.code(*c)).collect();
    let codes: Vec<&str> = codes.iter().filter_map(|code| code.strip_prefix('%')).collect();
    match codes.as_slice() {
        [one] => format!("%{one}"),
        many => {
            let by_first = many.chunk_by(|a, b| a.len() == 2 && b.len() == 2 && a.get(..1) == b.get(..1));
            let groups = by_first.map(|group| match group {
                [one] => (*one).to_owned(),
                [first, ..] => {
                    let last: String = group.iter().filter_map(|code| code.get(1..)).collect();
                    format!("{}[{last}]", first.get(..1).unwrap_or_default())
                }
                [] => String::new(),
            });
            format!("%(?:{})", groups.collect::<Vec<_>>().join("|"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::oracle::cases;
    use crate::logic::decide::{Answer, Budget, Schema, equivalent};
    use crate::logic::{Case, Formula, Path, Predicate, Reading};

    /// Characters that are spelled in another way, signs of their codes, and some that are neither.
    const SIGNS: [char; 10] = ['%', '+', '\n', '\u{feff}', '2', '5', 'b', 'B', 'x', ' '];

    /// All texts of at most so many characters.
    fn texts(most: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..most {
            let to = texts.len();
            for at in from..to {
                texts.extend(SIGNS.map(|sign| format!("{}{sign}", texts[at])));
            }
            from = to;
        }
        texts
    }

    fn check(set: &TextSet, texts: &[String]) {
        let Ok(found) = encode(Encoding::Percent, set) else { return };
        for text in texts {
            let spelled = Encoding::Percent.text(text);
            for may in [false, true] {
                let is_asked = set.is_match(text, may);
                let (asked, found_in) = (&set.any, &found.any);
                assert_eq!(found.is_match(&spelled, may), is_asked, "{asked:?} as {found_in:?}: {text:?}, {spelled}");
            }
        }
        // The proof reads it as what finds the spelling, and says the same of all texts.
        let field = Path::from_segments(["a"]);
        let asked = Formula::test(&field, Predicate::Text(set.clone()));
        let read = Formula::test(&field, Predicate::Encoded(Encoding::Percent, found));
        let answer = equivalent(&asked, &read, Reading::Must, &Schema::default(), &Budget::default());
        assert_eq!(answer, Answer::Holds, "{:?}", set.any);
    }

    fn pattern() -> impl Strategy<Value = Pattern> {
        let piece = prop_oneof![
            3 => prop::sample::select(SIGNS.to_vec()).prop_map(|sign| Piece::Literal(sign.to_string())),
            1 => Just(Piece::Any),
            1 => Just(Piece::One),
        ];
        let glob = prop::collection::vec(piece, 0..5).prop_map(|pieces| Pattern::Glob(Glob::new(pieces)));
        let atom = prop::sample::select(vec![
            "%",
            r"\+",
            r"\n",
            "2",
            "5",
            "b",
            "x",
            " ",
            ".",
            "(?s:.)",
            r"\s",
            r"\S",
            r"\D",
            r"\d",
            r"\w",
            r"\W",
            "[^ ]",
            "[^2]",
            "[^%]",
            "[+x]",
            "[ -+]",
            r"[\n %]",
            "[+^]",
            "[^]x]",
            "[^-x]",
            r"\x{feff}",
            "(?i:B)",
            r"[\s\S]",
            "%25",
        ]);
        let atom = atom.prop_map(str::to_owned);
        let expression = atom.prop_recursive(3, 12, 3, |inner| {
            let several = || prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                3 => several().prop_map(|parts| parts.concat()),
                1 => several().prop_map(|parts| format!("(?:{})", parts.join("|"))),
                2 => (inner, prop::sample::select(vec!["*", "+", "?", "{2}"])).prop_map(|(one, op)| format!("(?:{one}){op}")),
            ]
        });
        let anchors = prop::sample::select(vec![
            ("", ""),
            ("^", ""),
            ("", "$"),
            ("^", "$"),
            ("(?s)", ""),
            ("(?:^| )", "(?: |$)"),
        ]);
        let expression =
            (anchors, expression).prop_map(|((begin, end), one)| Pattern::Regex(format!("{begin}{one}{end}")));
        prop_oneof![1 => glob, 2 => expression]
    }

    proptest! {
        #![proptest_config(cases(300))]

        #[test]
        fn what_is_found_among_spelled_texts_is_what_is_asked(
            any in prop::collection::vec(pattern(), 1..3),
            case in prop::sample::select(vec![Case::Sensitive, Case::Insensitive]),
        ) {
            check(&TextSet::new(any, case), &texts(3));
        }
    }

    #[test]
    fn what_no_code_can_hold_stays_as_it_is_written() {
        let spelled = |source: &str| spelled_expression(Encoding::Percent, source).expect("an expression");
        for source in [
            r"^(?:docker(?: [^ ]+)* --privileged(?: (?s:.)*)?)$",
            r"(?:^| )run(?: |$)",
            "/x[^/]*/",
            r"--?[a-z]+=[^ ]+ ",
        ] {
            assert_eq!(spelled(source), source);
        }
        for (source, found) in [
            (
                r"x\+*[+^]?[;\n ]x(?s:.)[^+]",
                r"x(?:%2b)*(?:[\^]|%2b)?(?:[; ]|%0a)x(?s:(?:[^%]|%(?:ef%bb%bf|[0127].)))(?:[^%+]|%(?:0[0123456789abcdef]|1[0123456789abcdef]|25|7f|ef%bb%bf))",
            ),
            ("25", "^(?:[^%]|%..)*(?:25)"),
            ("x[^ ]+25", "x(?:[^% ]|%(?:ef%bb%bf|[0127].))+25"),
            (r"\s+x", r"(?:\s|%(?:0[9abcd]))+x"),
        ] {
            assert_eq!(spelled(source), found);
        }
        for refused in [r"\bx", "(?m)^x", r"x\b"] {
            assert!(spelled_expression(Encoding::Percent, refused).is_err(), "{refused}");
        }
        let glob = |text| spelled_glob(Encoding::Percent, &Glob::contains(text));
        assert_eq!(glob(" +s 100%"), Pattern::Glob(Glob::contains(" %2bs 100%25")));
        assert_eq!(glob("docker"), Pattern::Regex("^(?:[^%]|%..)*docker".to_owned()));
        let pieces = [Piece::Literal("a".to_owned()), Piece::Any, Piece::Literal(" ".to_owned()), Piece::One];
        let found = Pattern::Regex("^a.* (?:[^%]|%(?:ef%bb%bf|[0127].))$".to_owned());
        assert_eq!(spelled_glob(Encoding::Percent, &Glob::new(pieces)), found);
    }
}
