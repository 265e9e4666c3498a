//! Decisions over **all** events: can a condition hold, does one follow from another, and if not, which event shows it.
//!
//! How it works: the tests of a condition become atoms, grouped by the field they ask about ([`problem`]). Tests on
//! text are regular languages ([`automaton`]; of what is too large for that, [`simulation`] still sees some
//! inclusions); an assignment of a field's atoms is possible if the field can hold values that lie in the languages of
//! the true ones and outside those of the false ones ([`value`]). Where one side does not follow from the other part by
//! part ([`form`]), the boolean skeleton becomes a decision diagram ([`diagram`]) that is searched group by group
//! ([`solve`]); same-element conditions are conditions on smaller events. Every event that is found is replayed through
//! the reference evaluator.
//!
//! What is taken for granted: argument vectors on which an option's own reading is asked for hold no empty arguments
//! and none with blanks, because only then does [`OptionTest::strict_regex`](crate::logic::OptionTest::strict_regex)
//! say what the option is. That expression lets every other option have a value. Where it stands for what is to follow
//! from something (of two detections that are compared; rules hold no options), a line that can be read in two ways
//! counts as one in which the option is given.

mod alphabet;
mod automaton;
mod diagram;
mod form;
mod meter;
mod minimise;
mod nfa;
mod problem;
mod room;
mod schema;
mod search;
mod simulation;
mod solve;
mod split;
mod value;
mod world;

#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_processes;

pub use automaton::Automaton;
pub use meter::{Budget, Reason};
pub use room::provide_room;
pub use schema::{Derivation, Derived, Kind, Schema};

use meter::Meter;
use problem::{Lines, Problem, Skeleton, root};
use solve::Solver;

use super::evaluate::{Reading, evaluate};
use super::event::Event;
use super::formula::Formula;

/// Whether a condition can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Satisfiability {
    /// No event satisfies it.
    Unsat,
    /// This one does.
    Sat(Event),
    /// It was not decided.
    Undecided(Reason),
}

/// Whether something holds for all events.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It does.
    Holds,
    /// Not for this one.
    Fails(Event),
    /// It was not decided.
    Undecided(Reason),
}

impl From<Satisfiability> for Answer {
    /// The answer to "there is no such event".
    fn from(counter_example: Satisfiability) -> Self {
        match counter_example {
            Satisfiability::Unsat => Answer::Holds,
            Satisfiability::Sat(event) => Answer::Fails(event),
            Satisfiability::Undecided(reason) => Answer::Undecided(reason),
        }
    }
}

/// Whether a rule lies between the two readings of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// Whether the rule matches all that it must; else an event that it misses.
    pub must: Answer,
    /// Whether the rule matches only what it may; else an event too many.
    pub may: Answer,
}

impl Between {
    /// Whether both sides are proved.
    pub fn holds(&self) -> bool {
        self.must == Answer::Holds && self.may == Answer::Holds
    }
}

/// How many tests a search has room for on any stack.
const FEW_TESTS: usize = 64;

/// A formula in one of its readings.
type Read<'f> = (&'f Formula, Reading);

/// Whether some event satisfies `formula`.
pub fn satisfiable(formula: &Formula, reading: Reading, schema: &Schema, budget: &Budget) -> Satisfiability {
    Question { yes: &[(formula, reading)], no: &[], schema, budget }.answer()
}

/// Whether every event satisfies `formula`.
pub fn tautology(formula: &Formula, reading: Reading, schema: &Schema, budget: &Budget) -> Answer {
    Question { yes: &[], no: &[(formula, reading)], schema, budget }.answer().into()
}

/// Whether every event that satisfies `a` satisfies `b`.
pub fn implies(
    a: &Formula,
    reading_a: Reading,
    b: &Formula,
    reading_b: Reading,
    schema: &Schema,
    budget: &Budget,
) -> Answer {
    Question { yes: &[(a, reading_a)], no: &[(b, reading_b)], schema, budget }.answer().into()
}

/// Whether the same events satisfy `a` and `b`, in one reading.
pub fn equivalent(a: &Formula, b: &Formula, reading: Reading, schema: &Schema, budget: &Budget) -> Answer {
    match implies(a, reading, b, reading, schema, budget) {
        Answer::Holds => implies(b, reading, a, reading, schema, budget),
        Answer::Undecided(reason) => match implies(b, reading, a, reading, schema, budget) {
            Answer::Fails(event) => Answer::Fails(event),
            _ => Answer::Undecided(reason),
        },
        fails => fails,
    }
}

/// Whether no event satisfies both, in one reading.
pub fn disjoint(a: &Formula, b: &Formula, reading: Reading, schema: &Schema, budget: &Budget) -> Answer {
    Question { yes: &[(a, reading), (b, reading)], no: &[], schema, budget }.answer().into()
}

/// Whether `rule` matches every event that `condition` must match, and none but those that it may.
pub fn between(condition: &Formula, rule: &Formula, schema: &Schema, budget: &Budget) -> Between {
    Between {
        must: implies(condition, Reading::Must, rule, Reading::Must, schema, budget),
        may: implies(rule, Reading::May, condition, Reading::May, schema, budget),
    }
}

/// The question for an event that satisfies all of `yes` and none of `no`.
#[derive(Clone, Copy)]
struct Question<'q> {
    yes: &'q [Read<'q>],
    no: &'q [Read<'q>],
    schema: &'q Schema,
    budget: &'q Budget,
}

impl Question<'_> {
    fn answer(self) -> Satisfiability {
        let found = match self.find_with_room(Lines::All) {
            Ok(Some(event)) => event,
            Ok(None) => return Satisfiability::Unsat,
            Err(reason) => return Satisfiability::Undecided(reason),
        };
        if self.is_confirmed(&found) {
            return Satisfiability::Sat(found);
        }
        match self.find_with_room(Lines::Certain) {
            Ok(Some(event)) if self.is_confirmed(&event) => Satisfiability::Sat(event),
            _ => Satisfiability::Undecided(Reason::Unconfirmed(found.to_string())),
        }
    }

    fn is_confirmed(self, event: &Event) -> bool {
        self.yes.iter().all(|(formula, reading)| evaluate(formula, event, *reading))
            && !self.no.iter().any(|(formula, reading)| evaluate(formula, event, *reading))
    }

    fn formulas(&self) -> impl Iterator<Item = &Formula> {
        self.yes.iter().chain(self.no).map(|(formula, _)| *formula)
    }

    /// The search goes as deep as there are tests, so large conditions get a stack of their own.
    fn find_with_room(self, lines: Lines) -> Result<Option<Event>, Reason> {
        let mut tests = 0;
        self.formulas().for_each(|formula| formula.each_test(&mut |_, _| tests += 1));
        if tests <= FEW_TESTS {
            return self.find(lines);
        }
        room::with_room(|| self.find(lines)).unwrap_or(Err(Reason::Nodes))
    }

    fn find(self, lines: Lines) -> Result<Option<Event>, Reason> {
        let meter = Meter::new(self.budget);
        let mut problem = Problem::new(self.schema, lines, self.formulas());
        let mut parts = Vec::new();
        for (formula, reading) in self.yes {
            parts.push(problem.compile(formula, *reading, &root())?);
        }
        for (formula, reading) in self.no {
            parts.push(Skeleton::Not(Box::new(problem.compile(formula, *reading, &root())?)));
        }
        if lines == Lines::Certain && !problem.plain_vectors {
            return Ok(None);
        }
        let world = Solver::new(&problem, &meter).run(&Skeleton::And(parts))?;
        Ok(world.map(|world| world::event(&problem, &world)))
    }
}
