//! Sigma rules in a pack: one YAML document a file, and filters in files of their own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Fault, Found, RuleText, identity};
use crate::language::{FieldTable, sigma};
use crate::logic::Formula;
use crate::target::settings::SourceSettings;

/// The filters of a pack, from all of its files, and why they cannot be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters(Arc<Vec<Result<sigma::read::Filter, String>>>);

impl Filters {
    /// Adds that of a file.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned());
        let filter = text.and_then(|text| sigma::read::Filter::read(text).map_err(|error| error.reason));
        Arc::make_mut(&mut self.0).push(filter.map_err(|reason| format!("the filter `{path}`: {reason}")));
    }
}

/// Whether a file looks like a filter, wherever it is.
pub(super) fn is_filter(path: &str, bytes: &[u8]) -> bool {
    has_key(path, bytes, "filter")
}

/// Whether a file looks like a rule, wherever it is.
pub(super) fn is_rule(path: &str, bytes: &[u8]) -> bool {
    has_key(path, bytes, "detection")
}

fn has_key(path: &str, bytes: &[u8], key: &str) -> bool {
    let keys = [format!("{key}:"), format!("\"{key}\":"), format!("'{key}':")];
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let has_key = |line: &[u8]| keys.iter().any(|key| line.starts_with(key.as_bytes()));
    (path.ends_with(".yml") || path.ends_with(".yaml")) && lines.any(has_key)
}

struct Document {
    text: String,
    filters: Filters,
}

/// The rule of a file.
pub(super) fn read(text: &str, filters: &Filters) -> Result<Vec<Found>, String> {
    #[derive(serde::Deserialize)]
    struct Head {
        title: Option<String>,
        id: Option<String>,
    }
    let head: Head = serde_yaml::from_str(text).map_err(|error| format!("it is no Sigma rule: {error}"))?;
    Ok(vec![Found {
        name: head.title.unwrap_or_default(),
        id: Some(identity(head.id.as_deref())),
        text: Box::new(Document { text: text.to_owned(), filters: filters.clone() }),
        is_off: false,
    }])
}

impl RuleText for Document {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Formula, Fault> {
        let unreadable = |error: crate::language::ReadError| Fault::Unreadable(error.reason);
        let rule = sigma::read::read_rule(&self.text, fields).map_err(unreadable)?;
        let wanted = settings.binding.get("logsource").cloned().unwrap_or(Value::Null);
        let has = rule.logsource.clone();
        for (key, value) in [("product", has.product), ("category", has.category), ("service", has.service)] {
            let wanted = wanted.get(key).filter(|wanted| !wanted.is_null()).cloned();
            let value = value.map(|value| json!(value));
            if value != wanted {
                let shown = |value: Option<Value>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
                return Err(Fault::Elsewhere(format!("`logsource.{key}` is {}, not {}", shown(value), shown(wanted))));
            }
        }
        let mut parts = vec![rule.condition.clone()];
        for filter in self.filters.0.iter() {
            // Whom a filter concerns that cannot be read is not known.
            let filter = filter.as_ref().map_err(|reason| Fault::Unreadable(reason.clone()))?;
            if filter.is_for(&rule) {
                parts.push(filter.condition(fields).map_err(unreadable)?);
            }
        }
        Ok(Formula::and(parts))
    }
}
