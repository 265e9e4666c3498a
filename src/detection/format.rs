//! The canonical layout of a detection: keys in order, even indentation, blank lines where they help, no blanks at ends
//! of lines.
//!
//! Works on the text, so that comments stay, and what is the author's to say: quotes, which of two spellings of a list or
//! a map is read more easily, and where long lines are broken. The result is read again and has to say the same.

use std::ops::Range;
use std::sync::Arc;

use super::indent;
use super::parse::KEYS;
use super::yaml::{self, Kind};
use crate::diagnostic::{Diagnostic, SourceFile};

/// Keys with a blank line before them.
const SECTIONS: [&str; 4] = ["lists", "observe", "targets", "tests"];

/// After how many rounds a layout has to be one.
const ROUNDS: usize = 4;

/// Why a file is left as it is.
#[derive(Debug)]
pub enum Left {
    /// It cannot be read.
    Broken(Box<Diagnostic>),
    /// It can, and its layout cannot be changed without changing what it says.
    Kept(&'static str),
}

/// The text of a detection in canonical layout.
///
/// # Errors
/// Why it is left as it is.
pub fn format(file: &Arc<SourceFile>) -> Result<String, Left> {
    format_with(file, &KEYS)
}

/// The text in canonical layout, its keys in the order of `keys`.
///
/// # Errors
/// Why it is left as it is.
pub fn format_with(file: &Arc<SourceFile>, keys: &[&str]) -> Result<String, Left> {
    let mut file = file.clone();
    // Blank lines come to light when the blanks at their ends are gone; the second round settles them.
    for _ in 0..ROUNDS {
        let text = layout(&file, keys)?;
        if text == file.text {
            return Ok(text);
        }
        file = SourceFile::new(&file.path, text);
    }
    Err(Left::Kept("its layout does not come to rest"))
}

/// One round.
fn layout(file: &Arc<SourceFile>, keys: &[&str]) -> Result<String, Left> {
    let root = yaml::parse(file).map_err(|problem| Left::Broken(Box::new(problem)))?;
    let Kind::Mapping(entries) = &root.kind else { return Err(Left::Kept("it is no map of keys")) };
    let text = file.text.replace("\r\n", "\n");
    if text.len() != file.text.len() {
        // Places are those of the text as it was; one more round gives the rest.
        return layout(&SourceFile::new(&file.path, text), keys);
    }
    let starts: Vec<usize> = entries.iter().map(|entry| line_start(&text, entry.key_span.start)).collect();
    let own_lines = entries.iter().zip(&starts).all(|(entry, start)| entry.key_span.start == *start);
    if !own_lines || !starts.is_sorted_by(|a, b| a < b) {
        return Err(Left::Kept("its keys do not begin lines of their own"));
    }
    let mut blocks: Vec<(usize, String, String)> = Vec::new();
    let mut header = String::new();
    let mut from = 0;
    for (at, entry) in entries.iter().enumerate() {
        let lead_start = from;
        let start = starts.get(at).copied().unwrap_or_default();
        let next = starts.get(at + 1).copied().unwrap_or(text.len());
        // Comments and blank lines right before the next key belong to it.
        let end = if at + 1 < starts.len() { body_end(&text, start..next, &entry.value) } else { text.len() };
        from = end;
        let mut lead = text.get(lead_start..start).unwrap_or_default().to_owned();
        if at == 0
            && let Some(split) = lead.rfind("\n\n")
        {
            // What is set apart from the first key speaks of the file.
            let own = lead.split_off(split + 2);
            header = std::mem::replace(&mut lead, own);
        }
        let body = text.get(start..end).unwrap_or_default();
        let block = format!("{}{}", lead.trim_start_matches('\n'), body.trim_end_matches('\n'));
        let order = keys.iter().position(|key| *key == entry.key).unwrap_or(keys.len());
        blocks.push((order, entry.key.clone(), block));
    }
    blocks.sort_by_key(|(order, _, _)| *order);
    let mut result = header.trim_end().to_owned();
    for (_, key, block) in &blocks {
        if !result.is_empty() {
            result.push('\n');
            if SECTIONS.contains(&key.as_str()) || (result.trim_end() == header.trim_end() && !header.is_empty()) {
                result.push('\n');
            }
        }
        result.push_str(block);
    }
    let lines: Vec<&str> = result.trim_end().lines().map(str::trim_end).collect();
    let trimmed = format!("{}\n", lines.join("\n"));
    let says = |text: &str| {
        let node = yaml::parse(&SourceFile::new(&file.path, text)).ok()?;
        node.to_json().as_object().map(|map| {
            map.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<std::collections::BTreeMap<_, _>>()
        })
    };
    if says(&trimmed) == says(&file.text) {
        let even = yaml::parse(&SourceFile::new(&file.path, &*trimmed)).ok();
        let even = even.and_then(|root| indent::even(&trimmed, &root)).filter(|even| says(even) == says(&file.text));
        return Ok(even.unwrap_or(trimmed));
    }
    Err(Left::Kept("another order of its keys or lines would change what it says (an anchor, or blanks in a text)"))
}

/// Where the line of a byte begins.
fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where a key's own lines end: before comments at the line's beginning, and blank lines, that precede the next key.
fn body_end(text: &str, lines: Range<usize>, value: &yaml::Node) -> usize {
    let mut end = lines.end;
    loop {
        let before = line_start(text, end.saturating_sub(1));
        let line = text.get(before..end).unwrap_or_default();
        let belongs_to_next = line.trim().is_empty() || line.starts_with('#');
        if !belongs_to_next || before <= lines.start || before < value.span.end.min(lines.end).saturating_sub(1) {
            return end;
        }
        end = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> String {
        format(&SourceFile::new("x.yml", text)).expect("a layout")
    }

    #[test]
    fn keys_are_put_in_order_and_keep_their_comments() {
        let text = "# About the file.\n\n# how bad\nseverity: high   \ntests: []\n# what\ntitle: X # here\nobserve:\n  a:\n    # inside\n    b: c\n";
        let wanted = "# About the file.\n\n# what\ntitle: X # here\n# how bad\nseverity: high\n\nobserve:\n  a:\n    # inside\n    b: c\n\ntests: []\n";
        assert_eq!(formatted(text), wanted);
        assert_eq!(formatted(wanted), wanted);
    }

    #[test]
    fn every_level_is_two_blanks_in() {
        let text = "observe:\n    process:\n        # what\n        a:\n        -   b: c   # d\n            # e\n            f: |\n                one\n                  two\n        - g: [h,\n            i]\n        condition: >-\n         a\n    # last\n\ntests:\n- x\n-   - y\n";
        // What is written in another way than is known leaves all of it as it is.
        assert_eq!(formatted(text), text);
        let text = text.replace("-   - y", "-   y");
        let wanted = "observe:\n  process:\n    # what\n    a:\n      - b: c   # d\n        # e\n        f: |\n          one\n            two\n      - g: [h,\n          i]\n    condition: >-\n      a\n  # last\n\ntests:\n  - x\n  - y\n";
        assert_eq!(formatted(&text), wanted);
        assert_eq!(formatted(wanted), wanted);
        for same in ["observe:\n  a: |2\n      x\n", "observe: &a\n     b: c\ntests:\n      d: *a\n"] {
            let file = SourceFile::new("x.yml", same);
            let (before, after) = (yaml::parse(&file).expect("YAML"), formatted(same));
            let after = yaml::parse(&SourceFile::new("x.yml", after)).expect("YAML");
            assert_eq!(before.to_json(), after.to_json(), "{same}");
        }
    }

    #[test]
    fn a_text_that_would_change_is_left_alone() {
        for text in ["tests: *a\nid: x\n", "title: [a\n"] {
            assert!(matches!(format(&SourceFile::new("x.yml", text)), Err(Left::Broken(_))), "{text}");
        }
        for text in ["tests: &a [x]\nid: *a\n", "{ title: X, id: y }\n", "triage: |\n  a  \n  b\n"] {
            assert!(matches!(format(&SourceFile::new("x.yml", text)), Err(Left::Kept(_))), "{text}");
        }
    }

    #[test]
    fn the_pack_has_a_layout_that_stays() {
        for file in walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/detections")) {
            let file = file.expect("a file");
            if file.path().extension().is_none_or(|e| e != "yml") || file.file_name() == "lists.yml" {
                continue;
            }
            let once = formatted(&std::fs::read_to_string(file.path()).expect("a text"));
            assert_eq!(formatted(&once), once, "{}", file.path().display());
        }
    }
}
