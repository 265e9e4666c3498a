//! Elastic rules in a pack: one JSON document, or one a line (NDJSON), as Kibana imports them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Fault, Found, RuleText, identity};
use crate::language::{FieldTable, eql, kql};
use crate::logic::Formula;
use crate::target::settings::SourceSettings;

struct Document(Map<String, Value>);

/// The rules of a file.
pub(super) fn read(text: &str) -> Result<Vec<Found>, String> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut rules = Vec::new();
    for document in documents {
        match document {
            Ok(Value::Object(rule)) => rules.push(found(rule)),
            Ok(_) => return Err("a rule is a JSON object".to_owned()),
            Err(error) => return Err(format!("it is no JSON: {error}")),
        }
    }
    Ok(rules)
}

fn found(rule: Map<String, Value>) -> Found {
    let text = |key: &str| rule.get(key).and_then(Value::as_str);
    Found {
        name: text("name").unwrap_or_default().to_owned(),
        id: Some(identity(text("rule_id"))),
        text: Box::new(Document(rule)),
        is_off: false,
    }
}

impl RuleText for Document {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Formula, Fault> {
        let unreadable = |reason: String| Err(Fault::Unreadable(reason));
        let text = |key: &str| self.0.get(key).and_then(Value::as_str).unwrap_or_default();
        let indices = |value: Option<&Value>| -> BTreeSet<String> {
            let items = value.and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (has, wanted) = (indices(self.0.get("index")), indices(settings.binding.get("index")));
        if has != wanted {
            return Err(Fault::Elsewhere(format!("`index` is {has:?}, not {wanted:?}")));
        }
        for key in ["filters", "exceptions_list"] {
            if self.0.get(key).and_then(Value::as_array).is_some_and(|items| !items.is_empty()) {
                return unreadable(format!("`{key}` changes what is found and is not read"));
            }
        }
        if !text("data_view_id").is_empty() {
            return unreadable("`data_view_id` takes the place of `index`, and is not read".to_owned());
        }
        match (text("type"), text("language")) {
            ("query", "kuery") => {
                kql::read::read(text("query"), fields).map_err(|error| Fault::Unreadable(error.to_string()))
            }
            ("eql", "eql") => {
                let (category, formula) =
                    eql::read::read(text("query"), fields).map_err(|error| Fault::Unreadable(error.to_string()))?;
                let wanted = settings.binding.get("event_category").and_then(Value::as_str);
                if category.as_deref() != wanted.filter(|wanted| *wanted != "any") {
                    let shown = |category: Option<&str>| category.unwrap_or("any").to_owned();
                    return Err(Fault::Elsewhere(format!(
                        "it asks `{} where`, not `{} where`",
                        shown(category.as_deref()),
                        shown(wanted)
                    )));
                }
                Ok(formula)
            }
            (kind, language) => unreadable(format!("rules of type `{kind}` in `{language}` are not read")),
        }
    }
}
