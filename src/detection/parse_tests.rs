//! The key `tests`: events with a known answer.

use std::path::{Component, PathBuf};

use crate::diagnostic::Code;
use crate::diagnostic::suggest::nearest;
use crate::logic::Event;
use crate::source::catalogue::join;
use crate::source::reader::completed;
use crate::source::{Catalogue, Source};

use super::model::{DetectionTest, TestEvents};
use super::parse::{Spans, TestSpans};
use super::shape::Reader;
use super::yaml::{Kind, Node};

const KEYS: [&str; 6] = ["name", "log", "source", "matches", "misses", "partial"];

/// Reads it; problems are reported.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    observed: &[String],
    catalogue: &Catalogue,
    spans: &mut Spans,
) -> Vec<DetectionTest> {
    let Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, "`tests`", "a list");
        return Vec::new();
    };
    let mut tests = Vec::new();
    for item in items {
        if let Some((test, span)) = read_one(reader, item, observed, catalogue) {
            tests.push(test);
            spans.tests.push(span);
        }
    }
    tests
}

fn read_one(
    reader: &mut Reader,
    node: &Node,
    observed: &[String],
    catalogue: &Catalogue,
) -> Option<(DetectionTest, TestSpans)> {
    let map = reader.map(node, "a test", &KEYS)?;
    let start = map.entries().first().map_or(node.span.clone(), |entry| entry.key_span.clone());
    let name = map.get("name").and_then(|node| reader.line(node, "`name`")).unwrap_or_default();
    let source = map.get("source").and_then(|node| {
        let source = reader.line(node, "`source`")?;
        let known_here = || observed.iter().map(String::as_str);
        if !known_here().any(|name| name == source) {
            let known = catalogue.sources.contains_key(&source);
            let message = match known {
                true => format!("the detection does not observe `{source}`"),
                false => format!("there is no log source `{source}`"),
            };
            let problem =
                reader.problem(Code::TestSource, node.span.clone(), message).suggestion(nearest(&source, known_here()));
            reader.report(problem);
        }
        Some(source)
    });
    let (events, subject) = match map.get("log") {
        Some(log) => {
            let path = PathBuf::from(reader.line(log, "`log`")?);
            let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if !inside {
                let problem = reader
                    .problem(Code::TestLog, log.span.clone(), "a test's log lies under `tests/`")
                    .help("write its path from there on: `logs/audit.log.zst`");
                reader.report(problem);
                return None;
            }
            let matches = ids(reader, map.get("matches"), "`matches`");
            let misses = ids(reader, map.get("misses"), "`misses`");
            let partial = map.get("partial").and_then(|node| reader.boolean(node, "`partial`")).unwrap_or(false);
            (TestEvents::Log { path, matches, misses, partial }, log.span.clone())
        }
        None => {
            let source_node =
                map.need(reader, "a test without a log", "source", "of which log source the events are")?;
            if let Some(partial) = map.entry("partial") {
                let problem = reader
                    .problem(
                        Code::UnknownKey,
                        partial.key_span.clone(),
                        "`partial` speaks of the other events of a log",
                    )
                    .help("events that are written out are all judged");
                reader.report(problem);
            }
            let of = source.as_deref().unwrap_or_default();
            let matches = events(reader, map.get("matches"), "`matches`", of, catalogue);
            let misses = events(reader, map.get("misses"), "`misses`", of, catalogue);
            (TestEvents::Inline { matches, misses }, source_node.span.clone())
        }
    };
    if map.get("matches").is_none() && map.get("misses").is_none() {
        let problem = reader
            .problem(Code::MissingKey, start.clone(), "the test has neither `matches` nor `misses`")
            .help("`matches: []` says that nothing in the log matches");
        reader.report(problem);
    }
    Some((DetectionTest { name, source, events }, TestSpans { start, subject }))
}

/// Ids of events of a log.
fn ids(reader: &mut Reader, node: Option<&Node>, name: &str) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    let Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, name, "a list of ids of events");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| match &item.kind {
            Kind::Mapping(_) => {
                let problem = reader
                    .problem(Code::WrongType, item.span.clone(), "an event of a log is named by its id")
                    .help("events that are written out belong into a test of their own, without `log`");
                reader.report(problem);
                None
            }
            _ => reader.line(item, "an id"),
        })
        .collect()
}

/// Events of a log source that are written out: as its logs would give them.
fn events(reader: &mut Reader, node: Option<&Node>, name: &str, source: &str, catalogue: &Catalogue) -> Vec<Event> {
    let Some(node) = node else { return Vec::new() };
    let Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, name, "a list of events");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| match &item.kind {
            Kind::Mapping(_) => {
                if let Some(source) = catalogue.source(source) {
                    misspelled(reader, item, "", source);
                }
                Some(completed(source, item.to_json()))
            }
            _ => {
                let problem = reader
                    .problem(Code::WrongType, item.span.clone(), "an event is a map of its fields")
                    .note(format!("this is {}", item.what()))
                    .help("ids of recorded events need the `log` that they are in");
                reader.report(problem);
                None
            }
        })
        .collect()
}

/// Warns of keys that are none of the log source's and nearly one. Events may hold what no field tells of, so other keys
/// are let alone.
fn misspelled(reader: &mut Reader, node: &Node, prefix: &str, source: &Source) {
    match &node.kind {
        Kind::Sequence(items) => items.iter().for_each(|item| misspelled(reader, item, prefix, source)),
        Kind::Scalar { .. } => {}
        Kind::Mapping(entries) => {
            for entry in entries {
                match meant(prefix, &entry.key, source) {
                    Ok(name) => misspelled(reader, &entry.value, &name, source),
                    Err(meant) => {
                        let message = format!("`{}` has no field `{}`", source.name, join(prefix, &entry.key));
                        let problem = reader.problem(Code::TestKey, entry.key_span.clone(), message);
                        reader.report(problem.suggestion(Some(&meant)));
                    }
                }
            }
        }
    }
}

/// The name of what an event has below `prefix` at a key, which may be several names with dots. An error is the key that
/// was probably meant.
fn meant(prefix: &str, key: &str, source: &Source) -> Result<String, String> {
    let mut name = prefix.to_owned();
    for (at, part) in key.split('.').enumerate() {
        if let Some(known) = source.below(&name)
            && !known.contains(part)
            && let Some(near) = nearest(part, known.iter().map(|name| &**name))
            // Nearly every short word is nearly `pid`.
            && near.len() > 3
        {
            return Err(key
                .split('.')
                .enumerate()
                .map(|(i, part)| if i == at { near } else { part })
                .collect::<Vec<_>>()
                .join("."));
        }
        name = join(&name, part);
    }
    Ok(name)
}
