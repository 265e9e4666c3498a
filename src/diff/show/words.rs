//! The words that all outputs share.

use std::fmt::Write as _;

use serde_json::Value;

use crate::diff::meaning::{Change, Meaning, Moved, Sides};
use crate::diff::metadata::KeyChange;
use crate::diff::recorded::Events;
use crate::diff::rules::{Follows, RuleChange, RuleState, TargetChange};
use crate::diff::{Cause, DetectionChange, Diff, ExceptionChange, SourceChange, SourceState, State};

/// Recorded events that are named before the rest is counted.
const MOST_NAMED: usize = 12;

/// `1 detection`, `3 detections`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// The whole change in one line.
pub fn summary(diff: &Diff) -> String {
    let of = |state: State| diff.detections.iter().filter(|change| change.state == state).count();
    let mut parts = Vec::new();
    for (count, word) in [(of(State::Added), "added"), (of(State::Removed), "removed"), (of(State::Changed), "changed")]
    {
        if count > 0 {
            parts.push(format!("{} {word}", counted(count, "detection")));
        }
    }
    if parts.is_empty() {
        parts.push("no detection changed".to_owned());
    }
    let sources = || diff.detections.iter().flat_map(|change| &change.sources);
    let logic: Vec<String> = [Change::Wider, Change::Narrower, Change::Both, Change::Undecided]
        .into_iter()
        .filter_map(|change| {
            let count = sources().filter(|source| source.change == Some(change)).count();
            (count > 0).then(|| format!("{count} {}", change.word()))
        })
        .collect();
    let mut text = parts.join(", ");
    if !logic.is_empty() {
        _ = write!(text, " (log sources: {})", logic.join(", "));
    }
    let hand = diff.pack.edits.iter().filter(|edit| edit.kind.is_by_hand()).count();
    let stale = diff.pack.edits.len() - hand;
    if hand > 0 {
        _ = write!(text, "; {} of out/ changed by hand", counted(hand, "file"));
    }
    if stale > 0 {
        _ = write!(text, "; {} of out/ not up to date", counted(stale, "file"));
    }
    let (broken, faults) = (diff.head.broken.len(), diff.head.faults.len());
    if broken > 0 {
        _ = write!(text, "; {} with errors", counted(broken, "detection"));
    }
    if faults > 0 {
        _ = write!(text, "; {} apart from detections", counted(faults, "error"));
    }
    text
}

/// What became of the condition in a log source, in a few words, and what made it so if that is not the detection.
pub fn logic(source: &SourceChange) -> String {
    let what = became(source);
    match causes(source) {
        Some(causes) => format!("{what}, {causes}"),
        None => what,
    }
}

/// What made a change of logic, if the detection alone did not.
fn causes(source: &SourceChange) -> Option<String> {
    if matches!(source.causes.as_slice(), [] | [Cause::Detection]) {
        return None;
    }
    let names: Vec<&str> = source.exceptions.iter().map(|exception| exception.name.as_str()).collect();
    let causes = source.causes.iter().map(|cause| match cause {
        Cause::Detection => "the detection".to_owned(),
        Cause::Profile => "the profile".to_owned(),
        Cause::Exceptions if names.len() == 1 => format!("the exception {}", names.concat()),
        Cause::Exceptions => format!("the exceptions {}", names.join(", ")),
    });
    Some(format!("by {}", causes.collect::<Vec<_>>().join(" and ")))
}

/// What became of an exception, in a sentence.
pub fn exception(change: &ExceptionChange) -> String {
    let became = match change.state {
        State::Added if change.unread => "could not be read before",
        _ if change.unread => "cannot be read now",
        State::Added if change.written => "is in force now",
        State::Removed if change.written => "is not in force any more",
        State::Added => "is new",
        State::Removed => "is gone",
        State::Changed => "is about other events",
    };
    let alone = match change.change {
        Change::Unchanged => "which makes no difference".to_owned(),
        Change::Undecided => "undecided what that makes of the detection".to_owned(),
        change => format!("which makes the detection {}", change.word()),
    };
    let file = if change.file.is_empty() { String::new() } else { format!(" ({})", change.file) };
    format!("exception {}{file} {became}, {alone}", change.name)
}

/// What became of a detection's own condition where exceptions changed beside it.
pub fn own(meaning: &Meaning) -> String {
    format!("the detection itself: {}", meaning.change().word())
}

/// A key and who changed it, if that is not the detection.
pub fn key_name(change: &KeyChange) -> String {
    if change.by_profile { format!("{} (by the profile)", change.key) } else { change.key.clone() }
}

fn became(source: &SourceChange) -> String {
    match (source.state, source.change) {
        (SourceState::Added, _) => "new log source".to_owned(),
        (SourceState::Removed, _) => "no longer observed".to_owned(),
        (SourceState::Both, Some(Change::Unchanged)) if source.only_may => {
            let may = source.meaning.as_ref().map_or(Change::Undecided, |meaning| meaning.may.change());
            format!("unchanged in what rules must match; what they may match is {}", may.word())
        }
        (SourceState::Both, Some(Change::Undecided)) => match source.meaning.as_ref().map(|m| &m.must) {
            Some(Sides { gained: Moved::Some { .. }, .. }) => "wider; undecided whether also narrower".to_owned(),
            Some(Sides { lost: Moved::Some { .. }, .. }) => "narrower; undecided whether also wider".to_owned(),
            _ => "undecided".to_owned(),
        },
        (SourceState::Both, Some(change)) => change.word().to_owned(),
        (SourceState::Both, None) => "undecided".to_owned(),
    }
}

/// The same, short enough for a table.
pub fn logic_short(source: &SourceChange) -> &'static str {
    match (source.state, source.change) {
        (SourceState::Added, _) => "new",
        (SourceState::Removed, _) => "removed",
        (SourceState::Both, Some(Change::Unchanged)) if source.only_may => "may only",
        (SourceState::Both, Some(Change::Unchanged)) => "unchanged",
        (SourceState::Both, Some(Change::Undecided)) => match source.meaning.as_ref().map(|meaning| &meaning.must) {
            Some(Sides { gained: Moved::Some { .. }, .. }) => "wider, perhaps both",
            Some(Sides { lost: Moved::Some { .. }, .. }) => "narrower, perhaps both",
            _ => "undecided",
        },
        (SourceState::Both, change) => change.map_or("undecided", Change::word),
    }
}

/// The rules of a target that there is something to say about: of a condition that changed, or that changed themselves.
pub fn told<'c>(change: &'c DetectionChange, target: &'c TargetChange) -> impl Iterator<Item = &'c RuleChange> {
    target.rules.iter().filter(|rule| {
        let follows = matches!(rule.follows, Follows::Exactly | Follows::InDirection | Follows::NoRule);
        !follows || rule.before != rule.after || change.sources.iter().any(|source| source.source == rule.source)
    })
}

/// ` (and the same in rules.ndjson)`.
pub fn also(files: &[String]) -> String {
    if files.is_empty() { String::new() } else { format!(" (and the same in {})", files.join(", ")) }
}

/// What a rule's state became and whether it follows, in a sentence.
pub fn rule(rule: &RuleChange) -> String {
    let state = |state: &Option<RuleState>| state.as_ref().map_or_else(|| "none".to_owned(), RuleState::words);
    let (before, after) = (state(&rule.before), state(&rule.after));
    let mut text = if before == after { after } else { format!("{before} -> {after}") };
    let follows = match rule.follows {
        Follows::Exactly => "says exactly what the detection says",
        Follows::InDirection if rule.change == Some(Change::Unchanged) => "not exact, unchanged as the detection is",
        Follows::InDirection => "not exact, follows the change in its direction",
        Follows::No => "not exact, does NOT follow the change",
        Follows::New => "new rule",
        Follows::Gone => "no rule any more",
        Follows::NoRule => "no rule",
    };
    _ = write!(text, ": {follows}");
    if let (Follows::No, Some(change)) = (rule.follows, rule.change) {
        _ = write!(text, " (the rule itself is {})", change.word());
    }
    if let Some(RuleState::Failed { reason }) = &rule.after {
        _ = write!(text, " ({reason})");
    }
    if let Some(verdict) = &rule.verdict {
        _ = write!(text, "; {verdict}");
    }
    text
}

/// Recorded events by their logs: `raw/audit.log.zst 12, 17; … and 3 more`.
pub fn events(events: &Events) -> String {
    let mut text = String::new();
    let mut file = "";
    for event in events.events.iter().take(MOST_NAMED) {
        if event.file == file {
            _ = write!(text, ", {}", event.id);
        } else {
            _ = write!(text, "{}{} {}", if text.is_empty() { "" } else { "; " }, event.file, event.id);
        }
        file = &event.file;
    }
    let more = events.count.saturating_sub(MOST_NAMED.min(events.events.len()));
    if more > 0 {
        _ = write!(text, " and {more} more");
    }
    text
}

/// A value on one line: texts as they are, lists with commas.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
        }
        other => other.to_string(),
    }
}

/// What became of a key: new and removed entries of a list, or both values.
pub fn key(change: &KeyChange) -> (Vec<String>, Vec<String>) {
    let list = |value: &Value| value.as_array().map(|items| items.iter().map(self::value).collect::<Vec<String>>());
    match (list(&change.before), list(&change.after)) {
        (Some(before), Some(after)) => {
            let removed: Vec<String> = before.iter().filter(|item| !after.contains(item)).cloned().collect();
            let added: Vec<String> = after.iter().filter(|item| !before.contains(item)).cloned().collect();
            if removed.is_empty() && added.is_empty() {
                // The order alone.
                return (vec![before.join(", ")], vec![after.join(", ")]);
            }
            (removed, added)
        }
        _ => (vec![value(&change.before)], vec![value(&change.after)]),
    }
}

/// What became of a detection, in a few words each.
pub fn headline(change: &DetectionChange) -> Vec<String> {
    let mut parts = Vec::new();
    match change.state {
        State::Added if change.by_profile => parts.push("taken in by the profile".to_owned()),
        State::Removed if change.by_profile => parts.push("left out by the profile".to_owned()),
        State::Added => parts.push("added".to_owned()),
        State::Removed => parts.push("removed".to_owned()),
        State::Changed => {}
    }
    if let Some(before) = &change.renamed_from {
        parts.push(format!("renamed from {before}"));
    }
    if change.state == State::Changed {
        for source in &change.sources {
            parts.push(format!("{}: {}", source.source, logic(source)));
        }
        if !change.metadata.is_empty() {
            let keys: Vec<&str> = change.metadata.iter().map(|change| change.key.as_str()).collect();
            parts.push(format!("metadata: {}", keys.join(", ")));
        }
        if !change.tests.is_empty() {
            parts.push("tests".to_owned());
        }
        if parts.is_empty() {
            parts.push("rules only".to_owned());
        }
    }
    parts
}

/// The version before and now: `1`, `1 -> 2`.
pub fn version(change: &DetectionChange) -> String {
    match change.version {
        [Some(before), Some(after)] if before != after => format!("{before} -> {after}"),
        [before, after] => after.or(before).map(|version| version.to_string()).unwrap_or_default(),
    }
}

/// That files of the pack are not up to date, if some are.
pub fn stale(diff: &Diff) -> Option<String> {
    let stale = diff.pack.edits.iter().filter(|edit| !edit.kind.is_by_hand()).count();
    (stale > 0).then(|| format!("{} of out/ not up to date; run `cresset build`", counted(stale, "file")))
}
