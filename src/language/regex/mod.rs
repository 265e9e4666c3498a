//! Regular expressions in the syntaxes of the languages. The author's are those of the `regex` crate, *found* in a
//! value; Perl's (Splunk, Sigma) are too, and the author's text stays as it is where it means the same there ([`perl`]).
//! Lucene's and POSIX's match the **whole** value and are printed from the parsed expression ([`tree`]).
//!
//! What was read and printed is remembered here, for the rules of one detection.

pub(super) mod perl;
#[cfg(test)]
mod tests;
mod tree;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;

use self::perl::{perl_glob, perl_path, perl_text, perl_tree};
use self::tree::{LUCENE, POSIX, SHORT_POSIX, whole};
use super::fields::FieldType;
use super::fragment::Fragment;
use crate::logic::expression::{self, Expression};
use crate::logic::{ANY_CHARACTER, Pattern, TextSet};

/// Why an expression cannot be said, in words.
type Refusal = String;

fn faulty(source: &str) -> Refusal {
    format!("`{source}` is no regular expression")
}

/// Expressions and tests that were read and printed before. Whether a condition can be said is asked part by part before
/// it is printed, and the rules of one detection have most of their expressions in common.
#[derive(Debug, Default)]
pub struct Expressions {
    patterns: RefCell<HashMap<Pattern, Known, RandomState>>,
    tests: RefCell<HashMap<(Asked, *const Pattern), PrintedTest, RandomState>>,
}

/// Where a set of patterns is to be printed, and how.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::language) struct Asked {
    /// The name of the dialect.
    pub dialect: &'static str,
    /// The field's name and type.
    pub field: String,
    pub kind: Option<FieldType>,
    /// Whether its negation is asked for.
    pub negate: bool,
}

/// A test of text as it was printed, or why it cannot be.
#[derive(Debug)]
struct PrintedTest {
    /// Keeps the patterns where they are: they are known by that.
    set: TextSet,
    text: Result<Fragment, Refusal>,
}

/// What is known of a pattern.
#[derive(Debug, Default)]
struct Known {
    /// The pattern as an expression: with the case of letters, and without.
    read: [Option<Result<Rc<Expression>, Refusal>>; 2],
    printed: Vec<Printed>,
}

/// An expression in one notation, or why it cannot be said there.
#[derive(Debug)]
struct Printed {
    notation: Notation,
    text: Result<Rc<str>, Refusal>,
}

/// A way to print expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Perl { fold: bool, end: &'static str },
    Lucene { fold: bool },
    Posix { fold: bool, room: usize },
}

impl Expressions {
    /// A pattern in Perl's syntax, to be found somewhere in the value. `end` is the assertion for the end of the value:
    /// `$` also matches before a last newline in Perl, `\z` does not. `fold` ignores case.
    pub(in crate::language) fn perl(
        &self,
        pattern: &Pattern,
        fold: bool,
        end: &'static str,
    ) -> Result<Rc<str>, Refusal> {
        let text = self.found(pattern, fold, end)?;
        Ok(if fold { Rc::from(format!("(?i){text}")) } else { text })
    }

    /// The same for who is told beside the expression that it is to `fold`.
    pub(in crate::language) fn found(
        &self,
        pattern: &Pattern,
        fold: bool,
        end: &'static str,
    ) -> Result<Rc<str>, Refusal> {
        match pattern {
            // Nothing is parsed for these.
            Pattern::Glob(glob) => Ok(Rc::from(perl_glob(glob, end))),
            Pattern::Path { path, below } => Ok(Rc::from(perl_path(path, *below, end))),
            Pattern::Regex(source) => self.remembered(pattern, Notation::Perl { fold, end }, |known| {
                let read = known.read(pattern, false)?;
                let text = match perl_text(source, end, &read)? {
                    Some(text) => text,
                    None => perl_tree(&known.read(pattern, fold)?.tree, fold, end)?,
                };
                Ok(Rc::from(text))
            }),
        }
    }

    /// A pattern in Lucene's syntax, over the whole value. `fold` ignores case.
    pub(in crate::language) fn lucene(&self, pattern: &Pattern, fold: bool) -> Result<Rc<str>, Refusal> {
        self.remembered(pattern, Notation::Lucene { fold }, |known| whole(&known.read(pattern, fold)?.tree, &LUCENE))
    }

    /// A pattern in RE2's POSIX syntax, over the whole value, in at most `room` bytes if it can be. `fold` ignores case.
    pub(in crate::language) fn posix(&self, pattern: &Pattern, fold: bool, room: usize) -> Result<Rc<str>, Refusal> {
        self.remembered(pattern, Notation::Posix { fold, room }, |known| {
            let expression = known.read(pattern, fold)?;
            let text = whole(&expression.tree, &POSIX)?;
            if text.len() <= room { Ok(text) } else { whole(&expression.tree, &SHORT_POSIX) }
        })
    }

    /// A test of text, printed unless it was before. Copies of a set, of which conditions are full, are one set here; sets
    /// that were made one by one are not.
    pub(in crate::language) fn test(
        &self,
        asked: Asked,
        set: &TextSet,
        print: impl FnOnce() -> Result<Fragment, Refusal>,
    ) -> Result<Fragment, Refusal> {
        let key = (asked, set.any.as_ptr());
        if let Some(known) = self.tests.borrow().get(&key).filter(|known| known.set.case == set.case) {
            return known.text.clone();
        }
        let text = print();
        self.tests.borrow_mut().insert(key, PrintedTest { set: set.clone(), text: text.clone() });
        text
    }

    /// A pattern as an expression that is found in a value, if it is one.
    pub(crate) fn read(&self, pattern: &Pattern) -> Option<Rc<Expression>> {
        let mut known = self.patterns.borrow_mut();
        known.entry(pattern.clone()).or_default().read(pattern, false).ok()
    }

    fn remembered(
        &self,
        pattern: &Pattern,
        notation: Notation,
        print: impl FnOnce(&mut Known) -> Result<Rc<str>, Refusal>,
    ) -> Result<Rc<str>, Refusal> {
        let mut all = self.patterns.borrow_mut();
        if !all.contains_key(pattern) {
            all.insert(pattern.clone(), Known::default());
        }
        let Some(known) = all.get_mut(pattern) else { return print(&mut Known::default()) };
        if let Some(printed) = known.printed.iter().find(|one| one.notation == notation) {
            return printed.text.clone();
        }
        let text = print(known);
        known.printed.push(Printed { notation, text: text.clone() });
        text
    }
}

impl Known {
    fn read(&mut self, pattern: &Pattern, fold: bool) -> Result<Rc<Expression>, Refusal> {
        let [sensitive, insensitive] = &mut self.read;
        let slot = if fold { insensitive } else { sensitive };
        slot.get_or_insert_with(|| {
            let of = |source: &str| expression::read(source, fold).map(Rc::new).map_err(|_| faulty(source));
            match pattern {
                Pattern::Regex(source) => of(source),
                pattern => of(&format!("^(?:{})$", pattern.to_regex(ANY_CHARACTER))),
            }
        })
        .clone()
    }
}
