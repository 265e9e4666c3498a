//! A profile's text to a [`Profile`], with every problem that it has by itself: references to detections and lists are
//! judged when these are read (`apply`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::target::{read_target, unknown_source};
use super::{Override, Profile, Selector};
use crate::detection::lists::{Change, Changes, is_name};
use crate::detection::model::SEVERITIES;
use crate::detection::parse::{name_of, read_schedule};
use crate::detection::shape::{A_DEVICE, Reader, is_device};
use crate::detection::yaml::{self, Kind, Node};
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};
use crate::source::Catalogue;
use crate::target::{Target, with_known_targets};

/// The keys of a profile.
pub const KEYS: [&str; 8] = ["name", "detections", "sources", "lists", "schedule", "overrides", "naming", "targets"];

/// Reads a profile. `targets` are those that there are, unchanged.
pub fn read(file: &Arc<SourceFile>, catalogue: &Catalogue, targets: &[Target]) -> (Option<Profile>, Vec<Diagnostic>) {
    let mut reader = Reader::new(file.clone());
    let Some(root) = yaml::parse_into(file, &mut reader.problems) else { return (None, reader.problems) };
    let profile = read_profile(&mut reader, &root, catalogue, targets);
    crate::diagnostic::sort(&mut reader.problems);
    let sound = !reader.problems.iter().any(Diagnostic::is_error);
    (profile.filter(|_| sound), reader.problems)
}

fn read_profile(reader: &mut Reader, root: &Node, catalogue: &Catalogue, targets: &[Target]) -> Option<Profile> {
    let map = reader.map(root, "a profile", &KEYS)?;
    let name = match map.get("name") {
        Some(node) => reader.line(node, "`name`").map(|name| (name, reader.place(node.span.clone()))),
        None => Some((name_of(Path::new(&reader.file.path)), reader.place(0..0))),
    };
    if let Some((name, place)) = &name {
        check_name(reader, name, place, targets);
    }
    let (mut used, mut left_out) = (None, Vec::new());
    if let Some(node) = map.get("detections")
        && let Some(map) = reader.map(node, "`detections`", &["use", "leave_out"])
    {
        used = map.get("use").map(|node| selectors(reader, node, "`use`"));
        left_out = map.get("leave_out").map(|node| selectors(reader, node, "`leave_out`")).unwrap_or_default();
    }
    let sources = map.get("sources").map(|node| {
        let mut sources = Vec::new();
        for item in reader.items(node) {
            let Some(name) = reader.line(item, "a log source") else { continue };
            if catalogue.source(&name).is_none() {
                let known = catalogue.sources.keys().map(String::as_str);
                unknown_source(reader, item.span.clone(), &name, "there is no log source", known.collect());
            }
            sources.push(name);
        }
        empty(reader, node, "`sources`", sources.is_empty());
        sources
    });
    let lists = map.get("lists").map(|node| read_lists(reader, node)).unwrap_or_default();
    let schedule = map.get("schedule").and_then(|node| read_schedule(reader, node));
    let overrides = map.get("overrides").map(|node| read_overrides(reader, node)).unwrap_or_default();
    let (mut prefix, mut tags) = (String::new(), Vec::new());
    if let Some(node) = map.get("naming")
        && let Some(map) = reader.map(node, "`naming`", &["prefix", "tags"])
    {
        prefix = map.get("prefix").and_then(|node| reader.line(node, "`prefix`")).unwrap_or_default();
        tags = map.get("tags").map(|node| read_tags(reader, node, targets)).unwrap_or_default();
    }
    let mut changed = BTreeMap::new();
    for entry in map.get("targets").and_then(|node| reader.entries(node, "`targets`")).unwrap_or_default() {
        let Some(target) = targets.iter().find(|target| target.name() == entry.key) else {
            let message = format!("there is no target `{}`", entry.key);
            let problem = reader.problem(Code::UnknownTarget, entry.key_span.clone(), message);
            reader.report(with_known_targets(problem, &entry.key, targets));
            continue;
        };
        if let Some(profile) = read_target(reader, &entry.value, target, catalogue) {
            changed.insert(entry.key.clone(), profile);
        }
    }
    let (name, _) = name?;
    let lists = Arc::new(lists);
    Some(Profile { name, used, left_out, sources, lists, schedule, overrides, prefix, tags, targets: changed })
}

/// The tags of every rule. One with a namespace of a target has to be one that the target knows.
fn read_tags(reader: &mut Reader, node: &Node, targets: &[Target]) -> Vec<String> {
    let Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, "`tags`", "a list");
        return Vec::new();
    };
    let mut tags: Vec<String> = Vec::new();
    for item in items {
        let Some(tag) = reader.line(item, "an entry of `tags`") else { continue };
        if tags.contains(&tag) {
            let problem = reader.problem(Code::RepeatedEntry, item.span.clone(), format!("`{tag}` is given twice"));
            reader.report(problem);
            continue;
        }
        for fault in targets.iter().filter_map(|target| target.settings.has_namespace(&tag).err()) {
            let problem = reader
                .problem(Code::UnknownWord, item.span.clone(), fault.message)
                .suggestion(fault.meant.as_deref())
                .help(fault.help)
                .help("a tag without such a namespace is a word of your own, wherever it goes");
            reader.report(problem);
        }
        tags.push(tag);
    }
    tags
}

/// The name is that of a folder beside those of targets.
fn check_name(reader: &mut Reader, name: &str, place: &Place, targets: &[Target]) {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let message = if targets.iter().any(|target| target.name() == name) {
        format!("`{name}` is the name of a target")
    } else if name.is_empty()
        || name.len() > 80
        || !name.bytes().all(fits)
        || name.starts_with(['-', '_'])
        || is_device(name)
    {
        format!("`{name}` cannot name a profile")
    } else {
        return;
    };
    let help = match is_device(name) {
        true => A_DEVICE,
        false => "packs are built to a folder of this name beside those of targets: small letters, digits, `_` and `-`",
    };
    reader.report(Diagnostic::new(Code::BadName, place.clone(), message).help(help));
}

/// Names, ids and tags of detections.
pub(crate) fn selectors(reader: &mut Reader, node: &Node, name: &str) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for item in reader.items(node) {
        let Some(text) = reader.line(item, &format!("an entry of {name}")) else { continue };
        selectors.push(Selector { text, place: reader.place(item.span.clone()) });
    }
    let nothing = matches!(&node.kind, Kind::Sequence(items) if items.is_empty());
    empty(reader, node, name, nothing);
    selectors
}

fn empty(reader: &mut Reader, node: &Node, name: &str, is_empty: bool) {
    if is_empty && matches!(node.kind, Kind::Sequence(_)) {
        let problem = reader.problem(Code::EmptyValue, node.span.clone(), format!("{name} is empty"));
        reader.report(problem.help("delete the key, or say what is meant"));
    }
}

fn read_lists(reader: &mut Reader, node: &Node) -> Changes {
    let mut changes = Changes::new();
    for entry in reader.entries(node, "`lists`").unwrap_or_default() {
        let name = format!("`{}`", entry.key);
        if !is_name(&entry.key) {
            let problem = reader.problem(Code::BadName, entry.key_span.clone(), format!("{name} cannot name a list"));
            reader.report(problem.help("a name is a letter or `_`, then letters, digits, `_` and `-`"));
            continue;
        }
        let place = reader.place(entry.key_span.clone());
        let mut change = Change { place, replace: None, remove: Vec::new(), add: Vec::new() };
        if let Kind::Sequence(_) = &entry.value.kind {
            change.replace = Some(values(reader, &entry.value));
        } else if let Some(map) = reader.map(&entry.value, &name, &["add", "remove", "replace"]) {
            if map.entries().is_empty() {
                let problem =
                    reader.problem(Code::EmptyValue, entry.key_span.clone(), format!("{name} changes nothing"));
                reader.report(problem.help("say what is to `add`, to `remove`, or what is to `replace` all of it"));
            }
            change.replace = map.get("replace").map(|node| values(reader, node));
            change.add = map.get("add").map(|node| values(reader, node)).unwrap_or_default();
            change.remove = map.get("remove").map(|node| values(reader, node)).unwrap_or_default();
        }
        changes.insert(entry.key.clone(), change);
    }
    changes
}

fn values(reader: &mut Reader, node: &Node) -> Vec<(String, Place)> {
    let mut values = Vec::new();
    for item in reader.items(node) {
        match &item.kind {
            Kind::Scalar { text, .. } if !item.is_null() && !text.is_empty() => {
                values.push((text.clone(), reader.place(item.span.clone())));
            }
            _ => reader.wrong_type(item, "a value of a list", "text"),
        }
    }
    values
}

fn read_overrides(reader: &mut Reader, node: &Node) -> Vec<Override> {
    let Kind::Sequence(items) = &node.kind else {
        reader.wrong_type(node, "`overrides`", "a list");
        return Vec::new();
    };
    let mut overrides = Vec::new();
    for item in items {
        let Some(map) = reader.map(item, "an override", &["for", "severity", "risk", "schedule"]) else { continue };
        let detections = map
            .need(reader, "the override", "for", "which detections are meant: names, ids, or `tag:` and a tag")
            .map(|node| selectors(reader, node, "`for`"));
        let severity = map.get("severity").and_then(|node| reader.word(node, "severity", &SEVERITIES));
        let risk = map.get("risk").and_then(|node| reader.whole(node, "`risk`", 0..=100));
        let schedule = map.get("schedule").and_then(|node| read_schedule(reader, node));
        let risk = risk.and_then(|risk| u8::try_from(risk).ok());
        overrides.push(Override { detections: detections.unwrap_or_default(), severity, risk, schedule });
    }
    overrides
}
