//! The JSON Schema of the canonical format, with the catalogue's sources and fields, so that editors complete and check
//! while one types. It is looser than `cresset check`, never stricter.

use serde_json::{Map, Value, json};

use super::model::{CONFIDENCES, SEVERITIES, STATUSES};
use super::modifier::MODIFIERS;
use crate::source::{Catalogue, Field, FieldKind, Source};

/// The schema (draft 2020-12).
pub fn schema(catalogue: &Catalogue) -> Value {
    let mut definitions = Map::new();
    definitions.insert(
        "value".to_owned(),
        json!({
            "description": "A value, or a list of which one is enough. `*` and `?` are wildcards; `$name` is a list.",
            "anyOf": [
                { "type": ["string", "number", "boolean", "null"] },
                { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean", "null"] } },
            ],
        }),
    );
    definitions.insert("option".to_owned(), option());
    let mut observe = Map::new();
    for source in catalogue.sources.values() {
        definitions.insert(format!("selection.{}", source.name), selection(source));
        observe.insert(source.name.clone(), observation(source));
    }
    let words = |words: Vec<&str>| json!({ "enum": words });
    let text = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    let texts =
        |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let minutes = json!({ "type": "string", "pattern": "^[0-9]+[mhd]$" });
    let date = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://cresset.example/schema/detection.json",
        "title": "Cresset detection",
        "type": "object",
        "additionalProperties": false,
        "required": [
            "id", "title", "status", "severity", "confidence", "description", "author", "created", "attack", "triage",
            "observe",
        ],
        "properties": {
            "id": {
                "type": "string",
                "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                "description": "A UUID. It never changes.",
            },
            "title": text("What it finds, in a few words."),
            "version": { "type": "integer", "minimum": 1, "description": "Raised with every change of its logic." },
            "status": words(STATUSES.iter().map(|(word, _)| *word).collect()),
            "severity": words(SEVERITIES.iter().map(|(word, _)| *word).collect()),
            "confidence": words(CONFIDENCES.iter().map(|(word, _)| *word).collect()),
            "description": text("What it finds and why that matters."),
            "author": text("Who wrote it."),
            "owner": text("Who answers for it, if that is somebody else."),
            "created": date,
            "modified": date,
            "attack": {
                "type": "array",
                "items": { "type": "string", "pattern": "^T[0-9]{4}([.][0-9]{3})?$" },
                "description": "ATT&CK techniques: `T1611`.",
            },
            "references": texts("Where to read more: web addresses."),
            "false_positives": texts("What else may make it fire."),
            "triage": text("What an analyst does when it fires, in Markdown."),
            "tags": texts("Free words to find it by."),
            "risk": { "type": "integer", "minimum": 0, "maximum": 100 },
            "schedule": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "every": minutes, "look_back": minutes },
            },
            "throttle": {
                "type": "object",
                "additionalProperties": false,
                "required": ["for", "by"],
                "properties": { "for": minutes, "by": { "type": "array", "minItems": 1, "items": { "type": "string" } } },
            },
            "lists": {
                "type": "object",
                "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$" },
                "additionalProperties": { "$ref": "#/$defs/value" },
                "description": "Values by name: `$name` in a test.",
            },
            "observe": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": false,
                "properties": observe,
                "description": "What it looks for, per log source.",
            },
            "targets": { "type": "object", "additionalProperties": target() },
            "tests": { "type": "array", "items": test(catalogue) },
        },
        "$defs": definitions,
    })
}

/// The selections and the condition of one source.
fn observation(source: &Source) -> Value {
    let selection = format!("#/$defs/selection.{}", source.name);
    json!({
        "description": format!("{}. {}", source.title, source.description),
        "type": "object",
        "required": ["condition"],
        "properties": {
            "condition": {
                "type": "string",
                "description": "Selections joined by `and`, `or`, `not`, `1 of name*`, `all of them`.",
            },
        },
        "additionalProperties": {
            "anyOf": [
                { "$ref": selection },
                { "type": "string" },
                { "type": "array", "minItems": 1, "items": { "anyOf": [{ "$ref": selection }, { "type": "string" }] } },
            ],
        },
    })
}

/// A map of tests on the fields of one source.
fn selection(source: &Source) -> Value {
    let modifiers = MODIFIERS.join("|");
    let mut properties = Map::new();
    let mut patterns = Map::new();
    for field in &source.fields {
        properties.insert(field.name.clone(), plain(field));
        let name = regex_syntax::escape(&field.name);
        // Names below an object are those of its own fields, or whatever an open field holds.
        if field.open {
            patterns.insert(format!("^{name}[.].+"), json!({}));
        }
        if field.kind == FieldKind::Arguments {
            let options = json!({
                "anyOf": [
                    { "$ref": "#/$defs/option" },
                    { "type": "array", "items": { "$ref": "#/$defs/option" } },
                ],
            });
            properties.insert(format!("{}|option", field.name), options);
        }
        patterns.insert(format!("^{name}([|]({modifiers}))+$"), json!({}));
    }
    patterns.insert("^[|]".to_owned(), json!({ "$ref": "#/$defs/value" }));
    json!({ "type": "object", "minProperties": 1, "properties": properties, "patternProperties": patterns,
            "additionalProperties": false })
}

/// The value of a test without modifiers.
fn plain(field: &Field) -> Value {
    let mut description = field.description.trim().to_owned();
    if !field.example.is_empty() {
        description.push_str(&format!(" For example `{}`.", field.example));
    }
    match field.kind {
        FieldKind::Object | FieldKind::Any => json!({ "description": description }),
        _ => json!({ "$ref": "#/$defs/value", "description": description }),
    }
}

fn option() -> Value {
    json!({
        "type": "object",
        "properties": {
            "command": { "$ref": "#/$defs/value" },
            "names": { "$ref": "#/$defs/value" },
            "as": { "enum": ["plain", "volume", "mount"] },
            "readonly": { "type": "boolean" },
        },
        "patternProperties": { "^(value|source|target|key[.][^|]+)([|][a-z]+)*$": { "$ref": "#/$defs/value" } },
        "additionalProperties": false,
    })
}

fn target() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "enabled": { "type": "boolean" },
            "severity": { "enum": SEVERITIES.iter().map(|(word, _)| *word).collect::<Vec<_>>() },
            "accept": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false,
                    "properties": {
                        "wider": { "type": "string" },
                        "narrower": { "type": "string" },
                        "unsupported": { "type": "string" },
                    },
                },
            },
        },
    })
}

fn test(catalogue: &Catalogue) -> Value {
    let sources: Vec<&String> = catalogue.sources.keys().collect();
    let events = json!({ "type": "array", "items": { "type": ["object", "string", "integer"] } });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string" },
            "log": { "type": "string", "description": "A recorded log, below `tests/`." },
            "source": { "enum": sources },
            "matches": events,
            "misses": events,
            "partial": { "type": "boolean", "description": "Only the listed events are judged." },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::yaml;
    use crate::diagnostic::SourceFile;

    fn read(text: &str) -> Value {
        yaml::parse(&SourceFile::new("x.yml", text)).expect("YAML").to_json()
    }

    #[test]
    fn editors_accept_what_check_accepts_and_mark_what_is_mistyped() {
        let schema = schema(Catalogue::builtin());
        jsonschema::meta::validate(&schema).expect("a schema");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let mut seen = 0;
        for file in walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/detections")) {
            let file = file.expect("a file");
            let name = file.file_name().to_string_lossy();
            if !name.ends_with(".yml") || name == "lists.yml" {
                continue;
            }
            let value = read(&std::fs::read_to_string(file.path()).expect("a text"));
            let wrong: Vec<String> =
                validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:#?}");
            seen += 1;
        }
        assert!(seen > 5);
        let base = include_str!("../../tests/diagnostics/base.yaml");
        assert!(validator.is_valid(&read(base)));
        for (right, wrong) in [
            ("process.name", "process.nam"),
            ("severity: high", "severity: urgent"),
            ("condition: cli", "conditoin: [cli]"),
            ("process:\n    cli", "proces:\n    cli"),
            ("author: Cresset\n", ""),
            ("process.name: docker", "process.name|startwith: docker"),
        ] {
            let text = base.replace(right, wrong);
            assert_ne!(text, base, "{right} is not in the base");
            assert!(!validator.is_valid(&read(&text)), "{wrong} is accepted");
        }
    }
}
