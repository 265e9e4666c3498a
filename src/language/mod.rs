//! Query languages: each is a notation for [`logic::Formula`](crate::logic::Formula). `<name>/print.rs` goes from logic
//! to text, `<name>/read.rs` from text to logic, and the two share nothing, so that one cannot repeat the other's
//! mistakes.
//!
//! Formulas here speak of a **target's** fields: a path is one segment, the field's name in that target (Falco's
//! `proc.args`, Splunk's `process`), except under [`Formula::Element`](crate::logic::Formula::Element).

pub mod fields;
pub mod fragment;

pub use fields::{FieldTable, FieldType};
pub use fragment::{Fragment, Strength};

use crate::logic::Origin;

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
