//! Tests of a detection that are gone, or ask for less than they did.

use serde::Serialize;
use serde_json::Value;

use crate::detection::{Detection, DetectionTest, TestEvents};

/// What became of a detection's tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestChange {
    /// How many expectations are new.
    pub added: usize,
    /// Expectations that are gone, in words.
    pub removed: Vec<String>,
}

impl TestChange {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added == 0 && self.removed.is_empty()
    }
}

/// What `after` no longer expects, and how much it expects anew.
pub fn compare(before: &Detection, after: &Detection) -> TestChange {
    let expected =
        |detection: &Detection| -> Vec<Expectation> { detection.tests.iter().flat_map(expectations).collect() };
    let (before, after) = (expected(before), expected(after));
    let has = |all: &[Expectation], one: &Expectation| all.iter().any(|known| known.is(one));
    TestChange {
        added: after.iter().filter(|one| !has(&before, one)).count(),
        removed: before.iter().filter(|one| !has(&after, one)).map(Expectation::words).collect(),
    }
}

/// Something that a test expects: what, and of which event if that is written down.
struct Expectation {
    words: String,
    event: Option<Value>,
}

impl Expectation {
    /// Whether it is the same one: an event's keys have no order.
    fn is(&self, other: &Self) -> bool {
        self.words == other.words && self.event == other.event
    }

    fn words(&self) -> String {
        self.event.as_ref().map_or_else(|| self.words.clone(), |event| format!("{} {event}", self.words))
    }
}

/// Everything that a test expects, one sentence each.
fn expectations(test: &DetectionTest) -> Vec<Expectation> {
    let source = test.source.as_deref();
    match &test.events {
        TestEvents::Log { path, matches, misses, partial } => {
            let log = path.to_string_lossy().replace('\\', "/");
            let here = source.map(|source| format!(" ({source})")).unwrap_or_default();
            let each = |ids: &[String], verb: &str| -> Vec<String> {
                ids.iter().map(|id| format!("{verb} event {id} of {log}{here}")).collect()
            };
            let mut all = each(matches, "matches");
            all.extend(each(misses, "misses"));
            if !partial {
                all.push(format!("matches no other event of {log}{here}"));
            }
            all.into_iter().map(|words| Expectation { words, event: None }).collect()
        }
        TestEvents::Inline { matches, misses } => {
            let of = source.map(|source| format!("{source} ")).unwrap_or_default();
            let each = |events: &[Value], verb: &str| -> Vec<Expectation> {
                let words = format!("{verb} the {of}event");
                let expectation = |event: &Value| Expectation { words: words.clone(), event: Some(event.clone()) };
                events.iter().map(expectation).collect()
            };
            let mut all = each(matches, "matches");
            all.extend(each(misses, "misses"));
            all
        }
    }
}
