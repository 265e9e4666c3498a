//! From a condition on an event to one on a target's fields.
//!
//! The result is exact where it can be; where it cannot, it says why and what comes closest ([`Node`]).

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::derive;
use super::encoding::encode;
use super::fields::{Fields, TargetField};
use super::node::{Node, Written, numbered};
use super::option::{self, Lowered};
use super::settings::{Derivation, Holds, LanguageChoice};
use crate::language::{Expressions, FieldTable, FieldType, Printer};
use crate::logic::{
    Case, Comparison, Formula, Glob, OptionTest, Origin, Path, Pattern, Piece, Predicate, Shape, Subject, Test, TextSet,
};

/// What a target that has a line of all arguments does, after its name.
pub(super) const JOINED: &str = "has the arguments joined and cannot tell where one ends";

/// Maps one condition for one language of one target.
#[derive(Debug)]
pub struct Mapper<'a> {
    /// The target's name for readers.
    pub title: &'a str,
    /// Its fields.
    pub fields: &'a Fields<'a>,
    /// The language that the condition will be printed in.
    pub language: &'a LanguageChoice,
    /// The types that the condition gives fields of which nobody else knows one.
    pub types: &'a HashMap<Path, FieldType, RandomState>,
    /// The expressions that were printed before.
    pub expressions: &'a Expressions,
    /// The types of all target fields that the condition came to use.
    pub table: FieldTable,
    next: u32,
}

impl<'a> Mapper<'a> {
    /// A mapper that has seen nothing yet.
    pub fn new(
        title: &'a str,
        fields: &'a Fields<'a>,
        language: &'a LanguageChoice,
        types: &'a HashMap<Path, FieldType, RandomState>,
        expressions: &'a Expressions,
    ) -> Self {
        Self { title, fields, language, types, expressions, table: FieldTable::default(), next: 0 }
    }

    /// The condition over the target's fields.
    pub fn map(&mut self, formula: &Formula) -> Node {
        self.map_at(formula, None)
    }

    fn map_at(&mut self, formula: &Formula, base: Option<&Path>) -> Node {
        match formula {
            Formula::And(parts) => Node::And(self.map_all(parts, base)),
            Formula::Or(parts) => Node::Or(self.map_all(parts, base)),
            Formula::Not(part) => Node::Not(Box::new(self.map_at(part, base))),
            Formula::AtLeast { count, of } => Node::AtLeast { count: *count, of: self.map_all(of, base) },
            Formula::Element { path, body } => self.map_element(path, body, base),
            Formula::Test(test) => self.map_test(test, base),
        }
    }

    fn map_all(&mut self, parts: &[Formula], base: Option<&Path>) -> Vec<Node> {
        parts.iter().map(|part| self.map_at(part, base)).collect()
    }

    /// A condition on one element: the same without the element where that means the same.
    fn map_element(&mut self, path: &Path, body: &Formula, base: Option<&Path>) -> Node {
        let here = base.map_or_else(|| path.clone(), |base| base.join(path));
        if is_distributive(body) || (self.fields.is_single(&here) && is_positive(body)) {
            return self.map_at(body, Some(&here));
        }
        let reason = format!("{} cannot tell which element of a list a value belongs to", self.title);
        let written = Written::Element(here.clone());
        let lower = match inside(body) {
            Some(lower) => self.map_at(&lower, Some(&here)),
            None => Node::FALSE,
        };
        let upper = match outside(body) {
            Some(upper) => self.map_at(&upper, Some(&here)),
            None => Node::TRUE,
        };
        let mut origin = Origin::default();
        body.each_test(&mut |_, test| origin.0 = origin.0.or(test.origin.0));
        Node::hole(written, reason, lower, upper).at(origin)
    }

    fn map_test(&mut self, test: &Test, base: Option<&Path>) -> Node {
        self.map_test_itself(test, base).at(test.origin)
    }

    fn map_test_itself(&mut self, test: &Test, base: Option<&Path>) -> Node {
        let path = match &test.subject {
            Subject::Anywhere => {
                let written = Written::Test(test.subject.clone(), test.predicate.clone());
                return self.leaf(Formula::Test(test.clone()), written);
            }
            Subject::Field(path) => base.map_or_else(|| path.clone(), |base| base.join(path)),
        };
        let written = Written::Test(Subject::Field(path.clone()), test.predicate.clone());
        let Some(mut field) = self.fields.get(&path) else {
            return Node::unknown(written, format!("{} has no field for `{path}`", self.title));
        };
        if let Some(kind) = self.types.get(&path) {
            field.kind = *kind;
        }
        if field.kind == FieldType::Time && test.predicate != Predicate::Exists {
            let reason = format!("{} spells times in its own way: only the presence of one can be asked", self.title);
            return Node::unknown(written, reason);
        }
        match &test.predicate {
            Predicate::Option(option) => self.map_option(option, &field, &path, written),
            Predicate::Field { op, other } => {
                let other = base.map_or_else(|| other.clone(), |base| base.join(other));
                let second = self.fields.get(&other).filter(|field| field.kind != FieldType::Time);
                let second = second.and_then(|field| Some((field.name?, field.kind, field.none.or(field.null))));
                match (field.name, second) {
                    (Some(name), Some((second, ..))) if !self.is_comparable(&name, *op, &second) => {
                        let reason =
                            format!("{} spells the values of `{name}` or `{second}` in its own way", self.title);
                        Node::unknown(written, reason)
                    }
                    (Some(name), Some((second, kind, none))) => {
                        let (path, other) = (self.path(&name, field.kind), self.path(&second, kind));
                        // What says that there is no value is none to compare.
                        let words = [(&path, field.none.or(field.null)), (&other, none)];
                        let words = words.into_iter().filter_map(|(path, word)| Some(no_word(path, &word?)));
                        let same = Formula::test(&path, Predicate::Field { op: *op, other: other.clone() });
                        self.leaf(Formula::and(std::iter::once(same).chain(words)), written)
                    }
                    _ => Node::unknown(written, format!("{} has no fields for both sides", self.title)),
                }
            }
            predicate => match field {
                TargetField { name: Some(name), none: Some(word), kind, .. }
                | TargetField { name: Some(name), null: Some(word), kind, .. } => {
                    self.map_with_word(&name, kind, &word, predicate, written)
                }
                TargetField { name: Some(name), holds: Some(Holds::Words), kind, .. } => {
                    self.map_words(&name, kind, predicate, written)
                }
                TargetField { name: Some(name), holds: Some(holds @ Holds::JsonListsByNumber), kind, .. } => {
                    self.map_numbered(&name, kind, holds, predicate, written)
                }
                TargetField { name: Some(name), holds: Some(holds), kind, .. } => {
                    self.map_held(&name, kind, holds, predicate, written)
                }
                TargetField { name: Some(name), kind, .. } => self.test(&name, kind, predicate.clone(), written),
                TargetField { from: Some(Derivation::Basename(name)), .. } => {
                    self.map_basename(&name, predicate, written)
                }
                TargetField { joined: Some(line), .. } => self.map_joined(&line, predicate, written),
                TargetField { .. } => Node::unknown(written, format!("{} has no field for `{path}`", self.title)),
            },
        }
    }

    fn map_option(&mut self, option: &OptionTest, field: &TargetField, path: &Path, written: Written) -> Node {
        let Some(line) = &field.joined else {
            return Node::unknown(written, format!("{} has no command line for `{path}`", self.title));
        };
        let whole = self.path(line, FieldType::Text);
        match option::lower(option, &self.language.options, &|set| self.is_too_long(&whole, set)) {
            Ok(Lowered { sets, lost }) => {
                let whole = self.path(line, FieldType::Text);
                let sets: Vec<TextSet> = match sets.iter().map(|set| self.spelled(line, set)).collect() {
                    Ok(sets) => sets,
                    Err(reason) => return Node::unknown(written, reason),
                };
                let tests = sets.into_iter().map(|set| Formula::test(&whole, Predicate::Text(set)));
                let said = self.leaf(Formula::or(tests), written.clone());
                match lost {
                    None => said,
                    Some(reason) => {
                        Node::hole(written.clone(), reason, said, self.with_fewer(option, field, path, written))
                    }
                }
            }
            Err(reason) => {
                Node::hole(written.clone(), reason, Node::FALSE, self.with_fewer(option, field, path, written))
            }
        }
    }

    /// Whether the language takes no expression that is as long as one of the set.
    fn is_too_long(&self, field: &Path, set: &TextSet) -> bool {
        let printer = Printer { language: self.language.name, fields: &self.table, expressions: self.expressions };
        let is_longer = |limit: usize| set.any.iter().any(|p| matches!(p, Pattern::Regex(text) if text.len() > limit));
        self.language.max_pattern.is_some_and(is_longer)
            || self.language.name.longest_expression().is_some_and(|limit| {
                let formula = || Formula::test(field, Predicate::Text(set.clone()));
                // What is as long as this hardly gets that much shorter by being printed, so that is not tried.
                is_longer(limit + limit / 2)
                    || printer.gaps(&formula()).iter().any(|gap| gap.reason.contains(" of at most "))
            })
    }

    /// What holds wherever the option does, if the target can say something of it.
    fn with_fewer(&mut self, option: &OptionTest, field: &TargetField, path: &Path, written: Written) -> Node {
        match option::with_fewer_conditions(option) {
            Some(fewer) => self.map_option(&fewer, field, path, written),
            None => Node::TRUE,
        }
    }

    fn map_basename(&mut self, name: &str, predicate: &Predicate, written: Written) -> Node {
        match predicate {
            Predicate::Exists => self.test(name, FieldType::Text, Predicate::Exists, written),
            Predicate::Text(set) => match derive::basename(set) {
                Ok(set) if set.any.is_empty() => Node::FALSE,
                Ok(set) => self.test(name, FieldType::Text, Predicate::Text(set), written),
                Err(reason) => Node::unknown(written, reason),
            },
            _ => Node::unknown(written, format!("{} has the whole path only", self.title)),
        }
    }

    /// A test of a field that holds a word of its own where there is no value.
    fn map_with_word(
        &mut self,
        name: &str,
        kind: FieldType,
        word: &str,
        predicate: &Predicate,
        written: Written,
    ) -> Node {
        match predicate {
            Predicate::Exists => {
                let path = self.path(name, kind);
                let there = Formula::test(&path, Predicate::Exists);
                self.leaf(Formula::and([there, no_word(&path, word)]), written)
            }
            // What else the word satisfies must not be the word.
            Predicate::Text(set) if set.is_match(word, true) && !names(set, word) => {
                let path = self.path(name, kind);
                self.leaf(Formula::and([Formula::test(&path, predicate.clone()), no_word(&path, word)]), written)
            }
            Predicate::Text(set) if set.is_match(word, true) => {
                let reason = format!("`{word}` in `{name}` says in {} that there is none: ask `exists`", self.title);
                Node::unknown(written, reason)
            }
            predicate => self.test(name, kind, predicate.clone(), written),
        }
    }

    /// A test of a field from whose values those of the path follow, and not the other way round.
    fn map_held(&mut self, name: &str, kind: FieldType, holds: Holds, predicate: &Predicate, written: Written) -> Node {
        let lower = match (holds, predicate) {
            (Holds::AllOrNothing | Holds::First, predicate) => Some(predicate.clone()),
            (_, Predicate::Text(set)) => {
                let alone = set.any.iter().filter_map(|pattern| match pattern {
                    Pattern::Glob(glob) => match glob.shape() {
                        Shape::Equals(text) => Some(Pattern::Glob(Glob::equals(holds.alone(text)?))),
                        _ => None,
                    },
                    _ => None,
                });
                let alone: Vec<Pattern> = alone.collect();
                (!alone.is_empty()).then(|| Predicate::Text(TextSet::new(alone, set.case)))
            }
            _ => None,
        };
        let lower = match lower {
            Some(predicate) => self.test(name, kind, predicate, written.clone()),
            None => Node::FALSE,
        };
        Node::hole(written, format!("`{name}` in {} {}", self.title, holds.loss()), lower, Node::TRUE)
    }

    /// A test of fields that hold one list of values each, as JSON, those of the first elements: a value of plain
    /// characters stands in it between quotation marks, behind what opens the list or parts its values.
    fn map_numbered(
        &mut self,
        name: &str,
        kind: FieldType,
        holds: Holds,
        predicate: &Predicate,
        written: Written,
    ) -> Node {
        let patterns: &[Pattern] = if let Predicate::Text(set) = predicate { &set.any } else { &[] };
        let texts = patterns.iter().filter_map(|pattern| match pattern {
            Pattern::Glob(glob) => match glob.shape() {
                Shape::Equals(text) if is_plain(text) => Some(text),
                _ => None,
            },
            _ => None,
        });
        let listed = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| regex_syntax::escape(text)).collect();
            Pattern::Regex(format!(r#"[\[,]"(?:{})""#, texts.join("|")))
        };
        let field = self.path(name, kind);
        let (mut parts, mut open): (Vec<Pattern>, Vec<&str>) = (Vec::new(), Vec::new());
        for text in texts {
            open.push(text);
            let set = TextSet::new(vec![listed(&open)], Case::Sensitive);
            if open.len() > 1 && self.is_too_long(&field, &set) {
                open.pop();
                parts.push(listed(&open));
                open = vec![text];
            }
        }
        if !open.is_empty() {
            parts.push(listed(&open));
        }
        let lower = if parts.is_empty() {
            Node::FALSE
        } else {
            let predicate = Predicate::Text(TextSet::new(parts, Case::Sensitive));
            let names = Holds::names(Some(holds), name);
            Node::Or(names.iter().map(|name| self.test(name, kind, predicate.clone(), written.clone())).collect())
        };
        Node::hole(written, format!("`{name}` in {} {}", self.title, holds.loss()), lower, Node::TRUE)
    }

    /// A test of a field that has the words of its texts: what the text is asked for has words, and those are found.
    fn map_words(&mut self, name: &str, kind: FieldType, predicate: &Predicate, written: Written) -> Node {
        let reason = format!("`{name}` in {} {}", self.title, Holds::Words.loss());
        match predicate {
            // A text of signs alone has no word.
            Predicate::Exists => {
                let lower = self.test(name, kind, Predicate::Exists, written.clone());
                Node::hole(written, reason, lower, Node::TRUE)
            }
            Predicate::Text(set) => {
                let upper = match set.any.iter().map(with_words).collect::<Option<Vec<Pattern>>>() {
                    Some(any) => {
                        let set = TextSet::new(any, Case::Sensitive);
                        self.test(name, kind, Predicate::Text(set), written.clone())
                    }
                    None => Node::TRUE,
                };
                Node::hole(written, reason, Node::FALSE, upper)
            }
            _ => Node::unknown(written, reason),
        }
    }

    fn map_joined(&mut self, line: &str, predicate: &Predicate, written: Written) -> Node {
        match predicate {
            Predicate::Exists => self.test(line, FieldType::Text, Predicate::Exists, written),
            Predicate::Text(set) => {
                let (set, exact) = derive::joined(set);
                let node = self.test(line, FieldType::Text, Predicate::Text(set), written.clone());
                if exact {
                    return node;
                }
                let reason = format!("{} {JOINED}", self.title);
                Node::hole(written, reason, Node::FALSE, node)
            }
            _ => Node::unknown(written, format!("{} has the arguments as one text only", self.title)),
        }
    }

    /// A target field as a path of one segment, known to the table from now on.
    fn path(&mut self, name: &str, kind: FieldType) -> Path {
        self.table.insert(name, kind);
        Path::from_segments([name])
    }

    /// Whether the values of two of the target's fields compare as those of the event do: texts that are spelled alike
    /// are equal, and in no other order.
    fn is_comparable(&self, name: &str, op: Comparison, other: &str) -> bool {
        match [name, other].map(|name| self.fields.encoded(name)) {
            [None, None] => true,
            [one, other] => one == other && op == Comparison::Equal,
        }
    }

    /// A set of texts as the target's field `name` spells them.
    fn spelled(&self, name: &str, set: &TextSet) -> Result<TextSet, String> {
        self.fields.encoded(name).map_or_else(|| Ok(set.clone()), |encoding| encode(encoding, set))
    }

    fn test(&mut self, name: &str, kind: FieldType, predicate: Predicate, written: Written) -> Node {
        let predicate = match predicate {
            Predicate::Text(set) => match self.spelled(name, &set) {
                Ok(set) => Predicate::Text(set),
                Err(reason) => return Node::unknown(written, reason),
            },
            predicate => predicate,
        };
        let path = self.path(name, kind);
        self.leaf(Formula::test(&path, predicate), written)
    }

    fn leaf(&mut self, formula: Formula, written: Written) -> Node {
        let id = self.next;
        self.next += 1;
        Node::Leaf { id, formula: numbered(formula, id), written, origin: Origin::default() }
    }
}

/// Whether JSON writes a text as it is, and nothing of what stands between the values of a list looks like it.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:*".contains(&byte))
}

/// What finds, among words, every text that a pattern matches: the text with all its words, or a part of one.
fn with_words(pattern: &Pattern) -> Option<Pattern> {
    let Pattern::Glob(glob) = pattern else { return None };
    let is_part = |c: char| c.is_ascii_alphanumeric();
    if let Shape::Equals(text) = glob.shape() {
        return text.contains(is_part).then(|| pattern.clone());
    }
    let literals = glob.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_str()),
        Piece::Any | Piece::One => None,
    });
    let parts = literals.flat_map(|text| text.split(|c| !is_part(c))).filter(|part| !part.is_empty());
    parts.max_by_key(|part| part.len()).map(|part| Pattern::Glob(Glob::contains(part)))
}

/// Whether a set names a text itself.
fn names(set: &TextSet, text: &str) -> bool {
    let is_same = |glob: &Glob| matches!(glob.shape(), Shape::Equals(known) if known.eq_ignore_ascii_case(text));
    set.any.iter().any(|pattern| matches!(pattern, Pattern::Glob(glob) if is_same(glob)))
}

/// That a field does not hold the word for no value.
fn no_word(path: &Path, word: &str) -> Formula {
    Formula::not(Formula::test(path, Predicate::Text(TextSet::equals(word, Case::Sensitive))))
}

/// Whether "some element satisfies it" is the same as the condition on all elements' values together: one test, or
/// alternatives of single tests.
fn is_distributive(body: &Formula) -> bool {
    match body {
        Formula::Test(test) => !matches!(test.predicate, Predicate::Field { .. } | Predicate::Option(_)),
        Formula::Or(parts) => !parts.is_empty() && parts.iter().all(is_distributive),
        Formula::And(parts) => matches!(parts.as_slice(), [one] if is_distributive(one)),
        Formula::Element { body, .. } => is_distributive(body),
        Formula::Not(_) | Formula::AtLeast { .. } => false,
    }
}

/// Whether nothing in it is negated, so that it needs a value to be true.
fn is_positive(body: &Formula) -> bool {
    match body {
        Formula::Test(_) => true,
        Formula::And(parts) => !parts.is_empty() && parts.iter().all(is_positive),
        Formula::Or(parts) => parts.iter().all(is_positive),
        Formula::AtLeast { count, of } => *count > 0 && of.iter().all(is_positive),
        Formula::Element { body, .. } => is_positive(body),
        Formula::Not(_) => false,
    }
}

/// A condition on all elements' values together that holds for no event without an element that satisfies `body`.
fn inside(body: &Formula) -> Option<Formula> {
    match body {
        body if is_distributive(body) => Some(body.clone()),
        Formula::And(parts) => {
            let (negated, positive): (Vec<_>, Vec<_>) = parts.iter().partition(|p| matches!(p, Formula::Not(_)));
            // Some element satisfies the one positive part, and no element at all what is negated.
            let [positive] = positive.as_slice() else { return None };
            let mut all = vec![inside(positive)?];
            for part in negated {
                let Formula::Not(part) = part else { return None };
                all.push(Formula::not(outside(part)?));
            }
            Some(Formula::and(all))
        }
        Formula::Or(parts) => {
            let parts: Vec<Formula> = parts.iter().filter_map(inside).collect();
            (!parts.is_empty()).then(|| Formula::or(parts))
        }
        // Its own approximation is taken when it is mapped.
        Formula::Element { .. } => Some(body.clone()),
        Formula::Test(_) | Formula::Not(_) | Formula::AtLeast { .. } => None,
    }
}

/// A condition on all elements' values together that holds for every event with an element that satisfies `body`.
fn outside(body: &Formula) -> Option<Formula> {
    match body {
        Formula::Test(test) => {
            (!matches!(test.predicate, Predicate::Field { .. })).then(|| Formula::Test(test.clone()))
        }
        Formula::And(parts) => {
            let parts: Vec<Formula> = parts.iter().filter_map(outside).collect();
            (!parts.is_empty()).then(|| Formula::and(parts))
        }
        Formula::Or(parts) => Some(Formula::or(parts.iter().map(outside).collect::<Option<Vec<_>>>()?)),
        Formula::AtLeast { count, of } if *count > 0 => {
            Some(Formula::at_least(*count, of.iter().map(outside).collect::<Option<Vec<_>>>()?))
        }
        Formula::Element { .. } => Some(body.clone()),
        Formula::AtLeast { .. } | Formula::Not(_) => None,
    }
}

/// What comes closest to the leaf `formula` when a language cannot say it: from inside, and from outside. `can_say`
/// tells whether the language can say a formula, `looser` which globs hold wherever a pattern does.
pub fn approximate(
    formula: &Formula,
    can_say: &impl Fn(&Formula) -> bool,
    looser: &impl Fn(&Pattern) -> Option<Vec<Glob>>,
) -> (Formula, Formula) {
    match formula {
        Formula::Or(parts) => {
            let (lower, upper): (Vec<_>, Vec<_>) = parts.iter().map(|part| approximate(part, can_say, looser)).unzip();
            (Formula::or(lower), Formula::or(upper))
        }
        formula if can_say(formula) => (formula.clone(), formula.clone()),
        Formula::Test(test) => {
            let with =
                |predicate| Formula::Test(Test { subject: test.subject.clone(), predicate, origin: test.origin });
            let exists = with(Predicate::Exists);
            let upper = match &test.predicate {
                Predicate::Text(set) => above(set, &with, can_say, looser),
                _ => None,
            };
            let upper = upper.unwrap_or(if can_say(&exists) { exists } else { Formula::TRUE });
            let lower = match &test.predicate {
                Predicate::Text(set) => {
                    // The case-sensitive reading lies inside every other.
                    [set.case, Case::Sensitive]
                        .into_iter()
                        .map(|case| with(Predicate::Text(TextSet::new(sayable(set, case, &with, can_say), case))))
                        .find(|lower| !matches!(lower, Formula::Test(Test { predicate: Predicate::Text(set), .. }) if set.any.is_empty()) && can_say(lower))
                        .unwrap_or(Formula::FALSE)
                }
                _ => Formula::FALSE,
            };
            (lower, upper)
        }
        _ => (Formula::FALSE, Formula::TRUE),
    }
}

/// A test that can be said and holds wherever that of `set` does: with globs in the place of patterns that cannot be
/// said.
fn above(
    set: &TextSet,
    with: &impl Fn(Predicate) -> Formula,
    can_say: &impl Fn(&Formula) -> bool,
    looser: &impl Fn(&Pattern) -> Option<Vec<Glob>>,
) -> Option<Formula> {
    let with = |patterns: Vec<Pattern>| with(Predicate::Text(TextSet::new(patterns, set.case)));
    let mut patterns: Vec<Pattern> = Vec::new();
    for pattern in set.any.iter() {
        if can_say(&with(vec![pattern.clone()])) {
            patterns.push(pattern.clone());
        } else {
            patterns.extend(looser(pattern)?.into_iter().map(Pattern::Glob));
        }
    }
    Some(with(patterns)).filter(can_say)
}

/// The patterns of `set` that can be said; of a path that cannot, its usual spellings. Where the case of letters would
/// have to be ignored and cannot be, patterns are said in small and in capital letters, too.
fn sayable(
    set: &TextSet,
    case: Case,
    with: &impl Fn(Predicate) -> Formula,
    can_say: &impl Fn(&Formula) -> bool,
) -> Vec<Pattern> {
    // Most often all can be said, and then they are not asked one by one.
    let all = can_say(&with(Predicate::Text(set.in_case(case))));
    let can_say_alone = |pattern: &Pattern| can_say(&with(Predicate::Text(TextSet::new(vec![pattern.clone()], case))));
    let mut patterns = Vec::new();
    for pattern in set.any.iter() {
        match pattern {
            pattern if all || can_say_alone(pattern) => patterns.push(pattern.clone()),
            Pattern::Path { path, .. } => {
                let spellings = if path == "/" { vec![path.clone()] } else { vec![path.clone(), format!("{path}/")] };
                let spellings = spellings.into_iter().map(|text| Pattern::Glob(Glob::equals(text)));
                patterns.extend(spellings.filter(can_say_alone));
            }
            _ => {}
        }
    }
    if set.case == Case::Insensitive && case == Case::Sensitive {
        let known: HashSet<&Pattern, RandomState> = set.any.iter().collect();
        for letters in [str::to_ascii_uppercase, str::to_ascii_lowercase] {
            let others: Vec<Pattern> = patterns.iter().filter_map(|pattern| in_letters(pattern, letters)).collect();
            patterns.extend(others.into_iter().filter(|other| !known.contains(other)));
        }
        let mut seen: HashSet<Pattern, RandomState> = HashSet::default();
        patterns.retain(|pattern| seen.insert(pattern.clone()));
    }
    patterns
}

/// A glob with all its letters small, or all capital.
fn in_letters(pattern: &Pattern, letters: impl Fn(&str) -> String) -> Option<Pattern> {
    let Pattern::Glob(glob) = pattern else { return None };
    let pieces = glob.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => Piece::Literal(letters(text)),
        other => other.clone(),
    });
    Some(Pattern::Glob(Glob::new(pieces)))
}
