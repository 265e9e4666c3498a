//! What changed about a detection apart from its logic, key by key.

use std::collections::BTreeMap;

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
}

/// The keys of `before` and `after` with different values, in the order in which detections are written.
pub fn compare(before: &Detection, after: &Detection) -> Vec<KeyChange> {
    let (before, after) = (keys(before), keys(after));
    let mut changes = Vec::new();
    let names = before.iter().chain(after.iter().filter(|(key, _)| !before.iter().any(|(known, _)| known == key)));
    for (key, _) in names {
        let value = |keys: &[(String, Value)]| {
            keys.iter().find(|(known, _)| known == key).map_or(Value::Null, |(_, value)| value.clone())
        };
        let (before, after) = (value(&before), value(&after));
        if before != after {
            changes.push(KeyChange { key: key.clone(), before, after });
        }
    }
    changes
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
    keys
}
