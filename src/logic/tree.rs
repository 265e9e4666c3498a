//! What matching needs of an event, however it is held: as parsed JSON ([`Value`]) or as a [`Tape`](super::tape).

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::event;
use super::formula::Comparison;

/// What a node of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Null,
    Scalar,
}

/// A text, number or truth value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'e> {
    Text(&'e str),
    Number(Number),
    Boolean(bool),
}

/// A node of an event.
pub(crate) trait Tree<'e>: Copy {
    fn kind(self) -> Kind;

    /// The value, if the node is a scalar.
    fn scalar(self) -> Option<Scalar<'e>>;

    /// The member of this name, if the node is an object.
    fn get(self, key: &str) -> Option<Self>;

    /// Visits the items of an array, or the members of an object with their names, until `visit` says true. Of
    /// members with the same name, the last one counts.
    fn any_child(self, visit: &mut impl FnMut(Option<&'e str>, Self) -> bool) -> bool;

    /// The node at the end of these keys, through objects only.
    fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, if the node is one.
    fn text(self) -> Option<&'e str> {
        match self.scalar() {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl<'e> Tree<'e> for &'e Value {
    fn kind(self) -> Kind {
        match self {
            Value::Object(_) => Kind::Object,
            Value::Array(_) => Kind::Array,
            Value::Null => Kind::Null,
            Value::String(_) | Value::Number(_) | Value::Bool(_) => Kind::Scalar,
        }
    }

    fn scalar(self) -> Option<Scalar<'e>> {
        match self {
            Value::String(text) => Some(Scalar::Text(text)),
            Value::Number(number) => Some(Scalar::Number(number.clone())),
            Value::Bool(value) => Some(Scalar::Boolean(*value)),
            _ => None,
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        self.as_object()?.get(key)
    }

    fn any_child(self, visit: &mut impl FnMut(Option<&'e str>, Self) -> bool) -> bool {
        match self {
            Value::Array(items) => items.iter().any(|item| visit(None, item)),
            Value::Object(map) => map.iter().any(|(key, value)| visit(Some(key), value)),
            _ => false,
        }
    }
}

impl<'e> Scalar<'e> {
    /// The text that predicates on text see, as [`event::text`] has it.
    pub(crate) fn as_text(&self) -> Cow<'e, str> {
        match self {
            Scalar::Text(text) => Cow::Borrowed(text),
            Scalar::Number(number) => Cow::Owned(number.to_string()),
            Scalar::Boolean(true) => Cow::Borrowed("true"),
            Scalar::Boolean(false) => Cow::Borrowed("false"),
        }
    }

    /// The number that predicates on numbers see.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Scalar::Text(text) => event::number_in(text),
            Scalar::Number(number) => number.as_f64(),
            Scalar::Boolean(_) => None,
        }
    }

    /// The truth value that predicates on booleans see.
    pub(crate) fn as_boolean(&self) -> Option<bool> {
        match self {
            Scalar::Text(text) => event::boolean_in(text),
            Scalar::Number(_) => None,
            Scalar::Boolean(value) => Some(*value),
        }
    }

    /// How values compare: as numbers where both are numbers, else as text.
    pub(crate) fn compares(&self, op: Comparison, other: &Scalar<'_>) -> bool {
        match (self.as_number(), other.as_number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right).is_some_and(|order| op.holds(order)),
            _ => op.holds(self.as_text().as_ref().cmp(other.as_text().as_ref())),
        }
    }
}
