//! What a decision may cost, and why one was not reached.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

/// What one question may cost before it is given up. The defaults are far above what real detections need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// States of automata that are made or visited.
    pub states: usize,
    /// Nodes of decision diagrams and steps through them.
    pub nodes: usize,
    /// Time on the clock.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { states: 400_000, nodes: 200_000, time: Duration::from_millis(700) }
    }
}

/// Why a question was left undecided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The automata of the patterns became too large.
    States,
    /// The condition has too many combinations of tests.
    Nodes,
    /// The time was up.
    Time,
    /// The condition holds something that is not decided exactly; the text says what, in a reader's words.
    Beyond(String),
    /// An event was found, but the evaluator does not confirm it.
    Unconfirmed(String),
}

impl Reason {
    pub(super) fn beyond(what: impl Into<String>) -> Self {
        Reason::Beyond(what.into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::States => f.write_str("the patterns are too large to compare"),
            Reason::Nodes => f.write_str("the condition has too many combinations of tests"),
            Reason::Time => f.write_str("the time for a decision was up"),
            Reason::Beyond(what) => f.write_str(what),
            Reason::Unconfirmed(what) => write!(f, "an event was found, but not confirmed: {what}"),
        }
    }
}

/// A budget that is being used up.
#[derive(Debug)]
pub(super) struct Meter {
    states: Cell<usize>,
    nodes: Cell<usize>,
    ticks: Cell<u32>,
    deadline: Option<Instant>,
}

impl Meter {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            states: Cell::new(budget.states),
            nodes: Cell::new(budget.nodes),
            ticks: Cell::new(0),
            deadline: Instant::now().checked_add(budget.time),
        }
    }

    /// Does something that may cost no more than `states`; what it did cost is paid for here.
    pub(super) fn limited<T>(&self, states: usize, run: impl FnOnce(&Meter) -> T) -> T {
        let room = self.states.get().min(states);
        let part = Meter {
            states: Cell::new(room),
            nodes: Cell::new(self.nodes.get()),
            ticks: Cell::new(self.ticks.get()),
            deadline: self.deadline,
        };
        let result = run(&part);
        self.states.set(self.states.get().saturating_sub(room - part.states.get()));
        self.nodes.set(part.nodes.get());
        result
    }

    /// A meter of its own for `states`, with the deadline of another.
    pub(super) fn of_states(states: usize, other: &Meter) -> Self {
        Meter { states: Cell::new(states), nodes: Cell::new(usize::MAX), ticks: Cell::new(0), deadline: other.deadline }
    }

    /// Pays for some states at once.
    pub(super) fn states(&self, states: usize) -> Result<(), Reason> {
        self.states.set(self.states.get().checked_sub(states).ok_or(Reason::States)?);
        self.tick()
    }

    /// How many states can still be paid for.
    pub(super) fn left(&self) -> usize {
        self.states.get()
    }

    /// Pays for one state of an automaton.
    pub(super) fn state(&self) -> Result<(), Reason> {
        self.states.set(self.states.get().checked_sub(1).ok_or(Reason::States)?);
        self.tick()
    }

    /// Pays for one node or step of a decision diagram.
    pub(super) fn node(&self) -> Result<(), Reason> {
        self.nodes.set(self.nodes.get().checked_sub(1).ok_or(Reason::Nodes)?);
        self.tick()
    }

    /// Looks at the clock, now and then.
    pub(super) fn tick(&self) -> Result<(), Reason> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        match self.deadline {
            Some(deadline) if ticks.is_multiple_of(64) && Instant::now() > deadline => Err(Reason::Time),
            _ => Ok(()),
        }
    }
}
