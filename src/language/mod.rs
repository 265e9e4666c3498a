//! Query languages: each is a notation for [`logic::Formula`](crate::logic::Formula). `<name>/print.rs` goes from logic
//! to text, `<name>/read.rs` from text to logic, and the two share nothing, so that one cannot repeat the other's
//! mistakes.
//!
//! Formulas here speak of a **target's** fields: a path is one segment, the field's name in that target (Falco's
//! `proc.args`, Splunk's `process`), except under [`Formula::Element`](crate::logic::Formula::Element).

mod ascii;
pub mod eql;
pub mod falco;
pub mod fields;
pub mod fragment;
pub mod kql;
pub mod lucene;
mod pcre;
#[cfg(test)]
mod printing_tests;
mod regex;
pub mod sigma;
pub mod spl;
mod text;
mod walk;

pub(crate) use ascii::folded;
pub use fields::{FieldTable, FieldType};
pub use fragment::{Fragment, Strength};
pub use regex::Expressions;
pub use walk::flatten;

use crate::logic::{Formula, Origin};

/// The languages that formulas can be printed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// The `detection` part of a Sigma rule.
    Sigma,
    /// Terms of Splunk's `search` command.
    Spl,
    /// An expression for Splunk's `where` command.
    SplWhere,
    /// Elastic's KQL.
    Kql,
    /// The condition of an Elastic EQL query, what stands after `process where`.
    Eql,
    /// A Falco condition.
    Falco,
    /// The `exceptions` of a Falco rule.
    FalcoExceptions,
    /// Lucene's query_string syntax.
    Lucene,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 8] = [
        Language::Sigma,
        Language::Spl,
        Language::SplWhere,
        Language::Kql,
        Language::Eql,
        Language::Falco,
        Language::FalcoExceptions,
        Language::Lucene,
    ];

    /// Its name in a target's description.
    pub fn name(self) -> &'static str {
        match self {
            Language::Sigma => "sigma",
            Language::Spl => "search",
            Language::SplWhere => "where",
            Language::Kql => "kql",
            Language::Eql => "eql",
            Language::Falco => "falco",
            Language::FalcoExceptions => "falco_exceptions",
            Language::Lucene => "lucene",
        }
    }

    /// How long an expression in it may be, in bytes or characters, if there is a limit.
    pub fn longest_expression(self) -> Option<usize> {
        match self {
            Language::Falco => Some(falco::print::LONGEST),
            Language::Eql => Some(eql::print::LONGEST_EXPRESSION),
            _ => None,
        }
    }

    /// The language of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}

/// A formula in some language.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Text, possibly over several lines.
    Text(String),
    /// A tree: Sigma's `detection` mapping, its keys in the order they are to be written; Falco's list of exceptions.
    Document(serde_json::Value),
}

/// Prints a formula over a target's fields. What comes out means what the formula means for every event, up to
/// [`Case::Either`](crate::logic::Case::Either), which is printed the way the language says most simply. The error
/// lists everything that the language cannot say.
pub fn print(language: Language, formula: &Formula, fields: &FieldTable) -> Result<Query, Vec<Gap>> {
    Printer { language, fields, expressions: &Expressions::default() }.print(formula)
}

/// Prints formulas in one language, as [`print`] does, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Printer<'a> {
    /// The language.
    pub language: Language,
    /// The types of the target's fields.
    pub fields: &'a FieldTable,
    /// The expressions that were printed before, in whatever language.
    pub expressions: &'a Expressions,
}

impl Printer<'_> {
    /// The formula as a query; else everything that the language cannot say.
    pub fn print(&self, formula: &Formula) -> Result<Query, Vec<Gap>> {
        match self.dialect() {
            Some(dialect) => {
                let fragment = walk::print(dialect, formula, self.fields, self.expressions)?;
                Ok(Query::Text(fragment.layout(walk::WIDTH)))
            }
            None => self.document(formula).map(Query::Document),
        }
    }

    /// What the language cannot say of the formula: the gaps of [`Printer::print`] without the query.
    pub fn gaps(&self, formula: &Formula) -> Vec<Gap> {
        let gaps = match self.dialect() {
            Some(dialect) => walk::print(dialect, formula, self.fields, self.expressions).err(),
            None => self.document(formula).err(),
        };
        gaps.unwrap_or_default()
    }

    /// The formula in a language whose queries are trees.
    fn document(&self, formula: &Formula) -> Result<serde_json::Value, Vec<Gap>> {
        match self.language {
            Language::FalcoExceptions => falco::exceptions::print(formula, self.fields, self.expressions),
            _ => sigma::print::print(formula, self.fields, self.expressions),
        }
    }

    /// The language's dialect, if its queries are text.
    fn dialect(&self) -> Option<&'static dyn walk::Dialect> {
        Some(match self.language {
            Language::Sigma | Language::FalcoExceptions => return None,
            Language::Spl => &spl::print::Search,
            Language::SplWhere => &spl::print_where::Where,
            Language::Kql => &kql::print::Kql,
            Language::Eql => &eql::print::Eql,
            Language::Falco => &falco::print::Falco,
            Language::Lucene => &lucene::print::Lucene,
        })
    }
}

/// Something that a language cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The test's place in the detection, if the fault is in one test.
    pub origin: Origin,
    /// What cannot be said and why, in the reader's words: `KQL has no regular expressions`.
    pub reason: String,
}

/// Why a text is no query that a reader understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong there.
    pub reason: String,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (at byte {})", self.reason, self.offset)
    }
}

impl std::error::Error for ReadError {}
