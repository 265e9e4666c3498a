//! What Kibana asks beside a rule's query, in filters and in exceptions: it makes the same queries of them as of KQL.

use serde_json::Value;

use super::Condition;
use crate::language::kql::read::{Term, read_term};
use crate::language::{FieldTable, ReadError};
use crate::logic::{Formula, Glob, Path, Piece};

/// A condition on fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Query {
    /// Of one field.
    Field {
        name: String,
        term: Term,
    },
    /// Of one and the same object of a nested field.
    Element {
        name: String,
        body: Box<Query>,
    },
    All(Vec<Query>),
    Any(Vec<Query>),
    Not(Box<Query>),
    /// Of which events it holds is not known, for this reason.
    Unknown(String),
}

/// All of several queries.
pub(super) fn all(mut parts: Vec<Query>) -> Query {
    if parts.len() == 1 { parts.remove(0) } else { Query::All(parts) }
}

/// One of several queries.
pub(super) fn any(mut parts: Vec<Query>) -> Query {
    if parts.len() == 1 { parts.remove(0) } else { Query::Any(parts) }
}

/// The text of a text, a number or a truth value.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A pattern of Elasticsearch's `wildcard`: any text for `*`, any character for `?`, itself for what follows a backslash.
pub(super) fn wildcard(text: &str) -> Glob {
    let mut chars = text.chars();
    let mut pieces = Vec::new();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Literal(chars.next().unwrap_or('\\').to_string()),
            c => Piece::Literal(c.to_string()),
        });
    }
    Glob::new(pieces)
}

impl Query {
    pub fn field(name: &str, term: Term) -> Self {
        Query::Field { name: name.to_owned(), term }
    }

    pub fn negated(self) -> Self {
        Query::Not(Box::new(self))
    }

    /// The query over the fields of an index.
    pub fn condition(&self, fields: &FieldTable) -> Result<Condition, ReadError> {
        self.within(None, fields)
    }

    fn within(&self, inside: Option<&str>, fields: &FieldTable) -> Result<Condition, ReadError> {
        let each = |parts: &[Query]| -> Result<Vec<Condition>, ReadError> {
            parts.iter().map(|part| part.within(inside, fields)).collect()
        };
        Ok(match self {
            Query::Field { name, term } => read_term(inside, name, term, fields)?.into(),
            Query::Element { name, body } => body
                .within(Some(name), fields)?
                .map(|body| Formula::element(Path::from_segments([name.as_str()]), body)),
            Query::All(parts) => Condition::and(each(parts)?),
            Query::Any(parts) => Condition::or(each(parts)?),
            Query::Not(part) => part.within(inside, fields)?.negated(),
            Query::Unknown(doubt) => Condition::unknown(doubt),
        })
    }
}
