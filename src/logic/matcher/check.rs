//! Compiled predicates.

use std::fmt::Write as _;
use std::sync::Arc;

use ipnet::IpNet;
use memchr::memmem::Finder;
use regex::Regex;
use serde_json::Value;

use super::compile::PlaceId;
use super::text::TextCheck;
use crate::logic::evaluate;
use crate::logic::event;
use crate::logic::formula::{Comparison, Number};
use crate::logic::option::OptionTest;
use crate::logic::pattern::{Pattern, Shape};

/// A predicate in one reading, as what makes it the same as another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum CheckKey {
    /// Sorted patterns, and whether letters of both cases are the same.
    Text {
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
    Number(Comparison, f64),
    Network(IpNet),
    Boolean(bool),
    Exists,
    Compares(Comparison, PlaceId),
    Option(Box<OptionCheck>),
    Nothing,
}

impl Check {
    pub(super) fn new(key: &CheckKey) -> Self {
        match key {
            CheckKey::Text { any, folds } => Check::Text(Box::new(TextCheck::new(any, *folds))),
            CheckKey::Number(op, value) => Check::Number(*op, value.get()),
            CheckKey::Network(network) => Check::Network(*network),
            CheckKey::Boolean(wanted) => Check::Boolean(*wanted),
            CheckKey::Exists => Check::Exists,
            CheckKey::Compares(op, place) => Check::Compares(*op, *place),
            CheckKey::Option { test, may } => Check::Option(Box::new(OptionCheck::new(test.clone(), *may))),
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
    pub(super) fn holds(&self, value: &Value, buffer: &mut String) -> bool {
        match self {
            Check::Text(check) => match value {
                Value::String(text) => check.is_match(text, buffer),
                Value::Number(number) => {
                    let mut text = String::new();
                    _ = write!(text, "{number}");
                    check.is_match(&text, buffer)
                }
                other => check.is_match(&event::text(other), buffer),
            },
            Check::Number(op, bound) => {
                event::number(value).and_then(|n| n.partial_cmp(bound)).is_some_and(|order| op.holds(order))
            }
            Check::Network(network) => evaluate::address(value).is_some_and(|address| network.contains(&address)),
            Check::Boolean(wanted) => event::boolean(value) == Some(*wanted),
            Check::Exists => true,
            Check::Compares(..) | Check::Option(_) | Check::Nothing => false,
        }
    }
}

/// An option test with what lets it be refused without reading the vector as a command line.
#[derive(Debug)]
pub(super) struct OptionCheck {
    test: Arc<OptionTest>,
    /// Its long names.
    names: Vec<Finder<'static>>,
    /// The letters of its short names.
    letters: Vec<char>,
    /// Programs, one of which the vector names; empty if any will do.
    programs: Vec<Finder<'static>>,
    /// The reading of the joined line, where asked for.
    loose: Option<Regex>,
}

impl OptionCheck {
    fn new(test: Arc<OptionTest>, may: bool) -> Self {
        let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
        let is_short = |name: &str| name.chars().count() == 2;
        let names = test.names.iter().filter(|name| !is_short(name)).map(|name| finder(name)).collect();
        let letters = test.names.iter().filter(|name| is_short(name)).filter_map(|name| name.chars().nth(1)).collect();
        let mut programs: Vec<&str> = test.commands.iter().filter_map(|c| c.program.as_deref()).collect();
        if test.commands.iter().any(|command| command.program.is_none()) {
            programs.clear();
        }
        programs.sort_unstable();
        programs.dedup();
        let programs = programs.into_iter().map(finder).collect();
        let fold = if test.folds(true) { "(?i)" } else { "" };
        let loose = may.then(|| Regex::new(&format!("{fold}^(?:{})$", test.loose_regex())).ok()).flatten();
        Self { test, names, letters, programs, loose }
    }

    /// Whether the option is given on the vector; `buffer` is overwritten.
    pub(super) fn is_given(&self, argv: &[&str], buffer: &mut String) -> bool {
        if self.may_be_given(argv) && self.test.is_given(argv) {
            return true;
        }
        self.loose.as_ref().is_some_and(|loose| {
            buffer.clear();
            for (at, word) in argv.iter().enumerate() {
                if at > 0 {
                    buffer.push(' ');
                }
                buffer.push_str(word);
            }
            loose.is_match(buffer)
        })
    }

    /// False if the vector's text cannot hold the option. A text that a shell unquotes may hold anything that
    /// its quotes pull apart.
    fn may_be_given(&self, argv: &[&str]) -> bool {
        let quoted = |word: &str| memchr::memchr3(b'\'', b'"', b'\\', word.as_bytes()).is_some();
        let named = self.test.names.is_empty()
            || argv.iter().any(|word| {
                word.contains('-') && self.letters.iter().any(|letter| word.contains(*letter))
                    || self.names.iter().any(|name| name.find(word.as_bytes()).is_some())
            });
        let programmed = || {
            self.programs.is_empty()
                || argv.iter().any(|word| self.programs.iter().any(|p| p.find(word.as_bytes()).is_some()))
        };
        // Outside a shell's text, a command's words are arguments as they are.
        let commands = &self.test.commands;
        let worded =
            || commands.is_empty() || commands.iter().any(|c| c.words.iter().all(|word| argv.contains(&word.as_str())));
        let shells = &self.test.launchers.shells;
        let shell = || argv.iter().any(|word| shells.contains(word.rsplit('/').next().unwrap_or(word)));
        let written = named && programmed();
        (written && worded()) || ((written || argv.iter().any(|word| quoted(word))) && shell())
    }
}
