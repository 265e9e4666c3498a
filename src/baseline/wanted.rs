//! The events that detections must match by their tests: no proposal may cover one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use uuid::Uuid;

use crate::detection::{Detection, TestEvents};
use crate::logic::Event;
use crate::source::reader::{self, Choice, Record};

/// An event that a detection must match.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The detection.
    pub detection: Uuid,
    /// The log source of the event.
    pub source: String,
    /// What it is called in messages.
    pub name: String,
    /// The event.
    pub event: Event,
}

/// What is asked of a log: of which detection, of which log source if it says, and the events' ids.
type Asked<'d> = (&'d Detection, Option<&'d String>, BTreeSet<&'d str>);

/// All events that `detections` must match by their tests, whose logs lie below `tests`; and how many more their tests
/// name that are not there.
pub fn wanted(detections: &[&Detection], tests: Option<&Path>) -> (Vec<Wanted>, usize) {
    let mut wanted = Vec::new();
    let mut logs: BTreeMap<&Path, Vec<Asked<'_>>> = BTreeMap::new();
    for detection in detections {
        for test in &detection.tests {
            match &test.events {
                TestEvents::Log { path, matches, .. } => {
                    let ids = matches.iter().map(String::as_str).collect();
                    logs.entry(path).or_default().push((detection, test.source.as_ref(), ids));
                }
                TestEvents::Inline { matches, .. } => {
                    let only = match detection.observations.as_slice() {
                        [one] => Some(&one.source),
                        _ => None,
                    };
                    let Some(source) = test.source.as_ref().or(only) else { continue };
                    wanted.extend(matches.iter().enumerate().map(|(at, event)| Wanted {
                        detection: detection.id,
                        source: source.clone(),
                        name: format!("number {} of the {source} events in {}", at + 1, detection.name),
                        event: event.clone(),
                    }));
                }
            }
        }
    }
    logs.retain(|_, asked| asked.iter().any(|(_, _, ids)| !ids.is_empty()));
    let recorded: Vec<(Vec<Wanted>, usize)> = logs
        .into_par_iter()
        .map(|(path, asked)| {
            let records = tests.map(|tests| reader::open(&tests.join(path), &Choice::default()));
            let records: Vec<Record> = records.into_iter().flatten().flatten().flatten().collect();
            let mut found = Vec::new();
            let mut missing = 0;
            for (detection, source, mut ids) in asked {
                let is_meant = |record: &&Record| source.is_none_or(|source| **source == *record.source);
                let mut seen = BTreeSet::new();
                for record in records.iter().filter(is_meant).filter(|record| ids.contains(record.id.as_str())) {
                    seen.insert(record.id.as_str());
                    found.push(Wanted {
                        detection: detection.id,
                        source: record.source.to_string(),
                        name: format!("{} of {}", record.id, path.display()),
                        event: record.event.clone(),
                    });
                }
                ids.retain(|id| !seen.contains(id));
                missing += ids.len();
            }
            (found, missing)
        })
        .collect();
    let mut missing = 0;
    for (found, lost) in recorded {
        wanted.extend(found);
        missing += lost;
    }
    (wanted, missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::load;
    use crate::project::Project;
    use crate::source::Catalogue;

    #[test]
    fn recorded_and_written_events_are_found_and_missing_ones_counted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let detections = load::load_to_match(&Project::at(root, Path::new("")), Catalogue::builtin()).detections;
        let detection = detections.iter().find(|detection| detection.name == "docker_socket_mounted").expect("there");
        let (all, missing) = wanted(&[detection], Some(&root.join("tests")));
        let of = |source: &str| all.iter().filter(|wanted| wanted.source == source).count();
        assert_eq!((of("process"), of("kubernetes_audit"), of("compose"), missing), (23, 9, 3, 0));
        let (written, missing) = wanted(&[detection], None);
        assert_eq!((written.len(), missing), (all.len() - 19, 19));
    }
}
