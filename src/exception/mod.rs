//! Exceptions: what a detection matches and an organisation does not want to see, with a reason, an owner and an end.
//!
//! One file in `exceptions/` beside the detections is one exception, for one detection or several, with a condition per
//! log source in the language of detections. It becomes a guarded `and not` in the canonical condition, so that every
//! target's rule has it and the proof is about all of it: rule = detection and not exception. When it ends is judged by
//! `cresset check` alone: what a build writes depends on no clock.

mod apply;
mod read;
mod schema;

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::detection::Observation;
use crate::diagnostic::{Diagnostic, Place, SourceFile};
use crate::profile::Selector;

pub use apply::{apply, judge};
pub use read::{KEYS, load, read};
pub use schema::schema;

/// The folder of exceptions, in the project's folder.
pub const FOLDER: &str = "exceptions";

/// One exception.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The name of its file without the extension.
    pub name: String,
    /// From which detections it takes something away.
    pub detections: Vec<Selector>,
    /// In which profiles; in all, and without one, if absent.
    pub profiles: Option<Vec<String>>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Where that stands.
    pub expires_at: Place,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// False for one that is only proposed: it is checked and not used.
    pub approved: bool,
    /// What it takes away, per log source.
    pub observations: Vec<Observation>,
    /// Where the log sources stand.
    pub sources: Vec<Range<usize>>,
    /// The text that it was read from.
    pub source: Arc<SourceFile>,
}

impl Exception {
    /// Whether it holds in a profile of this name, or without one.
    pub fn is_for(&self, profile: Option<&str>) -> bool {
        self.approved
            && self.profiles.as_ref().is_none_or(|names| profile.is_some_and(|name| names.iter().any(|n| n == name)))
    }

    /// What readers of a rule are told of it.
    pub fn remark(&self) -> String {
        let ticket = self.ticket.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
        let reason = self.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("Excepted until {} ({}{ticket}): {reason}", self.expires, self.owner)
    }
}

/// The exceptions of a project.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    /// Those that can be used, sorted by file.
    pub all: Vec<Exception>,
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
    /// How many files there are.
    pub files: usize,
}
