//! Telling what came out: for a terminal, as a comment on a pull request, as annotations, as JSON.

pub mod github;
pub mod human;
pub mod markdown;
mod words;

use serde_json::{Value, json};

use super::Diff;

/// One JSON document: everything, and what the gates stopped.
pub fn json(diff: &Diff, stopped: &[String]) -> Value {
    let mut document = json!(diff);
    if let Some(map) = document.as_object_mut() {
        map.insert("summary".to_owned(), json!(words::summary(diff)));
        map.insert("stopped".to_owned(), json!(stopped));
    }
    document
}
