//! A comment on a pull request, in GitHub's Markdown: the summary first, everything else folded.
//!
//! Whatever a user or a log wrote stands in code spans, code blocks or `<code>`, where neither Markdown nor mentions
//! are read. A comment holds 65,536 characters; what does not fit is left out where it hurts least, and the comment
//! says so.

use std::fmt::Write as _;

use super::words;
use crate::diff::lines::{Line, Tag, clipped, shortened};
use crate::diff::meaning::{Moved, Sides};
use crate::diff::{Cause, DetectionChange, Diff, State};
use crate::printable;

/// What a comment may hold. Bytes are counted, which are never fewer than characters.
pub const LIMIT: usize = 65_536;
/// What is kept for the words that something was left out.
const RESERVE: usize = 600;
/// How many changed lines of one file are shown at most.
const MOST_LINES: usize = 120;
/// How long an event may be.
const MOST_EVENT: usize = 1_500;

/// How much is told of a detection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Everything.
    Full,
    /// Not the text of rules.
    Logic,
}

/// The comment. `stopped` is what the gates stopped.
pub fn comment(diff: &Diff, stopped: &[String]) -> String {
    comment_within(diff, stopped, LIMIT)
}

fn comment_within(diff: &Diff, stopped: &[String], limit: usize) -> String {
    let mut text = String::new();
    let mut room = Room { left: limit.saturating_sub(RESERVE), missing: 0, rules_missing: 0 };
    let push = |text: &mut String, room: &mut Room, part: &str| {
        if part.len() <= room.left {
            room.left -= part.len();
            text.push_str(part);
            true
        } else {
            room.missing += 1;
            false
        }
    };
    push(&mut text, &mut room, &head(diff));
    for part in stopped_part(stopped).into_iter().chain(risk_part(diff)).chain(broken_part(diff)) {
        push(&mut text, &mut room, &part);
    }
    for row in table(diff) {
        push(&mut text, &mut room, &row);
    }
    push(&mut text, &mut room, "\n");
    for change in by_weight(diff) {
        let full = details(change, Depth::Full);
        if full.len() <= room.left {
            push(&mut text, &mut room, &full);
            continue;
        }
        let short = details(change, Depth::Logic);
        if push(&mut text, &mut room, &short) {
            room.rules_missing += 1;
        }
    }
    for part in pack_part(diff) {
        push(&mut text, &mut room, &part);
    }
    let mut foot = Vec::new();
    if diff.logs.files > 0 {
        let (events, files) =
            (words::counted(diff.logs.events, "recorded event"), words::counted(diff.logs.files, "log"));
        foot.push(format!("{events} of {files} replayed"));
    }
    if room.rules_missing > 0 {
        foot.push(format!("the text of rules is left out for {}", words::counted(room.rules_missing, "detection")));
    }
    if room.missing > 0 {
        foot.push(format!("{} left out", words::counted(room.missing, "part")));
    }
    if room.missing + room.rules_missing > 0 {
        foot.push("a comment holds 65,536 characters; `cresset diff` shows everything".to_owned());
    }
    if !foot.is_empty() {
        _ = writeln!(text, "\n<sub>{}.</sub>", foot.join("; "));
    }
    text
}

/// What a reviewer should see first comes first, because the end is what is left out.
fn by_weight(diff: &Diff) -> Vec<&DetectionChange> {
    let mut changes: Vec<&DetectionChange> = diff.detections.iter().collect();
    changes.sort_by_key(|change| match change {
        change if !change.risks.is_empty() => 0,
        change if !change.sources.is_empty() || change.state != State::Changed => 1,
        change if !change.metadata.is_empty() || !change.tests.is_empty() => 2,
        _ => 3,
    });
    changes
}

/// How much may still be written, and what was left out.
struct Room {
    left: usize,
    missing: usize,
    rules_missing: usize,
}

fn head(diff: &Diff) -> String {
    let mut text = "## Cresset: what this change means\n\n".to_owned();
    _ = writeln!(text, "**{}**\n", words::summary(diff));
    let side = |about: &crate::diff::About| match &about.commit {
        Some(commit) => format!("{} ({})", code(&about.name), code(&commit.chars().take(10).collect::<String>())),
        None => code(&about.name),
    };
    _ = writeln!(text, "{} → {}\n", side(&diff.base), side(&diff.head));
    text
}

fn stopped_part(stopped: &[String]) -> Option<String> {
    if stopped.is_empty() {
        return None;
    }
    let lines = stopped.iter().map(|reason| format!("> - {}\n", code(reason))).collect();
    Some(format!("> [!CAUTION]\n> Stopped by `--fail-on`:\n{}\n", first_of(lines, 30)))
}

fn risk_part(diff: &Diff) -> Option<String> {
    let mut lines = Vec::new();
    for change in &diff.detections {
        for risk in &change.risks {
            lines.push(format!("> - {}: {}\n", code(&change.name), code(&risk.message)));
        }
    }
    for edit in diff.pack.edits.iter().filter(|edit| edit.kind.is_by_hand()) {
        lines.push(format!("> - {} {}\n", code(&format!("out/{}", edit.file)), edit.kind.words()));
    }
    if lines.is_empty() {
        return None;
    }
    Some(format!("> [!WARNING]\n> Look at these twice:\n{}\n", first_of(lines, 40)))
}

/// The first entries of a list in a quotation, and how many more there are.
fn first_of(mut lines: Vec<String>, most: usize) -> String {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("> - and {more} more\n"));
    }
    lines.concat()
}

fn broken_part(diff: &Diff) -> Option<String> {
    let mut lines = Vec::new();
    for (about, when) in [(&diff.head, "now"), (&diff.base, "before")] {
        for broken in &about.broken {
            let how = if broken.compared { "" } else { ", so it could not be compared" };
            let first = broken.errors.first().map_or("", String::as_str);
            lines.push(format!("> - {} has errors {when}{how}: {}\n", code(&broken.file), code(first)));
        }
        lines.extend(about.faults.iter().map(|fault| format!("> - {when}: {}\n", code(fault))));
    }
    if lines.is_empty() { None } else { Some(format!("> [!WARNING]\n> Errors:\n{}\n", first_of(lines, 40))) }
}

/// The table's rows, the header first.
fn table(diff: &Diff) -> Vec<String> {
    if diff.detections.is_empty() {
        return Vec::new();
    }
    let mut rows = vec!["| | Detection | Logic | Recorded events | Version |\n|---|---|---|---|---|\n".to_owned()];
    for change in by_weight(diff) {
        let sign = match change.state {
            State::Added => "new",
            State::Removed => "removed",
            State::Changed if change.renamed_from.is_some() => "renamed",
            State::Changed if !change.risks.is_empty() => "⚠️",
            State::Changed => "",
        };
        let logic: Vec<String> = change
            .sources
            .iter()
            .filter(|_| change.state == State::Changed)
            .map(|source| {
                let by = match source.causes.as_slice() {
                    [Cause::Profile] => " by the profile",
                    [Cause::Exceptions] => " by exceptions",
                    _ => "",
                };
                format!("{}: **{}**{by}", cell(&source.source), words::logic_short(source))
            })
            .collect();
        let gained: usize = change.sources.iter().map(|source| source.recorded.gained.count).sum();
        let lost: usize = change.sources.iter().map(|source| source.recorded.lost.count).sum();
        let looked: usize = change.sources.iter().map(|source| source.recorded.looked).sum();
        let events = if looked == 0 { String::new() } else { format!("+{gained} −{lost} of {looked}") };
        let logic = match (change.state, logic.is_empty()) {
            (State::Changed, true) => "not touched".to_owned(),
            _ => logic.join("<br>"),
        };
        let version = words::version(change).replace("->", "→");
        rows.push(format!("| {sign} | {} | {logic} | {events} | {version} |\n", cell(&change.name)));
    }
    rows
}

fn details(change: &DetectionChange, depth: Depth) -> String {
    let mut text = String::new();
    let headline = words::headline(change).join("; ");
    _ = writeln!(
        text,
        "<details>\n<summary><code>{}</code>: <code>{}</code></summary>\n",
        html(&change.name),
        html(&headline)
    );
    _ = writeln!(text, "{} · {}\n", code(&change.title), code(&change.file));
    for risk in &change.risks {
        _ = writeln!(text, "- ⚠️ {}", code(&risk.message));
    }
    for source in &change.sources {
        _ = writeln!(text, "\n**{}**: {}\n", code(&source.source), code(&words::logic(source)));
        for exception in &source.exceptions {
            _ = writeln!(text, "- {}<br>{}", code(&words::exception(exception)), code(&exception.remark));
        }
        if let Some(own) = &source.own {
            _ = writeln!(text, "- {}", words::own(own));
        }
        if !source.exceptions.is_empty() {
            text.push('\n');
        }
        if let Some(meaning) = &source.meaning {
            sides(&mut text, &meaning.must, ["Newly matched", "No longer matched"]);
            if meaning.must.change() != meaning.may.change() || source.only_may {
                sides(&mut text, &meaning.may, ["Rules may match now", "Rules may no longer match"]);
            }
        }
        for (events, name) in [(&source.recorded.gained, "newly matched"), (&source.recorded.lost, "no longer matched")]
        {
            if events.count > 0 {
                let count = words::counted(events.count, "recorded event");
                _ = writeln!(text, "{count} {name}: {}\n", code(&words::events(events)));
            }
        }
    }
    if !change.metadata.is_empty() {
        let mut lines = Vec::new();
        for key in &change.metadata {
            let (before, after) = words::key(key);
            for (values, sign) in [(before, '-'), (after, '+')] {
                for value in values.iter().filter(|value| *value != "nothing") {
                    lines.extend(value.lines().map(|line| format!("{sign} {}: {line}", words::key_name(key))));
                }
            }
        }
        _ = writeln!(text, "\nMetadata\n\n{}", block("diff", &lines));
    }
    if !change.tests.is_empty() {
        _ = writeln!(text, "\nTests: {} new, {} gone\n", change.tests.added, change.tests.removed.len());
        for gone in change.tests.removed.iter().take(20) {
            _ = writeln!(text, "- gone: {}", code(&clipped(gone, MOST_EVENT)));
        }
    }
    for target in &change.targets {
        _ = writeln!(text, "\n**{}**\n", code(&target.target));
        for rule in words::told(change, target) {
            _ = writeln!(text, "- {}: {}", code(&rule.source), code(&words::rule(rule)));
        }
        if depth == Depth::Full && change.state == State::Changed {
            for file in &target.files {
                _ = writeln!(text, "\n{}\n", code(&format!("{}{}", file.file, words::also(&file.also))));
                _ = writeln!(text, "{}", block("diff", &diff_lines(&file.lines)));
            }
        }
    }
    text.push_str("\n</details>\n\n");
    text
}

fn sides(text: &mut String, sides: &Sides, names: [&str; 2]) {
    for (moved, name) in [(&sides.gained, names[0]), (&sides.lost, names[1])] {
        match moved {
            Moved::None => {}
            Moved::Some { event, found_by } => {
                let event = block("json", &[clipped(&event.to_string(), MOST_EVENT)]);
                _ = writeln!(text, "{name}{}:\n\n{event}", found_by.told());
            }
            Moved::Undecided { reason } => _ = writeln!(text, "{name}: undecided, {}\n", code(reason)),
        }
    }
}

fn pack_part(diff: &Diff) -> Vec<String> {
    let mut parts = Vec::new();
    let pack = &diff.pack;
    if let Some(reason) = &pack.not_checked {
        parts.push(format!("`out/` was not checked: {}\n\n", code(reason)));
    }
    if !pack.templates.is_empty() {
        let names: Vec<String> = pack.templates.iter().take(40).map(|name| code(name)).collect();
        parts.push(format!("Templates changed: {}\n\n", names.join(", ")));
    }
    if pack.profile {
        parts.push("The profile changed.\n\n".to_owned());
    }
    for note in &diff.notes {
        parts.push(format!("Note: {}\n\n", code(note)));
    }
    let stale: Vec<String> =
        pack.edits.iter().filter(|edit| !edit.kind.is_by_hand()).map(|edit| format!("out/{}", edit.file)).collect();
    if !stale.is_empty() {
        let title = format!(
            "{} of <code>out/</code> not up to date; run <code>cresset build</code>",
            words::counted(stale.len(), "file")
        );
        parts.push(format!("<details>\n<summary>{title}</summary>\n\n{}\n</details>\n\n", block("", &stale)));
    }
    for edit in pack.edits.iter().filter(|edit| edit.kind.is_by_hand()) {
        let title = format!("<code>{}</code> {}", html(&format!("out/{}", edit.file)), edit.kind.words());
        let lines = block("diff", &diff_lines(&edit.lines));
        parts.push(format!("<details>\n<summary>{title}</summary>\n\n{lines}\n</details>\n\n"));
    }
    parts
}

fn diff_lines(lines: &[Line]) -> Vec<String> {
    let shown = shortened(lines.get(..MOST_LINES).unwrap_or(lines), 160);
    let mut texts: Vec<String> = shown
        .iter()
        .map(|line| match line.tag {
            Tag::Same => format!("  {}", line.text),
            Tag::Removed => format!("- {}", line.text),
            Tag::Added => format!("+ {}", line.text),
            Tag::Gap => "@@ … @@".to_owned(),
        })
        .collect();
    if lines.len() > MOST_LINES {
        texts.push(format!("@@ {} lines more @@", lines.len() - MOST_LINES));
    }
    texts
}

/// One line in a code span, whatever it holds.
fn code(text: &str) -> String {
    let text = printable::lines(text).replace('\n', " ");
    let text = text.trim();
    if text.is_empty() {
        return "*empty*".to_owned();
    }
    let ticks = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// The same in a cell of a table, which ends at a bar even within a code span.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines in a code block, whatever they hold.
fn block(language: &str, lines: &[String]) -> String {
    let text: Vec<String> = lines.iter().map(|line| printable::lines(line).replace('\n', " ")).collect();
    let text = text.join("\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

fn html(text: &str) -> String {
    let text = printable::lines(text).replace('\n', " ");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_code_span() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a ``b`` @team"), "```a ``b`` @team```");
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code("two\nlines\u{202e}"), "`two lines\\u{202e}`");
        assert_eq!(code(""), "*empty*");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(html("<img src=x onerror='a'>&"), "&lt;img src=x onerror=&#39;a&#39;&gt;&amp;");
        assert_eq!(block("diff", &["+ ```".to_owned()]), "````diff\n+ ```\n````\n");
    }
}
