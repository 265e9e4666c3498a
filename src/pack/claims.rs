//! What the manifest of a pack says of its rules, for those who read it and not the rules.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::verify::Finding;
use super::write::MANIFEST;

/// The verdicts that the pack's manifest has, by detection, log source and target.
pub(super) struct Claims(HashMap<[String; 3], String>);

impl Claims {
    /// Those of a pack, by its files; none where it has no manifest.
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let manifest: Option<Value> = files.get(MANIFEST).and_then(|manifest| serde_json::from_slice(manifest).ok());
        let rules = manifest.as_ref().and_then(|manifest| manifest.get("rules")?.as_array());
        let claim = |rule: &Value| {
            let text = |key: &str| rule.get(key)?.as_str().map(str::to_owned);
            Some(([text("detection")?, text("source")?, text("target")?], text("verdict")?))
        };
        Self(rules.into_iter().flatten().filter_map(claim).collect())
    }

    /// That the manifest says something else of a rule that may be deployed.
    pub fn other_than(&self, finding: &Finding) -> Option<String> {
        let rule = [&finding.detection, &finding.source, &finding.target].map(String::clone);
        let claim =
            self.0.get(&rule).filter(|claim| **claim != finding.verdict.word() && !finding.verdict.is_wrong())?;
        Some(format!("{MANIFEST} says `{claim}` of it, and it is {}", finding.verdict))
    }
}
