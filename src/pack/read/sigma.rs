//! Sigma rules in a pack, and the filters and correlations that take something away from them: YAML documents, one or
//! several a file.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use serde_yaml::Value;

use super::{Condition, Fault, Found, Grade, RuleText, identity};
use crate::language::{FieldTable, sigma};
use crate::logic::Formula;
use crate::target::context::ThrottleContext;
use crate::target::settings::SourceSettings;

/// What changes rules of a pack from outside, from all of its files.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters {
    /// Filters, or why they cannot be read.
    filters: Arc<Vec<Result<sigma::read::Filter, String>>>,
    /// The rules that correlations take as their parts and do not let speak for themselves, by ids or names.
    silenced: Arc<Vec<String>>,
}

impl Filters {
    /// Adds those of a file.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned());
        let filters = text.and_then(documents).map(|documents| {
            let (correlations, others): (Vec<_>, Vec<_>) =
                documents.into_iter().filter(|document| !is_rule(document)).partition(is_correlation);
            Arc::make_mut(&mut self.silenced).extend(correlations.iter().flat_map(silenced));
            let filters = others.into_iter();
            filters.map(|document| sigma::read::Filter::read(document).map_err(|error| error.reason)).collect()
        });
        let filters: Vec<Result<_, String>> = filters.unwrap_or_else(|reason| vec![Err(reason)]);
        let named = filters.into_iter().map(|filter| filter.map_err(|reason| format!("the filter `{path}`: {reason}")));
        Arc::make_mut(&mut self.filters).extend(named);
    }
}

/// The YAML documents of a file, what `<<` merges merged; those with nothing in them are none.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let fault = |error: serde_yaml::Error| format!("it is no YAML: {error}");
    let read = |document| {
        let mut document = Value::deserialize(document).map_err(fault)?;
        document.apply_merge().map_err(fault)?;
        Ok(document)
    };
    let documents = serde_yaml::Deserializer::from_str(text).map(read);
    documents.filter(|document| !matches!(document, Ok(Value::Null))).collect()
}

/// Whether a document is a rule.
fn is_rule(document: &Value) -> bool {
    document.get("detection").is_some()
}

fn is_correlation(document: &Value) -> bool {
    document.get("correlation").is_some()
}

/// The rules that a correlation takes as its parts, if it does not say `generate: true`: only the whole is then told.
fn silenced(correlation: &Value) -> Vec<String> {
    let of = |key: &str| correlation.get("correlation").and_then(|inner| inner.get(key)).or(correlation.get(key));
    if of("generate").and_then(Value::as_bool) == Some(true) {
        return Vec::new();
    }
    let rules = match of("rules") {
        Some(Value::Sequence(rules)) => rules.as_slice(),
        // A single one needs no list.
        Some(rule) => std::slice::from_ref(rule),
        None => &[],
    };
    rules.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a file has a filter or a correlation, wherever it is; or looks like it, if it is no YAML.
pub(super) fn changes_others(path: &str, bytes: &[u8]) -> bool {
    has_key(path, bytes, &["filter", "correlation"])
}

/// Whether a file has a rule, wherever it is; or looks like it, if it is no YAML.
pub(super) fn has_rule(path: &str, bytes: &[u8]) -> bool {
    has_key(path, bytes, &["detection"])
}

fn has_key(path: &str, bytes: &[u8], keys: &[&str]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if !(path.ends_with(".yml") || path.ends_with(".yaml")) || !keys.iter().any(|key| text.contains(key)) {
        return false;
    }
    let begins = |line: &str| {
        keys.iter().any(|key| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
    };
    match documents(text) {
        Ok(documents) => documents.iter().any(|document| keys.iter().any(|key| document.get(*key).is_some())),
        Err(_) => text.lines().any(begins),
    }
}

struct Document {
    rule: Value,
    filters: Filters,
}

/// The rules of a file.
pub(super) fn read(text: &str, filters: &Filters) -> Result<Vec<Found>, String> {
    let found = |rule: Value| {
        let text = |key: &str| rule.get(key).and_then(Value::as_str);
        Found {
            name: text("title").unwrap_or_default().to_owned(),
            id: Some(identity(text("id"))),
            is_off: false,
            muted: Vec::new(),
            text: Box::new(Document { rule, filters: filters.clone() }),
        }
    };
    let documents = documents(text)?;
    // One such document changes the others.
    if documents.iter().any(|document| document.get("action").is_some()) {
        return Err("rule collections (`action`) are not read".to_owned());
    }
    let changes = |document: &Value| document.get("filter").is_some() || is_correlation(document);
    Ok(documents.into_iter().filter(|document| is_rule(document) || !changes(document)).map(found).collect())
}

impl RuleText for Document {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Condition, Fault> {
        let unreadable = |error: crate::language::ReadError| Fault::Unreadable(error.reason);
        let rule = sigma::read::read_document(self.rule.clone(), fields).map_err(unreadable)?;
        let wanted = settings.binding.get("logsource").cloned().unwrap_or_default();
        let has = rule.logsource.clone();
        for (key, value) in [("product", has.product), ("category", has.category), ("service", has.service)] {
            let wanted = wanted.get(key).filter(|wanted| !wanted.is_null()).cloned();
            let value = value.map(|value| json!(value));
            if value != wanted {
                let shown = |value: Option<serde_json::Value>| {
                    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
                };
                return Err(Fault::Elsewhere(format!("`logsource.{key}` is {}, not {}", shown(value), shown(wanted))));
            }
        }
        let mut parts = vec![rule.condition.clone()];
        for filter in self.filters.filters.iter() {
            // Whom a filter concerns that cannot be read is not known.
            let filter = filter.as_ref().map_err(|reason| Fault::Unreadable(reason.clone()))?;
            if filter.is_for(&rule) {
                parts.push(filter.condition(fields).map_err(unreadable)?);
            }
        }
        Ok(Formula::and(parts).into())
    }

    fn losses(&self, _throttle: Option<&ThrottleContext>) -> Vec<String> {
        let text = |key: &str| self.rule.get(key).and_then(Value::as_str);
        let is_called =
            |part: &String| text("name") == Some(part) || text("id").is_some_and(|id| id.eq_ignore_ascii_case(part));
        let is_part = self.filters.silenced.iter().any(is_called);
        let told = "a correlation takes it as a part and does not say `generate: true`: alone, it is told to nobody";
        is_part.then(|| told.to_owned()).into_iter().collect()
    }

    fn remarks(&self, grade: &Grade) -> Vec<String> {
        const STATES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
        const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
        let text = |key: &str| self.rule.get(key).and_then(Value::as_str);
        let status = text("status").filter(|status| matches!(*status, "deprecated" | "unsupported"));
        let left_out = status.map(|status| format!("`status` is `{status}`: tools may leave it out"));
        let unknown = text("status").filter(|status| !STATES.contains(status));
        let unknown =
            unknown.map(|status| format!("`status` is `{status}`, which Sigma does not know: tools refuse it"));
        let untitled = text("title").is_none_or(str::is_empty).then(|| "it has no `title`: tools refuse it".to_owned());
        [grade.lowered("level", text("level"), &LEVELS), left_out, unknown, untitled].into_iter().flatten().collect()
    }
}
