//! The reference evaluator: what a formula says of one event, written to be obviously right, not fast.
//!
//! [`evaluate`] gives the verdict, [`explain`] the same verdict with every test's part in it. The fast matcher is
//! held to these by a property test.

use std::ops::ControlFlow;

use serde_json::Value;

use super::event::{self, Event};
use super::formula::{Comparison, Formula, Predicate, Subject, Test};
use super::path::Path;

/// Which of the two sets of events a formula denotes is asked for (DESIGN: *Must and may*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Events that every target's rule has to match.
    Must,
    /// Events that a rule is free to match.
    May,
}

impl Reading {
    /// The reading under a negation.
    pub fn swapped(self) -> Self {
        match self {
            Reading::Must => Reading::May,
            Reading::May => Reading::Must,
        }
    }
}

/// Whether `event` satisfies `formula` in the given reading.
pub fn evaluate(formula: &Formula, event: &Event, reading: Reading) -> bool {
    match formula {
        Formula::And(parts) => parts.iter().all(|part| evaluate(part, event, reading)),
        Formula::Or(parts) => parts.iter().any(|part| evaluate(part, event, reading)),
        Formula::Not(part) => !evaluate(part, event, reading.swapped()),
        Formula::AtLeast { count, of } => of.iter().filter(|part| evaluate(part, event, reading)).count() >= *count,
        Formula::Element { path, body } => event::any_element(event, path, |element| evaluate(body, element, reading)),
        Formula::Test(test) => evaluate_test(test, event, reading).is_some(),
    }
}

/// The first value that makes `test` true, as text; `None` if the test is false.
fn evaluate_test(test: &Test, event: &Event, reading: Reading) -> Option<String> {
    let path = match &test.subject {
        Subject::Field(path) => path,
        Subject::Anywhere => {
            let mut found = None;
            event::any_scalar(event, &mut |value| {
                let holds = holds(&test.predicate, value, event, reading);
                if holds {
                    found = Some(event::text(value).into_owned());
                }
                holds
            });
            return found;
        }
    };
    if let Predicate::Option(option) = &test.predicate {
        let values: Vec<_> = event::values(event, path).into_iter().map(event::text).collect();
        let argv: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let line = || argv.join(" ");
        let given = match reading {
            Reading::Must => option.is_given(&argv),
            Reading::May => option.is_given(&argv) || is_loosely_given(option, &line()),
        };
        return given.then(line);
    }
    let mut found = None;
    let _: ControlFlow<()> = event::each_value(event, path, &mut |value| {
        if holds(&test.predicate, value, event, reading) {
            found = Some(event::text(value).into_owned());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    found
}

/// Whether the joined line holds the option's text.
fn is_loosely_given(option: &super::option::OptionTest, line: &str) -> bool {
    let fold = if option.folds(true) { "(?i)" } else { "" };
    regex::Regex::new(&format!("{fold}^(?:{})$", option.loose_regex())).is_ok_and(|regex| regex.is_match(line))
}

/// Whether one value satisfies a predicate.
fn holds(predicate: &Predicate, value: &Value, event: &Event, reading: Reading) -> bool {
    match predicate {
        Predicate::Text(set) => set.is_match(&event::text(value), reading == Reading::May),
        Predicate::Encoded(encoding, set) => set.is_match(&encoding.text(&event::text(value)), reading == Reading::May),
        Predicate::Number { op, value: bound } => {
            event::number(value).and_then(|n| n.partial_cmp(&bound.get())).is_some_and(|order| op.holds(order))
        }
        Predicate::Network(network) => address(value).is_some_and(|address| network.contains(&address)),
        Predicate::Boolean(wanted) => event::boolean(value) == Some(*wanted),
        Predicate::Exists => true,
        Predicate::Field { op, other } => event::any_value(event, other, |other| compares(value, *op, other)),
        // An option looks at the vector, never at one value of it.
        Predicate::Option(_) => false,
    }
}

fn address(value: &Value) -> Option<std::net::IpAddr> {
    event::text(value).parse().ok()
}

/// How values of two fields compare: as numbers where both are numbers, else as text, by code points.
fn compares(left: &Value, op: Comparison, right: &Value) -> bool {
    match (event::number(left), event::number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right).is_some_and(|order| op.holds(order)),
        _ => op.holds(event::text(left).cmp(&event::text(right))),
    }
}

/// What a formula says of an event, part by part, without stopping at the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'f> {
    /// The part that this is about.
    pub formula: &'f Formula,
    /// Whether it holds.
    pub verdict: bool,
    /// For a test that holds, the value that decided; for [`Formula::Element`], nothing.
    pub value: Option<String>,
    /// For a test that fails, the values that were there; empty where the field has none.
    pub seen: Vec<String>,
    /// The parts of it. For [`Formula::Element`], those of the element that satisfies the body, or of the first.
    pub parts: Vec<Explanation<'f>>,
}

/// The verdict of [`evaluate`], with every part's own.
pub fn explain<'f>(formula: &'f Formula, event: &Event, reading: Reading) -> Explanation<'f> {
    let whole = |verdict, parts| Explanation { formula, verdict, value: None, seen: Vec::new(), parts };
    let each = |parts: &'f [Formula]| -> Vec<Explanation<'f>> {
        parts.iter().map(|part| explain(part, event, reading)).collect()
    };
    match formula {
        Formula::And(parts) => {
            let parts = each(parts);
            whole(parts.iter().all(|part| part.verdict), parts)
        }
        Formula::Or(parts) => {
            let parts = each(parts);
            whole(parts.iter().any(|part| part.verdict), parts)
        }
        Formula::AtLeast { count, of } => {
            let parts = each(of);
            whole(parts.iter().filter(|part| part.verdict).count() >= *count, parts)
        }
        Formula::Not(part) => {
            let part = explain(part, event, reading.swapped());
            whole(!part.verdict, vec![part])
        }
        Formula::Element { path, body } => {
            let mut shown: Option<Explanation<'f>> = None;
            let verdict = event::any_element(event, path, |element| {
                let here = explain(body, element, reading);
                let verdict = here.verdict;
                if verdict || shown.is_none() {
                    shown = Some(here);
                }
                verdict
            });
            whole(verdict, shown.into_iter().collect())
        }
        Formula::Test(test) => {
            let value = evaluate_test(test, event, reading);
            let seen = match (&value, &test.subject) {
                (None, Subject::Field(path)) => seen(event, path),
                _ => Vec::new(),
            };
            Explanation { formula, verdict: value.is_some(), value, seen, parts: Vec::new() }
        }
    }
}

fn seen(event: &Event, path: &Path) -> Vec<String> {
    event::values(event, path).into_iter().map(|value| event::text(value).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::formula::Number;
    use crate::logic::pattern::{Case, TextSet};
    use serde_json::json;

    fn path(text: &str) -> Path {
        text.parse().expect("a path")
    }

    fn text(field: &str, value: &str, case: Case) -> Formula {
        Formula::test(&path(field), Predicate::Text(TextSet::equals(value, case)))
    }

    #[test]
    fn a_test_without_values_is_false_and_its_negation_true() {
        let test = text("a", "x", Case::Sensitive);
        for event in [json!({}), json!({"a": null}), json!({"a": []}), json!({"a": [null]})] {
            assert!(!evaluate(&test, &event, Reading::Must));
            assert!(evaluate(&Formula::not(test.clone()), &event, Reading::Must));
        }
        assert!(evaluate(&test, &json!({"a": ["y", "x"]}), Reading::Must));
    }

    #[test]
    fn negation_swaps_the_readings() {
        let test = text("a", "x", Case::Either);
        let event = json!({"a": "X"});
        assert!(!evaluate(&test, &event, Reading::Must) && evaluate(&test, &event, Reading::May));
        let not = Formula::not(test);
        assert!(!evaluate(&not, &event, Reading::Must) && evaluate(&not, &event, Reading::May));
    }

    #[test]
    fn same_element_is_more_than_the_flattened_form() {
        let event = json!({"c": [{"a": 1, "b": 2}, {"a": 2, "b": 1}]});
        let number = |field: &str| {
            Formula::test(
                &path(field),
                Predicate::Number { op: Comparison::Equal, value: Number::new(1.0).expect("finite") },
            )
        };
        assert!(evaluate(&Formula::and([number("c.a"), number("c.b")]), &event, Reading::Must));
        assert!(!evaluate(
            &Formula::element(path("c"), Formula::and([number("a"), number("b")])),
            &event,
            Reading::Must
        ));
    }

    #[test]
    fn explanations_give_the_verdict_and_the_deciding_value() {
        let formula = Formula::and([text("a", "x", Case::Either), Formula::not(text("b", "y", Case::Either))]);
        let event = json!({"a": ["w", "x"], "b": "z"});
        let explanation = explain(&formula, &event, Reading::Must);
        assert!(explanation.verdict);
        assert_eq!(explanation.parts.first().and_then(|part| part.value.as_deref()), Some("x"));
    }
}
