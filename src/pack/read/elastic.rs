//! Elastic rules in a pack: one JSON document, or one a line (NDJSON), as Kibana imports them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::exception_list::{Exceptions, is_exception};
use super::filter;
use super::query::Query;
use super::throttle::{self, Held};
use super::{Condition, Fault, Found, Grade, RuleText, identity, schedule};
use crate::language::{FieldTable, eql, kql};
use crate::logic::Formula;
use crate::target::context::ThrottleContext;
use crate::target::settings::SourceSettings;

struct Document {
    rule: Map<String, Value>,
    /// The exception lists of the pack.
    exceptions: Arc<Exceptions>,
}

/// The alerts that Kibana makes in one run of a rule that does not say it.
const MOST_ALERTS: u64 = 100;
/// The field that says when an event came in.
const ARRIVAL: &str = "event.ingested";
/// The fields that Kibana holds alerts back by, at most.
const MOST_GROUPS: usize = 3;

/// The rules of a file. Kibana imports NDJSON line by line.
pub(super) fn read(path: &str, text: &str, exceptions: &Arc<Exceptions>) -> Result<Vec<Found>, String> {
    if path.ends_with(".ndjson") {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (index, line) in lines {
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(line) {
                return Err(format!("line {} is not one JSON document, as Kibana wants it: {error}", index + 1));
            }
        }
    }
    let mut rules = Vec::new();
    for document in documents(text) {
        match document {
            Ok(Value::Object(document)) if is_beside(&document) => {}
            Ok(Value::Object(rule)) => rules.push(found(rule, exceptions.clone())),
            Ok(_) => return Err("a rule is a JSON object".to_owned()),
            Err(error) => return Err(format!("it is no JSON: {error}")),
        }
    }
    Ok(rules)
}

/// The documents of a file.
pub(super) fn documents(text: &str) -> impl Iterator<Item = serde_json::Result<Value>> {
    serde_json::Deserializer::from_str(text).into_iter()
}

/// Whether a document is one of those that Kibana exports beside rules: an exception, a connector, or the summary.
fn is_beside(document: &Map<String, Value>) -> bool {
    is_exception(document) || document.contains_key("attributes") || document.contains_key("exported_count")
}

/// Whether a file looks like it has a rule, wherever it is.
pub(super) fn has_rule(path: &str, bytes: &[u8]) -> bool {
    let name: &[u8] = b"\"rule_id\"";
    (path.ends_with(".json") || path.ends_with(".ndjson")) && bytes.windows(name.len()).any(|part| part == name)
}

/// Whether a setting says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn found(rule: Map<String, Value>, exceptions: Arc<Exceptions>) -> Found {
    let text = |key: &str| rule.get(key).and_then(Value::as_str);
    Found {
        name: text("name").unwrap_or_default().to_owned(),
        id: Some(identity(text("rule_id"))),
        is_off: rule.get("enabled") == Some(&Value::Bool(false)),
        muted: Vec::new(),
        text: Box::new(Document { rule, exceptions }),
    }
}

impl Document {
    /// That Kibana imports no such rule, because a setting is of another type than it wants.
    fn refused(&self) -> Vec<String> {
        let is_right = |key: &str, value: &Value| match key {
            "enabled" => value.is_boolean(),
            "max_signals" => value.as_u64().is_some_and(|most| most > 0),
            _ => value.is_string(),
        };
        let said = ["enabled", "max_signals", "interval", "from", "to"]
            .into_iter()
            .filter_map(|key| Some((key, self.rule.get(key).filter(|value| !value.is_null())?)));
        let wrong = said.filter(|(key, value)| !is_right(key, value));
        wrong.map(|(key, value)| format!("`{key}` is `{value}`: Kibana imports no such rule")).collect()
    }

    /// What has to hold beside the query: filters, and that nothing is excepted.
    fn beside(&self) -> Result<Vec<Query>, String> {
        let of = |key: &str| self.rule.get(key).unwrap_or(&Value::Null);
        let mut beside = filter::conditions(of("filters"))?;
        beside.extend(self.exceptions.of(of("exceptions_list"))?.into_iter().map(Query::negated));
        Ok(beside)
    }

    /// What the rule holds back although the detection does not ask for it.
    fn held_back(&self, wanted: Option<&ThrottleContext>) -> Option<String> {
        let suppression = self.rule.get("alert_suppression").filter(|suppression| !suppression.is_null())?;
        let by = suppression.get("group_by").and_then(Value::as_array).into_iter().flatten();
        let by = by.filter_map(Value::as_str).map(str::to_owned).collect();
        // Without a duration, what is found in one run becomes one alert; that is told.
        let duration = suppression.get("duration")?;
        let (value, unit) = (duration.get("value")?.as_u64()?, duration.get("unit")?.as_str()?);
        let seconds = schedule::length(&format!("{value}{unit}"))?;
        let mut wanted = wanted.cloned();
        if let Some(wanted) = &mut wanted {
            wanted.by.truncate(MOST_GROUPS);
        }
        throttle::lost("alert_suppression", &Held { seconds, by }, wanted.as_ref())
    }
}

impl RuleText for Document {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Condition, Fault> {
        let unreadable = |reason: String| Err(Fault::Unreadable(reason));
        let text = |key: &str| self.rule.get(key).and_then(Value::as_str).unwrap_or_default();
        let indices = |value: Option<&Value>| -> BTreeSet<String> {
            let items = value.and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (has, wanted) = (indices(self.rule.get("index")), indices(settings.binding.get("index")));
        if has != wanted {
            let listed = |items: &BTreeSet<String>, than: &BTreeSet<String>| {
                items.difference(than).map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
            };
            let changes = [
                (listed(&wanted, &has), "is missing from `index`: the events there are never searched"),
                (listed(&has, &wanted), "was added to `index`: events that are of no concern are searched"),
            ];
            let changes = changes.iter().filter(|(items, _)| !items.is_empty());
            let changes: Vec<String> = changes.map(|(items, what)| format!("{items} {what}")).collect();
            return Err(Fault::Elsewhere(changes.join("; ")));
        }
        let kql = |text: &str| kql::read::read(text, fields).map_err(|error| Fault::Unreadable(error.to_string()));
        let beside = self.beside().map_err(Fault::Unreadable)?.into_iter();
        let beside = beside.map(|query| query.condition(fields)).collect::<Result<Vec<Condition>, _>>();
        let beside = beside.map_err(|error| Fault::Unreadable(format!("a filter or exception: {}", error.reason)))?;
        let filtered = |formula: Formula| Condition::and([formula.into()].into_iter().chain(beside));
        // What EQL takes for the category and the time of an event, and what Kibana looks for new events by.
        for (key, usual) in [("event_category_override", "event.category"), ("timestamp_field", "@timestamp")] {
            if self.rule.get(key).is_some_and(|field| !is_empty(field) && field != usual) {
                return unreadable(format!("`{key}` takes the place of `{usual}`, and is not read"));
            }
        }
        if !text("data_view_id").is_empty() {
            return unreadable("`data_view_id` takes the place of `index`, and is not read".to_owned());
        }
        match (text("type"), text("language")) {
            ("query", "kuery") => Ok(filtered(kql(text("query"))?)),
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
                Ok(filtered(formula))
            }
            (kind, language) => unreadable(format!("rules of type `{kind}` in `{language}` are not read")),
        }
    }

    fn losses(&self, throttle: Option<&ThrottleContext>) -> Vec<String> {
        let text = |key: &str, default| self.rule.get(key).and_then(Value::as_str).unwrap_or(default);
        // What Kibana takes where a rule does not say it.
        let (interval, from, to) = (text("interval", "5m"), text("from", "now-6m"), text("to", "now"));
        let untimely = if schedule::length(interval).is_none_or(|seconds| seconds < 1) {
            Some(format!("`interval` is `{interval}`, which is no time: nothing starts the rule"))
        } else if !to.trim().starts_with("now") {
            Some(format!("`to` is `{to}`: what happens later is never searched"))
        } else if let Some(time) = [from, to].into_iter().find(|time| !schedule::is_read_by_elastic(time)) {
            Some(format!("it looks at events from or to `{time}`, which is not read"))
        } else {
            schedule::never_searched_every(interval, from, to)
        };
        let most = self.rule.get("max_signals").and_then(Value::as_u64).filter(|most| *most < MOST_ALERTS);
        let silence = most.map(|most| format!("`max_signals` is {most}: what one run finds beyond is told to nobody"));
        let block = self.rule.get("building_block_type").filter(|kind| !kind.is_null());
        let hidden = block.map(|_| "`building_block_type` hides what it finds from the list of alerts".to_owned());
        let strict = self.rule.get("timestamp_override_fallback_disabled") == Some(&Value::Bool(true));
        let timeless = (strict && !text("timestamp_override", "").is_empty()).then(|| {
            "`timestamp_override_fallback_disabled`: events without the field of `timestamp_override` are never searched"
                .to_owned()
        });
        let more = [untimely, silence, self.held_back(throttle), hidden, timeless].into_iter().flatten();
        self.refused().into_iter().chain(more).collect()
    }

    fn remarks(&self, grade: &Grade) -> Vec<String> {
        const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];
        let severity = grade.lowered("severity", self.rule.get("severity").and_then(Value::as_str), &SEVERITIES);
        let risk = grade.risk_lowered("risk_score", self.rule.get("risk_score").and_then(Value::as_f64));
        // Of some events, such a list makes something else.
        let mapped = ["severity_mapping", "risk_score_mapping"]
            .into_iter()
            .filter(|key| self.rule.get(*key).and_then(Value::as_array).is_some_and(|mapping| !mapping.is_empty()));
        let mapped = mapped.map(|key| format!("`{key}` makes something else of it for some events"));
        let time = self.rule.get("timestamp_override").and_then(Value::as_str).unwrap_or_default();
        let late = (time != ARRIVAL).then(|| {
            let shown = if time.is_empty() { "is missing".to_owned() } else { format!("is `{time}`, not `{ARRIVAL}`") };
            format!("`timestamp_override` {shown}: events that come in later than a run looks back are never searched")
        });
        severity.into_iter().chain(risk).chain(mapped).chain(late).collect()
    }
}
