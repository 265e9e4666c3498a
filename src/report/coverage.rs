//! What a pack covers: detections × log sources × targets with what is known of each rule, and the ATT&CK techniques
//! that they serve.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::detection::attack::{self, TechniqueStatus};
use crate::detection::{Detection, Severity};
use crate::pack::Proved;
use crate::source::Catalogue;
use crate::target::{State, Target, Verdict};

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The targets, in their order.
    pub targets: Vec<String>,
    /// One for each log source of each detection, in the order of detections and their log sources' names.
    pub rows: Vec<Row>,
}

/// A detection in a log source.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The detection's short name.
    pub detection: String,
    /// Its title.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// The ATT&CK techniques that it serves.
    pub techniques: Vec<String>,
    /// The log source.
    pub source: String,
    /// What each target has for it.
    pub targets: BTreeMap<String, Standing>,
}

/// What a target has for a detection in a log source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The verdict on the rule in a word, else `not applicable`, `disabled` or `unsupported`.
    pub state: &'static str,
    /// The verdict on the rule, if there is one.
    pub verdict: Option<Verdict>,
    /// The language of its query.
    pub language: Option<&'static str>,
    /// Why it is not `proved`, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Standing {
    /// Whether there is a rule that can be deployed.
    pub fn is_covered(&self) -> bool {
        self.verdict.is_some_and(|verdict| !verdict.is_wrong())
    }
}

impl Row {
    /// Whether any target has a rule that can be deployed.
    pub fn is_covered(&self) -> bool {
        self.targets.values().any(Standing::is_covered)
    }
}

impl Coverage {
    /// What `proved`, made of `detections` for `targets`, covers.
    pub fn of(targets: &[Target], detections: &[Detection], proved: &Proved) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for entry in &proved.built.entries {
            let Some(detection) = detections.iter().find(|detection| detection.name == entry.detection) else {
                continue;
            };
            if rows.last().is_none_or(|row| row.detection != entry.detection || row.source != entry.source) {
                rows.push(Row {
                    detection: detection.name.clone(),
                    title: detection.title.clone(),
                    severity: detection.severity,
                    techniques: detection.attack.clone(),
                    source: entry.source.clone(),
                    targets: BTreeMap::new(),
                });
            }
            let standing = standing(&entry.state, proved, [&entry.detection, &entry.source, &entry.target]);
            if let Some(row) = rows.last_mut() {
                row.targets.insert(entry.target.clone(), standing);
            }
        }
        Self { targets: targets.iter().map(|target| target.name().to_owned()).collect(), rows }
    }

    /// The covered techniques, each with the names of the detections that serve it and have a rule to deploy.
    pub fn techniques(&self) -> BTreeMap<&'static str, BTreeSet<&str>> {
        let mut techniques: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.is_covered()) {
            for technique in row.techniques.iter().filter_map(|id| current(id)) {
                techniques.entry(technique.id).or_default().insert(&row.detection);
            }
        }
        techniques
    }

    /// The title of a detection.
    pub fn title(&self, detection: &str) -> &str {
        self.rows.iter().find(|row| row.detection == detection).map_or("", |row| &row.title)
    }

    /// One line for each target of each row, with a header, as RFC 4180 has it.
    pub fn csv(&self) -> String {
        let mut text = "detection,severity,techniques,source,target,state,language,reason\r\n".to_owned();
        for row in &self.rows {
            for (target, standing) in &row.targets {
                let techniques = row.techniques.join(" ");
                let cells = [
                    row.detection.as_str(),
                    row.severity.name(),
                    &techniques,
                    &row.source,
                    target,
                    standing.state,
                    standing.language.unwrap_or_default(),
                    standing.reason.as_deref().unwrap_or_default(),
                ];
                let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
                text.push_str(&cells.join(","));
                text.push_str("\r\n");
            }
        }
        text
    }
}

/// The technique that an id means today.
pub fn current(id: &str) -> Option<&'static attack::Technique> {
    let technique = attack::technique(id)?;
    match technique.status {
        TechniqueStatus::Current => Some(technique),
        TechniqueStatus::Revoked | TechniqueStatus::Deprecated => attack::technique(technique.replaced_by?),
    }
}

/// What a log source is called.
pub fn source_title(name: &str) -> String {
    Catalogue::builtin().source(name).map_or_else(|| name.to_owned(), |source| source.title.clone())
}

fn standing(state: &State, proved: &Proved, [detection, source, target]: [&str; 3]) -> Standing {
    let none =
        |state, reason: Option<&String>| Standing { state, verdict: None, language: None, reason: reason.cloned() };
    match state {
        State::NotApplicable => none("not applicable", None),
        State::Disabled => none("disabled", None),
        State::Unsupported { reason } => none("unsupported", Some(reason)),
        State::Rule { language, verdict, accepted, .. } => {
            let mut findings = proved.report.findings.iter().filter(|finding| {
                finding.detection == detection && finding.source == source && finding.target == target
            });
            let verdict = findings.clone().map(|finding| finding.verdict).max().unwrap_or(*verdict);
            let found = findings.find(|finding| finding.verdict == verdict).and_then(|finding| finding.reason.clone());
            let reason = found.or_else(|| accepted.clone()).filter(|_| verdict != Verdict::Proved);
            Standing { state: verdict.word(), verdict: Some(verdict), language: Some(language), reason }
        }
    }
}

/// A cell; text that a spreadsheet would take for a formula is marked as text.
fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a, \"b\"\nc"), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(csv_cell("=HYPERLINK(1,2)"), "\"'=HYPERLINK(1,2)\"");
    }

    #[test]
    fn ids_mean_what_they_mean_today() {
        assert_eq!(current("T1611").map(|technique| technique.id), Some("T1611"));
        assert_eq!(current("T1002").map(|technique| technique.id), Some("T1560"));
        assert_eq!(current("T9999"), None);
    }
}
