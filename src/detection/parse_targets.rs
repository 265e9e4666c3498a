//! The key `targets`: what a target does differently for one detection.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::diagnostic::Code;
use crate::diagnostic::suggest::nearest;

use super::model::{Accept, Deviation, SEVERITIES, TargetSettings};
use super::shape::Reader;
use super::yaml::{Kind, Node};

/// What targets do differently, and where each is named, by their names.
type Targets = (BTreeMap<String, TargetSettings>, BTreeMap<String, Range<usize>>);

/// Reads it; problems are reported. Whether a target exists is known to targets alone.
pub(super) fn read(reader: &mut Reader, node: &Node, observed: &[String]) -> Targets {
    let (mut targets, mut names) = Targets::default();
    for entry in reader.entries(node, "`targets`").unwrap_or_default() {
        let name = format!("`{}`", entry.key);
        let Some(map) = reader.map(&entry.value, &name, &["accept", "enabled", "severity"]) else { continue };
        let enabled = map.get("enabled").and_then(|node| reader.boolean(node, "`enabled`"));
        let severity = map.get("severity").and_then(|node| reader.word(node, "severity", &SEVERITIES));
        let accept = map.get("accept").map(|node| read_accept(reader, node, observed)).unwrap_or_default();
        targets.insert(entry.key.clone(), TargetSettings { enabled, severity, accept });
        names.insert(entry.key.clone(), entry.key_span.clone());
    }
    (targets, names)
}

fn read_accept(reader: &mut Reader, node: &Node, observed: &[String]) -> BTreeMap<String, Accept> {
    let mut accepted = BTreeMap::new();
    let Kind::Mapping(entries) = &node.kind else {
        let help = "it says of a log source how the rule differs, and why: `accept: { process: { wider: reason } }`";
        reader.wrong_type_with(node, "`accept`", "a map", Some(help.to_owned()));
        return accepted;
    };
    for entry in entries {
        let known = || observed.iter().map(String::as_str);
        if !known().any(|source| source == entry.key) {
            let message = format!("the detection does not observe `{}`", entry.key);
            let problem = reader
                .problem(Code::UnknownSource, entry.key_span.clone(), message)
                .suggestion(nearest(&entry.key, known()));
            reader.report(problem);
        }
        let Some(map) = reader.map(&entry.value, &format!("`{}`", entry.key), &["wider", "narrower", "unsupported"])
        else {
            continue;
        };
        let [given] = map.entries() else {
            let problem = reader
                .problem(
                    Code::WrongType,
                    entry.key_span.clone(),
                    "a target's rule is either wider or narrower, or there is none",
                )
                .help("write `wider: reason`, `narrower: reason` or `unsupported: reason`");
            reader.report(problem);
            continue;
        };
        let deviation = match given.key.as_str() {
            "wider" => Deviation::Wider,
            "narrower" => Deviation::Narrower,
            _ => Deviation::Unsupported,
        };
        if let Some(reason) = reader.text(&given.value, "the reason") {
            accepted.insert(entry.key.clone(), Accept { deviation, reason });
        }
    }
    accepted
}
