//! What a profile says of a target: the log sources there as they are after it, whole.

use std::ops::Range;

use indexmap::IndexMap;
use serde_json::Value;

use super::TargetProfile;
use crate::detection::shape::{A_DEVICE, Map, Reader, is_device};
use crate::detection::yaml::{Entry, Kind, Node};
use crate::detection::{Accept, Deviation};
use crate::diagnostic::Code;
use crate::diagnostic::suggest::{all_of, nearest, one_of};
use crate::logic::Path;
use crate::source::Catalogue;
use crate::target::Target;
use crate::target::settings::{Artefact, FieldRule, OneOrMany, SourceSettings, WrittenFieldRule};

/// Reads what a profile says of `target`.
pub(super) fn read_target(
    reader: &mut Reader,
    node: &Node,
    target: &Target,
    catalogue: &Catalogue,
) -> Option<TargetProfile> {
    let name = format!("`{}`", target.name());
    let map = reader.map(node, &name, &["enabled", "vars", "sources"])?;
    let mut profile = TargetProfile {
        enabled: map.get("enabled").and_then(|node| reader.boolean(node, "`enabled`")),
        ..TargetProfile::default()
    };
    for entry in map.get("vars").and_then(|node| reader.entries(node, "`vars`")).unwrap_or_default() {
        let known = &target.settings.vars;
        let Some(there) = known.get(&entry.key) else {
            unknown_key(reader, entry, &format!("{} has no variable", target.settings.title), known.keys());
            continue;
        };
        if let Some(value) = like(reader, entry, there) {
            let is_in_a_path = |artefact: &Artefact| artefact.pattern.contains(&format!("{{vars.{}}}", entry.key));
            if target.settings.artefacts.iter().any(is_in_a_path) && !value.as_str().is_some_and(is_path_segment) {
                let message = format!("`{}` is a part of the paths of files, and this cannot be one", entry.key);
                let problem = reader.problem(Code::BadName, entry.value.span.clone(), message);
                reader.report(problem.help(match value.as_str().is_some_and(is_device) {
                    true => A_DEVICE,
                    false => "letters, digits, `_`, `-` and `.`, with a letter or digit first",
                }));
                continue;
            }
            profile.vars.insert(entry.key.clone(), value);
        }
    }
    for entry in map.get("sources").and_then(|node| reader.entries(node, "`sources`")).unwrap_or_default() {
        let Some(there) = target.settings.sources.get(&entry.key) else {
            let known = target.settings.sources.keys().map(String::as_str).collect();
            let message = format!("{} does not have the log source", target.settings.title);
            unknown_source(reader, entry.key_span.clone(), &entry.key, &message, known);
            continue;
        };
        let name = format!("`{}`", entry.key);
        let Some(map) = reader.map(&entry.value, &name, &["binding", "base", "fields", "accept"]) else { continue };
        let mut settings = there.clone();
        if let Some(node) = map.get("binding") {
            read_binding(reader, node, target, &entry.key, &mut settings);
        }
        for entry in map.get("base").and_then(|node| reader.entries(node, "`base`")).unwrap_or_default() {
            match serde_json::from_value::<OneOrMany>(entry.value.to_json()) {
                Ok(values) => _ = settings.base.insert(entry.key.clone(), values),
                Err(_) => reader.wrong_type(&entry.value, &format!("`{}`", entry.key), "a text or a list of texts"),
            }
        }
        if let Some(node) = map.get("fields") {
            let before = settings.fields.clone();
            read_fields(reader, node, &entry.key, catalogue, &mut settings.fields);
            let given = map.get("binding").map(|node| &node.kind);
            let is_given = |key: &str| matches!(given, Some(Kind::Mapping(entries)) if entries.iter().any(|entry| entry.key == key));
            let follow = target.settings.binding_fields.iter().filter(|key| !is_given(key));
            for key in follow {
                if let Some(value) = settings.binding.get_mut(key) {
                    rename_fields(value, &before, &settings.fields);
                }
            }
        }
        if let Some(accept) = read_accept(reader, &map) {
            profile.accept.insert(entry.key.clone(), accept);
        }
        profile.sources.insert(entry.key.clone(), settings);
    }
    Some(profile)
}

/// A choice by its name, or what is different about the binding.
fn read_binding(reader: &mut Reader, node: &Node, target: &Target, source: &str, settings: &mut SourceSettings) {
    let (choice, entries): (Option<&Node>, &[Entry]) = match &node.kind {
        Kind::Mapping(entries) => {
            (entries.iter().find(|entry| entry.key == "choice").map(|entry| &entry.value), entries)
        }
        Kind::Scalar { .. } if !node.is_null() => (Some(node), &[]),
        _ => {
            reader.wrong_type(node, "`binding`", "the name of a choice, or a map");
            return;
        }
    };
    if let Some(node) = choice
        && let Some(name) = reader.line(node, "the choice")
        && !settings.choose(&name)
    {
        let known: Vec<&str> = settings.choices.keys().map(String::as_str).collect();
        let near = nearest(&name, known.iter().copied());
        let message = format!("{} offers no binding `{name}` for `{source}`", target.settings.title);
        let mut problem = reader.problem(Code::UnknownBinding, node.span.clone(), message).suggestion(near);
        if near.is_none() {
            problem = problem.help(match known.is_empty() {
                true => "it offers one only; write a map of what is different about it".to_owned(),
                false => format!("it offers {}", one_of(known)),
            });
        }
        reader.report(problem);
    }
    for entry in entries.iter().filter(|entry| entry.key != "choice") {
        let everywhere = target.settings.sources.values().flat_map(|source| source.binding.iter());
        let there = settings.binding.get(&entry.key).cloned();
        let there = there.or_else(|| everywhere.clone().find(|(key, _)| **key == entry.key).map(|(_, v)| v.clone()));
        let free = target.settings.binding_keys.contains(&entry.key);
        let Some(there) = there.or_else(|| free.then(|| Value::String(String::new()))) else {
            let mut known: Vec<&String> = everywhere.map(|(key, _)| key).chain(&target.settings.binding_keys).collect();
            known.sort_unstable();
            known.dedup();
            unknown_key(reader, entry, "the binding has no key", known.into_iter());
            continue;
        };
        if let Some(value) = like(reader, entry, &there) {
            settings.binding.insert(entry.key.clone(), value);
        }
    }
}

/// What the target has for paths of the event: another name, a whole rule, or `null` where it has nothing.
fn read_fields(
    reader: &mut Reader,
    node: &Node,
    source: &str,
    catalogue: &Catalogue,
    fields: &mut IndexMap<String, WrittenFieldRule>,
) {
    for entry in reader.entries(node, "`fields`").unwrap_or_default() {
        let described = catalogue.source(source);
        let is_known = |name: &str| {
            let plain = name.strip_suffix(".*").unwrap_or(name);
            name == "*"
                || fields.contains_key(name)
                || described.is_some_and(|source| source.field(plain).is_some())
                || (plain != name && plain.parse::<Path>().is_ok())
        };
        if !is_known(&entry.key) {
            let known: Vec<String> =
                described.into_iter().flat_map(|source| source.field_names().map(|name| name.to_string())).collect();
            let message = format!("`{source}` has no field `{}`", entry.key);
            let problem = reader
                .problem(Code::UnknownField, entry.key_span.clone(), message)
                .suggestion(nearest(&entry.key, known.iter().map(String::as_str)));
            reader.report(problem);
            continue;
        }
        if entry.value.is_null() {
            fields.shift_remove(&entry.key);
            continue;
        }
        let rule = match &entry.value.kind {
            // Another name for what the target has: its type, and whether it is joined, stay.
            Kind::Scalar { text, .. } => match fields.get(&entry.key).map(|rule| rule.0.clone()) {
                Some(FieldRule {
                    name: None,
                    from: None,
                    joined: Some(_),
                    none: _,
                    native,
                    kind,
                    arrays,
                    maps,
                    dots,
                    holds: _,
                    encoded,
                }) => FieldRule {
                    joined: Some(text.clone()),
                    native,
                    kind,
                    arrays,
                    maps,
                    dots,
                    encoded,
                    ..FieldRule::default()
                },
                known => {
                    let known = known.unwrap_or_default();
                    FieldRule { name: Some(text.clone()), from: None, ..known }
                }
            },
            _ => match serde_json::from_value::<WrittenFieldRule>(entry.value.to_json()) {
                Ok(rule) => rule.0,
                Err(error) => {
                    let message = format!("`{}` is no field of a target: {error}", entry.key);
                    let problem = reader
                        .problem(Code::WrongType, entry.value.span.clone(), message)
                        .help("write its name, or a map with `name`, `from`, `joined` and `type`");
                    reader.report(problem);
                    continue;
                }
            },
        };
        fields.insert(entry.key.clone(), WrittenFieldRule(rule));
    }
}

/// Gives fields that a value of a binding names the names that they have now.
fn rename_fields(
    value: &mut Value,
    before: &IndexMap<String, WrittenFieldRule>,
    after: &IndexMap<String, WrittenFieldRule>,
) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename_fields(item, before, after)),
        Value::String(name) => {
            fn called<'r>(path: &'r str, rule: &'r FieldRule) -> &'r str {
                rule.name.as_deref().or(rule.joined.as_deref()).unwrap_or(path)
            }
            // A field that the target has as it is called in events need not stand among its fields.
            let was = before.iter().find(|(path, rule)| rule.0.from.is_none() && called(path, &rule.0) == name);
            let path = was.map_or(name.as_str(), |(path, _)| path.as_str());
            if let Some(rule) = after.get(path).filter(|rule| rule.0.from.is_none()) {
                *name = called(path, &rule.0).to_owned();
            }
        }
        _ => {}
    }
}

fn read_accept(reader: &mut Reader, map: &Map<'_>) -> Option<Accept> {
    let node = map.get("accept")?;
    let accept = reader.map(node, "`accept`", &["wider", "narrower", "unsupported"])?;
    let [given] = accept.entries() else {
        reader.wrong_type(node, "`accept`", "one of `wider: reason`, `narrower: reason` and `unsupported: reason`");
        return None;
    };
    let deviation = match given.key.as_str() {
        "wider" => Deviation::Wider,
        "narrower" => Deviation::Narrower,
        _ => Deviation::Unsupported,
    };
    Some(Accept { deviation, reason: reader.text(&given.value, "the reason")? })
}

/// Whether a text is one segment of a path on every system.
fn is_path_segment(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !text.ends_with('.')
        && !is_device(text)
}

/// A value of the kind that stands in its place; a text where a list of texts stands is a list of one.
fn like(reader: &mut Reader, entry: &Entry, there: &Value) -> Option<Value> {
    let value = entry.value.to_json();
    let (fits, wanted) = match there {
        Value::Array(_) if value.is_string() => return Some(Value::Array(vec![value])),
        Value::Array(_) => (value.is_array(), "a list"),
        Value::Object(_) => (value.is_object(), "a map"),
        Value::Bool(_) => (value.is_boolean(), "`true` or `false`"),
        Value::Number(_) => (value.is_number(), "a number"),
        Value::String(_) => (value.is_string(), "text"),
        Value::Null => (true, ""),
    };
    if !fits {
        reader.wrong_type(&entry.value, &format!("`{}`", entry.key), wanted);
        return None;
    }
    if value.as_str().is_some_and(|text| text.is_empty() || text.contains(char::is_control)) {
        reader.wrong_type(&entry.value, &format!("`{}`", entry.key), "one line of text that is not empty");
        return None;
    }
    Some(value)
}

fn unknown_key<'k>(reader: &mut Reader, entry: &Entry, what: &str, known: impl Iterator<Item = &'k String>) {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let near = nearest(&entry.key, known.iter().copied());
    let mut problem =
        reader.problem(Code::UnknownKey, entry.key_span.clone(), format!("{what} `{}`", entry.key)).suggestion(near);
    if near.is_none() && !known.is_empty() {
        problem = problem.help(format!("there are {}", all_of(known)));
    }
    reader.report(problem);
}

/// Reports a log source that is not among `known`.
pub(super) fn unknown_source(reader: &mut Reader, span: Range<usize>, name: &str, what: &str, known: Vec<&str>) {
    let near = nearest(name, known.iter().copied());
    let mut problem = reader.problem(Code::UnknownSource, span, format!("{what} `{name}`")).suggestion(near);
    if near.is_none() {
        problem = problem.help(format!("the log sources are {}", all_of(known)));
    }
    reader.report(problem);
}
