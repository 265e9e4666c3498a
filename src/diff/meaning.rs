//! What became of a condition: does it match more events, fewer, or the same ones, and which event shows it.
//!
//! Decided over all events by inclusion in both directions. What is not decided within the budget is looked for among
//! events that are made up of the conditions' own tests; an event that is found that way counts as much as a proved
//! one, for the evaluator confirmed it, but finding none proves nothing and is told as undecided.

use serde::Serialize;

use super::minimal::minimal;
use super::sample::Samples;
use crate::detection::check;
use crate::logic::decide::{Answer, Budget, Schema, implies};
use crate::logic::{Event, Formula, Reading, evaluate, simplify};

/// Why a condition with such a pattern is not decided.
const BEYOND: &str =
    "a pattern for an option's value that may hold what ends it (a blank, say) is not compared exactly";

/// What became of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It matches the same events.
    Unchanged,
    /// It matches all that it matched, and more.
    Wider,
    /// It matches nothing new, and no longer everything.
    Narrower,
    /// It matches some events anew and some no longer.
    Both,
    /// It is not known.
    Undecided,
}

impl Change {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Unchanged => "unchanged in meaning",
            Change::Wider => "wider",
            Change::Narrower => "narrower",
            Change::Both => "wider and narrower",
            Change::Undecided => "undecided",
        }
    }
}

/// Whether there are events that one condition matches and the other does not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Moved {
    /// There are none.
    None,
    /// This is one, as small as was found.
    Some {
        /// The event.
        event: Event,
        /// How it was found.
        found_by: FoundBy,
    },
    /// It is not known.
    Undecided {
        /// Why.
        reason: String,
    },
}

/// How an event that changes sides was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// By deciding the question over all events.
    Proof,
    /// Among events made of the conditions' tests.
    Sampling,
    /// In a recorded log.
    Recorded,
}

impl FoundBy {
    /// What is said behind the event; nothing of one that is proved.
    pub fn told(self) -> &'static str {
        match self {
            FoundBy::Proof => "",
            FoundBy::Sampling => " (found by sampling)",
            FoundBy::Recorded => " (recorded)",
        }
    }
}

/// What changes sides in one reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sides {
    /// Events that are matched now and were not before.
    pub gained: Moved,
    /// Events that were matched before and are not now.
    pub lost: Moved,
}

impl Sides {
    /// Nothing changes sides.
    pub const SAME: Sides = Sides { gained: Moved::None, lost: Moved::None };

    /// What became of the condition in this reading.
    pub fn change(&self) -> Change {
        match (&self.gained, &self.lost) {
            (Moved::Some { .. }, Moved::Some { .. }) => Change::Both,
            (Moved::Undecided { .. }, _) | (_, Moved::Undecided { .. }) => Change::Undecided,
            (Moved::None, Moved::None) => Change::Unchanged,
            (Moved::Some { .. }, Moved::None) => Change::Wider,
            (Moved::None, Moved::Some { .. }) => Change::Narrower,
        }
    }

    /// Takes a recorded event as evidence where the decision had none.
    pub fn learn(&mut self, gained: Option<&Event>, lost: Option<&Event>) {
        for (side, event) in [(&mut self.gained, gained), (&mut self.lost, lost)] {
            if let (false, Some(event)) = (matches!(side, Moved::Some { .. }), event) {
                *side = Moved::Some { event: event.clone(), found_by: FoundBy::Recorded };
            }
        }
    }

    /// Why it is undecided, if it is.
    pub fn reason(&self) -> Option<&str> {
        match (&self.gained, &self.lost) {
            (Moved::Undecided { reason }, _) | (_, Moved::Undecided { reason }) => Some(reason),
            _ => None,
        }
    }
}

/// What became of a condition, in both readings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Meaning {
    /// What every target's rule must match.
    pub must: Sides,
    /// What a rule may match.
    pub may: Sides,
}

impl Meaning {
    /// What became of what rules must match.
    pub fn change(&self) -> Change {
        self.must.change()
    }

    /// Whether only what rules may match has changed, and not what they must.
    pub fn only_may(&self) -> bool {
        self.must.change() == Change::Unchanged && self.may.change() != Change::Unchanged
    }

    /// Whether nothing has changed in either reading, for certain.
    pub fn is_unchanged(&self) -> bool {
        self.must.change() == Change::Unchanged && self.may.change() == Change::Unchanged
    }
}

/// What became of a condition that was `before` and is `after`, for events that obey `schema`.
pub fn compare(before: &Formula, after: &Formula, schema: &Schema, budget: &Budget) -> Meaning {
    let (before, after) = (simplify(before), simplify(after));
    if before == after {
        return Meaning { must: Sides::SAME, may: Sides::SAME };
    }
    let exact = check::is_decided(&before) && check::is_decided(&after);
    let mut samples = Samples::new(&before, &after);
    let mut sides = |reading| {
        let mut moved = |from: &Formula, to: &Formula| moved(from, to, reading, exact, schema, budget, &mut samples);
        Sides { gained: moved(&after, &before), lost: moved(&before, &after) }
    };
    Meaning { must: sides(Reading::Must), may: sides(Reading::May) }
}

/// Whether some event satisfies `yes` and not `no`.
fn moved(
    yes: &Formula,
    no: &Formula,
    reading: Reading,
    exact: bool,
    schema: &Schema,
    budget: &Budget,
    samples: &mut Samples,
) -> Moved {
    let shows = |event: &Event| evaluate(yes, event, reading) && !evaluate(no, event, reading);
    if Follows::new().follows(yes, no) {
        return Moved::None;
    }
    // A smaller event is still one that can be: its command line is that of its arguments.
    let shows_and_is_possible = |event: &Event| shows(event) && schema.agrees(event);
    let some = |event: &Event, found_by| Moved::Some { event: minimal(event, &shows_and_is_possible), found_by };
    let reason = match implies(yes, reading, no, reading, schema, budget) {
        Answer::Fails(event) => return some(&event, FoundBy::Proof),
        Answer::Holds if exact => return Moved::None,
        Answer::Holds => BEYOND.to_owned(),
        Answer::Undecided(reason) => reason.to_string(),
    };
    match samples.find(&shows) {
        Some(event) => some(event, FoundBy::Sampling),
        None => Moved::Undecided { reason },
    }
}

/// How many pairs of parts are compared: conditions that are nested in each other have more than there is time for.
const MOST_PAIRS: usize = 100_000;

/// Whether one condition holds wherever another does for the one reason that equal parts stand in them, and tests with
/// fewer alternatives in the place of tests with more: whatever these mean, and so also where that is not compared
/// exactly, or not within the budget. A condition with a new exception is one that had fewer; a longer list is wider.
struct Follows {
    /// How many pairs may still be compared.
    left: usize,
}

impl Follows {
    fn new() -> Self {
        Self { left: MOST_PAIRS }
    }

    /// Whether `b` holds wherever `a` does.
    fn follows(&mut self, a: &Formula, b: &Formula) -> bool {
        if a == b {
            return true;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        match (a, b) {
            (Formula::Not(a), Formula::Not(b)) => self.follows(b, a),
            (Formula::Or(parts), _) => parts.iter().all(|part| self.follows(part, b)),
            (_, Formula::And(parts)) => parts.iter().all(|part| self.follows(a, part)),
            (Formula::Element { path, body: a }, Formula::Element { path: other, body: b }) => {
                path == other && self.follows(a, b)
            }
            (Formula::Test(a), Formula::Test(b)) => a.is_within(b),
            _ => {
                // An equal part is looked for first: most lists are long, and have it.
                let parts: &[Formula] = if let Formula::And(parts) = a { parts } else { &[] };
                let alternatives: &[Formula] = if let Formula::Or(parts) = b { parts } else { &[] };
                parts.contains(b)
                    || alternatives.contains(a)
                    || parts.iter().any(|part| self.follows(part, b))
                    || alternatives.iter().any(|part| self.follows(a, part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::oracle::{event, formula, glob};
    use crate::logic::decide::{Derivation, Derived};
    use crate::logic::{Case, Glob, Pattern, Predicate, TextSet};

    /// What the answer about one direction may be, given that `event` changes sides in it or not.
    fn agrees(moved: &Moved, shows: &dyn Fn(&Event) -> bool, events: &[Event]) -> Result<(), TestCaseError> {
        match moved {
            Moved::Some { event, .. } => prop_assert!(shows(event), "{event} changes no side"),
            Moved::None => {
                if let Some(event) = events.iter().find(|event| shows(event)) {
                    prop_assert!(false, "{event} changes sides");
                }
            }
            Moved::Undecided { .. } => {}
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn the_classification_agrees_with_the_evaluator(
            before in formula(),
            after in formula(),
            events in prop::collection::vec(event(), 40),
        ) {
            let meaning = compare(&before, &after, &Schema::default(), &Budget::default());
            for (sides, reading) in [(&meaning.must, Reading::Must), (&meaning.may, Reading::May)] {
                let says = |formula: &Formula, event: &Event| evaluate(formula, event, reading);
                agrees(&sides.gained, &|event| says(&after, event) && !says(&before, event), &events)?;
                agrees(&sides.lost, &|event| says(&before, event) && !says(&after, event), &events)?;
            }
            let back = compare(&after, &before, &Schema::default(), &Budget::default());
            let mirrored = match meaning.change() {
                Change::Wider => Change::Narrower,
                Change::Narrower => Change::Wider,
                same => same,
            };
            if ![meaning.change(), back.change()].contains(&Change::Undecided) {
                prop_assert_eq!(back.change(), mirrored);
            }
        }

        #[test]
        fn a_condition_put_together_is_classified_as_it_was_made(part in formula(), more in formula()) {
            let one = Formula::And(vec![part.clone(), more.clone()]);
            let either = Formula::Or(vec![part.clone(), more]);
            let of = |before: &Formula, after: &Formula| {
                compare(before, after, &Schema::default(), &Budget::default()).change()
            };
            prop_assert!(matches!(of(&part, &one), Change::Unchanged | Change::Narrower | Change::Undecided));
            prop_assert!(matches!(of(&part, &either), Change::Unchanged | Change::Wider | Change::Undecided));
            let twice = Formula::Not(Box::new(Formula::Not(Box::new(part.clone()))));
            prop_assert_eq!(of(&part, &twice), Change::Unchanged);
        }
    }

    #[test]
    fn what_follows_from_equal_parts_needs_no_decision() {
        let [a, b, c] = ["a", "b", "c"].map(|field| glob(field, "x*y"));
        let and = |parts: &[&Formula]| Formula::And(parts.iter().map(|part| (*part).clone()).collect());
        let or = |parts: &[&Formula]| Formula::Or(parts.iter().map(|part| (*part).clone()).collect());
        let not = |part: &Formula| Formula::Not(Box::new(part.clone()));
        let base = or(&[&a, &b]);
        // One more exception, one exception less, one with a wider condition.
        let (once, twice) = (and(&[&base, &not(&c)]), and(&[&base, &not(&c), &not(&and(&[&a, &b]))]));
        let follows = |a: &Formula, b: &Formula| Follows::new().follows(a, b);
        for (narrow, wide) in [(&once, &base), (&twice, &once), (&and(&[&base, &not(&or(&[&c, &a]))]), &once)] {
            assert!(follows(narrow, wide) && !follows(wide, narrow), "{narrow:?} {wide:?}");
        }
        assert!(follows(&and(&[&a, &b]), &or(&[&c, &and(&[&a, &b])])));
        assert!(!follows(&not(&a), &not(&b)) && follows(&Formula::FALSE, &a) && follows(&a, &Formula::TRUE));
        let nothing = Budget { states: 0, nodes: 0, ..Budget::default() };
        let meaning = compare(&base, &once, &Schema::default(), &nothing);
        assert_eq!((&meaning.must.gained, meaning.change()), (&Moved::None, Change::Narrower));
    }

    #[test]
    fn a_list_with_one_entry_more_is_wider_whatever_it_may_cost() {
        let list = |count: u32| {
            let patterns = (0..count).map(|n| Pattern::Glob(Glob::contains(format!("a{n}b")))).collect();
            let names = Predicate::Text(TextSet::new(patterns, Case::Either));
            let path = |name: &str| name.parse().expect("a path");
            Formula::element(path("list"), Formula::and([Formula::test(&path("x"), names), glob("a", "x")]))
        };
        let nothing = Budget { states: 0, nodes: 0, ..Budget::default() };
        let meaning = compare(&list(300), &list(301), &Schema::default(), &nothing);
        assert_eq!((&meaning.must.lost, &meaning.may.lost), (&Moved::None, &Moved::None));
    }

    #[test]
    fn an_event_is_not_made_smaller_than_it_can_be() {
        let path = |name: &str| name.parse().expect("a path");
        let joined = Derived { field: path("line"), from: path("args"), how: Derivation::Joined };
        let schema = Schema { single: [path("line")].into(), derived: vec![joined], ..Schema::default() };
        let after = Formula::and([glob("args", "top"), glob("line", "docker run * top")]);
        let meaning = compare(&Formula::FALSE, &after, &schema, &Budget::default());
        let Moved::Some { event, .. } = &meaning.must.gained else { panic!("{meaning:?}") };
        assert!(schema.agrees(event), "{event}");
        assert!(!schema.agrees(&serde_json::json!({"args": ["top"], "line": "docker run x top"})));
        assert!(schema.agrees(&serde_json::json!({"args": ["docker", "run"]})));
    }

    #[test]
    fn conditions_in_each_other_are_compared_in_bounded_work() {
        let nested = |inmost: &str| {
            (0..60).rev().fold(glob("z", inmost), |inner, at| {
                let (a, b) = (glob("a", &format!("*a{at}*")), glob("b", &format!("*b{at}*")));
                Formula::And(vec![a, Formula::Or(vec![b, inner])])
            })
        };
        assert!(!Follows::new().follows(&nested("x"), &nested("y")));
    }

    #[test]
    fn without_a_budget_samples_find_what_they_can_and_the_rest_is_undecided() {
        let nothing = Budget { states: 0, nodes: 0, ..Budget::default() };
        let (a, b) = (glob("a", "x"), glob("b", "y"));
        let before = Formula::and([a.clone(), b.clone()]);
        let meaning = compare(&before, &glob("a", "x*"), &Schema::default(), &nothing);
        assert!(
            matches!(&meaning.must.gained, Moved::Some { event, found_by: FoundBy::Sampling }
                if *event == serde_json::json!({"a": "x"})),
            "{meaning:?}"
        );
        assert!(matches!(&meaning.must.lost, Moved::Undecided { reason } if !reason.is_empty()), "{meaning:?}");
        assert_eq!(meaning.change(), Change::Undecided);
        assert!(!meaning.is_unchanged() && meaning.must.reason().is_some());
    }
}
