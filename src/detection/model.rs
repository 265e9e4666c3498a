//! A detection as the rest of the program sees it: checked, with every observation lowered to a formula.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::diagnostic::{Place, SourceFile};
use crate::logic::{Event, Formula, Origin};

/// One canonical detection.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The file it was read from, relative to the project where possible, with `/` between segments.
    pub file: PathBuf,
    /// Its short name: the file's name without the extension (`docker_socket_mounted`). Names rules and files.
    pub name: String,
    /// Its identity; rules' identities derive from it.
    pub id: Uuid,
    /// What it finds, in a few words.
    pub title: String,
    /// Raised with every change of its logic.
    pub version: u32,
    /// How far it can be trusted to be finished.
    pub status: Status,
    /// How bad it is when it is true.
    pub severity: Severity,
    /// How often it is true when it fires.
    pub confidence: Confidence,
    /// What it finds and why that matters.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// Who answers for it, if that is somebody else.
    pub owner: Option<String>,
    /// When it was written.
    pub created: jiff::civil::Date,
    /// When it was last changed.
    pub modified: Option<jiff::civil::Date>,
    /// ATT&CK technique ids (`T1611`, `T1610`), in the author's order.
    pub attack: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// What else may make it fire.
    pub false_positives: Vec<String>,
    /// What an analyst does when it fires, in Markdown.
    pub triage: String,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// Risk that one hit adds, 0 to 100.
    pub risk: u8,
    /// How often it runs, and over which time, where rules are searches.
    pub schedule: Schedule,
    /// How repeated hits are held back.
    pub throttle: Option<Throttle>,
    /// What it looks for, per log source, in the author's order.
    pub observations: Vec<Observation>,
    /// What a target does differently for it, by the target's name.
    pub targets: BTreeMap<String, TargetSettings>,
    /// Where each of these targets is named: bytes of `source`.
    pub target_names: BTreeMap<String, Range<usize>>,
    /// Events that it must match and must not.
    pub tests: Vec<DetectionTest>,
    /// The text that it was read from.
    pub source: Arc<SourceFile>,
    /// Where each test of its formulas was written, by its [`Origin`]: bytes of `source`.
    pub places: Vec<Range<usize>>,
}

impl Detection {
    /// Where a test was written.
    pub fn place(&self, origin: Origin) -> Option<Place> {
        let span = self.places.get(usize::try_from(origin.0?).ok()?)?.clone();
        Some(Place { file: self.source.clone(), span })
    }

    /// Whether this is its name or its id.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id.to_string().eq_ignore_ascii_case(name)
    }

    /// Its tags and the ATT&CK techniques that it finds: all that it may be chosen by.
    pub fn all_tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().chain(&self.attack).map(String::as_str)
    }

    /// Whether it has a tag or finds a technique, in any case.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.all_tags().any(|known| known.eq_ignore_ascii_case(tag))
    }

    /// What it looks for in a log source.
    pub fn observation(&self, source: &str) -> Option<&Observation> {
        self.observations.iter().find(|observation| observation.source == source)
    }
}

/// What a detection looks for in one log source.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The log source's name in the catalogue.
    pub source: String,
    /// The selections by name, lowered, in the author's order: what a hit can be explained by.
    pub selections: IndexMap<String, Formula>,
    /// The condition over the selections as it was written.
    pub condition: String,
    /// The whole of it: the condition with the selections put in, over the event's own paths.
    pub formula: Formula,
    /// What is excepted from it where it is used; nothing in a detection as it was written.
    pub exceptions: Vec<Excepted>,
}

impl Observation {
    /// What is looked for, and not what is excepted: what hits are, and what every target's rule has to say.
    pub fn meaning(&self) -> Formula {
        self.without(self.exceptions.iter())
    }

    /// What is looked for, and not what these exceptions are about.
    pub fn without<'e>(&self, exceptions: impl Iterator<Item = &'e Excepted>) -> Formula {
        let rest = exceptions.map(|excepted| Formula::not(excepted.formula.clone()));
        Formula::and([self.formula.clone()].into_iter().chain(rest))
    }

    /// The condition as readers see it, with the names of exceptions.
    pub fn written(&self) -> String {
        let condition = self.condition.trim();
        if self.exceptions.is_empty() {
            return condition.to_owned();
        }
        let names: Vec<String> = self.exceptions.iter().map(|excepted| format!(" and not {}", excepted.name)).collect();
        format!("({condition}){}", names.concat())
    }
}

/// What is all right among what an observation finds, and who says so.
#[derive(Clone, Debug)]
pub struct Excepted {
    /// The exception's name.
    pub name: String,
    /// Which events are meant, over the event's own paths. Its tests were not written in the detection's file.
    pub formula: Formula,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: jiff::civil::Date,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// Where it is written, if that is in a file.
    pub place: Option<Place>,
}

impl Excepted {
    /// What readers of a rule are told of it, in one line.
    pub fn remark(&self) -> String {
        let ticket = self.ticket.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
        let reason = self.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("Excepted until {} ({}{ticket}): {reason}", self.expires, self.owner)
    }
}

/// How far a detection can be trusted to be finished (the words are Sigma's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In production.
    Stable,
    /// Believed right, watched.
    Test,
    /// New.
    Experimental,
    /// Kept for reference.
    Deprecated,
}

/// How bad it is when a detection is right (the words are Sigma's levels).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing by itself.
    Informational,
    /// Worth a look some day.
    Low,
    /// Worth a look.
    Medium,
    /// Look today.
    High,
    /// Look now.
    Critical,
}

/// How often a detection is right when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Mostly something else.
    Low,
    /// Often.
    Medium,
    /// Nearly always.
    High,
}

/// When a search runs and how far it looks back, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Schedule {
    /// Minutes between two runs.
    pub every: u32,
    /// Minutes that a run looks back; more than `every`, because events arrive late.
    pub look_back: u32,
}

/// How repeated hits are held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Throttle {
    /// Minutes for which a repeated hit is not reported.
    pub minutes: u32,
    /// Canonical fields that make two hits the same.
    pub by: Vec<String>,
}

/// What a target does differently for one detection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetSettings {
    /// False: no rule for this target.
    pub enabled: Option<bool>,
    /// Another severity there.
    pub severity: Option<Severity>,
    /// Deviations that are accepted, by log source.
    pub accept: BTreeMap<String, Accept>,
}

/// A deviation that the detection's author accepts for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// In which direction.
    pub deviation: Deviation,
    /// Why that is all right.
    pub reason: String,
}

/// In which direction a rule differs from the detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deviation {
    /// It matches events that the detection does not.
    Wider,
    /// It misses events that the detection matches.
    Narrower,
    /// There is none: the target cannot say it in any useful way.
    Unsupported,
}

/// Events with a known answer.
#[derive(Clone, Debug)]
pub struct DetectionTest {
    /// What is tested, for reports; may be empty.
    pub name: String,
    /// The log source that the events are of; decided by the log's content if absent.
    pub source: Option<String>,
    /// The events.
    pub events: TestEvents,
}

/// Where a test's events are.
#[derive(Clone, Debug)]
pub enum TestEvents {
    /// In a recorded log.
    Log {
        /// Path relative to the project's `tests` folder.
        path: PathBuf,
        /// Ids of the events that match: no other event of the log does, unless `partial`.
        matches: Vec<String>,
        /// Ids of events that must not match.
        misses: Vec<String>,
        /// True if only the listed events are judged.
        partial: bool,
    },
    /// Written in the detection.
    Inline {
        /// Events that match, as canonical JSON.
        matches: Vec<Event>,
        /// Events that do not.
        misses: Vec<Event>,
    },
}

/// The words of [`Status`].
pub const STATUSES: [(&str, Status); 4] = [
    ("stable", Status::Stable),
    ("test", Status::Test),
    ("experimental", Status::Experimental),
    ("deprecated", Status::Deprecated),
];

/// The words of [`Severity`].
pub const SEVERITIES: [(&str, Severity); 5] = [
    ("informational", Severity::Informational),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// The words of [`Confidence`].
pub const CONFIDENCES: [(&str, Confidence); 3] =
    [("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

impl Severity {
    /// Its word.
    pub fn name(self) -> &'static str {
        SEVERITIES.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }

    /// The risk that a hit adds where a detection does not say.
    pub fn risk(self) -> u8 {
        match self {
            Severity::Informational => 10,
            Severity::Low => 21,
            Severity::Medium => 47,
            Severity::High => 73,
            Severity::Critical => 99,
        }
    }
}

impl Status {
    /// Its word.
    pub fn name(self) -> &'static str {
        STATUSES.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl Confidence {
    /// Its word.
    pub fn name(self) -> &'static str {
        CONFIDENCES.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: 5, look_back: 9 }
    }
}
