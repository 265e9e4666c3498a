//! Judging detections that could be read: metadata, tests, and what several files say together.

mod across;
mod attack;
mod meaning;
mod proof;

use std::path::Path;

use crate::diagnostic::{Diagnostic, Place};

use super::parse::Parsed;
use crate::source::Catalogue;

pub use across::across;
pub use meaning::is_decided;

/// What is wrong with one file that was read. `tests` is the folder of recorded logs, if there is one.
pub fn file(parsed: &Parsed, catalogue: &Catalogue, tests: Option<&Path>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    attack::check(parsed, &mut problems);
    meaning::check(parsed, catalogue, &mut problems);
    proof::check(parsed, tests, &mut problems);
    problems
}

/// The place of a top key's value, or of the file's beginning; none if the file could not be read.
fn key_place(parsed: &Parsed, key: &str) -> Option<Place> {
    let span = parsed.spans.keys.get(key).cloned().unwrap_or(0..0);
    Some(Place { file: parsed.rest.file.clone()?, span })
}
