//! The matcher: many formulas at once over a stream of events.
//!
//! It says what [`evaluate`](super::evaluate::evaluate) says, faster: equal tests and equal sub-formulas of all
//! formulas are decided once per event, a path is walked once per event and only when a test asks for it, plain text
//! is compared as text and not as an expression. For events that are still JSON text, [`Matcher::matches_json`] looks
//! for the literals that every match needs, and parses only lines that hold them.

mod check;
mod compile;
mod literals;
mod raw;
mod run;
mod text;
#[cfg(test)]
mod twin;

use serde_json::Value;

use super::evaluate::Reading;
use super::event::Event;
use super::formula::Formula;
use compile::{NodeId, Program};
use literals::{Need, Needs};
use raw::RawFilter;

/// Formulas compiled for matching. Shared freely between threads; each thread has its own [`Scratch`].
#[derive(Debug)]
pub struct Matcher {
    formulas: Vec<Compiled>,
    program: Program,
    raw: RawFilter,
}

/// One formula: its nodes in the program, and what the text of a matching event holds.
#[derive(Debug)]
struct Compiled {
    id: usize,
    must: NodeId,
    /// Absent if nobody asked for it, or if it is the same as `must`.
    may: Option<NodeId>,
    need: Need,
}

/// What [`Matcher`] remembers while it looks at one event, kept for its allocations.
#[derive(Debug, Default)]
pub struct Scratch {
    memory: run::Memory,
    present: raw::Present,
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
        let mut needs = Needs::default();
        let formulas = formulas
            .iter()
            .map(|(id, formula)| {
                let must = compiler.add(formula, Reading::Must);
                let may = with_may.then(|| compiler.add(formula, Reading::May)).filter(|may| *may != must);
                // Whatever satisfies *must* satisfies *may*, so the need of the wider reading serves both.
                let need = needs.of(formula, if may.is_some() { Reading::May } else { Reading::Must });
                Compiled { id: *id, must, may, need }
            })
            .collect::<Vec<_>>();
        let raw = RawFilter::new(needs, formulas.iter().map(|formula| &formula.need));
        Self { formulas, program: compiler.finish(), raw }
    }

    /// The ids of the formulas that `event` satisfies.
    pub fn matches<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> &'s [usize] {
        self.readings(event, scratch).must
    }

    /// The ids of the formulas that `event` satisfies, in both readings.
    pub fn readings<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> Matches<'s> {
        self.run(event, scratch, |_, _| true)
    }

    /// Whether the JSON text of an event may satisfy any formula. False is certain; true is not.
    ///
    /// The text must be the event as it is evaluated: a reader that changes what it reads cannot use this.
    pub fn may_match_json(&self, json: &[u8], scratch: &mut Scratch) -> bool {
        self.raw.look(json, &mut scratch.present)
            && self.formulas.iter().any(|formula| scratch.present.meets(&formula.need))
    }

    /// The ids of the formulas that the event written in `json` satisfies, or `None` if it was not even parsed
    /// because none can.
    pub fn matches_json<'s>(
        &self,
        json: &[u8],
        scratch: &'s mut Scratch,
    ) -> Result<Option<(Event, Matches<'s>)>, serde_json::Error> {
        if !self.may_match_json(json, scratch) {
            return Ok(None);
        }
        let event: Value = serde_json::from_slice(json)?;
        let matches = self.run(&event, scratch, |formula, present| present.meets(&formula.need));
        Ok(Some((event, matches)))
    }

    fn run<'s>(
        &self,
        event: &Event,
        scratch: &'s mut Scratch,
        candidate: impl Fn(&Compiled, &raw::Present) -> bool,
    ) -> Matches<'s> {
        let Scratch { memory, present, must, may } = scratch;
        must.clear();
        may.clear();
        let mut run = run::Run::new(&self.program, event, memory);
        for formula in self.formulas.iter().filter(|formula| candidate(formula, present)) {
            if run.holds(formula.must) {
                must.push(formula.id);
            } else if formula.may.is_some_and(|node| run.holds(node)) {
                may.push(formula.id);
            }
        }
        run.finish();
        Matches { must, may }
    }
}
