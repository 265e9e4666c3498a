//! For a terminal, or for a file that somebody reads.

use std::fmt::Write as _;

use super::words;
use crate::diff::lines::{Line, Tag, shortened};
use crate::diff::meaning::{Moved, Sides};
use crate::diff::metadata::KeyChange;
use crate::diff::recorded::Recorded;
use crate::diff::{DetectionChange, Diff, SourceChange, SourceState, State};
use crate::printable;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// No narrower than this, whatever the terminal says.
const LEAST_WIDTH: usize = 40;
/// How many lines of one file are shown.
const MOST_LINES: usize = 200;

/// The change as text with a terminal's colours; `width` is where lines are broken.
pub fn text(diff: &Diff, width: Option<usize>) -> String {
    let mut page = Page { text: String::new(), width: width.map_or(usize::MAX, |width| width.max(LEAST_WIDTH)) };
    let side = |about: &crate::diff::About| match &about.commit {
        Some(commit) => format!("{} ({})", about.name, commit.chars().take(10).collect::<String>()),
        None => about.name.clone(),
    };
    page.line(0, DIM, &format!("{} -> {}", side(&diff.base), side(&diff.head)));
    page.line(0, BOLD, &words::summary(diff));
    // What follows is to be read with these in mind.
    for (about, when) in [(&diff.base, "before"), (&diff.head, "now")] {
        for (at, fault) in about.faults.iter().enumerate() {
            if at == 0 {
                page.gap();
            }
            page.line(0, RED, &format!("{when}: {fault}"));
        }
    }
    for change in &diff.detections {
        page.gap();
        page.detection(change);
    }
    page.pack(diff);
    for (about, when) in [(&diff.base, "before"), (&diff.head, "now")] {
        for broken in &about.broken {
            page.gap();
            let how = if broken.compared { "" } else { ", and cannot be compared" };
            page.line(0, RED, &format!("{} has errors {when}{how}", broken.file));
            broken.errors.iter().for_each(|error| page.line(4, "", error));
        }
    }
    if !diff.notes.is_empty() || diff.logs.files > 0 {
        page.gap();
    }
    for note in &diff.notes {
        page.line(0, YELLOW, &format!("note: {note}"));
    }
    if diff.logs.files > 0 {
        let damaged = match diff.logs.damaged {
            0 => String::new(),
            damaged => format!(", {} skipped", words::counted(damaged, "damaged part")),
        };
        let (events, files) =
            (words::counted(diff.logs.events, "recorded event"), words::counted(diff.logs.files, "log"));
        page.line(0, DIM, &format!("{events} of {files} replayed{damaged}"));
    }
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A line, broken at blanks where it is too long, every part below the first indented a little more.
    fn line(&mut self, indent: usize, style: &str, text: &str) {
        let text = printable::lines(text);
        for (number, line) in text.lines().flat_map(|line| wrapped(line, self.width.saturating_sub(indent))).enumerate()
        {
            let indent = " ".repeat(if number == 0 { indent } else { indent + 2 });
            let line = line.trim_end();
            _ = if style.is_empty() {
                writeln!(self.text, "{indent}{line}")
            } else {
                writeln!(self.text, "{indent}{style}{line}{PLAIN}")
            };
        }
    }

    fn detection(&mut self, change: &DetectionChange) {
        let (sign, style) = match change.state {
            State::Added => ("+", GREEN),
            State::Removed => ("-", RED),
            State::Changed => ("~", CYAN),
        };
        let version = words::version(change);
        let name = printable::lines(&change.name);
        _ = writeln!(self.text, "{style}{sign}{PLAIN} {BOLD}{name}{PLAIN} {DIM}(version {version}){PLAIN}");
        self.line(2, "", &change.title);
        if change.by_profile {
            let what = if change.state == State::Added { "taken in" } else { "left out" };
            self.line(4, "", &format!("{what} by the profile"));
        }
        if let Some(before) = &change.renamed_from {
            self.line(4, "", &format!("renamed from {before}"));
        }
        for risk in &change.risks {
            self.line(4, if risk.kind.is_grave() { RED } else { YELLOW }, &format!("! {}", risk.message));
        }
        if change.broken {
            self.line(4, YELLOW, "it has errors on one side; see below");
        }
        for source in &change.sources {
            self.source(source, change.state);
        }
        for key in &change.metadata {
            self.key(key);
        }
        if !change.tests.is_empty() {
            self.line(4, "", &format!("tests: {} new, {} gone", change.tests.added, change.tests.removed.len()));
            change.tests.removed.iter().take(20).for_each(|gone| self.line(6, RED, &format!("- {gone}")));
        }
        for target in &change.targets {
            for rule in words::told(change, target) {
                self.line(4, "", &format!("{} {}: {}", target.target, rule.source, words::rule(rule)));
            }
            // All of a new rule, or of one that is gone, is in the pack; here it would bury the rest.
            if change.state == State::Changed {
                for file in &target.files {
                    self.line(6, DIM, &format!("{}{}", file.file, words::also(&file.also)));
                    self.lines(&file.lines);
                }
            }
        }
    }

    fn source(&mut self, source: &SourceChange, state: State) {
        self.line(4, BOLD, &format!("{}: {}", source.source, words::logic(source)));
        for exception in &source.exceptions {
            self.line(6, "", &words::exception(exception));
            self.line(8, DIM, &exception.remark);
        }
        if let Some(own) = &source.own {
            self.line(6, "", &words::own(own));
        }
        if let Some(meaning) = &source.meaning {
            self.sides(&meaning.must, ["newly matched", "no longer matched"]);
            if meaning.must.change() != meaning.may.change() || source.only_may {
                self.sides(&meaning.may, ["rules may match now", "rules may no longer match"]);
            }
        }
        if state != State::Removed || source.state == SourceState::Removed {
            self.recorded(&source.recorded);
        }
    }

    fn sides(&mut self, sides: &Sides, names: [&str; 2]) {
        for (moved, name, style) in [(&sides.gained, names[0], GREEN), (&sides.lost, names[1], RED)] {
            match moved {
                Moved::None => {}
                Moved::Some { event, found_by } => {
                    self.line(6, style, &format!("{name}{}: {event}", found_by.told()));
                }
                Moved::Undecided { reason } => {
                    self.line(6, YELLOW, &format!("whether anything is {name} is undecided: {reason}"));
                }
            }
        }
    }

    fn recorded(&mut self, recorded: &Recorded) {
        if recorded.looked == 0 {
            return;
        }
        let (gained, lost) = (&recorded.gained, &recorded.lost);
        if gained.count + lost.count == 0 {
            self.line(6, DIM, &format!("none of {} changes sides", words::counted(recorded.looked, "recorded event")));
        }
        for (events, name, style) in [(gained, "newly matched", GREEN), (lost, "no longer matched", RED)] {
            if events.count > 0 {
                let text =
                    format!("{} {name}: {}", words::counted(events.count, "recorded event"), words::events(events));
                self.line(6, style, &text);
            }
        }
    }

    fn key(&mut self, change: &KeyChange) {
        let (before, after) = words::key(change);
        let short =
            |values: &[String]| values.len() == 1 && values.iter().all(|text| text.len() < 40 && !text.contains('\n'));
        if let ([was], [is]) = (before.as_slice(), after.as_slice())
            && short(&before)
            && short(&after)
        {
            self.line(4, "", &format!("{}: {was} -> {is}", words::key_name(change)));
            return;
        }
        self.line(4, "", &format!("{}:", words::key_name(change)));
        before.iter().filter(|text| *text != "nothing").for_each(|text| self.line(6, RED, &format!("- {text}")));
        after.iter().filter(|text| *text != "nothing").for_each(|text| self.line(6, GREEN, &format!("+ {text}")));
    }

    fn pack(&mut self, diff: &Diff) {
        let pack = &diff.pack;
        if !pack.templates.is_empty() {
            self.gap();
            self.line(0, "", &format!("templates changed: {}", pack.templates.join(", ")));
        }
        if pack.profile {
            self.gap();
            self.line(0, "", "the profile changed");
        }
        if let Some(reason) = &pack.not_checked {
            self.gap();
            self.line(0, YELLOW, &format!("out/ was not checked: {reason}"));
        }
        for edit in pack.edits.iter().filter(|edit| edit.kind.is_by_hand()) {
            self.gap();
            self.line(0, RED, &format!("! out/{} {}", edit.file, edit.kind.words()));
            self.lines(&edit.lines);
        }
        if let Some(stale) = words::stale(diff) {
            self.gap();
            self.line(0, YELLOW, &format!("! {stale}"));
            let stale = pack.edits.iter().filter(|edit| !edit.kind.is_by_hand());
            stale.for_each(|edit| self.line(4, "", &edit.file));
        }
    }

    fn lines(&mut self, lines: &[Line]) {
        for line in shortened(lines.get(..MOST_LINES).unwrap_or(lines), self.width) {
            let (sign, style) = match line.tag {
                Tag::Same => (' ', DIM),
                Tag::Removed => ('-', RED),
                Tag::Added => ('+', GREEN),
                Tag::Gap => {
                    self.line(8, DIM, "…");
                    continue;
                }
            };
            self.line(8, style, &format!("{sign} {}", line.text));
        }
        if lines.len() > MOST_LINES {
            self.line(8, DIM, &format!("… and {} lines more", lines.len() - MOST_LINES));
        }
    }
}

/// The text in lines of at most `width` characters, broken at blanks if that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= width {
        return vec![text.to_owned()];
    }
    let (mut lines, mut rest) = (Vec::new(), chars.as_slice());
    // What follows the first line is indented.
    let mut room = width;
    while rest.len() > room {
        let head = rest.get(..room).unwrap_or_default();
        let blank = head.iter().rposition(|c| *c == ' ').filter(|at| *at > room / 3);
        let at = blank.map_or(room, |at| at + 1);
        let (line, tail) = rest.split_at(at);
        lines.push(line.iter().collect());
        rest = tail;
        room = width - 2;
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_lose_nothing() {
        let text = "aaaa bbbb cccc dddd eeee ffff gggg hhhh";
        let lines = wrapped(text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20) && lines.concat() == text, "{lines:?}");
        assert_eq!(wrapped(&"x".repeat(50), 20).concat(), "x".repeat(50));
    }
}
