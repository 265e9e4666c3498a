//! Kubernetes objects in files: one event for each, and for each item of a List.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::pod;
use crate::source::{Catalogue, FieldKind};

/// How deep Lists are followed.
const MAX_LISTS: usize = 4;
/// What Kubernetes' YAML reader, which is of YAML 1.1, takes for truth values.
const TRUE: [&str; 9] = ["yes", "Yes", "YES", "on", "On", "ON", "y", "Y", "true"];
const FALSE: [&str; 9] = ["no", "No", "NO", "off", "Off", "OFF", "n", "N", "false"];

/// The objects in a document, with an id for each.
pub fn objects(value: Value, file: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect(value, file, MAX_LISTS, &mut found);
    found
}

fn collect(mut value: Value, file: &str, lists: usize, found: &mut Vec<(String, Value)>) {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if is_list
        && lists > 0
        && let Some(Value::Array(items)) = value.get_mut("items").map(Value::take)
    {
        for item in items {
            collect(item, file, lists - 1, found);
        }
        return;
    }
    read_booleans(&mut value);
    pod::complete(&mut value);
    let Value::Object(mut object) = value else { return };
    let text = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(object.get(*first)?, |value, key| value.get(key))?.as_str()
    };
    let name = text(&["metadata", "name"]).or_else(|| text(&["metadata", "generateName"])).unwrap_or_default();
    let kind = text(&["kind"]).unwrap_or_default();
    let id = match text(&["metadata", "namespace"]) {
        Some(namespace) => format!("{kind}/{namespace}/{name}"),
        None => format!("{kind}/{name}"),
    };
    object.insert("file".to_owned(), json!({ "path": file }));
    found.push((id, Value::Object(object)));
}

/// Turns the words of YAML 1.1 into truth values where a truth value belongs.
fn read_booleans(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(read_booleans),
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(word) if boolean_keys().contains(key.as_str()) => {
                        if TRUE.contains(&word.as_str()) {
                            *value = Value::Bool(true);
                        } else if FALSE.contains(&word.as_str()) {
                            *value = Value::Bool(false);
                        }
                    }
                    inner => read_booleans(inner),
                }
            }
        }
        _ => {}
    }
}

/// Last segments of the catalogue's fields that are true or false.
fn boolean_keys() -> &'static BTreeSet<String> {
    static KEYS: OnceLock<BTreeSet<String>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let source = Catalogue::builtin().source("kubernetes_manifest");
        let fields = source.map(|source| source.fields.as_slice()).unwrap_or_default();
        let booleans = fields.iter().filter(|field| field.kind == FieldKind::Boolean);
        booleans.filter_map(|field| field.name.rsplit('.').next()).map(str::to_owned).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_opened_and_words_are_truth_values() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"},
             "spec": {"hostPID": "yes", "containers": [{"securityContext": {"privileged": "on"}, "env": [{"value": "yes"}]}]}},
            {"kind": "PodList", "items": [{"kind": "Pod", "metadata": {"generateName": "b-"}}, 7]},
        ]});
        let found = objects(list, "f.yml");
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["Pod/n/a", "Pod/b-"]);
        let spec = &found[0].1["spec"];
        assert_eq!(spec["hostPID"], true);
        assert_eq!(spec["containers"][0]["securityContext"]["privileged"], true);
        assert_eq!(spec["containers"][0]["env"][0]["value"], "yes");
        assert_eq!(found[0].1["file"]["path"], "f.yml");
    }
}
