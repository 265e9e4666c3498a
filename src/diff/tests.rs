//! Tests of a detection that are gone, or ask for less than they did.

use serde::Serialize;

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
    let expected = |detection: &Detection| -> Vec<String> { detection.tests.iter().flat_map(expectations).collect() };
    let (before, after) = (expected(before), expected(after));
    TestChange {
        added: after.iter().filter(|one| !before.contains(one)).count(),
        removed: before.into_iter().filter(|one| !after.contains(one)).collect(),
    }
}

/// Everything that a test expects, one sentence each.
fn expectations(test: &DetectionTest) -> Vec<String> {
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
            all
        }
        TestEvents::Inline { matches, misses } => {
            let of = source.map(|source| format!("{source} ")).unwrap_or_default();
            let each = |events: &[serde_json::Value], verb: &str| -> Vec<String> {
                events.iter().map(|event| format!("{verb} the {of}event {event}")).collect()
            };
            let mut all = each(matches, "matches");
            all.extend(each(misses, "misses"));
            all
        }
    }
}
