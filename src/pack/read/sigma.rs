//! Sigma rules in a pack: one YAML document a file.

use serde_json::{Value, json};

use super::{Fault, Found, RuleText, identity};
use crate::language::{FieldTable, sigma};
use crate::logic::Formula;
use crate::target::settings::SourceSettings;

struct Document(String);

/// The rule of a file.
pub(super) fn read(text: &str) -> Result<Vec<Found>, String> {
    #[derive(serde::Deserialize)]
    struct Head {
        title: Option<String>,
        id: Option<String>,
    }
    let head: Head = serde_yaml::from_str(text).map_err(|error| format!("it is no Sigma rule: {error}"))?;
    Ok(vec![Found {
        name: head.title.unwrap_or_default(),
        id: Some(identity(head.id.as_deref())),
        text: Box::new(Document(text.to_owned())),
    }])
}

impl RuleText for Document {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Formula, Fault> {
        let rule = sigma::read::read_rule(&self.0, fields).map_err(|error| Fault::Unreadable(error.reason))?;
        let wanted = settings.binding.get("logsource").cloned().unwrap_or(Value::Null);
        let has = rule.logsource;
        for (key, value) in [("product", has.product), ("category", has.category), ("service", has.service)] {
            let wanted = wanted.get(key).filter(|wanted| !wanted.is_null()).cloned();
            let value = value.map(|value| json!(value));
            if value != wanted {
                let shown = |value: Option<Value>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
                return Err(Fault::Elsewhere(format!("`logsource.{key}` is {}, not {}", shown(value), shown(wanted))));
            }
        }
        Ok(rule.condition)
    }
}
