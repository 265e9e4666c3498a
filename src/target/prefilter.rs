//! A condition that every match of another one satisfies, short and selective: what an index is asked first, before a
//! slower command decides.
//!
//! How it works: of every part of the condition, *covers* are made. A cover is a list of simple tests of which every
//! match satisfies one. Of a conjunction each part's cover is one; of a disjunction, one cover of each part together
//! are. Texts become globs: what is literal stays, all else becomes `*`. In the end a cover is shortened to a handful of
//! tests by the literal texts that its globs have in common.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use foldhash::fast::RandomState;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use crate::language::Expressions;
use crate::logic::{
    Case, Comparison, Formula, Glob, Pattern, Piece, Predicate, Shape, Subject, Test, TextSet, simplify,
};

/// How many tests one cover may have in the end.
const MOST_TERMS: usize = 8;
/// How many covers, on different fields, stand side by side.
const MOST_COVERS: usize = 3;
/// How many tests a cover may have before it is shortened.
const MOST_OPEN: usize = 256;
/// Into how many globs one expression is taken apart.
const MOST_GLOBS: usize = 64;
/// A literal with fewer letters and digits is found everywhere.
const FEWEST_LETTERS: usize = 3;
/// Stands for a wildcard's text where one glob is matched against another. No value holds it.
const WILD: char = '\u{10fffe}';

/// A condition that follows from `formula` in both of its readings, made of few tests without negation: text in either
/// case with `*` as the only wildcard, numbers, booleans. `None` if nothing useful follows. `can_say` tells whether the
/// language that it is for can say a test, `texts` are what its patterns came to before.
pub fn prefilter(
    formula: &Formula,
    texts: &Texts,
    expressions: &Expressions,
    can_say: &impl Fn(&Formula) -> bool,
) -> Option<Formula> {
    let reader = Reader { texts, expressions };
    let mut covers: Vec<(usize, Vec<Term>)> =
        reader.covers(formula, true).into_iter().filter_map(|cover| shortened(cover, can_say)).enumerate().collect();
    // The fewer tests and the longer their texts, the better.
    covers.sort_by_key(|(_, cover)| {
        (cover.len(), std::cmp::Reverse(cover.iter().map(Term::letters).min().unwrap_or_default()))
    });
    let mut chosen: Vec<(usize, Vec<Term>)> = Vec::new();
    for (at, cover) in covers {
        let mut known = chosen.iter().flat_map(|(_, cover)| cover);
        let repeats = cover.iter().all(|term| known.any(|known| known.subject == term.subject));
        let terms: usize = chosen.iter().map(|(_, cover)| cover.len()).sum();
        if !repeats && chosen.len() < MOST_COVERS && terms + cover.len() <= MOST_TERMS {
            chosen.push((at, cover));
        }
    }
    // They stand in the order of the condition's parts.
    chosen.sort_by_key(|(at, _)| *at);
    let parts = chosen.iter().map(|(_, cover)| Formula::or(cover.iter().map(Term::formula)));
    (!chosen.is_empty()).then(|| simplify(&Formula::and(parts)))
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Term {
    subject: Subject,
    ask: Ask,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Ask {
    /// Text, in any case.
    Text(Glob),
    /// A number, a network or a truth value.
    Value(Predicate),
}

impl Term {
    fn formula(&self) -> Formula {
        let predicate = match &self.ask {
            Ask::Text(glob) => Predicate::Text(TextSet::new(vec![Pattern::Glob(glob.clone())], Case::Insensitive)),
            Ask::Value(predicate) => predicate.clone(),
        };
        Formula::Test(Test { subject: self.subject.clone(), predicate, origin: Default::default() })
    }

    /// How much it asks for, roughly.
    fn letters(&self) -> usize {
        match &self.ask {
            Ask::Text(glob) => literals(glob).map(letters).sum(),
            Ask::Value(_) => FEWEST_LETTERS,
        }
    }
}

fn literals(glob: &Glob) -> impl Iterator<Item = &str> {
    glob.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_str()),
        Piece::Any | Piece::One => None,
    })
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The texts of patterns as globs, which the rules of one detection have in common.
#[derive(Debug, Default)]
pub struct Texts(RefCell<HashMap<Pattern, Option<Globs>, RandomState>>);

/// Globs, with `*` as the only wildcard and each with a letter or digit, of which a value that satisfies `pattern`
/// satisfies one; `None` if nothing of the kind is known.
pub fn looser(pattern: &Pattern, expressions: &Expressions) -> Option<Vec<Glob>> {
    let globs = match pattern {
        Pattern::Glob(glob) => plain(vec![glob.pieces().to_vec()]),
        pattern => plain(around(taken_apart(&expressions.read(pattern)?.tree, false))),
    };
    let says_something = |glob: &Glob| literals(glob).map(letters).sum::<usize>() > 0;
    (!globs.is_empty() && globs.iter().all(says_something)).then_some(globs)
}

/// Globs of which a value satisfies one.
type Globs = Rc<[Glob]>;

/// Makes covers of conditions.
struct Reader<'a> {
    texts: &'a Texts,
    expressions: &'a Expressions,
}

impl Reader<'_> {
    /// Lists of tests, of each of which every match of `formula`, or of its negation, satisfies one.
    fn covers(&self, formula: &Formula, positive: bool) -> Vec<Vec<Term>> {
        match (formula, positive) {
            (Formula::And(parts), true) | (Formula::Or(parts), false) => {
                parts.iter().flat_map(|part| self.covers(part, positive)).collect()
            }
            (Formula::Or(parts), true) | (Formula::And(parts), false) => {
                either(parts.iter().map(|part| self.covers(part, positive)).collect())
            }
            (Formula::Not(part), positive) => self.covers(part, !positive),
            (Formula::AtLeast { count, of }, true) if *count > 0 && *count <= of.len() => {
                // One of any so many parts holds; those are taken that have the shortest covers.
                let mut parts: Vec<Vec<Vec<Term>>> = of.iter().map(|part| self.covers(part, true)).collect();
                parts.sort_by_key(|covers| covers.iter().map(Vec::len).min().unwrap_or(usize::MAX));
                parts.truncate(of.len() - count + 1);
                either(parts)
            }
            (Formula::Test(test), true) => self.terms(test).into_iter().collect(),
            (Formula::AtLeast { .. } | Formula::Element { .. } | Formula::Test(_), _) => Vec::new(),
        }
    }

    /// A test as terms of which a value that satisfies it satisfies one.
    fn terms(&self, test: &Test) -> Option<Vec<Term>> {
        if test.subject == Subject::Anywhere {
            return None;
        }
        let term = |ask| Term { subject: test.subject.clone(), ask };
        match &test.predicate {
            Predicate::Text(set) => {
                let mut all = Vec::new();
                for pattern in set.any.iter() {
                    for glob in self.globs(pattern)?.iter() {
                        let is_exact = matches!(glob.shape(), Shape::Equals(text) if !text.is_empty());
                        if !is_exact && literals(glob).all(|text| letters(text) < FEWEST_LETTERS) {
                            return None;
                        }
                        all.push(term(Ask::Text(glob.clone())));
                    }
                }
                (!all.is_empty() && all.len() <= MOST_OPEN).then_some(all)
            }
            Predicate::Boolean(_) | Predicate::Network(_) | Predicate::Number { op: Comparison::Equal, .. } => {
                Some(vec![term(Ask::Value(test.predicate.clone()))])
            }
            // Nearly every value satisfies these; no rule says the last two.
            Predicate::Number { .. } | Predicate::Exists | Predicate::Field { .. } => None,
            Predicate::Encoded(..) | Predicate::Option(_) => None,
        }
    }

    /// A pattern as globs without `?` of which a value that satisfies it satisfies one, whatever the case.
    fn globs(&self, pattern: &Pattern) -> Option<Globs> {
        if let Pattern::Glob(glob) = pattern {
            return Some(plain(vec![glob.pieces().to_vec()]).into());
        }
        if let Some(known) = self.texts.0.borrow().get(pattern) {
            return known.clone();
        }
        let read = self.expressions.read(pattern);
        let globs: Option<Globs> = read.map(|read| plain(around(taken_apart(&read.tree, true))).into());
        self.texts.0.borrow_mut().insert(pattern.clone(), globs.clone());
        globs
    }
}

/// Globs of literals and `*` for these pieces, without those that another one takes in.
fn plain(all: Vec<Vec<Piece>>) -> Vec<Glob> {
    let globs = all.into_iter().map(|pieces| {
        Glob::new(pieces.into_iter().flat_map(|piece| match piece {
            Piece::Literal(text) => writable(&text),
            Piece::Any | Piece::One => vec![Piece::Any],
        }))
    });
    without_repetitions(globs.collect())
}

/// Covers of a disjunction from the covers of its parts: for every field, one on that field alone, and the best of all.
#[expect(clippy::mutable_key_type, reason = "what changes in a term are caches, no part of equality or hash")]
fn either(parts: Vec<Vec<Vec<Term>>>) -> Vec<Vec<Term>> {
    let mut subjects: Vec<Option<&Subject>> = vec![None];
    for term in parts.iter().take(1).flatten().flatten() {
        if !subjects.contains(&Some(&term.subject)) {
            subjects.push(Some(&term.subject));
        }
    }
    let mut found: Vec<Vec<Term>> = Vec::new();
    for subject in subjects {
        let fits = |cover: &&Vec<Term>| subject.is_none_or(|subject| cover.iter().all(|term| term.subject == *subject));
        let of_each: Option<Vec<&Vec<Term>>> =
            parts.iter().map(|covers| covers.iter().filter(fits).min_by_key(|cover| cover.len())).collect();
        let Some(of_each) = of_each else { continue };
        let mut seen: HashSet<&Term, RandomState> = HashSet::default();
        let terms = of_each.into_iter().flatten().filter(|term| seen.insert(term));
        let all: Vec<Term> = terms.cloned().collect();
        if !all.is_empty() && all.len() <= MOST_OPEN && !found.contains(&all) {
            found.push(all);
        }
    }
    found
}

/// What is found somewhere in a value has any text around it.
fn around(all: Vec<Vec<Piece>>) -> Vec<Vec<Piece>> {
    all.into_iter().map(|pieces| [vec![Piece::Any], pieces, vec![Piece::Any]].concat()).collect()
}

/// A literal text, with a wildcard for whatever an index language may take for something else.
fn writable(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut run = String::new();
    for c in text.chars() {
        if c.is_control() || matches!(c, '*' | '`' | '$' | '\\' | '"' | WILD) {
            pieces.extend([Piece::Literal(std::mem::take(&mut run)), Piece::Any]);
        } else {
            run.push(c);
        }
    }
    pieces.push(Piece::Literal(run));
    pieces
}

/// The texts of an expression as pieces of globs: one list for each alternative, or fewer and wider ones where there
/// are too many. Anchors are left out, which makes them wider. `any_case` says that the globs are asked in any case, so
/// that a letter in both its cases is one.
fn taken_apart(hir: &Hir, any_case: bool) -> Vec<Vec<Piece>> {
    let any = || vec![vec![Piece::Any]];
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => vec![vec![Piece::Literal(text.to_owned())]],
            Err(_) => any(),
        },
        HirKind::Class(Class::Unicode(class)) => match one_letter(class).filter(|_| any_case) {
            Some(letter) => vec![vec![Piece::Literal(letter.to_string())]],
            None => any(),
        },
        HirKind::Class(Class::Bytes(_)) => any(),
        HirKind::Repetition(repetition) if repetition.min == 0 => any(),
        HirKind::Repetition(repetition) => {
            let once = taken_apart(&repetition.sub, any_case);
            let exactly_once = repetition.max == Some(1);
            once.into_iter()
                .map(|pieces| if exactly_once { pieces } else { [pieces, vec![Piece::Any]].concat() })
                .collect()
        }
        HirKind::Capture(capture) => taken_apart(&capture.sub, any_case),
        HirKind::Concat(parts) => {
            let mut parts: Vec<Vec<Vec<Piece>>> = parts.iter().map(|part| taken_apart(part, any_case)).collect();
            // The part with most alternatives says least.
            while parts
                .iter()
                .try_fold(1_usize, |product, part| product.checked_mul(part.len()))
                .is_none_or(|n| n > MOST_GLOBS)
            {
                let Some(most) = parts.iter_mut().max_by_key(|part| part.len()) else { break };
                *most = any();
            }
            parts.into_iter().fold(vec![Vec::new()], |mut heads: Vec<Vec<Piece>>, tails| match tails.as_slice() {
                [tail] => {
                    heads.iter_mut().for_each(|head| head.extend_from_slice(tail));
                    heads
                }
                tails => {
                    heads.iter().flat_map(|head| tails.iter().map(|tail| [head.as_slice(), tail].concat())).collect()
                }
            })
        }
        HirKind::Alternation(parts) => {
            let all: Vec<Vec<Piece>> = parts.iter().flat_map(|part| taken_apart(part, any_case)).collect();
            if all.len() > MOST_GLOBS { any() } else { all }
        }
    }
}

/// The letter, if the class holds one letter in its cases and nothing else.
fn one_letter(class: &ClassUnicode) -> Option<char> {
    let first = class.ranges().first()?.start();
    let mut folded = ClassUnicode::new([ClassUnicodeRange::new(first, first)]);
    folded.try_case_fold_simple().ok()?;
    let mut both = folded.clone();
    both.union(class);
    (both == folded).then_some(first)
}

/// Globs without those that another one takes in.
fn without_repetitions(all: Vec<Glob>) -> Vec<Glob> {
    let mut kept: Vec<(Glob, String)> = Vec::new();
    for glob in all {
        let text = spelled(&glob);
        if kept.iter().any(|(known, _)| fits(known.pieces(), &text)) {
            continue;
        }
        kept.retain(|(_, known)| !fits(glob.pieces(), known));
        kept.push((glob, text));
    }
    kept.into_iter().map(|(glob, _)| glob).collect()
}

/// A glob as a text, which every glob matches that takes in all that this one does.
fn spelled(glob: &Glob) -> String {
    let mut text = String::new();
    for piece in glob.pieces() {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Any | Piece::One => text.push(WILD),
        }
    }
    text
}

/// Whether a glob of literals and `*` matches a text, letters as they are. Of a glob that is [`spelled`], it tells
/// whether this one takes it in, in any case: `false` may be an error, `true` is none.
fn fits(pieces: &[Piece], text: &str) -> bool {
    match pieces.split_first() {
        None => text.is_empty(),
        Some((Piece::Literal(literal), rest)) => {
            text.strip_prefix(literal.as_str()).is_some_and(|text| fits(rest, text))
        }
        Some((Piece::Any | Piece::One, rest)) => match rest.split_first() {
            None => true,
            Some((Piece::Literal(literal), after)) if !after.is_empty() => {
                // The first place is as good as any, because a `*` follows.
                text.find(literal.as_str())
                    .and_then(|at| text.get(at + literal.len()..))
                    .is_some_and(|text| fits(after, text))
            }
            Some((Piece::Literal(literal), _)) => text.ends_with(literal.as_str()),
            Some(_) => fits(rest, text),
        },
    }
}

/// The cover with few terms, if there is one.
fn shortened(cover: Vec<Term>, can_say: &impl Fn(&Formula) -> bool) -> Option<Vec<Term>> {
    let mut subjects: Vec<Subject> = Vec::new();
    for term in &cover {
        if !subjects.contains(&term.subject) {
            subjects.push(term.subject.clone());
        }
    }
    let mut short = Vec::new();
    for subject in subjects {
        let mut texts = Vec::new();
        for term in cover.iter().filter(|term| term.subject == subject) {
            match &term.ask {
                Ask::Text(glob) => texts.push(glob.clone()),
                Ask::Value(_) => short.push(term.clone()),
            }
        }
        let texts = common_texts(without_repetitions(texts));
        short.extend(texts.into_iter().map(|glob| Term { subject: subject.clone(), ask: Ask::Text(glob) }));
        if short.len() > MOST_TERMS {
            return None;
        }
    }
    short.iter().all(|term| can_say(&term.formula())).then_some(short)
}

/// Few globs that take in all of these: those that share a literal become one that asks for what they share.
fn common_texts(globs: Vec<Glob>) -> Vec<Glob> {
    let is_exact = |glob: &Glob| matches!(glob.shape(), Shape::Equals(_));
    if globs.len() <= MOST_TERMS && globs.iter().all(is_exact) {
        return globs;
    }
    // A long text that some share is worth more than a short one that all do, unless that makes too many.
    let mut held = Held::by(&globs);
    let mut made = Vec::new();
    for power in [2, 1, 0] {
        made = common_texts_by(&globs, power, &mut held);
        if made.len() <= MOST_TERMS {
            break;
        }
    }
    made
}

/// The literal texts of globs, and which of them hold which of their parts. Globs have most of their texts in common, so
/// each is looked at once.
struct Held<'g> {
    texts: Vec<&'g str>,
    /// The texts of each glob.
    of_glob: Vec<Vec<usize>>,
    /// The parts of each text with letters enough to be looked for.
    parts: Vec<Vec<&'g str>>,
    /// The texts that hold a part.
    holding: HashMap<&'g str, Vec<bool>, RandomState>,
}

impl<'g> Held<'g> {
    fn by(globs: &'g [Glob]) -> Self {
        let (mut texts, mut numbers) = (Vec::new(), HashMap::<&str, usize, RandomState>::default());
        let of_glob = globs.iter().map(|glob| {
            let number = |text| {
                *numbers.entry(text).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                })
            };
            literals(glob).map(number).collect()
        });
        let of_glob = of_glob.collect();
        let long = |part: &&str| letters(part) >= FEWEST_LETTERS;
        let parts = texts.iter().map(|text| parts(text).filter(long).collect()).collect();
        Self { texts, of_glob, parts, holding: HashMap::default() }
    }

    /// The parts of the texts of some globs, each once.
    fn parts(&self, globs: &[usize]) -> Vec<&'g str> {
        let (mut seen, mut known) = (vec![false; self.texts.len()], HashSet::<&str, RandomState>::default());
        let mut parts = Vec::new();
        for text in globs.iter().filter_map(|glob| self.of_glob.get(*glob)).flatten() {
            let is_new = seen.get_mut(*text).is_some_and(|seen| !std::mem::replace(seen, true));
            let own = self.parts.get(*text).filter(|_| is_new).into_iter().flatten();
            parts.extend(own.copied().filter(|part| known.insert(part)));
        }
        parts
    }

    /// Which of `globs` have a text that holds `part`, and which have none.
    fn divided(&mut self, globs: &[usize], part: &'g str) -> (Vec<usize>, Vec<usize>) {
        let texts = &self.texts;
        let holding =
            self.holding.entry(part).or_insert_with(|| texts.iter().map(|text| text.contains(part)).collect());
        let holds = |text: &usize| holding.get(*text) == Some(&true);
        globs.iter().copied().partition(|glob| self.of_glob.get(*glob).is_some_and(|texts| texts.iter().any(holds)))
    }
}

/// The same, with texts worth as much as the number of their letters to this power, for each glob that has them.
fn common_texts_by<'g>(globs: &'g [Glob], power: u32, held: &mut Held<'g>) -> Vec<Glob> {
    let mut open: Vec<usize> = (0..globs.len()).collect();
    let mut done: Vec<Glob> = Vec::new();
    while !open.is_empty() && done.len() <= MOST_TERMS {
        let mut best: Option<(usize, &str)> = None;
        for part in held.parts(&open) {
            let each = letters(part).pow(power);
            if best.is_some_and(|(most, _)| open.len() * each <= most) {
                continue;
            }
            let worth = held.divided(&open, part).0.len() * each;
            if best.is_none_or(|(most, _)| worth > most) {
                best = Some((worth, part));
            }
        }
        let Some((_, part)) = best else { break };
        let (with, without) = held.divided(&open, part);
        let with: Vec<&Glob> = with.into_iter().filter_map(|glob| globs.get(glob)).collect();
        done.push(match with.as_slice() {
            [one] => without_short_texts(one),
            many => shared(part, many),
        });
        open = without;
    }
    let open = open.into_iter().filter_map(|glob| globs.get(glob)).cloned();
    done.extend(open);
    // What was taken first may be taken in by what came later.
    let texts: Vec<String> = globs.iter().map(spelled).collect();
    let mut at = 0;
    while at < done.len() && done.len() <= MOST_TERMS {
        let others = || done.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, glob)| glob);
        if texts.iter().all(|text| others().any(|other| fits(other.pieces(), text))) {
            done.remove(at);
        } else {
            at += 1;
        }
    }
    done
}

/// A glob with `literal`, which all of `globs` have, and with what else they have in common before and after it.
fn shared(literal: &str, globs: &[&Glob]) -> Glob {
    let made_of = |texts: &[&str]| {
        let pieces = texts.iter().flat_map(|text| [Piece::Any, Piece::Literal((*text).to_owned())]);
        Glob::new(pieces.chain([Piece::Any]))
    };
    let mut kept = vec![literal];
    let Some(first) = globs.first() else { return made_of(&kept) };
    let all: Vec<String> = globs.iter().map(|glob| spelled(glob)).collect();
    for text in literals(first).flat_map(parts).filter(|text| letters(text) >= FEWEST_LETTERS && *text != literal) {
        for at in 0..=kept.len() {
            let mut more = kept.clone();
            more.insert(at, text);
            let wide = made_of(&more);
            if all.iter().all(|text| fits(wide.pieces(), text)) {
                kept = more;
                break;
            }
        }
    }
    made_of(&kept)
}

/// A text, what is left of it from each of its blanks and signs on, and what stands before each of them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let signs = || text.char_indices().filter(|(at, c)| *at > 0 && !c.is_alphanumeric()).map(|(at, _)| at);
    let ends = signs().filter_map(|at| text.get(..at));
    std::iter::once(0).chain(signs()).filter_map(|at| text.get(at..)).chain(ends)
}

/// The glob with a `*` for its short texts, unless it is a text as a whole.
fn without_short_texts(glob: &Glob) -> Glob {
    if matches!(glob.shape(), Shape::Equals(_)) {
        return glob.clone();
    }
    Glob::new(glob.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) if letters(text) >= FEWEST_LETTERS => piece.clone(),
        _ => Piece::Any,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::language::{self, FieldTable, Language};
    use crate::logic::decide::{Answer, Budget, Reason, Schema, implies};
    use crate::logic::{Path, Reading};
    use crate::target::generated::formula;

    fn can_say(formula: &Formula) -> bool {
        language::print(Language::Spl, formula, &FieldTable::default()).is_ok()
    }

    fn regex(source: &str) -> Formula {
        let set = TextSet::new(vec![Pattern::Regex(source.to_owned())], Case::Sensitive);
        Formula::test(&Path::from_segments(["line"]), Predicate::Text(set))
    }

    /// The prefilter as Splunk's `search` says it.
    fn said(formula: &Formula) -> Option<String> {
        let prefilter = prefilter(formula, &Texts::default(), &Expressions::default(), &can_say)?;
        match language::print(Language::Spl, &prefilter, &FieldTable::default()) {
            Ok(language::Query::Text(text)) => Some(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_every_match_has_is_asked_for() {
        for (source, expected) in [
            ("^(?:docker|podman) run .*--privileged", Some(r#"line="* run *--privileged*""#)),
            ("curl|wget", Some(r#"line IN ("*curl*", "*wget*")"#)),
            ("(?i)NSENTER", Some(r#"line="*NSENTER*""#)),
            ("a[0-9]+b", None),
            ("docker|.", None),
            ("^(?:docker)?$", None),
            ("doc`ker\\$x\\*release", Some(r#"line="*doc*ker*release*""#)),
            ("(?:run){2}", Some(r#"line="*run*""#)),
        ] {
            assert_eq!(said(&regex(source)).as_deref(), expected, "{source}");
        }
    }

    #[test]
    fn a_disjunction_needs_a_text_of_every_part_and_a_conjunction_one_of_any() {
        let (a, b, wide) = (regex("docker"), regex("podman"), regex("x."));
        assert_eq!(said(&Formula::or([a.clone(), b.clone()])).as_deref(), Some(r#"line IN ("*docker*", "*podman*")"#));
        assert_eq!(said(&Formula::or([a.clone(), wide.clone()])), None);
        assert_eq!(said(&Formula::and([a.clone(), wide.clone()])).as_deref(), Some(r#"line="*docker*""#));
        assert_eq!(said(&Formula::not(a.clone())), None);
        let neither = Formula::not(Formula::Or(vec![Formula::not(a.clone()), wide.clone()]));
        assert_eq!(said(&neither).as_deref(), Some(r#"line="*docker*""#));
        let two_of_three = Formula::AtLeast { count: 2, of: vec![a, b, wide] };
        assert_eq!(said(&two_of_three).as_deref(), Some(r#"line IN ("*docker*", "*podman*")"#));
    }

    #[test]
    fn many_alternatives_become_what_they_share_or_nothing() {
        let words: Vec<String> = (0..40).map(|n| format!("word{n}x")).collect();
        assert_eq!(said(&regex(&words.join("|"))), None);
        let with: Vec<String> = words.iter().map(|word| format!("{word} --socket")).collect();
        assert_eq!(said(&regex(&with.join("|"))).as_deref(), Some(r#"line="* --socket*""#));
    }

    #[test]
    fn globs_take_in_only_what_they_match() {
        let glob = |text: &str| {
            Glob::new(text.chars().map(|c| if c == '*' { Piece::Any } else { Piece::Literal(c.to_string()) }))
        };
        for (wide, narrow, expected) in [
            ("*run*", "* container run*", true),
            ("*", "x", true),
            ("*a*b*", "*a*x*b", true),
            ("*a*b*", "*ab*", true),
            ("*ab*", "*a*b*", false),
            ("a*", "*a", false),
            ("*a*a", "*a", false),
            ("ab", "ab", true),
            ("", "", true),
        ] {
            assert_eq!(fits(glob(wide).pieces(), &spelled(&glob(narrow))), expected, "{wide} {narrow}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_follows_in_every_reading_and_can_be_printed(formula in formula()) {
            if let Some(prefilter) = prefilter(&formula, &Texts::default(), &Expressions::default(), &can_say) {
                let mut tests = 0;
                prefilter.each_test(&mut |_, _| tests += 1);
                prop_assert!((1..=MOST_TERMS).contains(&tests));
                prop_assert!(can_say(&prefilter));
                match implies(&formula, Reading::May, &prefilter, Reading::Must, &Schema::default(), &Budget::default()) {
                    Answer::Holds => {}
                    Answer::Fails(event) => prop_assert!(false, "{event} lacks {prefilter:?}"),
                    Answer::Undecided(reason) => prop_assert!(!matches!(reason, Reason::Unconfirmed(_)), "{reason}"),
                }
            }
        }
    }
}
