//! What the tests on one field need, literally: one pass over the field's values looks for the literals of all of
//! them, and only tests of which a literal is there are asked.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::compile::CheckId;
use crate::logic::bits::Bits;
use crate::logic::pattern::{Pattern, Piece};

/// Literals shorter than this are everywhere.
const SHORTEST: usize = 3;
/// Fewer tests are asked one by one.
const FEWEST: usize = 4;

/// The literals of the tests on one field, in small letters: in which case they stand in a value is left to the tests.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Says whether there is any literal at all; most often there is none.
    any: AhoCorasick,
    /// Finds all of them.
    every: AhoCorasick,
    literals: Vec<String>,
    /// By check, literals of which a value that satisfies it holds one.
    needs: Vec<Option<Box<[usize]>>>,
}

impl Prefilter {
    /// A filter for checks with the literals of each; `None` if it would not pay or cannot be built.
    pub(super) fn new(checks: &[(CheckId, &[String])]) -> Option<Self> {
        if checks.len() < FEWEST {
            return None;
        }
        let mut literals: Vec<String> =
            checks.iter().flat_map(|(_, needed)| *needed).map(|literal| literal.to_ascii_lowercase()).collect();
        literals.sort_unstable();
        literals.dedup();
        let place = |literal: &String| literals.binary_search(&literal.to_ascii_lowercase()).ok();
        let last = checks.iter().map(|(check, _)| *check as usize).max().unwrap_or_default();
        let mut needs = vec![None; last + 1];
        for (check, needed) in checks {
            if let Some(slot) = needs.get_mut(*check as usize) {
                *slot = Some(needed.iter().filter_map(place).collect());
            }
        }
        let any = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostFirst).build(&literals).ok()?;
        let every = AhoCorasick::new(&literals).ok()?;
        Some(Self { any, every, literals, needs })
    }

    /// The literals that a check needs, if it is one of the filter's.
    pub(super) fn need(&self, check: CheckId) -> Option<&[usize]> {
        self.needs.get(check as usize)?.as_deref()
    }

    /// The literals.
    pub(super) fn literals(&self) -> &[String] {
        &self.literals
    }

    /// Prepares to note literals.
    pub(super) fn clear(&self, found: &mut Bits) {
        found.clear(self.literals.len());
    }

    /// Notes the literals that a text holds, in any case.
    pub(super) fn look(&self, text: &str, buffer: &mut String, found: &mut Bits) {
        buffer.clear();
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
        if buffer.contains(FOLDING) {
            // Letters of a literal may stand there in this spelling.
            (0..self.literals.len()).for_each(|literal| found.add(literal));
        } else if self.any.is_match(&*buffer) {
            for literal in self.every.find_overlapping_iter(&*buffer) {
                found.add(literal.pattern().as_usize());
            }
        }
    }
}

/// The letters outside ASCII that are an ASCII letter where case is ignored: the long s and the sign for Kelvin.
const FOLDING: [char; 2] = ['\u{17f}', '\u{212a}'];

/// For patterns of which a text satisfies one, literals of which it then holds one, letters in any case; `None` if some
/// pattern needs none that is worth looking for. Where the patterns fold case, that of ASCII letters is all that may
/// differ.
pub(super) fn needed(any: &[Pattern], folds: bool) -> Option<Vec<String>> {
    let is_findable = |text: &&str| text.len() >= SHORTEST && (!folds || text.is_ascii());
    any.iter()
        .map(|pattern| {
            let longest = match pattern {
                Pattern::Glob(glob) => glob
                    .pieces()
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Literal(text) => Some(text.as_str()),
                        Piece::Any | Piece::One => None,
                    })
                    .filter(is_findable)
                    .max_by_key(|text| text.len()),
                Pattern::Path { path, .. } => path.split('/').filter(is_findable).max_by_key(|segment| segment.len()),
                Pattern::Regex(_) => None,
            };
            longest.map(str::to_owned)
        })
        .collect()
}
