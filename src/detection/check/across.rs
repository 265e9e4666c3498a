//! What several detections may not share: id, title, name.

use std::collections::BTreeMap;

use crate::detection::parse::Parsed;
use crate::diagnostic::{Code, Diagnostic, Place};

/// What is wrong with several files together.
pub fn across<'p>(parsed: impl IntoIterator<Item = &'p Parsed>) -> Vec<Diagnostic> {
    let mut ids: BTreeMap<String, Place> = BTreeMap::new();
    let mut titles: BTreeMap<String, Place> = BTreeMap::new();
    let mut names: BTreeMap<String, Place> = BTreeMap::new();
    let mut problems = Vec::new();
    for parsed in parsed {
        // Also of detections that cannot be used: what is wrong with them is one thing, who they are another.
        let rest = &parsed.rest;
        let (Some(id_place), Some(title_place)) = (super::key_place(parsed, "id"), super::key_place(parsed, "title"))
        else {
            continue;
        };
        if let Some(id) = rest.id
            && let Some(before) = ids.insert(id.to_string(), id_place.clone())
        {
            problems.push(
                Diagnostic::new(Code::DuplicateId, id_place, "another detection has this id")
                    .label(before, "this one")
                    .help("a copy needs an id of its own: `uuidgen` makes one"),
            );
        }
        if let Some(title) = &rest.title
            && let Some(before) = titles.insert(title.to_lowercase(), title_place.clone())
        {
            problems.push(
                Diagnostic::new(Code::DuplicateTitle, title_place.clone(), "another detection has this title")
                    .label(before, "this one")
                    .help("analysts know detections by their titles; say what tells the two apart"),
            );
        }
        if let Some(before) = names.insert(rest.name.clone(), title_place.clone()) {
            let message = format!("another file is called `{}`, too", rest.name);
            problems.push(
                Diagnostic::new(Code::DuplicateName, title_place, message)
                    .label(before, "this one")
                    .help("rules are called like the file of their detection; rename one of the two"),
            );
        }
    }
    problems
}
