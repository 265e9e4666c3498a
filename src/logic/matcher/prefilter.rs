//! What the tests on one field need, literally: one pass over the field's values looks for the literals of all of
//! them, and only tests of which a literal is there are asked.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::compile::CheckId;
use super::run::Bits;
use crate::logic::pattern::{Pattern, Piece};

/// Literals shorter than this are everywhere.
const SHORTEST: usize = 3;
/// Fewer tests are asked one by one.
const FEWEST: usize = 4;

/// The literals of the tests on one field.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Says whether there is any literal at all; most often there is none.
    any: AhoCorasick,
    /// Finds all of them.
    every: AhoCorasick,
    literals: usize,
    /// By check, literals of which a value that satisfies it holds one; sorted by check.
    needs: Vec<(CheckId, Box<[usize]>)>,
}

impl Prefilter {
    /// A filter for checks with the literals of each; `None` if it would not pay or cannot be built.
    pub(super) fn new(checks: &[(CheckId, &[String])]) -> Option<Self> {
        if checks.len() < FEWEST {
            return None;
        }
        let mut literals: Vec<&str> = checks.iter().flat_map(|(_, needed)| *needed).map(String::as_str).collect();
        literals.sort_unstable();
        literals.dedup();
        let place = |literal: &String| literals.binary_search(&literal.as_str()).ok();
        let mut needs: Vec<(CheckId, Box<[usize]>)> =
            checks.iter().map(|(check, needed)| (*check, needed.iter().filter_map(place).collect())).collect();
        needs.sort_unstable();
        let any = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostFirst).build(&literals).ok()?;
        let every = AhoCorasick::new(&literals).ok()?;
        Some(Self { any, every, literals: literals.len(), needs })
    }

    /// The literals that a check needs, if it is one of the filter's.
    pub(super) fn need(&self, check: CheckId) -> Option<&[usize]> {
        let at = self.needs.binary_search_by_key(&check, |(check, _)| *check).ok()?;
        self.needs.get(at).map(|(_, need)| &**need)
    }

    /// Prepares to note literals.
    pub(super) fn clear(&self, found: &mut Bits) {
        found.clear(self.literals);
    }

    /// Notes the literals that a text holds.
    pub(super) fn look(&self, text: &str, found: &mut Bits) {
        if self.any.is_match(text) {
            for literal in self.every.find_overlapping_iter(text) {
                found.add(literal.pattern().as_usize());
            }
        }
    }
}

/// For patterns of which a text satisfies one, literals of which it then holds one, letters in their case; `None` if
/// some pattern needs none that is worth looking for.
pub(super) fn needed(any: &[Pattern]) -> Option<Vec<String>> {
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
                    .max_by_key(|text| text.len()),
                Pattern::Path { path, .. } => path.split('/').max_by_key(|segment| segment.len()),
                Pattern::Regex(_) => None,
            };
            longest.filter(|text| text.len() >= SHORTEST).map(str::to_owned)
        })
        .collect()
}
