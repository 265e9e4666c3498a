//! One event against the program: every node is decided at most once, every place visited at most once, and only
//! when a formula needs them.

use std::ops::Range;

use serde_json::Value;

use super::check::Check;
use super::compile::{CheckId, EVENT, Node, NodeId, PlaceId, Program};
use super::gates::Gates;
use super::vector;
use crate::logic::bits::Bits;
use crate::logic::tape;
use crate::logic::tree::{Kind, Scalar, Tree};

/// What is kept between events: memories, told apart by the number of the round they are of.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The round in which a node was decided, doubled, plus one if it holds.
    verdicts: Vec<u64>,
    /// The round in which a place was visited, and where in `values` what it holds is.
    places: Vec<(u64, u32, u32)>,
    /// The round in which the prefilter of a place looked at it, and the literals that it found.
    literals: Vec<(u64, Bits)>,
    round: u64,
    values: Vec<&'static Value>,
    nodes: Vec<tape::Node<'static>>,
    words: Vec<&'static str>,
    vector: vector::Memory,
    buffer: String,
    candidates: Bits,
}

/// Nodes of which a list is kept between events.
pub(super) trait Kept<'e>: Tree<'e> {
    /// Takes the list out of the memory.
    fn take(memory: &mut Memory) -> Vec<Self>;

    /// Gives it back.
    fn give(memory: &mut Memory, list: Vec<Self>);
}

impl<'e> Kept<'e> for &'e Value {
    fn take(memory: &mut Memory) -> Vec<Self> {
        std::mem::take(&mut memory.values)
    }

    fn give(memory: &mut Memory, list: Vec<Self>) {
        memory.values = emptied(list);
    }
}

impl<'e> Kept<'e> for tape::Node<'e> {
    fn take(memory: &mut Memory) -> Vec<Self> {
        std::mem::take(&mut memory.nodes)
    }

    fn give(memory: &mut Memory, list: Vec<Self>) {
        memory.nodes = emptied(list);
    }
}

/// The list with nothing in it, of another lifetime; its allocation is reused.
fn emptied<A, B>(mut list: Vec<A>) -> Vec<B> {
    list.clear();
    list.into_iter().filter_map(|_| None).collect()
}

/// An event being looked at.
pub(super) struct Run<'m, 'e, 's, N> {
    program: &'m Program,
    memory: &'s mut Memory,
    event: N,
    round: u64,
    /// What the visited places hold, one after the other.
    values: Vec<N>,
    /// The argument vector that was asked for last, and whose it is.
    words: Vec<&'e str>,
    words_of: Option<PlaceId>,
    buffer: String,
}

/// An event, or an element of an array in it, with the round in which it is looked at.
#[derive(Clone, Copy)]
struct Frame<N> {
    base: N,
    root: PlaceId,
    round: u64,
}

impl<'m, 'e, 's, N: Kept<'e>> Run<'m, 'e, 's, N> {
    pub(super) fn new(program: &'m Program, event: N, memory: &'s mut Memory) -> Self {
        memory.verdicts.resize(program.nodes.len(), 0);
        memory.places.resize(program.places.len(), (0, 0, 0));
        memory.literals.resize_with(program.places.len(), Default::default);
        memory.round += 1;
        Self {
            program,
            event,
            round: memory.round,
            values: N::take(memory),
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

    /// The formulas that the event may satisfy: those that wait for nothing, and those that find what they wait for.
    pub(super) fn candidates(&mut self, gates: &Gates) -> Bits {
        let mut candidates = std::mem::take(&mut self.memory.candidates);
        candidates.0.clone_from(&gates.open.0);
        let frame = Frame { base: self.event, root: EVENT, round: self.round };
        for (place, waiting) in &gates.places {
            let range = self.place(*place, frame);
            if range.is_empty() {
                continue;
            }
            let Some(found) = self.literals(*place, range, frame.round) else { continue };
            for literal in found.iter() {
                waiting.get(literal).into_iter().flatten().for_each(|formula| candidates.add(*formula));
            }
        }
        candidates
    }

    /// Gives the allocations back.
    pub(super) fn finish(self, candidates: Bits) {
        let Self { values, words, buffer, memory, .. } = self;
        memory.candidates = candidates;
        N::give(memory, values);
        memory.words = emptied(words);
        memory.buffer = buffer;
    }

    fn decide(&mut self, id: NodeId, frame: Frame<N>) -> bool {
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
                    any_scalar_in(values, right.clone(), &mut |right| left.compares(*op, &right))
                })
            }
        };
        if let Some(known) = self.memory.verdicts.get_mut(id as usize) {
            *known = frame.round << 1 | u64::from(verdict);
        }
        verdict
    }

    fn any_value(&mut self, place: PlaceId, id: CheckId, frame: Frame<N>) -> bool {
        let Some(check) = self.program.checks.get(id as usize) else { return false };
        let range = self.place(place, frame);
        if range.is_empty() || self.lacks_literals(place, id, range.clone(), frame.round) {
            return false;
        }
        let Self { values, buffer, .. } = self;
        any_scalar_in(values, range, &mut |value| check.holds(&value, buffer))
    }

    /// True if the check needs a literal that no value in `range`, which the place holds, has.
    fn lacks_literals(&mut self, place: PlaceId, check: CheckId, range: Range<usize>, round: u64) -> bool {
        let Some(Some(prefilter)) = self.program.prefilters.get(place as usize) else { return false };
        let Some(need) = prefilter.need(check) else { return false };
        self.literals(place, range, round).is_some_and(|found| !need.iter().any(|literal| found.has(*literal)))
    }

    /// The literals that the values in `range`, which a place with a filter holds, have.
    fn literals(&mut self, place: PlaceId, range: Range<usize>, round: u64) -> Option<&Bits> {
        let prefilter = self.program.prefilters.get(place as usize)?.as_ref()?;
        let Self { values, buffer, memory, .. } = self;
        let (known, found) = memory.literals.get_mut(place as usize)?;
        if *known != round {
            *known = round;
            prefilter.clear(found);
            any_scalar_in(values, range, &mut |value| {
                prefilter.look(&value.as_text(), buffer, found);
                false
            });
        }
        Some(found)
    }

    fn anywhere(&mut self, check: CheckId, frame: Frame<N>) -> bool {
        match self.program.checks.get(check as usize) {
            Some(Check::Compares(op, other)) => {
                let others = self.place(*other, frame);
                let values = &self.values;
                any_below(frame.base, &mut |left| {
                    any_scalar_in(values, others.clone(), &mut |right| left.compares(*op, &right))
                })
            }
            Some(check) => {
                let buffer = &mut self.buffer;
                any_below(frame.base, &mut |value| check.holds(&value, buffer))
            }
            None => false,
        }
    }

    fn vector(&mut self, place: PlaceId, check: CheckId, frame: Frame<N>) -> bool {
        let Some(Check::Option(check)) = self.program.checks.get(check as usize) else { return false };
        let options = &self.program.options;
        if self.words_of != Some(place) || frame.root != EVENT {
            let range = self.place(place, frame);
            let Self { values, words, memory, .. } = self;
            words.clear();
            let mut only_text = true;
            any_scalar_in(values, range.clone(), &mut |value| {
                match value {
                    Scalar::Text(word) => words.push(word),
                    Scalar::Boolean(value) => words.push(if value { "true" } else { "false" }),
                    Scalar::Number(_) => only_text = false,
                }
                !only_text
            });
            self.words_of = (only_text && frame.root == EVENT).then_some(place);
            if !only_text {
                let mut texts = Vec::new();
                any_scalar_in(values, range, &mut |value| {
                    texts.push(value.as_text());
                    false
                });
                let words: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
                options.look(&words, &mut memory.vector);
                return options.is_given(check, &words, &mut memory.vector);
            }
            options.look(words, &mut memory.vector);
        }
        options.is_given(check, &self.words, &mut self.memory.vector)
    }

    fn any_element(&mut self, at: PlaceId, root: PlaceId, body: NodeId, frame: Frame<N>) -> bool {
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
    fn place(&mut self, id: PlaceId, frame: Frame<N>) -> Range<usize> {
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

fn step_into<'e, N: Tree<'e>>(value: N, segment: &str, found: &mut Vec<N>) {
    match value.kind() {
        Kind::Object => found.extend(value.get(segment)),
        Kind::Array => {
            value.any_child(&mut |_, item| {
                step_into(item, segment, found);
                false
            });
        }
        Kind::Null | Kind::Scalar => {}
    }
}

/// True if some scalar among the values in `range`, arrays taken apart, satisfies `test`.
fn any_scalar_in<'e, N: Tree<'e>>(
    values: &[N],
    range: Range<usize>,
    test: &mut impl FnMut(Scalar<'e>) -> bool,
) -> bool {
    values.get(range).unwrap_or_default().iter().any(|value| any_flat(*value, test))
}

fn any_flat<'e, N: Tree<'e>>(value: N, test: &mut impl FnMut(Scalar<'e>) -> bool) -> bool {
    match value.kind() {
        Kind::Scalar => value.scalar().is_some_and(test),
        Kind::Array => value.any_child(&mut |_, item| any_flat(item, test)),
        Kind::Object | Kind::Null => false,
    }
}

/// True if some scalar anywhere below satisfies `test`.
fn any_below<'e, N: Tree<'e>>(value: N, test: &mut impl FnMut(Scalar<'e>) -> bool) -> bool {
    match value.kind() {
        Kind::Scalar => value.scalar().is_some_and(test),
        Kind::Array | Kind::Object => value.any_child(&mut |_, item| any_below(item, test)),
        Kind::Null => false,
    }
}

fn any_object<'e, N: Tree<'e>>(value: N, test: &mut impl FnMut(N) -> bool) -> bool {
    match value.kind() {
        Kind::Array => value.any_child(&mut |_, item| any_object(item, test)),
        Kind::Object => test(value),
        Kind::Null | Kind::Scalar => false,
    }
}
