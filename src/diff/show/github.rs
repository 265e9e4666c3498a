//! Annotations of GitHub Actions: one for everything that a reviewer should see beside the lines of a pull request.

use std::fmt::Write as _;

use super::words;
use crate::diff::meaning::Moved;
use crate::diff::risk::RiskKind;
use crate::diff::{Cause, DetectionChange, Diff, State};
use crate::printable;

/// Workflow commands; `prefix` is the project's path in the repository.
pub fn annotations(diff: &Diff, prefix: &str) -> String {
    let mut text = String::new();
    for change in &diff.detections {
        let file = (change.state != State::Removed).then(|| format!("{prefix}{}", change.file));
        let at = |key: &str| {
            file.as_deref()
                .map(|file| (file, change.places.iter().find(|(name, _)| name == key).map(|(_, line)| *line)))
        };
        for risk in &change.risks {
            let key = match (risk.kind, &risk.source) {
                (RiskKind::IdChanged, _) => "id".to_owned(),
                (RiskKind::RuleRenamed, _) => "title".to_owned(),
                (RiskKind::SeverityLowered, _) => "severity".to_owned(),
                (RiskKind::Version, _) => "version".to_owned(),
                (RiskKind::TestsWeakened, _) => "tests".to_owned(),
                (_, Some(source)) => format!("observe.{source}"),
                _ => "id".to_owned(),
            };
            let level = if risk.kind.is_grave() { "error" } else { "warning" };
            push(&mut text, level, at(&key), &change.name, &risk.message);
        }
        logic(&mut text, change, prefix, &at);
    }
    for edit in diff.pack.edits.iter().filter(|edit| edit.kind.is_by_hand()) {
        let (file, message) =
            (format!("{prefix}out/{}", edit.file), format!("out/{} {}", edit.file, edit.kind.words()));
        push(&mut text, "error", Some((&file, None)), "the pack", &message);
    }
    // A step has room for few annotations: what one command mends is one.
    if let Some(stale) = words::stale(diff) {
        push(&mut text, "warning", None, "the pack", &stale);
    }
    if let Some(reason) = &diff.pack.not_checked {
        push(&mut text, "warning", None, "the pack", &format!("out/ was not checked: {reason}"));
    }
    for broken in &diff.head.broken {
        push(
            &mut text,
            "error",
            Some((&format!("{prefix}{}", broken.file), None)),
            "errors",
            &broken.errors.join("\n"),
        );
    }
    for fault in &diff.head.faults {
        push(&mut text, "error", None, "errors", fault);
    }
    for note in &diff.notes {
        push(&mut text, "notice", None, "Cresset", note);
    }
    push(&mut text, "notice", None, "Cresset", &words::summary(diff));
    text
}

/// A file, and a line in it if one is known.
type At<'f> = Option<(&'f str, Option<usize>)>;

fn logic<'f>(text: &mut String, change: &DetectionChange, prefix: &str, at: &dyn Fn(&str) -> At<'f>) {
    if change.state != State::Changed {
        return;
    }
    for source in &change.sources {
        let Some(meaning) = &source.meaning else { continue };
        let mut message = format!("{}: {}", source.source, words::logic(source));
        for (moved, name) in [(&meaning.must.gained, "newly matched"), (&meaning.must.lost, "no longer matched")] {
            if let Moved::Some { event, .. } = moved {
                _ = write!(message, "\n{name}: {event}");
            }
        }
        if let Some(reason) = meaning.must.reason().or(meaning.may.reason()) {
            _ = write!(message, "\nundecided: {reason}");
        }
        let recorded = &source.recorded;
        if recorded.looked > 0 {
            let (gained, lost, looked) = (recorded.gained.count, recorded.lost.count, recorded.looked);
            _ = write!(message, "\nof {looked} recorded events, {gained} newly matched and {lost} no longer");
        }
        // What exceptions made is told at their file.
        let exception = source.exceptions.iter().find(|exception| exception.state != State::Removed);
        let file = exception.filter(|_| source.causes == [Cause::Exceptions]);
        let file = file.map(|exception| format!("{prefix}{}", exception.file));
        let here = file.as_deref().map(|file| (file, None));
        let here = here.or_else(|| at(&format!("observe.{}", source.source)));
        push(text, "notice", here, &change.name, &message);
    }
}

fn push(text: &mut String, level: &str, at: At<'_>, title: &str, message: &str) {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let place = match at {
        Some((file, Some(line))) => format!("file={},line={line},", property(file)),
        Some((file, None)) => format!("file={},", property(file)),
        None => String::new(),
    };
    _ = writeln!(text, "::{level} {place}title={}::{}", property(title), data(&printable::lines(message)));
}
