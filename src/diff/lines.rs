//! Rule texts, laid out over lines so that they can be compared line by line.

use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, DiffTag, TextDiff};

/// Lines beyond this length are divided where a query has a joint.
const LONG: usize = 120;
/// How many unchanged lines stand around a change.
const CONTEXT: usize = 2;

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

/// Two texts without most of what they begin and end with alike, if they are long.
pub fn elided(before: &str, after: &str, around: usize) -> (String, String) {
    let (a, b): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let same = |x: &char, y: &char| x == y;
    let head = a.iter().zip(&b).take_while(|(x, y)| same(x, y)).count();
    let most = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(x, y)| same(x, y)).count();
    let cut = |text: &[char]| {
        let from = head.saturating_sub(around);
        let to = (text.len() - tail + around).min(text.len());
        let middle: String = text.iter().take(to).skip(from).collect();
        let (left, right) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
        format!("{left}{middle}{right}")
    };
    (cut(&a), cut(&b))
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
    fn only_what_differs_is_left_of_long_lines() {
        let (a, b) =
            (format!("{}1{}", "a".repeat(99), "b".repeat(99)), format!("{}22{}", "a".repeat(99), "b".repeat(99)));
        assert_eq!(elided(&a, &b, 3), ("…aaa1bbb…".to_owned(), "…aaa22bbb…".to_owned()));
        assert_eq!(elided("aa", "aaa", 3), ("aa".to_owned(), "aaa".to_owned()));
    }
}
