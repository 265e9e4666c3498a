//! Running the tests that detections carry: recorded logs and inline events, judged by the reference evaluator, and by
//! the rules that targets have for the detections.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use crate::detection::{Detection, DetectionTest, TestEvents};
use crate::logic::{Event, Reading, evaluate};
use crate::source::reader::{self, Choice, Record};

pub use rules::Rules;

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
    /// Events for which the rule of a target says the wrong thing, because an argument is empty or holds a blank: what
    /// the detection reads as an argument, and the rule as words of a line.
    pub notes: Vec<Failure>,
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
    /// The targets whose rules are wrong about it, where the detection is right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// What was wrong.
    pub fault: Fault,
}

impl Failure {
    /// What is wrong, in a sentence.
    pub fn words(&self) -> String {
        let place = self.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
        let rule = match self.targets.as_slice() {
            [] => String::new(),
            [one] => format!(" by the rule for {one}"),
            many => format!(" by the rules for {}", many.join(", ")),
        };
        let fault = match self.fault {
            Fault::NotMatched => format!("is not matched{rule}, and should be"),
            Fault::Matched => format!("is matched{rule}, and should not be"),
            Fault::NotFound => "is not in the log".to_owned(),
        };
        format!("event {}{place} {fault}", self.event)
    }
}

/// What was wrong about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It should match and does not.
    NotMatched,
    /// It matches and should not.
    Matched,
    /// The log holds no event of this id.
    NotFound,
}

/// The records of a log, or why they could not be read.
type Log = Result<Arc<Vec<Record>>, String>;

/// Runs all tests of `detections`, whose logs lie below `tests`, and asks `rules` of what the detections say rightly of
/// the events that the tests name. Every log is read once. The outcomes are in the order of the detections and their
/// tests.
pub fn run(detections: &[Detection], tests: &Path, rules: &Rules<'_>) -> Vec<Outcome> {
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
            detection.tests.iter().map(|test| run_one(detection, test, &logs, rules)).collect::<Vec<_>>()
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

/// An event, and what a detection should say of it.
struct Case<'c> {
    source: &'c str,
    event: &'c Event,
    expected: bool,
    id: &'c str,
    place: Option<String>,
}

impl Outcome {
    /// Judges an event by the detection, and where that is right by its rules.
    fn judge(&mut self, detection: &Detection, case: &Case<'_>, rules: &Rules<'_>) {
        let observation = detection.observations.iter().find(|observation| observation.source == case.source);
        let found = observation.is_some_and(|one| evaluate(&one.formula, case.event, Reading::Must));
        self.events += 1;
        self.matched += usize::from(found);
        let failure = |targets, fault| Failure { event: case.id.to_owned(), place: case.place.clone(), targets, fault };
        if found != case.expected {
            self.failures.push(failure(Vec::new(), if found { Fault::Matched } else { Fault::NotMatched }));
        } else if let Some(observation) = observation {
            let unlike = rules.unlike(&detection.name, observation, case.event, found).into_iter();
            let is_beyond = rules::is_beyond(case.source, case.event);
            let told = if is_beyond { &mut self.notes } else { &mut self.failures };
            told.extend(unlike.map(|(fault, targets)| failure(targets, fault)));
        }
    }
}

fn run_one(detection: &Detection, test: &DetectionTest, logs: &BTreeMap<PathBuf, Log>, rules: &Rules<'_>) -> Outcome {
    let mut outcome = Outcome {
        detection: detection.name.clone(),
        test: test.name.clone(),
        events: 0,
        matched: 0,
        failures: Vec::new(),
        notes: Vec::new(),
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
                    let id = format!("{kind}[{at}]");
                    outcome.judge(detection, &Case { source, event, expected, id: &id, place: None }, rules);
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
            // Of the many events that no test names, the detection alone is asked.
            let none = Rules::default();
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
                let place = Some(format!("{}:{}", path.display(), record.line));
                let case = Case { source: &record.source, event: &record.event, expected, id, place };
                outcome.judge(detection, &case, if expected || misses.contains(id) { rules } else { &none });
            }
            outcome.failures.extend(unseen.into_iter().map(|id| Failure {
                event: id.to_owned(),
                place: None,
                targets: Vec::new(),
                fault: Fault::NotFound,
            }));
        }
    }
    outcome
}
