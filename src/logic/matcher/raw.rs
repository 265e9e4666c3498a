//! The filter over JSON text: which needed literals a line holds, found in two passes. The first looks for one
//! literal or few of every formula, the rarest it has, and rejects most lines at the speed of memory; the second
//! finds all literals of the lines that remain.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::literals::{Literal, Need, Needs};

/// Texts with which any other may be written: escapes, and letters that count as ASCII letters where case folds.
const DISGUISES: [&str; 4] = ["\\u", "\\/", "\u{212a}", "\u{17f}"];
/// More alternatives than this make no good first look.
const MOST_ALTERNATIVES: usize = 256;

/// The compiled filter.
#[derive(Debug)]
pub(super) struct RawFilter {
    /// Of every formula literals of which a matching line holds one, or a disguise; absent if some formula has none.
    first: Option<Vec<AhoCorasick>>,
    /// All literals. Absent if they cannot be compiled: then every line passes.
    second: Option<Vec<Finder>>,
    literals: usize,
}

#[derive(Debug)]
struct Finder {
    automaton: AhoCorasick,
    /// The literal of each pattern; none for a disguise.
    literals: Vec<Option<usize>>,
}

/// Which literals a line holds.
#[derive(Debug, Default)]
pub(super) struct Present {
    round: u64,
    seen: Vec<u64>,
    /// The line may hold literals that were not found.
    disguised: bool,
}

impl Present {
    /// Whether the line that was looked at may belong to an event with this need.
    pub(super) fn meets(&self, need: &Need) -> bool {
        self.disguised || self.holds(need)
    }

    fn holds(&self, need: &Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::Literal(literal) => self.seen.get(*literal) == Some(&self.round),
            Need::All(parts) => parts.iter().all(|part| self.holds(part)),
            Need::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Need::AtLeast(count, parts) => parts.iter().filter(|part| self.holds(part)).count() >= *count,
        }
    }
}

impl RawFilter {
    pub(super) fn new<'n>(needs: Needs, formulas: impl Iterator<Item = &'n Need>) -> Self {
        let literals = needs.literals;
        let mut chosen: Vec<usize> = Vec::new();
        let mut all_chosen = true;
        for need in formulas {
            match rarest(need, &literals) {
                Some((_, alternatives)) => chosen.extend(alternatives),
                None => all_chosen = false,
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        let first = all_chosen.then(|| build(&literals, &chosen, MatchKind::LeftmostFirst)).flatten();
        let every: Vec<usize> = (0..literals.len()).collect();
        let second = build(&literals, &every, MatchKind::Standard);
        Self {
            first: first.map(|finders| finders.into_iter().map(|finder| finder.automaton).collect()),
            second,
            literals: literals.len(),
        }
    }

    /// Notes which literals the text holds. False if no formula's need is met for certain.
    pub(super) fn look(&self, json: &[u8], present: &mut Present) -> bool {
        present.round += 1;
        present.disguised = false;
        present.seen.resize(present.seen.len().max(self.literals), 0);
        if self.first.as_ref().is_some_and(|first| !first.iter().any(|automaton| automaton.is_match(json))) {
            return false;
        }
        let Some(second) = &self.second else {
            present.disguised = true;
            return true;
        };
        for finder in second {
            for found in finder.automaton.find_overlapping_iter(json) {
                match finder.literals.get(found.pattern().as_usize()) {
                    Some(Some(literal)) => {
                        if let Some(seen) = present.seen.get_mut(*literal) {
                            *seen = present.round;
                        }
                    }
                    _ if is_disguise(json, found.start()) => {
                        present.disguised = true;
                        return true;
                    }
                    _ => {}
                }
            }
        }
        true
    }
}

/// Whether what begins at `at` is an escape, or the second backslash of an escaped backslash and the letter after it.
fn is_disguise(json: &[u8], at: usize) -> bool {
    let before = json.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
}

/// Automata for the literals, case-sensitive ones and others apart, and for the disguises.
fn build(literals: &[Literal], wanted: &[usize], kind: MatchKind) -> Option<Vec<Finder>> {
    let mut finders = Vec::new();
    let folds_any = literals.iter().any(|literal| literal.folds);
    for folds in [false, true] {
        let mut patterns: Vec<&str> = Vec::new();
        let mut ids = Vec::new();
        for id in wanted {
            if let Some(literal) = literals.get(*id).filter(|literal| literal.folds == folds) {
                patterns.push(&literal.text);
                ids.push(Some(*id));
            }
        }
        if !folds {
            let disguises = if folds_any { DISGUISES.as_slice() } else { DISGUISES.get(..2).unwrap_or_default() };
            patterns.extend(disguises);
            ids.extend(disguises.iter().map(|_| None));
        }
        if patterns.is_empty() {
            continue;
        }
        let automaton =
            AhoCorasickBuilder::new().match_kind(kind).ascii_case_insensitive(folds).build(&patterns).ok()?;
        finders.push(Finder { automaton, literals: ids });
    }
    Some(finders)
}

/// Literals of which a text that meets the need holds at least one: those that promise to be rare, with how rare they
/// are (their shortest length; less for many).
fn rarest(need: &Need, literals: &[Literal]) -> Option<(usize, Vec<usize>)> {
    match need {
        Need::Nothing | Need::AtLeast(0, _) => None,
        Need::Literal(id) => Some((literals.get(*id)?.text.len(), vec![*id])),
        Need::All(parts) => parts.iter().filter_map(|part| rarest(part, literals)).max_by_key(|(score, _)| *score),
        Need::Any(parts) | Need::AtLeast(_, parts) => {
            let mut all = Vec::new();
            let mut score = usize::MAX;
            for part in parts {
                let (part_score, alternatives) = rarest(part, literals)?;
                score = score.min(part_score);
                all.extend(alternatives);
            }
            (all.len() <= MOST_ALTERNATIVES).then_some((score, all))
        }
    }
}
