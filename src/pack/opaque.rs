//! Long lists and long values: their languages are too large to compare, and where a rule asks the very same of a field
//! as its detection does, there is nothing to compare.
//!
//! Such a test becomes a test without content on both sides. What then holds for all events held before: the values of a
//! field give the new test some truth value, and the decision was about all of them. Where the detection leaves the case
//! of letters open, the rule may read them either way, because formulas are monotone in their tests (below `not` with the
//! sides swapped): must with the strict reading implies must with the rule's, and may with the rule's implies may with the
//! loose one. That the answer is no says nothing; the whole question is asked then.

use std::collections::{HashMap, HashSet};

use crate::logic::{Case, Formula, Path, Pattern, Piece, Predicate, Subject, TextSet};

/// From how much text on a test is worth to be told apart.
const LONG: usize = 2 << 10;

/// The condition and the rule without the long tests that both of them have; none if there are no such tests.
pub fn opaque(condition: &Formula, rule: &Formula) -> Option<(Formula, Formula)> {
    if !(has_long_tests(condition) && has_long_tests(rule)) {
        return None;
    }
    let (condition, rule) = (gathered(condition), gathered(rule));
    let (wanted, asked) = (long_tests(&condition), long_tests(&rule));
    // One reading of the rule's, and one of the condition's that has room for it. What an expression excludes, such as
    // `[^a]`, excludes more when the case of letters is ignored.
    let has_room = |key: &Key, wanted: Case, reading: Case| match (wanted, reading) {
        (Case::Either, Case::Sensitive) => true,
        (Case::Either, Case::Insensitive) => !key.1.iter().any(|pattern| matches!(pattern, Pattern::Regex(_))),
        (_, Case::Either) => false,
        (wanted, reading) => wanted == reading,
    };
    let is_same =
        |(key, readings): &(&Key, &Vec<Case>)| match (readings.as_slice(), wanted.get(*key).map(Vec::as_slice)) {
            ([reading], Some([wanted])) => has_room(key, *wanted, *reading),
            _ => false,
        };
    let mut same: Vec<&Key> = asked.iter().filter(is_same).map(|(key, _)| key).collect();
    same.sort_unstable();
    let name = |(at, key): (usize, &Key)| (key.clone(), Path::from_segments([format!("long test {at}")]));
    let names: HashMap<Key, Path> = same.into_iter().enumerate().map(name).collect();
    (!names.is_empty()).then(|| (without(&condition, &names), without(&rule, &names)))
}

/// What is left of the condition and of the rule when a long test asks only for what the other side's tests on the field
/// do not have. An event that satisfies one of them is likely to be one on which the two differ; it has to be tried.
pub fn suspects(condition: &Formula, rule: &Formula) -> Vec<Formula> {
    if !(has_long_tests(condition) || has_long_tests(rule)) {
        return Vec::new();
    }
    let sides = [gathered(condition), gathered(rule)];
    let [wanted, asked] = sides.each_ref().map(patterns);
    let left = |side: &Formula, other: &HashMap<Path, HashSet<Pattern>>| {
        let mut changed = false;
        let left = restricted(side, other, &mut changed);
        changed.then_some(left)
    };
    let [condition, rule] = &sides;
    [left(condition, &asked), left(rule, &wanted)].into_iter().flatten().collect()
}

/// All patterns that a formula asks for, by field.
fn patterns(formula: &Formula) -> HashMap<Path, HashSet<Pattern>> {
    let mut found: HashMap<Path, HashSet<Pattern>> = HashMap::new();
    formula.each_test(&mut |_, test| {
        if let (Subject::Field(path), Predicate::Text(set)) = (&test.subject, &test.predicate) {
            found.entry(path.clone()).or_default().extend(set.any.iter().cloned());
        }
    });
    found
}

fn restricted(formula: &Formula, other: &HashMap<Path, HashSet<Pattern>>, changed: &mut bool) -> Formula {
    replaced(formula, &mut |path, set| {
        let there = other.get(path)?;
        let own: Vec<Pattern> = set.any.iter().filter(|pattern| !there.contains(*pattern)).cloned().collect();
        if own.is_empty() {
            return None;
        }
        *changed = true;
        Some(Formula::test(path, Predicate::Text(TextSet::new(own, set.case))))
    })
}

/// Whose values are asked, and for which patterns, in order.
type Key = (Path, Vec<Pattern>);

fn key(path: &Path, set: &TextSet) -> Key {
    let mut patterns = set.any.to_vec();
    patterns.sort_unstable();
    patterns.dedup();
    (path.clone(), patterns)
}

/// How much text a test asks for.
fn length(predicate: &Predicate) -> usize {
    let of_pattern = |pattern: &Pattern| match pattern {
        Pattern::Glob(glob) => {
            glob.pieces().iter().map(|piece| if let Piece::Literal(t) = piece { t.len() } else { 1 }).sum()
        }
        Pattern::Regex(text) | Pattern::Path { path: text, .. } => text.len(),
    };
    match predicate {
        Predicate::Text(set) => set.any.iter().map(of_pattern).sum::<usize>(),
        _ => 0,
    }
}

fn long(predicate: &Predicate) -> Option<&TextSet> {
    match predicate {
        Predicate::Text(set) if length(predicate) > LONG => Some(set),
        _ => None,
    }
}

/// Whether a test may be long once alternatives are gathered. Few conditions have one, and all are asked.
fn has_long_tests(formula: &Formula) -> bool {
    let mut all = 0;
    formula.each_test(&mut |_, test| all += length(&test.predicate));
    all > LONG
}

/// The long tests of a formula, with the cases that they are read in. Where they stand makes no difference: in a
/// same-element condition a test is one on the element, whichever that is.
fn long_tests(formula: &Formula) -> HashMap<Key, Vec<Case>> {
    let mut found: HashMap<Key, Vec<Case>> = HashMap::new();
    formula.each_test(&mut |_, test| {
        if let (Subject::Field(path), Some(set)) = (&test.subject, long(&test.predicate)) {
            let cases = found.entry(key(path, set)).or_default();
            if !cases.contains(&set.case) {
                cases.push(set.case);
            }
        }
    });
    found
}

fn without(formula: &Formula, names: &HashMap<Key, Path>) -> Formula {
    replaced(formula, &mut |path, set| Some(Formula::test(names.get(&key(path, set))?, Predicate::Exists)))
}

/// The formula with long tests replaced, where there is something to replace them with.
fn replaced(formula: &Formula, by: &mut dyn FnMut(&Path, &TextSet) -> Option<Formula>) -> Formula {
    let mut all = |parts: &[Formula]| -> Vec<Formula> { parts.iter().map(|part| replaced(part, by)).collect() };
    match formula {
        Formula::And(parts) => Formula::And(all(parts)),
        Formula::Or(parts) => Formula::Or(all(parts)),
        Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: all(of) },
        Formula::Not(part) => Formula::Not(Box::new(replaced(part, by))),
        Formula::Element { path, body } => Formula::Element { path: path.clone(), body: Box::new(replaced(body, by)) },
        Formula::Test(test) => {
            let new = match (&test.subject, long(&test.predicate)) {
                (Subject::Field(path), Some(set)) => by(path, set),
                _ => None,
            };
            new.unwrap_or_else(|| formula.clone())
        }
    }
}

/// The formula with alternatives on the values of one field in one test: some value is in one list or in another if it is
/// in both together, and none is in any of several if it is not in all of them together.
fn gathered(formula: &Formula) -> Formula {
    let all = |parts: &[Formula]| -> Vec<Formula> { parts.iter().map(gathered).collect() };
    match formula {
        Formula::And(parts) => {
            let (denied, mut rest): (Vec<Formula>, Vec<Formula>) =
                flat(all(parts), true).into_iter().partition(|part| matches!(part, Formula::Not(_)));
            let denied = denied.into_iter().filter_map(|part| match part {
                Formula::Not(part) => Some(*part),
                _ => None,
            });
            rest.extend(joined(denied.collect()).into_iter().map(Formula::not));
            Formula::and(rest)
        }
        Formula::Or(parts) => Formula::or(joined(flat(all(parts), false))),
        Formula::Not(part) => Formula::not(gathered(part)),
        Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: all(of) },
        Formula::Element { path, body } => Formula::Element { path: path.clone(), body: Box::new(gathered(body)) },
        Formula::Test(_) => formula.clone(),
    }
}

fn flat(parts: Vec<Formula>, is_and: bool) -> Vec<Formula> {
    let open = |part: Formula| match part {
        Formula::And(parts) if is_and => parts,
        Formula::Or(parts) if !is_and => parts,
        part => vec![part],
    };
    parts.into_iter().flat_map(open).collect()
}

fn joined(parts: Vec<Formula>) -> Vec<Formula> {
    let mut lists: Vec<(Path, Case, Vec<Pattern>)> = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match &part {
            Formula::Test(test) => match (&test.subject, &test.predicate) {
                (Subject::Field(path), Predicate::Text(set)) => {
                    match lists.iter_mut().find(|(of, case, _)| of == path && *case == set.case) {
                        Some((_, _, any)) => any.extend(set.any.iter().cloned()),
                        None => lists.push((path.clone(), set.case, set.any.to_vec())),
                    }
                }
                _ => rest.push(part),
            },
            _ => rest.push(part),
        }
    }
    let list =
        |(path, case, any): (Path, Case, Vec<Pattern>)| Formula::test(&path, Predicate::Text(TextSet::new(any, case)));
    rest.extend(lists.into_iter().map(list));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::decide::{Budget, Satisfiability, Schema, between, satisfiable};
    use crate::logic::{Event, Glob, Reading, evaluate};

    fn list(field: &str, from: usize, to: usize, case: Case) -> Formula {
        let any = (from..to).map(|n| Pattern::Glob(Glob::equals(format!("{n:032}")))).collect();
        Formula::test(&Path::from_segments([field]), Predicate::Text(TextSet::new(any, case)))
    }

    fn is_proved(condition: &Formula, rule: &Formula) -> bool {
        let Some((condition, rule)) = opaque(condition, rule) else { return false };
        between(&condition, &rule, &Schema::default(), &Budget::default()).holds()
    }

    #[test]
    fn a_long_list_that_both_sides_have_is_not_compared() {
        let short = list("b", 0, 1, Case::Either);
        let wanted = Formula::and([list("a", 0, 500, Case::Either), Formula::not(short.clone())]);
        // In another order, divided, read in one case, and with something in it that follows.
        let divided = Formula::or([list("a", 250, 500, Case::Sensitive), list("a", 0, 250, Case::Sensitive)]);
        let denied = Formula::not(list("b", 0, 1, Case::Insensitive));
        assert!(is_proved(
            &wanted,
            &Formula::and([denied.clone(), divided.clone(), Formula::or([denied.clone(), divided])])
        ));
        // What is denied as a whole is denied one by one.
        let each = Formula::and([0, 1, 2, 3].map(|n| Formula::not(list("a", n * 125, (n + 1) * 125, Case::Sensitive))));
        assert!(is_proved(&Formula::not(list("a", 0, 500, Case::Either)), &each));
    }

    #[test]
    fn what_asks_something_else_is_not_proved() {
        let wanted = Formula::and([list("a", 0, 500, Case::Sensitive), list("b", 0, 1, Case::Sensitive)]);
        let b = list("b", 0, 1, Case::Sensitive);
        for rule in [
            Formula::and([list("a", 0, 499, Case::Sensitive), b.clone()]),
            Formula::and([list("a", 0, 501, Case::Sensitive), b.clone()]),
            Formula::and([list("a", 0, 500, Case::Insensitive), b.clone()]),
            Formula::and([list("a", 0, 500, Case::Either), b.clone()]),
            Formula::and([list("c", 0, 500, Case::Sensitive), b.clone()]),
            Formula::or([list("a", 0, 500, Case::Sensitive), b.clone()]),
            Formula::and([Formula::not(list("a", 0, 500, Case::Sensitive)), b.clone()]),
            list("a", 0, 500, Case::Sensitive),
        ] {
            assert!(!is_proved(&wanted, &rule), "{rule:?}");
        }
        // Read in two ways, it is not one test.
        let open = list("a", 0, 500, Case::Either);
        let twice = Formula::and([
            Formula::or([list("a", 0, 500, Case::Sensitive), b.clone()]),
            Formula::or([list("a", 0, 500, Case::Insensitive), Formula::not(b.clone())]),
        ]);
        assert!(!is_proved(&open, &twice));
        // All of several lists is not one of them.
        let both = Formula::and([list("a", 0, 250, Case::Sensitive), list("a", 250, 500, Case::Sensitive)]);
        assert!(!is_proved(&both, &list("a", 0, 500, Case::Sensitive)));
    }

    #[test]
    fn what_excludes_letters_is_less_without_their_case() {
        let excluding = |case| {
            let any = vec![Pattern::Regex(format!("^[^a]{}$", "x".repeat(LONG)))];
            Formula::test(&Path::from_segments(["a"]), Predicate::Text(TextSet::new(any, case)))
        };
        assert!(is_proved(&excluding(Case::Either), &excluding(Case::Sensitive)));
        assert!(!is_proved(&excluding(Case::Either), &excluding(Case::Insensitive)));
    }

    #[test]
    fn one_entry_of_a_long_list_that_is_another_is_found() {
        let wanted = Formula::and([list("a", 0, 2_000, Case::Either), list("b", 0, 1, Case::Sensitive)]);
        let other = Formula::or([list("a", 0, 700, Case::Sensitive), list("a", 701, 2_001, Case::Sensitive)]);
        let rule = Formula::and([other, list("b", 0, 1, Case::Sensitive)]);
        assert!(opaque(&wanted, &rule).is_none());
        let events: Vec<Event> = suspects(&wanted, &rule)
            .iter()
            .map(|suspect| match satisfiable(suspect, Reading::Must, &Schema::default(), &Budget::default()) {
                Satisfiability::Sat(event) => event,
                other => panic!("{other:?}"),
            })
            .collect();
        let says = |formula: &Formula| -> Vec<bool> {
            events.iter().map(|event| evaluate(formula, event, Reading::Must)).collect()
        };
        assert_eq!((says(&wanted), says(&rule)), (vec![true, false], vec![false, true]));
        assert!(suspects(&wanted, &wanted).is_empty());
    }
}
