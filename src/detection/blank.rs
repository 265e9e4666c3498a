//! What a scaffold or a proposal leaves to be filled in: the word `TODO`.

use std::ops::Range;

use super::yaml::{Kind, Node};

/// What stands where something is to be written.
pub const BLANK: &str = "TODO";

/// Where a value of a file with this text is still to be filled in: the word as a bare value, or at the beginning of a
/// line of a block of text. Between quotes it is text like any other.
pub fn find(file: &str, node: &Node) -> Option<Range<usize>> {
    let Kind::Scalar { text, .. } = &node.kind else { return None };
    let written = file.get(node.span.clone()).unwrap_or_default();
    if written.starts_with(['"', '\'']) || !text.lines().any(is_open) {
        return None;
    }
    // Of a block, the word itself, not all of its lines.
    Some(written.find(BLANK).map_or_else(
        || node.span.clone(),
        |at| {
            let start = node.span.start + at;
            start..start + BLANK.len()
        },
    ))
}

fn is_open(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || " -*.".contains(c));
    line.strip_prefix(BLANK).is_some_and(|rest| !rest.starts_with(|c: char| !c.is_whitespace() && c != ':'))
}
