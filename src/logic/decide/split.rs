//! Tests on text divided into alternatives: some value is in `A ∪ B` exactly when some is in `A` or some in `B`.
//!
//! An automaton for many patterns at once may have a state for every combination of how far each has got; one automaton
//! for each pattern is small, and most questions need few of them. What is written in two ways that mean the same to
//! the parser becomes the same test.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use foldhash::fast::RandomState;
use regex_syntax::hir::{Dot, Hir, HirKind, Look};

use super::problem::ValueTest;
use crate::logic::encoding::Encoding;
use crate::logic::pattern::{self, ANY_CHARACTER, Glob, Pattern, Piece};

/// The test in the form in which equal ones are found equal.
pub(super) fn normal(test: ValueTest) -> ValueTest {
    match test {
        ValueTest::Text(mut patterns, fold) => match (patterns.pop(), patterns.is_empty()) {
            (Some(pattern), true) if is_complex(&pattern) => {
                line(&pattern, fold).unwrap_or_else(|| ValueTest::Text(vec![pattern], fold))
            }
            (last, _) => {
                patterns.extend(last);
                ValueTest::Text(patterns, fold)
            }
        },
        ValueTest::Line(source, fold) => match parsed(&source, fold) {
            Some(hir) => ValueTest::Line(hir.to_string(), false),
            None => ValueTest::Line(source, fold),
        },
        ValueTest::Encoded(encoding, test) => ValueTest::Encoded(encoding, Box::new(normal(*test))),
        other => other,
    }
}

/// How many complex patterns of one test are told apart from the beginning.
const MAX_APART: usize = 64;

/// What [`apart`] came to for the tests of the process: the questions about a pack name the same ones again and again.
#[derive(Default)]
struct Known {
    parts: HashMap<ValueTest, Arc<[ValueTest]>, RandomState>,
    /// How long their texts are together.
    length: usize,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// How many bytes of text are kept.
const KEPT: usize = 8 << 20;

/// A test as the tests that it is best asked as: complex patterns each for itself, all others together.
pub(super) fn apart(test: ValueTest) -> Arc<[ValueTest]> {
    let length = match &test {
        ValueTest::Text(patterns, _) if patterns.iter().any(is_complex) => {
            patterns.iter().map(|pattern| pattern.to_string().len()).sum()
        }
        ValueTest::Line(source, _) => source.len(),
        // What is not parsed need not be remembered.
        _ => return divided(test).into(),
    };
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(parts) = known().parts.get(&test) {
        return Arc::clone(parts);
    }
    let parts: Arc<[ValueTest]> = divided(test.clone()).into();
    let mut known = known();
    if known.length > KEPT {
        *known = Known::default();
    }
    known.length += length;
    known.parts.insert(test, Arc::clone(&parts));
    parts
}

fn divided(test: ValueTest) -> Vec<ValueTest> {
    if let ValueTest::Encoded(encoding, test) = test {
        return encoded(encoding, divided(*test));
    }
    let test = match test {
        ValueTest::Text(patterns, fold) => ValueTest::Text(plain(patterns), fold),
        other => other,
    };
    match &test {
        ValueTest::Text(patterns, _) if patterns.iter().filter(|pattern| is_complex(pattern)).count() <= MAX_APART => {
            alternatives(&test).unwrap_or_else(|| vec![normal(test)])
        }
        _ => vec![normal(test)],
    }
}

/// The alternatives of a test; none if there is nothing to divide. Of an expression they are those that stand furthest
/// left, so that expressions of one make are divided alike.
pub(super) fn alternatives(test: &ValueTest) -> Option<Vec<ValueTest>> {
    match test {
        ValueTest::Text(patterns, fold) => {
            let (complex, simple): (Vec<_>, Vec<_>) = patterns.iter().cloned().partition(is_complex);
            if complex.is_empty() || patterns.len() < 2 {
                return None;
            }
            let simple = Some(simple).filter(|simple| !simple.is_empty());
            let rest = simple.map(|simple| ValueTest::Text(simple, *fold));
            Some(complex.into_iter().map(|pattern| normal(ValueTest::Text(vec![pattern], *fold))).chain(rest).collect())
        }
        ValueTest::Line(source, fold) => {
            let parts = branches(&parsed(source, *fold)?)?;
            Some(parts.into_iter().map(|part| ValueTest::Line(part.to_string(), false)).collect())
        }
        ValueTest::Encoded(encoding, test) => Some(encoded(*encoding, alternatives(test)?)),
        _ => None,
    }
}

/// Tests of what a text is spelled as.
fn encoded(encoding: Encoding, tests: Vec<ValueTest>) -> Vec<ValueTest> {
    tests.into_iter().map(|test| ValueTest::Encoded(encoding, Box::new(test))).collect()
}

/// A pattern as an expression over the whole text.
fn line(pattern: &Pattern, fold: bool) -> Option<ValueTest> {
    let hir = match pattern {
        Pattern::Regex(source) => over_all(parsed(source, fold)?),
        other => parsed(&other.to_regex(ANY_CHARACTER), fold)?,
    };
    Some(ValueTest::Line(hir.to_string(), false))
}

/// The patterns, with expressions that are but texts between anchors, or paths, said as such: a list of them is one small
/// automaton, and the same one as that of what somebody else gave as a list.
fn plain(patterns: Vec<Pattern>) -> Vec<Pattern> {
    let said = |pattern: Pattern| match &pattern {
        // Letters that differ in case alone are told apart here: texts are folded where the expression is.
        Pattern::Regex(source) => {
            parsed(source, false).and_then(|hir| listed(&hir, MAX_LISTED)).unwrap_or_else(|| vec![pattern])
        }
        // Nothing below the root directory counts, whatever is said.
        Pattern::Path { path, .. } if path == "/" => vec![Pattern::Path { path: path.clone(), below: false }],
        _ => vec![pattern],
    };
    let mut plain: Vec<Pattern> = patterns.into_iter().flat_map(said).collect();
    plain.sort();
    plain.dedup();
    plain
}

/// The most texts that one expression is said as.
const MAX_LISTED: usize = 256;

/// The texts and paths, at most `room`, that an expression which is found somewhere asks for; none if it asks for others.
fn listed(hir: &Hir, room: usize) -> Option<Vec<Pattern>> {
    // What stands last says where a path ends.
    let (_, before) = sequence(hir).split_last()?;
    let parts = match hir.kind() {
        HirKind::Alternation(parts) => parts.clone(),
        _ if before.iter().any(|part| matches!(part.kind(), HirKind::Alternation(_))) => branches(hir)?,
        _ => return Some(vec![glob_of(hir).map(Pattern::Glob).or_else(|| path_of(hir))?]),
    };
    let mut texts = Vec::new();
    for part in parts {
        texts.extend(listed(&part, room.checked_sub(texts.len())?)?);
    }
    (texts.len() <= room).then_some(texts)
}

fn sequence(hir: &Hir) -> &[Hir] {
    match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    }
}

/// What an expression that is found somewhere asks for, if that is one text, at the beginning or end or anywhere.
fn glob_of(hir: &Hir) -> Option<Glob> {
    let parts = sequence(hir);
    let (starts, parts) = match parts {
        [first, rest @ ..] if *first.kind() == HirKind::Look(Look::Start) => (true, rest),
        _ => (false, parts),
    };
    let (ends, parts) = match parts {
        [rest @ .., last] if *last.kind() == HirKind::Look(Look::End) => (true, rest),
        _ => (false, parts),
    };
    let [only] = parts else { return None };
    let text = Piece::Literal(literal(only)?.to_owned());
    let any = |is_anchored: bool| (!is_anchored).then_some(Piece::Any);
    Some(Glob::new(any(starts).into_iter().chain([text]).chain(any(ends))))
}

/// The path of which an expression asks for all spellings, and perhaps for what lies below it.
fn path_of(hir: &Hir) -> Option<Pattern> {
    let path: String = sequence(hir).iter().filter_map(literal).collect();
    if !path.starts_with('/') || (path.ends_with('/') && path.len() > 1) || path.contains("//") {
        return None;
    }
    let is = |source: String| parsed(&source, false).is_some_and(|other| other == *hir);
    let spelled = pattern::spellings(&path);
    let below = is(format!("^{spelled}(?:/|$)"));
    let pattern = Pattern::Path { path, below };
    (below || is(format!("^{}$", pattern.to_regex(ANY_CHARACTER)))).then_some(pattern)
}

fn literal(hir: &Hir) -> Option<&str> {
    let HirKind::Literal(literal) = hir.kind() else { return None };
    std::str::from_utf8(&literal.0).ok()
}

/// Whether many patterns of the kind make a large automaton together.
fn is_complex(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Regex(_) => true,
        Pattern::Glob(glob) => has_inner_wildcard(glob),
        Pattern::Path { .. } => false,
    }
}

fn has_inner_wildcard(glob: &Glob) -> bool {
    let pieces = glob.pieces();
    let inner = pieces.get(1..pieces.len().saturating_sub(1)).unwrap_or_default();
    inner.contains(&Piece::Any)
}

fn parsed(source: &str, fold: bool) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().case_insensitive(fold).build().parse(source).ok().map(without_groups)
}

/// The same expression without its capturing groups.
fn without_groups(hir: Hir) -> Hir {
    let all = |parts: Vec<Hir>| parts.into_iter().map(without_groups).collect();
    match hir.into_kind() {
        HirKind::Capture(capture) => without_groups(*capture.sub),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(without_groups(*repetition.sub));
            Hir::repetition(regex_syntax::hir::Repetition { sub, ..repetition })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        kind => again(kind),
    }
}

/// What an expression that is found somewhere says of the whole text.
fn over_all(hir: Hir) -> Hir {
    if let HirKind::Alternation(parts) = hir.kind() {
        return Hir::alternation(parts.iter().cloned().map(over_all).collect());
    }
    let any = || {
        Hir::repetition(regex_syntax::hir::Repetition {
            min: 0,
            max: None,
            greedy: true,
            sub: Box::new(Hir::dot(Dot::AnyChar)),
        })
    };
    let mut parts = match hir.into_kind() {
        HirKind::Concat(parts) => parts,
        kind => vec![again(kind)],
    };
    let is = |part: Option<&Hir>, look: Look| part.is_some_and(|part| *part.kind() == HirKind::Look(look));
    if is(parts.first(), Look::Start) {
        parts.remove(0);
    } else {
        parts.insert(0, any());
    }
    if is(parts.last(), Look::End) {
        parts.pop();
    } else {
        parts.push(any());
    }
    Hir::concat(parts)
}

/// An expression of this kind.
fn again(kind: HirKind) -> Hir {
    match kind {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition),
        HirKind::Capture(capture) => Hir::capture(capture),
        HirKind::Concat(parts) => Hir::concat(parts),
        HirKind::Alternation(parts) => Hir::alternation(parts),
    }
}

/// The expressions that the leftmost alternatives of `hir` make of it.
fn branches(hir: &Hir) -> Option<Vec<Hir>> {
    match hir.kind() {
        HirKind::Alternation(parts) => Some(parts.clone()),
        HirKind::Concat(parts) => parts.iter().enumerate().find_map(|(at, part)| {
            let put = |branch: Hir| {
                let before = parts.iter().take(at).cloned();
                Hir::concat(before.chain([branch]).chain(parts.iter().skip(at + 1).cloned()).collect())
            };
            Some(branches(part)?.into_iter().map(put).collect())
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{Case, TextSet};

    #[test]
    fn one_expression_in_two_spellings_is_one_test() {
        let found = ValueTest::Text(vec![Pattern::Regex(r"^(?:(a)|b)c\z".to_owned())], false);
        assert_eq!(normal(found), normal(ValueTest::Line("(?:a|b)c".to_owned(), false)));
        let glob = Glob::new([
            Piece::Any,
            Piece::Literal("a".into()),
            Piece::Any,
            Piece::Literal("b".into()),
            Piece::Any,
            Piece::Literal("c".into()),
        ]);
        assert_eq!(
            normal(ValueTest::Text(vec![Pattern::Glob(glob)], false)),
            normal(ValueTest::Text(vec![Pattern::Regex("(?s)a.*b.*c$".to_owned())], false))
        );
    }

    #[test]
    fn text_between_anchors_is_the_text_that_a_list_gives() {
        let listed = |globs: &[Glob]| globs.iter().cloned().map(Pattern::Glob).collect::<Vec<_>>();
        let texts =
            listed(&[Glob::contains(r"a.b"), Glob::ends_with("c\\"), Glob::starts_with("d"), Glob::equals("e")]);
        let found = [r"^(e)$", r"c\\\z", r"a\.b", r"\Ad", r"(?:d)?x"].map(|source| Pattern::Regex(source.to_owned()));
        for fold in [false, true] {
            let mut same = texts.clone();
            same.sort();
            let parts = apart(ValueTest::Text(found.to_vec(), fold));
            assert_eq!((parts.len(), parts.last()), (2, Some(&ValueTest::Text(same, fold))));
        }
        // Each of its letters stands for two.
        let folded = apart(ValueTest::Text(vec![Pattern::Regex("(?i)ab".to_owned())], false));
        assert!(matches!(&*folded, [ValueTest::Line(..)]), "{folded:?}");
    }

    #[test]
    fn paths_in_all_their_spellings_are_the_paths_that_a_list_gives() {
        let path = |path: &str, below| Pattern::Path { path: path.to_owned(), below };
        let together = r"^/(?:\.?/)*(?:etc/(?:\.?/)*cron\.d|etc/(?:\.?/)*ssh|root)(?:/|\z)";
        let found = [together, r"^/(?:\.?/)*(?:var|usr/(?:\.?/)*lib)(?:/\.?)*$", r"^/(?:\.?/)*\.?$"];
        let list = vec![
            path("/etc/cron.d", true),
            path("/etc/ssh", true),
            path("/root", true),
            path("/var", false),
            path("/usr/lib", false),
            path("/", true),
        ];
        let found = found.map(|source| Pattern::Regex(source.to_owned())).to_vec();
        assert_eq!(apart(ValueTest::Text(found, false)), apart(ValueTest::Text(list.clone(), false)));
        // What is nearly a path is an expression.
        for other in [
            r"^/(?:\.?/)*etc/(?:\.?/)*cron.d(?:/|$)",
            r"^/(?:\.?/)*etc(?:/|)",
            r"^/etc/(?:\.?/)*cron\.d(?:/|$)",
            r"/(?:\.?/)*etc(?:/|$)",
            r"^/(?:\.?/)*etc/(?:/|$)",
            r"^/(?:\.?/)*etc(?:/|$)$",
        ] {
            let parts = apart(ValueTest::Text(vec![Pattern::Regex(other.to_owned())], false));
            assert!(parts.iter().all(|part| matches!(part, ValueTest::Line(..))), "{other}: {parts:?}");
        }
    }

    #[test]
    fn alternatives_are_together_what_they_were_alone() {
        for source in ["^a(?:b|c(?:d|e))f", "a|^b$|c", "(x|y)(z|)", "^(?:a|b)*$", "", "(?m)^a$|b"] {
            let whole = TextSet::new(vec![Pattern::Regex(source.to_owned())], Case::Sensitive);
            let mut parts = vec![normal(ValueTest::Text(whole.any.to_vec(), false))];
            for _ in 0..3 {
                parts = parts.into_iter().flat_map(|part| alternatives(&part).unwrap_or_else(|| vec![part])).collect();
            }
            for text in ["", "a", "b", "ab", "abf", "acdf", "acef", "xacef", "xz", "y", "c", "aabb", "b\n", "x\na\n"] {
                let in_part = parts.iter().any(|part| match part {
                    ValueTest::Line(regex, false) => {
                        let whole = Pattern::Regex(format!("^(?:{regex})$"));
                        TextSet::new(vec![whole], Case::Sensitive).is_match(text, false)
                    }
                    other => panic!("{other:?}"),
                });
                assert_eq!(in_part, whole.is_match(text, false), "{source:?} {text:?}");
            }
        }
    }
}
