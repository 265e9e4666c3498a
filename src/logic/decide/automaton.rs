//! Deterministic automata over characters: the languages of patterns, and what derived fields make of them.

#![expect(clippy::indexing_slicing, reason = "states and classes are indices made in this file")]

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use foldhash::fast::FixedState;
use regex_syntax::hir::Look;

use super::alphabet::{Alphabet, SEPARATOR, Set};
use super::meter::{Budget, Meter, Reason};
use super::minimise;
use super::nfa::{self, Alternatives, Nfa, State};
use crate::logic::encoding::Encoding;
use crate::logic::pattern::{ANY_CHARACTER, TextSet};

/// A map for keys that nobody outside chooses.
type Fast<K, V> = HashMap<K, V, FixedState>;

/// A regular language of texts, as its smallest deterministic automaton. States and classes are numbered in one way, so
/// that equal languages are equal automata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automaton {
    pub(super) alphabet: Alphabet,
    /// The class of the mark between arguments, for automata that read argument vectors.
    pub(super) separator: Option<usize>,
    width: usize,
    table: Vec<u32>,
    accepting: Vec<bool>,
    /// The state from which no rest leads into the language, and the one from which every rest does.
    sinks: [Option<u32>; 2],
}

/// How many transitions an automaton may have before it is made smaller.
const MAX_TABLE: usize = 8_000_000;
/// How large a set of states may be and cost no more than one.
const SET: usize = 256;

/// The state before a text begins.
pub(super) const START: u32 = 0;

impl Hash for Automaton {
    /// Its beginning tells most languages apart; comparing is quick, too.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.accepting.len(), self.width, self.table.get(..64).unwrap_or(&self.table)).hash(state);
    }
}

impl Automaton {
    /// The language of a set of patterns: the texts that [`TextSet::is_match`] accepts.
    pub fn of_text_set(set: &TextSet, may: bool, budget: &Budget) -> Result<Self, Reason> {
        let any = set.to_regex(ANY_CHARACTER);
        let each = set.foldings(may).iter().map(|fold| whole(&any, *fold));
        let each: Vec<String> = each.map(|regex| format!("(?:{regex})")).collect();
        Self::of_regex(&each.join("|"), &Meter::new(budget))
    }

    /// The texts that a regular expression matches, where the expression itself says `^` and `$`.
    pub(super) fn of_regex(regex: &str, meter: &Meter) -> Result<Self, Reason> {
        determinise(&nfa::build(regex, Alternatives::Factored, meter)?, meter)
    }

    /// The vectors of arguments none of which is empty or holds a blank, or all vectors.
    pub(super) fn of_vectors(plain: bool) -> Self {
        let alphabet = Alphabet::new([vec![(32, 32)]].iter());
        let blank = alphabet.class_of(32);
        // Before the first character of an argument; within one; nowhere.
        let (first, within, dead) = (0, 1, 2);
        let mut table = Vec::new();
        for state in [first, within, dead] {
            for class in 0..=alphabet.len() {
                let is_separator = class == alphabet.len();
                table.push(match (state, class) {
                    _ if state == dead => dead,
                    (_, class) if class == blank && plain => dead,
                    (state, _) if is_separator && plain => {
                        if state == within {
                            first
                        } else {
                            dead
                        }
                    }
                    (state, _) if is_separator => state,
                    _ => within,
                });
            }
        }
        let separator = Some(alphabet.len());
        Self::finish(alphabet, separator, table, vec![!plain, true, false], first)
    }

    /// Whether `text` is in the language.
    pub fn accepts(&self, text: &str) -> bool {
        let end = text.chars().fold(START, |state, c| self.step(state, self.alphabet.class_of(u32::from(c))));
        self.accepting[end as usize]
    }

    /// Whether a text, or the arguments of a vector with the mark between them, is in the language.
    pub(super) fn accepts_symbols(&self, symbols: &[u32]) -> bool {
        let end = symbols.iter().fold(START, |state, symbol| {
            let class = self.separator.filter(|_| *symbol == SEPARATOR);
            self.step(state, class.unwrap_or_else(|| self.alphabet.class_of(*symbol)))
        });
        self.accepting[end as usize]
    }

    /// Whether no text is in the language.
    pub fn is_empty(&self) -> bool {
        self.sink(false) == Some(START)
    }

    /// Whether every text is in the language.
    pub fn is_universal(&self) -> bool {
        self.sink(true) == Some(START)
    }

    /// How many states the automaton has.
    pub fn len(&self) -> usize {
        self.accepting.len()
    }

    /// Where each class of symbols leads from a state.
    pub(super) fn row(&self, state: u32) -> &[u32] {
        &self.table[state as usize * self.width..(state as usize + 1) * self.width]
    }

    /// All words of the language, if they are at most `limit`.
    pub(super) fn words(&self, limit: usize) -> Option<Vec<String>> {
        let sets = self.alphabet.sets();
        let mut words = Vec::new();
        let mut pending = vec![(START, String::new())];
        while let Some((state, word)) = pending.pop() {
            // A word longer than the automaton has states repeats a state: the language is infinite.
            if self.sink(false) == Some(state) {
                continue;
            }
            if word.len() > 4 * self.len() || words.len() > limit || pending.len() > limit {
                return None;
            }
            if self.accepting[state as usize] {
                words.push(word.clone());
            }
            for (class, set) in sets.iter().enumerate() {
                let next = self.step(state, class);
                if self.sink(false) == Some(next) {
                    continue;
                }
                if set.iter().map(|(first, last)| last - first + 1).sum::<u32>() as usize > limit {
                    return None;
                }
                let symbols = set.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32);
                pending.extend(symbols.map(|c| (next, format!("{word}{c}"))));
            }
        }
        (words.len() <= limit).then_some(words)
    }

    pub(super) fn step(&self, state: u32, class: usize) -> u32 {
        self.table[state as usize * self.width + class]
    }

    pub(super) fn is_accepting(&self, state: u32) -> bool {
        self.accepting[state as usize]
    }

    /// The state from which every rest leads into the language, or from which none does.
    pub(super) fn sink(&self, accepting: bool) -> Option<u32> {
        self.sinks[usize::from(accepting)]
    }

    /// The paths whose last segment is in the language.
    pub(super) fn of_last_segment(&self) -> Self {
        let sets = self.alphabet.sets();
        let alphabet = Alphabet::new(sets.iter().chain([&vec![(47, 47)]]));
        let symbols = alphabet.representatives();
        let next = |state: u32, symbol: u32| match symbol {
            47 => START,
            symbol => self.step(state, self.alphabet.class_of(symbol)),
        };
        let states = 0..self.len() as u32;
        let table = states.flat_map(|state| symbols.iter().map(move |symbol| next(state, *symbol))).collect();
        Self::finish(alphabet, None, table, self.accepting.clone(), START)
    }

    /// The vectors whose arguments, joined by single blanks, are in the language.
    pub(super) fn of_joined(&self) -> Self {
        // The mark leads where a blank does: the states and what tells them apart stay the same.
        let blank = self.alphabet.class_of(32);
        let table = self.table.chunks(self.width).flat_map(|row| row.iter().chain([&row[blank]])).copied().collect();
        let (width, separator) = (self.width + 1, Some(self.width));
        Self { alphabet: self.alphabet.clone(), separator, width, table, accepting: self.accepting.clone(), ..*self }
    }

    /// The vectors of which some argument is in the language.
    pub(super) fn of_some_argument(&self) -> Self {
        // One more state: an argument was found.
        let found = self.len() as u32;
        let mut table = Vec::with_capacity((self.len() + 1) * (self.width + 1));
        for (row, accepts) in self.table.chunks(self.width).zip(&self.accepting) {
            table.extend(row);
            table.push(if *accepts { found } else { START });
        }
        table.extend(std::iter::repeat_n(found, self.width + 1));
        let accepting = self.accepting.iter().copied().chain([true]).collect();
        Self::finish(self.alphabet.clone(), Some(self.width), table, accepting, START)
    }

    /// The texts that are spelled as a text of the language: where a character leads, what it is spelled as leads.
    pub(super) fn before(&self, encoding: Encoding, meter: &Meter) -> Result<Self, Reason> {
        let sets = self.alphabet.sets();
        let changed: Vec<Set> = encoding.changed().map(|c| vec![(u32::from(c), u32::from(c))]).collect();
        let alphabet = Alphabet::new(sets.iter().chain(&changed));
        let spelled: Vec<Vec<usize>> = alphabet
            .representatives()
            .into_iter()
            .map(|symbol| match char::from_u32(symbol).and_then(|c| encoding.code(c)) {
                Some(code) => code.chars().map(|c| self.alphabet.class_of(u32::from(c))).collect(),
                None => vec![self.alphabet.class_of(symbol)],
            })
            .collect();
        meter.states(self.len())?;
        let end =
            |state: u32, classes: &Vec<usize>| classes.iter().fold(state, |state, class| self.step(state, *class));
        let states = 0..self.len() as u32;
        let table = states.flat_map(|state| spelled.iter().map(move |classes| end(state, classes))).collect();
        Ok(Self::finish(alphabet, None, table, self.accepting.clone(), START))
    }

    /// The texts of this language that are in another, or that are not; both are of texts, or both of vectors.
    pub(super) fn limited_to(&self, other: &Self, is_in: bool, meter: &Meter) -> Result<Self, Reason> {
        let sets: Vec<Set> = self.alphabet.sets().into_iter().chain(other.alphabet.sets()).collect();
        let alphabet = Alphabet::new(sets.iter());
        let class = |symbol: u32| (self.alphabet.class_of(symbol), other.alphabet.class_of(symbol));
        let mut classes: Vec<(usize, usize)> = alphabet.representatives().into_iter().map(class).collect();
        let separator = self.separator.zip(other.separator);
        classes.extend(separator);
        // From here no rest leads into the result.
        const NOWHERE: (u32, u32) = (u32::MAX, u32::MAX);
        let (no_more, never) = (self.sink(false), other.sink(!is_in));
        let pair = |one: u32, two: u32| if no_more == Some(one) || never == Some(two) { NOWHERE } else { (one, two) };
        let mut number: Fast<(u32, u32), u32> = Fast::default();
        let mut order = vec![pair(START, START)];
        number.insert(order[0], START);
        let (mut table, mut accepting, mut at) = (Vec::new(), Vec::new(), 0);
        while let Some((one, two)) = order.get(at).copied() {
            if (one, two) == NOWHERE {
                table.extend(std::iter::repeat_n(at as u32, classes.len()));
                accepting.push(false);
                at += 1;
                continue;
            }
            at += 1;
            accepting.push(self.is_accepting(one) && other.is_accepting(two) == is_in);
            for (class_one, class_two) in &classes {
                let next = pair(self.step(one, *class_one), other.step(two, *class_two));
                let fresh = order.len() as u32;
                let to = *number.entry(next).or_insert(fresh);
                if to == fresh {
                    meter.state()?;
                    order.push(next);
                }
                table.push(to);
            }
            if table.len() > MAX_TABLE {
                return Err(Reason::States);
            }
        }
        let separator = separator.map(|_| alphabet.len());
        Ok(Self::smallest(alphabet, separator, &table, &accepting))
    }

    fn finish(alphabet: Alphabet, separator: Option<usize>, table: Vec<u32>, accepting: Vec<bool>, start: u32) -> Self {
        let width = alphabet.len() + usize::from(separator.is_some());
        let (table, accepting) = reachable(width, &table, &accepting, start);
        Self::smallest(alphabet, separator, &table, &accepting)
    }

    /// The smallest automaton of a language, from one that begins in its first state.
    fn smallest(alphabet: Alphabet, separator: Option<usize>, table: &[u32], accepting: &[bool]) -> Self {
        let width = alphabet.len() + usize::from(separator.is_some());
        let blocks = minimise::blocks(width, table, accepting);
        let row = |block: u32| {
            let state = blocks.members[block as usize] as usize;
            &table[state * width..(state + 1) * width]
        };
        // Characters that lead from every state to the same are one class. The mark between arguments stays its own.
        let mut columns: Fast<Vec<u32>, u32> = Fast::default();
        let mut kept: Vec<usize> = Vec::new();
        let mut map = vec![0; alphabet.len()];
        for column in alphabet.in_order() {
            let content =
                (0..blocks.members.len() as u32).map(|block| blocks.of[row(block)[column] as usize]).collect();
            map[column] = *columns.entry(content).or_insert_with(|| {
                kept.push(column);
                kept.len() as u32 - 1
            });
        }
        let alphabet = alphabet.merged(&map, kept.len());
        kept.extend(separator);
        let separator = separator.map(|_| alphabet.len());
        // States in the order in which the search for a shortest text finds them.
        let mut number = vec![u32::MAX; blocks.members.len()];
        let mut order = vec![blocks.of[0]];
        number[order[0] as usize] = 0;
        let mut smallest = Vec::with_capacity(order.len() * kept.len());
        let mut at = 0;
        while let Some(block) = order.get(at).copied() {
            at += 1;
            for column in &kept {
                let next = blocks.of[row(block)[*column] as usize];
                let slot = &mut number[next as usize];
                if *slot == u32::MAX {
                    *slot = order.len() as u32;
                    order.push(next);
                }
                smallest.push(*slot);
            }
        }
        let accepting: Vec<bool> =
            order.iter().map(|block| accepting[blocks.members[*block as usize] as usize]).collect();
        let sinks = sinks(kept.len(), &smallest, &accepting);
        Self { alphabet, separator, width: kept.len(), table: smallest, accepting, sinks }
    }
}

/// The states that can be reached, in the order in which they are.
fn reachable(width: usize, table: &[u32], accepting: &[bool], start: u32) -> (Vec<u32>, Vec<bool>) {
    let mut number = vec![u32::MAX; accepting.len()];
    let mut order = vec![start];
    number[start as usize] = 0;
    let mut reached = Vec::with_capacity(table.len());
    let mut at = 0;
    while let Some(state) = order.get(at).copied() {
        at += 1;
        for next in &table[state as usize * width..(state as usize + 1) * width] {
            let slot = &mut number[*next as usize];
            if *slot == u32::MAX {
                *slot = order.len() as u32;
                order.push(*next);
            }
            reached.push(*slot);
        }
    }
    (reached, order.iter().map(|state| accepting[*state as usize]).collect())
}

/// The states of a smallest automaton that are never left: at most one that is not accepting, and one that is.
fn sinks(width: usize, table: &[u32], accepting: &[bool]) -> [Option<u32>; 2] {
    let mut sinks = [None, None];
    for (state, (row, accepts)) in table.chunks(width).zip(accepting).enumerate() {
        if row.iter().all(|next| *next as usize == state) {
            sinks[usize::from(*accepts)] = Some(state as u32);
        }
    }
    sinks
}

/// An expression over the whole text.
pub(super) fn whole(regex: &str, fold: bool) -> String {
    format!("{}(?:{regex})$", if fold { "(?i)^" } else { "^" })
}

// What stands beside a position, as far as looks ask for it.
const EDGE: u8 = 1;
const LINE_FEED: u8 = 2;
const CARRIAGE_RETURN: u8 = 4;
const ASCII_WORD: u8 = 8;
const UNICODE_WORD: u8 = 16;

/// What a look asks about its two sides.
fn asked(look: Look) -> u8 {
    match look {
        Look::Start | Look::End => EDGE,
        Look::StartLF | Look::EndLF => EDGE | LINE_FEED,
        Look::StartCRLF | Look::EndCRLF => EDGE | LINE_FEED | CARRIAGE_RETURN,
        Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii => ASCII_WORD,
        _ => UNICODE_WORD,
    }
}

fn holds(look: Look, before: u8, after: u8) -> bool {
    let has = |side: u8, what: u8| side & what != 0;
    let (ascii_before, ascii_after) = (has(before, ASCII_WORD), has(after, ASCII_WORD));
    let (word_before, word_after) = (has(before, UNICODE_WORD), has(after, UNICODE_WORD));
    match look {
        Look::Start => has(before, EDGE),
        Look::End => has(after, EDGE),
        Look::StartLF => has(before, EDGE | LINE_FEED),
        Look::EndLF => has(after, EDGE | LINE_FEED),
        Look::StartCRLF => has(before, EDGE | LINE_FEED) || (has(before, CARRIAGE_RETURN) && !has(after, LINE_FEED)),
        Look::EndCRLF => has(after, EDGE | CARRIAGE_RETURN) || (has(after, LINE_FEED) && !has(before, CARRIAGE_RETURN)),
        Look::WordAscii => ascii_before != ascii_after,
        Look::WordAsciiNegate => ascii_before == ascii_after,
        Look::WordStartAscii => !ascii_before && ascii_after,
        Look::WordEndAscii => ascii_before && !ascii_after,
        Look::WordStartHalfAscii => !ascii_before,
        Look::WordEndHalfAscii => !ascii_after,
        Look::WordUnicode => word_before != word_after,
        Look::WordUnicodeNegate => word_before == word_after,
        Look::WordStartUnicode => !word_before && word_after,
        Look::WordEndUnicode => word_before && !word_after,
        Look::WordStartHalfUnicode => !word_before,
        Look::WordEndHalfUnicode => !word_after,
    }
}

/// The subset construction, over the classes of characters that the expression tells apart.
fn determinise(nfa: &Nfa, meter: &Meter) -> Result<Automaton, Reason> {
    let relevant = nfa.states.iter().fold(0, |mask, state| match state {
        State::Look(look, _) => mask | asked(*look),
        _ => mask,
    });
    let mut sets = nfa.sets.clone();
    let line = |c: char| vec![(u32::from(c), u32::from(c))];
    if relevant & LINE_FEED != 0 {
        sets.push(line('\n'));
    }
    if relevant & CARRIAGE_RETURN != 0 {
        sets.push(line('\r'));
    }
    if relevant & ASCII_WORD != 0 {
        sets.push(vec![(48, 57), (65, 90), (95, 95), (97, 122)]);
    }
    if relevant & UNICODE_WORD != 0 {
        sets.push(word_characters());
    }
    let alphabet = Alphabet::new(sets.iter());
    let symbols = alphabet.representatives();
    let kinds: Vec<u8> = symbols
        .iter()
        .map(|symbol| {
            let Some(c) = char::from_u32(*symbol) else { return 0 };
            let mut kind = 0;
            kind |= if c == '\n' { LINE_FEED } else { 0 };
            kind |= if c == '\r' { CARRIAGE_RETURN } else { 0 };
            kind |= if c.is_ascii_alphanumeric() || c == '_' { ASCII_WORD } else { 0 };
            kind |= if regex_syntax::is_word_character(c) { UNICODE_WORD } else { 0 };
            kind & relevant
        })
        .collect();
    let held = nfa.held(&symbols);
    let endless = endless_states(nfa);
    let mut distinct = kinds.clone();
    distinct.sort_unstable();
    distinct.dedup();

    let mut known = Kernels::default();
    known.number(&[nfa.start as u32, u32::from(EDGE & relevant)], meter)?;
    let mut walker = Walker::new(nfa);
    let mut table: Vec<u32> = Vec::new();
    let mut accepting: Vec<bool> = Vec::new();
    // What is read next, of each class. All is kept from state to state, so that little has to be allocated.
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); kinds.len()];
    let mut row: Vec<u32> = vec![0; kinds.len()];
    let mut last: Vec<u32> = Vec::new();
    let mut at = 0;
    while let Some(key) = known.in_order.get(at).cloned() {
        at += 1;
        let Some((before, kernel)) = key.split_last() else { continue };
        let before = *before as u8;
        for kind in &distinct {
            let all = walker.closure(kernel, before, *kind, &endless).1;
            for (set, state) in &walker.reads {
                held[*set].iter().filter(|class| kinds[**class] == *kind).for_each(|class| next[*class].push(*state));
            }
            // Most classes lead where the one before them led, and that is seen at once.
            let mut led: Option<u32> = None;
            for (class, next) in next.iter_mut().enumerate().filter(|(class, _)| kinds[*class] == *kind) {
                if let Some(led) = led.filter(|_| all || last == *next) {
                    row[class] = led;
                    next.clear();
                    continue;
                }
                last.clone_from(next);
                if all {
                    // Whatever follows, the text is in the language: one state for all of these.
                    next.clear();
                    next.extend([ALL, 0]);
                } else {
                    next.sort_unstable();
                    next.dedup();
                    next.push(if next.is_empty() { 0 } else { u32::from(*kind) });
                }
                row[class] = known.number(next, meter)?;
                led = Some(row[class]);
                next.clear();
            }
        }
        table.extend(&row);
        if table.len() > MAX_TABLE {
            return Err(Reason::States);
        }
        accepting.push(walker.closure(kernel, before, EDGE, &endless).0);
        meter.tick()?;
    }
    // Every state was reached from the first.
    Ok(Automaton::smallest(alphabet, None, &table, &accepting))
}

/// The only member of the set of states from which every rest is in the language.
const ALL: u32 = u32::MAX;

/// Sets of states, each with what stands before it as its last member, numbered as they are found.
#[derive(Default)]
struct Kernels {
    known: Fast<Rc<[u32]>, u32>,
    in_order: Vec<Rc<[u32]>>,
}

impl Kernels {
    fn number(&mut self, key: &[u32], meter: &Meter) -> Result<u32, Reason> {
        if let Some(number) = self.known.get(key) {
            return Ok(*number);
        }
        // A set of many states is paid for as several: `A` a thousand times makes sets of up to a thousand.
        meter.states(1 + key.len() / SET)?;
        let number = self.in_order.len() as u32;
        let key: Rc<[u32]> = Rc::from(key);
        self.in_order.push(Rc::clone(&key));
        self.known.insert(key, number);
        Ok(number)
    }
}

/// A set of characters, and the state after one of them.
type Read = (usize, u32);

/// Goes from states to those that they reach without reading.
struct Walker<'n> {
    nfa: &'n Nfa,
    /// The round in which each state was last met.
    mark: Vec<u32>,
    round: u32,
    pending: Vec<usize>,
    /// What can be read from the states of the last round.
    reads: Vec<Read>,
}

impl<'n> Walker<'n> {
    fn new(nfa: &'n Nfa) -> Self {
        Self { nfa, mark: vec![0; nfa.states.len()], round: 0, pending: Vec::new(), reads: Vec::new() }
    }

    /// Finds what can be read from `kernel` with these surroundings; whether the expression is satisfied here, and
    /// whether it is whatever follows.
    fn closure(&mut self, kernel: &[u32], before: u8, after: u8, endless: &[bool]) -> (bool, bool) {
        self.reads.clear();
        if kernel == [ALL] {
            return (true, true);
        }
        self.round += 1;
        self.pending.extend(kernel.iter().map(|state| *state as usize));
        let (mut matched, mut all) = (false, false);
        while let Some(state) = self.pending.pop() {
            if std::mem::replace(&mut self.mark[state], self.round) == self.round {
                continue;
            }
            all |= endless[state];
            match &self.nfa.states[state] {
                State::Read { set, next } => self.reads.push((*set, *next as u32)),
                State::Split(nexts) => self.pending.extend(nexts),
                State::Look(look, next) => {
                    if holds(*look, before, after) {
                        self.pending.push(*next);
                    }
                }
                State::Match => matched = true,
            }
        }
        (matched, all)
    }
}

/// The states `.*` at the very end of the expression: once one is reached, every text satisfies it.
fn endless_states(nfa: &Nfa) -> Vec<bool> {
    let ends = |mut state: usize| loop {
        match &nfa.states[state] {
            State::Match => return true,
            State::Look(Look::End, next) => state = *next,
            State::Split(nexts) if nexts.len() == 1 => state = nexts[0],
            _ => return false,
        }
    };
    let repeats = |from: usize, to: usize| match &nfa.states[from] {
        State::Read { set, next } => *next == to && nfa::is_full(&nfa.sets[*set]),
        _ => false,
    };
    (0..nfa.states.len())
        .map(|state| match &nfa.states[state] {
            State::Split(nexts) => {
                nexts.iter().any(|next| repeats(*next, state)) && nexts.iter().any(|next| ends(*next))
            }
            _ => false,
        })
        .collect()
}

fn word_characters() -> Set {
    let hir = regex_syntax::parse(r"\w").ok();
    match hir.as_ref().map(regex_syntax::hir::Hir::kind) {
        Some(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        _ => Set::new(),
    }
}

/// The symbols of a vector as its arguments; of a text as that text alone.
pub(super) fn arguments(symbols: &[u32]) -> Vec<String> {
    symbols
        .split(|symbol| *symbol == SEPARATOR)
        .map(|part| part.iter().filter_map(|s| char::from_u32(*s)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal languages have to be equal automata, however they were made.
    #[test]
    fn a_joined_language_is_as_small_as_it_can_be() {
        let meter = Meter::new(&Budget::default());
        for regex in ["^(?:[^ ]+ )*docker run(?: (?s:.*))?$", "^a b*$", "^[a-c ]*$", "^$", "^(?s:.)*$", r"^[^\s\S]$"] {
            let joined = Automaton::of_regex(regex, &meter).expect("an automaton").of_joined();
            let Automaton { alphabet, separator, table, accepting, .. } = joined.clone();
            assert_eq!(Automaton::smallest(alphabet, separator, &table, &accepting), joined, "{regex}");
        }
        let joined = Automaton::of_regex("^a b$", &meter).expect("an automaton").of_joined();
        let accepts = |symbols: &[u32]| joined.accepts_symbols(symbols);
        assert!(accepts(&[97, SEPARATOR, 98]) && accepts(&[97, 32, 98]) && !accepts(&[97, 98, SEPARATOR]));
    }
}
