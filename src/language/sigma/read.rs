//! Sigma rules as formulas, written from Sigma's specification: selections, and what joins them.

mod condition;
mod encoding;
mod values;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::language::{FieldTable, ReadError};
use crate::logic::{Formula, Path, Subject};

/// What a rule says of where its events come from. Part of its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSource {
    /// `product`, such as `linux`.
    pub product: Option<String>,
    /// `category`, such as `process_creation`.
    pub category: Option<String>,
    /// `service`, such as `auditd`.
    pub service: Option<String>,
}

/// A rule as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its title, if it has one.
    pub title: Option<String>,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Its name, by which other documents may call it, if it has one.
    pub name: Option<String>,
    /// Where its events come from.
    pub logsource: LogSource,
    /// What it says of them.
    pub condition: Formula,
}

/// A filter: what it takes away from rules that stand in other files.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// From which rules, by id or name; from all of its log source without any.
    rules: Option<Vec<String>>,
    /// Of which log source: rules that say no less are meant.
    logsource: LogSource,
    /// Selections and what joins them.
    detection: Value,
}

impl Filter {
    /// Reads a filter: one YAML document. Its condition is read when its fields are known.
    pub fn read(document: serde_yaml::Value) -> Result<Self, ReadError> {
        let document = json(document, 0).map_err(fault)?;
        let Value::Object(filter) = &document else { return Err(fault("a Sigma filter is a mapping".to_owned())) };
        let logsource = logsource(filter, "the filter")?;
        let Some(Value::Object(global)) = filter.get("filter") else {
            return Err(fault("the filter has no `filter`".to_owned()));
        };
        let mut detection = global.clone();
        let rules = match detection.remove("rules") {
            Some(Value::String(text)) if text.eq_ignore_ascii_case("any") => None,
            Some(Value::String(text)) => Some(vec![text]),
            Some(Value::Array(items)) if items.is_empty() => None,
            Some(Value::Array(items)) => {
                let names = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
                Some(names.ok_or_else(|| fault("`rules` are ids or names".to_owned()))?)
            }
            _ => return Err(fault("the filter does not say for which `rules` it is".to_owned())),
        };
        // Several conditions are alternatives in a rule and none in a filter.
        if !detection.get("condition").is_some_and(Value::is_string) {
            return Err(fault("the filter has no `condition`".to_owned()));
        }
        Ok(Self { rules, logsource, detection: Value::Object(detection) })
    }

    /// Whether it takes something away from a rule.
    pub fn is_for(&self, rule: &Rule) -> bool {
        let covers = |mine: &Option<String>, of_rule: &Option<String>| mine.is_none() || mine == of_rule;
        let (mine, of_rule) = (&self.logsource, &rule.logsource);
        let is_called = |name: &str| {
            rule.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name)) || rule.name.as_deref() == Some(name)
        };
        covers(&mine.product, &of_rule.product)
            && covers(&mine.category, &of_rule.category)
            && covers(&mine.service, &of_rule.service)
            && self.rules.as_ref().is_none_or(|rules| rules.iter().any(|name| is_called(name)))
    }

    /// What has to hold beside a rule's own condition.
    pub fn condition(&self, fields: &FieldTable) -> Result<Formula, ReadError> {
        read_detection(&self.detection, fields)
    }
}

/// Reads a rule: one YAML document.
pub fn read_rule(text: &str, fields: &FieldTable) -> Result<Rule, ReadError> {
    let document = serde_yaml::from_str(text).map_err(|error| ReadError {
        offset: error.location().map_or(0, |place| place.index()),
        reason: format!("no YAML: {error}"),
    })?;
    read_document(document, fields)
}

/// Reads a rule that has been parsed.
pub fn read_document(document: serde_yaml::Value, fields: &FieldTable) -> Result<Rule, ReadError> {
    let document = json(document, 0).map_err(fault)?;
    let Value::Object(rule) = &document else { return Err(fault("a Sigma rule is a mapping".to_owned())) };
    for (key, what) in
        [("correlation", "correlation rules"), ("action", "rule collections"), ("filter", "filter rules")]
    {
        if rule.contains_key(key) {
            return Err(fault(format!("{what} are not read")));
        }
    }
    let logsource = logsource(rule, "the rule")?;
    let Some(detection) = rule.get("detection") else {
        return Err(fault("the rule has no `detection`".to_owned()));
    };
    let condition = read_detection(detection, fields)?;
    Ok(Rule { title: string(rule, "title"), id: string(rule, "id"), name: string(rule, "name"), logsource, condition })
}

fn string(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// The log source of a rule or filter.
fn logsource(rule: &Map<String, Value>, what: &str) -> Result<LogSource, ReadError> {
    let Some(Value::Object(map)) = rule.get("logsource") else {
        return Err(fault(format!("{what} has no `logsource`")));
    };
    let known = ["product", "category", "service", "definition"];
    if let Some(other) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(fault(format!("`logsource` has the unknown key `{other}`")));
    }
    Ok(LogSource {
        product: string(map, "product"),
        category: string(map, "category"),
        service: string(map, "service"),
    })
}

/// Reads the condition of a rule: one YAML document.
pub fn read(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    read_rule(text, fields).map(|rule| rule.condition)
}

/// Reads what stands under `detection`: selections and a condition.
pub fn read_detection(detection: &Value, fields: &FieldTable) -> Result<Formula, ReadError> {
    let Value::Object(detection) = detection else {
        return Err(fault("`detection` is no mapping".to_owned()));
    };
    let mut selections = BTreeMap::new();
    for (name, value) in detection {
        match name.as_str() {
            "condition" => {}
            "timeframe" => {
                return Err(fault("`timeframe` counts events over time, which no condition says".to_owned()));
            }
            _ => {
                let formula =
                    selection(value, fields).map_err(|reason| fault(format!("selection `{name}`: {reason}")))?;
                selections.insert(name.clone(), formula);
            }
        }
    }
    match detection.get("condition") {
        Some(Value::String(text)) => condition::read(text, &selections),
        Some(Value::Array(texts)) if !texts.is_empty() => {
            let mut parts = Vec::new();
            for text in texts {
                let Value::String(text) = text else { return Err(fault("a condition is no text".to_owned())) };
                parts.push(condition::read(text, &selections)?);
            }
            Ok(Formula::or(parts))
        }
        _ => Err(fault("`detection` has no `condition`".to_owned())),
    }
}

/// A map is a conjunction, a list a disjunction; a text by itself is a keyword.
fn selection(value: &Value, fields: &FieldTable) -> Result<Formula, String> {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let parts: Result<Vec<_>, String> = map.iter().map(|(key, value)| field(key, value, fields)).collect();
            Ok(Formula::and(parts?))
        }
        Value::Array(items) if !items.is_empty() => {
            if items.iter().all(|item| !item.is_object() && !item.is_array()) {
                return values::read(Subject::Anywhere, "", value, fields);
            }
            let parts: Result<Vec<_>, String> = items
                .iter()
                .map(|item| match item {
                    Value::Array(_) => Err("a list stands in a list".to_owned()),
                    item => selection(item, fields),
                })
                .collect();
            Ok(Formula::or(parts?))
        }
        Value::Object(_) | Value::Array(_) => Err("it is empty".to_owned()),
        Value::Null => Err("a keyword is null".to_owned()),
        scalar => values::read(Subject::Anywhere, "", scalar, fields),
    }
}

fn field(key: &str, value: &Value, fields: &FieldTable) -> Result<Formula, String> {
    let (name, modifiers) = key.split_once('|').unwrap_or((key, ""));
    let subject = match name {
        "" => Subject::Anywhere,
        name => Subject::Field(Path::from_segments([name])),
    };
    values::read(subject, modifiers, value, fields).map_err(|reason| format!("`{key}`: {reason}"))
}

fn fault(reason: String) -> ReadError {
    ReadError { offset: 0, reason }
}

/// YAML as JSON; keys are texts.
fn json(yaml: serde_yaml::Value, depth: usize) -> Result<Value, String> {
    if depth > 50 {
        return Err("the document nests too deeply".to_owned());
    }
    Ok(match yaml {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(value) => Value::Bool(value),
        serde_yaml::Value::String(text) => Value::String(text),
        serde_yaml::Value::Number(number) => serde_json::to_value(&number).map_err(|error| error.to_string())?,
        serde_yaml::Value::Sequence(items) => {
            Value::Array(items.into_iter().map(|item| json(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        serde_yaml::Value::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    serde_yaml::Value::String(text) => text,
                    serde_yaml::Value::Number(number) => number.to_string(),
                    _ => return Err("a key is no text".to_owned()),
                };
                let value = json(value, depth + 1)?;
                if map.insert(key.clone(), value).is_some() {
                    return Err(format!("the key `{key}` stands twice"));
                }
            }
            Value::Object(map)
        }
        serde_yaml::Value::Tagged(tagged) => return Err(format!("the YAML tag `{}` is not read", tagged.tag)),
    })
}

#[cfg(test)]
mod tests;
