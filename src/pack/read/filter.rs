//! Filters that somebody has set on an Elastic rule in Kibana, as KQL: Kibana makes the same queries of both.

use serde_json::{Map, Value};

/// What has to hold beside a rule's query, none for filters that are switched off; or why that is not read.
pub(super) fn conditions(filters: &Value) -> Result<Vec<String>, String> {
    let filters = match filters {
        Value::Null => return Ok(Vec::new()),
        Value::Array(filters) => filters,
        _ => return Err("`filters` is no list".to_owned()),
    };
    let mut all = Vec::new();
    for filter in filters {
        let meta = |key: &str| filter.get("meta").and_then(|meta| meta.get(key)).and_then(Value::as_bool) == Some(true);
        if meta("disabled") {
            continue;
        }
        // Those of old versions have the query beside `meta`.
        let query = filter.get("query").cloned().or_else(|| {
            let mut query = filter.as_object()?.clone();
            query.retain(|key, _| key != "meta" && key != "$state");
            Some(Value::Object(query))
        });
        let text = query.as_ref().and_then(|query| one(query, 0)).ok_or_else(|| {
            format!("a filter is not read: `{}`", query.as_ref().map(Value::to_string).unwrap_or_default())
        })?;
        all.push(if meta("negate") { format!("not {text}") } else { text });
    }
    Ok(all)
}

/// A query with parentheses around it.
fn one(query: &Value, depth: usize) -> Option<String> {
    let [(kind, body)] = query.as_object().filter(|_| depth < 20)?.iter().collect::<Vec<_>>()[..] else { return None };
    match kind.as_str() {
        "match_phrase" => {
            let [(field, value)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let value = match value {
                Value::Object(map) if map.len() == 1 => map.get("query")?,
                value => value,
            };
            Some(format!("({}: {})", name(field)?, text(value)?))
        }
        "exists" => {
            Some(format!("({}: *)", name(body.as_object().filter(|map| map.len() == 1)?.get("field")?.as_str()?)?))
        }
        "range" => {
            let [(field, bounds)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let bound = |(key, value): (&String, &Value)| {
                let sign = match key.as_str() {
                    "gt" => ">",
                    "gte" => ">=",
                    "lt" => "<",
                    "lte" => "<=",
                    _ => return None,
                };
                Some(format!("{} {sign} {}", name(field)?, value.as_f64().map(|_| value)?))
            };
            let bounds: Vec<String> = bounds.as_object()?.iter().map(bound).collect::<Option<_>>()?;
            // A number of a list that is within both bounds is one; that is more than two tests say.
            (bounds.len() == 1).then(|| format!("({})", bounds.concat()))
        }
        "bool" => all_of(body.as_object()?, depth),
        _ => None,
    }
}

/// A query of several others.
fn all_of(body: &Map<String, Value>, depth: usize) -> Option<String> {
    let each = |key: &str| -> Option<Vec<String>> {
        match body.get(key) {
            None => Some(Vec::new()),
            Some(Value::Array(queries)) => queries.iter().map(|query| one(query, depth + 1)).collect(),
            Some(query) => Some(vec![one(query, depth + 1)?]),
        }
    };
    if body
        .keys()
        .any(|key| !matches!(key.as_str(), "must" | "filter" | "should" | "must_not" | "minimum_should_match"))
    {
        return None;
    }
    let (mut all, any) = ([each("must")?, each("filter")?].concat(), each("should")?);
    // Beside others, one of these is wanted only if it is said so.
    let is_wanted = match body.get("minimum_should_match") {
        None => all.is_empty(),
        Some(least) if least.as_u64() == Some(1) || least.as_str() == Some("1") => true,
        Some(_) => return None,
    };
    if !any.is_empty() && is_wanted {
        all.push(format!("({})", any.join(" or ")));
    }
    all.extend(each("must_not")?.into_iter().map(|query| format!("(not {query})")));
    (!all.is_empty()).then(|| format!("({})", all.join(" and ")))
}

/// A field's name, if KQL takes it as it is.
fn name(field: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-' | '/');
    (!field.is_empty() && field.chars().all(is_plain)).then_some(field)
}

/// A value in quotes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.contains(char::is_control) => {
            Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_are_conditions_in_kql() {
        let phrase = |value: &str| json!({ "match_phrase": { "user.name": value } });
        for (filter, text) in [
            (json!({ "query": phrase("a \"b\\") }), r#"(user.name: "a \"b\\")"#),
            (json!({ "meta": { "negate": true }, "query": phrase("root") }), r#"not (user.name: "root")"#),
            (json!({ "query": { "match_phrase": { "a": { "query": true } } } }), "(a: true)"),
            (json!({ "meta": {}, "$state": { "store": "appState" }, "exists": { "field": "a" } }), "(a: *)"),
            (json!({ "query": { "range": { "a": { "gte": 3 } } } }), "(a >= 3)"),
            (
                json!({ "query": { "bool": { "should": [phrase("x"), phrase("y")], "minimum_should_match": 1 } } }),
                r#"(((user.name: "x") or (user.name: "y")))"#,
            ),
            (
                json!({ "query": { "bool": { "filter": phrase("x"), "should": [phrase("y")], "must_not": [phrase("z")] } } }),
                r#"((user.name: "x") and (not (user.name: "z")))"#,
            ),
        ] {
            assert_eq!(conditions(&json!([filter])), Ok(vec![text.to_owned()]), "{filter}");
        }
        assert_eq!(conditions(&json!([{ "meta": { "disabled": true }, "query": { "x": 1 } }])), Ok(Vec::new()));
        for filter in [
            json!({ "query": { "wildcard": { "a": "x*" } } }),
            json!({ "query": { "range": { "a": { "gte": 3, "lt": 5 } } } }),
            json!({ "query": { "range": { "@timestamp": { "gte": "now-1h" } } } }),
            json!({ "query": { "match_phrase": { "a": { "query": "x", "slop": 2 } } } }),
            json!({ "query": { "bool": { "should": [phrase("x")], "minimum_should_match": 2 } } }),
            json!({ "query": { "exists": { "field": "a b" } } }),
            json!({ "meta": {} }),
            json!("x"),
        ] {
            assert!(conditions(&json!([filter])).is_err(), "{filter}");
        }
    }
}
