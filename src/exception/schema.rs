//! The JSON Schema of exceptions, for editors: what they look for is written as in detections.

use serde_json::{Value, json};

use crate::detection;
use crate::source::Catalogue;

/// The schema of exceptions over these log sources.
pub fn schema(catalogue: &Catalogue) -> Value {
    let of_detections = detection::schema::schema(catalogue);
    let part = |pointer: &str| of_detections.pointer(pointer).cloned().unwrap_or_default();
    let text = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cresset exception",
        "type": "object",
        "additionalProperties": false,
        "required": ["detections", "reason", "owner", "expires", "observe"],
        "properties": {
            "detections": {
                "description": "From which it takes something away: names, ids, or `tag:` and a tag.",
                "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": { "type": "string" } }],
            },
            "profiles": { "type": "array", "items": { "type": "string" }, "description": "In which it holds; else in all." },
            "reason": text("Why these events are all right."),
            "owner": text("Who answers for it."),
            "expires": part("/properties/created"),
            "ticket": text("Where it was decided."),
            "status": { "enum": ["approved", "proposed"] },
            "lists": part("/properties/lists"),
            "observe": part("/properties/observe"),
        },
        "$defs": part("/$defs"),
    })
}
