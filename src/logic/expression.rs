//! Regular expressions as trees. The plain signs that lists, paths and options are made of are read here in one pass;
//! all else is left to `regex-syntax`, whose trees these are, and which says what is wrong.

use regex_automata::nfa::thompson::{Config, NFA, WhichCaptures};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition};
use regex_syntax::{ParserBuilder, is_escapeable_character};

/// How deeply groups may nest in an expression.
const NEST: u32 = 100;
/// How deeply they are read here.
const DEPTH: usize = 32;

/// An expression that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    /// What it says.
    pub(crate) tree: Hir,
    /// Where in the text its `$` stand, if all other signs in it mean the same wherever there are regular expressions;
    /// `None` if that is not known.
    pub(crate) ends: Option<Vec<usize>>,
}

/// Reads an expression in the syntax of the `regex` crate; `fold` ignores the case of letters.
pub(crate) fn read(source: &str, fold: bool) -> Result<Expression, regex_syntax::Error> {
    let plain = if fold { None } else { Reader::new(source).whole() };
    match plain {
        Some(expression) => Ok(expression),
        None => {
            let tree = ParserBuilder::new().case_insensitive(fold).nest_limit(NEST).build().parse(source)?;
            Ok(Expression { tree, ends: None })
        }
    }
}

/// Why an expression cannot be matched with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It does not parse, for this reason.
    Faulty(String),
    /// What is made of it is too large.
    TooLarge,
}

/// The most bytes that what is made of a rule's expression may take.
pub(crate) const LARGEST: usize = 16 << 20;

/// Whether an expression can be matched with, as one that takes no more than `limit` bytes. Made for that is only what
/// shows it: much less than a `regex::Regex`.
pub(crate) fn is_usable(source: &str, limit: usize) -> Result<(), Unusable> {
    let plain = Reader::new(source).whole().map(|plain| plain.tree);
    let tree = plain.map_or_else(|| regex_syntax::parse(source), Ok).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or("it does not parse");
        Unusable::Faulty(reason.trim_start_matches("error: ").to_owned())
    })?;
    let config = Config::new().nfa_size_limit(Some(limit)).which_captures(WhichCaptures::None);
    match NFA::compiler().configure(config).build_from_hir(&tree) {
        Ok(_) => Ok(()),
        Err(error) if error.size_limit().is_some() => Err(Unusable::TooLarge),
        Err(error) => Err(Unusable::Faulty(error.to_string())),
    }
}

/// Reads plain expressions. Every function is `None` at the first sign that is not for it.
struct Reader<'s> {
    source: &'s str,
    at: usize,
    depth: usize,
    groups: u32,
    ends: Vec<usize>,
    /// Whether all literals are written the same everywhere.
    is_common: bool,
}

impl<'s> Reader<'s> {
    fn new(source: &'s str) -> Self {
        Self { source, at: 0, depth: 0, groups: 0, ends: Vec::new(), is_common: true }
    }

    fn whole(mut self) -> Option<Expression> {
        let tree = self.alternatives(false)?;
        // What is left is a bracket without its other half.
        (self.at == self.source.len()).then(|| Expression { tree, ends: self.is_common.then_some(self.ends) })
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Alternatives up to the end or a closing bracket. `newlines`: a dot stands for them, too.
    fn alternatives(&mut self, newlines: bool) -> Option<Hir> {
        let mut all = vec![self.sequence(newlines)?];
        while self.eat("|") {
            all.push(self.sequence(newlines)?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Hir::alternation(all) })
    }

    fn sequence(&mut self, newlines: bool) -> Option<Hir> {
        let mut parts = Vec::new();
        // Literal text that is not in `parts` yet.
        let mut text = String::new();
        let flush = |text: &mut String, parts: &mut Vec<Hir>| {
            if !text.is_empty() {
                parts.push(Hir::literal(std::mem::take(text).into_bytes()));
            }
        };
        while let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) {
            let start = self.at;
            self.at += c.len_utf8();
            let part = match c {
                '(' => self.group(newlines)?,
                '[' => self.class()?,
                '.' => Hir::dot(if newlines { Dot::AnyChar } else { Dot::AnyCharExceptLF }),
                '^' | '$' => {
                    if c == '$' {
                        self.ends.push(start);
                    }
                    if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
                        return None;
                    }
                    flush(&mut text, &mut parts);
                    parts.push(Hir::look(if c == '$' { Look::End } else { Look::Start }));
                    continue;
                }
                '*' | '+' | '?' | '{' => return None,
                c => {
                    let literal = if c == '\\' { self.next().filter(|c| is_escapeable_character(*c))? } else { c };
                    self.is_common &= !literal.is_control() && !matches!(literal, '`' | '$') && !matches!(c, ']' | '}');
                    if !matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
                        text.push(literal);
                        continue;
                    }
                    Hir::literal(literal.encode_utf8(&mut [0; 4]).as_bytes().to_vec())
                }
            };
            flush(&mut text, &mut parts);
            parts.push(self.repeated(part)?);
        }
        flush(&mut text, &mut parts);
        Some(if parts.len() == 1 { parts.remove(0) } else { Hir::concat(parts) })
    }

    /// `part` as often as the sign behind it says.
    fn repeated(&mut self, part: Hir) -> Option<Hir> {
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return None,
            _ => return Some(part),
        };
        self.at += 1;
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return None;
        }
        Some(Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(part) }))
    }

    /// What follows an opening bracket, and the closing one.
    fn group(&mut self, newlines: bool) -> Option<Hir> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let group = if self.eat("?:") {
            self.alternatives(newlines)?
        } else if self.eat("?s:") {
            self.alternatives(true)?
        } else if self.peek() == Some('?') {
            return None;
        } else {
            self.groups += 1;
            let index = self.groups;
            let sub = Box::new(self.alternatives(newlines)?);
            Hir::capture(Capture { index, name: None, sub })
        };
        self.depth -= 1;
        self.eat(")").then_some(group)
    }

    /// A class of characters and ranges of them, without its opening bracket.
    fn class(&mut self) -> Option<Hir> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        loop {
            let first = self.next()?;
            match first {
                ']' if !ranges.is_empty() => break,
                ']' | '[' | '\\' | '&' | '~' | '`' | '$' => return None,
                '-' if !ranges.is_empty() && self.peek() != Some(']') => return None,
                '{' | '}' => self.is_common = false,
                c if c.is_control() => return None,
                _ => {}
            }
            let mut last = first;
            if self.peek() == Some('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                last = self.next().filter(|c| c.is_ascii_alphanumeric() && first.is_ascii_alphanumeric())?;
                if last < first {
                    return None;
                }
            }
            ranges.push(ClassUnicodeRange::new(first, last));
        }
        let mut class = ClassUnicode::new(ranges);
        if negated {
            class.negate();
        }
        Some(Hir::class(Class::Unicode(class)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(source: &str) -> Option<Expression> {
        Reader::new(source).whole()
    }

    #[test]
    fn what_options_and_paths_are_made_of_is_plain() {
        for source in [
            r"^(?:(?:[^ ]+ )*(?:[^ ]*/)?(?:docker|podman)(?: -[^ ]+(?: [^- ][^ ]*)?)* run(?: (?s:.*))?)$",
            r"-[a-zA-Z0-9]*v[ =]?(?:/(?:\.?/)*etc(?:/[^ :]*)?):[^ :]*(?::[^ ]*)?",
            r"(^|/)(sh|bash)( |$)",
            r"a\.b\\c|",
            "",
            "[ab-]é+",
        ] {
            assert_eq!(plain(source).map(|one| one.tree), regex_syntax::parse(source).ok(), "{source}");
        }
        assert_eq!(plain("^a$|b$").and_then(|one| one.ends), Some(vec![2, 5]));
        assert_eq!(plain(r"a\$").map(|one| one.ends), Some(None));
    }

    #[test]
    fn what_is_not_plain_is_read_all_the_same() {
        for source in [r"\d+", "a{2}", "a*?", "(?i)a", r"\bx", "[[:alpha:]]", "(?P<n>a)"] {
            assert_eq!(plain(source), None, "{source}");
            assert_eq!(read(source, false).ok().map(|one| one.tree), regex_syntax::parse(source).ok(), "{source}");
        }
        for source in ["(", ")", "a)", "*", "[", "[]", "[b-a]", "a**)", "(?:a"] {
            assert!(read(source, false).is_err(), "{source}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn trees_are_those_of_regex_syntax(source in r"(?:[a-c0/ .|^$*+?\\-]|\(|\(\?:|\(\?s:|\)|\[\^?|\]|[A-Cé`\t{}&~,=:<]){0,24}") {
            if let Some(expression) = plain(&source) {
                prop_assert_eq!(Some(expression.tree), regex_syntax::parse(&source).ok(), "{}", source);
            }
        }
    }
}
