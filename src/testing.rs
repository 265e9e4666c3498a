//! Running the tests that detections carry: recorded logs and inline events, judged by the reference evaluator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use crate::detection::{Detection, DetectionTest, TestEvents};
use crate::logic::{Event, Reading, evaluate};
use crate::source::reader::{self, Choice, Record};

/// How one test of a detection ended.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The detection's short name.
    pub detection: String,
    /// What was tested: the test's name, or where its events are.
    pub test: String,
    /// How many events were judged.
    pub events: usize,
    /// How many of them the detection matched.
    pub matched: usize,
    /// Events for which it said the wrong thing.
    pub failures: Vec<Failure>,
    /// Why the test could not be run at all.
    pub error: Option<String>,
}

impl Outcome {
    /// True if everything was as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.error.is_none()
    }
}

/// An event for which a detection said the wrong thing.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The event's id, or its place among the inline events.
    pub event: String,
    /// Where it is: file and line, if it was recorded.
    pub place: Option<String>,
    /// What was wrong.
    pub fault: Fault,
}

/// What was wrong about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It should match and does not.
    NotMatched,
    /// It matches and should not.
    Matched,
    /// The log holds no event of this id.
    NotFound,
}

impl Fault {
    /// The fault in words.
    pub fn words(self) -> &'static str {
        match self {
            Fault::NotMatched => "is not matched, and should be",
            Fault::Matched => "is matched, and should not be",
            Fault::NotFound => "is not in the log",
        }
    }
}

/// The records of a log, or why they could not be read.
type Log = Result<Arc<Vec<Record>>, String>;

/// Runs all tests of `detections`, whose logs lie below `tests`. Every log is read once. The outcomes are in the
/// order of the detections and their tests.
pub fn run(detections: &[Detection], tests: &Path) -> Vec<Outcome> {
    let paths: BTreeSet<PathBuf> =
        detections.iter().flat_map(|detection| detection.tests.iter().filter_map(log_of)).collect();
    let logs: BTreeMap<PathBuf, Log> = paths
        .into_par_iter()
        .map(|path| {
            let records = read(&tests.join(&path));
            (path, records)
        })
        .collect();
    detections
        .par_iter()
        .flat_map_iter(|detection| {
            detection.tests.iter().map(|test| run_one(detection, test, &logs)).collect::<Vec<_>>()
        })
        .collect()
}

fn log_of(test: &DetectionTest) -> Option<PathBuf> {
    match &test.events {
        TestEvents::Log { path, .. } => Some(path.clone()),
        TestEvents::Inline { .. } => None,
    }
}

fn read(path: &Path) -> Log {
    let records = reader::open(path, &Choice::default()).map_err(|error| format!("{}: {error}", path.display()))?;
    let records: Result<Vec<Record>, _> = records.collect();
    records.map(Arc::new).map_err(|damage| damage.to_string())
}

/// Whether `detection` matches `event` of `source`: what its observation there says, false if it has none.
fn matches(detection: &Detection, source: &str, event: &Event) -> bool {
    detection
        .observations
        .iter()
        .any(|observation| observation.source == source && evaluate(&observation.formula, event, Reading::Must))
}

fn run_one(detection: &Detection, test: &DetectionTest, logs: &BTreeMap<PathBuf, Log>) -> Outcome {
    let mut outcome = Outcome {
        detection: detection.name.clone(),
        test: test.name.clone(),
        events: 0,
        matched: 0,
        failures: Vec::new(),
        error: None,
    };
    match &test.events {
        TestEvents::Inline { matches: wanted, misses } => {
            let only = match detection.observations.as_slice() {
                [one] => Some(one.source.as_str()),
                _ => None,
            };
            let Some(source) = test.source.as_deref().or(only) else {
                outcome.error = Some("the test does not say of which log source its events are".to_owned());
                return outcome;
            };
            if outcome.test.is_empty() {
                outcome.test = format!("{source} events");
            }
            for (events, expected, kind) in [(wanted, true, "matches"), (misses, false, "misses")] {
                for (at, event) in events.iter().enumerate() {
                    let found = matches(detection, source, event);
                    outcome.events += 1;
                    outcome.matched += usize::from(found);
                    if found != expected {
                        let fault = if found { Fault::Matched } else { Fault::NotMatched };
                        outcome.failures.push(Failure { event: format!("{kind}[{at}]"), place: None, fault });
                    }
                }
            }
        }
        TestEvents::Log { path, matches: wanted, misses, partial } => {
            if outcome.test.is_empty() {
                outcome.test = path.display().to_string();
            }
            let records = match logs.get(path) {
                Some(Ok(records)) => records,
                Some(Err(error)) => {
                    outcome.error = Some(error.clone());
                    return outcome;
                }
                None => return outcome,
            };
            let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
            let misses: BTreeSet<&str> = misses.iter().map(String::as_str).collect();
            let mut unseen: BTreeSet<&str> = wanted.union(&misses).copied().collect();
            for record in records.iter() {
                if test.source.as_ref().is_some_and(|source| **source != *record.source) {
                    continue;
                }
                let id = record.id.as_str();
                unseen.remove(id);
                let expected = wanted.contains(id);
                if *partial && !expected && !misses.contains(id) {
                    continue;
                }
                let found = matches(detection, &record.source, &record.event);
                outcome.events += 1;
                outcome.matched += usize::from(found);
                if found != expected {
                    let fault = if found { Fault::Matched } else { Fault::NotMatched };
                    let place = Some(format!("{}:{}", path.display(), record.line));
                    outcome.failures.push(Failure { event: id.to_owned(), place, fault });
                }
            }
            outcome.failures.extend(unseen.into_iter().map(|id| Failure {
                event: id.to_owned(),
                place: None,
                fault: Fault::NotFound,
            }));
        }
    }
    outcome
}
