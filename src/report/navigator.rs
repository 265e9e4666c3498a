//! Coverage as a layer for ATT&CK Navigator, in version 4.5 of its layer format.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::coverage::{Coverage, current};

/// The version of ATT&CK that the program knows.
pub const ATTACK_VERSION: &str = "18";
/// From no detection to the most that a technique has.
const COLOURS: [&str; 3] = ["#ffffff", "#9ecae1", "#2171b5"];

/// The layer: every covered technique with the number of its detections as the score, and their titles as the comment.
pub fn layer(coverage: &Coverage, name: &str) -> Value {
    let covered = coverage.techniques();
    // A technique with covered sub-techniques shows them, and is there for that even when it has no score.
    let parents: BTreeSet<&str> =
        covered.keys().filter_map(|id| id.split_once('.')).map(|(parent, _)| parent).collect();
    let mut techniques: BTreeMap<&str, Value> =
        parents.iter().map(|parent| (*parent, json!({ "techniqueID": parent, "showSubtechniques": true }))).collect();
    for (id, detections) in &covered {
        let lines: Vec<String> = detections.iter().map(|detection| line(coverage, detection, id)).collect();
        let technique = json!({
            "techniqueID": id,
            "score": detections.len(),
            "comment": lines.join("\n"),
            "enabled": true,
            "metadata": [{ "name": "detections", "value": detections.iter().copied().collect::<Vec<_>>().join(", ") }],
            "showSubtechniques": parents.contains(id),
        });
        techniques.insert(id, technique);
    }
    let most = covered.values().map(BTreeSet::len).max().unwrap_or(1).max(1);
    let legend = |label: String, colour: &str| json!({ "label": label, "color": colour });
    let mut legends = vec![legend("no detection".to_owned(), COLOURS[0])];
    if most > 1 {
        legends.push(legend(format!("{most} detections"), COLOURS[2]));
    } else {
        legends.push(legend("1 detection".to_owned(), COLOURS[2]));
    }
    json!({
        "name": name,
        "versions": { "attack": ATTACK_VERSION, "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": format!(
            "{} techniques covered; the score is the number of detections. Targets: {}.",
            covered.len(),
            coverage.targets.join(", ")
        ),
        "sorting": 3,
        "layout": {
            "layout": "side",
            "showID": true,
            "showName": true,
            "showAggregateScores": false,
            "countUnscored": false,
            "aggregateFunction": "average",
            "expandedSubtechniques": "annotated",
        },
        "hideDisabled": false,
        "techniques": techniques.into_values().collect::<Vec<_>>(),
        "gradient": { "colors": COLOURS, "minValue": 0, "maxValue": most },
        "legendItems": legends,
        "metadata": [],
        "links": [],
        "showTacticRowBackground": false,
        "tacticRowBackground": "#dddddd",
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
        "selectVisibleTechniques": false,
    })
}

/// A detection in a comment: what it is called, where it looks, and which targets have rules for it.
fn line(coverage: &Coverage, detection: &str, technique: &str) -> String {
    let rows: Vec<_> = coverage.rows.iter().filter(|row| row.detection == detection && row.is_covered()).collect();
    let sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    let has_rule = |target: &&String| {
        rows.iter().any(|row| row.targets.get(target.as_str()).is_some_and(super::Standing::is_covered))
    };
    let targets: Vec<&str> = coverage.targets.iter().filter(has_rule).map(String::as_str).collect();
    let severity = rows.first().map_or("", |row| row.severity.name());
    // An id that was replaced is found by the one that its author wrote.
    let written = rows.iter().flat_map(|row| &row.techniques).find(|id| current(id).is_some_and(|t| t.id == technique));
    let written = written.filter(|id| *id != technique).map(|id| format!(" (as {id})")).unwrap_or_default();
    let title = coverage.title(detection);
    format!("{title} [{severity}]{written}: {} | {}", sources.join(", "), targets.join(", "))
}
