//! Alphabets: the characters of Unicode, sorted into the few classes that a pattern tells apart.

#![expect(clippy::indexing_slicing, reason = "intervals and classes are indices made in this file")]

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

/// A set of characters: inclusive ranges of code points, sorted and apart.
pub(super) type Set = Vec<(u32, u32)>;

/// The last code point.
pub(super) const LAST: u32 = 0x10_FFFF;
/// The mark between two arguments of a vector: a symbol that no text holds.
pub(super) const SEPARATOR: u32 = LAST + 1;
/// Code points that are no characters.
const SURROGATES: (u32, u32) = (0xD800, 0xDFFF);

/// A partition of all characters into classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alphabet {
    /// Where each interval begins; the first begins at 0.
    starts: Vec<u32>,
    /// The class of each interval.
    classes: Vec<u32>,
    /// How many classes there are.
    count: usize,
}

impl Alphabet {
    /// The coarsest alphabet that tells apart what is inside and outside of every one of `sets`.
    pub(super) fn new<'s>(sets: impl Iterator<Item = &'s Set> + Clone) -> Self {
        let mut starts: Vec<u32> = sets.clone().flatten().flat_map(|(first, last)| [*first, last + 1]).collect();
        starts.push(0);
        starts.sort_unstable();
        starts.dedup();
        // What is no character goes with the characters before it: no text tells it apart.
        starts.retain(|start| *start <= LAST && *start != SURROGATES.0);
        let mut classes = vec![0u32; starts.len()];
        let mut sizes = vec![starts.len()];
        for set in sets {
            let mut inside: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (first, last) in set {
                let mut at = starts.partition_point(|start| start < first);
                while starts.get(at).is_some_and(|start| start <= last) {
                    inside.entry(classes[at]).or_default().push(at);
                    at += 1;
                }
            }
            for (old, members) in inside {
                if members.len() < sizes[old as usize] {
                    sizes[old as usize] -= members.len();
                    let new = sizes.len() as u32;
                    sizes.push(members.len());
                    members.into_iter().for_each(|at| classes[at] = new);
                }
            }
        }
        Self { starts, classes, count: sizes.len() }
    }

    /// The alphabet with classes put together: class `c` becomes class `map[c]`, of which there are `count`.
    pub(super) fn merged(&self, map: &[u32], count: usize) -> Self {
        let mut merged = Self { starts: Vec::new(), classes: Vec::new(), count };
        for (start, class) in self.starts.iter().zip(&self.classes) {
            let class = map[*class as usize];
            if merged.classes.last() != Some(&class) {
                merged.starts.push(*start);
                merged.classes.push(class);
            }
        }
        merged
    }

    /// How many classes there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The class of a character.
    pub(super) fn class_of(&self, symbol: u32) -> usize {
        let at = self.starts.partition_point(|start| *start <= symbol) - 1;
        self.classes[at] as usize
    }

    /// The classes in the order in which their first characters come.
    pub(super) fn in_order(&self) -> impl Iterator<Item = usize> {
        let mut seen = vec![false; self.count];
        self.classes
            .iter()
            .map(|class| *class as usize)
            .filter(move |class| !std::mem::replace(&mut seen[*class], true))
    }

    /// One character of every class.
    pub(super) fn representatives(&self) -> Vec<u32> {
        let mut first = vec![0; self.count];
        for (start, class) in self.starts.iter().zip(&self.classes).rev() {
            first[*class as usize] = *start;
        }
        first
    }

    /// The intervals, first and last code point each.
    fn intervals(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.starts
            .iter()
            .enumerate()
            .map(|(at, start)| (*start, self.starts.get(at + 1).map_or(LAST, |next| next - 1)))
    }

    /// The characters of every class, as sets.
    pub(super) fn sets(&self) -> Vec<Set> {
        let mut sets = vec![Set::new(); self.count];
        for (at, interval) in self.intervals().enumerate() {
            sets[self.classes[at] as usize].push(interval);
        }
        sets
    }

    /// For several alphabets, the tuples of classes that some character has, each with its nicest character; nicest
    /// characters first.
    pub(super) fn joint(alphabets: &[&Alphabet]) -> Vec<(u32, Vec<u32>)> {
        let mut tuples: HashMap<Vec<u32>, u32, FixedState> = HashMap::default();
        // The interval of each alphabet in which `start` lies.
        let mut within = vec![0; alphabets.len()];
        let mut start = 0;
        while start <= LAST {
            let ends = alphabets.iter().zip(&within).filter_map(|(alphabet, at)| alphabet.starts.get(*at + 1));
            let next = ends.min().copied().unwrap_or(LAST + 1);
            if let Some(candidate) = nicest(start, next - 1) {
                let tuple = alphabets.iter().zip(&within).map(|(alphabet, at)| alphabet.classes[*at]).collect();
                let best = tuples.entry(tuple).or_insert(candidate);
                if rank(candidate) < rank(*best) {
                    *best = candidate;
                }
            }
            for (alphabet, at) in alphabets.iter().zip(&mut within) {
                *at += usize::from(alphabet.starts.get(*at + 1) == Some(&next));
            }
            start = next;
        }
        let mut joint: Vec<(u32, Vec<u32>)> = tuples.into_iter().map(|(tuple, symbol)| (symbol, tuple)).collect();
        joint.sort_unstable_by_key(|(symbol, _)| rank(*symbol));
        joint
    }
}

/// How gladly a reader sees a character in an example; less is better.
fn rank(symbol: u32) -> (u8, u32) {
    let group = match char::from_u32(symbol) {
        Some('x') => 0,
        Some('a'..='z') => 1,
        Some('0'..='9') => 2,
        Some('/' | '-' | '_' | '.') => 3,
        Some('A'..='Z') => 4,
        Some(' ') => 5,
        Some(c) if c.is_ascii_graphic() => 6,
        Some(c) if c.is_alphanumeric() => 7,
        Some(c) if !c.is_control() && !c.is_whitespace() => 8,
        Some(_) => 9,
        None => 10,
    };
    (group, symbol)
}

/// The nicest character from `first` to `last`, if there is any character.
fn nicest(first: u32, last: u32) -> Option<u32> {
    let ends = [first, SURROGATES.1 + 1].into_iter();
    let starts = ['x', 'a', '0', '-', '_', 'A', ' ', '!', '[', '{'].map(u32::from);
    let starts = if first < 128 { &starts[..] } else { &[] };
    let inside = |symbol: &u32| (first..=last).contains(symbol) && char::from_u32(*symbol).is_some();
    ends.chain(starts.iter().copied()).filter(inside).min_by_key(|symbol| rank(*symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_what_sets_tell_apart() {
        let sets = [vec![(97, 122)], vec![(99, 99), (0x4E00, 0x9FFF)], vec![(0, LAST)]];
        let alphabet = Alphabet::new(sets.iter());
        assert_eq!(alphabet.len(), 4);
        assert_eq!(alphabet.class_of('a' as u32), alphabet.class_of('z' as u32));
        assert_ne!(alphabet.class_of('a' as u32), alphabet.class_of('c' as u32));
        assert_eq!(alphabet.class_of('\u{4E2D}' as u32), alphabet.class_of(0x4E00));
        let nice: Vec<u32> = Alphabet::joint(&[&alphabet]).into_iter().map(|(symbol, _)| symbol).collect();
        assert!(nice.contains(&u32::from('x')) && nice.contains(&u32::from('c')));
    }
}
