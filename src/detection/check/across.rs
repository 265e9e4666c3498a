//! What several detections may not share: id, title, name.

use std::collections::BTreeMap;

use crate::detection::model::Detection;
use crate::detection::parse::Parsed;
use crate::diagnostic::{Code, Diagnostic, Place};

/// What is wrong with several files together.
pub fn across<'p>(parsed: impl IntoIterator<Item = &'p Parsed>) -> Vec<Diagnostic> {
    let mut ids: BTreeMap<String, Place> = BTreeMap::new();
    let mut titles: BTreeMap<String, Place> = BTreeMap::new();
    let mut names: BTreeMap<String, Place> = BTreeMap::new();
    let mut problems = Vec::new();
    for parsed in parsed {
        let Some(detection) = &parsed.detection else { continue };
        let place = |key: &str| super::key_place(detection, parsed, key);
        let Detection { id, title, name, .. } = detection;
        if let Some(before) = ids.insert(id.to_string(), place("id")) {
            problems.push(
                Diagnostic::new(Code::DuplicateId, place("id"), "another detection has this id")
                    .label(before, "this one")
                    .help("a copy needs an id of its own: `uuidgen` makes one"),
            );
        }
        if let Some(before) = titles.insert(title.to_lowercase(), place("title")) {
            problems.push(
                Diagnostic::new(Code::DuplicateTitle, place("title"), "another detection has this title")
                    .label(before, "this one")
                    .help("analysts know detections by their titles; say what tells the two apart"),
            );
        }
        if let Some(before) = names.insert(name.clone(), place("title")) {
            problems.push(
                Diagnostic::new(Code::DuplicateName, place("title"), format!("another file is called `{name}`, too"))
                    .label(before, "this one")
                    .help("rules are called like the file of their detection; rename one of the two"),
            );
        }
    }
    problems
}
