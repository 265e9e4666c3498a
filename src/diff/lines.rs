//! Rule texts, laid out over lines so that they can be compared line by line.

use std::cmp::Reverse;

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, DiffTag, TextDiff};

/// Lines beyond this length are divided where a query has a joint.
const LONG: usize = 120;
/// How many unchanged lines stand around a change.
const CONTEXT: usize = 2;
/// How much of what two long lines have in common is shown around their difference.
const AROUND: usize = 40;
/// So much is shown of a line that is new or gone and like no other.
const MOST_SHOWN: usize = 1_500;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// It is as it was.
    Same,
    /// It is gone.
    Removed,
    /// It is new.
    Added,
    /// Lines were left out here.
    Gap,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Line {
    /// What became of it.
    pub tag: Tag,
    /// Its text.
    pub text: String,
}

/// The lines that changed, each with a few around it; none if nothing did. Long ones are divided where a query has a
/// joint, so that only the part that changed is told.
pub fn compare(before: &[String], after: &[String]) -> Vec<Line> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let mut lines = Vec::new();
    let diff = TextDiff::from_slices(&before, &after);
    for op in diff.ops() {
        let old = before.get(op.old_range()).unwrap_or_default();
        let new = after.get(op.new_range()).unwrap_or_default();
        let long = old.iter().chain(new).any(|line| line.chars().count() > LONG);
        if op.tag() == DiffTag::Replace && long {
            let (old, new) = (all_divided(old), all_divided(new));
            plain(
                &old.iter().map(String::as_str).collect::<Vec<_>>(),
                &new.iter().map(String::as_str).collect::<Vec<_>>(),
                &mut lines,
            );
        } else {
            plain(old, new, &mut lines);
        }
    }
    around(lines)
}

/// Every line of a comparison, as it is.
fn plain(before: &[&str], after: &[&str], lines: &mut Vec<Line>) {
    lines.extend(TextDiff::from_slices(before, after).iter_all_changes().map(|change| {
        let tag = match change.tag() {
            ChangeTag::Equal => Tag::Same,
            ChangeTag::Delete => Tag::Removed,
            ChangeTag::Insert => Tag::Added,
        };
        Line { tag, text: change.value().to_owned() }
    }));
}

/// The lines near a change, with a gap where others were left out.
fn around(lines: Vec<Line>) -> Vec<Line> {
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.tag != Tag::Same).map(|(at, _)| at).collect();
    let mut kept: Vec<Line> = Vec::new();
    let (mut next, mut gap) = (0, false);
    for (at, line) in lines.into_iter().enumerate() {
        while changed.get(next).is_some_and(|change| change + CONTEXT < at) {
            next += 1;
        }
        if changed.get(next).is_some_and(|change| change.abs_diff(at) <= CONTEXT) {
            if gap {
                kept.push(Line { tag: Tag::Gap, text: String::new() });
                gap = false;
            }
            kept.push(line);
        } else {
            gap = true;
        }
    }
    kept
}

fn all_divided(lines: &[&str]) -> Vec<String> {
    lines.iter().flat_map(|line| divided(line)).collect()
}

/// A file's text as lines for readers: JSON is laid out, and escaped line ends are line ends.
pub fn readable(path: &str, text: &str) -> Vec<String> {
    let json = [".json", ".ndjson", ".jsonl"].iter().any(|end| path.ends_with(end));
    let mut lines = Vec::new();
    if json {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => laid_out(&value, &mut lines),
            Err(_) => {
                for line in text.lines() {
                    match serde_json::from_str::<Value>(line) {
                        Ok(value) => laid_out(&value, &mut lines),
                        Err(_) => lines.push(line.to_owned()),
                    }
                }
            }
        }
    } else {
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

fn laid_out(value: &Value, lines: &mut Vec<String>) {
    for line in format!("{value:#}").lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let mut parts = line.split("\\n");
        lines.extend(parts.next().map(str::to_owned));
        lines.extend(parts.map(|part| format!("{indent}  {part}")));
    }
}

/// A line, with a new one before every joint.
fn divided(line: &str) -> Vec<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let joints = [" and ", " or ", " AND ", " OR ", " | "];
    let (mut parts, mut rest, mut from) = (Vec::new(), line, indent.len());
    while let Some(at) = joints.iter().filter_map(|joint| rest.get(from..)?.find(joint)).min().map(|found| found + from)
    {
        let (head, tail) = rest.split_at(at);
        parts.push(head);
        rest = tail.trim_start_matches(' ');
        from = 1.min(rest.len());
        while !rest.is_char_boundary(from) {
            from += 1;
        }
    }
    parts.push(rest);
    parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| if at == 0 { part.to_owned() } else { format!("{indent}  {part}") })
        .collect()
}

/// The lines as they are shown: of long ones that are much alike, before and after, what differs; of others the beginning.
pub fn shortened(lines: &[Line], width: usize) -> Vec<Line> {
    let long = width.clamp(100, 160);
    let mut short: Vec<Line> = lines.to_vec();
    let is_changed = |line: &Line| matches!(line.tag, Tag::Removed | Tag::Added);
    let in_one_change = |a: &Line, b: &Line| is_changed(a) && is_changed(b) && (a.tag == b.tag || b.tag == Tag::Added);
    for change in short.chunk_by_mut(in_one_change) {
        let removed = change.iter().take_while(|line| line.tag == Tag::Removed).count();
        let (removed, added) = change.split_at_mut(removed);
        elide_pairs(removed, added, long);
    }
    for line in &mut short {
        let most = if line.tag == Tag::Same { long } else { MOST_SHOWN };
        line.text = clipped(&line.text, most);
    }
    short
}

/// Leaves of every long line that is gone, and of the new one that is most like it, what differs.
fn elide_pairs(removed: &mut [Line], added: &mut [Line], long: usize) {
    let mut free: Vec<&mut Line> = added.iter_mut().collect();
    for old in removed {
        let in_common = |new: &Line| {
            let is_long = old.text.len().max(new.text.len()) > long;
            let (head, tail) = ends_in_common(&old.text, &new.text);
            Some(head + tail).filter(|common| is_long && *common > 2 * AROUND)
        };
        let alike = free.iter().enumerate().filter_map(|(at, new)| Some((in_common(new)?, Reverse(at))));
        let Some((_, Reverse(at))) = alike.max() else { continue };
        let new = free.remove(at);
        (old.text, new.text) = elided(&old.text, &new.text, AROUND);
    }
}

/// A text's beginning, if it is longer than `most` characters.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How many characters two texts begin with alike, and how many of the others they end with.
fn ends_in_common(before: &str, after: &str) -> (usize, usize) {
    let head = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str| text.chars().rev().take(text.chars().count() - head).collect::<Vec<char>>();
    let tail = rest(before).iter().zip(&rest(after)).take_while(|(a, b)| a == b).count();
    (head, tail)
}

/// Two texts without most of what they begin and end with alike, if they are long.
fn elided(before: &str, after: &str, around: usize) -> (String, String) {
    let (head, tail) = ends_in_common(before, after);
    let cut = |text: &str| {
        let length = text.chars().count();
        let from = head.saturating_sub(around);
        let to = (length - tail + around).min(length);
        let middle: String = text.chars().take(to).skip(from).collect();
        let (left, right) = (if from > 0 { "…" } else { "" }, if to < length { "…" } else { "" });
        format!("{left}{middle}{right}")
    };
    (cut(before), cut(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_laid_out_and_its_line_ends_are_line_ends() {
        let lines = readable("rules.ndjson", "{\"query\":\"a\\nand b\",\"n\":1}\n");
        assert_eq!(lines, ["{", "  \"query\": \"a", "    and b\",", "  \"n\": 1", "}"]);
    }

    #[test]
    fn long_lines_that_changed_are_divided_and_others_are_not() {
        let long = "y".repeat(150);
        let [before, after, same] =
            [format!("  x and {long} or b"), format!("  x and {long} or c"), format!("z and {long}")];
        let lines = compare(&[same.clone(), before], &[same.clone(), after]);
        let expected = [
            (Tag::Gap, String::new()),
            (Tag::Same, "  x".to_owned()),
            (Tag::Same, format!("    and {long}")),
            (Tag::Removed, "    or b".to_owned()),
            (Tag::Added, "    or c".to_owned()),
        ];
        assert_eq!(lines, expected.map(|(tag, text)| Line { tag, text }));
        assert_eq!(compare(&["x and y".to_owned()], &["x and z".to_owned()]).len(), 2);
        assert_eq!(compare(std::slice::from_ref(&same), std::slice::from_ref(&same)), []);
    }

    #[test]
    fn a_long_line_is_told_beside_the_one_that_it_was() {
        let long = |text: &str| format!("re: '{}{text}{}'", "a".repeat(3000), "b".repeat(3000));
        let line = |tag, text: &str| Line { tag, text: text.to_owned() };
        // The line between does not take its place.
        let lines = [
            line(Tag::Removed, &long("1")),
            line(Tag::Added, "- another entry of a list"),
            line(Tag::Added, &long("22")),
            line(Tag::Removed, &"x".repeat(5000)),
            line(Tag::Added, &"y".repeat(5000)),
        ];
        let shown: Vec<String> = shortened(&lines, 100).into_iter().map(|line| line.text).collect();
        let around = |text: &str| format!("…{}{text}{}…", "a".repeat(AROUND), "b".repeat(AROUND));
        let beginning = |c: &str| format!("{}…", c.repeat(MOST_SHOWN));
        let expected =
            [around("1"), "- another entry of a list".to_owned(), around("22"), beginning("x"), beginning("y")];
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_what_differs_is_left_of_long_lines() {
        let (a, b) =
            (format!("{}1{}", "a".repeat(99), "b".repeat(99)), format!("{}22{}", "a".repeat(99), "b".repeat(99)));
        assert_eq!(elided(&a, &b, 3), ("…aaa1bbb…".to_owned(), "…aaa22bbb…".to_owned()));
        assert_eq!(elided("aa", "aaa", 3), ("aa".to_owned(), "aaa".to_owned()));
    }
}
