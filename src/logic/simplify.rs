//! The same condition in fewer words: constants are folded, repetitions dropped, patterns on one field put together.
//!
//! Both readings keep their meaning. Nothing is moved: what is left stands in the author's order.

#![expect(clippy::mutable_key_type, reason = "what changes in a formula are caches, no part of equality or hash")]

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::formula::{Formula, Predicate, Test};
use super::pattern::{Glob, Pattern, TextSet};

/// `formula` without what says nothing.
pub fn simplify(formula: &Formula) -> Formula {
    match formula {
        Formula::And(parts) => {
            let parts = distinct(Formula::and(parts.iter().map(simplify)), |formula| match formula {
                Formula::And(parts) => Ok(parts),
                other => Err(other),
            });
            match parts {
                // `a and (a or b)` is `a`.
                Ok(parts) => Formula::and(absorbed(parts, |part| match part {
                    Formula::Or(inner) => inner.as_slice(),
                    _ => &[],
                })),
                Err(one) => one,
            }
        }
        Formula::Or(parts) => {
            let parts = distinct(Formula::or(parts.iter().map(simplify)), |formula| match formula {
                Formula::Or(parts) => Ok(parts),
                other => Err(other),
            });
            match parts {
                // `a or (a and b)` is `a`.
                Ok(parts) => {
                    let parts = absorbed(parts, |part| match part {
                        Formula::And(inner) => inner.as_slice(),
                        _ => &[],
                    });
                    Formula::or(merged(parts))
                }
                Err(one) => one,
            }
        }
        Formula::Not(part) => Formula::not(simplify(part)),
        Formula::AtLeast { count, of } => {
            let mut count = *count;
            let mut parts = Vec::new();
            for part in of.iter().map(simplify) {
                if part == Formula::TRUE {
                    count = count.saturating_sub(1);
                } else if part != Formula::FALSE {
                    parts.push(part);
                }
            }
            match Formula::at_least(count, parts) {
                // A conjunction or disjunction may now say something twice.
                again @ (Formula::And(_) | Formula::Or(_)) => simplify(&again),
                other => other,
            }
        }
        Formula::Element { path, body } => match simplify(body) {
            body if body == Formula::FALSE => Formula::FALSE,
            body => Formula::element(path.clone(), body),
        },
        Formula::Test(test) => simplify_test(test),
    }
}

/// The parts of a conjunction or disjunction, each once; the formula itself if it is neither.
fn distinct(
    formula: Formula,
    parts: impl Fn(Formula) -> Result<Vec<Formula>, Formula>,
) -> Result<Vec<Formula>, Formula> {
    let parts = parts(formula)?;
    let mut seen: HashSet<&Formula, RandomState> = HashSet::default();
    let keep: Vec<bool> = parts.iter().map(|part| seen.insert(part)).collect();
    drop(seen);
    Ok(parts.into_iter().zip(keep).filter_map(|(part, keep)| keep.then_some(part)).collect())
}

/// The parts without those that hold another part among what they are made of.
fn absorbed(parts: Vec<Formula>, inner: impl Fn(&Formula) -> &[Formula]) -> Vec<Formula> {
    let all: HashSet<&Formula, RandomState> = parts.iter().collect();
    let keep: Vec<bool> = parts.iter().map(|part| !inner(part).iter().any(|inner| all.contains(inner))).collect();
    drop(all);
    parts.into_iter().zip(keep).filter_map(|(part, keep)| keep.then_some(part)).collect()
}

/// Alternatives with all patterns of one field and case in one test.
fn merged(parts: Vec<Formula>) -> Vec<Formula> {
    let mut merged: Vec<(Formula, Vec<TextSet>)> = Vec::new();
    for part in parts {
        let slot = merged.iter_mut().find_map(|(known, more)| match (known, &part) {
            (
                Formula::Test(Test { subject, predicate: Predicate::Text(all), .. }),
                Formula::Test(Test { subject: other, predicate: Predicate::Text(set), .. }),
            ) if subject == other && all.case == set.case => Some((more, set)),
            _ => None,
        });
        match slot {
            Some((more, set)) => more.push(set.clone()),
            None => merged.push((part, Vec::new())),
        }
    }
    let with_more = |(mut part, more): (Formula, Vec<TextSet>)| {
        if let Formula::Test(Test { predicate: Predicate::Text(set), .. }) = &mut part
            && !more.is_empty()
        {
            let all = set.any.iter().chain(more.iter().flat_map(|set| set.any.iter()));
            *set = each_once(&TextSet::new(all.cloned().collect::<Vec<_>>(), set.case));
        }
        part
    };
    merged.into_iter().map(with_more).collect()
}

/// A set of patterns, each once.
fn each_once(set: &TextSet) -> TextSet {
    let mut seen: HashSet<&Pattern, RandomState> = HashSet::default();
    if set.any.len() < 2 || set.any.iter().all(|pattern| seen.insert(pattern)) {
        return set.clone();
    }
    seen.clear();
    TextSet::new(set.any.iter().filter(|pattern| seen.insert(*pattern)).cloned().collect::<Vec<_>>(), set.case)
}

fn simplify_test(test: &Test) -> Formula {
    let Predicate::Text(set) = &test.predicate else { return Formula::Test(test.clone()) };
    if set.any.is_empty() {
        return Formula::FALSE;
    }
    let anything = Pattern::Glob(Glob::contains(""));
    let predicate = if set.any.contains(&anything) { Predicate::Exists } else { Predicate::Text(each_once(set)) };
    Formula::Test(Test { subject: test.subject.clone(), predicate, origin: test.origin })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::Case;
    use crate::logic::decide::oracle::{event, formula, glob, path};
    use crate::logic::decide::{Answer, Budget, Reason, Schema, equivalent};
    use crate::logic::evaluate::{Reading, evaluate};

    /// How many tests and connectives a formula has.
    fn size(formula: &Formula) -> usize {
        match formula {
            Formula::And(parts) | Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => {
                1 + parts.iter().map(size).sum::<usize>()
            }
            Formula::Not(part) | Formula::Element { body: part, .. } => 1 + size(part),
            Formula::Test(_) => 1,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_meaning_is_kept(formula in formula(), events in prop::collection::vec(event(), 20)) {
            let simple = simplify(&formula);
            prop_assert!(size(&simple) <= size(&formula));
            prop_assert_eq!(&simplify(&simple), &simple, "a second time changes nothing");
            for reading in [Reading::Must, Reading::May] {
                for event in &events {
                    prop_assert_eq!(evaluate(&formula, event, reading), evaluate(&simple, event, reading));
                }
                match equivalent(&formula, &simple, reading, &Schema::default(), &Budget::default()) {
                    Answer::Holds => {}
                    Answer::Fails(event) => prop_assert!(false, "{event} tells them apart"),
                    Answer::Undecided(reason) => prop_assert!(!matches!(reason, Reason::Unconfirmed(_)), "{reason}"),
                }
            }
        }
    }

    #[test]
    fn repetitions_are_dropped_and_patterns_put_together() {
        let (a, b) = (glob("f", "a"), glob("g", "b"));
        let absorbed = Formula::Or(vec![a.clone(), Formula::And(vec![a.clone(), b.clone()]), a.clone()]);
        assert_eq!(simplify(&absorbed), a);
        let listed = simplify(&Formula::Or(vec![glob("f", "a"), b.clone(), glob("f", "c"), glob("f", "a")]));
        let set =
            TextSet::new(vec![Pattern::Glob(Glob::equals("a")), Pattern::Glob(Glob::equals("c"))], Case::Sensitive);
        assert_eq!(listed, Formula::Or(vec![Formula::test(&path("f"), Predicate::Text(set)), b]));
        assert_eq!(simplify(&glob("f", "*")), Formula::test(&path("f"), Predicate::Exists));
        let counted = Formula::AtLeast { count: 2, of: vec![Formula::TRUE, Formula::FALSE, a.clone()] };
        assert_eq!(simplify(&counted), a);
    }
}
