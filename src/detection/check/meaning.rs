//! Conditions and selections that can never be true or always are, decided over all events.

use crate::detection::model::Observation;
use crate::detection::parse::{ObserveSpans, Parsed};
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::logic::decide::{Answer, Budget, Reason, Satisfiability, Schema, disjoint, satisfiable, tautology};
use crate::logic::{Event, Formula, Predicate, Reading, evaluate};
use crate::source::{Catalogue, Source};

pub(super) fn check(parsed: &Parsed, catalogue: &Catalogue, problems: &mut Vec<Diagnostic>) {
    let rest = &parsed.rest;
    let read = parsed.detection.as_ref().map(|detection| &detection.observations).or(rest.observations.as_ref());
    let (Some(read), Some(file)) = (read, &rest.file) else { return };
    for (observation, spans) in read.iter().zip(&parsed.spans.observe) {
        let schema = catalogue.source(&observation.source).map(Source::schema).unwrap_or_default();
        let place = |span: &std::ops::Range<usize>| Place { file: file.clone(), span: span.clone() };
        one(observation, spans, &schema, &place, problems);
    }
}

fn one(
    observation: &Observation,
    spans: &ObserveSpans,
    schema: &Schema,
    place: &dyn Fn(&std::ops::Range<usize>) -> Place,
    problems: &mut Vec<Diagnostic>,
) {
    let budget = Budget::default();
    let mut faulty = false;
    // What one event shows of the selections need not be decided for each of them.
    let whole =
        is_decided(&observation.formula).then(|| satisfiable(&observation.formula, Reading::Must, schema, &budget));
    let found = match &whole {
        Some(Satisfiability::Sat(event)) => Some(event),
        _ => None,
    };
    let nothing = Event::Object(serde_json::Map::new());
    for (name, formula) in &observation.selections {
        let Some(span) = spans.selections.get(name) else { continue };
        let is_seen = found.is_some_and(|event| evaluate(formula, event, Reading::Must));
        if !is_seen && never(formula, schema, &budget) {
            faulty = true;
            problems.push(
                Diagnostic::new(Code::NeverTrue, place(span), format!("no event can satisfy `{name}`"))
                    .help("the tests of a map all have to hold; alternatives are a list of values or a list of maps"),
            );
        } else if evaluate(formula, &nothing, Reading::May) && always(formula, schema, &budget) {
            faulty = true;
            problems.push(
                Diagnostic::new(Code::AlwaysTrue, place(span), format!("every event satisfies `{name}`"))
                    .help("it narrows nothing down: test for less, or delete it"),
            );
        }
    }
    // What a selection is to blame for is told once.
    let Some(whole) = whole.filter(|_| !faulty) else { return };
    let shown = place(&spans.condition);
    // What no rule must match is never found; what every rule may match says nothing.
    match whole {
        Satisfiability::Unsat => {
            let mut problem = Diagnostic::new(Code::NeverTrue, shown, "no event can satisfy the condition");
            match contradiction(observation, schema, &budget) {
                Some((a, b)) => {
                    for name in [a, b] {
                        if let Some(span) = spans.selections.get(name) {
                            problem = problem.label(place(span), "one of the two");
                        }
                    }
                    problem = problem.help(format!("`{a}` and `{b}` cannot hold for one event; was `or` meant?"));
                }
                None => problem = problem.help("parts of it exclude each other; was `or` meant, or a `not` too many?"),
            }
            problems.push(problem);
        }
        // Whether the time is up depends on the machine: not a thing to tell one author and not the next.
        Satisfiability::Undecided(Reason::Time) => {}
        Satisfiability::Undecided(reason) => problems.push(
            Diagnostic::new(Code::Undecided, shown, "it could not be decided whether the condition can be true")
                .note(reason.to_string())
                .help("the detection works; rules made from it may be `tested` instead of `proved`"),
        ),
        Satisfiability::Sat(_) => {
            if evaluate(&observation.formula, &nothing, Reading::May)
                && tautology(&observation.formula, Reading::May, schema, &budget) == Answer::Holds
            {
                problems.push(
                    Diagnostic::new(Code::AlwaysTrue, shown, "every event satisfies the condition")
                        .help("it would fire on everything; is a `not` wrong, or an `or` that should be `and`?"),
                );
            }
        }
    }
}

/// Whether the verdict on a formula can be relied on: a pattern that goes beyond an option's value is decided as a part
/// of the whole command line.
pub fn is_decided(formula: &Formula) -> bool {
    let mut decided = true;
    formula.each_test(&mut |_, test| {
        if let Predicate::Option(option) = &test.predicate {
            decided &= option.stays_in_its_value();
        }
    });
    decided
}

fn never(formula: &Formula, schema: &Schema, budget: &Budget) -> bool {
    is_decided(formula) && satisfiable(formula, Reading::Must, schema, budget) == Satisfiability::Unsat
}

fn always(formula: &Formula, schema: &Schema, budget: &Budget) -> bool {
    tautology(formula, Reading::May, schema, budget) == Answer::Holds
}

/// Two selections that exclude each other.
fn contradiction<'o>(observation: &'o Observation, schema: &Schema, budget: &Budget) -> Option<(&'o str, &'o str)> {
    let selections: Vec<(&String, &Formula)> = observation.selections.iter().take(16).collect();
    selections.iter().enumerate().find_map(|(at, (a, left))| {
        selections
            .iter()
            .skip(at + 1)
            .find(|(_, right)| disjoint(left, right, Reading::Must, schema, budget) == Answer::Holds)
            .map(|(b, _)| (a.as_str(), b.as_str()))
    })
}
