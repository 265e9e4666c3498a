//! Events on which a rule is tried when its meaning cannot be decided: for every test of a condition, one in which that
//! test alone makes the condition true and one in which it alone makes it false (MC/DC), and the recorded events.

use serde_json::{Value, json};

use crate::logic::decide::{Budget, Derivation, Derived, Satisfiability, Schema, satisfiable};
use crate::logic::{Event, Formula, Path, Reading, Test, event};

/// How many tests of a condition are looked at.
const MAX_TESTS: usize = 200;

/// Events in which single tests of `formula` decide. Those that cannot be found within `budget` are left out.
pub(super) fn deciding(formula: &Formula, schema: &Schema, budget: &Budget) -> Vec<Event> {
    let mut tests: Vec<Test> = Vec::new();
    formula.each_test(&mut |_, test| tests.push(test.clone()));
    let mut events: Vec<Event> = Vec::new();
    for at in 0..tests.len().min(MAX_TESTS) {
        let (with, without) = (put(formula, at, &Formula::TRUE), put(formula, at, &Formula::FALSE));
        // Where both differ, the test decides; the formula itself says which way.
        let decides = Formula::or([
            Formula::and([with.clone(), Formula::not(without.clone())]),
            Formula::and([without, Formula::not(with)]),
        ]);
        for wanted in [formula.clone(), Formula::not(formula.clone())] {
            let question = Formula::and([decides.clone(), wanted]);
            if let Satisfiability::Sat(mut event) = satisfiable(&question, Reading::Must, schema, budget) {
                complete(&mut event, schema);
                if !events.contains(&event) {
                    events.push(event);
                }
            }
        }
    }
    events
}

/// Gives an event the fields that follow from those that it has, and those from which these follow: what one condition
/// asks is no event of the source without what another asks.
pub(super) fn complete(event: &mut Event, schema: &Schema) {
    for Derived { field, from, how } in &schema.derived {
        let texts = |event: &Event, path: &Path| -> Vec<String> {
            event::values(event, path).into_iter().map(|value| event::text(value).into_owned()).collect()
        };
        let (has, source) = (texts(event, field), texts(event, from));
        let (path, value) = match (has.as_slice(), source.as_slice(), how) {
            ([], [_, ..], Derivation::Joined) => (field, json!(source.join(" "))),
            ([line], [], Derivation::Joined) => (from, json!(line.split(' ').collect::<Vec<_>>())),
            ([], [whole], Derivation::LastSegment) => (field, json!(whole.rsplit('/').next())),
            ([name], [], Derivation::LastSegment) => (from, json!(format!("/{name}"))),
            _ => continue,
        };
        let missing = path.segments().iter().rev().fold(value, |inner, segment| json!({ segment.as_ref(): inner }));
        *event = with(event.take(), &missing);
    }
}

/// `formula` with something else in the place of its test number `at`.
fn put(formula: &Formula, at: usize, new: &Formula) -> Formula {
    fn walk(formula: &Formula, left: &mut Option<usize>, new: &Formula) -> Formula {
        let mut each = |parts: &[Formula]| parts.iter().map(|part| walk(part, left, new)).collect();
        match formula {
            Formula::And(parts) => Formula::And(each(parts)),
            Formula::Or(parts) => Formula::Or(each(parts)),
            Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: each(of) },
            Formula::Not(part) => Formula::Not(Box::new(walk(part, left, new))),
            Formula::Element { path, body } => {
                Formula::Element { path: path.clone(), body: Box::new(walk(body, left, new)) }
            }
            Formula::Test(test) => match left {
                Some(0) => {
                    *left = None;
                    new.clone()
                }
                Some(more) => {
                    *more -= 1;
                    Formula::Test(test.clone())
                }
                None => Formula::Test(test.clone()),
            },
        }
    }
    walk(formula, &mut Some(at), new)
}

/// `event`, with what only `more` has.
pub(super) fn with(mut event: Event, more: &Event) -> Event {
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        for (key, value) in more {
            match event.get_mut(key) {
                Some(known) => *known = with(known.take(), value),
                None => _ = event.insert(key.clone(), value.clone()),
            }
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{Case, Predicate, TextSet, evaluate};
    use serde_json::json;

    fn test(field: &str) -> Formula {
        let set = TextSet::equals("x", Case::Sensitive);
        Formula::test(&field.parse().expect("a path"), Predicate::Text(set))
    }

    #[test]
    fn every_test_decides_once_in_each_direction() {
        let formula = Formula::And(vec![test("a"), Formula::Or(vec![test("b"), Formula::not(test("c"))])]);
        let events = deciding(&formula, &Schema::default(), &Budget::default());
        for at in 0..3 {
            let (with, without) = (put(&formula, at, &Formula::TRUE), put(&formula, at, &Formula::FALSE));
            let says = |formula: &Formula, event: &Event| evaluate(formula, event, Reading::Must);
            let deciding: Vec<bool> = events
                .iter()
                .filter(|event| says(&with, event) != says(&without, event))
                .map(|event| says(&formula, event))
                .collect();
            assert!(deciding.contains(&true) && deciding.contains(&false), "{at}: {events:?}");
        }
    }

    #[test]
    fn events_are_put_together_without_losing_anything() {
        let event = json!({ "a": { "b": 1 }, "c": [1] });
        let more = json!({ "a": { "b": 2, "d": 3 }, "e": 4 });
        assert_eq!(with(event, &more), json!({ "a": { "b": 1, "d": 3 }, "c": [1], "e": 4 }));
    }
}
