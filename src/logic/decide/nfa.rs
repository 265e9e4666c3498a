//! Regular expressions as nondeterministic automata over characters.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::alphabet::{LAST, Set};
use super::meter::{Meter, Reason};

/// One state.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// Reads one character of a set.
    Read { set: usize, next: usize },
    /// Goes on in every one of these, without reading.
    Split(Vec<usize>),
    /// Goes on where the surroundings are so, without reading.
    Look(Look, usize),
    /// The expression is satisfied.
    Match,
}

/// An automaton for one expression.
#[derive(Clone, Debug)]
pub(super) struct Nfa {
    pub(super) states: Vec<State>,
    pub(super) sets: Vec<Set>,
    pub(super) start: usize,
}

impl Nfa {
    /// Which classes of characters each set holds: their places in `symbols`, which has one character of each.
    pub(super) fn held(&self, symbols: &[u32]) -> Vec<Vec<usize>> {
        let classes = |set: &Set| {
            let has = |symbol: u32| {
                let after = set.partition_point(|(first, _)| *first <= symbol);
                after.checked_sub(1).and_then(|at| set.get(at)).is_some_and(|(_, last)| *last >= symbol)
            };
            symbols.iter().enumerate().filter(|(_, symbol)| has(**symbol)).map(|(class, _)| class).collect()
        };
        self.sets.iter().map(classes).collect()
    }
}

/// Whether what alternatives begin with is written once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alternatives {
    /// It is: a long list becomes a tree.
    Factored,
    /// Every alternative stands for itself.
    AsWritten,
}

/// How deep alternatives are factored by what they begin with.
const MAX_FACTORING: usize = 64;

/// Among how many repetitions with one end the same one is looked for.
const MAX_ENDS: usize = 64;

/// Builds the automaton of a regular expression, read as the `regex` crate reads it.
pub(super) fn build(regex: &str, alternatives: Alternatives, meter: &Meter) -> Result<Nfa, Reason> {
    let hir = regex_syntax::ParserBuilder::new()
        .build()
        .parse(regex)
        .map_err(|_| Reason::beyond("a regular expression is not valid"))?;
    let (known, ends) = Default::default();
    let factoring = if alternatives == Alternatives::Factored { MAX_FACTORING } else { 0 };
    let mut builder = Builder { states: vec![State::Match], sets: Vec::new(), known, ends, factoring, meter };
    let start = builder.hir(&hir, 0)?;
    Ok(Nfa { states: builder.states, sets: builder.sets, start })
}

/// A part of a sequence: one character of a literal, or something else.
#[derive(Clone, Copy, PartialEq)]
enum Item<'h> {
    Character(char),
    Other(&'h Hir),
}

struct Builder<'h, 'm> {
    states: Vec<State>,
    sets: Vec<Set>,
    known: HashMap<Set, usize, FixedState>,
    /// Repetitions by where they go on, and where they begin: alternatives that end alike come to the same states, and
    /// are told apart no longer.
    ends: HashMap<usize, Vec<(&'h Hir, usize)>, FixedState>,
    /// How deep alternatives are factored.
    factoring: usize,
    meter: &'m Meter,
}

impl<'h> Builder<'h, '_> {
    fn push(&mut self, state: State) -> Result<usize, Reason> {
        self.meter.state()?;
        self.states.push(state);
        Ok(self.states.len() - 1)
    }

    fn read(&mut self, set: Set, next: usize) -> Result<usize, Reason> {
        let fresh = self.sets.len();
        let index = *self.known.entry(set).or_insert_with_key(|set| {
            self.sets.push(set.clone());
            fresh
        });
        self.push(State::Read { set: index, next })
    }

    /// States that read what `hir` says and go on at `next`.
    fn hir(&mut self, hir: &'h Hir, next: usize) -> Result<usize, Reason> {
        match hir.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(_) | HirKind::Concat(_) => {
                let items = items(hir)?;
                self.sequence(&items, next)
            }
            HirKind::Class(class) => self.read(set_of(class), next),
            HirKind::Look(look) => self.push(State::Look(*look, next)),
            HirKind::Capture(capture) => self.hir(&capture.sub, next),
            HirKind::Repetition(repetition) => {
                let known = self.ends.get(&next).and_then(|all| all.iter().take(MAX_ENDS).find(|(end, _)| *end == hir));
                if let Some((_, start)) = known {
                    return Ok(*start);
                }
                let start = self.repetition(repetition, next)?;
                self.ends.entry(next).or_default().push((hir, start));
                Ok(start)
            }
            HirKind::Alternation(parts) => {
                let sequences = parts.iter().map(items).collect::<Result<Vec<_>, _>>()?;
                let sequences: Vec<&[Item<'h>]> = sequences.iter().map(Vec::as_slice).collect();
                self.alternatives(&sequences, next, 0)
            }
        }
    }

    fn repetition(&mut self, repetition: &'h Repetition, mut next: usize) -> Result<usize, Reason> {
        match repetition.max {
            None => {
                let repeat = self.push(State::Split(Vec::new()))?;
                let body = self.hir(&repetition.sub, repeat)?;
                if let Some(state) = self.states.get_mut(repeat) {
                    *state = State::Split(vec![body, next]);
                }
                next = repeat;
            }
            Some(max) => {
                let end = next;
                for _ in repetition.min..max {
                    let body = self.hir(&repetition.sub, next)?;
                    next = self.push(State::Split(vec![body, end]))?;
                }
            }
        }
        for _ in 0..repetition.min {
            next = self.hir(&repetition.sub, next)?;
        }
        Ok(next)
    }

    fn sequence(&mut self, items: &[Item<'h>], next: usize) -> Result<usize, Reason> {
        items.iter().rev().try_fold(next, |next, item| match item {
            Item::Character(c) => self.read(vec![(u32::from(*c), u32::from(*c))], next),
            Item::Other(hir) => self.hir(hir, next),
        })
    }

    /// Alternatives, with what they begin with written once.
    fn alternatives(&mut self, sequences: &[&[Item<'h>]], next: usize, depth: usize) -> Result<usize, Reason> {
        if let [one] = sequences {
            return self.sequence(one, next);
        }
        let mut groups: Vec<(Option<Item<'h>>, Vec<&[Item<'h>]>)> = Vec::new();
        let mut by_character = HashMap::<char, usize, FixedState>::default();
        for sequence in sequences {
            let first = sequence.first().copied();
            let at = match first {
                Some(Item::Character(c)) => by_character.get(&c).copied(),
                first => groups.iter().position(|(known, _)| *known == first),
            };
            match at.and_then(|at: usize| groups.get_mut(at)) {
                Some((_, group)) => group.push(sequence),
                None => {
                    if let Some(Item::Character(c)) = first {
                        by_character.insert(c, groups.len());
                    }
                    groups.push((first, vec![*sequence]));
                }
            }
        }
        let mut starts = Vec::new();
        for (first, group) in groups {
            let Some(one) = group.first() else { continue };
            if first.is_none() {
                starts.push(next);
            } else if group.len() == 1 || depth >= self.factoring {
                for sequence in &group {
                    starts.push(self.sequence(sequence, next)?);
                }
            } else {
                let shared = group.iter().fold(one.len(), |shared, other| {
                    one.iter().zip(*other).take(shared).take_while(|(a, b)| a == b).count()
                });
                let (prefix, _) = one.split_at(shared);
                let rests: Vec<&[Item<'h>]> = group.iter().map(|sequence| sequence.split_at(shared).1).collect();
                let rest = self.alternatives(&rests, next, depth + 1)?;
                starts.push(self.sequence(prefix, rest)?);
            }
        }
        self.push(State::Split(starts))
    }
}

fn items(hir: &Hir) -> Result<Vec<Item<'_>>, Reason> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0)
            .map(|text| text.chars().map(Item::Character).collect())
            .map_err(|_| Reason::beyond("a regular expression speaks of bytes that are no text")),
        HirKind::Concat(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match part.kind() {
                    HirKind::Literal(_) => all.extend(items(part)?),
                    _ => all.push(Item::Other(part)),
                }
            }
            Ok(all)
        }
        HirKind::Capture(capture) => items(&capture.sub),
        HirKind::Empty => Ok(Vec::new()),
        _ => Ok(vec![Item::Other(hir)]),
    }
}

fn set_of(class: &Class) -> Set {
    match class {
        Class::Unicode(class) => class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect(),
        Class::Bytes(class) => class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect(),
    }
}

/// True for the set of all characters.
pub(super) fn is_full(set: &Set) -> bool {
    matches!(set.as_slice(), [(0, LAST)] | [(0, 0xD7FF), (0xE000, LAST)])
}

#[cfg(test)]
mod tests {
    use crate::logic::decide::automaton::{Automaton, whole};
    use crate::logic::decide::meter::{Budget, Meter};

    fn language(regex: &str) -> Automaton {
        Automaton::of_regex(&whole(regex, false), &Meter::new(&Budget::default())).expect("a small language")
    }

    #[test]
    fn alternatives_that_end_alike_stay_what_they_are() {
        let mut words = vec![String::new()];
        let mut at = 0;
        while let Some(word) = words.get(at).filter(|word| word.len() < 5).cloned() {
            words.extend(["a", "b", "x"].iter().map(|letter| format!("{word}{letter}")));
            at += 1;
        }
        for regex in [
            "a(?:x|b)*|b(?:x|b)*|(?:x|b)*",
            "ax?b*|bx?b*|x?b*",
            "(?:ax{2}|x{2}|bx{2})a?|x?a?",
            "(?:a+b*)+|(?:xb*)*",
            "a(?:b*x)*|b(?:b*x)*b*|x{1,3}b*",
        ] {
            let (ours, theirs) = (language(regex), regex::Regex::new(&whole(regex, false)).expect("an expression"));
            for word in &words {
                assert_eq!(ours.accepts(word), theirs.is_match(word), "{word} {regex}");
            }
        }
    }

    /// A list of items one of which is `k=…`: which of the alternatives has been seen does not matter.
    #[test]
    fn alternatives_that_end_alike_are_not_told_apart() {
        let alternatives = (0..30).map(|at| format!("(?:[^,]*,)*k=w{at}(?:,[^,]*)*"));
        assert!(language(&alternatives.collect::<Vec<_>>().join("|")).len() < 100);
    }
}
