//! The tests of detections as a page shows them: how they ended, and some of their events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::detection::{Detection, DetectionTest, TestEvents};
use crate::source::reader::{self, Choice};
use crate::testing::{self, Failure, Outcome, Rules};

/// How many events of a recorded log are shown.
const MOST_RECORDED: usize = 3;
/// How many events of each kind that are written in a detection are shown.
const MOST_INLINE: usize = 20;
/// How much of an event is shown, in characters.
const LONGEST: usize = 6000;

/// A test.
#[derive(Clone, Debug, Serialize)]
pub struct TestPage {
    /// What is tested.
    pub name: String,
    /// Whether it passed; nothing if it was not run.
    pub passed: Option<bool>,
    /// How many events were judged.
    pub events: usize,
    /// How many of them match.
    pub matched: usize,
    /// Why it failed.
    pub faults: Vec<String>,
    /// Events that match, and events that do not.
    pub shown: Vec<EventPage>,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
pub struct EventPage {
    /// What it is called: its id, or what it is an example of.
    pub label: String,
    /// Whether the detection matches it.
    pub matches: bool,
    /// The event, laid out.
    pub text: String,
}

/// The tests of `detections` by the detections' names. `tests` is where recorded logs are.
pub fn pages(detections: &[Detection], tests: Option<&Path>) -> BTreeMap<String, Vec<TestPage>> {
    let mut outcomes =
        tests.map(|tests| testing::run(detections, tests, &Rules::default())).unwrap_or_default().into_iter();
    let recorded = tests.map(|tests| recorded(detections, tests)).unwrap_or_default();
    let mut pages = BTreeMap::new();
    for detection in detections {
        let of_detection: Vec<TestPage> =
            detection.tests.iter().map(|test| page(test, outcomes.next(), &recorded)).collect();
        pages.insert(detection.name.clone(), of_detection);
    }
    pages
}

/// Events of logs by log and id.
type Recorded = BTreeMap<PathBuf, BTreeMap<String, Value>>;

/// The first events that each test of a log names.
fn recorded(detections: &[Detection], tests: &Path) -> Recorded {
    let mut wanted: BTreeMap<&PathBuf, BTreeSet<&str>> = BTreeMap::new();
    for test in detections.iter().flat_map(|detection| &detection.tests) {
        if let TestEvents::Log { path, matches, misses, .. } = &test.events {
            let ids = matches.iter().take(MOST_RECORDED).chain(misses.iter().take(MOST_RECORDED));
            wanted.entry(path).or_default().extend(ids.map(String::as_str));
        }
    }
    let mut recorded = Recorded::new();
    for (path, ids) in wanted {
        let Ok(records) = reader::open(&tests.join(path), &Choice::default()) else { continue };
        let found = recorded.entry(path.clone()).or_default();
        for record in records.filter_map(Result::ok).filter(|record| ids.contains(record.id.as_str())) {
            found.entry(record.id).or_insert(record.event);
        }
    }
    recorded
}

fn page(test: &DetectionTest, outcome: Option<Outcome>, recorded: &Recorded) -> TestPage {
    let (name, shown) = match &test.events {
        TestEvents::Log { path, matches, misses, .. } => {
            let log = recorded.get(path);
            let found = |ids: &[String], matches: bool| -> Vec<EventPage> {
                let events = ids.iter().take(MOST_RECORDED).filter_map(|id| Some((id, log?.get(id)?)));
                events
                    .map(|(id, event)| EventPage { label: format!("event {id}"), matches, text: laid_out(event) })
                    .collect()
            };
            (path.display().to_string(), [found(matches, true), found(misses, false)].concat())
        }
        TestEvents::Inline { matches, misses } => {
            let of = |events: &[Value], matches: bool| -> Vec<EventPage> {
                let one = |(at, event): (usize, &Value)| EventPage {
                    label: format!("example {}", at + 1),
                    matches,
                    text: laid_out(event),
                };
                events.iter().take(MOST_INLINE).enumerate().map(one).collect()
            };
            let source = test.source.as_deref().unwrap_or("inline");
            (format!("{source} events"), [of(matches, true), of(misses, false)].concat())
        }
    };
    let name = if test.name.is_empty() { name } else { test.name.clone() };
    let faults = outcome.iter().flat_map(|outcome| {
        let failures = outcome.failures.iter().map(Failure::words);
        outcome.error.clone().into_iter().chain(failures)
    });
    TestPage {
        name,
        faults: faults.collect(),
        passed: outcome.as_ref().map(Outcome::passed),
        events: outcome.as_ref().map_or(0, |outcome| outcome.events),
        matched: outcome.as_ref().map_or(0, |outcome| outcome.matched),
        shown,
    }
}

/// An event as indented JSON, cut where it is very long.
pub fn laid_out(event: &Value) -> String {
    let text = format!("{event:#}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}\n… (cut)", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
