//! The matcher: many formulas at once over a stream of events.
//!
//! It says what [`evaluate`](super::evaluate::evaluate) says, faster: equal tests and equal sub-formulas of all
//! formulas are decided once per event, a path is walked once per event and only when a test asks for it, plain text
//! is compared as text and not as an expression, and literals that the tests on one field need are looked for all at
//! once: a formula of which none is there is not asked. Events that are still JSON text are matched on a [`Tape`], and parsed only if something matches.

mod check;
mod compile;
mod gates;
mod prefilter;
mod run;
mod text;
#[cfg(test)]
mod twin;
mod vector;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::evaluate::Reading;
use super::event::Event;
use super::formula::Formula;
use super::tape::{Node, Tape};
use compile::{NodeId, Program};
use gates::Gates;

/// Formulas compiled for matching. Shared freely between threads; each thread has its own [`Scratch`].
#[derive(Debug)]
pub struct Matcher {
    formulas: Vec<Compiled>,
    program: Program,
    gates: Gates,
    /// The keys of all fields that formulas look at.
    keys: HashSet<Arc<str>>,
    /// Some formula looks at all fields.
    looks_everywhere: bool,
}

/// One formula: its nodes in the program.
#[derive(Debug)]
struct Compiled {
    id: usize,
    must: NodeId,
    /// Absent if nobody asked for it, or if it is the same as `must`.
    may: Option<NodeId>,
}

/// What [`Matcher`] remembers while it looks at one event, kept for its allocations.
#[derive(Debug, Default)]
pub struct Scratch {
    memory: run::Memory,
    tape: Tape,
    must: Vec<usize>,
    may: Vec<usize>,
}

/// The formulas that an event satisfies, by the ids given to the matcher, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matches<'s> {
    /// Those that it satisfies.
    pub must: &'s [usize],
    /// Those that it satisfies in the *may* reading alone; empty if that reading was not compiled.
    pub may: &'s [usize],
}

impl Matches<'_> {
    /// True if no formula matches in any reading.
    pub fn is_empty(&self) -> bool {
        self.must.is_empty() && self.may.is_empty()
    }
}

impl Matcher {
    /// A matcher for the *must* reading of `formulas`, each with the id it is reported by.
    pub fn new(formulas: &[(usize, &Formula)]) -> Self {
        Self::compile(formulas, false)
    }

    /// A matcher that also reports events that a formula *may* match but need not.
    pub fn with_may(formulas: &[(usize, &Formula)]) -> Self {
        Self::compile(formulas, true)
    }

    fn compile(formulas: &[(usize, &Formula)], with_may: bool) -> Self {
        let mut compiler = compile::Compiler::default();
        let formulas = formulas
            .iter()
            .map(|(id, formula)| {
                let must = compiler.add(formula, Reading::Must);
                let may = with_may.then(|| compiler.add(formula, Reading::May)).filter(|may| *may != must);
                Compiled { id: *id, must, may }
            })
            .collect::<Vec<_>>();
        let program = compiler.finish();
        let nodes = |one: &Compiled| [one.must].into_iter().chain(one.may).collect();
        let gates = Gates::new(&program, &formulas.iter().map(nodes).collect::<Vec<_>>());
        let keys = program.places.iter().filter_map(|place| place.step.as_ref()).map(|(_, key)| key.clone()).collect();
        let looks_everywhere = program.nodes.iter().any(|node| matches!(node, compile::Node::Anywhere(..)));
        Self { formulas, program, gates, keys, looks_everywhere }
    }

    /// The ids of the formulas that `event` satisfies.
    pub fn matches<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> &'s [usize] {
        self.readings(event, scratch).must
    }

    /// The ids of the formulas that `event` satisfies, in both readings.
    pub fn readings<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> Matches<'s> {
        self.run(event, scratch)
    }

    /// The ids of the formulas that the event on a [`Tape`] satisfies, in both readings.
    pub fn readings_on_tape<'s>(&self, event: Node<'_>, scratch: &'s mut Scratch) -> Matches<'s> {
        self.run(event, scratch)
    }

    /// The ids of the formulas that the event written in `json` satisfies, and the event; `None` if it satisfies none.
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn matches_json<'s>(
        &self,
        json: &[u8],
        scratch: &'s mut Scratch,
    ) -> Result<Option<(Event, Matches<'s>)>, serde_json::Error> {
        let mut tape = std::mem::take(&mut scratch.tape);
        let decided = tape.read(json).map(|event| !self.run(event, scratch).is_empty());
        scratch.tape = tape;
        match decided {
            Some(false) => Ok(None),
            Some(true) => Ok(Some((serde_json::from_slice(json)?, Matches { must: &scratch.must, may: &scratch.may }))),
            None => {
                let event: Value = serde_json::from_slice(json)?;
                let matches = self.run(&event, scratch);
                Ok(if matches.is_empty() { None } else { Some((event, matches)) })
            }
        }
    }

    /// True if a formula looks at a field of this name at any depth, or at all fields.
    pub fn asks_for(&self, key: &str) -> bool {
        self.looks_everywhere || self.keys.contains(key)
    }

    fn run<'s, 'e, N: run::Kept<'e>>(&self, event: N, scratch: &'s mut Scratch) -> Matches<'s> {
        let Scratch { memory, must, may, .. } = scratch;
        must.clear();
        may.clear();
        let mut run = run::Run::new(&self.program, event, memory);
        let candidates = run.candidates(&self.gates);
        for formula in candidates.iter().filter_map(|at| self.formulas.get(at)) {
            if run.holds(formula.must) {
                must.push(formula.id);
            } else if formula.may.is_some_and(|node| run.holds(node)) {
                may.push(formula.id);
            }
        }
        run.finish(candidates);
        Matches { must, may }
    }
}
