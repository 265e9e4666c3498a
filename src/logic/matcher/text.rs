//! Tests on text: plain comparisons where a pattern is plain, compiled expressions for the rest.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use crate::logic::pattern::{ANY_CHARACTER, Case, Glob, Pattern, Piece, Shape, TextSet};

/// From this many literals on, one automaton looks for all of them at once.
const MANY: usize = 4;
/// What one compiled expression may take, as in [`TextSet`].
const SIZE_LIMIT: usize = 64 << 20;

/// Alternatives on the text of one value.
#[derive(Debug)]
pub(super) struct TextCheck {
    folds: bool,
    anything: bool,
    /// Whole values; in lower case if letters fold.
    equal: HashSet<Box<str>>,
    shortest: usize,
    longest: usize,
    starts: Vec<Box<str>>,
    ends: Vec<Box<str>>,
    contains: Contains,
    chains: Vec<Chain>,
    expressions: Vec<Regex>,
    /// All of it as the reference reads it: where letters fold and the text is more than ASCII, and where an
    /// expression stands for itself only together with the others.
    whole: TextSet,
    only_whole: bool,
}

#[derive(Debug)]
enum Contains {
    Few(Vec<Finder<'static>>),
    Many(AhoCorasick),
}

/// Texts with anything between them: `a*b*c`, `*a*b*`.
#[derive(Debug)]
struct Chain {
    start: Box<[u8]>,
    middle: Vec<Finder<'static>>,
    end: Box<[u8]>,
}

impl Chain {
    /// `None` if there are wildcards for one character.
    fn new(pieces: &[Piece]) -> Option<Self> {
        let mut texts: Vec<&str> = vec![""];
        for piece in pieces {
            match piece {
                Piece::Literal(text) => *texts.last_mut()? = text,
                Piece::Any => texts.push(""),
                Piece::One => return None,
            }
        }
        let bytes = |text: &str| Box::from(text.as_bytes());
        match texts.as_slice() {
            [start, middle @ .., end] => Some(Self {
                start: bytes(start),
                middle: middle.iter().map(|text| Finder::new(text).into_owned()).collect(),
                end: bytes(end),
            }),
            _ => None,
        }
    }

    /// Each text is taken where it comes first: what follows has the most room there.
    fn is_match(&self, text: &[u8]) -> bool {
        let Some(mut rest) = text.strip_prefix(&*self.start).and_then(|rest| rest.strip_suffix(&*self.end)) else {
            return false;
        };
        self.middle.iter().all(|finder| match finder.find(rest) {
            Some(at) => {
                rest = rest.get(at + finder.needle().len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    }
}

impl TextCheck {
    pub(super) fn new(any: &[Pattern], folds: bool) -> Self {
        let whole = TextSet::new(any.to_vec(), if folds { Case::Insensitive } else { Case::Sensitive });
        let mut check = Self {
            folds,
            anything: false,
            equal: HashSet::new(),
            shortest: usize::MAX,
            longest: 0,
            starts: Vec::new(),
            ends: Vec::new(),
            contains: Contains::Few(Vec::new()),
            chains: Vec::new(),
            expressions: Vec::new(),
            whole,
            // No alternatives at all: what that means is the reference's to say.
            only_whole: any.is_empty(),
        };
        if any.iter().any(|pattern| matches!(pattern, Pattern::Regex(_))) {
            // Expressions that cannot stand beside one another match nothing, by the reference.
            check.only_whole |= regex_syntax::parse(&format!("^(?:{})$", check.whole.to_regex(ANY_CHARACTER))).is_err();
        }
        let mut contained: Vec<&str> = Vec::new();
        for pattern in any {
            let plain = match pattern {
                Pattern::Glob(glob) => check.add_plain(glob, &mut contained),
                _ => false,
            };
            if plain {
                continue;
            }
            match expression(pattern, folds) {
                Some(regex) => check.expressions.push(regex),
                None => check.only_whole = true,
            }
        }
        if contained.len() >= MANY || (folds && !contained.is_empty()) {
            match AhoCorasickBuilder::new().ascii_case_insensitive(folds).build(&contained) {
                Ok(automaton) => check.contains = Contains::Many(automaton),
                Err(_) => check.only_whole = true,
            }
        } else {
            check.contains = Contains::Few(contained.iter().map(|text| Finder::new(text).into_owned()).collect());
        }
        check
    }

    /// Takes a glob that plain comparison decides; where letters fold, plain comparison knows ASCII only.
    fn add_plain<'p>(&mut self, glob: &'p Glob, contained: &mut Vec<&'p str>) -> bool {
        let fits = |text: &str| !self.folds || text.is_ascii();
        match glob.shape() {
            Shape::Anything => self.anything = true,
            Shape::Equals(text) if fits(text) => {
                self.shortest = self.shortest.min(text.len());
                self.longest = self.longest.max(text.len());
                self.equal.insert(if self.folds { text.to_ascii_lowercase().into() } else { text.into() });
            }
            Shape::StartsWith(text) if fits(text) => self.starts.push(text.into()),
            Shape::EndsWith(text) if fits(text) => self.ends.push(text.into()),
            Shape::Contains(text) if fits(text) => contained.push(text),
            Shape::Mixed(pieces) if !self.folds => match Chain::new(pieces) {
                Some(chain) => self.chains.push(chain),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Whether the text satisfies one of the alternatives; `buffer` is overwritten.
    pub(super) fn is_match(&self, text: &str, buffer: &mut String) -> bool {
        if self.only_whole || (self.folds && !text.is_ascii()) {
            return self.whole.is_match(text, false);
        }
        self.anything
            || self.equals(text, buffer)
            || self
                .starts
                .iter()
                .any(|start| text.as_bytes().get(..start.len()).is_some_and(|head| self.same(head, start.as_bytes())))
            || self.ends.iter().any(|end| {
                let from = text.len().checked_sub(end.len());
                from.and_then(|from| text.as_bytes().get(from..)).is_some_and(|tail| self.same(tail, end.as_bytes()))
            })
            || match &self.contains {
                Contains::Few(finders) => finders.iter().any(|finder| finder.find(text.as_bytes()).is_some()),
                Contains::Many(automaton) => automaton.is_match(text),
            }
            || self.chains.iter().any(|chain| chain.is_match(text.as_bytes()))
            || self.expressions.iter().any(|regex| regex.is_match(text))
    }

    fn equals(&self, text: &str, buffer: &mut String) -> bool {
        if text.len() < self.shortest || text.len() > self.longest {
            return false;
        }
        if !self.folds {
            return self.equal.contains(text);
        }
        buffer.clear();
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
        self.equal.contains(buffer.as_str())
    }

    fn same(&self, left: &[u8], right: &[u8]) -> bool {
        if self.folds { left.eq_ignore_ascii_case(right) } else { left == right }
    }
}

/// One pattern as an expression of its own; `None` if it does not mean the same alone as among the others.
fn expression(pattern: &Pattern, folds: bool) -> Option<Regex> {
    let whole = format!("^(?:{})$", pattern.to_regex(ANY_CHARACTER));
    let source = match pattern {
        // Found anywhere: without the surroundings, the expression can be looked for by its literals. What an
        // expression leaves open (a comment, a bracket) would reach into the surroundings.
        Pattern::Regex(source) => {
            regex_syntax::parse(&whole).ok()?;
            source
        }
        _ => &whole,
    };
    RegexBuilder::new(source).case_insensitive(folds).size_limit(SIZE_LIMIT).build().ok()
}
