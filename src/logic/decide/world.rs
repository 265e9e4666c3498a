//! What was found for each group, as an event.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::problem::{About, Asks, Problem, View, below};
use crate::logic::event::{self, Event};
use crate::logic::formula::Comparison;
use crate::logic::path::Path;

/// What one group holds, and the rest of the event or object: a list.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) group: usize,
    pub(super) filling: Rc<Filling>,
    /// None at the end of the list, which holds nothing itself.
    pub(super) rest: Option<Rc<World>>,
}

/// What one group holds.
#[derive(Debug, Default)]
pub(super) enum Filling {
    /// No value.
    #[default]
    Nothing,
    /// Texts, and whether each is a number.
    Values(Vec<(String, bool)>),
    /// An argument vector.
    Arguments(Vec<String>),
    /// A path whose last segment is another field.
    Executable(String),
    /// Objects, each with its own content.
    Objects { objects: Vec<Rc<World>>, is_single: bool },
    /// Comparisons that have to hold.
    Compared { yes: Vec<usize> },
}

/// The event.
pub(super) fn event(problem: &Problem<'_>, world: &World) -> Event {
    let mut root = Place::default();
    fill(problem, world, &mut root);
    let mut event = Value::Object(root.object(problem));
    compare(problem, world, &mut event);
    event
}

/// A place in the event while it is put together.
#[derive(Default)]
struct Place {
    values: Vec<Value>,
    is_list: bool,
    inside: BTreeMap<Arc<str>, Place>,
}

impl Place {
    fn at(&mut self, path: &Path) -> &mut Place {
        path.segments().iter().fold(self, |place, segment| place.inside.entry(Arc::clone(segment)).or_default())
    }

    fn object(self, problem: &Problem<'_>) -> Map<String, Value> {
        self.inside.into_iter().filter_map(|(name, place)| Some((name.to_string(), place.value(problem)?))).collect()
    }

    fn value(mut self, problem: &Problem<'_>) -> Option<Value> {
        let mut values = std::mem::take(&mut self.values);
        let is_list = self.is_list;
        if !self.inside.is_empty() {
            values.push(Value::Object(self.object(problem)));
        }
        match values.len() {
            0 => None,
            1 if !is_list => values.pop(),
            _ => Some(Value::Array(values)),
        }
    }
}

fn fill(problem: &Problem<'_>, world: &World, root: &mut Place) {
    let mut world = world;
    while let Some(rest) = &world.rest {
        fill_group(problem, world, root);
        world = rest;
    }
}

fn fill_group(problem: &Problem<'_>, world: &World, root: &mut Place) {
    let Some(group) = problem.groups.get(world.group) else { return };
    let named = || problem.named.get(world.group).into_iter().flatten();
    match (&*world.filling, &group.about) {
        (Filling::Values(values), About::Field(path)) => {
            let is_boolean = problem.kind(path) == Some(super::Kind::Boolean);
            let place = root.at(&below(path, &group.base));
            place.values.extend(values.iter().map(|(text, is_number)| value(text, *is_number, is_boolean)));
        }
        (Filling::Values(values), _) => {
            // A keyword stands in a field that nothing else asks about.
            let mut name = "message".to_owned();
            while problem.named.iter().flat_map(BTreeMap::keys).any(|path| path.segments().iter().any(|s| **s == *name))
            {
                name.push('_');
            }
            let place = root.at(&Path::from_segments([name]));
            place.values.extend(values.iter().map(|(text, is_number)| value(text, *is_number, false)));
        }
        (Filling::Arguments(arguments), _) => {
            for (path, view) in named() {
                let place = root.at(&below(path, &group.base));
                if *view == View::Joined {
                    place.values.push(arguments.join(" ").into());
                } else {
                    place.values.extend(arguments.iter().cloned().map(Value::String));
                    place.is_list = true;
                }
            }
        }
        (Filling::Executable(path), _) => {
            for (field, view) in named() {
                let text = if *view == View::LastSegment { path.rsplit('/').next().unwrap_or_default() } else { path };
                root.at(&below(field, &group.base)).values.push(text.into());
            }
        }
        (Filling::Objects { objects, is_single }, About::Objects(path)) => {
            let place = root.at(&below(path, &group.base));
            place.is_list |= !is_single;
            for object in objects {
                place.values.push(event(problem, object));
            }
        }
        _ => {}
    }
}

/// A text as the JSON value that it reads like.
fn value(text: &str, is_number: bool, is_boolean: bool) -> Value {
    if is_number || is_boolean {
        let parsed: Option<Value> = serde_json::from_str(text).ok();
        if let Some(parsed) = parsed.filter(|parsed| !parsed.is_string() && event::text(parsed) == text) {
            return parsed;
        }
    }
    Value::String(text.to_owned())
}

/// Gives compared fields values that compare as they should, where that needs no more than filling a gap. The event is
/// judged by the evaluator afterwards.
fn compare(problem: &Problem<'_>, world: &World, event: &mut Value) {
    let mut world = world;
    while let Some(rest) = &world.rest {
        if let Filling::Compared { yes } = &*world.filling {
            for atom in yes {
                if let Some(Asks::Compare(left, op, right)) = problem.atoms.get(*atom).map(|atom| &atom.asks) {
                    compare_one(event, left, *op, right);
                }
            }
        }
        world = rest;
    }
}

fn compare_one(event: &mut Value, left: &Path, op: Comparison, right: &Path) {
    let first = |event: &Value, path: &Path| event::values(event, path).first().map(|value| (*value).clone());
    let (low, high) = (Value::from(1), Value::from(2));
    match (first(event, left), first(event, right)) {
        (Some(_), Some(_)) => {}
        (Some(value), None) => set(event, right, value),
        (None, Some(value)) => set(event, left, value),
        (None, None) => {
            let (a, b) = match op {
                Comparison::Less => (low, high),
                Comparison::Greater => (high, low),
                _ => (low.clone(), low),
            };
            set(event, left, a);
            set(event, right, b);
        }
    }
}

fn set(event: &mut Value, path: &Path, value: Value) {
    let mut place = event;
    for segment in path.segments() {
        if !place.is_object() {
            return;
        }
        place = match place {
            Value::Object(map) => map.entry(segment.to_string()).or_insert_with(|| Value::Object(Map::new())),
            _ => return,
        };
    }
    if place.as_object().is_some_and(Map::is_empty) {
        *place = value;
    }
}
