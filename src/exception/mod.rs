//! Exceptions: what a detection matches and an organisation does not want to see, with a reason, an owner and an end.
//!
//! One file in `exceptions/` beside the detections is one exception, for one detection or several, with a condition per
//! log source in the language of detections. A target's rule carries it by the platform's own mechanism, if that can say
//! it, else as an `and not` in its query; the proof is about all of it: rule = detection and not exception. When it ends
//! is judged by `cresset check` alone: what a build writes depends on no clock.

mod apply;
mod read;
mod schema;

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::detection::{Excepted, Observation};
use crate::diagnostic::{Diagnostic, Place, SourceFile};
use crate::logic::{Formula, Origin, Test};
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

    /// Where one of its log sources is named.
    fn place_of(&self, observation: &Observation) -> Option<Place> {
        let mut places = self.observations.iter().zip(&self.sources);
        let (_, span) = places.find(|(known, _)| known.source == observation.source)?;
        Some(Place { file: self.source.clone(), span: span.clone() })
    }

    /// What it says of one of its log sources, for the detections that it is about.
    pub fn excepts(&self, observation: &Observation) -> Excepted {
        Excepted {
            name: self.name.clone(),
            formula: unplaced(&observation.formula),
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires,
            ticket: self.ticket.clone(),
            place: self.place_of(observation),
        }
    }
}

/// The formula with tests that stand nowhere.
fn unplaced(formula: &Formula) -> Formula {
    let each = |parts: &[Formula]| parts.iter().map(unplaced).collect::<Vec<_>>();
    match formula {
        Formula::And(parts) => Formula::And(each(parts)),
        Formula::Or(parts) => Formula::Or(each(parts)),
        Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: each(of) },
        Formula::Not(part) => Formula::Not(Box::new(unplaced(part))),
        Formula::Element { path, body } => Formula::Element { path: path.clone(), body: Box::new(unplaced(body)) },
        Formula::Test(test) => Formula::Test(Test { origin: Origin::default(), ..test.clone() }),
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
