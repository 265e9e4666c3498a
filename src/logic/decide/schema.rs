//! What is known of the fields of the events that are asked about.

use std::collections::{BTreeMap, BTreeSet};

use crate::logic::event::{self, Event};
use crate::logic::path::Path;

/// Constraints that every event of a log source obeys. Without any, all events are possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Fields with at most one value. A field of the objects of a same-element condition: at most one value in
    /// each object. An object itself: there is at most one.
    pub single: BTreeSet<Path>,
    /// Fields whose values are all of one kind.
    pub kinds: BTreeMap<Path, Kind>,
    /// Fields that follow from others.
    pub derived: Vec<Derived>,
}

impl Schema {
    /// Whether fields that follow from others are what these say, where an event has both.
    pub fn agrees(&self, event: &Event) -> bool {
        self.derived.iter().all(|derived| derived.agrees(event))
    }
}

/// What all values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// Numbers in their usual decimal spelling.
    Number,
}

/// A field whose values follow from another field's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The field that follows.
    pub field: Path,
    /// From which.
    pub from: Path,
    /// How.
    pub how: Derivation,
}

impl Derived {
    fn agrees(&self, event: &Event) -> bool {
        let texts = |path| event::values(event, path).into_iter().map(event::text).collect::<Vec<_>>();
        let (field, from) = (texts(&self.field), texts(&self.from));
        if field.is_empty() || from.is_empty() {
            return true;
        }
        match self.how {
            Derivation::LastSegment => {
                field.iter().all(|name| from.iter().any(|path| path.rsplit('/').next() == Some(name)))
            }
            Derivation::Joined => field == [from.join(" ")],
        }
    }
}

/// How a field follows from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Derivation {
    /// It is the last segment of an absolute path: `process.name` of `process.executable`.
    LastSegment,
    /// It is the arguments of a vector, joined by single blanks: `process.command_line` of `process.args`.
    Joined,
}
