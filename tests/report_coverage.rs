//! `cresset coverage`: the table, the list, and the layer for ATT&CK Navigator, held to the layer format's own fields.

mod report_project;

use std::collections::BTreeSet;

use cresset::detection::attack;
use cresset::report::navigator;
use report_project::Made;
use serde_json::Value;

/// The properties of layer format 4.5 by object, with the type of each; `!` marks those that must be there.
const LAYER: &[(&str, &str)] = &[
    ("versions", "object"),
    ("name", "string!"),
    ("description", "string"),
    ("domain", "string!"),
    ("customDataURL", "string"),
    ("filters", "object"),
    ("sorting", "number"),
    ("layout", "object"),
    ("hideDisabled", "boolean"),
    ("techniques", "array"),
    ("gradient", "object"),
    ("legendItems", "array"),
    ("showTacticRowBackground", "boolean"),
    ("tacticRowBackground", "string"),
    ("selectTechniquesAcrossTactics", "boolean"),
    ("selectSubtechniquesWithParent", "boolean"),
    ("selectVisibleTechniques", "boolean"),
    ("metadata", "array"),
    ("links", "array"),
];
const VERSIONS: &[(&str, &str)] = &[("attack", "string"), ("navigator", "string!"), ("layer", "string!")];
const TECHNIQUE: &[(&str, &str)] = &[
    ("techniqueID", "string!"),
    ("tactic", "string"),
    ("comment", "string"),
    ("enabled", "boolean"),
    ("score", "number"),
    ("color", "string"),
    ("metadata", "array"),
    ("links", "array"),
    ("showSubtechniques", "boolean"),
];
const GRADIENT: &[(&str, &str)] = &[("colors", "array!"), ("minValue", "number!"), ("maxValue", "number!")];
const LEGEND: &[(&str, &str)] = &[("label", "string!"), ("color", "string!")];
const METADATA: &[(&str, &str)] = &[("name", "string!"), ("value", "string!")];
const LAYOUT: &[(&str, &str)] = &[
    ("layout", "string"),
    ("showID", "boolean"),
    ("showName", "boolean"),
    ("showAggregateScores", "boolean"),
    ("countUnscored", "boolean"),
    ("aggregateFunction", "string"),
    ("expandedSubtechniques", "string"),
];

/// What `value` has that its format does not know, or lacks, or has in another type.
fn faults(value: &Value, fields: &[(&str, &str)]) -> Vec<String> {
    let object = value.as_object().expect("an object");
    let kind = |value: &Value| match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    let mut faults = Vec::new();
    for (name, value) in object {
        match fields.iter().find(|(field, _)| field == name) {
            None => faults.push(format!("{name} is unknown")),
            Some((_, wanted)) if wanted.trim_end_matches('!') != kind(value) => faults.push(format!("{name}: {value}")),
            Some(_) => {}
        }
    }
    let required = fields.iter().filter(|(_, kind)| kind.ends_with('!'));
    faults.extend(required.filter(|(name, _)| !object.contains_key(*name)).map(|(name, _)| format!("no {name}")));
    faults
}

fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().expect("an array")
}

#[test]
fn the_layer_has_the_fields_of_its_format_and_no_others() {
    let made = Made::new(&[("first", "attack: [T1611, T1059.004]"), ("second", "attack: [T1611]")]);
    let layer = navigator::layer(&made.coverage(), "a name");
    assert_eq!(faults(&layer, LAYER), [""; 0]);
    assert_eq!(faults(&layer["versions"], VERSIONS), [""; 0]);
    assert_eq!(layer["versions"], serde_json::json!({ "attack": "18", "navigator": "5.1.0", "layer": "4.5" }));
    assert_eq!(layer["domain"], "enterprise-attack");
    assert_eq!(faults(&layer["gradient"], GRADIENT), [""; 0]);
    assert!(layer["gradient"]["maxValue"].as_u64() > layer["gradient"]["minValue"].as_u64());
    assert!(items(&layer["gradient"], "colors").len() >= 2);
    assert_eq!(faults(&layer["layout"], LAYOUT), [""; 0]);
    items(&layer, "legendItems").iter().for_each(|item| assert_eq!(faults(item, LEGEND), [""; 0]));
    let mut ids = BTreeSet::new();
    for technique in items(&layer, "techniques") {
        assert_eq!(faults(technique, TECHNIQUE), [""; 0]);
        let id = technique["techniqueID"].as_str().expect("an id");
        assert!(attack::technique(id).is_some(), "{id}");
        assert!(ids.insert(id.to_owned()), "{id} twice");
        if let Some(metadata) = technique.get("metadata") {
            metadata.as_array().expect("an array").iter().for_each(|one| assert_eq!(faults(one, METADATA), [""; 0]));
        }
    }
    // The technique of a sub-technique is there to show it, and has no score of its own.
    assert_eq!(Vec::from_iter(&ids), ["T1059", "T1059.004", "T1611"]);
    let of = |id: &str| items(&layer, "techniques").iter().find(|one| one["techniqueID"] == id).expect("a technique");
    assert_eq!(of("T1611")["score"], 2);
    assert_eq!(of("T1059.004")["score"], 1);
    assert_eq!(of("T1059"), &serde_json::json!({ "techniqueID": "T1059", "showSubtechniques": true }));
    let comment = of("T1611")["comment"].as_str().expect("a comment");
    assert_eq!(comment.lines().count(), 2, "{comment}");
    assert!(comment.contains("Title of second [high]: compose | elastic, sigma, splunk"), "{comment}");
}

#[test]
fn a_rule_that_must_not_be_deployed_covers_nothing() {
    let mut made = Made::new(&[("first", "attack: [T1611]")]);
    for finding in &mut made.proved.report.findings {
        finding.verdict = cresset::target::Verdict::Differs;
    }
    let coverage = made.coverage();
    assert_eq!(coverage.techniques().len(), 0);
    assert_eq!(coverage.rows[0].targets["sigma"].state, "differs");
    let layer = navigator::layer(&coverage, "a name");
    assert_eq!(items(&layer, "techniques").len(), 0);
    assert_eq!(faults(&layer, LAYER), [""; 0]);
}

#[test]
fn the_list_has_a_line_for_every_target() {
    let made = Made::new(&[("first", "attack: [T1611, T1610]")]);
    let csv = made.coverage().csv();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(
        lines,
        [
            "detection,severity,techniques,source,target,state,language,reason",
            "first,high,T1611 T1610,compose,elastic,proved,kql,",
            "first,high,T1611 T1610,compose,falco,not applicable,,",
            "first,high,T1611 T1610,compose,sigma,proved,sigma,",
            "first,high,T1611 T1610,compose,splunk,proved,where,",
        ]
    );
}
