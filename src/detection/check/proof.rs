//! Whether a detection is tested: by an event that matches and by one that does not, in every log source.

use std::path::Path;

use crate::detection::model::TestEvents;
use crate::detection::parse::Parsed;
use crate::diagnostic::{Code, Diagnostic, Place};

pub(super) fn check(parsed: &Parsed, tests: Option<&Path>, problems: &mut Vec<Diagnostic>) {
    let read = parsed.detection.as_ref().map(|detection| &detection.tests).or(parsed.rest.tests.as_ref());
    let (Some(read), Some(place)) = (read, super::key_place(parsed, "title")) else { return };
    let mut has_match = false;
    let mut has_miss = false;
    for (test, spans) in read.iter().zip(&parsed.spans.tests) {
        match &test.events {
            TestEvents::Log { path, matches, misses, partial } => {
                has_match |= !matches.is_empty();
                // A log that is judged as a whole has many events that must not match.
                has_miss |= !misses.is_empty() || !partial;
                if let Some(folder) = tests
                    && !folder.join(path).is_file()
                {
                    let place = Place { file: place.file.clone(), span: spans.subject.clone() };
                    let message = format!("there is no log `{}`", path.display());
                    problems.push(
                        Diagnostic::new(Code::TestLog, place, message)
                            .help("logs lie under the project's `tests/`, and their path is written from there on"),
                    );
                }
            }
            TestEvents::Inline { matches, misses } => {
                has_match |= !matches.is_empty();
                has_miss |= !misses.is_empty();
            }
        }
    }
    if !has_match {
        let message = "no test shows an event that it finds";
        problems.push(
            Diagnostic::new(Code::NoMatchingTest, place.clone(), message)
                .help("add one under `tests`, with `matches`: without it nobody knows whether it ever fires"),
        );
    }
    if !has_miss {
        let message = "no test shows an event that it leaves alone";
        problems.push(
            Diagnostic::new(Code::NoMissingTest, place, message)
                .help("add one under `tests`, with `misses`: the nearest harmless event is the best one"),
        );
    }
}
