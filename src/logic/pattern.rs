//! Patterns: what a predicate on text asks of a value. Every one denotes a regular language.

mod together;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use regex_automata::meta;
use regex_syntax::hir::{Hir, HirKind, Look};

use super::expression::{self, Expression};
use together::{expressions_regex, paths_regex};

/// Which letters count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Case {
    /// `A` is not `a`.
    Sensitive,
    /// `A` is `a`, by Unicode's simple case folding.
    Insensitive,
    /// Either will do: a rule *must* match the case-sensitive reading and *may* match the other
    /// (DESIGN: *Must and may*).
    Either,
}

/// One piece of a glob.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// This text.
    Literal(String),
    /// `*`: any text, also none.
    Any,
    /// `?`: any one character.
    One,
}

/// A pattern over the whole value made of literal text and wildcards.
///
/// Kept in one normal form, so that equal globs are equal values: neighbouring literals are one piece, no
/// literal is empty, a run of wildcards is its `?`s followed by at most one `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Glob(Arc<[Piece]>);

/// What a glob amounts to, for notations that have a word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape<'a> {
    /// The whole value.
    Equals(&'a str),
    /// The value's beginning.
    StartsWith(&'a str),
    /// The value's end.
    EndsWith(&'a str),
    /// Somewhere in the value.
    Contains(&'a str),
    /// Any value at all: `*`.
    Anything,
    /// None of these.
    Mixed(&'a [Piece]),
}

impl Glob {
    /// Makes a glob of pieces, in normal form.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut normal: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (normal.last_mut(), piece) {
                (_, Piece::Literal(text)) if text.is_empty() => {}
                (Some(Piece::Literal(before)), Piece::Literal(text)) => before.push_str(&text),
                (Some(Piece::Any), Piece::Any) => {}
                (Some(Piece::Any), Piece::One) => {
                    normal.pop();
                    normal.extend([Piece::One, Piece::Any]);
                }
                (_, piece) => normal.push(piece),
            }
        }
        Self(normal.into())
    }

    /// The value `text` and no other.
    pub fn equals(text: impl Into<String>) -> Self {
        Self::new([Piece::Literal(text.into())])
    }

    /// Values that begin with `text`.
    pub fn starts_with(text: impl Into<String>) -> Self {
        Self::new([Piece::Literal(text.into()), Piece::Any])
    }

    /// Values that end with `text`.
    pub fn ends_with(text: impl Into<String>) -> Self {
        Self::new([Piece::Any, Piece::Literal(text.into())])
    }

    /// Values with `text` somewhere in them.
    pub fn contains(text: impl Into<String>) -> Self {
        Self::new([Piece::Any, Piece::Literal(text.into()), Piece::Any])
    }

    /// The pieces, in normal form.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The simplest word for what the glob says.
    pub fn shape(&self) -> Shape<'_> {
        match &*self.0 {
            [] => Shape::Equals(""),
            [Piece::Any] => Shape::Anything,
            [Piece::Literal(text)] => Shape::Equals(text),
            [Piece::Literal(text), Piece::Any] => Shape::StartsWith(text),
            [Piece::Any, Piece::Literal(text)] => Shape::EndsWith(text),
            [Piece::Any, Piece::Literal(text), Piece::Any] => Shape::Contains(text),
            pieces => Shape::Mixed(pieces),
        }
    }
}

/// A pattern that a value satisfies or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Literal text and wildcards, over the whole value.
    Glob(Glob),
    /// A regular expression in the syntax of the `regex` crate (RE2), *found* somewhere in the value.
    Regex(String),
    /// A file system path: `path` itself in any of its spellings (`/etc`, `/etc/`, `//etc`, `/./etc`) and, with
    /// `below`, everything under it. `/` is always the root directory alone.
    Path {
        /// Absolute path without a trailing slash, save `/` itself.
        path: String,
        /// Whether what lies under the path counts.
        below: bool,
    },
}

/// The class that stands for "any character" in a pattern over a whole value.
pub const ANY_CHARACTER: &str = r"(?s:.)";
/// The expression that no text satisfies.
pub(super) const NOTHING: &str = r"[^\s\S]";

impl Pattern {
    /// The pattern as a regular expression that must match the **whole** text; case is left to the caller.
    ///
    /// `any` is the regular expression for one character that a wildcard may stand for: [`ANY_CHARACTER`], or
    /// less where the value is a part of a longer text (`[^ ]` in a command line). A [`Pattern::Regex`] keeps
    /// its own idea of a character; only what surrounds it is limited.
    pub fn to_regex(&self, any: &str) -> String {
        let mut regex = String::new();
        match self {
            Pattern::Glob(glob) => {
                for piece in glob.pieces() {
                    match piece {
                        Piece::Literal(text) => regex.push_str(&escape(text)),
                        Piece::Any => _ = write!(regex, "{any}*"),
                        Piece::One => regex.push_str(any),
                    }
                }
            }
            Pattern::Regex(source) => match between_anchors(source) {
                Some(inner) => _ = write!(regex, "(?:{inner})"),
                None => _ = write!(regex, "{any}*(?:{source}){any}*"),
            },
            Pattern::Path { path, below } => {
                regex = spellings(path);
                match (regex.is_empty(), below) {
                    (true, _) => regex.push_str(r"/(?:\.?/)*\.?"),
                    (false, true) => _ = write!(regex, "(?:/{any}*)?"),
                    (false, false) => regex.push_str(r"(?:/\.?)*"),
                }
            }
        }
        regex
    }
}

/// The spellings of a path as an expression, up to its last segment; empty for the root directory.
pub(super) fn spellings(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| format!("{SLASHES}{}", escape(segment))).collect()
}

/// What stands between `^` and `$`, for an expression that asks for the whole text with them and has no other anchor.
pub(super) fn between_anchors(source: &str) -> Option<&str> {
    let inner = source.strip_prefix('^')?.strip_suffix('$')?;
    ANCHORED
        .with_borrow_mut(|known| {
            if let Some(anchored) = known.get(source) {
                return *anchored;
            }
            if known.len() == MOST_ANCHORED {
                known.clear();
            }
            let anchored = is_between_anchors(source);
            known.insert(source.to_owned(), anchored);
            anchored
        })
        .then_some(inner)
}

thread_local! {
    /// Expressions of which it was asked: the same few are asked for in every part that an option is divided into.
    static ANCHORED: RefCell<HashMap<String, bool, RandomState>> = RefCell::default();
}

/// How many of them are remembered.
const MOST_ANCHORED: usize = 1000;

/// Whether an expression is a sequence that begins with `^`, ends with `$` and has no other anchor.
fn is_between_anchors(source: &str) -> bool {
    let Ok(Expression { tree, .. }) = expression::read(source, false) else { return false };
    let HirKind::Concat(parts) = tree.kind() else { return false };
    let [first, rest @ .., last] = parts.as_slice() else { return false };
    let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    is(first, Look::Start) && is(last, Look::End) && rest.iter().all(|part| part.properties().look_set().is_empty())
}

/// A text as an expression for itself. A dash means something in a class only, and there is none.
pub(super) fn escape(text: &str) -> String {
    regex_syntax::escape(text).replace(r"\-", "-")
}

/// `a`, or `(?:a|b)`.
pub(super) fn group<S: AsRef<str>>(alternatives: &[S]) -> String {
    match alternatives {
        [one] => one.as_ref().to_owned(),
        many => format!("(?:{})", many.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("|")),
    }
}

/// A slash in all its spellings.
const SLASHES: &str = r"/(?:\.?/)*";

impl Pattern {
    /// Whether it may say which characters must not be there.
    fn excludes(&self) -> bool {
        let signs = ["[^", r"\P", "--", "&&", "~~"];
        matches!(self, Pattern::Regex(source) if signs.iter().any(|sign| source.contains(sign)))
    }
}

impl fmt::Display for Pattern {
    /// Sigma's spelling: wildcards bare, wildcard characters of the text escaped, expressions between slashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Glob(glob) => {
                for piece in glob.pieces() {
                    match piece {
                        Piece::Literal(text) => {
                            f.write_str(&text.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?"))?
                        }
                        Piece::Any => f.write_str("*")?,
                        Piece::One => f.write_str("?")?,
                    }
                }
                Ok(())
            }
            Pattern::Regex(source) => write!(f, "/{source}/"),
            Pattern::Path { path, below: false } => write!(f, "path {path}"),
            Pattern::Path { path, below: true } => write!(f, "path {path} or below"),
        }
    }
}

/// Several patterns of which a value satisfies at least one, and the case they are read in. A copy costs nothing.
#[derive(Clone, Debug)]
pub struct TextSet {
    /// The alternatives, in the order the author wrote them.
    pub any: Arc<[Pattern]>,
    /// How letters compare, for all of them.
    pub case: Case,
    /// Of `any`, with the case of letters and without.
    compiled: Arc<[OnceLock<meta::Regex>; 2]>,
}

impl TextSet {
    /// One text as a whole.
    pub fn equals(text: impl Into<String>, case: Case) -> Self {
        Self::new(vec![Pattern::Glob(Glob::equals(text))], case)
    }

    /// A set of alternatives.
    pub fn new(any: Vec<Pattern>, case: Case) -> Self {
        Self { any: any.into(), case, compiled: Arc::default() }
    }

    /// The same alternatives, read in another case.
    pub fn in_case(&self, case: Case) -> Self {
        Self { case, ..self.clone() }
    }

    /// True if `text` satisfies one of the patterns, with [`Case::Either`] read strictly for *must* and loosely
    /// for *may*.
    ///
    /// A pattern whose expression does not compile is satisfied by nothing; the checks refuse it long before.
    pub fn is_match(&self, text: &str, may: bool) -> bool {
        self.foldings(may).iter().any(|fold| {
            let [sensitive, insensitive] = &*self.compiled;
            let cell = if *fold { insensitive } else { sensitive };
            cell.get_or_init(|| {
                let whole = format!("{}(?:{})$", if *fold { "(?i)^" } else { "^" }, self.to_regex(ANY_CHARACTER));
                // Most sets are asked a few times only: what is quick to make is quick here.
                let config = meta::Config::new().nfa_size_limit(Some(64 << 20)).dfa(false).onepass(false);
                let regex = meta::Builder::new().configure(config).build(&whole);
                regex.unwrap_or_else(|_| meta::Regex::new(NOTHING).expect("the empty class is an expression"))
            })
            .is_match(text)
        })
    }

    /// Whether every pattern of this set is one of `other`, in the same case: `other` is satisfied wherever this is.
    pub fn is_within(&self, other: &Self) -> bool {
        if self.case != other.case || self.any.len() > other.any.len() {
            return false;
        }
        let known: HashSet<&Pattern, RandomState> = other.any.iter().collect();
        self.any.iter().all(|pattern| known.contains(pattern))
    }

    /// Whether case is folded in the given reading: a text satisfies the set if it does with one of these.
    ///
    /// They are two where the loose reading of [`Case::Either`] would lose texts that the strict one has: what an
    /// expression excludes, `[^a]`, is more when case is folded.
    pub fn foldings(&self, may: bool) -> &'static [bool] {
        match (self.folds(may), self.case) {
            (false, _) => &[false],
            (true, Case::Either) if self.any.iter().any(Pattern::excludes) => &[true, false],
            (true, _) => &[true],
        }
    }

    /// True if letters of both cases count as the same in the given reading.
    pub fn folds(&self, may: bool) -> bool {
        match self.case {
            Case::Sensitive => false,
            Case::Insensitive => true,
            Case::Either => may,
        }
    }

    /// The set as one regular expression over the whole text, case left to the caller.
    pub fn to_regex(&self, any: &str) -> String {
        // No alternative is no text; an empty expression would be the empty text.
        if self.any.is_empty() {
            return NOTHING.to_owned();
        }
        let alike = |a: &Pattern, b: &Pattern| {
            if let (Pattern::Regex(_), Pattern::Regex(_)) = (a, b) {
                return true;
            }
            let is_below = |pattern: &Pattern| match pattern {
                Pattern::Path { path, below } if path.len() > 1 => Some(*below),
                _ => None,
            };
            is_below(a).is_some() && is_below(a) == is_below(b)
        };
        let runs = self.any.chunk_by(alike).map(|run| match run {
            [Pattern::Regex(_), ..] => expressions_regex(run, any),
            [one] => one.to_regex(any),
            paths => paths_regex(paths, any),
        });
        runs.collect::<Vec<_>>().join("|")
    }
}

impl PartialEq for TextSet {
    fn eq(&self, other: &Self) -> bool {
        self.any == other.any && self.case == other.case
    }
}

impl Eq for TextSet {}

impl std::hash::Hash for TextSet {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.any, self.case).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: Pattern, text: &str) -> bool {
        TextSet::new(vec![pattern], Case::Sensitive).is_match(text, false)
    }

    #[test]
    fn globs_have_one_normal_form() {
        let pieces = [Piece::Any, Piece::One, Piece::Any, Piece::Literal("a".into()), Piece::Literal("b".into())];
        assert_eq!(*Glob::new(pieces).0, [Piece::One, Piece::Any, Piece::Literal("ab".into())]);
        assert_eq!(Glob::contains("x").shape(), Shape::Contains("x"));
        assert_eq!(Glob::equals("").shape(), Shape::Equals(""));
    }

    #[test]
    fn globs_see_the_whole_value_and_cross_newlines() {
        assert!(matches(Pattern::Glob(Glob::contains("b")), "a\nb\nc"));
        assert!(!matches(Pattern::Glob(Glob::equals("b")), "ab"));
        assert!(matches(Pattern::Glob(Glob::equals("a.b")), "a.b"));
        assert!(!matches(Pattern::Glob(Glob::equals("a.b")), "axb"));
    }

    #[test]
    fn expressions_are_found_anywhere_unless_they_say_otherwise() {
        assert!(matches(Pattern::Regex("b+".into()), "abbc"));
        assert!(!matches(Pattern::Regex("^b+$".into()), "abbc"));
        assert!(matches(Pattern::Regex("a|b".into()), "xb"));
    }

    #[test]
    fn anchors_around_a_whole_expression_go_where_the_whole_text_is_meant() {
        assert_eq!(between_anchors("^a[b$]$"), Some("a[b$]"));
        assert_eq!(between_anchors("^(?:a|b)$"), Some("(?:a|b)"));
        for other in ["^a|b$", r"^a\$", "^a", "a$", "^a$b$", "(?m)^a$", r"^a\b$", "^$"] {
            let stripped = between_anchors(other);
            assert!(stripped.is_none_or(str::is_empty), "{other} {stripped:?}");
        }
        assert_eq!(Pattern::Regex("^/home/[^/]+$".into()).to_regex("[^ ]"), "(?:/home/[^/]+)");
    }

    #[test]
    fn paths_are_known_in_all_their_spellings() {
        let etc = |below| Pattern::Path { path: "/etc".into(), below };
        for text in ["/etc", "/etc/", "//etc", "/./etc", "/etc//", "/etc/."] {
            assert!(matches(etc(false), text) && matches(etc(true), text), "{text}");
        }
        for text in ["/etc/shadow", "/etc/../etc"] {
            assert!(matches(etc(true), text) && !matches(etc(false), text), "{text}");
        }
        for text in ["/etcd", "etc", "/srv/etc", "/", ""] {
            assert!(!matches(etc(true), text), "{text}");
        }
        for text in ["/", "//", "/.", "/./"] {
            assert!(matches(Pattern::Path { path: "/".into(), below: true }, text), "{text}");
        }
        assert!(!matches(Pattern::Path { path: "/".into(), below: true }, "/x"));
    }

    #[test]
    fn either_case_is_strict_for_must_and_loose_for_may() {
        let set = |case| TextSet::equals("Docker", case);
        assert!(!set(Case::Either).is_match("docker", false) && set(Case::Either).is_match("docker", true));
        assert!(set(Case::Insensitive).is_match("DOCKER", false));
        assert!(!set(Case::Sensitive).is_match("docker", true));
        let excluding = |case| TextSet::new(vec![Pattern::Regex("^[^a]$".into())], case);
        assert!(excluding(Case::Either).is_match("A", false) && excluding(Case::Either).is_match("A", true));
        assert!(!excluding(Case::Insensitive).is_match("A", false));
    }
}
