//! What is wrong with a target's folder, with the place in `target.yml` or in a template.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::load::Target;
use crate::detection::Detection;
use crate::detection::yaml::{self, Kind, Node};
use crate::diagnostic::suggest::{all_of, nearest};
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};

/// A problem with a file as a whole, or with a folder.
pub fn with_file(code: Code, path: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, Place { file: SourceFile::new(path, ""), span: 0..0 }, message)
}

/// Settings of detections for targets that are none of `targets`.
pub fn unknown_targets(detections: &[Detection], targets: &[Target]) -> Vec<Diagnostic> {
    let known = || targets.iter().map(Target::name);
    let named = detections.iter().flat_map(|detection| {
        let unknown = detection.target_names.iter().filter(|(name, _)| known().all(|known| known != *name));
        unknown.map(move |(name, span)| (name, Place { file: detection.source.clone(), span: span.clone() }))
    });
    let told = named.map(|(name, place)| {
        let message = format!("there is no target `{name}`, so this is of no effect");
        with_known_targets(Diagnostic::new(Code::NoSuchTarget, place, message), name, targets)
    });
    told.collect()
}

/// The problem that there is no target of a name, with the one that is meant, or with all that there are.
pub fn with_known_targets(problem: Diagnostic, name: &str, targets: &[Target]) -> Diagnostic {
    let known = || targets.iter().map(Target::name);
    match nearest(name, known()) {
        Some(near) => problem.suggestion(Some(near)),
        None => problem.help(format!("the targets are {}", all_of(known()))),
    }
}

/// What reading a `target.yml` met.
pub fn from_yaml(file: &Arc<SourceFile>, error: &serde_yaml::Error) -> Diagnostic {
    let span = error.location().map_or(0..0, |at| word_at(&file.text, offset(&file.text, at.line(), at.column())));
    // The line and the column stand before the snippet already.
    let mut message = error.to_string();
    while let Some((before, rest)) = message.split_once(" at line ") {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ' || "column".contains(c));
        message = format!("{before}{after}");
    }
    let message = message.as_str();
    let place = Place { file: file.clone(), span };
    // serde's words for a key that it does not know, with a way to it in front.
    let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`'));
    if let Some((key, rest)) = unknown {
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let known = || known.iter().copied();
        return Diagnostic::new(Code::TargetSettings, place, format!("unknown key `{key}`"))
            .note(format!("known here: {}", all_of(known())))
            .suggestion(nearest(key, known()));
    }
    Diagnostic::new(Code::TargetSettings, place, message)
}

/// What the template engine met. `files` are the templates by their names; `path` is where the fault is if the engine
/// does not say.
pub fn from_tera(files: &BTreeMap<String, Arc<SourceFile>>, path: &str, error: &tera::Error) -> Vec<Diagnostic> {
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            let mut problem = match files.get(report.filename()) {
                Some(file) => in_template(file, report.span().range.clone(), report.message()),
                None => with_file(Code::TargetTemplate, path, sentence(report.message())),
            };
            for reason in reasons(error) {
                problem = problem.help(reason);
            }
            vec![problem]
        }
        // Names that the engine does not know are told in one text, a report for each.
        _ => {
            let text = error.to_string();
            let found = reports(&text).filter_map(|(message, name, line, column)| {
                let file = files.get(name)?;
                let start = offset(&file.text, line, column);
                Some(in_template(file, word_at(&file.text, start), message))
            });
            let found: Vec<Diagnostic> = found.collect();
            if !found.is_empty() {
                return found;
            }
            // Of a fault in writing, the reason says more than the engine.
            let reasons = reasons(error);
            let said = if reasons.is_empty() { sentence(&text) } else { reasons.join(": ") };
            vec![with_file(Code::TargetTemplate, path, said)]
        }
    }
}

/// What lies behind an error of the engine.
fn reasons(error: &tera::Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |error| error.source()).map(|error| sentence(&error.to_string())).collect()
}

/// A fault at a place in a template.
fn in_template(file: &Arc<SourceFile>, range: Range<usize>, message: &str) -> Diagnostic {
    // The end of a file is no line to show.
    let end = file.text.trim_end().len();
    let last = file.text.get(..end).and_then(|text| text.char_indices().next_back()).map_or(0, |(at, _)| at);
    let span = if range.start >= end { last..end } else { range.start..range.end.clamp(range.start, end) };
    let written = file.text.get(span.clone()).unwrap_or_default().to_owned();
    let place = Place { file: file.clone(), span };
    let message = sentence(message);
    // Dozens of names belong under the place, and the one that was meant beside it.
    match message.split_once(". Available fields: ") {
        Some((message, known)) => Diagnostic::new(Code::TargetTemplate, place, message)
            .note(format!("known here: {known}"))
            .suggestion(nearest(&written, known.split(", "))),
        None => Diagnostic::new(Code::TargetTemplate, place, message),
    }
}

/// The reports in a text of the engine's: message, template, line and column of each.
fn reports(text: &str) -> impl Iterator<Item = (&str, &str, usize, usize)> {
    let mut message = "";
    text.lines().filter_map(move |line| {
        if let Some(said) = line.strip_prefix("error: ") {
            message = said;
        }
        let place = line.trim_start().strip_prefix("--> ")?;
        let mut parts = place.rsplitn(3, ':');
        let (column, line, name) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        Some((message, name, line, column))
    })
}

/// The engine's words as a message of ours.
fn sentence(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default().trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The place of a value in a `target.yml`, by the keys that lead to it, as far as they are there.
pub fn place(file: &Arc<SourceFile>, keys: &[&str]) -> Place {
    let mut span = 0..0;
    let root = yaml::parse(file).ok();
    let mut node = root.as_ref();
    for key in keys {
        let found: Option<(&Range<usize>, &Node)> = match node.map(|node| &node.kind) {
            Some(Kind::Mapping(entries)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| (&entry.key_span, &entry.value))
            }
            Some(Kind::Sequence(items)) => {
                key.parse::<usize>().ok().and_then(|at| items.get(at)).map(|item| (&item.span, item))
            }
            _ => None,
        };
        let Some((here, inner)) = found else { break };
        span = here.clone();
        node = Some(inner);
    }
    Place { file: file.clone(), span }
}

/// The byte offset of a line and a column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// The word that begins at an offset.
fn word_at(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let is_end = |c: char| c.is_whitespace() || matches!(c, ':' | ',' | '}' | ']' | '(' | '|');
    start..start + rest.find(is_end).unwrap_or(rest.len())
}
