//! One form for many spellings: conditions that differ in the order of their parts, in repetitions, in double
//! negations or in how negations are distributed have the same normal form.
//!
//! It is a cheap way to see that nothing changed. Conditions whose normal forms differ may still mean the same; that
//! is for [`decide`](super::decide).

use super::formula::{Formula, Predicate, Test};
use super::pattern::TextSet;
use super::serial;
use super::simplify::simplify;

/// The normal form of a condition. Both readings keep their meaning.
pub fn normal(formula: &Formula) -> Formula {
    let mut form = formula.clone();
    // Sorting brings equal parts together that simplifying then merges, and the other way round.
    for _ in 0..4 {
        let next = sorted(&simplify(&inward(&form, false)));
        if next == form {
            break;
        }
        form = next;
    }
    form
}

/// With negations at the tests, as far as they go.
fn inward(formula: &Formula, negated: bool) -> Formula {
    let all = |parts: &[Formula]| parts.iter().map(|part| inward(part, negated)).collect::<Vec<Formula>>();
    match formula {
        Formula::And(parts) if negated => Formula::or(all(parts)),
        Formula::And(parts) => together(Formula::and(all(parts))),
        Formula::Or(parts) if negated => together(Formula::and(all(parts))),
        Formula::Or(parts) => Formula::or(all(parts)),
        Formula::Not(part) => inward(part, !negated),
        Formula::AtLeast { count, of } => {
            let of = of.iter().map(|part| inward(part, false)).collect();
            not_if(negated, Formula::at_least(*count, of))
        }
        Formula::Element { path, body } => not_if(negated, Formula::element(path.clone(), inward(body, false))),
        Formula::Test(_) => not_if(negated, formula.clone()),
    }
}

fn not_if(negated: bool, formula: Formula) -> Formula {
    if negated { Formula::not(formula) } else { formula }
}

/// A conjunction with all that is denied in it denied at once: `not a and not b` is `not (a or b)`, which puts the
/// patterns of one field together. What is left of it after that are tests, denied one by one.
fn together(formula: Formula) -> Formula {
    let Formula::And(parts) = formula else { return formula };
    let (denied, mut rest): (Vec<Formula>, Vec<Formula>) =
        parts.into_iter().partition(|part| matches!(part, Formula::Not(_)));
    let denied = denied.into_iter().map(Formula::not);
    match simplify(&Formula::or(denied)) {
        Formula::Or(parts) => rest.extend(parts.into_iter().map(Formula::not)),
        one => rest.push(Formula::not(one)),
    }
    Formula::and(rest)
}

/// With the parts of everything in one order.
fn sorted(formula: &Formula) -> Formula {
    let all = |parts: &[Formula]| {
        let mut parts: Vec<Formula> = parts.iter().map(sorted).collect();
        parts.sort_by_cached_key(serial::key);
        parts
    };
    match formula {
        Formula::And(parts) => Formula::And(all(parts)),
        Formula::Or(parts) => Formula::Or(all(parts)),
        Formula::Not(part) => Formula::Not(Box::new(sorted(part))),
        Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: all(of) },
        Formula::Element { path, body } => Formula::element(path.clone(), sorted(body)),
        Formula::Test(Test { subject, predicate: Predicate::Text(set), origin }) => {
            let mut any = set.any.to_vec();
            any.sort();
            any.dedup();
            let predicate = Predicate::Text(TextSet::new(any, set.case));
            Formula::Test(Test { subject: subject.clone(), predicate, origin: *origin })
        }
        Formula::Test(test) => Formula::Test(test.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::oracle::{event, formula, glob};
    use crate::logic::{Reading, evaluate};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn the_meaning_is_kept(formula in formula(), events in prop::collection::vec(event(), 30)) {
            let form = normal(&formula);
            for event in &events {
                for reading in [Reading::Must, Reading::May] {
                    prop_assert_eq!(evaluate(&formula, event, reading), evaluate(&form, event, reading));
                }
            }
            prop_assert_eq!(normal(&form), form);
        }

        #[test]
        fn order_and_the_place_of_negations_do_not_matter(parts in prop::collection::vec(formula(), 1..4)) {
            let mut turned = parts.clone();
            turned.reverse();
            prop_assert_eq!(normal(&Formula::And(parts.clone())), normal(&Formula::And(turned.clone())));
            prop_assert_eq!(normal(&Formula::Or(parts.clone())), normal(&Formula::Or(turned.clone())));
            let denied: Vec<Formula> = turned.iter().map(|part| Formula::Not(Box::new(part.clone()))).collect();
            prop_assert_eq!(
                normal(&Formula::Not(Box::new(Formula::Or(parts)))),
                normal(&Formula::And(denied))
            );
        }
    }

    #[test]
    fn alternatives_are_one_list_however_they_are_denied() {
        let (a, b) = (glob("f", "a"), glob("f", "b*"));
        let each = Formula::And(vec![Formula::not(b.clone()), Formula::not(a.clone())]);
        let both = Formula::Not(Box::new(Formula::Or(vec![a, b])));
        assert_eq!(normal(&each), normal(&both));
        assert!(matches!(normal(&both), Formula::Not(test) if matches!(*test, Formula::Test(_))));
    }
}
