//! Events made of two conditions' own tests, to look for one that tells the conditions apart where that could not be
//! decided. Always the same events for the same conditions.

use serde_json::Value;

use crate::logic::decide::{Budget, Satisfiability, Schema, satisfiable};
use crate::logic::{Event, Formula, Reading};

/// How many events are made.
const SAMPLES: usize = 3000;
/// How many tests of a condition are asked for events.
const MOST_TESTS: usize = 400;

/// Events that are made when they are first asked for.
#[derive(Debug)]
pub struct Samples<'f> {
    formulas: [&'f Formula; 2],
    made: Option<Vec<Event>>,
}

impl<'f> Samples<'f> {
    /// For telling `a` from `b`.
    pub fn new(a: &'f Formula, b: &'f Formula) -> Self {
        Self { formulas: [a, b], made: None }
    }

    /// The smallest event that `shows` accepts.
    pub fn find(&mut self, shows: &dyn Fn(&Event) -> bool) -> Option<&Event> {
        let formulas = self.formulas;
        let made = self.made.get_or_insert_with(|| make(formulas));
        made.iter().find(|event| shows(event))
    }
}

/// Small events first: those of single tests, then some put together.
fn make(formulas: [&Formula; 2]) -> Vec<Event> {
    let mut seeds: Vec<Event> = Vec::new();
    for formula in formulas {
        let mut parts = Vec::new();
        pieces(formula, &|part| part, &mut parts);
        for part in parts.iter().take(MOST_TESTS) {
            for asked in [part.clone(), Formula::not(part.clone())] {
                let budget = Budget { states: 20_000, nodes: 5_000, ..Budget::default() };
                for reading in [Reading::Must, Reading::May] {
                    if let Satisfiability::Sat(event) = satisfiable(&asked, reading, &Schema::default(), &budget)
                        && !seeds.contains(&event)
                    {
                        seeds.push(event);
                    }
                }
            }
        }
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut made = seeds.clone();
    made.push(Value::Object(serde_json::Map::new()));
    while made.len() < SAMPLES && !seeds.is_empty() {
        let mut event = Value::Object(serde_json::Map::new());
        for _ in 0..2 + random.below(6) {
            if let Some(seed) = seeds.get(random.below(seeds.len())) {
                merge(&mut event, seed, &mut random);
            }
        }
        made.push(event);
    }
    made.sort_by_cached_key(|event| event.to_string().len());
    made
}

/// Every test of a formula, and every part of it that is not too large, as conditions on whole events.
fn pieces(formula: &Formula, whole: &dyn Fn(Formula) -> Formula, parts: &mut Vec<Formula>) {
    match formula {
        Formula::And(inner) | Formula::Or(inner) | Formula::AtLeast { of: inner, .. } => {
            inner.iter().for_each(|part| pieces(part, whole, parts));
        }
        Formula::Not(part) => pieces(part, whole, parts),
        Formula::Element { path, body } => {
            let wrapped = |part| whole(Formula::element(path.clone(), part));
            parts.push(wrapped((**body).clone()));
            pieces(body, &wrapped, parts);
        }
        Formula::Test(_) => parts.push(whole(formula.clone())),
    }
}

/// Puts `from` into `into`: objects key by key, values beside or in place of each other.
fn merge(into: &mut Value, from: &Value, random: &mut Random) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(key) {
                    Some(there) => merge(there, value, random),
                    None => _ = into.insert(key.clone(), value.clone()),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) if random.below(2) == 0 => into.extend(from.iter().cloned()),
        (into, from) if random.below(2) == 0 => *into = from.clone(),
        _ => {}
    }
}

/// A small generator of numbers, always the same ones (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).unwrap_or_default()
    }
}
