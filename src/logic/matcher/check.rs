//! Compiled predicates.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::compile::PlaceId;
use super::text::TextCheck;
use super::vector::{OptionCheck, Options};
use crate::logic::encoding::Encoding;
use crate::logic::formula::{Comparison, Number};
use crate::logic::option::OptionTest;
use crate::logic::pattern::{Pattern, Shape};
use crate::logic::tree::Scalar;

/// A predicate in one reading, as what makes it the same as another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum CheckKey {
    /// Sorted patterns, and whether letters of both cases are the same.
    Text {
        any: Vec<Pattern>,
        folds: bool,
    },
    /// Sorted patterns for what a text is spelled as.
    Encoded {
        encoding: Encoding,
        any: Vec<Pattern>,
        folds: bool,
    },
    Number(Comparison, Number),
    Network(IpNet),
    Boolean(bool),
    Exists,
    /// Compares so with some value of a place.
    Compares(Comparison, PlaceId),
    Option {
        test: Arc<OptionTest>,
        may: bool,
    },
    /// Satisfied by nothing.
    Nothing,
}

/// A compiled predicate.
#[derive(Debug)]
pub(super) enum Check {
    Text(Box<TextCheck>),
    Encoded(Encoding, Box<TextCheck>),
    Number(Comparison, f64),
    Network(IpNet),
    Boolean(bool),
    Exists,
    Compares(Comparison, PlaceId),
    Option(Box<OptionCheck>),
    Nothing,
}

impl Check {
    pub(super) fn new(key: &CheckKey, options: &mut Options) -> Self {
        match key {
            CheckKey::Text { any, folds } => Check::Text(Box::new(TextCheck::new(any, *folds))),
            CheckKey::Encoded { encoding, any, folds } => {
                Check::Encoded(*encoding, Box::new(TextCheck::new(any, *folds)))
            }
            CheckKey::Number(op, value) => Check::Number(*op, value.get()),
            CheckKey::Network(network) => Check::Network(*network),
            CheckKey::Boolean(wanted) => Check::Boolean(*wanted),
            CheckKey::Exists => Check::Exists,
            CheckKey::Compares(op, place) => Check::Compares(*op, *place),
            CheckKey::Option { test, may } => Check::Option(Box::new(options.add(test, *may))),
            CheckKey::Nothing => Check::Nothing,
        }
    }

    /// How long a text test takes, roughly, against a lookup.
    pub(super) fn text_cost(any: &[Pattern]) -> u32 {
        any.iter()
            .map(|pattern| match pattern {
                Pattern::Glob(glob) => match glob.shape() {
                    Shape::Equals(_) | Shape::StartsWith(_) | Shape::EndsWith(_) | Shape::Anything => 3,
                    Shape::Contains(_) => 5,
                    Shape::Mixed(_) => 10,
                },
                Pattern::Path { .. } => 8,
                Pattern::Regex(_) => 11,
            })
            .max()
            .unwrap_or(0)
    }

    /// Whether one value satisfies the check. Comparisons with a place and options are not about one value.
    pub(super) fn holds(&self, value: &Scalar<'_>, buffer: &mut String) -> bool {
        match self {
            Check::Text(check) => check.is_match(&value.as_text(), buffer),
            Check::Encoded(encoding, check) => check.is_match(&encoding.text(&value.as_text()), buffer),
            Check::Number(op, bound) => {
                value.as_number().and_then(|n| n.partial_cmp(bound)).is_some_and(|order| op.holds(order))
            }
            Check::Network(network) => {
                value.as_text().parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            Check::Boolean(wanted) => value.as_boolean() == Some(*wanted),
            Check::Exists => true,
            Check::Compares(..) | Check::Option(_) | Check::Nothing => false,
        }
    }
}
