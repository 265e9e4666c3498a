//! The fewest of some sets that together have all that any of them has, exactly where that can be found out with
//! bounded work (branch and bound), else by a greedy choice. Equal sets in equal order give an equal choice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A set of numbers, sorted, and what it costs beside being one more.
#[derive(Clone, Debug)]
pub struct Priced {
    /// What is in it.
    pub items: Vec<usize>,
    /// What decides between choices of as many sets: less is better.
    pub price: u64,
}

/// How many choices are looked at before the greedy one has to do.
pub const MOST_CHOICES: usize = 50_000;

/// The fewest of `sets` that have all items, those of the lowest price among such choices, and whether it is certain
/// that there are none fewer. At most `choices` are looked at.
pub fn cover(sets: &[Priced], choices: usize) -> (Vec<usize>, bool) {
    let mut search = Search::new(sets, choices);
    let start = search.greedy();
    search.best_cost = search.cost_of(&start);
    search.best = start;
    search.branch(&vec![false; search.holders.len()], &mut vec![false; sets.len()], &mut Vec::new(), 0);
    let mut best = search.best;
    best.sort_unstable();
    (best, search.left > 0)
}

/// What a choice costs: how many sets, and their prices.
type Cost = (usize, u64);

struct Search<'s> {
    sets: &'s [Priced],
    /// For each kind of item the sets that have it. Items that are in the same sets are of one kind.
    holders: Vec<Vec<usize>>,
    /// For each set the kinds of its items.
    kinds: Vec<Vec<usize>>,
    best: Vec<usize>,
    best_cost: Cost,
    left: usize,
}

impl<'s> Search<'s> {
    fn new(sets: &'s [Priced], left: usize) -> Self {
        let mut by_item: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, set) in sets.iter().enumerate() {
            for item in &set.items {
                by_item.entry(*item).or_default().push(at);
            }
        }
        let mut holders: Vec<Vec<usize>> = by_item.into_values().collect();
        holders.sort();
        holders.dedup();
        // Whoever has an item of the one kind has one of the other: that one comes for nothing.
        let all = holders.clone();
        holders.retain(|kind| {
            !all.iter().any(|other| other.len() < kind.len() && other.iter().all(|set| kind.binary_search(set).is_ok()))
        });
        let mut kinds = vec![Vec::new(); sets.len()];
        for (kind, sets) in holders.iter().enumerate() {
            for set in sets {
                if let Some(kinds) = kinds.get_mut(*set) {
                    kinds.push(kind);
                }
            }
        }
        Self { sets, holders, kinds, best: Vec::new(), best_cost: (0, 0), left }
    }

    fn price(&self, set: usize) -> u64 {
        self.sets.get(set).map_or(0, |set| set.price)
    }

    fn cost_of(&self, choice: &[usize]) -> Cost {
        (choice.len(), choice.iter().map(|set| self.price(*set)).sum())
    }

    /// How many kinds a set has that are not there yet.
    fn new_kinds(&self, set: usize, there: &[bool]) -> usize {
        let kinds = self.kinds.get(set).into_iter().flatten();
        kinds.filter(|kind| there.get(**kind) == Some(&false)).count()
    }

    fn take(&self, set: usize, there: &mut [bool]) {
        for kind in self.kinds.get(set).into_iter().flatten() {
            if let Some(there) = there.get_mut(*kind) {
                *there = true;
            }
        }
    }

    /// The set with most that is new, again and again; then none that the others make superfluous.
    fn greedy(&self) -> Vec<usize> {
        let mut there = vec![false; self.holders.len()];
        let mut choice = Vec::new();
        while there.contains(&false) {
            let best = (0..self.sets.len())
                .max_by_key(|set| (self.new_kinds(*set, &there), Reverse(self.price(*set)), Reverse(*set)));
            let Some(best) = best else { break };
            self.take(best, &mut there);
            choice.push(best);
        }
        let mut at = 0;
        while at < choice.len() {
            let mut there = vec![false; self.holders.len()];
            choice
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .for_each(|(_, set)| self.take(*set, &mut there));
            if there.contains(&false) {
                at += 1;
            } else {
                choice.remove(at);
            }
        }
        choice
    }

    /// Looks at all choices that begin with `chosen`, have what is not `there` yet and none of the `banned` sets.
    fn branch(&mut self, there: &[bool], banned: &mut [bool], chosen: &mut Vec<usize>, price: u64) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return;
        }
        let cost = (chosen.len(), price);
        let Some(kind) = self.scarcest(there, banned) else {
            if cost < self.best_cost {
                (self.best, self.best_cost) = (chosen.clone(), cost);
            }
            return;
        };
        let (count, least) = self.at_least(there, banned);
        if (cost.0 + count, cost.1 + least) >= self.best_cost {
            return;
        }
        let holders = self.holders.get(kind).into_iter().flatten().copied();
        let mut open: Vec<usize> = holders.filter(|set| banned.get(*set) == Some(&false)).collect();
        open.sort_by_key(|set| (Reverse(self.new_kinds(*set, there)), self.price(*set), *set));
        for set in &open {
            let mut with = there.to_vec();
            self.take(*set, &mut with);
            chosen.push(*set);
            self.branch(&with, banned, chosen, price + self.price(*set));
            chosen.pop();
            // All choices with this set have been looked at.
            set_to(banned, *set, true);
        }
        open.iter().for_each(|set| set_to(banned, *set, false));
    }

    /// The kind that is not there yet and that the fewest sets have.
    fn scarcest(&self, there: &[bool], banned: &[bool]) -> Option<usize> {
        let missing = self.holders.iter().enumerate().filter(|(kind, _)| there.get(*kind) == Some(&false));
        let open = |sets: &[usize]| sets.iter().filter(|set| banned.get(**set) == Some(&false)).count();
        missing.min_by_key(|(_, sets)| open(sets)).map(|(kind, _)| kind)
    }

    /// What the rest costs at least: kinds of which no set has two each need a set of their own.
    fn at_least(&self, there: &[bool], banned: &[bool]) -> Cost {
        let mut used = vec![false; self.sets.len()];
        let (mut count, mut least) = (0, 0);
        for (kind, sets) in self.holders.iter().enumerate() {
            if there.get(kind) != Some(&false) || sets.iter().any(|set| used.get(*set) == Some(&true)) {
                continue;
            }
            let open = sets.iter().filter(|set| banned.get(**set) == Some(&false));
            let Some(cheapest) = open.map(|set| self.price(*set)).min() else { return (usize::MAX / 2, 0) };
            sets.iter().for_each(|set| set_to(&mut used, *set, true));
            count += 1;
            least += cheapest;
        }
        (count, least)
    }
}

fn set_to(flags: &mut [bool], at: usize, value: bool) {
    if let Some(flag) = flags.get_mut(at) {
        *flag = value;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn items(sets: &[Priced], choice: &[usize]) -> BTreeSet<usize> {
        choice.iter().filter_map(|at| sets.get(*at)).flat_map(|set| set.items.iter().copied()).collect()
    }

    fn priced(items: &[usize], price: u64) -> Priced {
        Priced { items: items.to_vec(), price }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// All choices of a few sets, looked at one by one, have none that is better.
        #[test]
        fn no_choice_is_better(made in prop::collection::vec((prop::collection::btree_set(0_usize..12, 0..6), 0_u64..4), 0..10)) {
            let sets: Vec<Priced> = made
                .into_iter()
                .map(|(items, price)| Priced { items: items.into_iter().collect(), price })
                .collect();
            let all: Vec<usize> = (0..sets.len()).collect();
            let wanted = items(&sets, &all);
            let cost = |choice: &[usize]| -> Cost {
                (choice.len(), choice.iter().filter_map(|at| sets.get(*at)).map(|set| set.price).sum())
            };
            let choices = (0_u32..1 << sets.len())
                .map(|bits| all.iter().copied().filter(|at| bits & (1 << at) != 0).collect::<Vec<_>>());
            let least = choices.filter(|choice| items(&sets, choice) == wanted).map(|choice| cost(&choice)).min();
            let (choice, is_certain) = cover(&sets, MOST_CHOICES);
            prop_assert!(is_certain);
            prop_assert_eq!(items(&sets, &choice), wanted.clone());
            prop_assert_eq!(Some(cost(&choice)), least);
            // Without work, it is a choice all the same, with nothing superfluous.
            let (greedy, is_certain) = cover(&sets, 1);
            prop_assert!(!is_certain && items(&sets, &greedy) == wanted);
            for at in &greedy {
                let others: Vec<usize> = greedy.iter().copied().filter(|other| other != at).collect();
                prop_assert_ne!(items(&sets, &others), wanted.clone());
            }
        }
    }

    #[test]
    fn what_is_greedy_is_not_always_least() {
        let sets = [priced(&[5, 6], 0), priced(&[0], 0), priced(&[3], 0), priced(&[0, 6], 0), priced(&[3, 5], 0)];
        assert_eq!(cover(&sets, 1), (vec![0, 1, 2], false), "the first of the largest was taken");
        assert_eq!(cover(&sets, MOST_CHOICES), (vec![3, 4], true));
        // Of as few, the cheapest.
        let sets = [priced(&[1, 2, 3], 3), priced(&[1, 2], 1), priced(&[3], 1), priced(&[2, 3], 1)];
        assert_eq!(cover(&sets, MOST_CHOICES), (vec![0], true));
        assert_eq!(cover(sets.get(1..).expect("three"), MOST_CHOICES), (vec![0, 1], true));
        assert_eq!(cover(&[], MOST_CHOICES), (Vec::new(), true));
    }
}
