//! Fields that got another name: what was asked of one is now asked of another, word for word.

use std::collections::{BTreeMap, BTreeSet};

use crate::logic::{Formula, Path, Predicate};

/// Pairs of fields (before, after): the first is no longer asked, the second was not asked before, and both are asked
/// the same.
pub fn renamed(before: &Formula, after: &Formula) -> Vec<(String, String)> {
    let (before, after) = (asked(before), asked(after));
    let mut pairs = Vec::new();
    let mut taken: BTreeSet<&Path> = BTreeSet::new();
    for (old, predicates) in before.iter().filter(|(path, _)| !after.contains_key(*path)) {
        let new =
            after.iter().find(|(path, now)| !before.contains_key(*path) && !taken.contains(path) && *now == predicates);
        if let Some((new, _)) = new {
            taken.insert(new);
            pairs.push((old.to_string(), new.to_string()));
        }
    }
    pairs
}

/// What is asked of every field.
fn asked(formula: &Formula) -> BTreeMap<Path, BTreeSet<String>> {
    let mut asked: BTreeMap<Path, BTreeSet<String>> = BTreeMap::new();
    formula.each_test(&mut |path, test| {
        if let Some(path) = path {
            asked.entry(path.clone()).or_default().insert(said(&test.predicate));
        }
    });
    asked
}

/// A predicate as text that is the same for equal ones.
fn said(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Text(set) => format!("{:?} {:?}", set.case, set.any),
        other => format!("{other:?}"),
    }
}
