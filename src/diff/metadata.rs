//! What changed about a detection apart from its logic, key by key.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::detection::Detection;
use crate::target::compile::word;

/// A key whose value changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyChange {
    /// The key, with dots (`targets.falco.accept.process`).
    pub key: String,
    /// What it was; null if it was not there.
    pub before: Value,
    /// What it is; null if it is gone.
    pub after: Value,
    /// Whether the profile made the change: the detection's own file says the same on both sides.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_profile: bool,
}

/// The keys of `before` and `after` with different values, in the order in which detections are written. `written` are the
/// same detections without what profiles make of them.
pub fn compare(before: &Detection, after: &Detection, written: [Option<&Detection>; 2]) -> Vec<KeyChange> {
    let same_file: Vec<KeyChange> = match written {
        [Some(was), Some(is)] => differences(was, is),
        _ => Vec::new(),
    };
    let own = |key: &str| same_file.iter().any(|change| change.key == key);
    let by_profile = |key: &str| matches!(written, [Some(_), Some(_)]) && !key.starts_with("exceptions") && !own(key);
    let mut changes = differences(before, after);
    changes.iter_mut().for_each(|change| change.by_profile = by_profile(&change.key));
    changes
}

fn differences(before: &Detection, after: &Detection) -> Vec<KeyChange> {
    let renamed = renamed_exceptions(before, after);
    let (mut before, mut after) = (keys(before), keys(after));
    // Of an exception that came or went, its condition tells.
    let both =
        |key: &str, there: &[(String, Value)]| !key.starts_with("exceptions.") || there.iter().any(|(k, _)| k == key);
    before.retain(|(key, _)| both(key, &after));
    after.retain(|(key, _)| both(key, &before));
    let mut changes = Vec::new();
    let names = before.iter().chain(after.iter().filter(|(key, _)| !before.iter().any(|(known, _)| known == key)));
    for (key, _) in names {
        let value = |keys: &[(String, Value)]| {
            keys.iter().find(|(known, _)| known == key).map_or(Value::Null, |(_, value)| value.clone())
        };
        let (before, after) = (value(&before), value(&after));
        if before != after {
            changes.push(KeyChange { key: key.clone(), before, after, by_profile: false });
        }
    }
    changes.extend(renamed);
    changes
}

/// Exceptions that came and went without any change of a condition: they have other names now, and so have their parts in
/// rules.
fn renamed_exceptions(before: &Detection, after: &Detection) -> Option<KeyChange> {
    let names = |here: &Detection, there: &Detection| -> BTreeSet<String> {
        let same = here.observations.iter().filter_map(|observation| {
            let other = there.observation(&observation.source)?;
            (observation.meaning() == other.meaning()).then_some((observation, other))
        });
        let only_here = same.flat_map(|(observation, other)| {
            let is_there = |name: &str| other.exceptions.iter().any(|known| known.name == name);
            observation.exceptions.iter().map(|excepted| &excepted.name).filter(move |name| !is_there(name))
        });
        only_here.cloned().collect()
    };
    let (before, after) = (json!(names(before, after)), json!(names(after, before)));
    (before != after).then(|| KeyChange { key: "exceptions".to_owned(), before, after, by_profile: false })
}

fn keys(detection: &Detection) -> Vec<(String, Value)> {
    let mut keys: Vec<(String, Value)> = vec![
        ("id".into(), json!(detection.id)),
        ("title".into(), json!(detection.title)),
        ("version".into(), json!(detection.version)),
        ("status".into(), json!(detection.status)),
        ("severity".into(), json!(detection.severity)),
        ("confidence".into(), json!(detection.confidence)),
        ("risk".into(), json!(detection.risk)),
        ("description".into(), json!(detection.description.trim())),
        ("author".into(), json!(detection.author)),
        ("owner".into(), json!(detection.owner)),
        ("created".into(), json!(detection.created)),
        ("modified".into(), json!(detection.modified)),
        ("attack".into(), json!(detection.attack)),
        ("references".into(), json!(detection.references)),
        ("false_positives".into(), json!(detection.false_positives)),
        ("triage".into(), json!(detection.triage.trim())),
        ("tags".into(), json!(detection.tags)),
        ("schedule.every".into(), json!(detection.schedule.every)),
        ("schedule.look_back".into(), json!(detection.schedule.look_back)),
        ("throttle".into(), json!(detection.throttle)),
    ];
    for (target, settings) in &detection.targets {
        let key = |name: &str| format!("targets.{target}.{name}");
        keys.push((key("enabled"), json!(settings.enabled)));
        keys.push((key("severity"), json!(settings.severity)));
        for (source, accept) in &settings.accept {
            let accepted: BTreeMap<&str, &str> = [(word(accept.deviation), accept.reason.as_str())].into();
            keys.push((key(&format!("accept.{source}")), json!(accepted)));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for excepted in detection.observations.iter().flat_map(|observation| &observation.exceptions) {
        if names.contains(&excepted.name.as_str()) {
            continue;
        }
        names.push(&excepted.name);
        let key = |name: &str| format!("exceptions.{}.{name}", excepted.name);
        keys.push((key("reason"), json!(excepted.reason.trim())));
        keys.push((key("owner"), json!(excepted.owner)));
        keys.push((key("expires"), json!(excepted.expires)));
        keys.push((key("ticket"), json!(excepted.ticket)));
    }
    keys
}
