//! The JSON Schema of profiles, for editors.

use serde_json::{Map, Value, json};

use crate::detection::model::SEVERITIES;
use crate::source::Catalogue;
use crate::target::Target;

/// The schema of profiles over these log sources and targets.
pub fn schema(catalogue: &Catalogue, targets: &[Target]) -> Value {
    let texts = json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
    let map = |properties: Value| json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let selectors = json!({
        "description": "Detections: names, ids, or `tag:` and a tag.",
        "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": { "type": "string" } }],
    });
    let minutes = json!({ "type": "string", "pattern": "^[0-9]+[mhd]$" });
    let schedule = map(json!({ "every": minutes, "look_back": minutes }));
    let accept = map(json!({
        "wider": { "type": "string" }, "narrower": { "type": "string" }, "unsupported": { "type": "string" },
    }));
    let mut by_target = Map::new();
    for target in targets {
        let mut sources = Map::new();
        for (name, source) in &target.settings.sources {
            let choices: Vec<&String> = source.choices.keys().collect();
            let keys = source.binding.keys().chain(&target.settings.binding_keys);
            let mut binding: Map<String, Value> = keys.map(|key| (key.clone(), json!({}))).collect();
            binding.insert("choice".to_owned(), json!({ "enum": choices }));
            let mut ways = vec![json!({ "type": "object", "properties": binding })];
            if !choices.is_empty() {
                ways.push(json!({ "enum": choices }));
            }
            let properties = map(json!({
                "binding": { "anyOf": ways },
                "base": { "type": "object", "additionalProperties": texts },
                "fields": { "type": "object", "additionalProperties": { "type": ["string", "object", "null"] } },
                "accept": accept,
            }));
            sources.insert(name.clone(), properties);
        }
        let vars: Map<String, Value> = target.settings.vars.keys().map(|key| (key.clone(), json!({}))).collect();
        let properties = map(json!({
            "enabled": { "type": "boolean" }, "vars": map(Value::Object(vars)), "sources": map(Value::Object(sources)),
        }));
        by_target.insert(target.name().to_owned(), properties);
    }
    let severities: Vec<&str> = SEVERITIES.iter().map(|(word, _)| *word).collect();
    let mut schema = map(json!({
        "name": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$", "description": "Names the folder of its packs." },
        "detections": map(json!({ "use": selectors, "leave_out": selectors })),
        "sources": { "type": "array", "minItems": 1, "items": { "enum": catalogue.sources.keys().collect::<Vec<_>>() } },
        "lists": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    { "type": "array", "items": { "type": ["string", "number", "boolean"] } },
                    map(json!({ "add": { "type": "array" }, "remove": { "type": "array" }, "replace": { "type": "array" } })),
                ],
            },
            "description": "Named lists of the detections: what is added, removed, or stands in their place.",
        },
        "schedule": schedule,
        "overrides": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["for"],
                "properties": {
                    "for": selectors,
                    "severity": { "enum": severities },
                    "risk": { "type": "integer", "minimum": 0, "maximum": 100 },
                    "schedule": schedule,
                },
            },
        },
        "naming": map(json!({ "prefix": { "type": "string" }, "tags": { "type": "array", "items": { "type": "string" } } })),
        "targets": map(Value::Object(by_target)),
    }));
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!("Cresset profile"));
    }
    schema
}
