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
    if written.starts_with(['"', '\'']) || !text.lines().any(|line| open_at(line).is_some()) {
        return None;
    }
    // Of a block, the word itself, not all of its lines.
    let mut line_start = node.span.start;
    for line in written.split_inclusive('\n') {
        if let Some(at) = open_at(line) {
            let start = line_start + at;
            return Some(start..start + BLANK.len());
        }
        line_start += line.len();
    }
    Some(node.span.clone())
}

/// Where in a line the word stands that is to be replaced: after nothing but the signs of a list.
fn open_at(line: &str) -> Option<usize> {
    let said = line.trim_start_matches(|c: char| c.is_ascii_digit() || " -*.".contains(c));
    let is_blank = |rest: &str| !rest.starts_with(|c: char| !c.is_whitespace() && c != ':');
    said.strip_prefix(BLANK).is_some_and(is_blank).then(|| line.len() - said.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::yaml;
    use crate::diagnostic::SourceFile;

    #[test]
    fn the_word_itself_is_found_and_nothing_that_holds_it() {
        for (text, line) in [
            ("a: TODO", Some("a: ")),
            ("a: 'TODO'", None),
            ("a: mastoTODO", None),
            ("a: see the TODOs", None),
            ("a: |\n  mastoTODO, TODOs\n  2. TODO: more\n", Some("a: |\n  mastoTODO, TODOs\n  2. ")),
            ("a: >-\n  one\n\n  - TODO\n", Some("a: >-\n  one\n\n  - ")),
        ] {
            let file = SourceFile::new("a.yml", text);
            let root = yaml::parse_into(&file, &mut Vec::new()).expect("YAML");
            let Kind::Mapping(entries) = &root.kind else { panic!("a map") };
            let found = find(text, &entries.first().expect("a key").value);
            assert_eq!(found, line.map(|before| before.len()..before.len() + BLANK.len()), "{text}");
        }
    }
}
