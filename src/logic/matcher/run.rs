//! One event against the program: every node is decided at most once, every place visited at most once, and only
//! when a formula needs them.

use std::ops::Range;

use serde_json::Value;

use super::check::Check;
use super::compile::{CheckId, EVENT, Node, NodeId, PlaceId, Program};
use crate::logic::evaluate;
use crate::logic::event::{self, Event};

/// What is kept between events: memories, told apart by the number of the round they are of.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The round in which a node was decided, doubled, plus one if it holds.
    verdicts: Vec<u64>,
    /// The round in which a place was visited, and where in `values` what it holds is.
    places: Vec<(u64, u32, u32)>,
    round: u64,
    values: Vec<&'static Value>,
    words: Vec<&'static str>,
    buffer: String,
}

/// An event being looked at.
pub(super) struct Run<'m, 'e, 's> {
    program: &'m Program,
    memory: &'s mut Memory,
    event: &'e Event,
    round: u64,
    /// What the visited places hold, one after the other.
    values: Vec<&'e Value>,
    /// The argument vector that was asked for last, and whose it is.
    words: Vec<&'e str>,
    words_of: Option<PlaceId>,
    buffer: String,
}

/// An event, or an element of an array in it, with the round in which it is looked at.
#[derive(Clone, Copy)]
struct Frame<'e> {
    base: &'e Value,
    root: PlaceId,
    round: u64,
}

impl<'m, 'e, 's> Run<'m, 'e, 's> {
    pub(super) fn new(program: &'m Program, event: &'e Event, memory: &'s mut Memory) -> Self {
        memory.verdicts.resize(program.nodes.len(), 0);
        memory.places.resize(program.places.len(), (0, 0, 0));
        memory.round += 1;
        Self {
            program,
            event,
            round: memory.round,
            values: std::mem::take(&mut memory.values),
            words: std::mem::take(&mut memory.words),
            words_of: None,
            buffer: std::mem::take(&mut memory.buffer),
            memory,
        }
    }

    /// Whether the event satisfies the node.
    pub(super) fn holds(&mut self, node: NodeId) -> bool {
        self.decide(node, Frame { base: self.event, root: EVENT, round: self.round })
    }

    /// Gives the allocations back.
    #[expect(clippy::unnecessary_filter_map, reason = "a filter would keep the borrow of the event")]
    pub(super) fn finish(self) {
        // Nothing is collected: this only turns an empty vector of one lifetime into one of another, in place.
        let Self { mut values, mut words, buffer, memory, .. } = self;
        values.clear();
        words.clear();
        memory.values = values.into_iter().filter_map(|_| None).collect();
        memory.words = words.into_iter().filter_map(|_| None).collect();
        memory.buffer = buffer;
    }

    fn decide(&mut self, id: NodeId, frame: Frame<'e>) -> bool {
        let program = self.program;
        let Some(node) = program.nodes.get(id as usize) else { return false };
        if let Some(known) = self.memory.verdicts.get(id as usize).filter(|known| **known >> 1 == frame.round) {
            return known & 1 == 1;
        }
        let verdict = match node {
            Node::All(parts) => parts.iter().all(|part| self.decide(*part, frame)),
            Node::Any(parts) => parts.iter().any(|part| self.decide(*part, frame)),
            Node::AtLeast(count, parts) => {
                let mut missing = *count;
                missing == 0
                    || parts.iter().any(|part| {
                        missing -= usize::from(self.decide(*part, frame));
                        missing == 0
                    })
            }
            Node::Not(part) => !self.decide(*part, frame),
            Node::Element { at, root, body } => self.any_element(*at, *root, *body, frame),
            Node::Value(place, check) => self.any_value(*place, *check, frame),
            Node::Anywhere(_, check) => self.anywhere(*check, frame),
            Node::Vector(place, check) => self.vector(*place, *check, frame),
            Node::Compare(left, op, right) => {
                let (left, right) = (self.place(*left, frame), self.place(*right, frame));
                let values = &self.values;
                any_scalar_in(values, left, &mut |left| {
                    any_scalar_in(values, right.clone(), &mut |right| evaluate::compares(left, *op, right))
                })
            }
        };
        if let Some(known) = self.memory.verdicts.get_mut(id as usize) {
            *known = frame.round << 1 | u64::from(verdict);
        }
        verdict
    }

    fn any_value(&mut self, place: PlaceId, check: CheckId, frame: Frame<'e>) -> bool {
        let Some(check) = self.program.checks.get(check as usize) else { return false };
        let range = self.place(place, frame);
        let Self { values, buffer, .. } = self;
        any_scalar_in(values, range, &mut |value| check.holds(value, buffer))
    }

    fn anywhere(&mut self, check: CheckId, frame: Frame<'e>) -> bool {
        match self.program.checks.get(check as usize) {
            Some(Check::Compares(op, other)) => {
                let others = self.place(*other, frame);
                let values = &self.values;
                event::any_scalar(frame.base, &mut |left| {
                    any_scalar_in(values, others.clone(), &mut |right| evaluate::compares(left, *op, right))
                })
            }
            Some(check) => {
                let buffer = &mut self.buffer;
                event::any_scalar(frame.base, &mut |value| check.holds(value, buffer))
            }
            None => false,
        }
    }

    fn vector(&mut self, place: PlaceId, check: CheckId, frame: Frame<'e>) -> bool {
        let Some(Check::Option(check)) = self.program.checks.get(check as usize) else { return false };
        if self.words_of != Some(place) || frame.root != EVENT {
            let range = self.place(place, frame);
            let Self { values, words, .. } = self;
            words.clear();
            let mut only_text = true;
            any_scalar_in(values, range.clone(), &mut |value| {
                match value {
                    Value::String(word) => words.push(word),
                    Value::Bool(value) => words.push(if *value { "true" } else { "false" }),
                    _ => only_text = false,
                }
                !only_text
            });
            self.words_of = (only_text && frame.root == EVENT).then_some(place);
            if !only_text {
                let mut texts = Vec::new();
                any_scalar_in(values, range, &mut |value| {
                    texts.push(event::text(value));
                    false
                });
                let words: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
                return check.is_given(&words, &mut self.buffer);
            }
        }
        check.is_given(&self.words, &mut self.buffer)
    }

    fn any_element(&mut self, at: PlaceId, root: PlaceId, body: NodeId, frame: Frame<'e>) -> bool {
        for index in self.place(at, frame) {
            let Some(value) = self.values.get(index).copied() else { continue };
            if any_object(value, &mut |base| {
                self.memory.round += 1;
                let inner = Frame { base, root, round: self.memory.round };
                // What the element's places hold is dropped with the element.
                let mark = self.values.len();
                let verdict = self.decide(body, inner);
                self.values.truncate(mark);
                verdict
            }) {
                return true;
            }
        }
        false
    }

    /// What a place holds: arrays not yet taken apart.
    fn place(&mut self, id: PlaceId, frame: Frame<'e>) -> Range<usize> {
        if let Some((round, start, end)) = self.memory.places.get(id as usize)
            && *round == frame.round
        {
            return *start as usize..*end as usize;
        }
        let program = self.program;
        let step = program.places.get(id as usize).and_then(|place| place.step.as_ref());
        let range = match step {
            None => {
                self.values.push(frame.base);
                self.values.len() - 1..self.values.len()
            }
            Some((parent, segment)) => {
                let parents = self.place(*parent, frame);
                let start = self.values.len();
                for index in parents {
                    if let Some(parent) = self.values.get(index).copied() {
                        step_into(parent, segment, &mut self.values);
                    }
                }
                start..self.values.len()
            }
        };
        if let (Some(known), Ok(start), Ok(end)) =
            (self.memory.places.get_mut(id as usize), u32::try_from(range.start), u32::try_from(range.end))
        {
            *known = (frame.round, start, end);
        }
        range
    }
}

fn step_into<'e>(value: &'e Value, segment: &str, found: &mut Vec<&'e Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| step_into(item, segment, found)),
        Value::Object(map) => found.extend(map.get(segment)),
        _ => {}
    }
}

/// True if some scalar among the values in `range`, arrays taken apart, satisfies `test`.
fn any_scalar_in<'e>(values: &[&'e Value], range: Range<usize>, test: &mut impl FnMut(&'e Value) -> bool) -> bool {
    values.get(range).unwrap_or_default().iter().any(|value| any_flat(value, test))
}

fn any_flat<'e>(value: &'e Value, test: &mut impl FnMut(&'e Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_flat(item, test)),
        Value::Object(_) | Value::Null => false,
        scalar => test(scalar),
    }
}

fn any_object<'e>(value: &'e Value, test: &mut impl FnMut(&'e Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_object(item, test)),
        Value::Object(_) => test(value),
        _ => false,
    }
}
